//! When a rule that matches may fire: `once_per`, `dedupe_group`, `class: fallback`, `apply_to`, group chats.

use kilat_domain::Timestamp;
use serde_json::{Value, json};

use crate::support::{Engine, block_of, conversation_of, message};

/// Rules of one workspace, from the lines of their list.
fn engine(rules: &str) -> Engine {
    Engine::new(&format!("workspace: acme\nrules:\n{rules}"))
}

/// A message at a time of its own.
fn at(id: &str, text: &str, at: &str) -> Value {
    let mut event = message(id, "customer", text);
    event["occurred_at"] = json!(at);
    event
}

/// The reasons for which rules were refused in the first decision.
fn refused(answers: &crate::support::Answers) -> Vec<&str> {
    let refused = answers.decisions[0]["refused"].as_array().unwrap().iter();
    refused.map(|entry| entry["reason"].as_str().unwrap()).collect()
}

#[test]
fn once_per_event_is_once_in_the_whole_chain_of_an_event() {
    let mut engine = engine(
        "
  - {id: greet, name: G, trigger: [message.created, tag.added], once_per: event, actions: [{type: add_tag, value: '{{message.id|x}}'}]}
  - {id: tag, name: T, trigger: message.created, actions: [{type: add_tag, value: other}]}
",
    );
    let answers = engine.customer("halo");
    assert_eq!(answers.fired(), ["e1: greet, tag", "e1#1:  refused greet", "e1#2:  refused greet"]);
    assert_eq!(engine.customer("halo").fired()[0], "e2: greet, tag", "another event has another turn");
}

#[test]
fn an_event_and_what_it_introduces_are_one_chain() {
    let mut engine = engine(
        "
  - {id: hello, name: H, trigger: [lead.created, conversation.created, message.created], once_per: event, actions: [{type: run_skill, value: greet}]}
",
    );
    assert_eq!(
        engine.customer("halo").fired(),
        ["e1/lead: hello", "e1/conversation:  refused hello", "e1:  refused hello"]
    );
    assert_eq!(engine.customer("halo lagi").fired(), ["e2: hello"]);
}

#[test]
fn once_per_conversation_and_lead_and_window_tell_their_turns_apart() {
    let rule = |id: &str, once: &str| {
        format!("  - {{id: {id}, name: R, trigger: message.created, once_per: {once}, actions: [{{type: block}}]}}\n")
    };
    let mut engine =
        engine(&[rule("conversation", "conversation"), rule("lead", "lead"), rule("day", "{window: 24h}")].concat());
    assert_eq!(engine.event(at("a", "x", "2026-11-20T03:00:00Z")).fired()[0], "a: conversation, day, lead");
    assert_eq!(engine.event(at("b", "x", "2026-11-21T02:59:59Z")).fired()[0], "b:  refused conversation, day, lead");
    assert_eq!(engine.event(at("c", "x", "2026-11-21T03:00:00Z")).fired()[0], "c: day refused conversation, lead");
    let mut elsewhere = at("d", "x", "2026-11-21T03:00:00Z");
    elsewhere["conversation"]["id"] = json!("c2");
    assert_eq!(engine.event(elsewhere).fired()[0], "d: conversation, day refused lead");
    // An event that comes late is no new turn.
    assert_eq!(engine.event(at("e", "x", "2026-11-20T12:00:00Z")).fired()[0], "e:  refused conversation, day, lead");
}

/// Proves D-40.
#[test]
fn of_a_dedupe_group_one_rule_fires_for_an_event() {
    let mut engine = engine(
        "
  - {id: a, name: A, trigger: message.created, priority: 60, dedupe_group: g, conditions: [{field: message.text, op: contains, value: harga}], actions: [{type: add_tag, value: a}]}
  - {id: b, name: B, trigger: message.created, dedupe_group: g, actions: [{type: add_tag, value: b}]}
  - {id: c, name: C, trigger: message.created, actions: [{type: add_tag, value: c}]}
  - {id: d, name: D, trigger: tag.added, dedupe_group: g, once_per: conversation, actions: [{type: add_tag, value: d}]}
",
    );
    let both = engine.customer("harga?");
    assert_eq!(both.fired()[0], "e1: a, c refused b");
    assert_eq!(refused(&both), ["dedupe"]);
    assert_eq!(both.fired()[1], "e1#1: d", "a caused event is an event of its own");
    assert_eq!(engine.customer("halo").fired()[0], "e2: b, c");
}

#[test]
fn a_rule_whose_required_action_failed_leaves_its_dedupe_group_to_the_next() {
    let mut engine = engine(
        "
  - {id: a, name: A, trigger: message.created, priority: 60, dedupe_group: g, actions: [{type: update_value, preset: flexible_rupiah}]}
  - {id: b, name: B, trigger: message.created, dedupe_group: g, actions: [{type: add_tag, value: b}]}
",
    );
    assert_eq!(engine.customer("tanpa angka").fired()[0], "e1: a, b");
    assert_eq!(engine.customer("Rp 50.000").fired()[0], "e2: a refused b");
}

/// Proves D-35 and D-49.
#[test]
fn fallback_rules_run_last_and_only_if_nothing_answered() {
    let mut engine = engine(
        "
  - {id: away, name: A, trigger: message.created, priority: 100, class: fallback, actions: [{type: send_message, value: Nanti ya}]}
  - {id: price, name: P, trigger: message.created, conditions: [{field: message.text, op: contains, value: harga}], actions: [{type: send_message, value: Rp 5}]}
  - {id: stop, name: S, trigger: message.created, stop: true, conditions: [{field: message.text, op: contains, value: stop}], actions: [{type: add_tag, value: s}]}
  - {id: halt, name: H, trigger: message.created, stop: all, conditions: [{field: message.text, op: contains, value: halt}], actions: [{type: add_tag, value: h}]}
",
    );
    let answered = engine.customer("harga?");
    assert_eq!(answered.fired()[0], "e1: price refused away");
    assert_eq!(refused(&answered), ["replied"]);
    assert_eq!(engine.customer("halo").fired()[0], "e2: away");
    assert_eq!(
        engine.customer("stop").fired()[0],
        "e3: stop, away",
        "Stop Processing leaves fallback rules their turn"
    );
    assert_eq!(engine.customer("halt").fired()[0], "e4: halt", "`stop: all` does not");
}

/// Proves F-191 and D-41.
#[test]
fn a_rule_for_new_conversations_is_for_those_that_began_when_it_was_live() {
    let rule = |since: &str| {
        format!(
            "  - {{id: r, name: R, trigger: message.created, apply_to: new_conversations{since}, actions: [{{type: add_tag, value: new}}]}}\n"
        )
    };
    let mut offline = engine(&rule(""));
    assert_eq!(offline.event(at("a", "x", "2026-11-20T03:00:00Z")).fired()[0], "a: r", "never published: all are new");

    let mut live = engine(&rule(", live_since: '2026-11-20T04:00:00Z'"));
    assert!(live.event(at("a", "x", "2026-11-20T03:59:59Z")).fired().is_empty());
    assert!(live.event(at("b", "x", "2026-11-20T05:00:00Z")).fired().is_empty(), "the conversation began before");
    let mut fresh = at("c", "x", "2026-11-20T04:00:00Z");
    fresh["conversation"]["id"] = json!("c2");
    assert_eq!(live.event(fresh).fired()[0], "c: r");
}

/// Proves D-26.
#[test]
fn leads_change_from_group_chats_only_where_the_rule_allows_it() {
    let mut engine = engine(
        "
  - {id: closed, name: C, trigger: message.created, priority: 60, actions: [{type: set_status, value: hot}, {type: add_note, value: x}, {type: add_tag, value: t}]}
  - {id: open, name: O, trigger: message.created, allow_group: true, actions: [{type: set_status, value: hot}]}
",
    );
    // That it is a group shows in the id alone.
    let group = json!({"conversation": {"id": "6281-99@g.us"}, "lead": {"id": "l1"}, "message": {"text": "halo"},
        "sender": {"kind": "customer", "id": "628123456789@s.whatsapp.net"}, "channel": {"kind": "whatsapp"}});
    let answers = engine.event(group);
    assert_eq!(answers.effects(), ["suppressed not_allowed_in_group", "suppressed not_allowed_in_group", "applied"]);
    assert_eq!(answers.decisions[0]["fired"][1]["actions"][0]["result"], "applied");
}

/// Proves F-169.
#[test]
fn a_snooze_carries_its_end_in_the_decision_and_in_the_state() {
    let mut engine = engine(
        "  - {id: snooze, name: S, trigger: message.created, actions: [{type: set_conversation_status, value: snooze, for: 90m}]}\n",
    );
    let answers = engine.event(at("a", "besok ya", "2026-11-20T03:00:00Z"));
    let effect = &answers.decisions[0]["fired"][0]["actions"][0];
    assert_eq!(
        *effect,
        json!({"index": 0, "type": "set_conversation_status", "result": "applied", "from": "open",
        "to": "snoozed", "until": "2026-11-20T04:30:00.000Z"})
    );
    let conversation = conversation_of(&block_of(&mut engine.partition));
    let until = conversation.details.as_ref().and_then(|details| details.snoozed_until);
    assert_eq!(until.unwrap().to_string(), "2026-11-20T04:30:00.000Z");
}

/// Proves F-48.
#[test]
fn a_later_rule_sees_a_note() {
    let mut engine = engine(
        "
  - {id: note, name: N, trigger: message.created, priority: 60, actions: [{type: add_note, value: 'asked: {{message.text}}'}]}
  - {id: seen, name: S, trigger: message.created, conditions: [{field: lead.notes, op: contains, value: 'asked: harga'}], actions: [{type: add_tag, value: seen}]}
",
    );
    assert_eq!(engine.customer("harga?").fired()[0], "e1: note, seen");
    engine.customer("ongkir?");
    assert_eq!(engine.lead("l1").facts.notes.as_deref(), Some("asked: harga?\nasked: ongkir?"));
}

/// Proves D-36.
#[test]
fn parallel_actions_say_so() {
    let mut engine = engine(
        "  - {id: p, name: P, trigger: message.created, parallel: true, actions: [{type: send_message, value: a}, {type: send_message, value: b, parallel: false}]}\n",
    );
    let parallel: Vec<_> = engine.customer("x").actions.iter().map(|action| action["parallel"].clone()).collect();
    assert_eq!(parallel, [json!(true), json!(null)]);
}

/// The staleness guard of `ttl`: an hour of lag sends no greeting, and what else the rule does is done.
#[test]
fn an_action_is_not_queued_once_its_ttl_has_passed_by_the_workers_clock() {
    let rules = "
  - {id: greet, name: G, trigger: message.created, actions: [{type: send_message, value: Halo!, ttl: 10m}, {type: send_message, value: Later!}, {type: add_tag, value: greeted}]}
";
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let results = |clock: Option<&str>| {
        let mut engine = engine(rules);
        engine.partition.tell_time(clock.map(time));
        let answers = engine.event(at("e1", "halo", "2026-11-20T03:00:00Z"));
        (answers.effects(), answers.actions.len())
    };
    let queued = || (["queued", "queued", "applied"].map(str::to_owned).to_vec(), 2);
    assert_eq!(results(Some("2026-11-20T03:09:59.999Z")), queued());
    let expired = ["suppressed expired", "queued", "applied"].map(str::to_owned).to_vec();
    assert_eq!(results(Some("2026-11-20T03:10:00Z")), (expired.clone(), 1));
    assert_eq!(results(Some("2026-11-20T04:00:00Z")), (expired, 1));
    assert_eq!(results(None), queued(), "where there is no clock, time stands still");
    assert_eq!(results(Some("2026-11-20T02:00:00Z")), queued(), "a clock behind the event's");
}
