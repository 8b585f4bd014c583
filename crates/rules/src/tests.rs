//! Events and states written down for tests: the parts of a golden case that are not about rules.
//!
//! In: an event as YAML has it, most of it left out, with `state:` for what earlier events left behind. Out: the event and
//! the state it was folded into. Absent: the engine; nothing here counts or derives.

use std::path::{Path, PathBuf};

use kilat_domain::{Conversation, Event, HourCount, Lead, Object, PastMessage, Str, Timestamp};
use serde_json::{Map, Value, json};

use crate::Facts;
use crate::diagnostic::Report;
use crate::settings::Settings;
use crate::syntax;

/// An event and its state.
pub(crate) struct Staged {
    pub(crate) event: Event<'static>,
    pub(crate) lead: Option<Lead>,
    pub(crate) conversation: Option<Conversation>,
    first_contact: bool,
    conversation_is_new: bool,
}

/// Keys whose values are free-form.
const FREE: [&str; 4] = ["webhook", "ticket", "order", "call"];

/// Objects that may hold custom attributes.
const WITH_ATTRS: [&str; 3] = ["lead", "conversation", "sender"];

impl Staged {
    /// Reads an event; `null` under `lead` or `conversation` is an event without one.
    pub(crate) fn of(written: &Value, settings: &Settings) -> Staged {
        let mut event = written.as_object().expect("an event is an object").clone();
        let state = event.remove("state").unwrap_or(json!({}));
        let number = |key: &str| u32::try_from(state[key].as_u64().unwrap_or(0)).expect("a count");
        fill(&mut event, "id", json!("e1"));
        fill(&mut event, "workspace", json!("acme"));
        fill(&mut event, "type", json!("message.created"));
        if event["type"].as_str().is_some_and(|kind| kind.starts_with("message.")) {
            fill(&mut event, "sender", json!({"kind": "customer"}));
            fill(&mut event, "message", json!({}));
        }
        let at = event.get("occurred_at").and_then(Value::as_str).unwrap_or("2026-11-20T03:00:00Z");
        let at: Timestamp = at.parse().expect("an instant");
        event.insert("occurred_at".into(), json!(at.0));
        let free: Vec<Option<Object<'static>>> =
            FREE.iter().map(|key| event.remove(*key).as_ref().map(object)).collect();
        let attrs = |event: &mut Map<String, Value>, of: &str| {
            let facts = event.get_mut(of)?.as_object_mut()?;
            facts.remove("attrs").as_ref().map(object)
        };
        let [lead_attrs, conversation_attrs, sender_attrs] = WITH_ATTRS.map(|of| attrs(&mut event, of));
        let without = |key: &str| written.get(key).is_some_and(Value::is_null);
        let (no_lead, no_conversation) = (without("lead"), without("conversation"));
        let text = Value::Object(event).to_string();
        let mut event: Event<'static> = serde_json::from_str(text.leak()).expect("an event");
        [event.webhook, event.ticket, event.order, event.call] = free.try_into().expect("as many as there are keys");
        if let Some(attrs) = lead_attrs {
            event.lead.get_or_insert_default().attrs = Some(attrs);
        }
        if let Some(attrs) = conversation_attrs {
            event.conversation.get_or_insert_default().attrs = Some(attrs);
        }
        if let Some(sender) = &mut event.sender {
            sender.attrs = sender_attrs;
        }
        let mut lead = Lead::new(settings.first_status());
        if let Some(facts) = &event.lead {
            lead.fold(facts, facts.status.as_deref().and_then(|status| settings.status(status)));
        }
        let mut conversation = Conversation::new(at);
        if let Some(facts) = &event.conversation {
            conversation.fold(facts);
        }
        conversation.customer_messages = number("customer_messages");
        conversation.team_messages = number("team_messages");
        conversation.session_messages = number("session_messages");
        conversation.customer = state["customer"].as_str().map(Into::into);
        conversation.lead = state["lead"].as_str().map(Into::into);
        let past = |past: &Value| PastMessage {
            at: past["at"].as_str().expect("when").parse().expect("an instant"),
            sender: past["sender"].as_str().unwrap_or("customer").parse().expect("a sender"),
            kind: past["type"].as_str().unwrap_or("text").parse().expect("a type"),
            has_media: past["type"] == json!("image"),
            is_reply: past["is_reply"] == json!(true),
            text: past["text"].as_str().map(Into::into),
        };
        let hour = |count: &Value| HourCount {
            hour: count[0].as_i64().and_then(|hour| hour.try_into().ok()).expect("an hour"),
            messages: count[1].as_u64().and_then(|n| n.try_into().ok()).expect("a count"),
        };
        if let Some(history) = state["history"].as_array() {
            conversation.details_mut().history = history.iter().map(past).collect();
        }
        if let Some(week) = state["week"].as_array() {
            conversation.details_mut().week = week.iter().map(hour).collect();
        }
        Staged {
            event,
            lead: (!no_lead).then_some(lead),
            conversation: (!no_conversation).then_some(conversation),
            first_contact: state["first_contact"] == json!(true),
            conversation_is_new: state["conversation_is_new"] == json!(true),
        }
    }

    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            event: &self.event,
            lead: self.lead.as_ref(),
            conversation: self.conversation.as_ref(),
            first_contact: self.first_contact,
            conversation_is_new: self.conversation_is_new,
        }
    }
}

fn fill(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.entry(key).or_insert(value);
}

fn object(json: &Value) -> Object<'static> {
    let entries = json.as_object().expect("an object").iter();
    Object(entries.map(|(key, value)| (Str::from(key.clone()), crate::free_form::from_json(value))).collect())
}

/// The golden files of one folder, with their text; the folder must hold some.
pub(crate) fn golden_files(folder: &str) -> Vec<(PathBuf, String)> {
    let path = golden(folder);
    let entries = std::fs::read_dir(&path).unwrap_or_else(|_| panic!("{} has no golden cases", path.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no golden cases", path.display());
    files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(&path).expect("readable"))).collect()
}

/// The names of everything in a golden folder.
pub(crate) fn golden_names(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(golden(folder)).expect("the golden folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn golden(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(folder)
}

/// A YAML text as plain JSON.
pub(crate) fn yaml(file: &Path, text: &str) -> Value {
    let mut report = Report::new(&file.display().to_string());
    let mut roots = syntax::read(text, &mut report);
    let diagnostics = report.finish();
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    assert_eq!(roots.len(), 1, "{} holds one document", file.display());
    roots.remove(0).to_json()
}
