//! Cleaning, with a clock of the test's own: what goes, what stays, and how much at once.

use std::collections::VecDeque;

use super::super::batch::Draft;
use super::super::store::Store;
use super::*;
use crate::Transaction;

/// A store with one topic of two partitions, and the writing side of it.
struct Ground {
    _directory: tempfile::TempDir,
    store: Store,
    topics: Vec<SequencedTopic>,
    cleaner: Cleaner,
}

impl Ground {
    fn new(retention: Retention) -> Ground {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = Store::open(directory.path(), 1 << 20).expect("opens");
        let partitions = vec![Extent::new(0, 0), Extent::new(0, 0)];
        let topics = vec![SequencedTopic { id: 0, name: "topic".into(), retention, partitions }];
        Ground { _directory: directory, store, topics, cleaner: Cleaner::default() }
    }

    /// One commit at `now`: these records, as one batch, to the partition.
    fn commit(&mut self, partition: u32, records: &[(&str, Option<&str>)], now: Timestamp) {
        let mut transaction = Transaction::default();
        for (key, value) in records {
            match value {
                Some(value) => {
                    let done: Result<(), ()> = transaction.append(0, None, key.as_bytes(), &[], |buffer| {
                        buffer.extend_from_slice(value.as_bytes());
                        Ok(())
                    });
                    done.expect("written");
                }
                None => transaction.append_tombstone(0, None, key.as_bytes(), &[]),
            }
        }
        let mut draft = Draft::default();
        transaction.records().for_each(|record| draft.push(&record));
        let extent = &mut self.topics[0].partitions[partition as usize];
        let batch = draft.place(extent.end, now);
        extent.end = batch.end;
        let appended = BTreeMap::from([((0, partition), batch.bytes().len())]);
        let Ground { store, topics, cleaner, .. } = self;
        store
            .write(|tables| {
                tables.put_batch(0, partition, &batch)?;
                cleaner.work(tables, topics, &appended, now)
            })
            .expect("committed");
    }

    fn batches(&self, partition: u32) -> VecDeque<Arc<Batch>> {
        self.store.read((0, "topic"), partition, 0, i64::MAX, usize::MAX).expect("read")
    }

    /// Offset, key, and whether there is a value.
    fn records(&self, partition: u32) -> Vec<(i64, String, bool)> {
        let batches = self.batches(partition);
        let entries = batches.iter().flat_map(|batch| batch.entries());
        entries
            .map(|entry| entry.expect("well-formed"))
            .map(|entry| (entry.offset, String::from_utf8(entry.key.to_vec()).expect("text"), entry.value.is_some()))
            .collect()
    }

    /// Runs a whole pass over partition 0 in pieces of `budget` bytes; gives how many pieces it took.
    fn pass(&mut self, budget: usize, now: Timestamp) -> usize {
        let extent = &mut self.topics[0].partitions[0];
        extent.compaction.begin(extent.first, extent.end);
        for piece in 1.. {
            let done = self.store.write(|tables| compact(tables, (0, "topic"), 0, extent, budget, now));
            if done.expect("written") {
                return piece;
            }
        }
        unreachable!("the loop has no end")
    }
}

const START: Timestamp = Timestamp(1_000_000);
const HOUR: Duration = Duration::from_hours(1);

#[test]
fn batches_past_their_time_go_and_the_newest_stays() {
    let mut ground = Ground::new(Retention::Time(HOUR));
    for _ in 0..3 {
        ground.commit(0, &[("key", Some("value"))], START);
    }
    ground.commit(0, &[("key", Some("value"))], START.after(HOUR / 2));
    assert_eq!(ground.records(0).len(), 4, "nothing is past its time");
    // Written an hour later, with nothing new for partition 0: its turn to be visited comes all the same.
    for _ in 0..2 {
        ground.commit(1, &[("key", Some("value"))], START.after(HOUR));
    }
    assert_eq!(ground.records(0).iter().map(|record| record.0).collect::<Vec<_>>(), [3]);
    assert_eq!(ground.topics[0].partitions[0].first, 3);
    for _ in 0..4 {
        ground.commit(1, &[("key", Some("value"))], START.after(100 * HOUR));
    }
    assert_eq!(ground.records(0).len(), 1, "the newest batch tells the next offset");
    assert_eq!(ground.topics[0].partitions[0].end, 4);
}

#[test]
fn every_append_removes_a_bounded_number_of_expired_batches_but_more_than_one() {
    let mut ground = Ground::new(Retention::Time(HOUR));
    for _ in 0..200 {
        ground.commit(0, &[("key", Some("value"))], START);
    }
    let later = START.after(2 * HOUR);
    let mut left = ground.batches(0).len();
    assert_eq!(left, 200);
    while left > EXPIRED_PER_APPEND + EXPIRED_PER_VISIT + 1 {
        ground.commit(0, &[("key", Some("value"))], later);
        let now_left = ground.batches(0).len();
        let removed = left + 1 - now_left;
        assert!((2..=EXPIRED_PER_APPEND + EXPIRED_PER_VISIT).contains(&removed), "{removed} at once");
        left = now_left;
    }
}

#[test]
fn a_pass_drops_what_has_a_newer_record_and_batches_with_nothing_left() {
    for budget in [1, 100, usize::MAX] {
        let mut ground = Ground::new(Retention::Compacted);
        ground.commit(0, &[("a", Some("1")), ("b", Some("1"))], START);
        ground.commit(0, &[("a", Some("2")), ("a", Some("3"))], START);
        ground.commit(0, &[("c", Some("1")), ("b", Some("2"))], START);
        ground.commit(0, &[("c", Some("2"))], START);
        ground.pass(budget, START);
        let expected = [(3, "a", true), (5, "b", true), (6, "c", true)];
        assert_eq!(ground.records(0), expected.map(|(offset, key, value)| (offset, key.to_owned(), value)));
        assert_eq!(ground.batches(0).len(), 3, "the first batch is empty and gone");
        assert_eq!(ground.topics[0].partitions[0].first, 2);
    }
}

#[test]
fn a_small_budget_only_takes_more_pieces() {
    let mut ground = Ground::new(Retention::Compacted);
    for number in 0..20 {
        ground.commit(0, &[(["a", "b", "c"][number % 3], Some("value"))], START);
    }
    let pieces = ground.pass(1, START);
    assert!(pieces >= 40, "each of 20 batches is read twice, one a piece: {pieces}");
    assert_eq!(ground.records(0).len(), 3);
}

#[test]
fn a_later_pass_notes_only_what_is_new_and_still_drops_what_is_old() {
    let mut ground = Ground::new(Retention::Compacted);
    ground.commit(0, &[("a", Some("1")), ("b", Some("1"))], START);
    ground.pass(usize::MAX, START);
    ground.commit(0, &[("a", Some("2"))], START);
    ground.pass(usize::MAX, START);
    let expected = [(1, "b", true), (2, "a", true)];
    assert_eq!(ground.records(0), expected.map(|(offset, key, value)| (offset, key.to_owned(), value)));
}

#[test]
fn a_tombstone_deletes_at_once_and_goes_itself_a_day_later() {
    let mut ground = Ground::new(Retention::Compacted);
    ground.commit(0, &[("a", Some("1")), ("b", Some("1"))], START);
    ground.commit(0, &[("a", None)], START);
    ground.commit(0, &[("c", Some("1"))], START);
    ground.pass(usize::MAX, START);
    let shown = |records: &[(i64, &str, bool)]| -> Vec<(i64, String, bool)> {
        records.iter().map(|(offset, key, value)| (*offset, (*key).to_owned(), *value)).collect()
    };
    assert_eq!(ground.records(0), shown(&[(1, "b", true), (2, "a", false), (3, "c", true)]));
    ground.pass(usize::MAX, Timestamp(START.after(TOMBSTONES_KEPT).0 - 1));
    assert_eq!(ground.records(0).len(), 3, "not a moment before");
    ground.pass(usize::MAX, START.after(TOMBSTONES_KEPT));
    assert_eq!(ground.records(0), shown(&[(1, "b", true), (3, "c", true)]));
}

#[test]
fn the_newest_batch_stays_even_empty_and_tells_the_next_offset() {
    let mut ground = Ground::new(Retention::Compacted);
    ground.commit(0, &[("a", None)], START);
    ground.pass(usize::MAX, START.after(TOMBSTONES_KEPT));
    assert_eq!(ground.records(0), []);
    let batches = ground.batches(0);
    assert_eq!((batches.len(), batches[0].end), (1, 1));
}

#[test]
fn passes_begin_by_themselves_keep_pace_and_never_drop_the_newest() {
    let mut ground = Ground::new(Retention::Compacted);
    let padding = "x".repeat(1000);
    let mut written = 0;
    let mut largest = 0;
    for round in 0..400 {
        let keys: Vec<String> = (0..20).map(|number| format!("{}", (round * 7 + number * 3) % 50)).collect();
        let records: Vec<(&str, Option<&str>)> =
            keys.iter().map(|key| (key.as_str(), Some(padding.as_str()))).collect();
        ground.commit(round % 2, &records, START);
        written += 20 * 1000;
        let stored: usize =
            (0..2).flat_map(|partition| ground.batches(partition)).map(|batch| batch.bytes().len()).sum();
        largest = largest.max(stored);
    }
    // 50 keys of 1 KB twice, and what is new since the pass before: far less than the 8 MB written.
    assert!(written == 8_000_000 && largest < 4_500_000, "up to {largest} bytes were kept");
    for partition in 0..2 {
        let mut newest: BTreeMap<String, i64> = BTreeMap::new();
        let mut offset = 0;
        for round in (0..400).filter(|round| round % 2 == partition) {
            for number in 0..20 {
                newest.insert(format!("{}", (round * 7 + number * 3) % 50), offset);
                offset += 1;
            }
        }
        let found: BTreeMap<String, i64> =
            ground.records(partition).into_iter().map(|(offset, key, _)| (key, offset)).collect();
        assert_eq!(found, newest);
    }
}

#[test]
fn damage_stops_the_cleaning_of_its_partition_and_no_commit() {
    let mut ground = Ground::new(Retention::Compacted);
    let padding = "x".repeat(100_000);
    ground.commit(0, &[("a", Some("1"))], START);
    // Claims records it does not have.
    let broken =
        Batch::read(1, [&0_i64.to_le_bytes()[..], &1_u32.to_le_bytes(), b"rubbish"].concat()).expect("a prefix");
    ground.store.write(|tables| tables.put_batch(0, 0, &broken)).expect("written");
    ground.topics[0].partitions[0].end = 2;
    for _ in 0..40 {
        ground.commit(0, &[("a", Some(&padding))], START);
        ground.commit(1, &[("a", Some(&padding))], START);
    }
    assert!(ground.topics[0].partitions[0].halted);
    assert_eq!(ground.batches(0).len(), 42, "left as it is");
    assert!(ground.batches(1).len() < 40, "others are cleaned");
}
