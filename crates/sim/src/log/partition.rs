//! One partition of a topic: records and markers by offset, and which transactions are open on it.
//!
//! Every end of a transaction takes an offset for its marker, as in Kafka: offsets of records have gaps.

use std::ops::Range;

use kilat_domain::Timestamp;
use kilat_log::{Headers, Record};

/// No transaction.
pub(crate) const PLAIN: u32 = u32::MAX;

/// What stands at an offset.
#[derive(Clone, Debug)]
struct Entry {
    /// The transaction it belongs to; [`PLAIN`] for none.
    txn: u32,
    timestamp: Timestamp,
    /// `None` is a marker.
    record: Option<Stored>,
}

#[derive(Clone, Debug)]
struct Stored {
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Range<usize>,
}

/// Records of one partition.
#[derive(Debug, Default)]
pub(crate) struct Partition {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
    headers: Vec<(Range<usize>, Range<usize>)>,
    /// Open transactions and their first offset here.
    open: Vec<(u32, i64)>,
    /// Readers find nothing before. It is kept all the same, for those who check a run.
    start: i64,
}

/// A record to be appended.
pub(crate) struct New<'a, H> {
    pub(crate) txn: u32,
    pub(crate) timestamp: Timestamp,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: H,
}

/// Headers as they are stored.
pub(crate) struct StoredHeaders<'a> {
    partition: &'a Partition,
    range: Range<usize>,
}

impl Headers for StoredHeaders<'_> {
    fn for_each(&self, each: &mut dyn FnMut(&str, &[u8])) {
        for (name, value) in &self.partition.headers[self.range.clone()] {
            let name = std::str::from_utf8(&self.partition.bytes[name.clone()]).unwrap_or_default();
            each(name, &self.partition.bytes[value.clone()]);
        }
    }
}

/// A record as it stands.
pub(crate) struct At<'a> {
    pub(crate) txn: u32,
    pub(crate) offset: i64,
    pub(crate) timestamp: Timestamp,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: StoredHeaders<'a>,
}

impl At<'_> {
    /// The record as the port gives it.
    pub(crate) fn record(&self, input: usize, partition: u32) -> Record<'_> {
        let At { txn: _, offset, timestamp, key, value, headers } = self;
        Record { input, partition, offset: *offset, timestamp: *timestamp, key: *key, value: *value, headers }
    }
}

impl Partition {
    /// Appends a record and gives its offset; its transaction is open here from now on.
    pub(crate) fn append<'h>(&mut self, new: New<'_, impl Iterator<Item = (&'h str, &'h [u8])>>) -> i64 {
        let offset = self.end();
        if new.txn != PLAIN && !self.open.iter().any(|(open, _)| *open == new.txn) {
            self.open.push((new.txn, offset));
        }
        let key = new.key.map(|bytes| self.store(bytes));
        let value = new.value.map(|bytes| self.store(bytes));
        let first = self.headers.len();
        for (name, value) in new.headers {
            let header = (self.store(name.as_bytes()), self.store(value));
            self.headers.push(header);
        }
        let record = Some(Stored { key, value, headers: first..self.headers.len() });
        self.entries.push(Entry { txn: new.txn, timestamp: new.timestamp, record });
        offset
    }

    /// Writes the marker that ends a transaction here.
    pub(crate) fn mark(&mut self, txn: u32, timestamp: Timestamp) {
        self.open.retain(|(open, _)| *open != txn);
        self.entries.push(Entry { txn, timestamp, record: None });
    }

    /// The first offset that readers find.
    pub(crate) fn start(&self) -> i64 {
        self.start
    }

    /// Hides what is before this offset from readers.
    pub(crate) fn trim(&mut self, before: i64) {
        self.start = self.start.max(before.min(self.end()));
    }

    /// One past the newest offset.
    pub(crate) fn end(&self) -> i64 {
        self.entries.len() as i64
    }

    /// The last stable offset: everything below belongs to transactions whose end is known here.
    pub(crate) fn stable_end(&self) -> i64 {
        self.open.iter().map(|(_, first)| *first).min().unwrap_or_else(|| self.end())
    }

    /// What stands at this offset, if it is a record.
    pub(crate) fn at(&self, offset: i64) -> Option<At<'_>> {
        let entry = self.entries.get(usize::try_from(offset).ok()?)?;
        let Stored { key, value, headers } = entry.record.as_ref()?;
        Some(At {
            txn: entry.txn,
            offset,
            timestamp: entry.timestamp,
            key: key.clone().map(|range| &self.bytes[range]),
            value: value.clone().map(|range| &self.bytes[range]),
            headers: StoredHeaders { partition: self, range: headers.clone() },
        })
    }

    fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }
}
