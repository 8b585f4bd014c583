//! The open transaction of a lane: results, withdrawals, dead letters, and the offsets they answer.
//!
//! Input: what became of actions. Output: one transaction per interval. O-1: every transaction names the input offset of
//! every partition it writes for, also where that has not moved: the log then refuses it from a member that has lost the
//! partition (LOG-5). O-2: a result stands in the partition of its action.
//! Absent: joining, reading back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kilat_codec::{EncodeError, Encoder};
use kilat_domain::{ActionResult, Outcome};
use kilat_log::{LogError, Member, Transaction};

use crate::dead_letter::{self, Poison};

/// Index of the results topic among a lane's outputs.
pub(crate) const RESULTS: usize = 0;
/// Index of the dead letter topic among a lane's outputs.
pub(crate) const DEAD_LETTERS: usize = 1;

/// The open transaction of a lane.
pub(crate) struct Outbox {
    interval: Duration,
    bytes_max: usize,
    transaction: Transaction,
    encoder: Encoder,
    finals: Vec<Final>,
    dead_letters: u64,
    /// Partitions the open transaction has records for.
    touched: BTreeSet<u32>,
    committed: BTreeMap<u32, i64>,
    due_at: Option<Duration>,
}

/// A final result in the open transaction.
#[derive(Clone, Debug)]
pub(crate) struct Final {
    pub(crate) action_id: Box<str>,
    pub(crate) outcome: Outcome,
    /// Empty where there is none.
    pub(crate) reason: &'static str,
    /// The encoded result.
    pub(crate) value: Vec<u8>,
}

/// What a commit made durable.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    pub(crate) finals: Vec<Final>,
    pub(crate) dead_letters: u64,
}

impl Outbox {
    pub(crate) fn new(interval: Duration, bytes_max: usize) -> Self {
        Outbox {
            interval,
            bytes_max,
            transaction: Transaction::default(),
            encoder: Encoder::new(),
            finals: Vec::new(),
            dead_letters: 0,
            touched: BTreeSet::new(),
            committed: BTreeMap::new(),
            due_at: None,
        }
    }

    /// Takes note that something is to be committed, if only an offset.
    pub(crate) fn open(&mut self, now: Duration) {
        self.due_at.get_or_insert(now + self.interval);
    }

    /// When the open transaction is to be committed; `None` while there is nothing to commit.
    pub(crate) fn due_at(&self) -> Option<Duration> {
        if self.transaction.bytes() >= self.bytes_max { Some(Duration::ZERO) } else { self.due_at }
    }

    /// Appends a result.
    ///
    /// *Errors:* the result cannot be encoded, because texts in it are too long.
    pub(crate) fn result(
        &mut self,
        partition: u32,
        result: &ActionResult<'_>,
        reason: &'static str,
        headers: &[(&str, &[u8])],
        now: Duration,
    ) -> Result<(), EncodeError> {
        let mut value = Vec::new();
        self.encoder.action_result(result, &mut value)?;
        self.append_result(partition, &result.action_id, &value, headers);
        if result.outcome.is_final() {
            let (action_id, outcome) = (result.action_id.as_str().into(), result.outcome);
            self.finals.push(Final { action_id, outcome, reason, value });
        }
        self.open(now);
        Ok(())
    }

    /// Appends a final result again that an earlier session could not commit.
    pub(crate) fn carried(&mut self, partition: u32, carried: Final, now: Duration) {
        self.append_result(partition, &carried.action_id, &carried.value, &[]);
        self.finals.push(carried);
        self.open(now);
    }

    /// Appends a tombstone: what was announced has not been sent, or was refused for now; nothing is under way.
    pub(crate) fn withdraw(&mut self, partition: u32, action_id: &str, now: Duration) {
        self.transaction.append_tombstone(RESULTS, Some(partition), action_id.as_bytes(), &[]);
        self.touched.insert(partition);
        self.open(now);
    }

    /// Appends a poison record to the dead letters.
    pub(crate) fn dead_letter(
        &mut self,
        poison: &Poison<'_>,
        code: &str,
        cause: &dyn std::error::Error,
        now: Duration,
    ) {
        dead_letter::append(&mut self.transaction, DEAD_LETTERS, poison, code, cause);
        self.dead_letters += 1;
        self.touched.insert(poison.partition);
        self.open(now);
    }

    /// Commits the open transaction with the positions reached.
    ///
    /// *Errors:* the member must be dropped; [`Outbox::into_finals`] still has what is known.
    pub(crate) fn commit(
        &mut self,
        member: &mut dyn Member,
        positions: impl Iterator<Item = (u32, i64)>,
    ) -> Result<Committed, LogError> {
        for (partition, next) in positions {
            if self.committed.get(&partition) != Some(&next) || self.touched.contains(&partition) {
                self.transaction.advance(0, partition, next);
            }
        }
        self.due_at = None;
        if self.transaction.is_empty() {
            return Ok(Committed::default());
        }
        member.commit(&self.transaction)?;
        for offset in self.transaction.offsets() {
            self.committed.insert(offset.partition, offset.next);
        }
        self.transaction.clear();
        self.touched.clear();
        Ok(Committed { finals: std::mem::take(&mut self.finals), dead_letters: std::mem::take(&mut self.dead_letters) })
    }

    /// Forgets what was committed of a partition that is not ours any more.
    pub(crate) fn close(&mut self, partition: u32) {
        self.committed.remove(&partition);
    }

    /// The final results that were not committed.
    pub(crate) fn into_finals(self) -> Vec<Final> {
        self.finals
    }

    fn append_result(&mut self, partition: u32, action_id: &str, value: &[u8], headers: &[(&str, &[u8])]) {
        let copied: Result<(), std::convert::Infallible> =
            self.transaction.append(RESULTS, Some(partition), action_id.as_bytes(), headers, |out| {
                out.extend_from_slice(value);
                Ok(())
            });
        match copied {
            Ok(()) => {}
            Err(never) => match never {},
        }
        self.touched.insert(partition);
    }
}
