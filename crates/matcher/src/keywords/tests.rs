//! A keyword set finds what a naive search finds, and keeps its bounds.

use super::{Boundary, HitSet, KEYWORD_BYTES_MAX, KeywordError, KeywordId, KeywordSetBuilder};
use crate::{fold, is_word_boundary};
use proptest::prelude::*;

/// What a search for one keyword alone finds.
fn naive(text: &str, keyword: &str, boundary: Boundary) -> bool {
    let keyword = fold(keyword);
    (0..=text.len().saturating_sub(keyword.len()))
        .filter(|&start| text.as_bytes()[start..].starts_with(keyword.as_bytes()))
        .any(|start| match boundary {
            Boundary::Anywhere => true,
            Boundary::WholeWord => is_word_boundary(text, start) && is_word_boundary(text, start + keyword.len()),
        })
}

fn check(keywords: &[(&str, Boundary)], texts: &[&str]) {
    let mut builder = KeywordSetBuilder::new();
    let ids: Vec<KeywordId> = keywords.iter().map(|&(text, boundary)| builder.add(text, boundary).unwrap()).collect();
    let set = builder.build();
    let mut hits = HitSet::new();
    for text in texts {
        let folded = fold(text);
        set.scan(&folded, &mut hits);
        let mut found = 0;
        set.automaton.each_match(folded.as_bytes(), |_, _| found += 1);
        assert!(found <= folded.len() * set.comparisons_max(), "{found} found in {folded:?}");
        let mut occurrences = HitSet::new();
        occurrences.reset(set.len(), folded.len());
        set.each_match(&folded, |id, span| {
            assert!(
                keywords.iter().zip(&ids).any(|(keyword, &of)| of == id && fold(keyword.0) == folded[span.clone()])
            );
            occurrences.insert(id);
        });
        for (&(keyword, boundary), &id) in keywords.iter().zip(&ids) {
            let expect = naive(&folded, keyword, boundary);
            assert_eq!(hits.contains(id), expect, "{keyword:?} {boundary:?} in {folded:?}");
            assert_eq!(occurrences.contains(id), expect, "{keyword:?} {boundary:?} in {folded:?}");
            assert_eq!(hits.iter().filter(|&hit| hit == id).count(), usize::from(expect));
        }
    }
}

#[test]
fn overlapping_keywords_are_all_found() {
    use Boundary::{Anywhere, WholeWord};
    check(
        &[
            ("order", Anywhere),
            ("ORDER", WholeWord),
            ("border", Anywhere),
            ("rder", Anywhere),
            ("der b", Anywhere),
            ("b", WholeWord),
        ],
        &["border", "mau Order border", "order b", "or der", ""],
    );
}

#[test]
fn one_text_with_two_boundaries_is_two_keywords_and_a_repeated_one_keeps_its_id() {
    let mut builder = KeywordSetBuilder::new();
    let anywhere = builder.add("Order", Boundary::Anywhere).unwrap();
    let word = builder.add(" order ", Boundary::WholeWord).unwrap();
    assert_ne!(anywhere, word);
    assert_eq!(builder.add("ＯＲＤＥＲ", Boundary::Anywhere).unwrap(), anywhere);
    assert_eq!(builder.build().len(), 2);
}

#[test]
fn keywords_beyond_a_bound_are_refused_with_the_number() {
    let mut builder = KeywordSetBuilder::new();
    assert_eq!(builder.add(" \u{200b}\t", Boundary::Anywhere), Err(KeywordError::Empty));
    let long = "a".repeat(KEYWORD_BYTES_MAX + 1);
    let error = builder.add(&long, Boundary::Anywhere).unwrap_err();
    assert_eq!(error.to_string(), "the keyword has 4097 bytes, the limit is 4096");
    assert!(builder.build().is_empty());
}

fn text(pieces: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "b", "ab", "ba", "order", "ord", "er", " ", "_", "'", ".", "1", "é", "e\u{301}", "ß", "我", "ﬁ", "🇮",
        "👍", "\u{301}", "í",
    ]);
    prop::collection::vec(piece, pieces).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn a_scan_finds_what_searching_one_by_one_finds(
        keywords in prop::collection::vec((text(1..6), any::<bool>()), 0..60),
        texts in prop::collection::vec(text(0..25), 1..4),
    ) {
        let keywords: Vec<(&str, Boundary)> = keywords
            .iter()
            .filter(|(keyword, _)| !fold(keyword).is_empty())
            .map(|(keyword, word)| (keyword.as_str(), if *word { Boundary::WholeWord } else { Boundary::Anywhere }))
            .collect();
        check(&keywords, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// Few needles are filed under grams of three bytes, hundreds of four as well, thousands of six.
#[test]
fn hundreds_and_thousands_of_keywords_of_all_lengths_are_found() {
    for count in [300_u32, 5_000] {
        // Words of one to ten letters, by a multiplicative walk over the numbers below 26^n.
        let word = |number: u32| -> String {
            let mut rest = number.wrapping_mul(2_654_435_761);
            let letters = (0..number % 10 + 1).map(|_| {
                let letter = char::from(b'a' + (rest % 26) as u8);
                rest = (rest / 26) ^ number;
                letter
            });
            letters.collect()
        };
        let words: Vec<String> = (0..count).map(word).collect();
        let unique: std::collections::BTreeSet<&str> = words.iter().map(String::as_str).collect();
        let keywords: Vec<_> = unique
            .iter()
            .enumerate()
            .map(|(n, word)| (*word, if n % 2 == 0 { Boundary::Anywhere } else { Boundary::WholeWord }))
            .collect();
        let texts: Vec<String> = words
            .chunks_exact(count as usize / 6)
            .map(|chunk| format!("{} {}", chunk[..3].join(" "), chunk[3..6].concat()))
            .collect();
        check(&keywords, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn keywords_that_each_hold_the_one_before_are_known_to_be_compared_together() {
    let set = |keywords: &[String]| {
        let mut builder = KeywordSetBuilder::new();
        for keyword in keywords {
            builder.add(keyword, Boundary::Anywhere).unwrap();
        }
        builder.build()
    };
    let nested: Vec<String> = (1..=100).map(|n| "a".repeat(n)).collect();
    let nested = set(&nested);
    let mut found = 0;
    nested.each_match(&"a".repeat(1_000), |_, _| found += 1);
    // All but those that would reach beyond an end.
    assert!(found > 95 * 1_000);
    assert!(nested.comparisons_max() >= 96, "{}", nested.comparisons_max());
    let ordinary: Vec<String> = (0..1_000).map(|n| format!("kata{}kunci {n}", n * 7_919)).collect();
    assert!(set(&ordinary).comparisons_max() <= 8, "{}", set(&ordinary).comparisons_max());
}
