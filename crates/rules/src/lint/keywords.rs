//! Keywords that add nothing to their list, and keywords that nearly every message contains.
//!
//! A phrase beside one of its own words is passed over: it says what the author thinks of, and does no harm.

use kilat_matcher::fold;
use serde_json::Value;

use super::Subject;
use super::logic::{at_spaces, implies};
use crate::codes;
use crate::conditions::Leaf;
use crate::diagnostic::Report;
use crate::operators::Op;

/// Longest list whose keywords are compared with each other.
const KEYWORDS_MAX: usize = 2_000;

pub(super) fn lint(subject: &Subject<'_>, report: &mut Report) {
    for rule in subject.rules {
        rule.each_leaf_inside(&mut |leaf| {
            let op = leaf.op.positive().0;
            if leaf.field.field.kind.name == "text" && matches!(op, Op::Contains | Op::ContainsWord) {
                of_leaf(leaf, op, report);
            }
        });
    }
}

fn of_leaf(leaf: &Leaf, op: Op, report: &mut Report) {
    let expected = leaf.expected();
    let one = std::slice::from_ref(&expected);
    let written: Vec<&str> =
        expected.as_array().map_or(one, Vec::as_slice).iter().filter_map(Value::as_str).take(KEYWORDS_MAX).collect();
    let needle = |word: &str| if leaf.case_sensitive { word.to_owned() } else { fold(word) };
    let needles: Vec<String> = written.iter().map(|word| needle(word)).collect();
    let mut told = false;
    for (at, word) in needles.iter().enumerate() {
        if word.is_empty() {
            // Where no keyword is left, the condition as a whole is reported.
            if needles.iter().any(|needle| !needle.is_empty()) {
                let message = format!("`{}` has nothing a message could hold", written[at]);
                report.add(codes::NEVER_MATCHES, leaf.at, message, "remove it");
            }
            continue;
        }
        let within = |(other, shorter): &(usize, &String)| {
            *other != at
                && !shorter.is_empty()
                && implies((op, word), (op, shorter))
                && if *shorter == word { *other < at } else { !at_spaces(word, shorter) }
        };
        // One keyword tells how the list came about; hundreds of findings of one list tell no more.
        if !told && let Some((other, _)) = needles.iter().enumerate().find(within) {
            told = true;
            let (long, short) = (written[at], written[other]);
            let message = if needles[other] == *word {
                format!("the list has `{long}` twice")
            } else {
                format!("every text that has `{long}` has `{short}` too, so the longer one adds nothing")
            };
            report.add(
                codes::CONTAINED_KEYWORD,
                leaf.at,
                message,
                "remove one of the two, or use contains_word to find whole words only",
            );
        }
        if op == Op::Contains && is_broad(word) {
            let message = format!("nearly every message contains `{}`", written[at]);
            report.add(codes::BROAD_KEYWORD, leaf.at, message, "use equals or contains_word, or a longer keyword");
        }
    }
}

/// Whether a keyword is one letter of a script that writes words with several.
fn is_broad(word: &str) -> bool {
    let mut chars = word.chars();
    match (chars.next(), chars.next()) {
        // Han, kana and Hangul begin at U+1100 and later; one of their signs may be a word.
        (Some(letter), None) => letter.is_alphanumeric() && letter < '\u{1100}',
        _ => false,
    }
}
