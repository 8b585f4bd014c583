//! What the audit has found so far: totals, and differences counted by law.

use std::collections::VecDeque;

use kilat_domain::Outcome;
use serde::Serialize;

use super::difference::{Difference, Law};

/// Differences that wait to be told; of more only the number is known.
const UNTOLD_MAX: usize = 1_000;

/// What was compared so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// State blocks.
    pub blocks: u64,
    /// Event records the blocks cover.
    pub events: u64,
    /// Of these: evaluated.
    pub evaluated: u64,
    /// Of these: seen before.
    pub duplicates: u64,
    /// Of these: could not be read.
    pub dead_lettered: u64,
    /// Of these: passed on to another partition. They count as evaluated once they were there.
    pub passed_on: u64,
    /// Of these: cannot be judged, as their blocks are of an older version, or as retention removed what they would be held
    /// against.
    pub unjudged: u64,
    /// Decisions found.
    pub decisions: u64,
    /// Actions found.
    pub actions: u64,
    /// Of these: delivered.
    pub delivered: u64,
    /// Of these: failed.
    pub failed: u64,
    /// Of these: sent, and no answer came.
    pub unknown: u64,
    /// Of these: not sent on purpose.
    pub suppressed: u64,
    /// Of these: without a last result so far.
    pub waiting: u64,
    /// What does not add up.
    pub differences: u64,
}

/// Totals and differences.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) totals: Totals,
    by_law: [u64; Law::ALL.len()],
    first: Option<Difference>,
    untold: VecDeque<Difference>,
}

impl Findings {
    pub(super) fn differs(&mut self, difference: Difference) {
        self.totals.differences += 1;
        self.by_law[difference.law as usize] += 1;
        self.first.get_or_insert_with(|| difference.clone());
        if self.untold.len() < UNTOLD_MAX {
            self.untold.push_back(difference);
        }
    }

    pub(super) fn settled(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Sending => {}
            Outcome::Delivered => self.totals.delivered += 1,
            Outcome::Failed => self.totals.failed += 1,
            Outcome::Unknown => self.totals.unknown += 1,
            Outcome::Suppressed => self.totals.suppressed += 1,
        }
    }

    pub(super) fn first(&self) -> Option<&Difference> {
        self.first.as_ref()
    }

    pub(super) fn of(&self, law: Law) -> u64 {
        self.by_law[law as usize]
    }

    pub(super) fn untold(&mut self) -> impl Iterator<Item = Difference> {
        self.untold.drain(..)
    }
}
