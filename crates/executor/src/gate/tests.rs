//! One refusal each, and the order of D-83.

use kilat_domain::{
    Action, Command, Destination, DestinationKind, Gate, Object, OnUnknown, OutboundMessage, Recipient, Timestamp,
};

use super::refusal;

const NOW: Timestamp = Timestamp(1_795_165_200_000);

fn action(kind: DestinationKind, command: Command<'static>) -> Action<'static> {
    Action {
        id: "a".into(),
        workspace: "w".into(),
        conversation: "c".into(),
        lead: None,
        event_id: "e".into(),
        rule: "r".into(),
        rule_version: 1,
        index: 0,
        created_at: NOW,
        expires_at: None,
        parallel: None,
        on_unknown: OnUnknown::Hold,
        gate: Gate { blocked: false, window_closes_at: Some(Timestamp(NOW.0 + 1)) },
        destination: Some(Destination {
            name: "d".into(),
            kind,
            url: "https://partner.example".into(),
            secret: None,
            previous_secret: None,
            account: None,
            waba: None,
        }),
        command,
    }
}

fn message() -> Action<'static> {
    let to = Recipient { channel: "whatsapp".into(), account: None, id: "628".into() };
    action(DestinationKind::WhatsappCloud, Command::SendMessage(OutboundMessage::text(to, "Halo")))
}

fn webhook() -> Action<'static> {
    action(DestinationKind::Webhook, Command::SendWebhook { event: "e".into(), payload: Object::default() })
}

fn reason(action: &Action<'_>) -> Option<&'static str> {
    refusal(action, NOW).map(|refusal| refusal.reason)
}

#[test]
fn an_open_gate_refuses_nothing() {
    assert_eq!(reason(&message()), None);
    assert_eq!(reason(&webhook()), None);
}

#[test]
fn the_first_refusal_in_the_fixed_order_is_the_reason() {
    let mut all = message();
    all.gate = Gate { blocked: true, window_closes_at: Some(NOW) };
    all.expires_at = Some(NOW);
    assert_eq!(reason(&all), Some("blocked"));
    all.gate.blocked = false;
    assert_eq!(reason(&all), Some("window"));
    all.gate.window_closes_at = Some(Timestamp(NOW.0 + 1));
    assert_eq!(reason(&all), Some("expired"));
    all.expires_at = Some(Timestamp(NOW.0 + 1));
    assert_eq!(reason(&all), None);
}

#[test]
fn without_a_customer_message_there_is_no_window() {
    let mut message = message();
    message.gate.window_closes_at = None;
    assert_eq!(reason(&message), Some("window"));
}

#[test]
fn what_the_customer_does_not_see_knows_no_block_and_no_window() {
    let mut webhook = webhook();
    webhook.gate = Gate { blocked: true, window_closes_at: Some(Timestamp(0)) };
    assert_eq!(reason(&webhook), None);
    webhook.expires_at = Some(Timestamp(NOW.0 - 1));
    assert_eq!(reason(&webhook), Some("expired"));
}
