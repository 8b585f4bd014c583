//! Chatwoot's automation rules, as its API gives them.
//!
//! In: `event_name`, `conditions` of `attribute_key`, `filter_operator`, `values` and `query_operator`, `actions` of
//! `action_name` and `action_params`. Out: a rule of ours, each value at the place of the one it comes from.
//! Conditions are joined as SQL joins them: AND before OR. Its comparisons are SQL's too: what is missing fulfils none of
//! them, the negative ones included, but for custom attributes that are compared with not_equal_to.
//! Source: chatwoot/chatwoot, lib/filters/filter_keys.yml, app/services/filter_service.rb,
//! app/services/automation_rules/{conditions_filter,action}_service.rb, app/services/action_service.rb and
//! app/listeners/automation_rule_listener.rb, as read on 2026-11-21.

mod actions;
mod conditions;

use super::{Converting, entry};
use crate::diagnostic::Position;
use crate::syntax::{Content, Node};

/// What differs for every rule.
pub(super) const GENERAL: &[(&str, &str)] = &[
    (
        "texts are compared without regard to case, width and repeated blanks",
        "add `case_sensitive: true` to a condition where the spelling counts",
    ),
    (
        "rules run by priority, then by age; a later rule sees what an earlier one changed",
        "set `priority` where the order matters",
    ),
    (
        "what a rule changes may trigger other rules, and loops are stopped; there, events of automations \
         trigger nothing",
        "see `kilat check` for cycles",
    ),
];

/// What an event of theirs is here: triggers, and the status that a conversation must have changed to.
const EVENTS: &[(&str, &[&str], Option<&str>)] = &[
    ("conversation_created", &["conversation.created"], None),
    ("conversation_updated", UPDATED, None),
    ("conversation_opened", &["conversation.status_changed"], Some("open")),
    ("conversation_resolved", &["conversation.status_changed"], Some("resolved")),
    ("message_created", &["message.created"], None),
];

const UPDATED: &[&str] = &[
    "conversation.updated",
    "conversation.status_changed",
    "conversation.assigned",
    "conversation.priority_changed",
    "tag.added",
    "tag.removed",
];

/// Keys that say nothing about what the rule does.
const ABOUT: &[&str] = &["id", "account_id", "created_on", "created_at", "updated_at", "files", "description", "name"];

/// A rule of ours for one of theirs.
pub(super) fn convert(node: &Node, converting: &mut Converting<'_, '_>) -> Option<Node> {
    let Content::Map(entries) = &node.content else {
        converting.unsupported(node.at, "a rule is an object", "export the rules as JSON from the API");
        return None;
    };
    let known = ["event_name", "conditions", "actions", "active"];
    for unknown in entries.iter().filter(|entry| !known.contains(&&*entry.key) && !ABOUT.contains(&&*entry.key)) {
        let message = format!("`{}` of a rule is not known", unknown.key);
        converting.unsupported(unknown.at, message, "take it out if it says nothing about what the rule does");
    }
    let mut rule = Vec::new();
    for (key, ours) in [("name", "name"), ("description", "description")] {
        if let Some(value) =
            node.get(key).filter(|value| !matches!(&value.content, Content::Text(text) if text.is_empty()))
        {
            rule.push(entry(ours, value.clone()));
        }
    }
    if let Some(active) = node.get("active") {
        rule.push(entry("enabled", active.clone()));
    }
    let event = node.get("event_name").unwrap_or(node);
    let name = word(event).unwrap_or_default();
    let Some((_, triggers, to)) = EVENTS.iter().find(|(known, ..)| *known == name) else {
        let known = EVENTS.iter().map(|(known, ..)| *known).collect::<Vec<_>>().join(", ");
        let message = format!("there is no counterpart of the event `{name}`");
        converting.unsupported(event.at, message, &format!("choose one of {known}"));
        return None;
    };
    let mut triggers: Vec<&str> = triggers.to_vec();
    let mut conditions = Vec::new();
    if let Some(to) = to {
        conditions.push(leaf(event.at, "change.to", "equals", Some(text(event.at, to))));
    }
    conditions.extend(conditions::convert(node, name, &mut triggers, converting));
    if triggers.len() > 1 {
        let help = "keep only the triggers that are meant";
        converting.differs(event.at, "each change is an event of its own, so a rule may fire once for each", help);
    }
    let trigger = triggers.iter().map(|trigger| text(event.at, trigger)).collect();
    rule.push(entry("trigger", Node { at: event.at, content: Content::List(trigger) }));
    rule.push(entry("conditions", Node { at: node.at, content: Content::List(conditions) }));
    let actions = actions::convert(node, converting);
    rule.push(entry("actions", Node { at: node.at, content: Content::List(actions) }));
    Some(Node { at: node.at, content: Content::Map(rule) })
}

fn text(at: Position, text: &str) -> Node {
    Node { at, content: Content::Text(text.into()) }
}

/// A condition of ours.
fn leaf(at: Position, field: &str, op: &str, value: Option<Node>) -> Node {
    let mut entries = vec![entry("field", text(at, field)), entry("op", text(at, op))];
    entries.extend(value.map(|value| entry("value", value)));
    Node { at, content: Content::Map(entries) }
}

/// A group of conditions of ours.
fn group(at: Position, name: &str, members: Vec<Node>) -> Node {
    Node { at, content: Content::Map(vec![entry(name, Node { at, content: Content::List(members) })]) }
}

/// A text or a number, as text.
fn word(node: &Node) -> Option<&str> {
    match &node.content {
        Content::Text(text) | Content::Number(_, text) => Some(text),
        _ => None,
    }
}

/// The values of a list, or the one value in its place.
fn many(node: Option<&Node>) -> &[Node] {
    match node {
        None => &[],
        Some(node) => match &node.content {
            Content::List(items) => items,
            _ => std::slice::from_ref(node),
        },
    }
}
