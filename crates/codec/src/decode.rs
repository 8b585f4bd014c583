//! Framed Avro to structures that borrow from it.
//!
//! The writer's schema is found by the id in the frame; any released version will do. Free-form values of events nest at
//! most [`Value::DEPTH_MAX`] deep; other records hold values that came in with events, some levels further down.

use std::io::{self, BufRead, Read};

use kilat_domain::{
    Action, ActionResult, Decision, Event, EventKind, Explanation, LeadRecord, Object, OlderStateBlock, RuleSetRecord,
    RuleSetStatus, SpreadStep, StateBlock, Timestamp, Value,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_avro_fast::de::read::{ReaderRead, SliceRead};
use serde_avro_fast::de::{DeError, DeserializerConfig, DeserializerState};

use crate::reader::{self, ReadError};
use crate::schemas::{self, Version};
use crate::{DecodeError, Schema, by_name, event_reader, framing};

/// How deep Avro records, unions and arrays may nest: three of them are one level of a free-form value.
const AVRO_DEPTH_MAX: usize = 96;

/// The first version of state blocks whose entries are packed; those of later ones only add to it.
const PACKED_SINCE: usize = 5;

/// How much an error says of what is wrong with a record.
const PROBLEM_BYTES_MAX: usize = 240;
/// Longest id of anything, in bytes.
const ID_BYTES_MAX: usize = 1_024;

/// Decodes the value of a record of `kilat.messages.v1` or `kilat.lead-changes.v1`.
pub fn decode_event(bytes: &[u8]) -> Result<Event<'_>, DecodeError> {
    let mut event = Event::new("", "", EventKind::MessageCreated, Timestamp(0));
    decode_event_into(bytes, &mut event)?;
    Ok(event)
}

/// As [`decode_event`], into the place of an event that is done with: an event is large, and moving it costs as much as
/// reading it. After an error, what stands there means nothing.
pub fn decode_event_into<'a>(bytes: &'a [u8], event: &mut Event<'a>) -> Result<(), DecodeError> {
    let (version, avro) = open(Schema::Event, bytes)?;
    if version.is_newest {
        let rest = event_reader::read(avro, event).map_err(|error| unreadable(version, error))?;
        nothing_follows(rest)?;
    } else {
        *event = decode_version(version, avro)?;
    }
    check_event_of(event, bytes.len())
}

/// Decodes the value of a record of `kilat.rules.v1`.
pub fn decode_rule_set(bytes: &[u8]) -> Result<RuleSetRecord<'_>, DecodeError> {
    decode(Schema::RuleSet, bytes)
}

/// Decodes the value of a record of `kilat.rule-status.v1`.
pub fn decode_rule_status(bytes: &[u8]) -> Result<RuleSetStatus<'_>, DecodeError> {
    decode(Schema::RuleStatus, bytes)
}

/// Decodes the value of a record of `kilat.decisions.v1`.
pub fn decode_decision(bytes: &[u8]) -> Result<Decision<'_>, DecodeError> {
    decode(Schema::Decision, bytes)
}

/// Decodes the value of a record of `kilat.explain.v1`.
pub fn decode_explanation(bytes: &[u8]) -> Result<Explanation<'_>, DecodeError> {
    decode(Schema::Explanation, bytes)
}

/// Decodes the value of a record of an action topic.
pub fn decode_action(bytes: &[u8]) -> Result<Action<'_>, DecodeError> {
    decode(Schema::Action, bytes)
}

/// Decodes the value of a record of `kilat.action-results.v1`.
pub fn decode_action_result(bytes: &[u8]) -> Result<ActionResult<'_>, DecodeError> {
    decode(Schema::ActionResult, bytes)
}

/// Decodes the value of a record of `kilat.leads.v1`.
pub fn decode_lead(bytes: &[u8]) -> Result<LeadRecord<'_>, DecodeError> {
    decode(Schema::Lead, bytes)
}

/// Decodes the value of a record of `kilat.state.v1`.
pub fn decode_state_block(bytes: &[u8]) -> Result<StateBlock<'_>, DecodeError> {
    let (version, avro) = open(Schema::StateBlock, bytes)?;
    if version.number >= PACKED_SINCE {
        return decode_version(version, avro);
    }
    decode_version::<OlderStateBlock<'_>>(version, avro).map(StateBlock::from)
}

/// Whether a record of `kilat.spread.v1` says that it is a step of a move; others are events that were passed on.
pub fn is_spread_step(bytes: &[u8]) -> bool {
    let version = framing::split(bytes).ok().and_then(|(id, _)| schemas::by_id(id));
    version.is_some_and(|version| version.schema == Schema::SpreadStep)
}

/// Decodes the value of a record of `kilat.spread.v1` that is a step of a move.
pub fn decode_spread_step(bytes: &[u8]) -> Result<SpreadStep<'_>, DecodeError> {
    decode(Schema::SpreadStep, bytes)
}

fn decode<'a, T: Deserialize<'a>>(expected: Schema, bytes: &'a [u8]) -> Result<T, DecodeError> {
    let (version, avro) = open(expected, bytes)?;
    decode_version(version, avro)
}

/// The version a framed value was written in, and its Avro part.
fn open(expected: Schema, bytes: &[u8]) -> Result<(&'static Version, &[u8]), DecodeError> {
    let max = expected.bytes_max();
    if bytes.len() > max {
        return Err(DecodeError::TooLarge { bytes: bytes.len(), max });
    }
    let (id, avro) = framing::split(bytes)?;
    let newest = schemas::newest(expected);
    if id == newest.id {
        return Ok((newest, avro));
    }
    let version = schemas::by_id(id).ok_or(DecodeError::UnknownId { id })?;
    if version.schema != expected {
        return Err(DecodeError::WrongSchema { id, found: version.schema, expected });
    }
    Ok((version, avro))
}

/// Decodes the Avro part of a value that was written in this version.
pub(crate) fn decode_version<'a, T: Deserialize<'a>>(version: &Version, avro: &'a [u8]) -> Result<T, DecodeError> {
    let (value, rest) = if version.is_newest {
        reader::read(avro).map_err(|error| unreadable(version, error))?
    } else {
        decode_older(version, avro)?
    };
    nothing_follows(rest)?;
    Ok(value)
}

fn unreadable(version: &Version, error: ReadError) -> DecodeError {
    match error {
        ReadError::Ended => DecodeError::Truncated,
        ReadError::Malformed(problem) => DecodeError::Malformed { id: version.id, problem: shortened(&problem) },
    }
}

/// What a decoder says may quote the record; the error ends up in headers and logs.
fn shortened(problem: &str) -> Box<str> {
    problem[..problem.floor_char_boundary(PROBLEM_BYTES_MAX)].into()
}

fn nothing_follows(rest: &[u8]) -> Result<(), DecodeError> {
    if rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing { bytes: rest.len() }) }
}

fn decode_older<'a, T: Deserialize<'a>>(version: &Version, avro: &'a [u8]) -> Result<(T, &'a [u8]), DecodeError> {
    let mut state = DeserializerState::with_config(SliceRead::new(avro), config(version, avro));
    match by_name::deserialize::<T, _>(state.deserializer()) {
        Ok(value) => {
            let left = state.into_reader().fill_buf().map_or(0, <[u8]>::len);
            Ok((value, &avro[avro.len() - left..]))
        }
        Err(_) if is_truncated(version, avro) => Err(DecodeError::Truncated),
        Err(error) => Err(DecodeError::Malformed { id: version.id, problem: shortened(&error.to_string()) }),
    }
}

fn config<'s>(version: &'s Version, avro: &[u8]) -> DeserializerConfig<'s> {
    let mut config = DeserializerConfig::new(&version.avro);
    config.allowed_depth = AVRO_DEPTH_MAX;
    // No item of any array or map takes less than a byte.
    config.max_seq_size = avro.len();
    config
}

/// Whether the reason of a failure is that the bytes end: walks them once more, by the schema alone, through a reader that
/// remembers being asked for more than there is. A length that no record can have is a lie, not a sign of truncation.
fn is_truncated(version: &Version, avro: &[u8]) -> bool {
    let mut remembering = Remembering { rest: avro, ran_out: false };
    let mut read = ReaderRead::new(&mut remembering);
    read.max_alloc_size = version.schema.bytes_max();
    let mut state = DeserializerState::with_config(read, config(version, avro));
    let walked: Result<IgnoredAny, DeError> = IgnoredAny::deserialize(state.deserializer());
    walked.is_err() && remembering.ran_out
}

struct Remembering<'a> {
    rest: &'a [u8],
    ran_out: bool,
}

impl Read for Remembering<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.ran_out |= self.rest.len() < into.len();
        self.rest.read(into)
    }
}

impl BufRead for Remembering<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.ran_out |= self.rest.is_empty();
        Ok(self.rest)
    }
    fn consume(&mut self, bytes: usize) {
        self.rest.consume(bytes);
    }
}

/// What the schema cannot say of an event, and everything behind relies on.
pub(crate) fn check_event(event: &Event<'_>) -> Result<(), DecodeError> {
    check_event_of(event, usize::MAX)
}

/// As [`check_event`], of an event that was written in so many bytes: no id in it is longer.
fn check_event_of(event: &Event<'_>, bytes: usize) -> Result<(), DecodeError> {
    let invalid = |field, problem| Err(DecodeError::Invalid { field, problem });
    if event.id.is_empty() {
        return invalid("id", "is empty");
    }
    if event.workspace.is_empty() {
        return invalid("workspace", "is empty");
    }
    if bytes > ID_BYTES_MAX {
        for (field, id) in ids(event) {
            if id.is_some_and(|id| id.len() > ID_BYTES_MAX) {
                return invalid(field, "has more than 1024 bytes");
            }
        }
    }
    if !(Timestamp::MIN..=Timestamp::MAX).contains(&event.occurred_at) {
        return invalid("occurred_at", "lies before 1970 or after 9999");
    }
    let check_depth = |field, object: Option<&Object<'_>>| match object {
        Some(object) if nests_too_deep(object) => invalid(field, "nests lists and objects more than 16 deep"),
        _ => Ok(()),
    };
    check_depth("webhook", event.webhook.as_ref())?;
    check_depth("ticket", event.ticket.as_ref())?;
    check_depth("order", event.order.as_ref())?;
    check_depth("call", event.call.as_ref())?;
    check_depth("conversation.attrs", event.conversation.as_ref().and_then(|facts| facts.attrs.as_ref()))?;
    check_depth("lead.attrs", event.lead.as_ref().and_then(|facts| facts.attrs.as_ref()))
}

/// What names things: the state keeps ids whole, and they become keys of records.
fn ids<'e>(event: &'e Event<'_>) -> [(&'static str, Option<&'e str>); 11] {
    let channel = event.channel.as_ref();
    [
        ("id", Some(&event.id)),
        ("workspace", Some(&event.workspace)),
        ("conversation.id", event.conversation.as_ref().and_then(|facts| facts.id.as_deref())),
        ("lead.id", event.lead.as_ref().and_then(|facts| facts.id.as_deref())),
        ("message.id", event.message.as_ref().and_then(|message| message.id.as_deref())),
        ("sender.id", event.sender.as_ref().and_then(|sender| sender.id.as_deref())),
        ("channel.kind", channel.map(|channel| &*channel.kind)),
        ("channel.account", channel.and_then(|channel| channel.account.as_deref())),
        ("channel.source", channel.and_then(|channel| channel.source.as_deref())),
        ("causation_id", event.causation_id.as_deref()),
        ("root_id", event.root_id.as_deref()),
    ]
}

fn nests_too_deep(object: &Object<'_>) -> bool {
    fn exceeds(value: &Value<'_>, levels: usize) -> bool {
        match (value, levels.checked_sub(1)) {
            (Value::List(_) | Value::Object(_), None) => true,
            (Value::List(items), Some(below)) => items.iter().any(|item| exceeds(item, below)),
            (Value::Object(entries), Some(below)) => entries.iter().any(|(_, value)| exceeds(value, below)),
            (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_), _) => false,
        }
    }
    object.0.iter().any(|(_, value)| exceeds(value, Value::DEPTH_MAX))
}
