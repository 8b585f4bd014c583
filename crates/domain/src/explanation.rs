//! Explanations: which rules an event was shown to, and why each did or did not fire.
//!
//! *Shape:* the record of `kilat.explain.v1`, field for field; its `evaluated` is what `kilat eval --explain` adds to a
//! decision line. Absent: what firing came to; that is the decision's.

use serde::{Deserialize, Serialize};

use crate::{EventKind, Str, Timestamp, Value};

/// Why the rules did what they did with one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation<'a> {
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
    /// The rules of the event's trigger that were looked at, in evaluation order.
    pub evaluated: Vec<Evaluated<'a>>,
    /// The rule whose Stop Processing ended the pass; rules behind it were not looked at.
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

/// What became of one rule in a pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluated<'a> {
    /// The rule.
    #[serde(borrow)]
    pub rule: Str<'a>,
    /// Its version.
    pub version: i64,
    /// Whether its trigger, scope and conditions held.
    pub matched: bool,
    /// What did not hold first, in the order it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_false: Option<FirstFalse<'a>>,
    /// Its conditions, in the order they are written; groups only by their members.
    pub conditions: Vec<Held<'a>>,
    /// What its actions read out of the message.
    #[serde(default)]
    pub extracted: Vec<Extracted<'a>>,
    /// Why it did not fire although it matched: a stable word, as in decisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Str<'a>>,
}

/// A condition that did not hold, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FirstFalse<'a> {
    /// Where it stands in the rule: `conditions[1].any[0]`; or `trigger` or `scope`.
    #[serde(borrow)]
    pub path: Str<'a>,
    /// The field.
    pub field: Str<'a>,
    /// The operator.
    pub op: Str<'a>,
    /// What it was compared with.
    pub expected: Value<'a>,
    /// What it was; null is missing.
    pub observed: Value<'a>,
}

/// Whether one condition held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held<'a> {
    /// Where it stands in the rule: `conditions[1].any[0]`.
    #[serde(borrow)]
    pub path: Str<'a>,
    /// Whether it held; null where conditions before it had decided already.
    pub holds: Option<bool>,
}

/// What an action found in a message, or why it found nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extracted<'a> {
    /// The action's place in the rule.
    pub index: i32,
    /// What it writes, such as `actual` or `lead.attrs.budget`.
    #[serde(borrow)]
    pub target: Str<'a>,
    /// Every text that came into question, as it stands in the message.
    pub candidates: Vec<Str<'a>>,
    /// What was taken, such as `1500000 IDR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Str<'a>>,
    /// Why nothing was taken: `ambiguous` or `no_match`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Str<'a>>,
}
