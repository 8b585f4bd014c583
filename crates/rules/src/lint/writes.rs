//! What the actions of a rule change, and the events that come of it.
//!
//! In: a rule. Out: its changes, each with the place it is written to and what is written, where that is the same every
//! time. The event of a change is the engine's (`engine/src/caused.rs`).

use kilat_domain::{ConversationPriority, ConversationStatus, EventKind, LeadPriority};
use serde_json::{Map, Value};

use super::logic::Literal;
use crate::actions::RuleAction;
use crate::diagnostic::Position;
use crate::rule::Rule;

/// One change.
#[derive(Clone, Debug)]
pub(super) struct Write {
    /// What is written to: a field, and of sets the member: `lead.tags vip`.
    pub(super) slot: String,
    /// The field whose conditions see it.
    pub(super) field: &'static str,
    /// The member of a set.
    pub(super) member: Option<String>,
    pub(super) value: Written,
    /// The event that comes of it.
    pub(super) kind: EventKind,
    pub(super) at: Position,
    /// The action in words: `add_tag vip`.
    pub(super) words: String,
}

/// What is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Written {
    /// Always this.
    Same(String),
    /// The member is put in, or taken out.
    Member(bool),
    /// Something more each time.
    More,
    /// It depends.
    Unknown,
}

/// The changes a rule makes, in order.
pub(super) fn of(rule: &Rule) -> Vec<Write> {
    rule.actions().iter().filter_map(of_action).collect()
}

fn of_action(action: &RuleAction) -> Option<Write> {
    let Value::Object(canonical) = action.canonical() else { return None };
    let text = |key: &str| canonical.get(key).and_then(Value::as_str);
    let on_lead = text("on").or(text("of")) == Some("lead");
    let value = canonical.get("value").map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let named = value.clone().unwrap_or_default();
    let either = |lead, conversation| if on_lead { lead } else { conversation };
    let (field, kind): (&'static str, EventKind) = match action.type_name() {
        "set_status" => ("lead.status", EventKind::LeadStatusChanged),
        "set_conversation_status" => ("conversation.status", EventKind::ConversationStatusChanged),
        "set_priority" => either(
            ("lead.priority", EventKind::LeadUpdated),
            ("conversation.priority", EventKind::ConversationPriorityChanged),
        ),
        "add_tag" => (either_field(on_lead), EventKind::TagAdded),
        "remove_tag" => (either_field(on_lead), EventKind::TagRemoved),
        "add_to_list" => ("lead.lists", EventKind::ListJoined),
        "remove_from_list" => ("lead.lists", EventKind::ListLeft),
        "assign" => ("conversation.assignee", EventKind::ConversationAssigned),
        "set_audience" => ("lead.audience", EventKind::LeadUpdated),
        "record_consent" if named == "given" => ("lead.consent", EventKind::ConsentGiven),
        "record_consent" => ("lead.consent", EventKind::ConsentWithdrawn),
        "block" | "unblock" => ("lead.blocked", EventKind::LeadUpdated),
        "add_note" => {
            either(("lead.notes", EventKind::LeadUpdated), ("conversation.notes", EventKind::ConversationUpdated))
        }
        "set_field" => return Some(of_field(action, &canonical)),
        "update_value" => ("lead.value", EventKind::LeadValueChanged),
        _ => return None,
    };
    let adds = matches!(action.type_name(), "add_tag" | "add_to_list");
    let (member, value) = match action.type_name() {
        "add_tag" | "remove_tag" | "add_to_list" | "remove_from_list" => (Some(named.clone()), Written::Member(adds)),
        "block" | "unblock" => (None, Written::Same(action.type_name().to_owned())),
        "add_note" => (None, Written::More),
        "update_value" => (None, Written::Unknown),
        _ => (None, Written::Same(named.clone())),
    };
    let slot = member.as_ref().map_or_else(|| field.to_owned(), |member| format!("{field} {member}"));
    let words =
        if named.is_empty() { action.type_name().to_owned() } else { format!("{} {named}", action.type_name()) };
    Some(Write { slot, field, member, value, kind, at: action.at, words })
}

fn either_field(on_lead: bool) -> &'static str {
    if on_lead { "lead.tags" } else { "conversation.tags" }
}

fn of_field(action: &RuleAction, canonical: &Map<String, Value>) -> Write {
    let field = canonical.get("field").and_then(Value::as_str).unwrap_or_default();
    let value = canonical.get("value").cloned().unwrap_or_default();
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let of_conversation = field.starts_with("conversation.");
    Write {
        slot: field.to_owned(),
        // The field as a whole: attributes are compared as anything.
        field: if of_conversation { "conversation.attrs." } else { "lead." },
        member: None,
        words: format!("set_field {field} to {value}"),
        value: if value.contains("{{") { Written::Unknown } else { Written::Same(value) },
        kind: if of_conversation { EventKind::ConversationUpdated } else { EventKind::LeadUpdated },
        at: action.at,
    }
}

impl Write {
    /// Whether a condition on this field sees the change.
    pub(super) fn is_seen_by(&self, field: &str) -> bool {
        field == self.field || field == self.slot || field.starts_with(self.field) && self.field.ends_with('.')
    }

    /// Whether the two undo each other.
    pub(super) fn undoes(&self, other: &Write) -> bool {
        let opposite = matches!((&self.value, &other.value), (Written::Member(a), Written::Member(b)) if a != b);
        let differs = matches!((&self.value, &other.value), (Written::Same(a), Written::Same(b)) if a != b);
        self.slot == other.slot && (opposite || differs)
    }

    /// Whether the change is one of two sides, such as on a list or off it.
    pub(super) fn is_two_sided(&self) -> bool {
        matches!(self.value, Written::Member(_)) || matches!(self.field, "lead.blocked" | "lead.consent")
    }

    /// What is so after it.
    pub(super) fn after(&self) -> Option<Literal> {
        match &self.value {
            Written::Member(has) => Some(Literal::member(self.field, self.member.as_deref()?, *has)),
            Written::Same(value) => match self.field {
                "lead.status" => Some(Literal::name(self.field, value)),
                "lead.audience" | "conversation.assignee" => Some(Literal::text(self.field, value)),
                "lead.priority" => Literal::symbol(self.field, LeadPriority::WORDS, value),
                "conversation.priority" => Literal::symbol(self.field, ConversationPriority::WORDS, value),
                "conversation.status" => Literal::symbol(self.field, ConversationStatus::WORDS, value),
                _ => None,
            },
            Written::More | Written::Unknown => None,
        }
    }

    /// What its event brings, and that nobody wrote a message.
    pub(super) fn brings(&self) -> Vec<Literal> {
        let mut facts: Vec<Literal> =
            ["message.text", "message.type", "sender.kind", "sender.id", "sender.name"].map(Literal::absent).into();
        match self.kind {
            EventKind::TagAdded | EventKind::TagRemoved => {
                let on = if self.field == "lead.tags" { "lead" } else { "conversation" };
                facts.extend(self.member.as_deref().map(|name| Literal::text("tag.name", name)));
                facts.push(Literal::text("tag.on", on));
            }
            EventKind::ListJoined | EventKind::ListLeft => {
                facts.extend(self.member.as_deref().map(|name| Literal::text("list.name", name)));
            }
            _ => {
                if let (Written::Same(value), "lead.status" | "conversation.status" | "conversation.priority") =
                    (&self.value, self.field)
                {
                    facts.push(Literal::text("change.to", value));
                }
            }
        }
        facts
    }
}
