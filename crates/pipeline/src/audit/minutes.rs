//! The conservation law: events = evaluated + duplicates + dead-lettered + passed on, for every workspace and minute.
//!
//! A row is forgotten once it adds up and its minute has passed by [`SETTLED_MS`]; one that never adds up is told then.

use std::collections::BTreeMap;

use kilat_domain::{Fate, Timestamp};

const MINUTE_MS: i64 = 60_000;
/// Rows older than this, against the newest record seen, are settled.
const SETTLED_MS: i64 = 10 * MINUTE_MS;
/// Rows kept at most; the oldest are settled first.
const ROWS_MAX: usize = 100_000;

/// What was read and what was answered of one workspace's records of one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) events: u64,
    pub(super) evaluated: u64,
    pub(super) duplicates: u64,
    pub(super) dead_lettered: u64,
    pub(super) passed_on: u64,
}

impl Row {
    fn adds_up(&self) -> bool {
        self.events == self.evaluated + self.duplicates + self.dead_lettered + self.passed_on
    }
}

/// The rows of one partition that are not settled.
#[derive(Default)]
pub(super) struct Minutes {
    rows: BTreeMap<(i64, Box<str>), Row>,
    newest: i64,
}

impl Minutes {
    /// Counts a record, and what the block that covers it says became of it.
    pub(super) fn count(&mut self, workspace: &str, at: Timestamp, fate: Option<Fate>) {
        let minute = at.0.div_euclid(MINUTE_MS) * MINUTE_MS;
        self.newest = self.newest.max(minute);
        let row = self.rows.entry((minute, workspace.into())).or_default();
        row.events += 1;
        match fate {
            Some(Fate::Quiet | Fate::Decided) => row.evaluated += 1,
            Some(Fate::Duplicate) => row.duplicates += 1,
            Some(Fate::DeadLettered) => row.dead_lettered += 1,
            Some(Fate::PassedOn) => row.passed_on += 1,
            Some(Fate::Step) | None => {}
        }
    }

    /// Forgets what is settled, all of it `at_the_end`; the rows that did not add up.
    pub(super) fn settle(&mut self, at_the_end: bool) -> Vec<(Timestamp, Box<str>, Row)> {
        let mut wrong = Vec::new();
        while let Some(entry) = self.rows.first_entry() {
            let is_settled = entry.key().0 + SETTLED_MS < self.newest;
            if !at_the_end && !is_settled && self.rows.len() <= ROWS_MAX {
                break;
            }
            let Some(((minute, workspace), row)) = self.rows.pop_first() else { break };
            if !row.adds_up() {
                wrong.push((Timestamp(minute), workspace, row));
            }
        }
        wrong
    }
}
