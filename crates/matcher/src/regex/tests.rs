//! Regexes find what the specification says, within their bounds, and never miss behind their literals.

use std::ops::ControlFlow;

use super::{
    Case, FiledRegex, HAYSTACK_CHARS_MAX, LAZY_DFA_BYTES_MAX, MATCHES_MAX, Regex, RegexError, RegexScratch, hash_of,
    scratch,
};
use crate::fold::map_into;
use crate::keywords::{HitSet, KeywordSetBuilder};
use proptest::prelude::*;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern, Case::Insensitive).unwrap()
}

fn capture<'t>(pattern: &str, text: &'t str) -> Option<&'t str> {
    regex(pattern).find(text, &mut RegexScratch::new()).and_then(|found| found.value).map(|value| &text[value])
}

/// Proves F-20 and D-6.
#[test]
fn the_group_named_value_is_captured_else_the_first() {
    assert_eq!(capture(r"Rp\s*([0-9.,]+)", "bayar RP 1.500.000 ya"), Some("1.500.000"));
    assert_eq!(capture(r"(total|jumlah)\s*(?P<value>\d+)", "Jumlah 1500"), Some("1500"));
    assert_eq!(capture(r"(?:rp)\d+", "rp50"), None);
    assert_eq!(capture(r"a(b)?", "A"), None);
    assert!(regex(r"(a)").has_capture());
    assert!(!regex(r"(?:a)").has_capture());
}

/// Proves D-6.
#[test]
fn case_counts_only_where_it_is_asked_for() {
    let mut scratch = RegexScratch::new();
    assert!(regex("order").is_match("ORDER", &mut scratch));
    assert!(!Regex::new("order", Case::Sensitive).unwrap().is_match("ORDER", &mut scratch));
    assert!(regex("заказ").is_match("ЗАКАЗ", &mut scratch));
}

/// Proves D-6.
#[test]
fn only_the_first_4096_characters_are_searched() {
    let mut scratch = RegexScratch::new();
    let fits = format!("{}z", "é".repeat(HAYSTACK_CHARS_MAX - 1));
    assert!(regex("z").is_match(&fits, &mut scratch));
    assert!(!regex("z").is_match(&format!("é{fits}"), &mut scratch));
    assert!(regex("é$").is_match(&format!("é{fits}"), &mut scratch));
}

/// Proves D-6.
#[test]
fn hostile_patterns_are_refused_with_the_limit() {
    let refusal = |pattern: &str| Regex::new(pattern, Case::Insensitive).unwrap_err();
    assert_eq!(refusal(&"a".repeat(513)).to_string(), "the pattern has 513 characters, the limit is 512");
    assert!(matches!(refusal(r"\w{1000}"), RegexError::TooLarge));
    assert!(matches!(refusal(r"(?=a)"), RegexError::Syntax(_)));
    assert!(matches!(refusal(r"(a)\1"), RegexError::Syntax(_)));
    assert!(matches!(refusal(&"(".repeat(400)), RegexError::Syntax(_)));
    assert!(matches!(refusal(&format!("{}a{}", "(".repeat(100), ")".repeat(100))), RegexError::Syntax(_)));
    regex(r"order\s*#?\s*(\w{4,10})");
}

#[test]
fn every_match_is_reported_once_up_to_the_bound() {
    let spans = |pattern: &str, text: &str| {
        let mut spans = Vec::new();
        regex(pattern).each_match(text, &mut RegexScratch::new(), |found| {
            spans.push(found.span);
            ControlFlow::Continue(())
        });
        spans
    };
    assert_eq!(spans(r"\d+", "1 22 é333"), [0..1, 2..4, 7..10]);
    assert_eq!(spans(r"x*", "éxx"), [0..0, 2..4, 4..4]);
    assert_eq!(spans("a", &"a".repeat(1000)).len(), MATCHES_MAX);
}

#[test]
fn patterns_that_share_a_scratch_do_not_mix() {
    let mut scratch = RegexScratch::new();
    let patterns: Vec<Regex> = (0..1_000).map(|i| regex(&format!("k{i}(x)?$"))).collect();
    for _ in 0..2 {
        for (i, pattern) in patterns.iter().enumerate() {
            assert!(pattern.is_match(&format!("K{i}"), &mut scratch));
            assert!(!pattern.is_match(&format!("k{}", i + 1), &mut scratch));
            assert!(pattern.find(&format!("k{i}x"), &mut scratch).unwrap().value.is_some());
        }
    }
}

#[test]
fn a_small_pattern_takes_the_place_of_a_large_one() {
    // An automaton of so many states that the sets of its search alone are larger than the cache of a small one.
    let large = regex("(?:[a-z]{1,100}[0-9]){8}");
    assert!(16 * large.states() > LAZY_DFA_BYTES_MAX, "{} states", large.states());
    let place = |pattern: &str| hash_of(pattern, Case::Insensitive) as usize % scratch::PLACES;
    let small = (0..).map(|n| format!("a{n}+b")).find(|small| place(small) == place(large.as_str())).unwrap();
    let mut scratch = RegexScratch::new();
    for _ in 0..2 {
        assert!(!large.is_match("kata 1", &mut scratch));
        assert!(regex(&small).is_match(&small.replace('+', ""), &mut scratch));
    }
}

#[test]
fn literals_are_what_a_reader_would_pick() {
    fn check(pattern: &str, expect: Option<&[&str]>) {
        let literals = regex(pattern).required_literals().map(<[String]>::to_vec);
        assert_eq!(literals, expect.map(|literals| literals.iter().map(ToString::to_string).collect()), "{pattern}");
    }
    check(r"Rp\s*([0-9.,]+)", Some(&["rp"]));
    check(r"(?:Rp|IDR)\.?\s*(\d+)", Some(&["rp", "idr"]));
    check(r"payment received", Some(&["payment received"]));
    check(r"total\s*:?\s*(\d+)", Some(&["total"]));
    check(r"\w+@gmail\.com\s", Some(&["@gmail.com"]));
    check(r"order[- ]?id: (\w+)", Some(&["orderid:", "order id:", "order-id:"]));
    check(r"(\d+)\s*(?:ribu|juta) ", Some(&["juta", "ribu"]));
    // The first and the last turn of a repetition, beside what stands next to it.
    check(r"3[0-9]{2,4} ?(?:k|rb)", Some(&["30", "31", "32", "33", "34", "35", "36", "37", "38", "39"]));
    check(r"[a-z]+[89]{3,}k", Some(&["8k", "9k"]));
    check(r"(?:ab){2,}", Some(&["ab"]));
    check(r"#[XY]{9}\d+", Some(&["#x", "#y"]));
    check(r"[0-9]+", None);
    check(r"a*", None);
    check(r"(?:order|beli)?", None);
    check(r"我想订购", Some(&["我想订购"]));
}

#[test]
fn a_second_set_of_literals_is_asked_for_where_it_is_rare() {
    let sets = |pattern: &str| {
        let pattern = regex(pattern);
        pattern.compiled.required.iter().map(|set| set.literals.clone()).collect::<Vec<_>>()
    };
    assert_eq!(sets("order.{0,20}kirim"), [["kirim"], ["order"]]);
    assert_eq!(sets("order.{0,20}an"), [["order"]]);
}

/// Whether each pattern matches the text, by its literals.
fn filed_matches(patterns: &[&str], text: &str) -> Vec<bool> {
    let mut builder = KeywordSetBuilder::new();
    let filed: Vec<FiledRegex> =
        patterns.iter().map(|pattern| FiledRegex::new(&regex(pattern), &mut builder).unwrap()).collect();
    let (keywords, mut hits, mut scratch) = (builder.build(), HitSet::new(), RegexScratch::new());
    keywords.fold_and_scan(text, &mut String::new(), &mut hits);
    filed.iter().map(|filed| filed.is_match(text, &mut hits, &mut scratch)).collect()
}

#[test]
fn patterns_are_confirmed_where_their_literals_are() {
    let check = |pattern: &str, text: &str, expect: bool| {
        assert_eq!(filed_matches(&[pattern], text), [expect], "{pattern:?} in {text:?}");
    };
    check(r"rp\s*\d", "sudah bayar  RP 50", true);
    check(r"rp\s*\d", "sudah bayar rp saja, rp5", true);
    check(r"rp\s*\d", "sudah bayar rp saja", false);
    check(r"rp\s*\d", "ｒｐ 5, \u{200b}ok", false);
    check(r"\brp", "corp. rp", true);
    check(r"\brp", "corp", false);
    check(r"(\d{1,3}) ribu", "harga é 25\tribu", false);
    check(r"(\d{1,3})\s+ribu", "harga é  25 \t ribu", true);
    check("  order", "  order", true);
    check("\u{ad}order", "\u{ad}order", true);
    check(r"order.{0,20}kirim", "kirim order", false);
    check(r"order.{0,20}kirim", "kirim order ya, ＫＩＲＩＭ kirim", true);
    // Nothing but literals: case, a letter that only maps to one of theirs, and assertions count all the same.
    check(r"(halo|hai)", "oh Hai", true);
    check(r"(?-i:hai)", "oh Hai", false);
    check("(?-i:\u{212a})a", "ka", false);
    check(r"(halo|hai)\b", "haiku", false);
    // More places than are kept.
    check(r"ha{2}(?:ha)*!", &format!("{} haa!", "ha ".repeat(100)), true);
    // Nothing counts beyond what is searched.
    check("order", &format!("{}order", "é".repeat(HAYSTACK_CHARS_MAX)), false);
    check("order", &format!("{}order", "é".repeat(HAYSTACK_CHARS_MAX - 5)), true);
}

/// Patterns with what makes literals unsound when taken naively, and texts made of the same pieces.
fn pattern() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(vec![
        "a", "e", "k", "s", "ss", "ß", "ﬁ", "fi", "order", "cafe", "é", "e\u{301}", "\u{301}", "\u{323}", " ", "  ",
        r"\s", r"\s+", r"\s*", r"\d", "[0-9]", "[es]", "[k ]", "[^a]", ".", r"\w", r"\b", "^", "$", "\u{200d}",
        "\u{ad}", "가", "ᄀ", "ᅡ", "ᆨ", "ＯＲ", "¨", "ͅ", "α", "Σ", "(?-i:K)", "5", "-", "1️⃣",
    ]);
    let leaf = prop::collection::vec(atom, 1..5).prop_map(|atoms| atoms.concat());
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|branches| format!("(?:{})", branches.join("|"))),
            (inner.clone(), prop::sample::select(vec!["?", "*", "+", "{2}", "{1,3}"]))
                .prop_map(|(inner, times)| format!("(?:{inner}){times}")),
            inner.prop_map(|inner| format!("({inner})")),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "A", "e", "E", "k", "K", "\u{212a}", "s", "ſ", "ss", "ß", "ẞ", "ﬁ", "fi", "order", "ORDER", "cafe", "é",
        "É", "\u{301}", "\u{323}", " ", "\t", "\u{3000}", "\u{200d}", "\u{ad}", "가", "각", "ᄀ", "ᅡ", "ᆨ", "ＯＲ", "or",
        "¨", "ͅ", "α", "Σ", "ς", "5", "٥", "-", "1️⃣", "b",
    ]);
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

/// The haystack, the leftmost match and its first group, by the meta engine of regex-automata.
fn meta_engine(pattern: &str, text: &str) -> Option<(std::ops::Range<usize>, Option<std::ops::Range<usize>>)> {
    let syntax = regex_automata::util::syntax::Config::new().case_insensitive(true);
    let meta = regex_automata::meta::Builder::new().syntax(syntax).build(pattern).unwrap();
    let mut captures = meta.create_captures();
    meta.captures(text, &mut captures);
    Some((captures.get_match()?.range(), captures.get_group(1).map(|group| group.range())))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

    #[test]
    fn what_a_pattern_matches_holds_a_required_literal_once_mapped(pattern in pattern(), texts in prop::collection::vec(text(), 8)) {
        let regex = match Regex::new(&pattern, Case::Insensitive) {
            Err(RegexError::TooLarge) => return Ok(()),
            regex => regex.unwrap(),
        };
        let mut scratch = RegexScratch::new();
        if let Some(literals) = regex.required_literals() {
            for text in texts {
                if regex.is_match(&text, &mut scratch) {
                    let mut mapped = String::new();
                    map_into(&text, &mut mapped);
                    prop_assert!(
                        literals.iter().any(|literal| mapped.contains(literal.as_str())),
                        "{pattern:?} matches {text:?}, mapped {mapped:?}, literals {literals:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_filed_pattern_matches_where_the_pattern_does(
        patterns in prop::collection::vec(pattern(), 1..4),
        texts in prop::collection::vec(text(), 4),
    ) {
        let patterns: Vec<&str> =
            patterns.iter().map(String::as_str).filter(|pattern| Regex::new(pattern, Case::Insensitive).is_ok()).collect();
        for text in texts {
            let expect: Vec<bool> =
                patterns.iter().map(|pattern| regex(pattern).is_match(&text, &mut RegexScratch::new())).collect();
            prop_assert_eq!(filed_matches(&patterns, &text), expect, "{:?} in {:?}", patterns, text);
        }
    }

    #[test]
    fn a_search_finds_what_another_engine_finds(pattern in pattern(), texts in prop::collection::vec(text(), 2)) {
        let Ok(regex) = Regex::new(&pattern, Case::Insensitive) else { return Ok(()) };
        let mut scratch = RegexScratch::new();
        for text in texts {
            let expect = meta_engine(&pattern, &text);
            prop_assert_eq!(regex.is_match(&text, &mut scratch), expect.is_some());
            let found = regex.find(&text, &mut scratch).map(|found| (found.span, found.value));
            prop_assert_eq!(found, expect, "{:?} in {:?}", pattern, text);
        }
    }
}
