//! One partition of a topic, read in order, some of it ahead.
//!
//! Input: a partition and where to begin. Output: its records as whatever their reader keeps of them, taken one by one from
//! the front or out of the middle.
//!
//! - **RE-1:** nothing is said to be missing before everything that was committed by then has been read (LOG-7): a follower
//!   is opened anew at the place reached, and read until it has caught up.
//! - **RE-2:** what is kept is bounded: one poll of the log ([`AHEAD_MAX`] at the most) beyond what was asked for.
//!
//! Absent: groups, writing, what the records mean.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use kilat_log::{Follower, LogError, PartitionedLog, Record, Start};

/// Records read and not yet taken, at most; reading on is refused there.
const AHEAD_MAX: usize = 1_000_000;
/// How long a poll waits while the end is not reached.
const POLL: Duration = Duration::from_millis(100);
/// How long a poll waits at the living end before the end is looked for anew.
const AT_END: Duration = Duration::from_millis(50);

/// What is kept of a record.
pub(crate) trait Entry: Sized {
    /// What reading in order remembers from one record to the next.
    type Reading: Default;

    /// Reads it off a record; `None` where nothing of it is kept.
    fn of(record: &Record<'_>, reading: &mut Self::Reading) -> Option<Self>;

    /// The record's offset.
    fn offset(&self) -> i64;
}

/// A partition and what was read of it.
pub(crate) struct Recorded<T: Entry> {
    log: Arc<dyn PartitionedLog>,
    topic: &'static str,
    partition: u32,
    follower: Option<Box<dyn Follower>>,
    caught_up: bool,
    next: i64,
    first: Option<i64>,
    ahead: VecDeque<T>,
    reading: T::Reading,
    taken: bool,
    /// Whether the follower was opened after the last [`Self::unsettle`]: where it has caught up, all is read that was
    /// committed before that.
    is_fresh: bool,
}

impl<T: Entry> Recorded<T> {
    /// The partition from `from` on, or from its earliest record after that.
    pub(crate) fn new(log: &Arc<dyn PartitionedLog>, topic: &'static str, partition: u32, from: i64) -> Recorded<T> {
        Recorded {
            log: Arc::clone(log),
            topic,
            partition,
            follower: None,
            caught_up: false,
            next: from,
            first: None,
            ahead: VecDeque::new(),
            reading: T::Reading::default(),
            taken: false,
            is_fresh: false,
        }
    }

    pub(crate) fn topic(&self) -> &'static str {
        self.topic
    }

    pub(crate) fn partition(&self) -> u32 {
        self.partition
    }

    /// One past the last record that was read.
    pub(crate) fn next(&self) -> i64 {
        self.next
    }

    /// Offset of the earliest record there was.
    pub(crate) fn first(&self) -> Option<i64> {
        self.first
    }

    /// What was read and not taken, in order.
    pub(crate) fn ahead(&self) -> impl Iterator<Item = &T> {
        self.ahead.iter()
    }

    /// Whether the log no longer has the partition's beginning and nothing was taken of what it has: what is not found may
    /// have been removed by retention.
    pub(crate) fn front_is_gone(&self) -> bool {
        !self.taken && self.first.is_some_and(|first| first > 0)
    }

    /// The front, read where nothing is there; `None` at the end as it is now (RE-1).
    pub(crate) fn front(&mut self) -> Result<Option<&T>, LogError> {
        while self.ahead.is_empty() {
            if !self.read_on()? {
                return Ok(None);
            }
        }
        Ok(self.ahead.front())
    }

    /// The front, where something is there or comes at once.
    pub(crate) fn front_now(&mut self) -> Result<Option<&T>, LogError> {
        if self.ahead.is_empty() {
            self.read_more()?;
        }
        Ok(self.ahead.front())
    }

    /// Takes the front.
    pub(crate) fn take_front(&mut self) -> Option<T> {
        self.taken = true;
        self.ahead.pop_front()
    }

    /// Takes the first record that `is_it`, and whether others stand before it; `None` where there is none up to the end
    /// as it is now (RE-1).
    pub(crate) fn take(&mut self, is_it: impl Fn(&T) -> bool) -> Result<Option<T>, LogError> {
        let mut looked_at = 0;
        loop {
            let found = self.ahead.iter().skip(looked_at).position(&is_it);
            if let Some(found) = found {
                self.taken = true;
                return Ok(self.ahead.remove(looked_at + found));
            }
            looked_at = self.ahead.len();
            if looked_at >= AHEAD_MAX || !self.read_on()? {
                return Ok(None);
            }
        }
    }

    /// Takes the first record after `offset` that `is_it`, of the next so many; `None` where there is none up to the end as it is
    /// now (RE-1).
    pub(crate) fn take_soon(
        &mut self,
        offset: i64,
        most: usize,
        is_it: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, LogError> {
        loop {
            let first = self.ahead.iter().position(|entry| entry.offset() > offset).unwrap_or(self.ahead.len());
            let soon = self.ahead.iter().skip(first).take(most);
            if let Some(found) = soon.enumerate().find(|(_, entry)| is_it(entry)).map(|(found, _)| found) {
                return Ok(self.ahead.remove(first + found));
            }
            if self.ahead.len() >= first + most || !self.read_on()? {
                return Ok(None);
            }
        }
    }

    /// Reads what has come, without waiting at the end.
    pub(crate) fn read_more(&mut self) -> Result<(), LogError> {
        self.poll(if self.caught_up { Duration::ZERO } else { POLL })
    }

    /// Goes on at `offset`, where that is further on.
    pub(crate) fn skip_to(&mut self, offset: i64) {
        while self.ahead.front().is_some_and(|entry| entry.offset() < offset) {
            self.ahead.pop_front();
        }
        if self.follower.is_none() {
            self.next = self.next.max(offset);
        }
    }

    /// Drops what was read and is not wanted any more.
    pub(crate) fn retain(&mut self, is_wanted: impl FnMut(&T) -> bool) {
        self.ahead.retain(is_wanted);
    }

    /// Forgets what was read before `offset` and not taken.
    pub(crate) fn drop_before(&mut self, offset: i64) -> Vec<T> {
        let mut dropped = Vec::new();
        for entry in std::mem::take(&mut self.ahead) {
            if entry.offset() < offset {
                dropped.push(entry);
            } else {
                self.ahead.push_back(entry);
            }
        }
        dropped
    }

    /// How many records are read and not taken.
    pub(crate) fn len(&self) -> usize {
        self.ahead.len()
    }

    /// Reads everything committed by now, as far as [`AHEAD_MAX`] allows.
    pub(crate) fn read_to_end(&mut self) -> Result<(), LogError> {
        self.renew();
        while self.ahead.len() < AHEAD_MAX && self.read_on()? {}
        Ok(())
    }

    /// What is committed from now on counts, too: the next end is looked for anew.
    pub(crate) fn unsettle(&mut self) {
        self.is_fresh = false;
    }

    /// As [`Self::unsettle`], for one who will look for the end now: nothing is waited for before it is.
    pub(crate) fn renew(&mut self) {
        self.follower = None;
        self.caught_up = false;
    }

    /// Reads on; `false` at the end.
    fn read_on(&mut self) -> Result<bool, LogError> {
        let before = self.next;
        // What an open follower delivers soon need not be asked for anew.
        if self.caught_up && !self.is_fresh {
            self.poll(AT_END)?;
            if self.next > before {
                return Ok(true);
            }
            self.renew();
        }
        while !(self.caught_up && self.is_fresh) {
            if self.caught_up {
                self.renew();
            }
            self.poll(POLL)?;
            if self.next > before {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn poll(&mut self, timeout: Duration) -> Result<(), LogError> {
        let follower = match &mut self.follower {
            Some(follower) => follower,
            none => {
                self.caught_up = false;
                self.is_fresh = true;
                let start = Start::Offset(self.next);
                none.insert(self.log.follow(self.topic, Some(&[self.partition]), start)?)
            }
        };
        let (next, first, ahead) = (&mut self.next, &mut self.first, &mut self.ahead);
        let reading = &mut self.reading;
        let followed = follower.poll(timeout, &mut |record| {
            first.get_or_insert(record.offset);
            *next = record.offset + 1;
            ahead.extend(T::of(&record, reading));
        })?;
        self.caught_up |= followed.caught_up;
        Ok(())
    }
}
