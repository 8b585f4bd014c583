//! Workspaces spread over several partitions: what state blocks say of them, and the steps in which their leads move.
//!
//! *Shape:* a workspace is at home in the partition of its key, whose worker is its *router*. Spread over n, its leads lie in
//! n *shares*: share k in the partition k after the router's, share 0 in the router's own. Which share a lead or conversation
//! belongs to, its *anchor* says, a hash that never changes: the remainder of dividing it by n.

use serde::{Deserialize, Serialize};

use super::Entries;
use crate::{StepKind, Str};

/// The anchor of a lead or conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Hash of workspace, kind and id.
    pub key: i64,
    /// The anchor, 32 bits.
    pub anchor: i32,
}

/// How a workspace is spread, as its router knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread<'a> {
    /// The workspace.
    #[serde(borrow)]
    pub workspace: Str<'a>,
    /// How many shares its events are routed to; 1 for a workspace that is not spread.
    pub shares: i32,
    /// How many there will be once leads have moved; 0 where they need not.
    pub to: i32,
    /// The shares that have not yet given away what they must, a bit each.
    pub waiting: i64,
}

impl Spread<'_> {
    /// Most shares a workspace may have: a bit each in [`Spread::waiting`].
    pub const SHARES_MAX: u32 = 64;
}

/// A step in moving a workspace's leads to other shares: record of `kilat.spread.v1`, beside events that were passed on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpreadStep<'a> {
    /// The workspace.
    #[serde(borrow)]
    pub workspace: Str<'a>,
    /// Its router's partition.
    pub router: i32,
    /// What is to be done.
    pub kind: StepKind,
    /// The share that leaves or has left; of what enters, the share it belongs to.
    pub share: i32,
    /// How many shares there will be.
    pub to: i32,
    /// Where leaving goes on: twice the place of a conversation, or twice the place of a lead and one.
    pub next: i64,
    /// Leads that enter, whole.
    #[serde(borrow)]
    pub lead_entries: Entries<'a>,
    /// Conversations that enter, whole.
    pub conversation_entries: Entries<'a>,
    /// The anchors of these.
    pub anchors: Vec<Anchor>,
}
