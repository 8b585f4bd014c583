//! E-mail and phone normal forms against Meta's own two libraries, where these agree.

use std::fs;

use kilat_partners::meta_capi::normalise::{email, phone};
use serde_json::Value;

use crate::shared;

/// Whether a number is written without a country code, or with zeros where one should be: we refuse to hash it
/// (PARTNERS.md 2.4, trap 1), both libraries do.
fn is_local(raw: &str) -> bool {
    let digits: String = raw.trim().chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let after_prefix = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00")).unwrap_or(&digits);
    after_prefix.starts_with('0')
}

#[test]
fn where_both_oracles_agree_so_do_we_except_for_numbers_without_a_country_code() {
    let Some(path) = shared("data/capi_normalisation.jsonl") else { return };
    let (mut equal, mut refused_by_all, mut local) = (0, 0, 0);
    for line in fs::read_to_string(path).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        if row["oracles_agree"] != true {
            continue;
        }
        let raw = row["raw"].as_str().unwrap();
        let ours = match row["field"].as_str().unwrap() {
            "em" => email(raw),
            "ph" => phone(raw),
            _ => continue,
        };
        let ours = ours.map(|normal| normal.hashed());
        match row["expected"]["sha256"].as_str() {
            None => {
                assert_eq!(ours, None, "{raw}");
                refused_by_all += 1;
            }
            Some(_) if row["field"] == "ph" && is_local(raw) => {
                assert_eq!(ours, None, "{raw}");
                local += 1;
            }
            Some(hash) => {
                assert_eq!(ours.as_deref(), Some(hash), "{raw}");
                equal += 1;
            }
        }
    }
    eprintln!("equal {equal}, refused by all {refused_by_all}, local numbers only we refuse {local}");
    assert!(equal > 100 && refused_by_all > 5);
}

#[test]
fn where_the_oracles_differ_the_stricter_one_filters() {
    // PARTNERS.md 2.4: A's value, B's filter; the field is dropped, the event goes out.
    for raw in ["mailto:budi@toko.id.", "müller@toko.id", "<a@mail.co.id>", "a b@c.d", "a@b@c.com", "\u{200b}a@b.c"] {
        assert_eq!(email(raw), None, "{raw}");
    }
    for raw in ["tel:+62812345678", "wa.me/62812345678", "+62812345678;+62812345678", "8999", "+٦٢٨١٢٣٤٥٦٧٨"]
    {
        assert_eq!(phone(raw), None, "{raw}");
    }
}

#[test]
fn metas_published_hashes_come_out() {
    // developers.facebook.com, Customer Information Parameters, by PARTNERS.md 2.4.
    let hash = |normal: Option<kilat_partners::meta_capi::normalise::Normal>| normal.unwrap().hashed();
    assert_eq!(
        hash(email(" John_Smith@gmail.com ")),
        "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
    );
    assert_eq!(hash(phone("+1 (650) 555-1212")), "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176");
}

#[test]
fn what_comes_hashed_is_passed_through_in_lower_case() {
    let upper = "62A14E44F765419D10FEA99367361A727C12365E2520F32218D505ED9AA0F62F";
    assert_eq!(email(upper).unwrap().hashed(), upper.to_lowercase());
    assert_eq!(phone(upper).unwrap().hashed(), upper.to_lowercase());
}
