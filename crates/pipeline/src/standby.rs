//! State in memory that no worker of this process works on: of partitions that others own, and of those that this process
//! gave up a moment ago.
//!
//! Input: what workers hand back, and blocks that the [`Shadow`] follows. Output: replicas for the workers that are given those
//! partitions, who take in the blocks since and restore nothing.
//!
//! - **SB-1**: state is handed back settled, by its owner, in good order; state of a member that lost its place, or that holds
//!   anything uncommitted, is dropped. So each replica is what some block left behind.
//! - **SB-2**: a replica only shortens a restore. Its new owner takes in everything that was committed since, waits for the whole
//!   end (LOG-7) and holds it against the group's offsets (RS-2), as after a checkpoint. One that does not fit is dropped, and a
//!   restore decides.
//! - **SB-3**: a partition has at most one replica in a process, and none while a worker of it owns it.
//! - **SB-4**: nobody calls the log or the store while the slots are locked.
//!
//! Absent: who owns what; the group knows.

pub(crate) mod shadow;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kilat_log::{Clock, Record};

use crate::config::StandbyCopies;
use crate::restore::{Replica, Restored, give_up};

pub(crate) use shadow::Shadow;

/// How long state that was handed back is kept where no standby copies are: a rebalance is over by then, and the partition has
/// come back or belongs to another.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// How long after a copy was given up, or could not be read, the next is begun.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// See the module.
pub(crate) struct Slots {
    copies: StandbyCopies,
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    slots: BTreeMap<u32, Slot>,
    /// Counts changes of which partitions have a replica.
    version: u64,
}

enum Slot {
    /// A worker has it.
    Owned {
        worker: usize,
        /// Every block after those in its state lies at this offset or later; `None` until it is restored.
        from: Option<i64>,
    },
    /// No copy yet; begun not before this time.
    Absent {
        not_before: Duration,
    },
    /// The shadow reads a checkpoint of it.
    Loading,
    Held {
        replica: Box<Replica>,
        since: Duration,
    },
}

/// What a partition's end at some moment was.
type End = (u32, i64);

impl Slots {
    pub(crate) fn new(copies: StandbyCopies, clock: Arc<dyn Clock>) -> Slots {
        Slots { copies, clock, inner: Mutex::default() }
    }

    /// Takes what there is of `partitions` for `worker`, which owns all of them from now on.
    pub(crate) fn take(&self, worker: usize, partitions: &[u32]) -> Vec<Replica> {
        let mut inner = self.lock();
        let mut taken = Vec::new();
        for &partition in partitions {
            if let Some(Slot::Held { replica, .. }) = inner.slots.insert(partition, Slot::Owned { worker, from: None })
            {
                inner.version += 1;
                taken.push(*replica);
            }
        }
        taken
    }

    /// `worker` has restored what it owns, up to `from`.
    pub(crate) fn owned(&self, worker: usize, partition: u32, from: i64) {
        let mut inner = self.lock();
        if inner.is_owned_by(worker, partition) {
            inner.slots.insert(partition, Slot::Owned { worker, from: Some(from) });
        }
    }

    /// `worker` gives a partition up in good order, everything of it committed.
    pub(crate) fn hand_back(&self, worker: usize, partition: u32, restored: Restored) {
        let now = self.clock.monotonic();
        let mut inner = self.lock();
        match inner.slots.get(&partition) {
            // SB-1.
            Some(Slot::Owned { worker: owner, from: Some(from) })
                if *owner == worker && restored.state.is_settled() =>
            {
                let replica = Replica::handed_back(partition, restored, *from);
                inner.hold(replica, now);
            }
            _ => self.vacate(&mut inner, worker, partition),
        }
    }

    /// Puts back what `worker` took and could not use now.
    pub(crate) fn put_back(&self, worker: usize, replicas: Vec<Replica>) {
        let now = self.clock.monotonic();
        let mut inner = self.lock();
        for replica in replicas {
            if inner.is_owned_by(worker, replica.partition) {
                inner.hold(replica, now);
            }
        }
    }

    /// `worker` has lost a partition, and its state is gone.
    pub(crate) fn release(&self, worker: usize, partition: u32) {
        self.vacate(&mut self.lock(), worker, partition);
    }

    /// `worker` has lost everything it owned.
    pub(crate) fn release_all(&self, worker: usize) {
        let mut inner = self.lock();
        let partitions: Vec<u32> = inner.slots.keys().copied().collect();
        partitions.into_iter().for_each(|partition| self.vacate(&mut inner, worker, partition));
    }

    /// The replicas there are: partition, and number of the last block.
    pub(crate) fn positions(&self) -> Vec<(u32, i64)> {
        let inner = self.lock();
        inner.replicas().map(|replica| (replica.partition, replica.restored.state.position().sequence)).collect()
    }

    /// Bytes of the replicas there are.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().replicas().map(|replica| replica.restored.state.bytes()).sum()
    }

    fn vacate(&self, inner: &mut Inner, worker: usize, partition: u32) {
        if !inner.is_owned_by(worker, partition) {
            return;
        }
        match self.copies {
            StandbyCopies::All => inner.slots.insert(partition, Slot::Absent { not_before: self.clock.monotonic() }),
            StandbyCopies::None => inner.slots.remove(&partition),
        };
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The shadow's side.
impl Slots {
    fn wants_copies(&self) -> bool {
        self.copies == StandbyCopies::All
    }

    /// Wants a copy of each of so many partitions that is not owned here.
    fn want(&self, partitions: u32) {
        let mut inner = self.lock();
        let not_before = self.clock.monotonic();
        for partition in 0..partitions {
            inner.slots.entry(partition).or_insert(Slot::Absent { not_before });
        }
    }

    /// A partition whose copy is to be begun.
    fn next_absent(&self) -> Option<u32> {
        let now = self.clock.monotonic();
        let mut inner = self.lock();
        let found =
            inner.slots.iter().find(|(_, slot)| matches!(slot, Slot::Absent { not_before } if *not_before <= now));
        let partition = *found?.0;
        inner.slots.insert(partition, Slot::Loading);
        Some(partition)
    }

    /// What was begun; `None` where that was not possible. Somebody may own it by now: then it is of no use.
    fn loaded(&self, partition: u32, replica: Option<Replica>) {
        let now = self.clock.monotonic();
        let mut inner = self.lock();
        if !matches!(inner.slots.get(&partition), Some(Slot::Loading)) {
            drop(inner);
            return drop(replica);
        }
        match replica {
            Some(replica) => inner.hold(replica, now),
            None => drop(inner.slots.insert(partition, Slot::Absent { not_before: now + RETRY_AFTER })),
        }
    }

    /// Which replicas there are and where they go on.
    fn places(&self) -> (u64, Vec<(u32, i64)>) {
        let inner = self.lock();
        (inner.version, inner.replicas().map(|replica| (replica.partition, replica.from)).collect())
    }

    fn version(&self) -> u64 {
        self.lock().version
    }

    /// Takes a block in, where there is a replica of its partition.
    fn take_in(&self, record: &Record<'_>) {
        let mut inner = self.lock();
        let Some(Slot::Held { replica, .. }) = inner.slots.get_mut(&record.partition) else { return };
        let Err(refused) = replica.take(record) else { return };
        let absent = Slot::Absent { not_before: self.clock.monotonic() + RETRY_AFTER };
        let dropped = inner.slots.insert(record.partition, absent);
        inner.version += 1;
        drop(inner);
        give_up(record.partition, &refused);
        drop(dropped);
    }

    /// Drops what was handed back and is not wanted any more.
    fn expire(&self) {
        let now = self.clock.monotonic();
        let mut inner = self.lock();
        let is_old = |slot: &mut Slot| matches!(slot, Slot::Held { since, .. } if now >= *since + KEPT_FOR);
        let dropped: Vec<_> = inner.slots.extract_if(.., |_, slot| is_old(slot)).collect();
        inner.version += dropped.len() as u64;
        drop(inner);
        drop(dropped);
    }

    /// The partitions whose end is worth asking for: those owned and those held.
    fn asked_for(&self) -> Vec<u32> {
        let inner = self.lock();
        let asked = |slot: &Slot| matches!(slot, Slot::Owned { from: Some(_), .. } | Slot::Held { .. });
        inner.slots.iter().filter(|(_, slot)| asked(slot)).map(|(partition, _)| *partition).collect()
    }

    /// What the ends were a moment ago. For a partition that is owned, what its owner writes later lies behind that end, as no
    /// other writes blocks of it. Replicas held, and offsets they have not come past.
    fn ends(&self, ends: &[End]) -> (usize, i64) {
        let mut inner = self.lock();
        let (mut held, mut lag) = (0, 0);
        for (partition, end) in ends {
            match inner.slots.get_mut(partition) {
                Some(Slot::Owned { from: Some(from), .. }) => *from = (*from).max(*end),
                Some(Slot::Held { replica, .. }) => {
                    held += 1;
                    lag += (end - replica.from).max(0);
                }
                _ => {}
            }
        }
        (held, lag)
    }
}

impl Inner {
    fn is_owned_by(&self, worker: usize, partition: u32) -> bool {
        matches!(self.slots.get(&partition), Some(Slot::Owned { worker: owner, .. }) if *owner == worker)
    }

    fn hold(&mut self, replica: Replica, since: Duration) {
        self.version += 1;
        self.slots.insert(replica.partition, Slot::Held { replica: Box::new(replica), since });
    }

    fn replicas(&self) -> impl Iterator<Item = &Replica> {
        self.slots.values().filter_map(|slot| match slot {
            Slot::Held { replica, .. } => Some(&**replica),
            _ => None,
        })
    }
}
