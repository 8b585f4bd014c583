//! `set_field`: sets a field of the lead, or a custom attribute of the lead or the conversation.
//!
//! A text value may hold `{{field|fallback}}`. Fields that have an action of their own (status, tags, priority …) are not
//! set by this one.

use std::sync::Arc;

use kilat_domain::{FACT_BYTES_MAX, On, OnUnknown, Patch, Value as Domain};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::codes;
use crate::cost;
use crate::diagnostic::{Position, Report};
use crate::facts::Facts;
use crate::fields::{self, FieldRef, value_bytes};
use crate::free_form;
use crate::iso;
use crate::object;
use crate::shape::{Key, Shape};
use crate::syntax::{Content, Node, number};
use crate::template::Template;

pub(crate) const KIND: Kind = Kind {
    name: "set_field",
    compat: &["set_attribute"],
    effect: EffectOn::Either,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[
        Key::new("field", Shape::Named("field"), "The field: lead.city, lead.attrs.size …"),
        Key::new("value", Shape::Any, "Its new value; text may hold {{field|fallback}}."),
    ],
    needs: &["field", "value"],
    read,
};

/// A field that can be set, and how.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    /// A text field of the lead, without `lead.`.
    Text(&'static str),
    Score,
    Attribute(On, Box<str>),
}

/// Text fields of a lead that can be set.
const TEXT_FIELDS: &[(&str, &str)] = &[
    ("lead.name", "name"),
    ("lead.email", "email"),
    ("lead.phone", "phone"),
    ("lead.city", "city"),
    ("lead.region", "region"),
    ("lead.country", "country"),
    ("lead.source", "source"),
    ("lead.notes", "notes"),
    ("lead.plan", "plan"),
];

impl Target {
    /// The target a field is; `None` where it cannot be set.
    pub(super) fn of(field: &FieldRef) -> Option<Target> {
        let text = TEXT_FIELDS.iter().find(|(name, _)| *name == field.field.name);
        if let Some((_, name)) = text {
            return Some(Target::Text(name));
        }
        let path = || (field.path.split('.').count() <= Domain::DEPTH_MAX).then(|| field.path.clone());
        match field.field.name {
            "lead.score" => Some(Target::Score),
            "lead.attrs." => Some(Target::Attribute(On::Lead, path()?)),
            "conversation.attrs." => Some(Target::Attribute(On::Conversation, path()?)),
            _ => None,
        }
    }

    /// How many bytes setting it goes through beside the new value: the old one, for attributes all of them.
    pub(super) fn bytes(&self, facts: &Facts<'_>) -> usize {
        let name = match self {
            // What a text field holds is bounded.
            Target::Text(_) => return FACT_BYTES_MAX,
            Target::Score => return 0,
            Target::Attribute(On::Lead, _) => "lead.attrs.",
            Target::Attribute(On::Conversation, _) => "conversation.attrs.",
        };
        fields::ALL.iter().find(|field| field.name == name).map_or(0, |field| fields::whole_bytes(field, facts))
    }

    /// Reports a field that cannot be set.
    pub(super) fn unsettable(name: &str, at: Position, report: &mut Report) {
        let message = format!("`{name}` cannot be set this way");
        let help = "set lead.name, email, phone, city, region, country, source, notes, plan, score, or an attribute \
                    such as lead.attrs.size";
        report.add(codes::BAD_TARGET, at, message, help);
    }

    pub(super) fn is_of_lead(&self) -> bool {
        !matches!(self, Target::Attribute(On::Conversation, _))
    }
}

#[derive(Debug)]
struct SetField {
    name: Box<str>,
    target: Target,
    value: FieldValue,
}

#[derive(Debug)]
enum FieldValue {
    Template(Template),
    Plain(Domain<'static>),
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let node = reading.object.require("field", "write the field that is set", reading.report)?;
    let name = object::text(node, "`field`", reading.report)?;
    let target = FieldRef::parse(&name).and_then(|field| Some((field.name(), Target::of(&field)?)));
    let Some((name, target)) = target else {
        Target::unsettable(&name, node.at, reading.report);
        return None;
    };
    let value = read_value(&target, reading.main(None, "write the new value")?, reading)?;
    Some(Arc::new(SetField { name: name.into(), target, value }))
}

fn read_value(target: &Target, node: &Node, reading: &mut Reading<'_>) -> Option<FieldValue> {
    match (target, &node.content) {
        (Target::Score, Content::Number(score, _)) => Some(FieldValue::Plain(Domain::Number(*score))),
        (Target::Score, Content::Text(text)) if number(text).is_some() => {
            Some(FieldValue::Plain(Domain::Number(number(text)?)))
        }
        (Target::Score, _) => {
            object::wrong_type(node, "a score", "a number", reading.report);
            None
        }
        (Target::Attribute(..), Content::Text(text))
        | (Target::Text(_), Content::Text(text) | Content::Number(_, text)) => {
            if *target == Target::Text("country")
                && !iso::is_country(&text.to_ascii_uppercase())
                && !text.contains("{{")
            {
                let message = format!("`{text}` is no country code");
                reading.report.add(codes::UNKNOWN_COUNTRY, node.at, message, "write two letters, such as ID or SG");
                return None;
            }
            Some(FieldValue::Template(Template::parse(text, node.at, reading.report)))
        }
        (Target::Text(_), _) => {
            object::wrong_type(node, "the value", "text", reading.report);
            None
        }
        (Target::Attribute(..), _) => Some(FieldValue::Plain(free_form::from_json(&node.to_json()))),
    }
}

impl Action for SetField {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("field".into(), Value::from(&*self.name));
        let value = match &self.value {
            FieldValue::Template(template) => template.source().into(),
            FieldValue::Plain(value) => free_form::to_json(value),
        };
        action.insert("value".into(), value);
    }

    fn steps(&self, facts: &Facts<'_>) -> u32 {
        let new = match &self.value {
            FieldValue::Template(template) => template.bytes(facts),
            FieldValue::Plain(value) => value_bytes(value),
        };
        cost::copy(new + self.target.bytes(facts))
    }

    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome {
        let value = match &self.value {
            FieldValue::Template(template) => Domain::Text(template.render(plan.facts).into()),
            FieldValue::Plain(value) => value.clone(),
        };
        Outcome::Patch(match (&self.target, value) {
            (Target::Score, Domain::Number(score)) => Patch::Score(score),
            (Target::Attribute(on, path), value) => Patch::Attribute { on: *on, path: path.clone(), value },
            (Target::Text(field), value) => {
                let text = value.to_string();
                let text = if *field == "country" { text.to_ascii_uppercase() } else { text };
                Patch::LeadText { field: (*field).into(), text: text.into() }
            }
            (Target::Score, _) => return Outcome::Failed("not_a_number"),
        })
    }

    fn changes_lead(&self) -> bool {
        self.target.is_of_lead()
    }
}
