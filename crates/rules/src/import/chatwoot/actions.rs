//! Actions of Chatwoot's rules.

use super::{many, text, word};
use crate::diagnostic::{Position, nearest};
use crate::import::{Converting, entry};
use crate::syntax::{Content, Node};

/// Actions that are known.
const KNOWN: &[&str] = &[
    "send_message",
    "add_private_note",
    "add_label",
    "remove_label",
    "assign_agent",
    "assign_team",
    "remove_assigned_team",
    "change_status",
    "change_priority",
    "resolve_conversation",
    "open_conversation",
    "snooze_conversation",
    "send_webhook_event",
    "mute_conversation",
];

/// The actions of a rule, in order.
pub(super) fn convert(node: &Node, converting: &mut Converting<'_, '_>) -> Vec<Node> {
    let mut converted = Vec::new();
    for action in many(node.get("actions")) {
        one(action, &mut converted, converting);
    }
    converted
}

/// An action of ours.
fn action(at: Position, kind: &str, value: Option<Node>) -> Node {
    let mut entries = vec![entry("type", text(at, kind))];
    entries.extend(value.map(|value| entry("value", value)));
    Node { at, content: Content::Map(entries) }
}

fn one(node: &Node, converted: &mut Vec<Node>, converting: &mut Converting<'_, '_>) {
    let Some(name_node) = node.get("action_name") else {
        converting.unsupported(node.at, "the action has no `action_name`", "write what is done");
        return;
    };
    let name = word(name_node).unwrap_or_default();
    let params = many(node.get("action_params"));
    let at = node.at;
    let first = |converting: &mut Converting<'_, '_>| match params.first().and_then(word) {
        Some(value) => Some((params[0].at, value.to_owned())),
        None => {
            converting.unsupported(at, format!("`{name}` has no value in `action_params`"), "write one");
            None
        }
    };
    match name {
        "send_message" => {
            let Some((place, message)) = first(converting) else { return };
            let message = liquid(&message, place, converting);
            converted.push(action(at, "send_message", Some(text(place, &message))));
        }
        "add_private_note" => {
            let Some((place, note)) = first(converting) else { return };
            let note = liquid(&note, place, converting);
            let mut note = action(at, "add_note", Some(text(place, &note)));
            if let Content::Map(entries) = &mut note.content {
                entries.push(entry("on", text(at, "conversation")));
            }
            converted.push(note);
        }
        "add_label" | "remove_label" => {
            if params.is_empty() {
                converting.unsupported(at, format!("`{name}` names no label"), "write one");
            }
            let kind = if name == "add_label" { "add_tag" } else { "remove_tag" };
            for label in params.iter().filter_map(|label| Some((label.at, word(label)?))) {
                converted.push(action(at, kind, Some(text(label.0, label.1))));
            }
        }
        "assign_agent" => {
            let Some((place, agent)) = first(converting) else { return };
            let agent = match &*agent {
                "nil" => "unclaimed".to_owned(),
                "last_responding_agent" => {
                    let help = "name an agent or a pool";
                    converting.unsupported(place, "who answered last is not known here", help);
                    return;
                }
                _ => {
                    let help = "write the agent's id as your events have it";
                    converting.differs(place, format!("agent {agent} is an id of the other system"), help);
                    agent
                }
            };
            converted.push(action(at, "assign", Some(text(place, &agent))));
        }
        "assign_team" | "remove_assigned_team" => {
            let team = params.first().and_then(word).unwrap_or("nil");
            let team = match (name, team) {
                ("remove_assigned_team", _) | (_, "nil" | "0" | "") => "unclaimed".to_owned(),
                (_, team) => format!("team-{team}"),
            };
            let help = "name the pool as your people know it";
            converting.differs(at, format!("a conversation has one assignee here, an agent or a pool: `{team}`"), help);
            converted.push(action(at, "assign", Some(text(at, &team))));
        }
        "change_status" => {
            let Some((place, status)) = first(converting) else { return };
            match &*status {
                "open" | "resolved" => {
                    converted.push(action(at, "set_conversation_status", Some(text(place, &status))))
                }
                "snoozed" => snooze(at, converted, converting),
                _ => {
                    let help = "a conversation is open, claimed, snoozed, resolved or archived here";
                    converting.unsupported(place, format!("there is no counterpart of the status `{status}`"), help);
                }
            }
        }
        "resolve_conversation" => converted.push(action(at, "set_conversation_status", Some(text(at, "resolve")))),
        "open_conversation" => converted.push(action(at, "set_conversation_status", Some(text(at, "reopen")))),
        "snooze_conversation" => snooze(at, converted, converting),
        "change_priority" => {
            let Some((place, priority)) = first(converting) else { return };
            let ours = match &*priority {
                "nil" | "medium" => {
                    let message = format!("`{priority}` is `normal` here, which every conversation begins with");
                    converting.differs(place, message, "nothing needs to be done");
                    "normal"
                }
                other => other,
            };
            converted.push(action(at, "set_priority", Some(text(place, ours))));
        }
        "send_webhook_event" => {
            let Some((place, url)) = first(converting) else { return };
            let message = "the webhook's body is Kilat's own, not the conversation as the other system shows it";
            converting.differs(at, message, "see `kilat schema` for the body, or write `payload`");
            converted.push(action(at, "send_webhook", Some(text(place, &url))));
        }
        "mute_conversation" => {
            let help = "`unblock` takes it back";
            converting.differs(
                at,
                "there, the conversation is resolved and the contact blocked; both are done here",
                help,
            );
            converted.push(action(at, "set_conversation_status", Some(text(at, "resolve"))));
            converted.push(action(at, "block", None));
        }
        _ => {
            let help = match (name, nearest(name, KNOWN.iter().copied())) {
                ("send_email_to_team" | "send_email_transcript", _) => {
                    "let a webhook tell the system that writes the e-mail".to_owned()
                }
                ("send_attachment", _) => "files are kept by the other system: send a link in a message".to_owned(),
                ("add_sla", _) => "SLA policies are not a rule's here: let a timer do it".to_owned(),
                ("pending_conversation", _) => {
                    "a conversation is open, claimed, snoozed, resolved or archived here".to_owned()
                }
                (_, Some(near)) => format!("did you mean `{near}`?"),
                (_, None) => format!("choose one of {}", KNOWN.join(", ")),
            };
            converting.unsupported(name_node.at, format!("there is no counterpart of the action `{name}`"), &help);
        }
    }
}

fn snooze(at: Position, converted: &mut Vec<Node>, converting: &mut Converting<'_, '_>) {
    let help = "add `for: 24h`, or let a person reopen it";
    converting.differs(
        at,
        "there, a snoozed conversation opens with the customer's next message; here it stays snoozed",
        help,
    );
    converted.push(action(at, "set_conversation_status", Some(text(at, "snooze"))));
}

/// Names inside `{{…}}` and what they are here.
const NAMES: &[(&str, &str)] = &[
    ("contact.name", "lead.name"),
    ("contact.email", "lead.email"),
    ("contact.phone_number", "lead.phone"),
    ("conversation.id", "conversation.id"),
    ("conversation.display_id", "conversation.id"),
];

/// A text with places for values, from Liquid's form to ours: `{{ contact.name | default: "kak" }}` is
/// `{{lead.name|kak}}`.
fn liquid(written: &str, at: Position, converting: &mut Converting<'_, '_>) -> String {
    let mut out = String::new();
    let mut rest = written;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else { break };
        out.push_str(&rest[..start]);
        let inside = rest[start + 2..start + length].trim();
        let (name, filter) = inside.split_once('|').map_or((inside, ""), |(name, filter)| (name.trim(), filter.trim()));
        let fallback = filter.strip_prefix("default:").map(|value| value.trim().trim_matches(['"', '\'']));
        let attribute = |prefix: &str, ours: &str| Some(format!("{ours}{}", name.strip_prefix(prefix)?));
        let ours = NAMES
            .iter()
            .find(|(theirs, _)| *theirs == name)
            .map(|(_, ours)| (*ours).to_owned())
            .or_else(|| attribute("contact.custom_attribute.", "lead.attrs."))
            .or_else(|| attribute("conversation.custom_attribute.", "conversation.attrs."));
        match (ours, fallback) {
            (Some(ours), Some(fallback)) => out.push_str(&format!("{{{{{ours}|{fallback}}}}}")),
            (Some(ours), None) if filter.is_empty() => out.push_str(&format!("{{{{{ours}}}}}")),
            _ => {
                let help = "contact.name, email, phone_number and custom attributes have one, and the filter `default`";
                converting.unsupported(at, format!("there is no counterpart of `{{{{{inside}}}}}`"), help);
            }
        }
        rest = &rest[start + length + 2..];
    }
    if rest.contains("{%") || out.contains("{%") {
        converting.unsupported(at, "a text holds no conditions and loops here", "write two rules");
    }
    out.push_str(rest);
    out
}
