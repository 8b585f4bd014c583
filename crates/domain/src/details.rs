//! What few conversations need to have remembered: a snooze, notes, and their past.
//!
//! *Shape:* part of a conversation in a state block. The past (`week`, `history`) is kept only where the workspace's rules
//! ask for it, within the bounds that the rules' compiler names.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{MessageType, SenderKind, Timestamp};

/// The rarely known part of a [`Conversation`](crate::Conversation).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// When a snooze ends by itself; only while the conversation is snoozed.
    pub snoozed_until: Option<Timestamp>,
    /// Notes that rules left, oldest line first.
    pub notes: Option<CompactString>,
    /// Customer messages of the last seven days by the hour, oldest first; hours without any are left out.
    pub week: Vec<HourCount>,
    /// The latest messages, by event time, oldest first.
    pub history: Vec<PastMessage>,
}

/// How many messages an hour brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourCount {
    /// Hours since the Unix epoch.
    pub hour: i32,
    /// Messages in it.
    pub messages: u32,
}

/// A message as its conversation remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastMessage {
    /// When it was written, by event time.
    pub at: Timestamp,
    /// Who wrote it.
    pub sender: SenderKind,
    /// What it carried.
    #[serde(rename = "type")]
    pub kind: MessageType,
    /// Whether it carried media.
    pub has_media: bool,
    /// Whether it quoted another message.
    pub is_reply: bool,
    /// The head of its text, where the rules look at texts.
    pub text: Option<Box<str>>,
}
