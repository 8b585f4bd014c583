//! What a replay keeps of records: input whole, decisions and actions by id, of blocks the header.

use kilat_codec::Topic;
use kilat_domain::{InputRange, StateBlock, Timestamp};
use kilat_log::{Headers, Record};
use rustc_hash::FxBuildHasher;

use crate::passed_on::PassedOn;
use crate::recorded::Entry;

/// An input record, whole.
pub(super) struct Whole {
    pub(super) offset: i64,
    timestamp: Timestamp,
    key: Option<Box<[u8]>>,
    value: Option<Box<[u8]>>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Whole {
    /// As it was read.
    pub(super) fn record(&self, input: usize, partition: u32) -> Record<'_> {
        Record {
            input,
            partition,
            offset: self.offset,
            timestamp: self.timestamp,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: self,
        }
    }
}

impl Headers for Whole {
    fn for_each(&self, each: &mut dyn FnMut(&str, &[u8])) {
        self.headers.iter().for_each(|(name, value)| each(name, value));
    }
}

impl Entry for Whole {
    type Reading = ();

    fn of(record: &Record<'_>, (): &mut ()) -> Option<Whole> {
        Some(Whole {
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.map(Into::into),
            value: record.value.map(Into::into),
            headers: record.headers(),
        })
    }

    fn offset(&self) -> i64 {
        self.offset
    }
}

/// The header of a state block.
pub(super) struct Header {
    pub(super) offset: i64,
    pub(super) sequence: i64,
    pub(super) chain: i64,
    pub(super) rule_epoch: i64,
    pub(super) clock: Option<Timestamp>,
    pub(super) inputs: Vec<InputRange>,
    pub(super) fates: Vec<i64>,
}

impl Entry for Header {
    type Reading = ();

    fn of(record: &Record<'_>, (): &mut ()) -> Option<Header> {
        let offset = record.offset;
        // One that cannot be read has no sequence number, and is refused when its turn comes.
        Some(match kilat_codec::decode_state_block(record.value?) {
            Ok(StateBlock { sequence, chain, rule_epoch, clock, inputs, fates, .. }) => {
                Header { offset, sequence, chain, rule_epoch, clock, inputs, fates }
            }
            Err(_) => {
                Header { offset, sequence: 0, chain: 0, rule_epoch: 0, clock: None, inputs: vec![], fates: vec![] }
            }
        })
    }

    fn offset(&self) -> i64 {
        self.offset
    }
}

/// A committed decision or action, or a record for another partition's engine.
pub(super) struct Answer {
    pub(super) offset: i64,
    /// See [`id_of`] and [`id_of_sent`].
    pub(super) id: String,
    pub(super) value: Box<[u8]>,
}

/// What a decision or an action is known by.
pub(super) fn id_of(topic: Topic, value: &[u8]) -> Option<String> {
    if topic == Topic::Decisions {
        let decision = kilat_codec::decode_decision(value).ok()?;
        return Some(format!("event {} of workspace {}", decision.event_id, decision.workspace));
    }
    let action = kilat_codec::decode_action(value).ok()?;
    Some(format!("action {}", action.id))
}

/// What a record for another partition's engine is known by: where the event came from that it passes on, else its content.
pub(super) fn id_of_sent(passed_on: Option<&str>, value: &[u8]) -> Option<String> {
    if let Some(from) = passed_on {
        return Some(format!("the event at {from} (input/partition/offset/anchor)"));
    }
    let step = kilat_codec::decode_spread_step(value).ok()?;
    let hash = std::hash::BuildHasher::hash_one(&FxBuildHasher, value);
    Some(format!("a step of the move of workspace {} ({}, {hash:016x})", step.workspace, step.kind))
}

impl Entry for Answer {
    type Reading = ();

    fn of(record: &Record<'_>, (): &mut ()) -> Option<Answer> {
        let value = record.value?;
        // The schema id in the frame tells them apart.
        let id = match record.header(PassedOn::HEADER) {
            Some(_) => id_of_sent(PassedOn::of(record).map(|from| from.to_string()).as_deref(), value),
            None => id_of(Topic::Decisions, value).or_else(|| id_of(Topic::ActionsPartner, value)),
        };
        let id = id.or_else(|| id_of_sent(None, value))?;
        Some(Answer { offset: record.offset, id, value: value.into() })
    }

    fn offset(&self) -> i64 {
        self.offset
    }
}
