//! Leads as a shop comes to know them, for what measures state.

use kilat_domain::{Action, Decision, Event, EventKind, LeadFacts, SenderKind, Str, TagFact};
use kilat_engine::Outputs;

use crate::workload;

/// Outputs that nobody reads.
pub struct Nothing;

impl Outputs for Nothing {
    fn decision(&mut self, _: &Decision<'_>) {}
    fn action(&mut self, _: &Action<'_>) {}
}

/// The first message of a lead that a shop knows as shops do: where it came from, who it is, two tags.
pub fn first_message(number: u64) -> [Event<'static>; 2] {
    let mut message = workload::event(7, number);
    let text = |text: String| Some(Str::from(text));
    let phone = format!("62812{number:08}");
    if let Some(conversation) = &mut message.conversation {
        conversation.id = text(format!("wa:6281110001:{phone}"));
        conversation.tags = Some(vec!["asked".into(), "repeat".into()]);
    }
    if let Some(sender) = &mut message.sender {
        sender.id = text(phone.clone());
        sender.kind = SenderKind::Customer;
    }
    message.lead = Some(LeadFacts {
        id: text(format!("wa:{phone}")),
        status: Some("contacted".into()),
        name: text(format!("Budi Santoso {number}")),
        phone: text(phone),
        source: Some("instagram".into()),
        city: Some("Bandung".into()),
        tags: Some(vec!["vip".into()]),
        ..LeadFacts::default()
    });
    let mut tag =
        Event::new(format!("t{number}"), message.workspace.to_string(), EventKind::TagAdded, message.occurred_at);
    tag.lead = Some(LeadFacts { id: message.lead.as_ref().and_then(|lead| lead.id.clone()), ..LeadFacts::default() });
    tag.tag = Some(TagFact { name: "promo-11-11".into(), on: Some("lead".into()) });
    [message, tag]
}
