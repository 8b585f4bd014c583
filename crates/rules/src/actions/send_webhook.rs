//! `send_webhook`: posts a signed webhook with the facts of the conversation.
//!
//! `to` names an endpoint; an address in its place, as AskVault's rules have it, becomes an endpoint without a secret.
//! The body's data is every fact there is, or what `payload` asks for, key by key.

use std::sync::Arc;

use kilat_domain::{Command, DestinationKind, Number, Object, OnUnknown, Str, Value as Domain};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading, json_bytes, payload};
use crate::codes;
use crate::cost;
use crate::endpoint::{Endpoint, check_url};
use crate::facts::Facts;
use crate::fields::FieldRef;
use crate::free_form;
use crate::object;
use crate::shape::{Key, Shape};
use crate::syntax::{Content, Node};
use crate::template::Template;

pub(crate) const KIND: Kind = Kind {
    name: "send_webhook",
    compat: &["fire_webhook"],
    effect: EffectOn::Outside,
    required: false,
    on_unknown: OnUnknown::Resend,
    keys: &[
        Key::new("to", Shape::Text, "The endpoint."),
        Key::new("value", Shape::Text, "Another name of `to`; may be an address."),
        Key::new("event", Shape::Text, "The `type` of the body; the event's type by default."),
        Key::new("payload", Shape::Map(&Shape::Any), "The `data` of the body, key by key; text may hold {{field}}."),
    ],
    needs: &[],
    read,
};

#[derive(Debug)]
struct SendWebhook {
    to: Arc<Endpoint>,
    event: Option<Box<str>>,
    payload: Option<Vec<(Box<str>, Entry)>>,
}

/// One value of an own payload.
#[derive(Debug)]
enum Entry {
    /// A text that is one field and nothing else keeps the field's type.
    Field(FieldRef, Box<str>),
    Template(Template),
    Plain(Value),
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let event = reading.object.text("event", reading.report).map(Into::into);
    let payload = match reading.object.get("payload") {
        None => None,
        Some(node) => Some(read_payload(node, reading)?),
    };
    let node = reading.main(Some("to"), "name the endpoint with `to`")?;
    let to = match &node.content {
        Content::Text(address) if address.contains("://") => endpoint_at(address, node, reading)?,
        _ => reading.endpoint(node, DestinationKind::Webhook)?,
    };
    Some(Arc::new(SendWebhook { to, event, payload }))
}

/// The endpoint for an address that stands in the action.
fn endpoint_at(address: &str, node: &Node, reading: &mut Reading<'_>) -> Option<Arc<Endpoint>> {
    if let Err(problem) = check_url(address) {
        reading.report.add(codes::BAD_ENDPOINT, node.at, problem, "write it like https://crm.example/hook");
        return None;
    }
    let same = |endpoint: &&Arc<Endpoint>| endpoint.kind == DestinationKind::Webhook && *endpoint.url == *address;
    if let Some(endpoint) = reading.endpoints.iter().find(same) {
        return Some(endpoint.clone());
    }
    let host =
        address.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#', ':']).next()).unwrap_or("webhook");
    let taken = |name: &str| reading.endpoints.iter().any(|endpoint| *endpoint.name == *name);
    let mut name = host.to_owned();
    for n in 2.. {
        if !taken(&name) {
            break;
        }
        name = format!("{host}-{n}");
    }
    reading.report.add(
        codes::UNSIGNED_WEBHOOK,
        node.at,
        "a webhook to an address in the rule has no secret, so its receiver cannot tell who sent it",
        format!("declare it under `endpoints` with a secret, and write `to: {name}`"),
    );
    let endpoint = Arc::new(Endpoint::webhook_at(&name, address));
    reading.endpoints.push(endpoint.clone());
    Some(endpoint)
}

fn read_payload(node: &Node, reading: &mut Reading<'_>) -> Option<Vec<(Box<str>, Entry)>> {
    let Content::Map(entries) = &node.content else {
        object::wrong_type(node, "`payload`", "an object", reading.report);
        return None;
    };
    let read = entries.iter().map(|entry| {
        let field = match &entry.value.content {
            Content::Text(text) => {
                let inner = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
                let (name, fallback) = inner.map_or(("", ""), |inner| inner.split_once('|').unwrap_or((inner, "")));
                match FieldRef::parse(name) {
                    Some(field) => Entry::Field(field, fallback.trim().into()),
                    None => Entry::Template(Template::parse(text, entry.value.at, reading.report)),
                }
            }
            _ => Entry::Plain(entry.value.to_json()),
        };
        ((&*entry.key).into(), field)
    });
    Some(read.collect())
}

impl Action for SendWebhook {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("to".into(), Value::from(&*self.to.name));
        if let Some(event) = &self.event {
            action.insert("event".into(), Value::from(&**event));
        }
        if let Some(payload) = &self.payload {
            let entries = payload.iter().map(|(key, field)| {
                let value = match field {
                    Entry::Field(field, fallback) if fallback.is_empty() => format!("{{{{{}}}}}", field.name()).into(),
                    Entry::Field(field, fallback) => format!("{{{{{}|{fallback}}}}}", field.name()).into(),
                    Entry::Template(template) => template.source().into(),
                    Entry::Plain(value) => value.clone(),
                };
                (key.to_string(), value)
            });
            action.insert("payload".into(), Value::Object(entries.collect()));
        }
    }

    fn steps(&self, facts: &Facts<'_>) -> u32 {
        let Some(fields) = &self.payload else { return cost::copy(super::payload_bytes(facts)) };
        let bytes = fields.iter().map(|(key, entry)| {
            let value = match entry {
                Entry::Field(field, fallback) => fallback.len() + field.bytes(facts),
                Entry::Template(template) => template.bytes(facts),
                Entry::Plain(value) => json_bytes(value),
            };
            cost::VALUE_BYTES + key.len() + value
        });
        cost::copy(bytes.sum())
    }

    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome {
        let facts = plan.facts;
        let event = self.event.as_deref().unwrap_or(facts.event.kind.as_str()).to_owned();
        let payload = match &self.payload {
            None => whole_payload(plan),
            Some(fields) => {
                let entries = fields.iter().map(|(key, field)| (Str::from(key.to_string()), own_value(field, plan)));
                entries.collect()
            }
        };
        let command = Command::SendWebhook { event: event.into(), payload: Object(payload) };
        Outcome::Command(command, Some(self.to.destination()))
    }
}

fn own_value(field: &Entry, plan: &Plan<'_, '_>) -> Domain<'static> {
    match field {
        Entry::Field(field, fallback) => match field.observe(plan.facts) {
            Some(value) => value,
            None if fallback.is_empty() => Domain::Null,
            None => Domain::Text(fallback.to_string().into()),
        },
        Entry::Template(template) => Domain::Text(template.render(plan.facts).into()),
        Entry::Plain(value) => free_form::from_json(value),
    }
}

/// Every fact, under what the event and the rule are.
fn whole_payload(plan: &Plan<'_, '_>) -> Vec<(Str<'static>, Domain<'static>)> {
    let event = plan.facts.event;
    let text = |text: &str| Domain::Text(text.to_owned().into());
    let mut root = vec![
        ("workspace".into(), text(&event.workspace)),
        (
            "event".into(),
            Domain::Object(vec![
                ("id".into(), text(&event.id)),
                ("type".into(), text(event.kind.as_str())),
                ("occurred_at".into(), text(&event.occurred_at.to_string())),
                ("depth".into(), Domain::Number(Number::Int(i64::from(event.depth.unwrap_or(0))))),
            ]),
        ),
        ("rule".into(), Domain::Object(vec![("id".into(), text(plan.rule.0)), ("name".into(), text(plan.rule.1))])),
    ];
    root.extend(payload(plan.facts));
    root
}
