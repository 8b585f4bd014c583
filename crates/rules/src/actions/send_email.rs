//! `send_email`: sends an e-mail to a fixed address.

use std::sync::Arc;

use kilat_domain::{Command, OnUnknown};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::codes;
use crate::cost;
use crate::facts::Facts;
use crate::shape::{Key, Shape};
use crate::template::Template;

pub(crate) const KIND: Kind = Kind {
    name: "send_email",
    compat: &[],
    effect: EffectOn::Outside,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[
        Key::new("to", Shape::Text, "The address."),
        Key::new("value", Shape::Text, "Another name of `to`."),
        Key::new("subject", Shape::Text, "The subject; {{field|fallback}} stands for a field."),
        Key::new("text", Shape::Text, "The text; {{field|fallback}} stands for a field."),
    ],
    needs: &["text"],
    read,
};

#[derive(Debug)]
struct SendEmail {
    to: Box<str>,
    subject: Template,
    text: Template,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    reading.object.require("text", "write the text of the e-mail", reading.report)?;
    let text = reading.template("text")?;
    let at = reading.object.at;
    let subject = match reading.template("subject") {
        Some(subject) => subject,
        None => Template::parse("{{lead.name|A lead}}: {{event.type}}", at, reading.report),
    };
    let node = reading.main(Some("to"), "write the address")?;
    let to = reading.main_text(Some("to"), "write the address")?;
    let to = to.trim();
    let is_address = to.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !is_address || to.contains(char::is_whitespace) {
        reading.report.add(
            codes::WRONG_VALUE,
            node.at,
            format!("`{to}` is no e-mail address"),
            "write it like a@b.example",
        );
        return None;
    }
    Some(Arc::new(SendEmail { to: to.into(), subject, text }))
}

impl Action for SendEmail {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("to".into(), Value::from(&*self.to));
        action.insert("subject".into(), self.subject.source().into());
        action.insert("text".into(), self.text.source().into());
    }

    fn steps(&self, facts: &Facts<'_>) -> u32 {
        cost::copy(self.subject.bytes(facts) + self.text.bytes(facts))
    }

    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome {
        // A line break in a subject would end the header it stands in.
        let subject = self.subject.render(plan.facts).replace(['\r', '\n'], " ");
        let text = self.text.render(plan.facts);
        let command = Command::SendEmail { to: self.to.to_string().into(), subject: subject.into(), text: text.into() };
        Outcome::Command(command, None)
    }
}
