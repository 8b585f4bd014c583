//! `set_conversation_status`: resolves, snoozes, archives, claims or reopens the conversation.
//!
//! A snooze with `for:` ends by itself: that long after the event.

use std::sync::Arc;

use std::time::Duration;

use kilat_domain::{ConversationStatus, OnUnknown, Patch};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::codes;
use crate::diagnostic::did_you_mean;
use crate::object::print_duration;
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
        Key::new(
            "for",
            Shape::Duration,
            "How long a snooze lasts; until somebody reopens the conversation by default.",
        ),
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
struct SetConversationStatus {
    status: ConversationStatus,
    /// How long a snooze lasts.
    lasts: Option<Duration>,
}

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
    let lasts = reading.object.duration("for", reading.report);
    let at = reading.object.get("value").map_or(reading.object.at, |node| node.at);
    let word = reading.main_text(None, "write resolve, snooze, archive or reopen")?;
    let status = parse(&word);
    if status.is_none() {
        let known: Vec<&str> =
            ConversationStatus::KNOWN.iter().copied().chain(VERBS.iter().map(|(verb, _)| *verb)).collect();
        let message = format!("`{word}` is no status of a conversation");
        reading.report.add(codes::UNKNOWN_WORD, at, message, did_you_mean(&word, known));
    }
    let status = status?;
    if let Some(node) = reading.object.get("for").filter(|_| status != ConversationStatus::Snoozed) {
        let message = format!("`for` says how long a snooze lasts, this sets the status to `{}`", status.as_str());
        reading.report.add(codes::UNKNOWN_KEY, node.at, message, "leave `for` out, or write `value: snooze`");
    }
    Some(Arc::new(SetConversationStatus { status, lasts }))
}

impl Action for SetConversationStatus {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), self.status.as_str().into());
        if let Some(lasts) = self.lasts {
            action.insert("for".into(), print_duration(lasts).into());
        }
    }

    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome {
        Outcome::Patch(match self.lasts {
            Some(lasts) => Patch::Snooze(plan.facts.event.occurred_at.after(lasts)),
            None => Patch::ConversationStatus(self.status),
        })
    }
}
