//! Order, stopping, visibility, rollback and loops: D-7 and D-34 … D-40.

use serde_json::json;

use crate::support::{Engine, message};

/// Proves F-182 and D-34.
#[test]
fn rules_run_by_priority_then_age_then_id() {
    let mut engine = Engine::new(
        "
workspace: acme
rules:
  - {id: c, name: C, trigger: lead.updated, created_at: 2026-02-01T00:00:00Z, actions: [{type: add_tag, value: c}]}
  - {id: b, name: B, trigger: lead.updated, created_at: 2026-01-01T00:00:00Z, actions: [{type: add_tag, value: b}]}
  - {id: a, name: A, trigger: lead.updated, created_at: 2026-02-01T00:00:00Z, actions: [{type: add_tag, value: a}]}
  - {id: z, name: Z, trigger: lead.updated, created_at: 2026-03-01T00:00:00Z, priority: 90, actions: [{type: add_tag, value: z}]}
",
    );
    let updated = json!({"type": "lead.updated", "lead": {"id": "l1"}, "conversation": {"id": "c1"}});
    assert_eq!(engine.event(updated).fired()[0], "e1: z, b, a, c");
}

/// Proves F-183 and D-36.
#[test]
fn a_later_rule_sees_what_an_earlier_one_changed() {
    let mut engine = Engine::new(
        "
workspace: acme
rules:
  - {id: first, name: First, priority: 60, trigger: message.created, actions: [{type: add_tag, value: vip, on: lead}]}
  - id: second
    name: Second
    trigger: message.created
    conditions: [{field: lead.tags, op: contains, value: vip}]
    actions: [{type: set_status, value: hot}]
",
    );
    assert_eq!(engine.customer("halo").fired()[0], "e1: first, second");
}

/// Proves F-97 and D-35.
#[test]
fn stop_processing_ends_the_pass_but_not_the_events_it_caused() {
    let mut engine = Engine::new(
        "
workspace: acme
rules:
  - {id: one, name: One, priority: 90, trigger: message.created, actions: [{type: add_tag, value: one}]}
  - {id: two, name: Two, priority: 80, trigger: message.created, stop: true, actions: [{type: add_tag, value: two}, {type: set_status, value: hot}]}
  - {id: three, name: Three, priority: 70, trigger: message.created, actions: [{type: add_tag, value: three}]}
  - {id: on-tag, name: On tag, trigger: tag.added, conditions: [{field: tag.name, op: equals, value: two}], actions: [{type: add_tag, value: caused}]}
",
    );
    let answers = engine.customer("halo");
    assert_eq!(answers.fired()[0], "e1: one, two");
    assert_eq!(answers.decisions[0]["stopped_by"], "two");
    assert!(answers.fired().iter().any(|line| line.ends_with(": on-tag")), "{:?}", answers.fired());
}

/// Proves F-18 and D-37.
#[test]
fn a_caused_event_carries_its_cause_its_root_and_its_depth() {
    let mut engine = Engine::new(
        "
workspace: acme
rules:
  - {id: hot, name: Hot, trigger: message.created, actions: [{type: set_status, value: hot}]}
  - {id: on-hot, name: On hot, trigger: lead.status_changed, conditions: [{field: change.to, op: equals, value: hot}], actions: [{type: add_tag, value: seen}]}
  - {id: on-tag, name: On tag, trigger: tag.added, actions: [{type: set_priority, value: high, of: lead}]}
",
    );
    let answers = engine.customer("halo");
    let [first, second, third] = &answers.decisions[..] else { panic!("{:?}", answers.fired()) };
    assert_eq!((&first["depth"], &first["causation_id"], &first["root_id"]), (&json!(0), &json!(null), &json!("e1")));
    assert_eq!(
        (&second["depth"], &second["causation_id"], &second["root_id"]),
        (&json!(1), &json!("e1"), &json!("e1"))
    );
    assert_eq!(third["depth"], json!(2));
    assert_eq!(third["causation_id"], second["event_id"]);
    assert_eq!(third["root_id"], json!("e1"));
}

/// Proves D-39.
#[test]
fn setting_what_is_so_already_causes_nothing() {
    let mut engine = Engine::new(
        "
workspace: acme
rules:
  - {id: hot, name: Hot, trigger: message.created, actions: [{type: set_status, value: hot}]}
  - {id: on-hot, name: On hot, trigger: lead.status_changed, actions: [{type: add_tag, value: seen}]}
",
    );
    assert_eq!(engine.customer("halo").decisions.len(), 2);
    let again = engine.customer("halo lagi");
    assert_eq!(again.fired(), ["e2: hot"]);
    assert_eq!(again.effects(), ["unchanged"]);
}

/// Proves D-7.
#[test]
fn a_failed_required_action_rolls_its_rule_back_and_stops_it() {
    let mut engine = Engine::new(
        "
workspace: acme
rules:
  - id: paid
    name: Paid
    trigger: message.created
    conditions: [{field: sender.kind, op: equals, value: team}]
    actions:
      - {type: add_tag, value: paying, on: lead}
      - {type: update_value, target: actual, preset: flexible_rupiah, required: true}
      - {type: set_status, value: won}
",
    );
    let failed = engine.team("Payment received");
    assert_eq!(failed.effects(), ["suppressed rolled_back", "failed no_match", "suppressed required_failed"]);
    assert_eq!(failed.decisions.len(), 1, "nothing changed, nothing is caused");
    assert_eq!(engine.lead("l1").facts.status.unwrap(), "new");
    assert_eq!(engine.lead("l1").facts.tags, None);

    let paid = engine.team("Payment received Rp 1.500.000");
    assert_eq!(paid.effects(), ["applied", "applied", "applied"]);
    let lead = engine.lead("l1").facts;
    assert_eq!(lead.status.unwrap(), "won");
    assert_eq!(lead.value.unwrap().actual.unwrap().minor, 150_000_000, "1,500,000 rupiah in minor units");
}

const PING_PONG: &str = "
rules:
  - id: ping
    name: Ping
    trigger: [message.created, lead.status_changed]
    conditions: [{field: lead.status, op: not_equals, value: hot}]
    actions: [{type: set_status, value: hot}]
  - id: pong
    name: Pong
    trigger: lead.status_changed
    conditions: [{field: change.to, op: equals, value: hot}]
    actions: [{type: set_status, value: responded}]
";

/// Proves F-218 and D-38.
#[test]
fn a_loop_runs_five_cycles_and_is_quarantined() {
    let mut engine = Engine::new(&format!("workspace: acme\n{PING_PONG}"));
    let answers = engine.customer("halo");
    let lines = answers.fired();
    let fires = |rule: &str| lines.iter().filter(|line| line.ends_with(&format!(": {rule}"))).count();
    // The first fire, and five cycles (D-38).
    assert_eq!(fires("ping"), 6, "{lines:?}");
    assert!(answers.decisions.iter().any(|d| d["refused"] == json!([{"rule": "ping", "reason": "loop"}])), "{lines:?}");

    let next = engine.customer("halo lagi");
    let refused = &next.decisions[0]["refused"];
    let status = engine.lead("l1").facts.status.unwrap().to_string();
    assert!(status == "hot" || refused == &json!([{"rule": "ping", "reason": "quarantined"}]), "{refused}");
}

/// Proves D-38.
#[test]
fn strict_mode_disables_a_looping_rule_for_the_workspace_at_once() {
    let mut engine = Engine::new(&format!("workspace: acme\nsettings: {{strict_loops: true}}\n{PING_PONG}"));
    engine.customer("halo");
    let mut other = message("x1", "customer", "halo");
    other["conversation"] = json!({"id": "c2"});
    other["lead"] = json!({"id": "l2"});
    other["message"]["id"] = json!("wamid.x1");
    let answers = engine.event(other);
    assert!(
        answers.decisions.iter().any(|d| d["refused"] == json!([{"rule": "ping", "reason": "disabled"}])),
        "{:?}",
        answers.fired()
    );
}

#[test]
fn once_per_lead_fires_once_and_says_so_afterwards() {
    let mut engine = Engine::new(
        "
workspace: acme
rules:
  - {id: hello, name: Hello, trigger: message.created, once_per: lead, actions: [{type: add_tag, value: greeted}]}
",
    );
    assert_eq!(engine.customer("halo").fired()[0], "e1: hello");
    let again = engine.customer("halo").decisions;
    assert_eq!(again[0]["refused"], json!([{"rule": "hello", "reason": "once"}]));
}

/// Proves D-38.
#[test]
fn a_rule_that_loops_in_three_conversations_within_ten_minutes_is_disabled_in_all() {
    let mut engine = Engine::new(&format!("workspace: acme\n{PING_PONG}"));
    let mut say = |n: usize| {
        let mut event = message(&format!("x{n}"), "customer", "halo");
        event["conversation"] = json!({"id": format!("c{n}")});
        event["lead"] = json!({"id": format!("l{n}")});
        engine.event(event)
    };
    for n in 0..3 {
        assert!(say(n).decisions.iter().any(|d| d["refused"] == json!([{"rule": "ping", "reason": "loop"}])), "{n}");
    }
    let fourth = say(3);
    assert_eq!(fourth.decisions[0]["refused"], json!([{"rule": "ping", "reason": "disabled"}]));
}

/// Proves D-34.
#[test]
fn the_order_rules_are_saved_in_changes_no_decision() {
    let mut rules = vec![
        "{id: a, name: A, trigger: message.created, actions: [{type: add_tag, value: a}]}",
        "{id: b, name: B, priority: 60, trigger: message.created, actions: [{type: set_status, value: hot}]}",
        "{id: c, name: C, trigger: message.created, conditions: [{field: lead.status, op: equals, value: hot}], actions: [{type: add_tag, value: c}]}",
        "{id: d, name: D, priority: 60, created_at: 2026-01-01T00:00:00Z, trigger: message.created, actions: [{type: set_status, value: responded}]}",
        "{id: e, name: E, priority: 10, stop: true, trigger: [message.created, lead.status_changed], actions: [{type: add_tag, value: e}]}",
        "{id: f, name: F, class: fallback, priority: 99, trigger: message.created, actions: [{type: add_tag, value: f}]}",
    ];
    let decided = |rules: &[&str]| {
        let lines: Vec<String> = rules.iter().map(|rule| format!("  - {rule}\n")).collect();
        let mut engine = Engine::new(&format!("workspace: acme\nrules:\n{}", lines.concat()));
        let mut decisions = engine.customer("halo").decisions;
        // The hash names the file as it is saved.
        decisions.iter_mut().for_each(|decision| decision["rule_set"] = json!(null));
        decisions
    };
    let expected = decided(&rules);
    assert!(!expected.is_empty());
    // Every rotation of every swap of neighbours: enough to bring each rule before and behind each other one.
    for swap in 0..rules.len() - 1 {
        rules.swap(swap, swap + 1);
        for _ in 0..rules.len() {
            rules.rotate_left(1);
            assert_eq!(decided(&rules), expected, "{rules:#?}");
        }
    }
}

/// Proves F-226, D-43.
#[test]
fn an_event_that_costs_more_than_its_budget_keeps_what_was_done_and_names_the_first_rule_that_was_not_asked() {
    let rule = |n: usize| {
        format!(
            "  - {{id: slow{n:03}, name: S, trigger: message.created, conditions: [{{field: message.text, op: matches, value: '[a-z]{{1,{}}}[0-9]'}}], actions: [{{type: add_tag, value: slow}}]}}\n",
            20 + n % 10
        )
    };
    let slow: String = (0..500).map(rule).collect();
    let mut engine = Engine::new(&format!(
        "workspace: acme\nrules:\n  - {{id: first, name: F, priority: 90, trigger: message.created, actions: [{{type: add_tag, value: seen}}]}}\n  \
         - {{id: later, name: L, trigger: tag.added, actions: [{{type: set_status, value: hot}}]}}\n{slow}"
    ));
    let answers = engine.customer(&"apa kabar ".repeat(1_000));
    let decision = &answers.decisions[0];
    assert_eq!(decision["fired"][0]["rule"], "first");
    assert_eq!(decision["refused"][0]["reason"], "budget_exceeded");
    assert!(decision["refused"][0]["rule"].as_str().is_some_and(|rule| rule.starts_with("slow")), "{decision}");
    let caused = &answers.decisions[1];
    assert_eq!(caused["type"], "tag.added", "what the first rule did stays, and causes what it causes");
    assert_eq!(caused["refused"], json!([{"rule": "later", "reason": "budget_exceeded"}]));
    let next = engine.customer("apa kabar");
    assert_eq!(next.decisions[0]["refused"], json!([]), "the next event has a budget of its own");
}
