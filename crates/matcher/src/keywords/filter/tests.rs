//! A filter passes every position of its anchors, with vectors and without.

use proptest::prelude::*;

use super::super::grams::Anchor;
use super::Filter;

/// The candidates by whatever the processor offers, and position by position.
fn candidates<const P: usize>(filter: &Filter<P>, haystack: &[u8]) -> [Vec<(usize, u64)>; 2] {
    let mut both = [Vec::new(), Vec::new()];
    filter.each_candidate(haystack, |at, bytes| both[0].push((at, bytes)));
    filter.each_candidate_by_blocks(haystack, |block| filter.passes(block), &mut |at, bytes| both[1].push((at, bytes)));
    both
}

fn check<const P: usize>(needles: &[Vec<u8>], haystack: &[u8]) {
    let needles: Vec<&[u8]> = needles.iter().map(Vec::as_slice).filter(|needle| needle.len() >= P).collect();
    let filter = Filter::<P>::new(needles.iter().map(|needle| Anchor::of(needle)));
    let [fast, plain] = candidates(&filter, haystack);
    assert_eq!(fast, plain, "grams of {P}");
    for (at, bytes) in &plain {
        assert_eq!(*bytes, Anchor::of(&haystack[*at..]).bytes);
    }
    for at in 0..haystack.len() {
        if needles.iter().any(|needle| haystack[at..].starts_with(needle)) {
            assert!(plain.iter().any(|(candidate, _)| *candidate == at), "grams of {P} at {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn vectors_and_single_lookups_pass_the_same_positions_and_miss_none(
        needles in prop::collection::vec(prop::collection::vec(prop::sample::select(b"ab\0\xff ".to_vec()), 1..10), 1..300),
        haystack in prop::collection::vec(prop::sample::select(b"ab\0\xff ".to_vec()), 0..80),
    ) {
        check::<1>(&needles, &haystack);
        check::<2>(&needles, &haystack);
        check::<3>(&needles, &haystack);
        check::<4>(&needles, &haystack);
        check::<6>(&needles, &haystack);
    }
}
