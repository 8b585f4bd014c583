//! Events on their way from the partition of their workspace to the one their lead lies in.
//!
//! Input: from state blocks, events that were passed on, and events that arrived. Output: those that did the one without the other.
//! A router's block may be looked at after the one of who got the event. Bounded: so many of either are remembered.

use rustc_hash::FxHashSet;

use crate::passed_on::PassedOn;

/// Events remembered that did one without the other.
const OPEN_MAX: usize = 1 << 20;

/// Input, partition and offset of an event where it first stood.
pub(super) type Place = (usize, u32, i64);

/// See the module.
#[derive(Default)]
pub(super) struct Passed {
    sent: FxHashSet<Place>,
    arrived: FxHashSet<Place>,
    forgot: bool,
}

impl Passed {
    /// The event that stood there was passed on.
    pub(super) fn sent(&mut self, place: Place) {
        if !self.arrived.remove(&place) {
            self.forgot |= self.sent.len() >= OPEN_MAX || !self.sent.insert(place);
        }
    }

    /// An event arrived; `false` where it did so before.
    pub(super) fn arrived(&mut self, from: PassedOn) -> bool {
        let place = (from.input, from.partition, from.offset);
        if self.sent.remove(&place) {
            return true;
        }
        if self.arrived.len() >= OPEN_MAX {
            self.forgot = true;
            return true;
        }
        self.arrived.insert(place)
    }

    /// What a block answered cannot be told: from now on nothing is missed.
    pub(super) fn forget(&mut self) {
        self.forgot = true;
    }

    /// Those that arrived, and no block says so far that they were passed on.
    pub(super) fn unexplained(&self) -> Vec<Place> {
        let mut places: Vec<Place> = if self.forgot { Vec::new() } else { self.arrived.iter().copied().collect() };
        places.sort_unstable();
        places
    }

    /// Whether this is one of [`Self::unexplained`] still; it is none any more.
    pub(super) fn take_unexplained(&mut self, place: Place) -> bool {
        self.arrived.remove(&place)
    }

    /// Those that were passed on, have not arrived, and are not among those `on_the_way`; they are forgotten.
    pub(super) fn take_lost(&mut self, on_the_way: &FxHashSet<Place>) -> Vec<Place> {
        if self.forgot {
            return Vec::new();
        }
        let mut lost: Vec<Place> = self.sent.extract_if(|place| !on_the_way.contains(place)).collect();
        lost.sort_unstable();
        lost
    }
}
