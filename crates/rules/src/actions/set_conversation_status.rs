//! `set_conversation_status`: resolves, snoozes, archives, claims or reopens the conversation.
//!
//! A snooze that ends by itself (`for:`) needs a timer and is not available yet.

use std::sync::Arc;

use kilat_domain::{ConversationStatus, OnUnknown, Patch};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::codes;
use crate::diagnostic::did_you_mean;
use crate::shape::{Key, Shape};

pub(crate) const KIND: Kind = Kind {
    name: "set_conversation_status",
    compat: &[],
    effect: EffectOn::Conversation,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[
        Key::new(
            "value",
            Shape::Text,
            "open, claimed, snoozed, resolved or archived; or resolve, snooze, archive, reopen.",
        ),
        Key::new("for", Shape::Duration, "How long a snooze lasts; not available yet."),
    ],
    needs: &["value"],
    read,
};

/// What people say for a status.
const VERBS: &[(&str, ConversationStatus)] = &[
    ("resolve", ConversationStatus::Resolved),
    ("close", ConversationStatus::Resolved),
    ("snooze", ConversationStatus::Snoozed),
    ("archive", ConversationStatus::Archived),
    ("claim", ConversationStatus::Claimed),
    ("reopen", ConversationStatus::Open),
];

#[derive(Debug)]
struct SetConversationStatus(ConversationStatus);

/// Whether `word` says where a conversation stands.
pub(super) fn is_status(word: &str) -> bool {
    parse(word).is_some()
}

fn parse(word: &str) -> Option<ConversationStatus> {
    let word = word.trim().to_ascii_lowercase();
    let verb = VERBS.iter().find(|(verb, _)| *verb == word).map(|(_, status)| *status);
    verb.or_else(|| word.parse().ok())
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    if let Some(node) = reading.object.get("for") {
        let message = "a snooze that ends by itself is not available yet";
        reading.report.add(codes::KEY_NOT_AVAILABLE, node.at, message, "leave `for` out and reopen by hand");
        return None;
    }
    let at = reading.object.get("value").map_or(reading.object.at, |node| node.at);
    let word = reading.main_text(None, "write resolve, snooze, archive or reopen")?;
    let status = parse(&word);
    if status.is_none() {
        let known: Vec<&str> =
            ConversationStatus::WORDS.iter().copied().chain(VERBS.iter().map(|(verb, _)| *verb)).collect();
        let message = format!("`{word}` is no status of a conversation");
        reading.report.add(codes::UNKNOWN_WORD, at, message, did_you_mean(&word, known));
    }
    Some(Arc::new(SetConversationStatus(status?)))
}

impl Action for SetConversationStatus {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), self.0.as_str().into());
    }

    fn plan(&self, _: &mut Plan<'_, '_>) -> Outcome {
        Outcome::Patch(Patch::ConversationStatus(self.0))
    }
}
