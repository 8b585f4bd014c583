//! Against a model: the set of all offsets started and the set of those finished.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::OffsetTracker;

/// One past the longest prefix of `started` that is wholly in `finished`, at the next started offset if there is one.
fn model_next(started: &BTreeSet<i64>, finished: &BTreeSet<i64>) -> Option<i64> {
    started.iter().find(|offset| !finished.contains(offset)).copied().or_else(|| started.last().map(|last| last + 1))
}

#[derive(Clone, Debug)]
enum Step {
    /// Start the record this many offsets after the last one; more than one is a gap.
    Start(i64),
    /// Finish the started record at this place, whether or not it is finished already.
    Finish(prop::sample::Index),
    /// Finish a record that was never started.
    FinishStranger(i64),
    /// Start the record at this place once more.
    Restart(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1i64..4).prop_map(Step::Start),
        4 => any::<prop::sample::Index>().prop_map(Step::Finish),
        1 => (-5i64..0).prop_map(Step::FinishStranger),
        1 => any::<prop::sample::Index>().prop_map(Step::Restart),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    #[test]
    fn it_agrees_with_a_set_model_and_never_goes_back(first in 0i64..1000, steps in steps()) {
        let mut tracker = OffsetTracker::default();
        let (mut started, mut finished) = (BTreeSet::new(), BTreeSet::new());
        let mut last = first - 1;
        let mut committed = None;
        for step in steps {
            match step {
                Step::Start(gap) => {
                    last += gap;
                    started.insert(last);
                    prop_assert!(tracker.started(last));
                }
                Step::Finish(place) if !started.is_empty() => {
                    let offset = *started.iter().nth(place.index(started.len())).unwrap();
                    prop_assert_eq!(tracker.finished(offset), finished.insert(offset));
                }
                Step::FinishStranger(offset) => prop_assert!(!tracker.finished(offset)),
                Step::Restart(place) if !started.is_empty() => {
                    let offset = *started.iter().nth(place.index(started.len())).unwrap();
                    prop_assert!(!tracker.started(offset));
                }
                Step::Finish(_) | Step::Restart(_) => {}
            }
            let next = tracker.next();
            prop_assert_eq!(next, model_next(&started, &finished));
            prop_assert!(next >= committed, "went back from {:?} to {:?}", committed, next);
            prop_assert_eq!(tracker.unfinished(), started.len() - finished.len());
            let span = started.iter().find(|o| !finished.contains(o)).map_or(0, |first| last + 1 - first);
            prop_assert_eq!(tracker.span() as i64, span);
            committed = next;
        }
    }
}

#[test]
fn offset_never_passes_an_unfinished_record() {
    let mut tracker = OffsetTracker::default();
    assert_eq!(tracker.next(), None);
    for offset in [10, 11, 12] {
        assert!(tracker.started(offset));
    }
    tracker.finished(11);
    tracker.finished(12);
    assert_eq!(tracker.next(), Some(10));
    tracker.finished(10);
    assert_eq!(tracker.next(), Some(13));
}

#[test]
fn a_gap_in_the_log_does_not_hold_the_offset_back() {
    let mut tracker = OffsetTracker::default();
    tracker.started(5);
    tracker.finished(5);
    tracker.started(9);
    assert_eq!(tracker.next(), Some(9));
    tracker.finished(9);
    assert_eq!(tracker.next(), Some(10));
}
