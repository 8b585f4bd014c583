//! Reads partitions from their positions on: from memory where the position is recent, from the store where it is not.
//!
//! Input: positions, and the view under its lock ([`Reader::look`]). Output: records, lock released ([`Reader::deliver`]).
//!
//! RD-1: offsets of a partition rise, whatever compaction took out between them. RD-2: nothing past the published end is
//! delivered. RD-3: at most [`READ_BYTES`] and one batch are held per partition.

use std::collections::VecDeque;
use std::sync::Arc;

use super::batch::{Batch, Entry, Malformed, Position};
use super::error::EmbeddedError;
use super::store::{Store, TopicId};
use super::view::View;
use crate::{Lag, Record};

/// What is taken at once for one partition.
const READ_BYTES: usize = 1024 * 1024;

/// Positions in several partitions.
#[derive(Debug, Default)]
pub(super) struct Reader {
    cursors: Vec<Cursor>,
    /// Whose turn it is to be first.
    turn: usize,
}

/// The position in one partition.
#[derive(Debug)]
pub(super) struct Cursor {
    input: usize,
    topic: TopicId,
    name: Arc<str>,
    partition: u32,
    /// The next offset to deliver.
    position: i64,
    /// The published end, as last seen.
    end: i64,
    /// Whether the position was older than what memory holds, when last seen.
    cold: bool,
    /// Nothing is delivered.
    paused: bool,
    batches: VecDeque<Arc<Batch>>,
    /// In the first of `batches`.
    at: Position,
}

impl Cursor {
    pub(super) fn new(input: usize, topic: TopicId, name: Arc<str>, partition: u32, position: i64) -> Cursor {
        let (batches, at) = (VecDeque::new(), Position::default());
        Cursor { input, topic, name, partition, position, end: position, cold: false, paused: false, batches, at }
    }

    pub(super) fn position(&self) -> i64 {
        self.position
    }

    fn is_ready(&self) -> bool {
        !self.paused && (!self.batches.is_empty() || (self.cold && self.position < self.end))
    }

    fn look(&mut self, view: &View) {
        let partition = view.partition(self.topic, self.partition);
        self.end = partition.end;
        if self.batches.is_empty() && self.position < self.end {
            let recent = partition.recent_from(self.position, READ_BYTES);
            self.cold = recent.is_none();
            self.batches = recent.unwrap_or_default();
        }
    }

    fn deliver(
        &mut self,
        store: &Store,
        records_max: usize,
        take: &mut dyn FnMut(&[Record<'_>]),
    ) -> Result<usize, EmbeddedError> {
        let mut delivered = 0;
        while delivered < records_max && !self.paused {
            let Some(batch) = self.batches.front() else {
                if !self.cold || self.position >= self.end {
                    break;
                }
                let topic = (self.topic, &*self.name);
                self.batches = store.read(topic, self.partition, self.position, self.end, READ_BYTES)?;
                if self.batches.is_empty() {
                    self.position = self.end;
                }
                continue;
            };
            let mut entries = Vec::new();
            let mut is_through = false;
            while delivered + entries.len() < records_max {
                let entry =
                    batch.entry(self.at).map_err(|Malformed| store.damaged(&self.name, self.partition, batch.base))?;
                let Some((entry, next)) = entry else {
                    is_through = true;
                    break;
                };
                self.at = next;
                if entry.offset >= self.position {
                    self.position = entry.offset + 1;
                    entries.push(entry);
                }
            }
            let record = |entry| self.record(batch, entry);
            take(&entries.iter().map(record).collect::<Vec<_>>());
            delivered += entries.len();
            if is_through {
                self.position = self.position.max(batch.end);
                self.batches.pop_front();
                self.at = Position::default();
            }
        }
        Ok(delivered)
    }

    fn record<'e>(&self, batch: &Batch, entry: &'e Entry<'_>) -> Record<'e> {
        Record {
            input: self.input,
            partition: self.partition,
            offset: entry.offset,
            timestamp: batch.timestamp,
            key: Some(entry.key),
            value: entry.value,
            headers: &entry.headers,
        }
    }
}

impl Reader {
    pub(super) fn add(&mut self, cursor: Cursor) {
        self.cursors.push(cursor);
    }

    /// Forgets these partitions of every input.
    pub(super) fn remove(&mut self, partitions: &[u32]) {
        self.cursors.retain(|cursor| !partitions.contains(&cursor.partition));
    }

    /// Delivers nothing of a partition of an input any more, or does so again.
    pub(super) fn pause(&mut self, input: usize, partition: u32, paused: bool) {
        let is_it = |cursor: &&mut Cursor| cursor.input == input && cursor.partition == partition;
        self.cursors.iter_mut().filter(is_it).for_each(|cursor| cursor.paused = paused);
    }

    pub(super) fn cursors(&self) -> &[Cursor] {
        &self.cursors
    }

    /// Takes what is recent and notes what is not; whether there is anything to deliver.
    pub(super) fn look(&mut self, view: &View) -> bool {
        let mut ready = false;
        for cursor in &mut self.cursors {
            cursor.look(view);
            ready |= cursor.is_ready();
        }
        ready
    }

    /// Delivers up to `records_max` of what the last look found, an equal share of every partition first.
    pub(super) fn deliver(
        &mut self,
        store: &Store,
        records_max: usize,
        take: &mut dyn FnMut(&[Record<'_>]),
    ) -> Result<usize, EmbeddedError> {
        let count = self.cursors.len();
        let ready = self.cursors.iter().filter(|cursor| cursor.is_ready()).count().max(1);
        let share = (records_max / ready).max(1);
        let mut delivered = 0;
        loop {
            let before = delivered;
            for index in 0..count {
                let cursor = &mut self.cursors[(self.turn + index) % count];
                delivered += cursor.deliver(store, share.min(records_max - delivered), take)?;
            }
            if delivered == before || delivered == records_max {
                break;
            }
        }
        self.turn = (self.turn + 1) % count.max(1);
        Ok(delivered)
    }

    /// How far each partition is behind its end.
    pub(super) fn lag(&self, view: &View) -> Vec<Lag> {
        let lag = |cursor: &Cursor| Lag {
            input: cursor.input,
            partition: cursor.partition,
            records: (view.partition(cursor.topic, cursor.partition).end - cursor.position).max(0).unsigned_abs(),
        };
        self.cursors.iter().map(lag).collect()
    }
}
