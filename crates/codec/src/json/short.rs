//! The short forms of event lines: facts of one type of event in the object named like the part before the dot.
//!
//! - `shop` is `order`.
//! - A change may stand where the thing that changed stands: `"lead": {"id": "l1", "from": "new", "to": "hot"}` is
//!   `"change": {"field": "lead.status", "from": "new", "to": "hot"}`.
//! - What changed from and to may be any scalar or an amount of money; the change holds their text.
//!
//! Source: the contract, section 2.

use kilat_domain::EventKind;
use serde_json::{Map, Value};

/// Rewrites the short forms of an event to the fields of the schema. What it does not know it leaves alone.
pub(super) fn expand(event: &mut Value) {
    let Value::Object(event) = event else { return };
    if let Some(shop) = event.remove("shop")
        && !event.contains_key("order")
    {
        event.insert("order".to_owned(), shop);
    }
    if let Some(kind) = event.get("type").and_then(Value::as_str).and_then(|kind| kind.parse().ok()) {
        expand_change(event, kind);
    }
}

fn expand_change(event: &mut Map<String, Value>, kind: EventKind) {
    let Some((subject, field)) = subject_and_field(kind) else { return };
    let beside = event.get(subject).and_then(Value::as_object);
    let mut change = match event.get("change") {
        Some(Value::Object(change)) => change.clone(),
        None | Some(Value::Null) => Map::new(),
        Some(_) => return,
    };
    for name in ["field", "from", "to"] {
        if !change.contains_key(name)
            && let Some(value) = beside.and_then(|beside| beside.get(name))
        {
            change.insert(name.to_owned(), value.clone());
        }
    }
    if change.is_empty() {
        return;
    }
    if let Some(field) = field {
        change.entry("field").or_insert_with(|| Value::from(field));
    }
    for name in ["from", "to"] {
        if let Some(value) = change.get_mut(name) {
            *value = as_text(std::mem::take(value));
        }
    }
    event.insert("change".to_owned(), Value::Object(change));
}

/// The object a change may stand in, and the field that changed where the type of the event says so.
fn subject_and_field(kind: EventKind) -> Option<(&'static str, Option<&'static str>)> {
    Some(match kind {
        EventKind::LeadUpdated => ("lead", None),
        EventKind::LeadStatusChanged => ("lead", Some("lead.status")),
        EventKind::LeadValueChanged => ("lead", Some("lead.value.actual")),
        EventKind::ConversationUpdated => ("conversation", None),
        EventKind::ConversationStatusChanged => ("conversation", Some("conversation.status")),
        EventKind::ConversationAssigned => ("conversation", Some("conversation.assignee")),
        EventKind::ConversationPriorityChanged => ("conversation", Some("conversation.priority")),
        EventKind::TicketStatusChanged => ("ticket", Some("ticket.status")),
        EventKind::MessageEdited => ("message", Some("message.text")),
        EventKind::MessageStatus => ("message", None),
        _ => return None,
    })
}

fn as_text(value: Value) -> Value {
    match &value {
        Value::Number(_) | Value::Bool(_) => Value::String(value.to_string()),
        Value::Object(money) => match (money.get("minor"), money.get("currency").and_then(Value::as_str)) {
            (Some(Value::Number(minor)), Some(currency)) => Value::String(format!("{minor} {currency}")),
            _ => value,
        },
        _ => value,
    }
}
