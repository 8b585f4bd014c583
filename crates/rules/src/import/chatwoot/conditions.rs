//! Conditions of Chatwoot's rules.

use super::{group, leaf, many, text, word};
use crate::diagnostic::{Position, nearest};
use crate::import::{Converting, entry};
use crate::syntax::{Content, Node};

/// An attribute of theirs, the field of ours, and what is to be known about it.
struct Attribute {
    key: &'static str,
    field: &'static str,
    values: Values,
    note: Option<(&'static str, &'static str)>,
}

/// How values are translated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    AsTheyAre,
    /// A set: has one of.
    Members,
    Status,
    Priority,
    Senders,
}

const ATTRS: (&str, &str) =
    ("the value is read from the conversation's attributes", "let the producer of events fill it in");
const IDS: (&str, &str) = ("the values are ids of the other system", "write the ids as your events have them");

const fn attribute(
    key: &'static str,
    field: &'static str,
    values: Values,
    note: Option<(&'static str, &'static str)>,
) -> Attribute {
    Attribute { key, field, values, note }
}

const ATTRIBUTES: &[Attribute] = &[
    attribute("content", "message.text", Values::AsTheyAre, None),
    attribute("message_type", "sender.kind", Values::Senders, None),
    attribute("private_note", "message.private", Values::AsTheyAre, None),
    attribute("status", "conversation.status", Values::Status, None),
    attribute("priority", "conversation.priority", Values::Priority, None),
    attribute("assignee_id", "conversation.assignee", Values::AsTheyAre, Some(IDS)),
    attribute("inbox_id", "channel.account", Values::AsTheyAre, Some(IDS)),
    attribute("labels", "conversation.tags", Values::Members, None),
    attribute("label", "conversation.tags", Values::Members, None),
    attribute("name", "lead.name", Values::AsTheyAre, None),
    attribute("email", "lead.email", Values::AsTheyAre, None),
    attribute("phone_number", "lead.phone", Values::AsTheyAre, None),
    attribute("city", "lead.city", Values::AsTheyAre, None),
    attribute("country_code", "geo.country", Values::AsTheyAre, None),
    attribute("company", "lead.attrs.company", Values::AsTheyAre, Some(LEAD_ATTRS)),
    attribute("identifier", "lead.attrs.identifier", Values::AsTheyAre, Some(LEAD_ATTRS)),
    attribute("browser_language", "conversation.attrs.browser_language", Values::AsTheyAre, Some(ATTRS)),
    attribute("conversation_language", "conversation.attrs.conversation_language", Values::AsTheyAre, Some(ATTRS)),
    attribute("referer", "conversation.attrs.referer", Values::AsTheyAre, Some(ATTRS)),
    attribute("mail_subject", "conversation.attrs.mail_subject", Values::AsTheyAre, Some(ATTRS)),
];

const LEAD_ATTRS: (&str, &str) =
    ("the value is read from the lead's attributes", "let the producer of events fill it in");

/// Operators of theirs and ours.
const OPERATORS: &[(&str, &str)] = &[
    ("equal_to", "equals"),
    ("not_equal_to", "not_equals"),
    ("contains", "contains"),
    ("does_not_contain", "not_contains"),
    ("is_present", "is_present"),
    ("is_not_present", "is_missing"),
    ("is_greater_than", "gt"),
    ("is_less_than", "lt"),
    ("starts_with", "starts_with"),
    ("in", "equals"),
    ("not_in", "not_equals"),
];

/// The event that says of a changed attribute.
const CHANGES: &[(&str, &str)] = &[
    ("status", "conversation.status_changed"),
    ("priority", "conversation.priority_changed"),
    ("assignee_id", "conversation.assigned"),
];

/// The conditions of a rule, joined as SQL joins them.
pub(super) fn convert(
    node: &Node,
    event: &str,
    triggers: &mut Vec<&str>,
    converting: &mut Converting<'_, '_>,
) -> Vec<Node> {
    let written = many(node.get("conditions"));
    let (mut any, mut all) = (Vec::new(), Vec::new());
    let mut names_sender = false;
    for (place, condition) in written.iter().enumerate() {
        names_sender |= condition.get("attribute_key").and_then(word) == Some("message_type");
        all.extend(one(condition, event, triggers, converting));
        let join = condition.get("query_operator");
        let is_or = match join.and_then(word).map(str::to_ascii_lowercase).as_deref() {
            None | Some("and") => false,
            Some("or") => true,
            Some(other) => {
                let at = join.map_or(condition.at, |join| join.at);
                converting.unsupported(at, format!("`{other}` joins no conditions"), "write AND or OR");
                false
            }
        };
        if is_or && place + 1 < written.len() {
            any.push(std::mem::take(&mut all));
        }
    }
    let joined = if any.is_empty() {
        all
    } else {
        any.push(all);
        let members =
            any.into_iter().map(|mut all| if all.len() == 1 { all.remove(0) } else { group(node.at, "all", all) });
        vec![group(node.at, "any", members.collect())]
    };
    let mut conditions = Vec::new();
    if event == "message_created" && !names_sender {
        // There, a message is anybody's; here a rule that does not name the sender sees customers only (F-70).
        let senders = ["customer", "team", "bot"].map(|kind| text(node.at, kind)).to_vec();
        conditions.push(leaf(
            node.at,
            "sender.kind",
            "in",
            Some(Node { at: node.at, content: Content::List(senders) }),
        ));
        let help = "name the customer alone where the rule is about what customers write";
        converting.differs(node.at, "the rule names no sender, so it sees messages of customers, team and bots", help);
    }
    conditions.extend(joined);
    conditions
}

fn one(condition: &Node, event: &str, triggers: &mut Vec<&str>, converting: &mut Converting<'_, '_>) -> Option<Node> {
    let Some(key_node) = condition.get("attribute_key") else {
        converting.unsupported(condition.at, "the condition has no `attribute_key`", "write what is compared");
        return None;
    };
    let key = word(key_node).unwrap_or_default();
    let custom = condition.get("custom_attribute_type").and_then(word).filter(|kind| !kind.is_empty());
    let op_node = condition.get("filter_operator").unwrap_or(condition);
    let op = word(op_node).unwrap_or_default();
    if op == "attribute_changed" {
        return changed(condition, key, event, triggers, converting);
    }
    let (field, values, note) = match (ATTRIBUTES.iter().find(|attribute| attribute.key == key), custom) {
        (_, Some("contact_attribute")) => (format!("lead.attrs.{key}"), Values::AsTheyAre, None),
        (_, Some("conversation_attribute")) => (format!("conversation.attrs.{key}"), Values::AsTheyAre, None),
        (Some(attribute), _) => (attribute.field.to_owned(), attribute.values, attribute.note),
        (None, _) => {
            let help = match (key, nearest(key, ATTRIBUTES.iter().map(|attribute| attribute.key))) {
                ("team_id", _) => "a conversation has one assignee here: compare assignee_id, or a label".to_owned(),
                ("created_at" | "last_activity_at", _) => {
                    "ages of conversations are not compared here: let a timer or a schedule do it".to_owned()
                }
                (_, Some(near)) => format!("did you mean `{near}`? a custom attribute needs `custom_attribute_type`"),
                (_, None) => "a custom attribute needs `custom_attribute_type`".to_owned(),
            };
            converting.unsupported(key_node.at, format!("there is no counterpart of `{key}`"), &help);
            return None;
        }
    };
    let Some((_, ours)) = OPERATORS.iter().find(|(theirs, _)| *theirs == op) else {
        let known = OPERATORS.iter().map(|(theirs, _)| *theirs).collect::<Vec<_>>().join(", ");
        let help = format!("choose one of {known}");
        converting.unsupported(op_node.at, format!("there is no counterpart of the operator `{op}`"), &help);
        return None;
    };
    if let Some((message, help)) = note {
        converting.differs(condition.at, format!("`{key}` is `{field}` here: {message}"), help);
    }
    if matches!(*ours, "is_present" | "is_missing") {
        return Some(leaf(condition.at, &field, ours, None));
    }
    let ours = match (values, *ours) {
        (Values::Members, "equals") => "contains",
        (Values::Members, "not_equals") => "not_contains",
        (_, ours) => ours,
    };
    let given = many(condition.get("values"));
    let at = condition.get("values").map_or(condition.at, |values| values.at);
    if given.is_empty() {
        converting.unsupported(at, "the condition has no values", "write what the attribute is compared with");
        return None;
    }
    if values == Values::Status && given.iter().any(|value| word(value) == Some("all")) {
        converting.differs(at, "`all` is every status, so there is nothing to compare", "nothing needs to be done");
        return None;
    }
    let mut translated = Vec::new();
    for value in given {
        translated.extend(translate(value, values, converting));
    }
    let value = match translated.len() {
        0 => return None,
        1 => translated.remove(0),
        _ => Node { at, content: Content::List(translated) },
    };
    let mut leaf = leaf(condition.at, &field, ours, Some(value));
    // A tag that is not there is none in both systems; elsewhere SQL holds nothing for true of what is missing.
    let negative = ours.starts_with("not_");
    let custom_not_equal = custom.is_some() && ours == "not_equals";
    if negative
        && values != Values::Members
        && !custom_not_equal
        && let Content::Map(entries) = &mut leaf.content
    {
        entries.push(entry("missing", Node { at: condition.at, content: Content::Bool(false) }));
    }
    Some(leaf)
}

/// A value of ours for one of theirs.
fn translate(value: &Node, values: Values, converting: &mut Converting<'_, '_>) -> Vec<Node> {
    let Some(theirs) = word(value) else {
        if matches!(value.content, Content::Bool(_)) {
            return vec![value.clone()];
        }
        converting.unsupported(value.at, "the value is neither a text nor a number", "write a text");
        return Vec::new();
    };
    let ours: &[&str] = match (values, theirs) {
        (Values::AsTheyAre, _) => return vec![value.clone()],
        (Values::Members, _) => &[theirs],
        (Values::Status, "open" | "resolved" | "snoozed") => &[theirs],
        (Values::Priority, "low" | "high" | "urgent") => &[theirs],
        (Values::Priority, "medium") => {
            converting.differs(
                value.at,
                "`medium` is `normal` here, which every conversation begins with",
                "nothing needs to be done",
            );
            &["normal"]
        }
        (Values::Senders, "incoming") => &["customer"],
        (Values::Senders, "outgoing") => &["team", "bot"],
        (Values::Senders, "template") => &["automation"],
        _ => {
            let help = match values {
                Values::Status => "a conversation is open, claimed, snoozed, resolved or archived here",
                Values::Priority => "a priority is low, normal, high or urgent here",
                _ => "a message is incoming, outgoing or template",
            };
            converting.unsupported(value.at, format!("there is no counterpart of the value `{theirs}`"), help);
            return Vec::new();
        }
    };
    ours.iter().map(|ours| text(value.at, ours)).collect()
}

/// A condition on a change: from some values to others.
fn changed(
    condition: &Node,
    key: &str,
    event: &str,
    triggers: &mut Vec<&str>,
    converting: &mut Converting<'_, '_>,
) -> Option<Node> {
    let Some((_, trigger)) =
        CHANGES.iter().find(|(changed, _)| *changed == key).filter(|_| event == "conversation_updated")
    else {
        let help = "changes of status, priority and assignee_id are compared, on conversation_updated";
        converting.unsupported(condition.at, format!("a change of `{key}` is not compared here"), help);
        return None;
    };
    triggers.retain(|known| known == trigger);
    let kind = match key {
        "status" => Values::Status,
        "priority" => Values::Priority,
        _ => Values::AsTheyAre,
    };
    let values = condition.get("values")?;
    let mut members = Vec::new();
    for (end, field) in [("from", "change.from"), ("to", "change.to")] {
        let given = many(values.get(end));
        let translated: Vec<Node> = given.iter().flat_map(|value| translate(value, kind, converting)).collect();
        if !translated.is_empty() {
            members.push(leaf(
                condition.at,
                field,
                "in",
                Some(Node { at: at(values), content: Content::List(translated) }),
            ));
        }
    }
    match members.len() {
        0 => {
            converting.unsupported(
                condition.at,
                "the change has neither `from` nor `to`",
                "write the values before and after",
            );
            None
        }
        1 => members.pop(),
        _ => Some(group(condition.at, "all", members)),
    }
}

fn at(node: &Node) -> Position {
    node.at
}
