//! `set_priority`: sets the priority of the conversation, or with `of: lead` of the lead.

use std::sync::Arc;

use kilat_domain::{ConversationPriority, LeadPriority, On, OnUnknown, Patch};
use serde_json::{Map, Value};

use super::add_tag::{ON_WORDS, on_word, read_on};
use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::object;
use crate::shape::{Key, Shape};

pub(crate) const KIND: Kind = Kind {
    name: "set_priority",
    compat: &["change_priority"],
    effect: EffectOn::Either,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[
        Key::new("value", Shape::Text, "low, normal, high or urgent; of a lead low, medium, high or urgent."),
        Key::new("of", Shape::Word(ON_WORDS), "Whose priority; the conversation's by default."),
    ],
    needs: &["value"],
    read,
};

#[derive(Debug)]
enum SetPriority {
    Conversation(ConversationPriority),
    Lead(LeadPriority),
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let on = read_on(reading, "of", On::Conversation)?;
    let node = reading.main(None, "write the priority")?;
    let report = &mut *reading.report;
    Some(Arc::new(match on {
        On::Conversation => {
            let at = object::word(node, "priority of a conversation", ConversationPriority::KNOWN, report)?;
            SetPriority::Conversation(ConversationPriority::ALL[at])
        }
        On::Lead => {
            let at = object::word(node, "priority of a lead", LeadPriority::KNOWN, report)?;
            SetPriority::Lead(LeadPriority::ALL[at])
        }
    }))
}

impl Action for SetPriority {
    fn canonical(&self, action: &mut Map<String, Value>) {
        let (word, on) = match self {
            SetPriority::Conversation(priority) => (priority.as_str(), On::Conversation),
            SetPriority::Lead(priority) => (priority.as_str(), On::Lead),
        };
        action.insert("value".into(), word.into());
        action.insert("of".into(), on_word(on).into());
    }

    fn plan(&self, _: &mut Plan<'_, '_>) -> Outcome {
        Outcome::Patch(match self {
            SetPriority::Conversation(priority) => Patch::ConversationPriority(*priority),
            SetPriority::Lead(priority) => Patch::LeadPriority(*priority),
        })
    }

    fn changes_lead(&self) -> bool {
        matches!(self, SetPriority::Lead(_))
    }
}
