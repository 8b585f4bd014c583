//! The deduplication ledger: what became of actions lately.
//!
//! Input: the records of `kilat.action-results.v1`, of our partitions: those committed before an assignment, then our own
//! as they are written. Output: what is known of an action id.
//! L-1: it ends with its session, and a session ends where a commit fails; so nothing uncommitted outlives its transaction.
//! L-2: bounded by age and, per partition, by count; the oldest go first. An id is remembered by a 128-bit hash.
//! Absent: reading and writing the topic (`worker.rs`).

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use kilat_domain::{Outcome, Timestamp};
use xxhash_rust::xxh3::xxh3_128;

/// What is known of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// A request that must not be repeated may have been sent.
    Sending,
    /// It is settled.
    Final,
}

/// What became of actions lately.
#[derive(Debug)]
pub(crate) struct Ledger {
    window: Duration,
    entries_max: usize,
    partitions: HashMap<u32, Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    known: HashMap<u128, (Known, Timestamp)>,
    /// In the order they were written; an id written twice stands twice, and only its newest place counts.
    order: VecDeque<(u128, Timestamp)>,
}

impl Ledger {
    pub(crate) fn new(window: Duration, entries_max: usize) -> Self {
        Ledger { window, entries_max, partitions: HashMap::new() }
    }

    /// Starts a partition's ledger anew.
    pub(crate) fn open(&mut self, partition: u32) {
        self.partitions.insert(partition, Entries::default());
    }

    /// Forgets a partition.
    pub(crate) fn close(&mut self, partition: u32) {
        self.partitions.remove(&partition);
    }

    /// Takes a result; `None` is a tombstone: nothing is known of the action any more.
    pub(crate) fn record(&mut self, partition: u32, action_id: &str, result: Option<(Outcome, Timestamp)>) {
        let Some(entries) = self.partitions.get_mut(&partition) else { return };
        let id = hash(action_id);
        match result {
            None => {
                entries.known.remove(&id);
            }
            Some((outcome, at)) => {
                let known = if outcome.is_final() { Known::Final } else { Known::Sending };
                entries.known.insert(id, (known, at));
                entries.order.push_back((id, at));
                // The order holds ids that were written again or withdrawn: let it grow to twice the bound, not further.
                while entries.known.len() > self.entries_max || entries.order.len() > 2 * self.entries_max {
                    entries.drop_oldest();
                }
            }
        }
    }

    /// What is known of an action.
    pub(crate) fn get(&self, partition: u32, action_id: &str) -> Option<Known> {
        self.partitions.get(&partition)?.known.get(&hash(action_id)).map(|(known, _)| *known)
    }

    /// Forgets what is older than the window.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        for entries in self.partitions.values_mut() {
            while entries.order.front().is_some_and(|(_, at)| now.since(*at) > self.window) {
                entries.drop_oldest();
            }
        }
    }

    /// Actions remembered.
    pub(crate) fn len(&self) -> usize {
        self.partitions.values().map(|entries| entries.known.len()).sum()
    }
}

impl Entries {
    fn drop_oldest(&mut self) {
        if let Some((id, at)) = self.order.pop_front()
            && self.known.get(&id).is_some_and(|(_, written)| *written == at)
        {
            self.known.remove(&id);
        }
    }
}

fn hash(action_id: &str) -> u128 {
    xxh3_128(action_id.as_bytes())
}

#[cfg(test)]
mod tests;
