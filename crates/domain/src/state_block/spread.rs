//! Workspaces spread over several partitions: what state blocks say of them, and the steps in which their leads move.
//!
//! *Shape:* a workspace is at home in the partition of its key, whose worker is its *router*. Spread over n, its leads lie in
//! n *shares*: share k in the partition k after the router's, share 0 in the router's own. Which share a lead or conversation
//! belongs to, its *anchor* says, a hash that never changes: the remainder of dividing it by n.

use serde::{Deserialize, Serialize};

use super::{Entries, Entry, Packed, Unpackable};
use crate::{Conversation, Lead, StepKind, Str};

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

impl SpreadStep<'_> {
    /// Whether all it hands over can be taken in: whole values that can be unpacked, under ids of at most 65,535 bytes.
    ///
    /// *Errors:* something cannot; then none of it must be, or what it holds beside would be lost unsaid.
    pub fn check(&self) -> Result<(), Unpackable> {
        check::<Conversation>(&self.conversation_entries)?;
        check::<Lead>(&self.lead_entries)
    }
}

fn check<T: Packed>(entries: &Entries<'_>) -> Result<(), Unpackable> {
    entries.iter().try_for_each(|entry| match entry? {
        Entry::Whole { id, value, .. } if id.len() <= usize::from(u16::MAX) => T::unpack(value).map(drop),
        _ => Err(Unpackable),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn step(id: &str, value: &[u8]) -> SpreadStep<'static> {
        let mut conversation_entries = Entries::default();
        conversation_entries.push(&Entry::Whole { place: Some(0), workspace: "acme", id, value });
        let (kind, workspace) = (StepKind::Enter, "acme".into());
        let (lead_entries, anchors) = (Entries::default(), Vec::new());
        SpreadStep { workspace, router: 0, kind, share: 1, to: 2, next: 0, lead_entries, conversation_entries, anchors }
    }

    #[test]
    fn a_step_with_anything_that_cannot_be_taken_in_is_refused() {
        let mut value = Vec::new();
        Conversation::new(Timestamp(1)).pack(&[], &mut value);
        assert_eq!(step("c1", &value).check(), Ok(()));
        assert_eq!(step(&"c".repeat(65_536), &value).check(), Err(Unpackable));
        assert_eq!(step("c1", &value[1..]).check(), Err(Unpackable));
    }
}
