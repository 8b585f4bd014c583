//! Decisions: what the rules did with one event.
//!
//! *Shape:* the record of `kilat.decisions.v1` and the decision line of the contract, field for field.

use serde::{Deserialize, Serialize};

use crate::{EventKind, Str, Timestamp};

/// What the rules did with one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision<'a> {
    /// The event.
    #[serde(borrow)]
    pub event_id: Str<'a>,
    /// Whose event it is.
    pub workspace: Str<'a>,
    /// Its conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Str<'a>>,
    /// Its lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<Str<'a>>,
    /// The event's time.
    pub at: Timestamp,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// Content hash of the rule set: `sha256:` and 64 hexadecimal digits.
    pub rule_set: Str<'a>,
    /// Rules that fired, in evaluation order.
    pub fired: Vec<Fired<'a>>,
    /// Rules that matched and were refused, with the reason.
    pub refused: Vec<Refused<'a>>,
    /// The rule whose Stop Processing ended the pass.
    #[serde(default)]
    pub stopped_by: Option<Str<'a>>,
    /// The event whose pass caused this one.
    #[serde(default)]
    pub causation_id: Option<Str<'a>>,
    /// The first event of the chain.
    pub root_id: Str<'a>,
    /// Steps from the first event of the chain.
    pub depth: i32,
    /// Bytes of a longer text that conditions and extractions saw; of several, the fewest. Absent where they saw all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned_bytes: Option<i32>,
}

/// A rule that fired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fired<'a> {
    /// The rule.
    #[serde(borrow)]
    pub rule: Str<'a>,
    /// Its version.
    pub version: i64,
    /// What became of its actions, in order.
    pub actions: Vec<ActionEffect<'a>>,
}

/// What became of one action in the pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionEffect<'a> {
    /// The action's place in the rule.
    pub index: i32,
    /// Its `type` in rule files.
    #[serde(borrow, rename = "type")]
    pub action: Str<'a>,
    /// What became of it.
    pub result: Effect,
    /// For patches: the value before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Str<'a>>,
    /// For patches: the value after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Str<'a>>,
    /// For a snooze: when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// For queued actions: the action id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Str<'a>>,
    /// Why it failed or was suppressed: a stable word, such as `ambiguous` or `no_match`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Str<'a>>,
}

/// What became of one action in the pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The state changed.
    Applied,
    /// The state was already so (D-39).
    Unchanged,
    /// Handed to the executors.
    Queued,
    /// Could not be done, such as an amount that is ambiguous.
    Failed,
    /// Not done on purpose, or rolled back with its rule (D-7).
    Suppressed,
}

/// A rule that matched and did not fire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused<'a> {
    /// The rule.
    #[serde(borrow)]
    pub rule: Str<'a>,
    /// A stable word: `loop`, `depth`, `quarantined`, `disabled`, `once`, `dedupe`, `replied` …
    pub reason: Str<'a>,
}
