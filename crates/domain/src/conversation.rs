//! A conversation as the engine remembers it.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::lead::{replace, replace_set, replace_text};
use crate::{
    Applied, Attributes, ConversationFacts, ConversationPriority, ConversationStatus, Details, On, Patch, SenderKind,
    Timestamp,
};

/// A conversation: workspace + channel account + customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The lead it belongs to, once known.
    pub lead: Option<CompactString>,
    /// Where it stands.
    pub status: ConversationStatus,
    /// Its priority.
    pub priority: ConversationPriority,
    /// Tags, sorted.
    pub tags: Vec<CompactString>,
    /// Room tags of the partner's inbox, sorted.
    pub room_tags: Vec<CompactString>,
    /// Agent or pool; `None` is unclaimed.
    pub assignee: Option<CompactString>,
    /// Who wrote first.
    pub started_by: Option<SenderKind>,
    /// Channel kind, account and partner source, as last seen.
    pub channel: [Option<CompactString>; 3],
    /// The customer's id on the channel, as last seen.
    pub customer: Option<CompactString>,
    /// Distinct customer messages, group chats excluded (D-20).
    pub customer_messages: u32,
    /// Distinct team messages, group chats excluded.
    pub team_messages: u32,
    /// Customer messages since the last pause of 30 minutes.
    pub session_messages: u32,
    /// When the customer last wrote.
    pub last_customer_at: Option<Timestamp>,
    /// When the conversation was first seen.
    pub created_at: Timestamp,
    /// Custom attributes.
    pub attrs: Attributes,
    /// Everything rarely known, boxed so that an idle conversation stays small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<Details>>,
}

/// What a conversation counts: of most, all that an event changes.
#[derive(Debug)]
pub struct Counters<'c> {
    /// [`Conversation::customer_messages`].
    pub customer_messages: &'c mut u32,
    /// [`Conversation::team_messages`].
    pub team_messages: &'c mut u32,
    /// [`Conversation::session_messages`].
    pub session_messages: &'c mut u32,
    /// [`Conversation::last_customer_at`].
    pub last_customer_at: &'c mut Option<Timestamp>,
}

impl Conversation {
    /// What it counts, to be changed while nothing else is.
    pub fn counters(&mut self) -> Counters<'_> {
        let Conversation { customer_messages, team_messages, session_messages, last_customer_at, .. } = self;
        Counters { customer_messages, team_messages, session_messages, last_customer_at }
    }

    /// A conversation first seen: open, of normal priority, everything else missing.
    pub fn new(created_at: Timestamp) -> Conversation {
        Conversation {
            lead: None,
            status: ConversationStatus::Open,
            priority: ConversationPriority::Normal,
            tags: Vec::new(),
            room_tags: Vec::new(),
            assignee: None,
            started_by: None,
            channel: [None, None, None],
            customer: None,
            customer_messages: 0,
            team_messages: 0,
            session_messages: 0,
            last_customer_at: None,
            created_at,
            attrs: Attributes::default(),
            details: None,
        }
    }

    /// Folds what an event says of its conversation.
    pub fn fold(&mut self, facts: &ConversationFacts<'_>) -> bool {
        let mut changed = false;
        if let Some(status) = facts.status.filter(|status| *status != self.status) {
            changed |= self.set_status(status, None);
        }
        if let Some(priority) = facts.priority {
            changed |= std::mem::replace(&mut self.priority, priority) != priority;
        }
        changed |= replace_set(&mut self.tags, facts.tags.as_deref());
        changed |= replace_set(&mut self.room_tags, facts.room_tags.as_deref());
        changed |= replace_text(&mut self.assignee, facts.assignee.as_deref());
        changed |= replace(&mut self.started_by, facts.started_by);
        changed |= self.attrs.merge(facts.attrs.as_ref());
        changed
    }

    /// Sets where it stands, and when a snooze ends; whether that differs from before.
    pub fn set_status(&mut self, status: ConversationStatus, until: Option<Timestamp>) -> bool {
        let known = self.details.as_ref().and_then(|details| details.snoozed_until);
        let changed = self.status != status || known != until;
        self.status = status;
        if known != until {
            self.details_mut().snoozed_until = until;
        }
        changed
    }

    fn apply_status(&mut self, status: ConversationStatus, until: Option<Timestamp>) -> Applied {
        let from = self.status;
        let changed = self.set_status(status, until);
        Applied::of("conversation.status", changed, Some(from.to_string()), Some(status.to_string()))
    }

    /// The rarely known part, made where there is none.
    pub fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    /// Applies a patch that concerns conversations; `None` where the patch concerns the lead.
    pub fn apply(&mut self, patch: &Patch) -> Option<Applied> {
        Some(match patch {
            Patch::ConversationStatus(status) => self.apply_status(*status, None),
            Patch::Snooze(until) => self.apply_status(ConversationStatus::Snoozed, Some(*until)),
            Patch::Note { on: On::Conversation, text } => {
                Applied::note("conversation.notes", &mut self.details_mut().notes, text)
            }
            Patch::ConversationPriority(priority) => {
                let from = std::mem::replace(&mut self.priority, *priority);
                let (before, after) = (from.to_string(), priority.to_string());
                Applied::of("conversation.priority", from != *priority, Some(before), Some(after))
            }
            Patch::Tag { on: On::Conversation, name, add } => {
                Applied::member("conversation.tags", &mut self.tags, name, *add)
            }
            Patch::Assignee(assignee) => {
                Applied::optional_text("conversation.assignee", &mut self.assignee, assignee.as_deref())
            }
            Patch::Attribute { on: On::Conversation, path, value } => self.attrs.set("conversation.attrs", path, value),
            _ => return None,
        })
    }
}
