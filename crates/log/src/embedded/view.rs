//! What is committed, as readers see it: ends of partitions, recent batches, offsets of groups, who is who.
//!
//! Input: groups of transactions that are on disk ([`View::publish`]), members and writers that come and go. Output: answers
//! under one short lock; nothing in here waits for the disk.
//!
//! VW-1: a transaction is published whole, under one lock. VW-2: the recent batches of a partition have no gap up to its
//! end, so that a reader who finds its position there needs no disk.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::batch::Batch;
use super::group::{Epoch, Group};
use super::store::{CommittedOffset, StoredTopic, TopicId};

/// A batch in memory costs this much beside its bytes.
const BATCH_OVERHEAD_BYTES: usize = 96;

/// What is committed.
#[derive(Debug)]
pub(super) struct View {
    /// By id.
    topics: Vec<Topic>,
    ids: HashMap<Arc<str>, TopicId>,
    offsets: HashMap<Arc<str>, HashMap<(TopicId, u32), i64>>,
    pub groups: HashMap<Arc<str>, Group>,
    pub writers: HashMap<String, Epoch>,
    /// Members and writers with a commit under way: whoever takes their place waits for it.
    pub committing: HashSet<Epoch>,
    epoch: Epoch,
    recent: Recent,
}

/// A topic as readers see it.
#[derive(Debug)]
pub(super) struct Topic {
    pub name: Arc<str>,
    pub partitions: Vec<Partition>,
}

/// A partition as readers see it.
#[derive(Debug, Default)]
pub(super) struct Partition {
    /// Its first offset.
    pub first: i64,
    /// Its next offset.
    pub end: i64,
    recent: VecDeque<Arc<Batch>>,
}

/// The bound on recent batches, and the order in which they go.
#[derive(Debug)]
struct Recent {
    bytes: usize,
    bytes_max: usize,
    /// Of which partition the oldest batch goes next.
    order: VecDeque<(TopicId, u32)>,
}

/// What a group of transactions changes.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// In the order they were placed.
    pub batches: Vec<(TopicId, u32, Arc<Batch>)>,
    pub offsets: Vec<CommittedOffset>,
    /// Partitions that now start later.
    pub firsts: Vec<(TopicId, u32, i64)>,
}

impl View {
    /// What the store has; keeps at most `recent_bytes_max` of batches in memory.
    pub(super) fn new(stored: &[StoredTopic], offsets: Vec<CommittedOffset>, recent_bytes_max: usize) -> View {
        let mut view = View {
            topics: Vec::new(),
            ids: HashMap::new(),
            offsets: HashMap::new(),
            groups: HashMap::new(),
            writers: HashMap::new(),
            committing: HashSet::new(),
            epoch: 0,
            recent: Recent { bytes: 0, bytes_max: recent_bytes_max, order: VecDeque::new() },
        };
        for topic in stored {
            view.add_topic(topic);
        }
        for offset in offsets {
            view.set_offset(offset);
        }
        view
    }

    /// A topic that was created; topics come in the order of their ids.
    pub(super) fn add_topic(&mut self, stored: &StoredTopic) {
        let name: Arc<str> = stored.name.as_str().into();
        let partitions =
            stored.partitions.iter().map(|&(first, end)| Partition { first, end, recent: VecDeque::new() }).collect();
        self.ids.insert(Arc::clone(&name), stored.id);
        self.topics.push(Topic { name, partitions });
    }

    /// The id of a topic.
    pub(super) fn id(&self, name: &str) -> Option<TopicId> {
        self.ids.get(name).copied()
    }

    /// A topic by the id it was found under.
    pub(super) fn topic(&self, id: TopicId) -> &Topic {
        &self.topics[id as usize]
    }

    /// How many topics there are; also the id of the next.
    pub(super) fn topics_len(&self) -> usize {
        self.topics.len()
    }

    /// A partition of a topic that has it.
    pub(super) fn partition(&self, id: TopicId, partition: u32) -> &Partition {
        &self.topics[id as usize].partitions[partition as usize]
    }

    /// Where a group goes on: at its committed offset, at the first record where it has none.
    pub(super) fn resume(&self, group: &str, id: TopicId, partition: u32) -> i64 {
        let first = self.partition(id, partition).first;
        self.committed(group, id, partition).map_or(first, |next| next.max(first))
    }

    /// A group's committed offset.
    pub(super) fn committed(&self, group: &str, id: TopicId, partition: u32) -> Option<i64> {
        self.offsets.get(group)?.get(&(id, partition)).copied()
    }

    /// A number greater than all before.
    pub(super) fn next_epoch(&mut self) -> Epoch {
        self.epoch += 1;
        self.epoch
    }

    /// Makes a group of transactions visible.
    pub(super) fn publish(&mut self, published: Published) {
        for (id, number, batch) in published.batches {
            let partition = &mut self.topics[id as usize].partitions[number as usize];
            partition.end = batch.end;
            self.recent.bytes += batch.bytes().len() + BATCH_OVERHEAD_BYTES;
            self.recent.order.push_back((id, number));
            partition.recent.push_back(batch);
        }
        for (id, number, first) in published.firsts {
            self.topics[id as usize].partitions[number as usize].first = first;
        }
        for offset in published.offsets {
            self.set_offset(offset);
        }
        while self.recent.bytes > self.recent.bytes_max
            && let Some((id, number)) = self.recent.order.pop_front()
        {
            if let Some(batch) = self.topics[id as usize].partitions[number as usize].recent.pop_front() {
                self.recent.bytes -= batch.bytes().len() + BATCH_OVERHEAD_BYTES;
            }
        }
    }

    fn set_offset(&mut self, offset: CommittedOffset) {
        self.offsets.entry(offset.group).or_default().insert((offset.topic, offset.partition), offset.next);
    }
}

impl Partition {
    /// Recent batches from the one that covers `from` on, until they have `bytes_max` together; `None` where `from` is older
    /// than what memory holds.
    pub(super) fn recent_from(&self, from: i64, bytes_max: usize) -> Option<VecDeque<Arc<Batch>>> {
        if self.recent.front().is_none_or(|batch| batch.base > from) {
            return None;
        }
        let start = self.recent.partition_point(|batch| batch.end <= from);
        let mut bytes = 0;
        let mut found = VecDeque::new();
        for batch in self.recent.range(start..) {
            found.push_back(Arc::clone(batch));
            bytes += batch.bytes().len();
            if bytes >= bytes_max {
                break;
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests;
