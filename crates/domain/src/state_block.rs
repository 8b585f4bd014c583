//! State blocks: what one transaction changed in the state of one partition.
//!
//! *Shape:* the record of `kilat.state.v1`, in the state partition of the same number as the input partition. A block holds
//! the leads and conversations the batch first saw, packed, and what it changed of others; changes set fields to values, so
//! that applying blocks in order gives the state, also where it starts from a newer one. The header records what the batch
//! could not derive from its input, and makes the blocks of a partition a chain: one that is missing, repeated, exchanged or
//! altered is noticed by the next.

mod conversation;
mod entries;
mod lead;
mod older;
mod packed;
mod parts;
mod spread;

use serde::{Deserialize, Serialize};

use crate::{Str, Timestamp};

pub use entries::{Entries, Entry, Packed};
pub use older::{ConversationEntry, LeadEntry, OlderStateBlock};
pub use packed::Unpackable;
pub use spread::{Anchor, Spread, SpreadStep};

/// What one transaction changed in the state of one partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateBlock<'a> {
    /// The input partition.
    pub partition: i32,
    /// 1, 2, … within the partition; 0 for a block outside the chain: one of a version that had none, or a part of a state
    /// that was written out as it stood.
    #[serde(default)]
    pub sequence: i64,
    /// A hash over the chain of the block before and everything in this one: equal chains mean equal history. 0 outside the
    /// chain.
    #[serde(default)]
    pub chain: i64,
    /// Whether it was read from an older version, whose `chain` was taken over a form that is no longer there.
    #[serde(skip)]
    pub is_older: bool,
    /// The latest event time folded so far.
    pub now: Timestamp,
    /// The worker's wall clock when it took the batch: append times of records count as no later. Absent where none was
    /// asked.
    #[serde(default)]
    pub clock: Option<Timestamp>,
    /// Offset of the rules topic up to which rule sets were live in this batch.
    pub rule_epoch: i64,
    /// Input ranges in the order they were interleaved.
    pub inputs: Vec<InputRange>,
    /// What became of each of these records, as [`Fate::runs`](crate::Fate::runs); empty in blocks of older versions.
    #[serde(default)]
    pub fates: Vec<i64>,
    /// Decisions of the batch for this partition, those about events that were caused included.
    #[serde(default)]
    pub decisions: i64,
    /// Actions these decisions queued.
    #[serde(default)]
    pub actions: i64,
    /// Leads: whole where the batch first saw them, else what changed.
    #[serde(borrow)]
    pub lead_entries: Entries<'a>,
    /// Conversations: whole where the batch first saw them, else what changed.
    pub conversation_entries: Entries<'a>,
    /// Idempotency keys of the batch's events (D-33).
    pub seen: Vec<SeenDay>,
    /// Rules the loop guard took out of service (D-38), as they are after the batch; replaces the known ones of a workspace.
    pub disabled: Vec<DisabledRule<'a>>,
    /// Where leads and conversations of spread workspaces are at home that were first seen in the batch.
    #[serde(default)]
    pub anchors: Vec<Anchor>,
    /// How workspaces are spread whose spread changed, as it is after the batch.
    #[serde(default)]
    pub spreads: Vec<Spread<'a>>,
}

/// How far a chain of blocks has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainPosition {
    /// The sequence number of its last block; 0 before the first.
    pub sequence: i64,
    /// The chain of its last block; 0 before the first.
    pub chain: i64,
}

/// A run of offsets of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRange {
    /// Index of the topic among the engine's inputs: 0 messages, 1 lead changes, 2 spread.
    pub input: i32,
    /// The first offset.
    pub from: i64,
    /// One past the last offset.
    pub next: i64,
}

/// A rule's memory of one lead or conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The rule.
    pub rule: Box<str>,
    /// Its version when it was quarantined; a newer version starts afresh.
    pub version: i64,
    /// Event time of its last fire, or the start of the episode it fired for.
    pub at: Timestamp,
    /// Whether the loop guard keeps the rule from this conversation.
    pub quarantined: bool,
}

/// Idempotency keys first seen on one day of event time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenDay {
    /// Days since the Unix epoch.
    pub day: i32,
    /// 64-bit hashes.
    pub keys: Vec<i64>,
}

impl SeenDay {
    /// Most bytes a key takes in a block.
    pub const KEY_BYTES_MAX: usize = 10;
}

/// A rule the loop guard took out of service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisabledRule<'a> {
    /// Its workspace.
    #[serde(borrow)]
    pub workspace: Str<'a>,
    /// The rule.
    pub rule: Str<'a>,
    /// Its version; a newer version starts afresh.
    pub version: i64,
    /// Event time of the first and latest loop, and the conversations that hit it within ten minutes.
    pub hits: Vec<LoopHit>,
    /// Whether it is disabled for the whole workspace.
    pub disabled: bool,
}

/// A conversation that ran into the loop guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopHit {
    /// The conversation.
    pub conversation: Box<str>,
    /// Event time.
    pub at: Timestamp,
}
