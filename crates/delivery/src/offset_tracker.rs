//! Tracks which offsets of one partition are finished.
//!
//! Input: `started` in offset order, `finished` in any order. Output: the next offset to commit.
//! OT-1: never past an unfinished record. OT-2: never backwards. OT-3: memory grows with what is unfinished only.
//! Absent: I/O, clocks, what a record is. A log may have gaps between offsets (transaction markers, compaction).

use std::collections::BTreeSet;

/// Which offsets of one partition are finished.
#[derive(Clone, Debug, Default)]
pub struct OffsetTracker {
    unfinished: BTreeSet<i64>,
    /// One past the last record that was started; `None` before the first.
    end: Option<i64>,
}

impl OffsetTracker {
    /// Takes note that a record is being worked on. Offsets arrive in rising order; a repeated or earlier one is ignored
    /// and answered with `false`.
    pub fn started(&mut self, offset: i64) -> bool {
        if self.end.is_some_and(|end| offset < end) {
            return false;
        }
        self.unfinished.insert(offset);
        self.end = Some(offset.saturating_add(1));
        true
    }

    /// Takes note that a record is finished; `false` where it was not under way.
    pub fn finished(&mut self, offset: i64) -> bool {
        self.unfinished.remove(&offset)
    }

    /// The next offset to commit: that of the first unfinished record, or one past the last record where all are
    /// finished. `None` before the first record.
    pub fn next(&self) -> Option<i64> {
        self.unfinished.first().copied().or(self.end)
    }

    /// Records under way.
    pub fn unfinished(&self) -> usize {
        self.unfinished.len()
    }

    /// How many offsets lie between the first unfinished record and the newest one: what a restart reads again.
    pub fn span(&self) -> usize {
        match (self.unfinished.first(), self.end) {
            (Some(first), Some(end)) => usize::try_from(end.saturating_sub(*first)).unwrap_or(usize::MAX),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests;
