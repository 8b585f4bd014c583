//! Folding against answers that Python computed on real messages (`shared/data/casefold_match.jsonl`, `expected_nfkc`:
//! NFKC, casefold, NFKC, then the operator).
//!
//! Ours differs by design in two ways (D-10), each of which is a rewrite of both sides. A row on which we differ must be
//! explained: with the named rule's rewrite, and no other, Python's method gives our answer.

use std::path::PathBuf;

use caseless::default_case_fold_str;
use kilat_matcher::fold;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

/// Rows in the file when this was written; a shorter file would prove less.
const ROWS: usize = 2_188;

fn apply(op: &str, text: &str, pattern: &str) -> bool {
    match op {
        "contains" => text.contains(pattern),
        "starts_with" => text.starts_with(pattern),
        "ends_with" => text.ends_with(pattern),
        "equals" => text == pattern,
        _ => panic!("unknown operator {op}"),
    }
}

/// Python's method: NFKC, then full case folding, and NFKC again because folding can leave it.
fn python(text: &str) -> String {
    default_case_fold_str(&text.nfkc().collect::<String>()).nfkc().collect()
}

/// Whitespace runs are one space, and none stands at the ends (D-10).
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Zero-width characters and variation selectors are dropped (D-10).
fn drop_ignorable(text: &str) -> String {
    let ignorable = crate::fold::set(r"\p{Default_Ignorable_Code_Point}");
    text.chars().filter(|&c| !crate::fold::contains(&ignorable, c)).collect()
}

/// Proves D-10.
#[test]
fn every_difference_from_python_follows_from_a_rule() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/casefold_match.jsonl");
    let Ok(rows) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: {} is not there", path.display());
        return;
    };
    let (mut count, mut explained) = (0, Vec::new());
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let field = |name: &str| row[name].as_str().unwrap();
        let (op, text, pattern) = (field("op"), field("text"), field("pattern"));
        let expected = row["expected_nfkc"].as_bool().unwrap();
        let ours = apply(op, &fold(text), &fold(pattern));
        assert_eq!(apply(op, &python(text), &python(pattern)), expected, "the rewrite of Python's method: {row}");
        count += 1;
        if ours == expected {
            continue;
        }
        let with = |rewrite: &dyn Fn(&str) -> String| apply(op, &rewrite(text), &rewrite(pattern));
        let rule = if with(&|text| squeeze(&python(text))) == ours {
            "whitespace"
        } else if with(&|text| python(&drop_ignorable(text))) == ours {
            "default ignorables"
        } else if with(&|text| squeeze(&python(&drop_ignorable(text)))) == ours {
            "both"
        } else {
            panic!("unexplained: ours {ours}, expected {expected}: {row}");
        };
        explained.push((rule, row.to_string()));
    }
    assert!(count >= ROWS, "{count} rows, expected {ROWS}");
    for (rule, row) in &explained {
        println!("{rule}: {row}");
    }
    println!("{} of {count} rows as expected_nfkc, {} differ by a rule", count - explained.len(), explained.len());
}
