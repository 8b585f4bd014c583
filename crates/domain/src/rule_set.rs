//! Rule sets as they travel: the published text of a workspace's rules, and whether it went live.

use serde::{Deserialize, Serialize};

use crate::{Str, Timestamp};

/// The record of `kilat.rules.v1`, keyed by workspace; a record without a value withdraws the rule set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleSetRecord<'a> {
    /// Whose rules they are.
    #[serde(borrow)]
    pub workspace: Str<'a>,
    /// Content hash of `source`: `sha256:` and 64 hexadecimal digits.
    pub hash: Str<'a>,
    /// The rule document as canonical JSON: every default and every rule version spelled out.
    pub source: Str<'a>,
    /// When it was published, by the publisher's clock.
    pub published_at: Timestamp,
    /// Who published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_by: Option<Str<'a>>,
}

/// What an engine did with a published rule set; the record of `kilat.rule-status.v1`, keyed by workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleSetStatus<'a> {
    /// Whose rules they are.
    #[serde(borrow)]
    pub workspace: Str<'a>,
    /// The rule set that was published.
    pub hash: Str<'a>,
    /// Whether it is live.
    pub live: bool,
    /// Why it is not: the compiler's errors, one a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Str<'a>>,
    /// The rule set that is live instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_hash: Option<Str<'a>>,
    /// When, by the engine's clock.
    pub at: Timestamp,
}
