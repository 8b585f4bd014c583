//! The store: what is read back, and writes that fail as a whole.

use kilat_domain::Timestamp;

use super::super::batch::Draft;
use super::*;
use crate::Transaction;

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(directory.path(), 1 << 20).expect("opens");
    (directory, store)
}

fn batch(base: i64, records: usize) -> Batch {
    let mut transaction = Transaction::default();
    for _ in 0..records {
        transaction.append_tombstone(0, None, b"key", &[]);
    }
    let mut draft = Draft::default();
    transaction.records().for_each(|record| draft.push(&record));
    draft.place(base, Timestamp(base))
}

fn bases(found: &VecDeque<Arc<Batch>>) -> Vec<i64> {
    found.iter().map(|batch| batch.base).collect()
}

#[test]
fn batches_are_read_from_the_one_that_covers_an_offset_up_to_the_end() {
    let (_directory, store) = store();
    store
        .write(|tables| {
            // A neighbour on either side, and a gap that compaction left between 5 and 8.
            tables.put_batch(0, 0, &batch(0, 9))?;
            for base in [0, 3, 8] {
                tables.put_batch(0, 1, &batch(base, 2 + usize::from(base == 0)))?;
            }
            tables.put_batch(0, 2, &batch(0, 9))
        })
        .expect("written");
    let read = |from, end, bytes_max| bases(&store.read((0, "topic"), 1, from, end, bytes_max).expect("read"));
    for (from, expected) in [(0, vec![0, 3, 8]), (2, vec![0, 3, 8]), (4, vec![3, 8]), (5, vec![8]), (7, vec![8])] {
        assert_eq!(read(from, 10, usize::MAX), expected, "from {from}");
    }
    assert_eq!(read(0, 8, usize::MAX), [0, 3], "what is past the end is not read");
    assert_eq!(read(1, 10, 1), [0], "at least one");
    assert_eq!(read(10, 10, usize::MAX), [0; 0]);
}

#[test]
fn a_write_that_fails_half_way_leaves_nothing() {
    let (directory, store) = store();
    let offset = CommittedOffset { group: "group".into(), topic: 0, partition: 0, next: 7 };
    let failed: Result<(), EmbeddedError> = store.write(|tables| {
        tables.put_topic(0, "topic", 1, Retention::Compacted)?;
        tables.put_batch(0, 0, &batch(0, 3))?;
        tables.put_offset(&offset)?;
        Err(tables.damaged("topic", 0, 0))
    });
    failed.expect_err("as told");
    assert!(store.topics().expect("read").is_empty());
    assert_eq!(store.offsets().expect("read"), []);
    drop(store);
    let store = Store::open(directory.path(), 1 << 20).expect("opens");
    assert!(store.topics().expect("read").is_empty());
}

#[test]
fn topics_and_offsets_come_back_with_the_extents_of_their_partitions() {
    let (directory, store) = store();
    let offset = CommittedOffset { group: "group".into(), topic: 1, partition: 0, next: 7 };
    let retentions = [Retention::Unlimited, Retention::Compacted, Retention::Time(Duration::from_millis(1500))];
    store
        .write(|tables| {
            for (id, retention) in (0..).zip(retentions) {
                // Named so that the order of names is not that of ids.
                tables.put_topic(id, &format!("topic-{}", 9 - id), 2, retention)?;
            }
            tables.put_batch(1, 1, &batch(4, 2))?;
            tables.put_batch(1, 1, &batch(6, 3))?;
            tables.put_offset(&offset)
        })
        .expect("written");
    drop(store);
    let store = Store::open(directory.path(), 1 << 20).expect("opens");
    let topics = store.topics().expect("read");
    assert_eq!(topics.iter().map(|topic| topic.retention).collect::<Vec<_>>(), retentions);
    assert_eq!(topics[1].partitions, [(0, 0), (4, 9)]);
    assert_eq!(store.offsets().expect("read"), [offset]);
}

#[test]
fn a_damaged_batch_is_named_by_its_place() {
    let (_directory, store) = store();
    store
        .write(|tables| {
            tables.put_topic(0, "topic", 1, Retention::Unlimited)?;
            store.wrap(tables.records.insert((0, 0, 5), &b"short"[..]))?;
            Ok(())
        })
        .expect("written");
    for error in [store.topics().err(), store.read((0, "topic"), 0, 5, 9, 1).err()] {
        let error = error.expect("damaged");
        assert!(matches!(error, EmbeddedError::Damaged { partition: 0, offset: 5, .. }), "{error}");
        assert!(error.to_string().contains("`topic`"), "{error}");
    }
}
