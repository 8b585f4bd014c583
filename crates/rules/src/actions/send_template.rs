//! `send_template`: sends an approved template to the customer of the conversation.

use std::sync::Arc;

use kilat_domain::{Command, OnUnknown};
use serde_json::{Map, Value};

use super::send_message::{destination, read_channel};
use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::cost;
use crate::endpoint::Endpoint;
use crate::facts::Facts;
use crate::object;
use crate::shape::{Key, Shape};
use crate::template::Template;

pub(crate) const KIND: Kind = Kind {
    name: "send_template",
    compat: &[],
    effect: EffectOn::Outside,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[
        Key::new("value", Shape::Text, "The template's name."),
        Key::new("language", Shape::Text, "Its language code; the locale's by default."),
        Key::new(
            "parameters",
            Shape::OneOrMany(&Shape::Text),
            "Its body parameters; {{field|fallback}} stands for a field.",
        ),
        Key::new("to", Shape::Text, "The endpoint it goes by; that of the conversation's channel by default."),
    ],
    needs: &["value"],
    read,
};

#[derive(Debug)]
struct SendTemplate {
    name: Box<str>,
    language: Box<str>,
    parameters: Vec<Template>,
    to: Option<Arc<Endpoint>>,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let to = read_channel(reading);
    let language = match reading.object.text("language", reading.report) {
        Some(language) => language,
        None => reading.settings.locale.tag().split('-').next().unwrap_or("id").to_owned(),
    };
    let mut parameters = Vec::new();
    if let Some(node) = reading.object.get("parameters") {
        for item in object::one_or_many(node, "`parameters`", reading.report)? {
            let text = object::text(item, "a parameter", reading.report)?;
            parameters.push(Template::parse(&text, item.at, reading.report));
        }
    }
    let name = reading.main_text(None, "write the template's name")?;
    Some(Arc::new(SendTemplate { name: name.trim().into(), language: language.into(), parameters, to: to? }))
}

impl Action for SendTemplate {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), Value::from(&*self.name));
        action.insert("language".into(), Value::from(&*self.language));
        if !self.parameters.is_empty() {
            let parameters = self.parameters.iter().map(|parameter| Value::from(parameter.source()));
            action.insert("parameters".into(), parameters.collect());
        }
        if let Some(to) = &self.to {
            action.insert("to".into(), Value::from(&*to.name));
        }
    }

    fn steps(&self, facts: &Facts<'_>) -> u32 {
        cost::copy(self.parameters.iter().map(|parameter| cost::VALUE_BYTES + parameter.bytes(facts)).sum())
    }

    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome {
        let Some(to) = plan.recipient() else { return Outcome::Failed("no_recipient") };
        let parameters = self.parameters.iter().map(|parameter| parameter.render(plan.facts).into()).collect();
        let command = Command::SendTemplate {
            to,
            name: self.name.to_string().into(),
            language: self.language.to_string().into(),
            parameters,
        };
        Outcome::Command(command, destination(self.to.as_deref(), plan))
    }
}
