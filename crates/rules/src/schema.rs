//! The rule language as JSON Schema, for editors and for data teams.
//!
//! In: the tables the readers use. Out: one schema; nothing in it is written twice, so it cannot say less or more keys,
//! fields, operators and actions than the readers take. What only a reader can know (statuses, endpoints, patterns, how
//! values fit each other) is `kilat check`'s.
//! Source: JSON Schema 2020-12.

use serde_json::{Map, Value, json};

use crate::actions::{self, COMMON_KEYS, EffectOn, OUTBOUND_KEYS};
use crate::conditions::{self, CONDITION_KEYS, Kind};
use crate::document::DOCUMENT_KEYS;
use crate::endpoint::ENDPOINT_KEYS;
use crate::fields;
use crate::operators;
use crate::rule::{COMPAT_TRIGGERS, RULE_KEYS};
use crate::shape::{Key, Shape};

/// The schema of a rule document, as `kilat schema rules` prints it.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Kilat rule document",
        "description": "The rules of one workspace; or a rule, or a list of rules, as other systems export them.",
        "anyOf": [
            {"$ref": "#/$defs/document"},
            {"$ref": "#/$defs/rule"},
            {"type": "array", "items": {"$ref": "#/$defs/rule"}},
        ],
        "$defs": {
            "document": object(DOCUMENT_KEYS, &[], &[]),
            "endpoint": object(ENDPOINT_KEYS, &[], &[]),
            "rule": object(RULE_KEYS, &[], &["trigger", "actions"]),
            "trigger": {"enum": triggers()},
            "condition": condition(),
            "field": field_names(fields::ALL.iter()),
            "operator": {"enum": operators::names().collect::<Vec<_>>()},
            // Null is the same as the key left out; a param's value is not known here.
            "open": {"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^\\$\\{[a-z0-9_.]+\\}$"}]},
            "action": {"anyOf": actions::ALL.iter().map(|kind| action(kind)).collect::<Vec<_>>()},
            "action_type": {"enum": action_types()},
        },
    })
}

fn object(keys: &[Key], more: &[Key], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().chain(more).map(|key| (key.name.to_owned(), property(key))).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn property(key: &Key) -> Value {
    json!({"description": key.doc, "anyOf": [shape(&key.shape), {"$ref": "#/$defs/open"}]})
}

fn shape(of: &Shape) -> Value {
    match of {
        Shape::Any => json!(true),
        Shape::Text => json!({"type": ["string", "number"]}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Share => json!({"type": "number", "minimum": 0, "maximum": 1}),
        Shape::Integer(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        Shape::Duration => json!({"type": ["string", "integer"], "description": "30s, 15m, 24h, 7d, or whole seconds"}),
        Shape::Instant => json!({"type": "string", "format": "date-time"}),
        Shape::Secret => json!({"type": "string", "pattern": "^(env|file):.+"}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::OneOrMany(item) => json!({"anyOf": [shape(item), {"type": "array", "items": shape(item)}]}),
        Shape::List(item) => json!({"type": "array", "items": shape(item)}),
        Shape::Object(keys, required) => object(keys, &[], required),
        Shape::Map(value) => json!({"type": "object", "additionalProperties": shape(value)}),
        Shape::Either(shapes) => json!({"anyOf": shapes.iter().map(shape).collect::<Vec<_>>()}),
        Shape::Named(name) => json!({"$ref": format!("#/$defs/{name}")}),
    }
}

fn triggers() -> Vec<&'static str> {
    let compat = COMPAT_TRIGGERS.iter().map(|(name, _)| *name);
    kilat_domain::EventKind::KNOWN.iter().copied().chain(compat).collect()
}

fn action_types() -> Vec<&'static str> {
    let names = actions::ALL.iter().flat_map(|kind| std::iter::once(&kind.name).chain(kind.compat));
    names.copied().chain([actions::CHANGE_STATUS]).collect()
}

/// Names of fields: words, and patterns for those that take a path.
fn field_names<'f>(fields: impl Iterator<Item = &'f fields::Field>) -> Value {
    let names = fields.flat_map(|field| std::iter::once(&field.name).chain(field.compat).copied());
    let (paths, words): (Vec<&str>, Vec<&str>) = names.partition(|name| name.ends_with('.'));
    let mut any = vec![json!({"enum": words})];
    any.extend(
        paths.iter().map(|path| json!({"type": "string", "pattern": format!("^{}.", path.replace('.', "\\."))})),
    );
    json!({"anyOf": any})
}

/// A condition: its keys, and for every kind which operators and values its fields take.
fn condition() -> Value {
    let kinds = conditions::ALL.iter().filter_map(|kind| {
        let mut fields = fields::ALL.iter().filter(|field| field.kind.name == kind.name).peekable();
        fields.peek()?;
        Some(json!({
            "if": {"properties": {"field": field_names(fields)}, "required": ["field"]},
            "then": {"properties": {
                "op": {"enum": operator_names(kind)},
                "value": {"anyOf": [shape(&kind.value), {"$ref": "#/$defs/open"}]},
            }},
        }))
    });
    let mut schema = object(CONDITION_KEYS, &[], &[]);
    schema["allOf"] = kinds.collect();
    schema["anyOf"] = ["field", "any", "all", "none", "history"].map(|key| json!({"required": [key]})).to_vec().into();
    schema
}

/// Every name of the operators a kind takes.
fn operator_names(kind: &Kind) -> Vec<&'static str> {
    let taken = operators::ALL.iter().filter(|(op, ..)| op.is_presence() || kind.operators.contains(&op.positive().0));
    taken.flat_map(|(_, name, compat)| std::iter::once(name).chain(*compat)).copied().collect()
}

fn action(kind: &actions::Kind) -> Value {
    let common = if kind.effect == EffectOn::Outside { OUTBOUND_KEYS } else { COMMON_KEYS };
    let required: Vec<&str> = std::iter::once("type").chain(kind.needs.iter().copied()).collect();
    let mut schema = object(kind.keys, common, &required);
    let mut names: Vec<&str> = std::iter::once(kind.name).chain(kind.compat.iter().copied()).collect();
    if matches!(kind.name, "set_status" | "set_conversation_status") {
        names.push(actions::CHANGE_STATUS);
    }
    schema["properties"]["type"] = json!({"enum": names});
    schema
}

#[cfg(test)]
mod tests;
