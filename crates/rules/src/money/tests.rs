//! D-1 to D-5: the vectors of the page, our corpora, and CLDR's amounts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kilat_domain::Money;
use serde_json::Value;

use super::{Locale, NotFound, Notation, Policy, Preset, extract, from_major, preset, print, read_capture};

fn indonesian() -> Locale {
    Locale::parse("id-ID").expect("a locale")
}

fn preset(name: &str) -> &'static Preset {
    preset::ALL.iter().find(|preset| preset.name == name).expect("a preset")
}

/// What a preset makes of a text: an amount as people read it, `ambiguous` or `no_match`.
fn check(text: &str, name: &str, policy: Policy) -> String {
    let (locale, preset) = (indonesian(), preset(name));
    match extract(text, preset, policy, Notation { locale: &locale, currency: "IDR" }) {
        Ok(found) => print(&found.money),
        Err(not_found) => not_found.reason().to_owned(),
    }
}

/// Proves F-76, D-1 and D-2.
#[test]
fn the_vectors_of_d2_hold() {
    for (text, expected) in [
        ("Rp1500000", "1500000 IDR"),
        ("Rp 1.500.000", "1500000 IDR"),
        ("1.500.000", "1500000 IDR"),
        ("IDR 1.500.000", "1500000 IDR"),
        ("Rp. 1.500.000", "1500000 IDR"),
        ("rp 1.500.000", "1500000 IDR"),
        ("Rp 1.500", "1500 IDR"),
        ("Rp1.500.000,00", "1500000 IDR"),
        ("Rp 1.500.000,-", "1500000 IDR"),
        ("Total:1500000", "1500000 IDR"),
        ("Total : Rp 1.500.000", "1500000 IDR"),
        ("Order 1234 Rp 50.000", "50000 IDR"),
        ("Payment received Rp 1.500.000 for order 4455", "1500000 IDR"),
        ("Rp 50rb", "50000 IDR"),
        ("Rp50k", "50000 IDR"),
        ("1,5jt", "1500000 IDR"),
        ("Rp 1.5 juta", "1500000 IDR"),
        ("Rp 1,500,000.00", "1500000 IDR"),
        ("1,500,000", "1500000 IDR"),
        ("Rp 1,500", "ambiguous"),
        ("12.5", "ambiguous"),
        ("Rp 1.50.000", "ambiguous"),
        ("DP Rp 500.000 sisa Rp 1.000.000", "ambiguous"),
        ("Rp", "no_match"),
        ("", "no_match"),
        ("08123456789", "no_match"),
    ] {
        assert_eq!(check(text, "flexible_rupiah", Policy::Only), expected, "{text:?}");
    }
}

/// Proves D-3.
#[test]
fn a_capture_is_normalised_and_stripped_at_its_edges() {
    let locale = indonesian();
    let read = |text: &str| read_capture(text, Notation { locale: &locale, currency: "IDR" }).map(|f| print(&f.money));
    assert_eq!(read("1.500.000,").as_deref(), Ok("1500000 IDR"));
    assert_eq!(read("1.500.000.").as_deref(), Ok("1500000 IDR"));
    assert_eq!(read("."), Err(NotFound::NoMatch));
    assert_eq!(read(""), Err(NotFound::NoMatch));
    assert_eq!(read("1.50.000"), Err(NotFound::Ambiguous));
}

/// Proves F-77 to F-80, D-4 and D-5.
#[test]
fn presets_take_a_number_whole_or_not_at_all() {
    for (preset, text, expected) in [
        ("rp_with_dots", "Rp 1.500.000", "1500000 IDR"),
        ("rp_with_dots", "Rp1500000", "no_match"),
        ("rp_with_dots", "1.500.000", "no_match"),
        ("rp_without_dots", "Rp1500000", "1500000 IDR"),
        ("rp_without_dots", "Rp 1.500.000", "no_match"),
        ("rp_without_dots", "Rp 1,500,000", "no_match"),
        ("total", "Total:1500000", "1500000 IDR"),
        ("total", "Total : Rp 1.500.000", "1500000 IDR"),
        ("total", "TOTAL: rp 50rb ya kak, order 4455", "50000 IDR"),
        ("total", "Subtotal: 50.000", "no_match"),
        ("total", "harga 50.000", "no_match"),
        ("numbers_only", "1500000", "1500000 IDR"),
        ("numbers_only", "Rp 1.500.000", "no_match"),
        ("numbers_only", "order 4455 bayar 1500000", "ambiguous"),
        ("numbers_only", "081234567890", "no_match"),
        ("numbers_only", "628123456789", "no_match"),
        ("numbers_only", "Order 1234 Rp 50.000", "no_match"),
        ("total", "Total: 081234567890", "no_match"),
    ] {
        assert_eq!(check(text, preset, Policy::Only), expected, "{preset} {text:?}");
    }
}

#[test]
fn policies_choose_among_several_amounts() {
    let text = "DP Rp 500.000 sisa Rp 1.000.000";
    for (policy, expected) in [
        (Policy::Only, "ambiguous"),
        (Policy::First, "500000 IDR"),
        (Policy::Last, "1000000 IDR"),
        (Policy::Max, "1000000 IDR"),
        (Policy::Sum, "1500000 IDR"),
    ] {
        assert_eq!(check(text, "flexible_rupiah", policy), expected, "{policy:?}");
    }
    assert_eq!(check("Rp 50.000, ya Rp50.000", "flexible_rupiah", Policy::Only), "50000 IDR", "one value twice");
}

#[test]
fn what_is_no_amount_is_left_out() {
    for (text, expected) in [
        ("transfer 50.000 tgl 20/11/2026 jam 10:30", "50000 IDR"),
        ("diskon 10% jadi 45.000", "45000 IDR"),
        ("INV1234 50.000", "50000 IDR"),
        ("2pcs 50.000", "50000 IDR"),
        ("bayar 50.000 ke 081234567890", "50000 IDR"),
        ("$120", "120 USD"),
        ("$5, jadi Rp 80.000", "80000 IDR"),
        ("50.000 rupiah", "50000 IDR"),
        ("harga ５０.０００", "50000 IDR"),
    ] {
        assert_eq!(check(text, "flexible_rupiah", Policy::Only), expected, "{text:?}");
    }
}

#[test]
fn minor_units_follow_the_currency() {
    let money = |minor, currency: &str| Some(Money { minor, currency: currency.into() });
    let number = |text| crate::syntax::number(text).expect("a number");
    assert_eq!(from_major(number("1500000"), "IDR"), money(150_000_000, "IDR"));
    assert_eq!(from_major(number("12.5"), "USD"), money(1_250, "USD"));
    assert_eq!(from_major(number("12"), "JPY"), money(12, "JPY"));
    assert_eq!(from_major(number("12.5"), "JPY"), None);
    assert_eq!(from_major(number("1.234"), "KWD"), money(1_234, "KWD"));
    assert_eq!(from_major(number("-3"), "USD"), money(-300, "USD"));
    assert_eq!(print(&Money { minor: 1_205, currency: "USD".into() }), "12.05 USD");
    assert_eq!(print(&Money { minor: -50, currency: "USD".into() }), "-0.50 USD");
}

/// Where we differ from CLDR: the rule, and the lines of amounts.jsonl.
const DIFFERENT: &[(&str, &[usize])] = &[
    ("a word without a digit is no amount (D-3)", &[781]),
    ("a number starts with a digit (D-1)", &[1035, 1036, 1037]),
    ("digits glued to letters are a code (D-4)", &[1082, 1083, 1084, 1085, 1086, 1087, 1088, 1089]),
    ("too many digits for an amount", &[1176, 1177, 1178]),
    (
        "a lone decimal mark has one or two digits (D-2)",
        &[1002, 1004, 1005, 1007, 1062, 1064, 1069, 1076, 1079, 1081, 1131, 1162, 1164, 1165, 1167, 1434],
    ),
    ("decimals behind groups are one or two digits (D-2)", &[1171, 1175]),
    ("the first group has one to three digits (D-2)", &[1163]),
    ("a point with three digits groups, whatever the language (D-2)", &[1003, 1063, 1132]),
];

/// Why we answer differently from CLDR, by the rules of D-1 to D-5; `None` where nothing explains it.
fn explanation(text: &str, locale: &Locale, ours: &Result<String, NotFound>) -> Option<&'static str> {
    let digits = |text: &str| text.chars().filter(|c| super::normalise::digit(*c).is_some()).count();
    let spelling = text.trim().trim_start_matches(|c: char| !c.is_numeric() && c != '.');
    let decimals = spelling.rsplit_once(locale.decimal).map_or(0, |(_, decimals)| digits(decimals));
    let marks = spelling.chars().filter(|c| matches!(c, '.' | ',')).count();
    let groups_by_point = locale.decimal == ',' && spelling.contains('.') && !spelling.contains(',');
    match ours {
        Err(NotFound::NoMatch) if digits(text) == 0 => Some("a word without a digit is no amount (D-3)"),
        Err(NotFound::Ambiguous) if digits(text) > 18 => Some("too many digits for an amount"),
        Err(NotFound::NoMatch) if spelling.contains(['e', '_']) => Some("digits glued to letters are a code (D-4)"),
        Err(NotFound::NoMatch) if spelling.starts_with('.') => Some("a number starts with a digit (D-1)"),
        Err(NotFound::Ambiguous) if decimals > 2 && marks == 1 => {
            Some("a lone decimal mark has one or two digits (D-2)")
        }
        Err(NotFound::Ambiguous) if decimals > 2 => Some("decimals behind groups are one or two digits (D-2)"),
        Err(NotFound::Ambiguous) if groups_by_point => Some("the first group has one to three digits (D-2)"),
        Ok(_) if groups_by_point && digits(spelling) == 4 => {
            Some("a point with three digits groups, whatever the language (D-2)")
        }
        _ => None,
    }
}

#[test]
fn amounts_differ_from_cldr_only_where_a_rule_says_so() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/amounts.jsonl");
    let Ok(rows) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let mut reasons: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let (mut same, mut unexplained) = (0, Vec::new());
    for (number, row) in (1..).zip(rows.lines()) {
        let row: Value = serde_json::from_str(row).expect("a row");
        let Some(expected) = row["expected"].as_str() else { continue };
        let locale = Locale::parse(row["locale"].as_str().expect("a locale")).expect("a known form");
        let currency = row["currency"].as_str().unwrap_or("IDR");
        let text = row["text"].as_str().expect("a text");
        let notation = Notation { locale: &locale, currency };
        let ours = extract(text, preset("flexible_rupiah"), Policy::Only, notation)
            .map(|found| super::print_major(&found.money));
        let expected: f64 = expected.parse().expect("a number");
        if ours.as_ref().is_ok_and(|ours| ours.parse::<f64>().is_ok_and(|ours| (ours - expected).abs() < 1e-9)) {
            same += 1;
        } else {
            match explanation(text, &locale, &ours) {
                Some(reason) => reasons.entry(reason).or_default().push(number),
                None => unexplained.push(format!("line {number}: {row} ours {ours:?}")),
            }
        }
    }
    assert!(unexplained.is_empty(), "{} unexplained:\n{}", unexplained.len(), unexplained.join("\n"));
    let expected = DIFFERENT.iter().map(|(reason, lines)| (*reason, lines.to_vec()));
    assert_eq!((same, reasons), (1_336, expected.collect()), "of 1373 rows with an answer");
}
