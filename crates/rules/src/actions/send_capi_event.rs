//! `send_capi_event`: reports a conversion to Meta's Conversions API.
//!
//! It goes to the endpoint `to` names, else to the only Conversions API endpoint (F-111). Names and fields per channel are
//! the partner's business; here stands what is known.

use std::sync::Arc;

use kilat_domain::{CapiEvent, Command, DestinationKind, OnUnknown, ValueTarget};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::codes;
use crate::endpoint::Endpoint;
use crate::fields::{FieldRef, channel_kind};
use crate::shape::{Key, Shape};

const AMOUNTS: &[&str] = &["actual", "estimated", "none"];

pub(crate) const KIND: Kind = Kind {
    name: "send_capi_event",
    compat: &["send_conversion"],
    effect: EffectOn::Outside,
    required: false,
    // Meta does not deduplicate events of chats: what may have arrived is not sent again.
    on_unknown: OnUnknown::Hold,
    keys: &[
        Key::new("value", Shape::Text, "The event's name: LeadSubmitted, Purchase …"),
        Key::new("event", Shape::Text, "Another name of `value`."),
        Key::new(
            "amount",
            Shape::Word(AMOUNTS),
            "Which of the lead's values it reports; actual for Purchase, else none.",
        ),
        Key::new("to", Shape::Text, "The Conversions API endpoint; needed where there are several."),
    ],
    needs: &[],
    read,
};

#[derive(Debug)]
struct SendCapiEvent {
    name: Box<str>,
    amount: Option<ValueTarget>,
    to: Arc<Endpoint>,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let to = reading.endpoint_or_only(DestinationKind::MetaCapi);
    let name = reading.main_text(Some("event"), "write the event's name, such as LeadSubmitted");
    let amount = match reading.object.word("amount", AMOUNTS, reading.report) {
        Some(0) => Some(ValueTarget::Actual),
        Some(1) => Some(ValueTarget::Estimated),
        Some(_) => None,
        None => (name.as_deref() == Some("Purchase")).then_some(ValueTarget::Actual),
    };
    let to = to.ok()?;
    if to.is_none() {
        reading.report.add(
            codes::MISSING_PIXEL,
            reading.object.at,
            "the conversion event has no Conversions API endpoint to go to",
            "declare one under `endpoints` with kind meta_capi and its dataset; with several, name one with `to`",
        );
    }
    Some(Arc::new(SendCapiEvent { name: name?.trim().into(), amount, to: to? }))
}

impl Action for SendCapiEvent {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), Value::from(&*self.name));
        let amount = match self.amount {
            Some(ValueTarget::Actual) => AMOUNTS[0],
            Some(ValueTarget::Estimated) => AMOUNTS[1],
            None => AMOUNTS[2],
        };
        action.insert("amount".into(), amount.into());
        action.insert("to".into(), Value::from(&*self.to.name));
    }

    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome {
        let facts = plan.facts;
        let profile = facts.lead.and_then(|lead| lead.profile.as_deref());
        let value = match self.amount {
            Some(ValueTarget::Actual) => profile.and_then(|profile| profile.actual.clone()),
            Some(ValueTarget::Estimated) => profile.and_then(|profile| profile.estimated.clone()),
            None => None,
        };
        let text = |name: &str| FieldRef::parse(name).and_then(|field| field.print(facts)).map(Into::into);
        let channel = channel_kind(facts);
        let by_chat = || plan.recipient().filter(|_| channel == Some("whatsapp")).map(|recipient| recipient.id);
        let event = CapiEvent {
            name: self.name.to_string().into(),
            at: facts.event.occurred_at,
            value,
            ctwa_clid: text("ctwa.clid"),
            phone: text("lead.phone").or_else(by_chat),
            email: text("lead.email"),
            channel: channel.map(|channel| channel.to_owned().into()),
        };
        Outcome::Command(Command::SendCapiEvent(event), Some(self.to.destination()))
    }
}
