//! `add_note`: adds a line to the lead's notes, or with `on: conversation` to those of the conversation.
//!
//! Notes are for the team and never go to the customer. They grow by lines: later rules, templates and webhooks see them
//! as `lead.notes` and `conversation.notes`; when they are full the oldest lines make room.

use std::sync::Arc;

use kilat_domain::{On, OnUnknown, Patch};
use serde_json::{Map, Value};

use super::add_tag::{ON_WORDS, on_word, read_on};
use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::cost;
use crate::facts::Facts;
use crate::shape::{Key, Shape};
use crate::template::Template;

pub(crate) const KIND: Kind = Kind {
    name: "add_note",
    compat: &["add_private_note"],
    effect: EffectOn::Either,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[
        Key::new("value", Shape::Text, "The text of the note; {{field|fallback}} stands for a field."),
        Key::new("on", Shape::Word(ON_WORDS), "Whose notes; the lead's by default."),
    ],
    needs: &["value"],
    read,
};

#[derive(Debug)]
struct AddNote {
    on: On,
    text: Template,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let on = read_on(reading, "on", On::Lead);
    let text = reading.main_template(None, "write the note")?;
    Some(Arc::new(AddNote { on: on?, text }))
}

impl Action for AddNote {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), self.text.source().into());
        action.insert("on".into(), on_word(self.on).into());
    }

    fn steps(&self, facts: &Facts<'_>) -> u32 {
        let notes = match self.on {
            On::Lead => facts.lead.and_then(|lead| lead.profile.as_deref()?.notes.as_deref()),
            On::Conversation => facts.conversation.and_then(|known| known.details.as_deref()?.notes.as_deref()),
        };
        cost::copy(self.text.bytes(facts) + notes.map_or(0, str::len))
    }

    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome {
        let text = self.text.render(plan.facts);
        // A note is one line, so that notes can be told apart.
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() {
            return Outcome::Failed("empty_text");
        }
        Outcome::Patch(Patch::Note { on: self.on, text: line.into() })
    }

    fn changes_lead(&self) -> bool {
        self.on == On::Lead
    }
}
