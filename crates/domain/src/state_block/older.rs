//! Blocks as they were before entries were packed: versions 1 to 4 of their schema.
//!
//! They hold whole values. Versions 3 and 4 had a chain, over another form of the content: such blocks keep their place in it,
//! and their hash is taken as it stands, so that a checkpoint of that time and the blocks after it still fit together.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{DisabledRule, Entries, Entry, InputRange, Mark, Packed, SeenDay, StateBlock};
use crate::{Conversation, Lead, Str, Timestamp};

/// A block of versions 1 to 4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OlderStateBlock<'a> {
    /// See [`StateBlock::partition`].
    pub partition: i32,
    /// See [`StateBlock::sequence`].
    #[serde(default)]
    pub sequence: i64,
    /// See [`StateBlock::chain`].
    #[serde(default)]
    pub chain: i64,
    /// See [`StateBlock::now`].
    pub now: Timestamp,
    /// See [`StateBlock::clock`].
    #[serde(default)]
    pub clock: Option<Timestamp>,
    /// See [`StateBlock::rule_epoch`].
    pub rule_epoch: i64,
    /// See [`StateBlock::inputs`].
    pub inputs: Vec<InputRange>,
    /// See [`StateBlock::fates`].
    #[serde(default)]
    pub fates: Vec<i64>,
    /// See [`StateBlock::decisions`].
    #[serde(default)]
    pub decisions: i64,
    /// See [`StateBlock::actions`].
    #[serde(default)]
    pub actions: i64,
    /// Leads as they are after the batch.
    #[serde(borrow)]
    pub leads: Vec<LeadEntry<'a>>,
    /// Conversations as they are after the batch.
    pub conversations: Vec<ConversationEntry<'a>>,
    /// See [`StateBlock::seen`].
    pub seen: Vec<SeenDay>,
    /// See [`StateBlock::disabled`].
    pub disabled: Vec<DisabledRule<'a>>,
}

/// A lead in an older block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadEntry<'a> {
    /// Its workspace.
    #[serde(borrow)]
    pub workspace: Str<'a>,
    /// Its id.
    pub id: Str<'a>,
    /// Its state.
    pub state: Cow<'a, Lead>,
    /// When rules last fired for it, for `once_per`.
    pub marks: Cow<'a, [Mark]>,
}

/// A conversation in an older block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConversationEntry<'a> {
    /// Its workspace.
    #[serde(borrow)]
    pub workspace: Str<'a>,
    /// Its id.
    pub id: Str<'a>,
    /// Its state.
    pub state: Cow<'a, Conversation>,
    /// When rules last fired for it, for `once_per`, and rules quarantined for it.
    pub marks: Cow<'a, [Mark]>,
}

impl<'a> From<OlderStateBlock<'a>> for StateBlock<'a> {
    fn from(older: OlderStateBlock<'a>) -> StateBlock<'a> {
        let leads = older.leads.iter().map(|entry| (&entry.workspace, &entry.id, &*entry.state, &*entry.marks));
        let conversations = older.conversations.iter();
        let conversations = conversations.map(|entry| (&entry.workspace, &entry.id, &*entry.state, &*entry.marks));
        StateBlock {
            partition: older.partition,
            sequence: older.sequence,
            chain: older.chain,
            is_older: true,
            now: older.now,
            clock: older.clock,
            rule_epoch: older.rule_epoch,
            inputs: older.inputs,
            fates: older.fates,
            decisions: older.decisions,
            actions: older.actions,
            lead_entries: packed(leads),
            conversation_entries: packed(conversations),
            seen: older.seen,
            disabled: older.disabled,
            anchors: Vec::new(),
            spreads: Vec::new(),
        }
    }
}

type Named<'e, T> = (&'e Str<'e>, &'e Str<'e>, &'e T, &'e [Mark]);

fn packed<'e, T: Packed + 'e>(named: impl Iterator<Item = Named<'e, T>>) -> Entries<'static> {
    let (mut entries, mut value) = (Entries::default(), Vec::new());
    for (workspace, id, state, marks) in named {
        value.clear();
        state.pack(marks, &mut value);
        entries.push(&Entry::Whole { place: None, workspace, id, value: &value });
    }
    entries
}
