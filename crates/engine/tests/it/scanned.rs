//! A decision says where a text was longer than what was seen of it.

use serde_json::{Value, json};

use crate::support::{Engine, message};

/// A decision of a rule that has these conditions and actions, on a message of the customer.
fn decided(conditions: &str, actions: &str, text: &str) -> Value {
    let mut engine = Engine::new(&format!(
        "workspace: acme\nrules:\n  - id: other\n    name: Other\n    trigger: message.created\n    actions: [{{type: add_tag, value: seen}}]\n  \
         - id: rule\n    name: Rule\n    trigger: [message.created, webhook.received]\n    conditions: {conditions}\n    actions: {actions}\n"
    ));
    engine.customer(text).decisions.swap_remove(0)
}

const TAG: &str = "[{type: add_tag, value: found}]";

/// Where keywords are looked for: the first 64 KiB. Where patterns and amounts are: the first 4,096 code points (D-6).
#[test]
fn a_decision_says_how_much_of_a_long_text_was_seen() {
    let contains = "[{field: message.text, op: contains, value: order}]";
    let matches = "[{field: message.text, op: matches, value: 'or+der'}]";
    let amount = "[{type: update_value, preset: flexible_rupiah, required: false}]";
    let of = |bytes: usize| format!("order {}", "x".repeat(bytes - 6));
    for (conditions, actions, text, expected) in [
        (contains, TAG, of(65_536), json!(null)),
        (contains, TAG, of(65_537), json!(65_536)),
        (contains, TAG, of(1_000_000), json!(65_536)),
        // A code point is not cut in two.
        (contains, TAG, format!("order {}", "é".repeat(40_000)), json!(65_536)),
        (contains, TAG, format!("orders {}", "é".repeat(40_000)), json!(65_535)),
        (matches, TAG, of(4_096), json!(null)),
        (matches, TAG, of(4_097), json!(4_096)),
        (matches, TAG, of(100_000), json!(4_096)),
        (matches, TAG, "é".repeat(4_097), json!(8_192)),
        ("[]", amount, of(4_096), json!(null)),
        ("[]", amount, of(4_097), json!(4_096)),
        // Nobody looks at the text.
        ("[{field: message.type, op: equals, value: text}]", TAG, of(1_000_000), json!(null)),
    ] {
        let decision = decided(conditions, actions, &text);
        assert_eq!(decision["scanned_bytes"], expected, "{conditions} {actions}, {} bytes", text.len());
    }
}

#[test]
fn other_texts_count_where_they_are_looked_at() {
    let mut engine = Engine::new(
        "workspace: acme\nrules:\n  - {id: rule, name: Rule, trigger: webhook.received, conditions: [{field: webhook.note, op: contains, value: order}], actions: [{type: add_tag, value: found, on: lead}]}\n",
    );
    for (bytes, expected) in [(65_536, json!(null)), (65_537, json!(65_536))] {
        let note = format!("order {}", "x".repeat(bytes - 6));
        let answers = engine
            .event(json!({"type": "webhook.received", "lead": {"id": format!("l{bytes}")}, "webhook": {"note": note}}));
        assert_eq!(answers.decisions[0]["scanned_bytes"], expected, "{bytes}");
    }
}

#[test]
fn explaining_an_event_does_not_change_what_its_decision_says() {
    let rules = |sample: &str| {
        format!(
            "workspace: acme\nsettings: {{explain: {{sample: {sample}}}}}\nrules:\n  - {{id: any, name: Any, trigger: message.created, actions: [{{type: add_tag, value: seen}}]}}\n  \
             - {{id: note, name: Note, trigger: message.created, conditions: [{{field: chat.is_group, op: equals, value: true}}, {{field: message.quoted_text, op: contains, value: order}}], actions: [{{type: add_tag, value: found}}]}}\n"
        )
    };
    let mut event = message("e1", "customer", "halo");
    event["message"]["quoted_text"] = json!("x".repeat(70_000));
    let decision = |sample: &str| {
        let mut decision = Engine::new(&rules(sample)).event(event.clone()).decisions.swap_remove(0);
        decision["rule_set"] = json!(null);
        decision
    };
    assert_eq!(decision("0"), decision("1"));
}
