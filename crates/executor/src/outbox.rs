//! The open transaction of a lane: results, withdrawals, dead letters, and the offsets they answer.
//!
//! Input: what became of actions. Output: one transaction per interval. O-1: every transaction names the input offset of
//! every partition it writes for, also where that has not moved: the log then refuses it from a member that has lost the
//! partition (LOG-5). O-2: a result stands in the partition of its action.
//! Absent: joining, reading back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::time::Duration;

use kilat_codec::cloudevents::{Attributes, Headers, Kind};
use kilat_codec::{EncodeError, Encoder, Schema};
use kilat_domain::{ActionResult, Outcome};
use kilat_log::{DeadLetter, LogError, Member, Transaction};

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
    headers: Headers,
    finals: Vec<Final>,
    dead_letters: u64,
    /// Partitions the open transaction has records for.
    touched: BTreeSet<u32>,
    committed: BTreeMap<u32, i64>,
    due_at: Option<Duration>,
}

/// A final result in the open transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Final {
    /// Its place among the records of the transaction.
    place: usize,
    pub(crate) outcome: Outcome,
    /// Empty where there is none.
    pub(crate) reason: &'static str,
    announced: bool,
}

/// A final result whose commit failed, as it was to be written.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    pub(crate) outcome: Outcome,
    /// Its action is announced: `sending` in the ledger is this process's own.
    pub(crate) announced: bool,
    reason: &'static str,
    value: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
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
            headers: Headers::new(),
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

    /// Appends a result; `announced` says whether `sending` was committed for it.
    ///
    /// *Errors:* the result cannot be encoded, because texts in it are too long.
    pub(crate) fn result(
        &mut self,
        partition: u32,
        result: &ActionResult<'_>,
        (reason, announced): (&'static str, bool),
        traceparent: Option<&[u8]>,
        now: Duration,
    ) -> Result<(), EncodeError> {
        let place = self.transaction.records().len();
        let headers = self.headers.of(&Attributes {
            kind: Kind::Record(Schema::ActionResult),
            id: &result.action_id,
            workspace: &result.workspace,
            at: result.at,
            traceparent,
        });
        let (encoder, key) = (&mut self.encoder, result.action_id.as_bytes());
        self.transaction.append(RESULTS, Some(partition), key, &headers, |out| encoder.action_result(result, out))?;
        self.touched.insert(partition);
        if result.outcome.is_final() {
            self.finals.push(Final { place, outcome: result.outcome, reason, announced });
        }
        self.open(now);
        Ok(())
    }

    /// Appends a final result again that an earlier session could not commit.
    pub(crate) fn carried(&mut self, partition: u32, action_id: &str, carried: &Carried, now: Duration) {
        let place = self.transaction.records().len();
        let headers: Vec<(&str, &[u8])> = carried.headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
        copy(&mut self.transaction, RESULTS, Some(partition), action_id.as_bytes(), &headers, &carried.value);
        self.touched.insert(partition);
        let Carried { outcome, reason, announced, .. } = *carried;
        self.finals.push(Final { place, outcome, reason, announced });
        self.open(now);
    }

    /// Appends a tombstone: what was announced has not been sent, or was refused for now; nothing is under way.
    pub(crate) fn withdraw(&mut self, partition: u32, action_id: &str, now: Duration) {
        self.transaction.append_tombstone(RESULTS, Some(partition), action_id.as_bytes(), &[]);
        self.touched.insert(partition);
        self.open(now);
    }

    /// Appends a poison record to the dead letters.
    pub(crate) fn dead_letter(&mut self, letter: &DeadLetter<'_>, now: Duration) {
        letter.append(&mut self.transaction, DEAD_LETTERS);
        self.dead_letters += 1;
        self.touched.insert(letter.partition);
        self.open(now);
    }

    /// Commits the open transaction with the positions reached.
    ///
    /// *Errors:* the member must be dropped; [`Outbox::into_carried`] still has what is known.
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

    /// The final results that were not committed, by action id.
    pub(crate) fn into_carried(self) -> HashMap<Box<str>, Carried> {
        let records: Vec<_> = self.transaction.records().collect();
        let carried = self.finals.iter().filter_map(|settled| {
            let record = records.get(settled.place)?;
            let headers = record.headers().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
            let value = record.value?.to_vec();
            let action_id = std::str::from_utf8(record.key).ok()?.into();
            let Final { outcome, reason, announced, .. } = *settled;
            Some((action_id, Carried { outcome, announced, reason, value, headers }))
        });
        carried.collect()
    }
}

/// Appends a record whose value is bytes already.
fn copy(
    transaction: &mut Transaction,
    output: usize,
    partition: Option<u32>,
    key: &[u8],
    headers: &[(&str, &[u8])],
    value: &[u8],
) {
    let appended: Result<(), Infallible> = transaction.append(output, partition, key, headers, |out| {
        out.extend_from_slice(value);
        Ok(())
    });
    match appended {
        Ok(()) => {}
        Err(never) => match never {},
    }
}
