//! `add_tag`: puts a tag on the conversation, or with `on: lead` on the lead.

use std::sync::Arc;

use kilat_domain::{On, OnUnknown, Patch};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::cost;
use crate::facts::Facts;
use crate::object;
use crate::shape::{Key, Shape};

pub(crate) const KIND: Kind = Kind {
    name: "add_tag",
    compat: &["apply_tag"],
    effect: EffectOn::Either,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: KEYS,
    needs: &["value"],
    read: |reading| read(reading, true),
};

pub(super) const KEYS: &[Key] = &[
    Key::new("value", Shape::Text, "The tag."),
    Key::new("on", Shape::Word(ON_WORDS), "What carries it; the conversation by default."),
];

/// What carries a tag or a priority; the last two are the source systems' words for a lead.
pub(super) const ON_WORDS: &[&str] = &["conversation", "lead", "contact", "customer"];

#[derive(Debug)]
struct Tag {
    name: Box<str>,
    on: On,
    add: bool,
}

/// Reads the word under `key`; `default` where there is none.
pub(super) fn read_on(reading: &mut Reading<'_>, key: &'static str, default: On) -> Option<On> {
    let Some(node) = reading.object.get(key) else { return Some(default) };
    let word = object::word(node, "carrier", ON_WORDS, reading.report)?;
    Some(if word == 0 { On::Conversation } else { On::Lead })
}

pub(super) fn on_word(on: On) -> &'static str {
    match on {
        On::Conversation => ON_WORDS[0],
        On::Lead => ON_WORDS[1],
    }
}

pub(super) fn read(reading: &mut Reading<'_>, add: bool) -> Option<Arc<dyn Action>> {
    let on = read_on(reading, "on", On::Conversation);
    let name = reading.main_text(None, "write the tag")?;
    Some(Arc::new(Tag { name: name.trim().into(), on: on?, add }))
}

impl Action for Tag {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), Value::from(&*self.name));
        action.insert("on".into(), on_word(self.on).into());
    }

    fn steps(&self, facts: &Facts<'_>) -> u32 {
        let tags = match self.on {
            On::Lead => facts.lead.map_or(0, |lead| lead.tags.len()),
            On::Conversation => facts.conversation.map_or(0, |conversation| conversation.tags.len()),
        };
        cost::compare(tags)
    }

    fn plan(&self, _: &mut Plan<'_, '_>) -> Outcome {
        Outcome::Patch(Patch::Tag { on: self.on, name: self.name.clone(), add: self.add })
    }

    fn changes_lead(&self) -> bool {
        self.on == On::Lead
    }
}
