//! Reads a topic outside any group.
//!
//! Input: polls. Output: committed records, and whether everything that was committed when it opened has been delivered
//! (LOG-7): a transaction is published whole, so the ends seen at opening are the ends of whole transactions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::log::{Log, lock, wait_for};
use super::no_such_partition;
use super::reader::{Cursor, Reader};
use crate::{Followed, Follower, LogError, Record, Start, each};

/// See the module.
pub(super) struct EmbeddedFollower {
    log: Arc<Log>,
    reader: Reader,
    /// The end of each partition when this was opened, in the order of the reader's cursors.
    ends: Vec<i64>,
    caught_up: bool,
}

impl EmbeddedFollower {
    /// `start` says where, for each place in `partitions`.
    pub(super) fn open(
        log: &Arc<Log>,
        topic: &str,
        partitions: Option<&[u32]>,
        start: impl Fn(usize) -> Start,
    ) -> Result<EmbeddedFollower, LogError> {
        let view = lock(&log.view);
        let (id, topic) = log.find(&view, topic)?;
        let count = topic.partitions.len() as u32;
        let partitions = partitions.map_or_else(|| (0..count).collect(), <[u32]>::to_vec);
        let mut reader = Reader::default();
        let mut ends = Vec::new();
        for (at, partition) in partitions.into_iter().enumerate() {
            let Some(extent) = topic.partitions.get(partition as usize) else {
                return Err(no_such_partition(topic, partition));
            };
            let position = match start(at) {
                Start::Earliest => extent.first,
                Start::Latest => extent.end,
                Start::Offset(offset) => offset.clamp(extent.first, extent.end),
            };
            reader.add(Cursor::new(0, id, Arc::clone(&topic.name), partition, position));
            ends.push(extent.end);
        }
        Ok(EmbeddedFollower { log: Arc::clone(log), reader, ends, caught_up: false })
    }

    fn has_caught_up(&self) -> bool {
        self.reader.cursors().iter().zip(&self.ends).all(|(cursor, &end)| cursor.position() >= end)
    }
}

impl Follower for EmbeddedFollower {
    #[allow(clippy::disallowed_methods, reason = "the timeout of a poll is real time")]
    fn poll(&mut self, timeout: Duration, one: &mut dyn FnMut(Record<'_>)) -> Result<Followed, LogError> {
        let deadline = Instant::now().checked_add(timeout);
        let log = Arc::clone(&self.log);
        let mut records = 0;
        let mut take = each(one);
        loop {
            let mut view = lock(&log.view);
            while !self.reader.look(&view) {
                let left =
                    deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
                // News is told at once.
                let news = !self.caught_up && self.has_caught_up();
                if news || left.is_zero() {
                    self.caught_up |= news;
                    return Ok(Followed { records, caught_up: self.caught_up });
                }
                view = wait_for(&log.changed, view, left);
            }
            drop(view);
            records += self.reader.deliver(&log.store, DELIVERED_MAX, &mut take)?;
            self.caught_up |= self.has_caught_up();
            if records > 0 {
                return Ok(Followed { records, caught_up: self.caught_up });
            }
        }
    }
}

/// Records delivered by one poll.
const DELIVERED_MAX: usize = 100_000;
