//! Counting actions from both sides, and decisions in words.

use kilat_codec::json;

use super::*;

fn result(id: &str, outcome: Outcome) -> ActionResult<'static> {
    ActionResult {
        action_id: id.to_owned().into(),
        workspace: "acme".into(),
        conversation: "c1".into(),
        action: "send_webhook".into(),
        outcome,
        reason: None,
        detail: None,
        attempts: 1,
        http_status: None,
        partner_ref: None,
        endpoint_ms: 0,
        at: Timestamp(0),
    }
}

#[test]
fn an_action_is_settled_once_both_sides_were_read_and_once_only() {
    let mut seen = Seen::default();
    seen.action("a");
    seen.result(&result("b", Outcome::Delivered));
    seen.result(&result("a", Outcome::Sending));
    assert_eq!((seen.counts.actions, seen.counts.settled()), (1, 0));
    seen.result(&result("a", Outcome::Unknown));
    seen.action("b");
    assert_eq!((seen.counts.actions, seen.counts.settled()), (2, 2));
    seen.result(&result("a", Outcome::Unknown));
    seen.result(&result("b", Outcome::Delivered));
    assert_eq!((seen.counts.delivered, seen.counts.unknown, seen.counts.settled()), (1, 1, 2));
}

#[test]
fn a_decision_is_told_in_a_few_words() {
    let line = r#"{"event_id":"e7","workspace":"acme","at":"2026-11-20T03:00:00.000Z","type":"message.created",
        "rule_set":"sha256:00","root_id":"e7","depth":0,"refused":[{"rule":"promo","reason":"loop"}],
        "fired":[{"rule":"closing","version":3,"actions":[
            {"index":0,"type":"update_value","result":"applied","to":"150000000 IDR"},
            {"index":1,"type":"set_status","result":"applied","from":"hot","to":"won"},
            {"index":2,"type":"add_tag","result":"unchanged"},
            {"index":3,"type":"send_webhook","result":"failed","reason":"no_destination"}]}]}"#;
    let decision = json::decision_from_line(&line.replace('\n', " ")).expect("a decision line");
    assert_eq!(
        told(&decision),
        "closing → update_value IDR 1,500,000, set_status hot→won, add_tag unchanged, \
         send_webhook failed: no_destination; promo refused: loop"
    );
}
