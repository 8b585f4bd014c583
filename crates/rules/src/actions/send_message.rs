//! `send_message`: sends a text to the customer of the conversation.
//!
//! It goes to the endpoint `to` names, else to the one that serves the conversation's channel account.

use std::sync::Arc;

use kilat_domain::{Command, DestinationKind, OnUnknown, OutboundMessage};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::endpoint::Endpoint;
use crate::shape::{Key, Shape};
use crate::template::Template;

pub(crate) const KIND: Kind = Kind {
    name: "send_message",
    compat: &["send_canned_response"],
    effect: EffectOn::Outside,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[
        Key::new("value", Shape::Text, "The text; {{field|fallback}} stands for a field."),
        Key::new("text", Shape::Text, "Another name of `value`."),
        Key::new("to", Shape::Text, "The endpoint it goes by; that of the conversation's channel by default."),
    ],
    needs: &[],
    read,
};

#[derive(Debug)]
struct SendMessage {
    text: Template,
    to: Option<Arc<Endpoint>>,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let to = read_channel(reading);
    let text = reading.main_template(Some("text"), "write the text that is sent")?;
    Some(Arc::new(SendMessage { text, to: to? }))
}

/// The endpoint `to` names; `None` after a finding, `Some(None)` where the channel decides.
pub(super) fn read_channel(reading: &mut Reading<'_>) -> Option<Option<Arc<Endpoint>>> {
    match reading.object.get("to") {
        Some(node) => reading.endpoint(node, DestinationKind::WhatsappCloud).map(Some),
        None => Some(None),
    }
}

/// The endpoint a message goes by.
pub(super) fn destination(to: Option<&Endpoint>, plan: &Plan<'_, '_>) -> Option<kilat_domain::Destination<'static>> {
    to.or_else(|| plan.channel_endpoint()).map(Endpoint::destination)
}

impl Action for SendMessage {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), self.text.source().into());
        if let Some(to) = &self.to {
            action.insert("to".into(), Value::from(&*to.name));
        }
    }

    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome {
        let Some(to) = plan.recipient() else { return Outcome::Failed("no_recipient") };
        let text = self.text.render(plan.facts);
        if text.trim().is_empty() {
            return Outcome::Failed("empty_text");
        }
        let destination = destination(self.to.as_deref(), plan);
        Outcome::Command(Command::SendMessage(OutboundMessage::text(to, text)), destination)
    }
}
