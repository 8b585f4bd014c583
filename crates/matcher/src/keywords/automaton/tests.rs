//! The automaton finds what a naive search finds.

use super::Automaton;
use proptest::prelude::*;

fn occurrences(automaton: &Automaton, haystack: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    automaton.each_match(haystack.as_bytes(), |needle, end| found.push((needle, end)));
    found.sort_unstable();
    found
}

/// Both structures find every occurrence, each once.
fn check(needles: &[String], haystack: &str) {
    let mut expect = Vec::new();
    for (i, needle) in needles.iter().enumerate() {
        let ends = needle.len()..=haystack.len();
        expect.extend(ends.filter(|&end| haystack.as_bytes()[..end].ends_with(needle.as_bytes())).map(|end| (i, end)));
    }
    expect.sort_unstable();
    for automaton in [Automaton::dfa(needles), Automaton::grams(needles), Automaton::new(needles)] {
        assert_eq!(occurrences(&automaton, haystack), expect, "{needles:?} in {haystack:?}");
    }
}

#[test]
fn needles_that_share_all_their_grams_are_all_found() {
    let needles: Vec<String> = (1..=60).map(|len| "a".repeat(len)).collect();
    assert!(matches!(Automaton::grams(&needles), Automaton::Grams(_, Some(_))));
    check(&needles, &"a".repeat(100));
    check(&needles, &"aaab".repeat(20));
}

#[test]
fn sets_with_short_needles_read_the_haystack_once_while_they_are_small() {
    let needle = |i: usize| format!("needle {i}");
    let mut needles: Vec<String> = (0..100).map(needle).collect();
    assert!(matches!(Automaton::new(&needles), Automaton::Grams(..)));
    needles.push("dp".to_owned());
    assert!(matches!(Automaton::new(&needles), Automaton::Dfa(_)));
    needles.extend((100..10_000).map(needle));
    assert!(matches!(Automaton::new(&needles), Automaton::Grams(..)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn both_structures_find_what_a_search_for_each_needle_finds(
        needles in prop::collection::btree_set("[ab é]{1,7}", 1..80),
        haystack in "[ab é]{0,60}",
    ) {
        check(&needles.into_iter().collect::<Vec<_>>(), &haystack);
    }
}
