//! The cluster of a run: topics, transactions, groups, and what is on its way.
//!
//! Everything happens under one lock and in one order, which the seed decides.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use kilat_domain::Timestamp;
use kilat_log::{Clock as _, LogError, TopicSpec};

use super::group::Group;
use super::partition::{At, New, PLAIN, Partition};
use crate::clock::SimClock;
use crate::fault::{Fault, Faults};
use crate::random::Random;
use crate::sabotage::Sabotage;

/// How the cluster behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A member that is not heard of for so long is out of its group.
    pub session: Duration,
    /// A member that does not join anew within this time is out, too.
    pub rebalance: Duration,
    /// A transaction is aborted after this time.
    pub transaction: Duration,
    /// How many calls a run makes, about: what decides how often faults strike.
    pub occasions: f64,
    /// A deliberate bug.
    pub sabotage: Option<Sabotage>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            session: Duration::from_secs(10),
            rebalance: Duration::from_secs(30),
            transaction: Duration::from_secs(10),
            occasions: 1_000.0,
            sabotage: None,
        }
    }
}

/// A topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) partitions: Vec<Partition>,
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    Committed,
    Aborted,
}

/// A transaction.
#[derive(Debug)]
pub(crate) struct Txn {
    pub(crate) phase: Phase,
    producer: usize,
    /// Topic and partition.
    pub(crate) places: Vec<(usize, u32)>,
    /// Group, topic, partition, next offset.
    pub(crate) offsets: Vec<(String, usize, u32, i64)>,
    /// Markers not yet written.
    markers: usize,
}

/// A transactional id.
#[derive(Debug, Default)]
struct Producer {
    id: String,
    epoch: u32,
    txn: Option<u32>,
}

/// A holder of a transactional id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    producer: usize,
    epoch: u32,
    /// Its open transaction.
    pub(crate) txn: Option<u32>,
}

/// Something that will happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// The marker of a transaction reaches a partition.
    Marker { txn: u32, topic: usize, partition: u32 },
    /// … or the group's offsets.
    Offsets { txn: u32 },
    /// A commit that was on its way arrives.
    LateCommit { txn: u32, producer: usize, epoch: u32 },
    /// A transaction is open for too long.
    Expiry { txn: u32 },
    /// A member is silent for too long.
    Session { group: String, member: u64 },
    /// A group waits for its members for too long.
    Rebalance { group: String, round: u64 },
}

/// The cluster.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Arc<SimClock>,
    pub(crate) settings: Settings,
    pub(crate) random: Random,
    pub(crate) faults: Faults,
    pub(crate) topics: Vec<Topic>,
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) txns: Vec<Txn>,
    producers: Vec<Producer>,
    due: BinaryHeap<Reverse<(Duration, u64, Due)>>,
    numbered: u64,
    /// Grows with everything that somebody may wait for.
    pub(crate) version: u64,
}

impl World {
    pub(crate) fn new(clock: Arc<SimClock>, settings: Settings, random: Random, faults: Faults) -> World {
        World {
            clock,
            settings,
            random,
            faults,
            topics: Vec::new(),
            groups: BTreeMap::new(),
            txns: Vec::new(),
            producers: Vec::new(),
            due: BinaryHeap::new(),
            numbered: 0,
            version: 0,
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    fn wall(&self) -> Timestamp {
        self.clock.wall()
    }

    pub(crate) fn changed(&mut self) {
        self.version += 1;
    }

    pub(crate) fn is_sabotaged(&self, by: Sabotage) -> bool {
        self.settings.sabotage == Some(by)
    }

    /// Whether this fault happens at one of the many calls of a run.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        let occasions = self.settings.occasions;
        self.faults.strikes(fault, occasions)
    }

    // ---- topics ----

    pub(crate) fn topic(&self, name: &str) -> Result<usize, LogError> {
        let missing = || LogError::MissingTopic { topic: name.to_owned(), at: "the simulated log".to_owned() };
        self.topics.iter().position(|topic| topic.name == name).ok_or_else(missing)
    }

    pub(crate) fn create(&mut self, spec: &TopicSpec) {
        if self.topic(&spec.name).is_err() {
            let partitions = (0..spec.partitions).map(|_| Partition::default()).collect();
            self.topics.push(Topic { name: spec.name.clone(), partitions });
        }
    }

    pub(crate) fn partition(&self, topic: usize, partition: u32) -> &Partition {
        &self.topics[topic].partitions[partition as usize]
    }

    /// The record at this offset, if a read-committed reader sees one there; below the last stable offset only.
    pub(crate) fn committed(&self, topic: usize, partition: u32, offset: i64) -> Option<At<'_>> {
        let at = self.partition(topic, partition).at(offset)?;
        (at.txn == PLAIN || self.txns[at.txn as usize].phase == Phase::Committed).then_some(at)
    }

    /// Appends a record and gives its offset; its transaction, if it has one, takes part here from now on.
    pub(crate) fn append<'h>(
        &mut self,
        topic: usize,
        partition: u32,
        new: New<'_, impl Iterator<Item = (&'h str, &'h [u8])>>,
    ) -> i64 {
        let txn = new.txn;
        let offset = self.topics[topic].partitions[partition as usize].append(new);
        if txn != PLAIN && !self.txns[txn as usize].places.contains(&(topic, partition)) {
            self.txns[txn as usize].places.push((topic, partition));
        }
        offset
    }

    // ---- what is due ----

    fn later(&mut self, after: Duration, due: Due) {
        self.numbered += 1;
        self.due.push(Reverse((self.now() + after, self.numbered, due)));
    }

    /// When the next thing is due.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.due.peek().map(|Reverse((at, ..))| *at)
    }

    /// Lets everything happen that is due by now.
    pub(crate) fn catch_up(&mut self) {
        while self.next_due().is_some_and(|at| at <= self.now()) {
            let Some(Reverse((_, _, due))) = self.due.pop() else { return };
            self.happen(due);
        }
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Marker { txn, topic, partition } => {
                let at = self.wall();
                self.topics[topic].partitions[partition as usize].mark(txn, at);
                self.marked(txn);
            }
            Due::Offsets { txn } => {
                let phase = self.txns[txn as usize].phase;
                let offsets = std::mem::take(&mut self.txns[txn as usize].offsets);
                for (group, topic, partition, next) in offsets {
                    if let Some(group) = self.groups.get_mut(&group) {
                        group.settle(txn, (topic, partition), (phase == Phase::Committed).then_some(next));
                    }
                }
                self.marked(txn);
            }
            Due::LateCommit { txn, producer, epoch } => {
                if self.producers[producer].epoch == epoch {
                    self.decide(txn, true);
                }
            }
            Due::Expiry { txn } => {
                let producer = self.txns[txn as usize].producer;
                if self.txns[txn as usize].phase == Phase::Open {
                    self.producers[producer].epoch += 1;
                    self.decide(txn, false);
                }
            }
            Due::Session { group, member } => {
                if let Some(group) = self.groups.get_mut(&group) {
                    group.expire(member);
                }
                self.changed();
                self.rebalance();
            }
            Due::Rebalance { group, round } => {
                if let Some(group) = self.groups.get_mut(&group) {
                    group.give_up(round);
                }
                self.changed();
                self.rebalance();
            }
        }
    }

    fn marked(&mut self, txn: u32) {
        self.txns[txn as usize].markers -= 1;
        self.changed();
    }

    // ---- transactions ----

    /// Takes a transactional id over; `None` while the last transaction of that id is not settled.
    pub(crate) fn take_over(&mut self, id: &str) -> Option<Holder> {
        let known = self.producers.iter().position(|producer| producer.id == id);
        let producer = known.unwrap_or_else(|| {
            self.producers.push(Producer { id: id.to_owned(), ..Producer::default() });
            self.producers.len() - 1
        });
        if let Some(txn) = self.producers[producer].txn {
            if self.txns[txn as usize].phase == Phase::Open {
                self.producers[producer].epoch += 1;
                self.decide(txn, false);
            }
            if self.txns[txn as usize].markers > 0 {
                return None;
            }
        }
        self.producers[producer].epoch += 1;
        Some(Holder { producer, epoch: self.producers[producer].epoch, txn: None })
    }

    /// Whether the last transaction of this holder has reached its partitions, so that the next one may begin.
    pub(crate) fn is_settled(&self, holder: &Holder) -> bool {
        let last = self.producers[holder.producer].txn;
        last.is_none_or(|txn| self.txns[txn as usize].phase != Phase::Open && self.txns[txn as usize].markers == 0)
    }

    pub(crate) fn check_epoch(&self, holder: &Holder) -> Result<(), LogError> {
        let producer = &self.producers[holder.producer];
        if producer.epoch == holder.epoch || self.is_sabotaged(Sabotage::NoFencing) {
            return Ok(());
        }
        Err(LogError::Fenced { name: producer.id.clone(), reason: "a newer producer has its id".to_owned() })
    }

    pub(crate) fn id_of(&self, holder: &Holder) -> String {
        self.producers[holder.producer].id.clone()
    }

    /// Begins a transaction.
    pub(crate) fn begin(&mut self, holder: &mut Holder) {
        let txn = self.txns.len() as u32;
        let producer = holder.producer;
        let (places, offsets) = (Vec::new(), Vec::new());
        self.txns.push(Txn { phase: Phase::Open, producer, places, offsets, markers: 0 });
        self.producers[producer].txn = Some(txn);
        holder.txn = Some(txn);
        self.later(self.settings.transaction, Due::Expiry { txn });
    }

    /// Ends a transaction that is open; the outcome reaches its partitions later.
    pub(crate) fn decide(&mut self, txn: u32, commit: bool) {
        if self.txns[txn as usize].phase != Phase::Open {
            return;
        }
        self.txns[txn as usize].phase = if commit { Phase::Committed } else { Phase::Aborted };
        let places = self.txns[txn as usize].places.clone();
        let has_offsets = !self.txns[txn as usize].offsets.is_empty();
        self.txns[txn as usize].markers = places.len() + usize::from(has_offsets);
        let slow = if self.strikes(Fault::LateMarkers) { 5_000_000 } else { 0 };
        for (topic, partition) in places {
            let delay = Duration::from_micros(self.random.below(500 + slow));
            self.later(delay, Due::Marker { txn, topic, partition });
        }
        if has_offsets {
            let delay = Duration::from_micros(self.random.below(500 + slow));
            self.later(delay, Due::Offsets { txn });
        }
        self.changed();
    }

    /// A commit whose answer is lost arrives in a while, unless somebody takes the id over before.
    pub(crate) fn decide_later(&mut self, holder: &Holder) {
        let Some(txn) = holder.txn else { return };
        let after = Duration::from_micros(self.random.between(1_000, 2_000_000));
        self.later(after, Due::LateCommit { txn, producer: holder.producer, epoch: holder.epoch });
    }

    // ---- groups ----

    /// A member falls silent: it is out after its session.
    pub(crate) fn silent(&mut self, group: &str, member: u64) {
        self.later(self.settings.session, Due::Session { group: group.to_owned(), member });
    }

    /// Lets every group whose members have all joined go on, and watches those that wait.
    pub(crate) fn rebalance(&mut self) {
        let mut waiting = Vec::new();
        let mut changed = false;
        for (name, group) in &mut self.groups {
            changed |= group.complete();
            if let Some(round) = group.newly_waiting() {
                waiting.push((name.clone(), round));
            }
        }
        for (group, round) in waiting {
            self.later(self.settings.rebalance, Due::Rebalance { group, round });
            changed = true;
        }
        if changed {
            self.changed();
        }
    }
}
