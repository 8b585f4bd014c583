//! A transaction being gathered: records for several topics and the input offsets they answer, in reused buffers.

use std::ops::Range;

/// Records and input offsets that are committed together.
#[derive(Debug, Default)]
pub struct Transaction {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    headers: Vec<(Range<usize>, Range<usize>)>,
    offsets: Vec<InputOffset>,
}

#[derive(Debug)]
struct Entry {
    output: usize,
    partition: Option<u32>,
    key: Range<usize>,
    value: Option<Range<usize>>,
    headers: Range<usize>,
    /// It was handed over ahead of the commit.
    sent: bool,
}

/// The next offset to read of one input partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputOffset {
    /// Index of the topic among the member's inputs.
    pub input: usize,
    /// The partition.
    pub partition: u32,
    /// One past the last finished record.
    pub next: i64,
}

/// A record of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Index of the topic among the outputs.
    pub output: usize,
    /// The partition; by murmur2 of the key where `None`, as Kafka's Java client does it.
    pub partition: Option<u32>,
    /// The key.
    pub key: &'a [u8],
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    transaction: &'a Transaction,
    entry: &'a Entry,
}

impl<'a> Outgoing<'a> {
    /// Its headers, in order.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let transaction = self.transaction;
        transaction.headers[self.entry.headers.clone()].iter().map(|(name, value)| {
            let name = std::str::from_utf8(&transaction.bytes[name.clone()]).unwrap_or_default();
            (name, &transaction.bytes[value.clone()])
        })
    }
}

impl Transaction {
    /// Appends a record to the topic at `output` of the member's outputs. `value` writes the value to the end of the
    /// buffer it is given; nothing is appended where it fails.
    pub fn append<E>(
        &mut self,
        output: usize,
        partition: Option<u32>,
        key: &[u8],
        headers: &[(&str, &[u8])],
        value: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.bytes.len();
        if let Err(error) = value(&mut self.bytes) {
            self.bytes.truncate(start);
            return Err(error);
        }
        let value = start..self.bytes.len();
        self.push(output, partition, key, headers, Some(value));
        Ok(())
    }

    /// Appends a tombstone: in a compacted topic it deletes the key.
    pub fn append_tombstone(&mut self, output: usize, partition: Option<u32>, key: &[u8], headers: &[(&str, &[u8])]) {
        self.push(output, partition, key, headers, None);
    }

    /// Moves an input partition forward; `next` is one past the last finished record.
    pub fn advance(&mut self, input: usize, partition: u32, next: i64) {
        match self.offsets.iter_mut().find(|o| o.input == input && o.partition == partition) {
            Some(offset) => offset.next = next,
            None => self.offsets.push(InputOffset { input, partition, next }),
        }
    }

    /// The records, in the order they were appended.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Outgoing<'_>> {
        self.entries.iter().map(|entry| self.outgoing(entry))
    }

    /// Those of [`Self::records`] that were not handed over ahead of the commit.
    pub fn unsent(&self) -> impl Iterator<Item = Outgoing<'_>> {
        self.entries.iter().filter(|entry| !entry.sent).map(|entry| self.outgoing(entry))
    }

    /// The records for `output` are handed over.
    pub fn mark_sent(&mut self, output: usize) {
        self.entries.iter_mut().filter(|entry| entry.output == output).for_each(|entry| entry.sent = true);
    }

    fn outgoing<'t>(&'t self, entry: &'t Entry) -> Outgoing<'t> {
        Outgoing {
            output: entry.output,
            partition: entry.partition,
            key: &self.bytes[entry.key.clone()],
            value: entry.value.clone().map(|value| &self.bytes[value]),
            transaction: self,
            entry,
        }
    }

    /// The input offsets.
    pub fn offsets(&self) -> &[InputOffset] {
        &self.offsets
    }

    /// Bytes of keys, values and headers gathered so far.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.offsets.is_empty()
    }

    /// Forgets everything and keeps the buffers.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.headers.clear();
        self.offsets.clear();
    }

    /// Gives back what the buffers have room for beyond `bytes` of records. To be called once it is cleared.
    pub fn shrink_to(&mut self, bytes: usize) {
        self.bytes.shrink_to(bytes);
        self.entries.shrink_to(bytes / size_of::<Entry>());
        self.headers.shrink_to(bytes / size_of::<(Range<usize>, Range<usize>)>());
    }

    fn push(
        &mut self,
        output: usize,
        partition: Option<u32>,
        key: &[u8],
        headers: &[(&str, &[u8])],
        value: Option<Range<usize>>,
    ) {
        let key = self.store(key);
        let first = self.headers.len();
        for (name, value) in headers {
            let name = self.store(name.as_bytes());
            let value = self.store(value);
            self.headers.push((name, value));
        }
        self.entries.push(Entry { output, partition, key, value, headers: first..self.headers.len(), sent: false });
    }

    fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }
}
