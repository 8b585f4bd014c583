//! A consumer group: who holds which partitions.
//!
//! Input: members that join, leave and poll. Output: for each poll, the partitions that come or go. Partitions are divided
//! by range over the members in the order of their names, the same for all inputs of the group, and handed over one by one:
//! a partition is given only once nobody holds it.
//!
//! GR-1: a partition is held by at most one seat. GR-2: a partition being revoked is held until the poll after the
//! revocation was told. GR-3: a seat taken by a later member of the same name is gone for the earlier one at once.
//! Absent: timeouts. A member lives in this process: it polls, or it was dropped.

use std::collections::BTreeMap;

use super::store::TopicId;

/// Names one joining of a member or one opening of a writer; later ones are greater.
pub(super) type Epoch = u64;

/// The members of a group.
#[derive(Debug)]
pub(super) struct Group {
    inputs: Vec<TopicId>,
    partitions: u32,
    seats: BTreeMap<String, Seat>,
}

#[derive(Debug)]
struct Seat {
    epoch: Epoch,
    /// Sorted.
    held: Vec<u32>,
    /// Told to the member, and held until it polls again.
    revoking: Vec<u32>,
}

/// What a poll has to tell its member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing changes.
    Stay,
    /// These are its own now.
    Assigned(Vec<u32>),
    /// These go with its next poll.
    Revoked(Vec<u32>),
    /// Another has taken its seat.
    Gone,
}

impl Group {
    /// A group over `partitions` partitions of each input, without members.
    pub(super) fn new(inputs: Vec<TopicId>, partitions: u32) -> Group {
        Group { inputs, partitions, seats: BTreeMap::new() }
    }

    /// The topics it consumes; all its members the same.
    pub(super) fn inputs(&self) -> &[TopicId] {
        &self.inputs
    }

    /// Takes a seat, from whoever had it.
    pub(super) fn join(&mut self, instance: &str, epoch: Epoch) {
        self.seats.insert(instance.to_owned(), Seat { epoch, held: Vec::new(), revoking: Vec::new() });
    }

    /// Gives the seat up, unless another has taken it.
    pub(super) fn leave(&mut self, instance: &str, epoch: Epoch) {
        if self.seats.get(instance).is_some_and(|seat| seat.epoch == epoch) {
            self.seats.remove(instance);
        }
    }

    /// Whether nobody is left.
    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Who has the seat of this name.
    pub(super) fn epoch(&self, instance: &str) -> Option<Epoch> {
        self.seats.get(instance).map(|seat| seat.epoch)
    }

    /// Whether this member holds `partition`.
    pub(super) fn holds(&self, instance: &str, epoch: Epoch, partition: u32) -> bool {
        self.seats.get(instance).is_some_and(|seat| seat.epoch == epoch && seat.held.contains(&partition))
    }

    /// A poll begins: completes what the last one told, and tells what is next. The second value says that others have
    /// something new to learn.
    pub(super) fn turn(&mut self, instance: &str, epoch: Epoch) -> (Turn, bool) {
        let target = self.target(instance);
        let Some(seat) = self.seats.get_mut(instance).filter(|seat| seat.epoch == epoch) else {
            return (Turn::Gone, false);
        };
        let released = !seat.revoking.is_empty();
        let revoking = std::mem::take(&mut seat.revoking);
        seat.held.retain(|partition| !revoking.contains(partition));

        let excess: Vec<u32> = seat.held.iter().copied().filter(|partition| !target.contains(partition)).collect();
        if !excess.is_empty() {
            seat.revoking.clone_from(&excess);
            return (Turn::Revoked(excess), released);
        }
        let free: Vec<u32> =
            target.filter(|partition| !self.seats.values().any(|seat| seat.held.contains(partition))).collect();
        if free.is_empty() {
            return (Turn::Stay, released);
        }
        if let Some(seat) = self.seats.get_mut(instance) {
            seat.held.extend(&free);
            seat.held.sort_unstable();
        }
        (Turn::Assigned(free), released)
    }

    /// The range of this member: equal shares in the order of the names, the first members one more where they do not
    /// divide evenly (Kafka's `RangeAssignor`).
    fn target(&self, instance: &str) -> std::ops::Range<u32> {
        let members = self.seats.len() as u32;
        let Some(rank) = self.seats.keys().position(|name| name == instance) else { return 0..0 };
        let rank = rank as u32;
        let (share, more) = (self.partitions / members, self.partitions % members);
        let start = rank * share + rank.min(more);
        start..start + share + u32::from(rank < more)
    }
}

#[cfg(test)]
mod tests;
