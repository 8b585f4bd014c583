//! The store: what is read back, and writes that fail as a whole.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use kilat_domain::{Class, Timestamp};
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

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

/// A file on a disk that is full from some operation on; the write that finds it so is cut in half. Clones are the same
/// file.
#[derive(Clone, Debug)]
struct FillingDisk {
    file: Arc<InMemoryBackend>,
    left: Arc<AtomicUsize>,
}

impl FillingDisk {
    fn spend(&self) -> io::Result<()> {
        let spent = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        spent.map(|_| ()).map_err(|_| io::Error::from(io::ErrorKind::StorageFull))
    }
}

impl StorageBackend for FillingDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.spend()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.spend()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if let Err(full) = self.spend() {
            self.file.write(offset, &bytes[..bytes.len() / 2])?;
            return Err(full);
        }
        self.file.write(offset, bytes)
    }
}

#[test]
fn a_disk_that_fills_at_any_operation_loses_nothing_acknowledged_and_tears_nothing() {
    /// More than a few commits need.
    const OPERATIONS: usize = 250;
    let mut lengths = Vec::new();
    for left_at_start in 0..OPERATIONS {
        let disk = FillingDisk { file: Arc::default(), left: Arc::new(AtomicUsize::new(usize::MAX)) };
        let open = || {
            let database = builder(Path::new("disk"), 1 << 20).create_with_backend(disk.clone()).expect("opens");
            Store::over(Path::new("disk"), database).expect("opens")
        };
        let store = open();
        disk.left.store(left_at_start, Ordering::SeqCst);

        let commit = |number: i64| {
            let offset = CommittedOffset { group: "group".into(), topic: 0, partition: 0, next: number + 1 };
            store.write(|tables| {
                for partition in 0..3 {
                    tables.put_batch(0, partition, &batch(100 * number, 100))?;
                }
                tables.put_offset(&offset)
            })
        };
        let failed_at = (0..).find_map(|number| commit(number).err().map(|error| (number, error)));
        let (acknowledged, error) = failed_at.expect("the disk fills at last");
        assert!(matches!(error, EmbeddedError::DiskFull { .. }), "at {left_at_start}: {error}");
        assert_eq!(error.class(), Class::Fatal);
        assert!(commit(acknowledged).is_err(), "a store that failed takes nothing more");
        drop(store);

        disk.left.store(usize::MAX, Ordering::SeqCst);
        let store = open();
        let found: Vec<usize> = (0..3)
            .map(|partition| store.read((0, "topic"), partition, 0, i64::MAX, usize::MAX).expect("read").len())
            .collect();
        let committed = store.offsets().expect("read").first().map_or(0, |offset| offset.next);
        assert!(
            found.iter().all(|&count| count as i64 == committed),
            "at {left_at_start}: torn: {found:?}, {committed}"
        );
        // The commit that failed may have been the flush's last step: its outcome was unknown.
        assert!(
            (acknowledged..=acknowledged + 1).contains(&committed),
            "at {left_at_start}: {acknowledged}, {committed}"
        );
        lengths.push(acknowledged);
    }
    assert!(lengths[0] == 0 && lengths.last() > Some(&2), "from the first operation to many commits: {lengths:?}");
}
