//! The eight recipes as the demo ships them, event by event, against what features.md says of each.

use serde_json::{Value, json};

use crate::eval::{event_lines, message};
use crate::support::Place;

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/rules.yaml");

/// `event: rule, rule` for every decision of these events in which one of `rules` fired.
fn fires(rules: &[&str], events: &[Value]) -> (Vec<String>, Vec<Value>) {
    let place = Place::new();
    let ran = place.run_with(&["eval", "--rules", RULES, "--events", "-", "--state"], &event_lines(events));
    assert_eq!(ran.code, 0, "{ran:#?}");
    let (decisions, state): (Vec<Value>, Vec<Value>) =
        ran.lines().into_iter().partition(|line| line.get("event_id").is_some());
    let mut found = Vec::new();
    for decision in decisions {
        let fired: Vec<&str> =
            decision["fired"].as_array().unwrap().iter().map(|fired| fired["rule"].as_str().unwrap()).collect();
        let fired: Vec<&str> = fired.into_iter().filter(|rule| rules.contains(rule)).collect();
        if !fired.is_empty() {
            found.push(format!("{}: {}", decision["event_id"].as_str().unwrap(), fired.join(", ")));
        }
    }
    (found, state)
}

fn team(id: &str, text: &str) -> Value {
    let mut event = message(id, text);
    event["sender"] = json!({"kind": "team"});
    event
}

fn with_lead(mut event: Value, facts: Value) -> Value {
    for (key, value) in facts.as_object().unwrap() {
        event["lead"][key] = value.clone();
    }
    event
}

/// Proves F-6.
#[test]
fn f6_an_active_lead_is_marked_at_its_third_message_and_not_again() {
    let events: Vec<Value> = (1..=4).map(|n| message(&format!("e{n}"), "halo")).collect();
    let (fires, state) = fires(&["active-lead"], &events);
    assert_eq!(fires, ["e3: active-lead"]);
    assert_eq!(state[0]["facts"]["status"], "responded");
}

/// Proves F-7.
#[test]
fn f7_a_buying_phrase_makes_a_responded_lead_hot_and_a_new_one_not() {
    let (fires, _) = fires(
        &["hot-lead"],
        &[
            message("e1", "mau order"),
            with_lead(message("e2", "halo"), json!({"status": "responded"})),
            message("e3", "mau Order dong"),
        ],
    );
    assert_eq!(fires, ["e3: hot-lead"]);
}

/// Proves F-8.
#[test]
fn f8_a_confirmed_payment_sets_the_value_then_the_status() {
    let (closing, state) = fires(
        &["closing"],
        &[
            message("e1", "Payment received Rp 9.000"),
            team("e2", "Payment received, thanks"),
            team("e3", "Payment received Rp 1.500.000"),
        ],
    );
    // e2 matches and fails for want of an amount (D-7); its decision is there, and nothing has changed.
    assert_eq!(closing.last().map(String::as_str), Some("e3: closing"));
    assert!(!closing.iter().any(|fire| fire.starts_with("e1")), "{closing:?}");
    assert_eq!(state[0]["facts"]["value"]["actual"], json!({"minor": 150_000_000, "currency": "IDR"}));
    assert_eq!(state[0]["facts"]["status"], "won");
}

/// Proves F-175.
#[test]
fn f175_a_frustrated_customer_is_escalated() {
    let (fires, _) = fires(&["frustrated-customer"], &[message("e1", "Saya KECEWA kak"), message("e2", "halo")]);
    assert_eq!(fires, ["e1: frustrated-customer"]);
}

/// Proves F-176.
#[test]
fn f176_a_vip_is_routed_once() {
    let vip = with_lead(message("e1", "halo"), json!({"tags": ["vip"]}));
    let (fires, _) = fires(&["regular-customer"], &[vip, message("e2", "halo lagi")]);
    assert_eq!(fires, ["e1: regular-customer"]);
}

/// Proves F-177.
#[test]
fn f177_one_reply_a_closed_night() {
    let at = |id: &str, time: &str| {
        let mut event = message(id, "halo");
        event["occurred_at"] = json!(time);
        event
    };
    // 10:00, then 21:00, 22:00 and 23:00 in Jakarta.
    let (fires, _) = fires(
        &["after-hours"],
        &[
            at("e1", "2026-11-20T03:00:00.000Z"),
            at("e2", "2026-11-20T14:00:00.000Z"),
            at("e3", "2026-11-20T15:00:00.000Z"),
            at("e4", "2026-11-20T16:00:00.000Z"),
        ],
    );
    assert_eq!(fires, ["e2: after-hours"]);
}

/// Proves F-178.
#[test]
fn f178_a_refund_goes_to_billing() {
    let (fires, _) = fires(&["refund"], &[message("e1", "I want my money back"), message("e2", "refund please")]);
    assert_eq!(fires, ["e1: refund"]);
}

/// Proves F-179.
#[test]
fn f179_a_collected_lead_above_75_is_handed_over() {
    let collected = |id: &str, score: f64| {
        let mut event = message(id, "");
        event["type"] = json!("skill.fired");
        event["skill"] = json!({"name": "collect_lead"});
        event.as_object_mut().unwrap().remove("message");
        event.as_object_mut().unwrap().remove("sender");
        with_lead(event, json!({"score": score}))
    };
    let (fires, _) = fires(&["lead-captured"], &[collected("e1", 75.0), collected("e2", 75.5)]);
    assert_eq!(fires, ["e2: lead-captured"]);
}
