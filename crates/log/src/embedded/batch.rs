//! A batch: the records one transaction appends to one partition, as bytes.
//!
//! Input: records of a transaction, in order. Output: the value the store keeps under (topic, partition, first offset), and
//! the records again. Offsets inside a batch are relative, because the first offset is only known when the batch gets its
//! place in the log. A batch keeps covering all its offsets after compaction took records out of it.
//!
//! *Shape*, little-endian: timestamp `i64` (ms) · span `u32` (offsets covered) · records. A record: delta `u32` · key length
//! `u32` · value length `u32` ([`TOMBSTONE`] for none) · header count `u16` · key · value · headers, each name length `u16` ·
//! value length `u32` · name · value.
//!
//! Invariant: what was not written by [`Draft`] is refused by [`Entries`] as [`Malformed`], never read out of bounds.
//! Absent: checksums; the store has its own.

use kilat_domain::Timestamp;

use crate::{Headers, Outgoing};

/// A batch is closed once it is this long, so that reading one is bounded work.
pub(super) const BATCH_BYTES: usize = 512 * 1024;
/// What one record may have in key, value and headers: the 16 MiB of a rule set and headroom. An input over the engine's own
/// limit can be written, read and dead-lettered with its cause.
pub(super) const RECORD_BYTES_MAX: usize = 17 * 1024 * 1024;
/// Headers of one record.
pub(super) const HEADERS_MAX: usize = u16::MAX as usize;
/// Bytes of the name of a header.
pub(super) const HEADER_NAME_BYTES_MAX: usize = u16::MAX as usize;

const TOMBSTONE: u32 = u32::MAX;
const PREFIX_BYTES: usize = 12;

/// A batch with its place in the log.
#[derive(Debug)]
pub(super) struct Batch {
    /// Its first offset.
    pub base: i64,
    /// One past the last offset it covers.
    pub end: i64,
    /// When it was appended.
    pub timestamp: Timestamp,
    bytes: Vec<u8>,
}

/// The bytes are not those of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Batch {
    /// A batch as the store has it.
    pub(super) fn read(base: i64, bytes: Vec<u8>) -> Result<Batch, Malformed> {
        let mut prefix = Bytes(&bytes);
        let timestamp = i64::from_le_bytes(prefix.array()?);
        let span = u32::from_le_bytes(prefix.array()?);
        Ok(Batch { base, end: base.saturating_add(i64::from(span)), timestamp: Timestamp(timestamp), bytes })
    }

    /// What the store keeps.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The record at byte position `at`, and the position of the next; `None` at the end.
    pub(super) fn entry(&self, at: Position) -> Result<Option<(Entry<'_>, Position)>, Malformed> {
        let mut rest = Bytes(self.bytes.get(at.0..).ok_or(Malformed)?);
        if rest.0.is_empty() {
            return Ok(None);
        }
        let delta = u32::from_le_bytes(rest.array()?);
        let key_bytes = rest.length()?;
        let value_bytes = u32::from_le_bytes(rest.array()?);
        let header_count = u16::from_le_bytes(rest.array()?);
        let key = rest.take(key_bytes)?;
        let value = if value_bytes == TOMBSTONE { None } else { Some(rest.take(value_bytes as usize)?) };
        let headers = rest.0;
        for _ in 0..header_count {
            let name_bytes = u16::from_le_bytes(rest.array()?);
            let value_bytes = rest.length()?;
            rest.take(usize::from(name_bytes) + value_bytes)?;
        }
        let headers = &headers[..headers.len() - rest.0.len()];
        let offset = self.base.saturating_add(i64::from(delta));
        if offset >= self.end {
            return Err(Malformed);
        }
        let next = Position(self.bytes.len() - rest.0.len());
        Ok(Some((Entry { offset, key, value, headers: Encoded(headers) }, next)))
    }

    /// The records, each with its bytes.
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries { batch: self, at: Position::default() }
    }

    /// The same batch with only the records that `keep` wants; `None` where that is all of them.
    pub(super) fn retain(&self, mut keep: impl FnMut(&Entry<'_>) -> bool) -> Result<Option<Batch>, Malformed> {
        let mut kept = self.bytes[..PREFIX_BYTES].to_vec();
        let mut at = Position::default();
        while let Some((entry, next)) = self.entry(at)? {
            if keep(&entry) {
                kept.extend_from_slice(&self.bytes[at.0..next.0]);
            }
            at = next;
        }
        if kept.len() == self.bytes.len() {
            return Ok(None);
        }
        Ok(Some(Batch { base: self.base, end: self.end, timestamp: self.timestamp, bytes: kept }))
    }

    /// Whether no record is left in it.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.len() == PREFIX_BYTES
    }
}

/// Where a record stands in its batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position(usize);

impl Default for Position {
    /// At the first record.
    fn default() -> Self {
        Position(PREFIX_BYTES)
    }
}

/// A record in its batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub offset: i64,
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
    pub headers: Encoded<'a>,
}

/// The records of a batch in order; ends after the first error.
pub(super) struct Entries<'a> {
    batch: &'a Batch,
    at: Position,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.batch.entry(self.at) {
            Ok(Some((entry, next))) => {
                self.at = next;
                Some(Ok(entry))
            }
            Ok(None) => None,
            Err(Malformed) => {
                self.at = Position(self.batch.bytes.len());
                Some(Err(Malformed))
            }
        }
    }
}

/// Headers as they stand in a batch; their lengths have been checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoded<'a>(&'a [u8]);

impl Headers for Encoded<'_> {
    fn for_each(&self, each: &mut dyn FnMut(&str, &[u8])) {
        let mut rest = Bytes(self.0);
        while let Ok((name, value)) = rest.header() {
            each(std::str::from_utf8(name).unwrap_or_default(), value);
        }
    }
}

/// A batch being written; it gets its first offset and its time when it is sequenced.
#[derive(Debug)]
pub(super) struct Draft {
    span: u32,
    bytes: Vec<u8>,
}

impl Default for Draft {
    fn default() -> Self {
        Draft { span: 0, bytes: vec![0; PREFIX_BYTES] }
    }
}

impl Draft {
    /// Appends a record within [`RECORD_BYTES_MAX`], [`HEADERS_MAX`] and [`HEADER_NAME_BYTES_MAX`].
    pub(super) fn push(&mut self, record: &Outgoing<'_>) {
        let bytes = &mut self.bytes;
        bytes.extend_from_slice(&self.span.to_le_bytes());
        bytes.extend_from_slice(&(record.key.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&record.value.map_or(TOMBSTONE, |value| value.len() as u32).to_le_bytes());
        let headers = record.headers();
        bytes.extend_from_slice(&(headers.len() as u16).to_le_bytes());
        bytes.extend_from_slice(record.key);
        bytes.extend_from_slice(record.value.unwrap_or_default());
        for (name, value) in headers {
            bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
            bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(value);
        }
        self.span += 1;
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Gives the batch its place.
    pub(super) fn place(mut self, base: i64, timestamp: Timestamp) -> Batch {
        self.bytes[..8].copy_from_slice(&timestamp.0.to_le_bytes());
        self.bytes[8..PREFIX_BYTES].copy_from_slice(&self.span.to_le_bytes());
        Batch { base, end: base + i64::from(self.span), timestamp, bytes: self.bytes }
    }
}

/// Bytes being read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn header(&mut self) -> Result<(&'a [u8], &'a [u8]), Malformed> {
        let name_bytes = usize::from(u16::from_le_bytes(self.array()?));
        let value_bytes = self.length()?;
        Ok((self.take(name_bytes)?, self.take(value_bytes)?))
    }
}

#[cfg(test)]
mod tests;
