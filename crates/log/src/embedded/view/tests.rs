//! The view: bounds on what is kept in memory, and where readers find what.

use kilat_domain::Timestamp;

use super::super::batch::Draft;
use super::*;
use crate::{Retention, Transaction};

/// A batch of `records` records of 100 bytes of value at `base`.
fn batch(base: i64, records: usize) -> Arc<Batch> {
    let mut transaction = Transaction::default();
    for _ in 0..records {
        let done: Result<(), ()> = transaction.append(0, None, b"key", &[], |buffer| {
            buffer.extend_from_slice(&[0; 100]);
            Ok(())
        });
        done.expect("written");
    }
    let mut draft = Draft::default();
    transaction.records().for_each(|record| draft.push(&record));
    Arc::new(draft.place(base, Timestamp(0)))
}

fn view(recent_bytes_max: usize) -> View {
    let topic = |id, name: &str| StoredTopic {
        id,
        name: name.to_owned(),
        retention: Retention::Unlimited,
        partitions: vec![(0, 0), (0, 0)],
    };
    View::new(&[topic(0, "a"), topic(1, "b")], Vec::new(), recent_bytes_max)
}

fn publish(view: &mut View, batches: Vec<(TopicId, u32, Arc<Batch>)>) {
    view.publish(Published { batches, ..Published::default() });
}

fn bases(found: Option<VecDeque<Arc<Batch>>>) -> Option<Vec<i64>> {
    found.map(|batches| batches.iter().map(|batch| batch.base).collect())
}

#[test]
fn recent_batches_are_found_by_any_offset_they_cover() {
    let mut view = view(usize::MAX);
    publish(&mut view, vec![(0, 1, batch(0, 3)), (0, 1, batch(3, 2)), (0, 1, batch(5, 1))]);
    let partition = view.partition(0, 1);
    assert_eq!(partition.end, 6);
    for (from, expected) in [(0, vec![0, 3, 5]), (2, vec![0, 3, 5]), (3, vec![3, 5]), (4, vec![3, 5]), (5, vec![5])] {
        assert_eq!(bases(partition.recent_from(from, usize::MAX)), Some(expected), "from {from}");
    }
    assert_eq!(bases(partition.recent_from(0, 1)), Some(vec![0]), "at least one");
    assert_eq!(bases(view.partition(0, 0).recent_from(0, usize::MAX)), None, "nothing is kept of it");
}

#[test]
fn the_oldest_batches_of_all_go_first_and_leave_no_gap() {
    let one = batch(0, 1).bytes().len() + BATCH_OVERHEAD_BYTES;
    let mut view = view(3 * one);
    for base in 0..3 {
        publish(&mut view, vec![(0, 0, batch(base, 1)), (1, 0, batch(base, 1))]);
    }
    // Six were published in the order a0 b0 a1 b1 a2 b2; three stay.
    assert_eq!(bases(view.partition(0, 0).recent_from(1, usize::MAX)), None);
    assert_eq!(bases(view.partition(0, 0).recent_from(2, usize::MAX)), Some(vec![2]));
    assert_eq!(bases(view.partition(1, 0).recent_from(1, usize::MAX)), Some(vec![1, 2]));
    assert_eq!(view.recent.bytes, 3 * one);
    assert_eq!(view.partition(0, 0).end, 3, "what memory lets go is still there");
}

#[test]
fn a_batch_larger_than_all_memory_for_batches_is_not_kept() {
    let mut view = view(10);
    publish(&mut view, vec![(0, 0, batch(0, 1))]);
    assert_eq!((view.recent.bytes, view.partition(0, 0).end), (0, 1));
}

#[test]
fn a_group_resumes_at_its_offset_or_the_first_record_whichever_is_later() {
    let mut view = view(0);
    let offset = |next| CommittedOffset { group: "group".into(), topic: 0, partition: 0, next };
    assert_eq!(view.resume("group", 0, 0), 0);
    view.publish(Published { offsets: vec![offset(5)], ..Published::default() });
    assert_eq!(view.resume("group", 0, 0), 5);
    assert_eq!(view.resume("another", 0, 0), 0);
    view.publish(Published { firsts: vec![(0, 0, 9)], ..Published::default() });
    assert_eq!(view.resume("group", 0, 0), 9);
    assert_eq!(view.resume("another", 0, 0), 9);
}
