//! JSON lines to structures and back: the form of events and decisions that people write and read.
//!
//! One object a line, field for field what the Avro schema says, with three differences that make it pleasant: instants
//! are RFC 3339 texts, free-form values are plain JSON, and fields that are null may be left out. Events may also be
//! written in the short forms of the contract (see `short`).
//!
//! In: a line. Out: a structure that owns its text, or a [`LineError`] with the field and the remedy. Unknown keys are
//! passed over, and unknown words of closed sets read as `unknown`, so that lines of newer producers stay readable.
//!
//! Source: the contract, sections 2 and 6.

mod limits;
mod read;
mod shape;
mod short;
mod words;
mod write;

use std::fmt;

use kilat_domain::{Action, Decision, Event, Explanation};
use serde::Serialize;
use serde_json::Value;

use crate::decode::{self, check_event};
use crate::{DecodeError, RECORD_BYTES_MAX, Schema, Topic};

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// A code that never changes its meaning.
    pub code: &'static str,
    /// The field, such as `lead.tags[1]`; empty where the line as a whole is meant.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}` ", self.path)?;
        }
        write!(f, "{}. help: {}", self.problem, self.remedy)
    }
}

impl std::error::Error for LineError {}

/// Reads an event line.
pub fn event_from_line(line: &str) -> Result<Event<'static>, LineError> {
    let mut event = parse(line)?;
    short::expand(&mut event);
    let event: Event<'static> = read::structure(Schema::Event, event)?;
    match check_event(&event) {
        Ok(()) => Ok(event),
        Err(DecodeError::Invalid { field, problem }) => Err(LineError {
            code: "K2105",
            path: field.to_owned(),
            problem: problem.to_owned(),
            remedy: "give it a value within these bounds".to_owned(),
        }),
        Err(other) => Err(LineError {
            code: "K2105",
            path: String::new(),
            problem: other.to_string(),
            remedy: "see the contract".to_owned(),
        }),
    }
}

/// Words of an event line that were read as `unknown`, each with the field it stands in and the word that may have been
/// meant: for people who write lines by hand. Empty for a line that is no event.
pub fn unknown_words(line: &str) -> Vec<LineError> {
    parse(line).map(|event| words::unknown(&event)).unwrap_or_default()
}

/// Reads a decision line.
pub fn decision_from_line(line: &str) -> Result<Decision<'static>, LineError> {
    read::structure(Schema::Decision, parse(line)?)
}

/// Reads an action line.
pub fn action_from_line(line: &str) -> Result<Action<'static>, LineError> {
    read::structure(Schema::Action, parse(line)?)
}

/// Writes an event line, without the line's end.
pub fn event_to_line(event: &Event<'_>) -> String {
    line(Schema::Event, event)
}

/// Writes a decision line, without the line's end.
pub fn decision_to_line(decision: &Decision<'_>) -> String {
    line(Schema::Decision, decision)
}

/// Writes an explanation as a line, without the line's end.
pub fn explanation_to_line(explanation: &Explanation<'_>) -> String {
    line(Schema::Explanation, explanation)
}

/// Writes an action line, without the line's end.
pub fn action_to_line(action: &Action<'_>) -> String {
    line(Schema::Action, action)
}

/// Writes the value of a record of any topic as a line, without the line's end.
pub fn record_to_line(topic: Topic, bytes: &[u8]) -> Result<String, DecodeError> {
    let schema = topic.schema();
    // Events pass through this topic as they came.
    if schema == Schema::SpreadStep && !decode::is_spread_step(bytes) {
        return Ok(line(Schema::Event, &decode::decode_event(bytes)?));
    }
    Ok(match schema {
        Schema::Event => line(schema, &decode::decode_event(bytes)?),
        Schema::RuleSet => line(schema, &decode::decode_rule_set(bytes)?),
        Schema::RuleStatus => line(schema, &decode::decode_rule_status(bytes)?),
        Schema::Decision => line(schema, &decode::decode_decision(bytes)?),
        Schema::Explanation => line(schema, &decode::decode_explanation(bytes)?),
        Schema::Action => line(schema, &decode::decode_action(bytes)?),
        Schema::ActionResult => line(schema, &decode::decode_action_result(bytes)?),
        Schema::Lead => line(schema, &decode::decode_lead(bytes)?),
        Schema::StateBlock => line(schema, &decode::decode_state_block(bytes)?),
        Schema::SpreadStep => line(schema, &decode::decode_spread_step(bytes)?),
    })
}

fn parse(line: &str) -> Result<Value, LineError> {
    if line.len() > RECORD_BYTES_MAX {
        return Err(LineError {
            code: "K2105",
            path: String::new(),
            problem: format!("the line has {} bytes, more than the {RECORD_BYTES_MAX} a record may have", line.len()),
            remedy: "shorten its texts or leave out facts no rule reads".to_owned(),
        });
    }
    serde_json::from_str(line).map_err(|error| LineError {
        code: "K2101",
        path: String::new(),
        problem: format!("the line is not JSON: {error}"),
        remedy: "write one complete JSON object on each line".to_owned(),
    })
}

fn line<T: Serialize>(schema: Schema, value: &T) -> String {
    write::plain(schema, value).to_string()
}
