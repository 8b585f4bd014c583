//! What the ledger remembers and for how long.

use std::time::Duration;

use kilat_domain::{Outcome, Timestamp};

use super::{Known, Ledger};

fn ledger(entries_max: usize) -> Ledger {
    let mut ledger = Ledger::new(Duration::from_secs(60), entries_max);
    ledger.open(0);
    ledger
}

#[test]
fn the_newest_record_of_an_action_counts() {
    let mut ledger = ledger(10);
    ledger.record(0, "a", Some((Outcome::Sending, Timestamp(1))));
    assert_eq!(ledger.get(0, "a"), Some(Known::Sending));
    ledger.record(0, "a", Some((Outcome::Unknown, Timestamp(2))));
    assert_eq!(ledger.get(0, "a"), Some(Known::Final));
    ledger.record(0, "a", None);
    assert_eq!(ledger.get(0, "a"), None);
}

#[test]
fn partitions_are_apart_and_only_open_ones_are_kept() {
    let mut ledger = ledger(10);
    ledger.record(1, "a", Some((Outcome::Delivered, Timestamp(1))));
    assert_eq!(ledger.get(1, "a"), None);
    ledger.record(0, "a", Some((Outcome::Delivered, Timestamp(1))));
    assert_eq!(ledger.get(1, "a"), None);
    ledger.close(0);
    assert_eq!((ledger.get(0, "a"), ledger.len()), (None, 0));
}

#[test]
fn the_oldest_go_first_when_there_are_too_many() {
    let mut ledger = ledger(2);
    for (at, id) in ["a", "b", "a", "c"].into_iter().enumerate() {
        ledger.record(0, id, Some((Outcome::Delivered, Timestamp(at as i64))));
    }
    assert_eq!(["a", "b", "c"].map(|id| ledger.get(0, id).is_some()), [true, false, true]);
}

#[test]
fn what_is_older_than_the_window_is_forgotten() {
    let mut ledger = ledger(10);
    ledger.record(0, "old", Some((Outcome::Delivered, Timestamp(0))));
    ledger.record(0, "new", Some((Outcome::Delivered, Timestamp(30_000))));
    ledger.expire(Timestamp(60_000));
    assert!(ledger.get(0, "old").is_some());
    ledger.expire(Timestamp(60_001));
    assert!(ledger.get(0, "old").is_none() && ledger.get(0, "new").is_some());
}

#[test]
fn a_withdrawn_and_rewritten_action_takes_bounded_memory() {
    let mut ledger = ledger(3);
    for at in 0..1_000 {
        ledger.record(0, "a", Some((Outcome::Sending, Timestamp(at))));
        ledger.record(0, "a", None);
    }
    assert!(ledger.partitions[&0].order.len() <= 6);
}
