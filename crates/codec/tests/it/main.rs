//! The codec from outside: against apache-avro, against hostile bytes, against the contract.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod allocation;
mod bad_lines;
mod golden;
mod headers;
mod hostile;
mod json_lines;
mod oracle;
mod packed;
mod round_trip;
mod schemas;
mod strategies;
mod topics;

use kilat_domain::*;

/// The event of the contract, section 2.
fn contract_event() -> Event<'static> {
    Event {
        conversation: Some(ConversationFacts {
            id: Some("wa:6281110001:628123456789".into()),
            ..ConversationFacts::default()
        }),
        lead: Some(LeadFacts { id: Some("wa:628123456789".into()), ..LeadFacts::default() }),
        channel: Some(Channel {
            kind: "whatsapp".into(),
            account: Some("6281110001".into()),
            source: Some("wa_api".into()),
        }),
        chat: Some(Chat { kind: ChatKind::Direct }),
        sender: Some(Sender {
            kind: SenderKind::Customer,
            id: Some("628123456789@s.whatsapp.net".into()),
            name: Some("Budi".into()),
            roles: None,
            attrs: None,
        }),
        message: Some(Message {
            id: Some("wamid.X".into()),
            kind: Some(MessageType::Text),
            text: Some("mau order dong".into()),
            history: Some(false),
            ..Message::default()
        }),
        // 2026-11-20T03:00:00Z by `date -u -d @1795143600`.
        ..bare_event("e1", EventKind::MessageCreated, 1_795_143_600_000)
    }
}

/// An event without any fact.
fn bare_event(id: &'static str, kind: EventKind, at: i64) -> Event<'static> {
    Event::new(id, "acme", kind, Timestamp(at))
}
