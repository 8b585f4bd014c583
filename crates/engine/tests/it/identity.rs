//! Ids, duplicates, introductions, counts: D-20, D-22, D-23, D-26 … D-28, D-33.

use kilat_engine::Applied;
use serde_json::{Value, json};

use crate::support::{Engine, message};

const COUNTING: &str = "
workspace: acme
rules:
  - {id: first, name: First, trigger: message.created, conditions: [{field: first_contact, op: equals, value: true}], actions: [{type: add_tag, value: first}]}
  - {id: third, name: Third, trigger: message.created, conditions: [{field: chat_count, op: gt, value: 2}], actions: [{type: add_tag, value: third}]}
";

/// Proves D-33.
#[test]
fn a_second_event_of_the_same_id_has_no_effect() {
    let mut engine = Engine::new(COUNTING);
    engine.customer("satu");
    let (applied, answers) = engine.try_event(message("e1", "customer", "satu"));
    assert_eq!(applied, Applied::Duplicate);
    assert!(answers.decisions.is_empty());
}

/// Proves D-33.
#[test]
fn a_message_redelivered_under_another_event_id_has_no_effect() {
    let mut engine = Engine::new(COUNTING);
    engine.customer("satu");
    let mut again = message("other", "customer", "satu");
    again["message"]["id"] = json!("wamid.e1");
    assert_eq!(engine.try_event(again).0, Applied::Duplicate);
}

/// Proves D-17.
#[test]
fn an_edit_carries_the_id_of_its_message_and_is_no_duplicate() {
    let mut engine = Engine::new(COUNTING);
    engine.customer("satu");
    let mut edit = message("edit-1", "customer", "satu!");
    edit["type"] = json!("message.edited");
    edit["message"]["id"] = json!("wamid.e1");
    assert!(matches!(engine.try_event(edit).0, Applied::Evaluated { .. }));
}

/// Proves F-35 and D-20.
#[test]
fn the_count_includes_the_current_message_and_customers_only() {
    let mut engine = Engine::new(COUNTING);
    assert_eq!(engine.customer("satu").fired()[0], "e1: first");
    assert!(engine.customer("dua").decisions.is_empty());
    assert!(engine.team("halo kak").decisions.is_empty());
    assert_eq!(engine.customer("tiga").fired()[0], "e4: third");
}

/// Proves D-17 and D-20.
#[test]
fn a_reaction_is_no_message_and_no_first_contact() {
    let mut engine = Engine::new(COUNTING);
    engine.customer("satu");
    let mut reaction = message("r1", "customer", "👍");
    reaction["message"]["type"] = json!("reaction");
    assert!(engine.event(reaction).decisions.is_empty());
    assert!(engine.customer("dua").decisions.is_empty());
    assert_eq!(engine.customer("tiga").fired()[0], "e4: third");
}

/// Proves D-20.
#[test]
fn messages_in_groups_do_not_count() {
    let mut engine = Engine::new(COUNTING);
    for id in 1..=4 {
        let mut group = message(&format!("g{id}"), "customer", "halo semua");
        group["chat"] = json!({"kind": "group"});
        assert!(engine.event(group).decisions.is_empty());
    }
    assert_eq!(engine.customer("satu").fired()[0], "e5: first");
}

/// Proves D-28.
#[test]
fn history_updates_state_and_fires_nothing() {
    let mut engine = Engine::new(COUNTING);
    for id in 1..=4 {
        let mut old = message(&format!("h{id}"), "customer", "lama");
        old["message"]["history"] = json!(true);
        assert!(engine.event(old).decisions.is_empty());
    }
    assert_eq!(engine.customer("baru").fired()[0], "e5: third");
}

/// Proves D-33.
#[test]
fn a_copy_is_known_for_eight_days() {
    let first = "2026-11-20T03:00:00.000Z";
    for (again, known) in [(first, true), ("2026-11-27T03:00:00.000Z", true), ("2026-11-28T02:59:59.999Z", true)] {
        for by_event in [true, false] {
            let mut engine = Engine::new(COUNTING);
            let mut event = message("e1", "customer", "satu");
            event["occurred_at"] = json!(first);
            engine.event(event.clone());
            event["occurred_at"] = json!(again);
            if !by_event {
                event["id"] = json!("another id");
            }
            assert_eq!(engine.try_event(event).0 == Applied::Duplicate, known, "{again}");
        }
    }
}

/// Proves D-28.
#[test]
fn ten_thousand_old_messages_fire_nothing_and_the_next_live_one_does() {
    let mut engine = Engine::new(
        "
workspace: acme
rules:
  - {id: any, name: Any, trigger: [message.created, lead.created, conversation.created], actions: [{type: add_tag, value: x}]}
",
    );
    let mut decisions = 0;
    for n in 0..10_000 {
        let mut old = message(&format!("h{n}"), if n % 3 == 0 { "team" } else { "customer" }, "lama");
        old["conversation"]["id"] = json!(format!("c{}", n % 100));
        old["lead"]["id"] = json!(format!("l{}", n % 100));
        old["message"]["history"] = json!(true);
        decisions += engine.event(old).decisions.len();
    }
    assert_eq!(decisions, 0);
    assert_eq!(engine.partition.len(), (100, 100), "they are folded all the same");
    assert_eq!(engine.event(message("live", "customer", "baru")).fired()[0], "live: any");
}

const INTRODUCED: &str = "
workspace: acme
rules:
  - {id: lead, name: Lead, trigger: lead.created, actions: [{type: add_tag, value: new-lead, on: lead}]}
  - {id: conversation, name: Conversation, trigger: conversation.created, actions: [{type: add_tag, value: new-chat}]}
  - {id: added, name: Added, trigger: message_added, actions: [{type: set_priority, value: high, of: conversation}]}
";

/// Proves F-142 and F-143.
#[test]
fn a_lead_and_a_conversation_first_seen_are_introduced_before_the_event() {
    let mut engine = Engine::new(INTRODUCED);
    let first = engine.customer("halo");
    assert_eq!(first.fired(), ["e1/lead: lead", "e1/conversation: conversation"]);
    assert_eq!(first.decisions[0]["depth"], json!(0));
    assert_eq!(first.decisions[0]["root_id"], json!("e1"));
    // F-143: the trigger for later messages does not fire for the one that opened the conversation.
    assert_eq!(engine.customer("halo lagi").fired()[0], "e2: added");
}

#[test]
fn an_event_that_introduces_a_lead_itself_is_not_preceded_by_another() {
    let mut engine = Engine::new(INTRODUCED);
    let created = engine.event(json!({"type": "lead.created", "lead": {"id": "l9", "city": "Bandung"}}));
    assert_eq!(created.fired(), ["e1: lead"]);
    let lead = engine.lead("l9").facts;
    assert_eq!(lead.status.unwrap(), "new");
    assert_eq!(lead.city.unwrap(), "Bandung");
}

/// Proves D-27.
#[test]
fn ids_are_derived_from_the_channel_and_the_sender() {
    let mut engine = Engine::new(INTRODUCED);
    let bare = |id: &str, sender: &str| -> Value {
        json!({"id": id, "channel": {"kind": "whatsapp", "account": "6281110001"},
            "sender": {"kind": "customer", "id": sender}, "message": {"id": id, "text": "halo"}})
    };
    let first = engine.event(bare("a", "+62 812-3456-789"));
    assert_eq!(first.decisions[0]["lead"], json!("wa:628123456789"));
    assert_eq!(first.decisions[0]["conversation"], json!("wa:6281110001:628123456789"));
    // The same person, written as a JID with a device suffix (D-27).
    assert_eq!(engine.event(bare("b", "628123456789:12@s.whatsapp.net")).fired()[0], "b: added");
}

#[test]
fn facts_of_an_event_are_known_to_its_rules() {
    let mut engine = Engine::new(
        "
workspace: acme
rules:
  - {id: vip, name: VIP, trigger: message.created, conditions: [{field: lead.tags, op: contains, value: vip}, {field: lead.status, op: equals, value: hot}], actions: [{type: assign, value: senior}]}
",
    );
    let mut stated = message("e1", "customer", "halo");
    stated["lead"] = json!({"id": "l1", "tags": ["vip"], "status": "hot"});
    assert_eq!(engine.event(stated).fired()[0], "e1: vip");
    assert_eq!(engine.customer("halo lagi").fired()[0], "e2: vip", "the facts stay known");
}

/// Proves F-16.
#[test]
fn a_status_change_to_the_same_status_is_no_change() {
    let mut engine = Engine::new(
        "
workspace: acme
rules:
  - {id: changed, name: Changed, trigger: lead.status_changed, actions: [{type: add_tag, value: changed, on: lead}]}
",
    );
    let change = |from: &str, to: &str| json!({"type": "lead.status_changed", "lead": {"id": "l1"}, "change": {"from": from, "to": to}});
    assert_eq!(engine.event(change("new", "hot")).fired()[0], "e1: changed");
    assert_eq!(engine.lead("l1").facts.status.unwrap(), "hot");
    assert!(engine.event(change("hot", "hot")).decisions.is_empty());
}

/// Proves D-26.
#[test]
fn a_rule_changes_no_lead_in_a_group_unless_it_is_allowed_to() {
    let rules = |allow: bool| {
        format!(
            "
workspace: acme
rules:
  - {{id: hot, name: Hot, trigger: message.created, allow_group: {allow}, actions: [{{type: set_status, value: hot}}]}}
"
        )
    };
    let mut group = message("g1", "customer", "mau order");
    group["chat"] = json!({"kind": "group"});
    let refused = Engine::new(&rules(false)).event(group.clone());
    assert_eq!(refused.effects(), ["suppressed not_allowed_in_group"]);
    assert_eq!(Engine::new(&rules(true)).event(group).effects(), ["applied"]);
}

/// Found by the simulation (seed 10 of 300 events): a restored conversation knew its customer, the one that went on did not.
#[test]
fn a_customer_who_edits_or_reacts_before_they_write_is_known_once_they_write() {
    let rules = "
workspace: acme
rules:
  - {id: answer, name: Answer, trigger: message.created, conditions: [{field: message.text, op: contains, value: halo}], actions: [{type: send_message, value: ya}]}
";
    for before in [json!({"type": "message.edited"}), json!({"message": {"id": "m0", "type": "reaction", "text": "x"}})]
    {
        let mut engine = Engine::new(rules);
        let mut event = message("r1", "customer", "x");
        event["sender"]["id"] = json!("0812-3456-789");
        for (key, value) in before.as_object().unwrap() {
            event[key] = value.clone();
        }
        assert!(engine.event(event).actions.is_empty());
        let mut event = message("e2", "customer", "halo");
        event["sender"]["id"] = json!("0812-3456-789");
        let actions = engine.event(event).actions;
        assert!(actions[0].to_string().contains("08123456789"), "{before}: {}", actions[0]);
    }
}
