//! Whatever rules copy, an event ends within its steps, and so does what is written of it.

use kilat_codec::json;
use kilat_domain::{Action, Decision};
use kilat_engine::Outputs;
use kilat_rules::{BUDGET_EXCEEDED, STEPS_MAX};
use serde_json::{Value, json};

use super::support::{Engine, message};

/// Bytes that a step may bring into the records of an event.
const BYTES_A_STEP: usize = 128;
/// Bytes of ids, names and keys in one action, and of its place in the decision.
const FRAME_BYTES: usize = 1_000;

/// Counts what is written.
#[derive(Default)]
struct Written {
    bytes: usize,
    actions: usize,
    exceeded: bool,
}

impl Outputs for Written {
    fn decision(&mut self, decision: &Decision<'_>) {
        let line = json::decision_to_line(decision);
        self.bytes += line.len();
        self.exceeded |= line.contains(BUDGET_EXCEEDED);
    }

    fn action(&mut self, action: &Action<'_>) {
        self.bytes += json::action_to_line(action).len();
        self.actions += 1;
    }
}

/// What an event with long texts writes where 120 rules do an action five times over, and the steps it takes.
fn written(action: &Value) -> (Written, u32) {
    let rule = |n: usize| json!({"id": format!("r{n}"), "trigger": "message.created", "actions": vec![action; 5]});
    let rules: Vec<Value> = (0..120).map(rule).collect();
    let mut engine = Engine::new(&json!({"workspace": "acme", "rules": rules}).to_string());
    let long = "panjang ".repeat(1_000);
    let mut event = message("e1", "customer", &long);
    event["lead"] = json!({"id": "l1", "notes": long, "attrs": {"long": long, "list": vec!["kata"; 2_000]}});
    let line = engine.line(event);
    let event = json::event_from_line(&line).unwrap();
    let mut written = Written::default();
    engine.partition.apply(&event, Some(&engine.rules), event.occurred_at, &mut written);
    (written, engine.partition.steps())
}

#[test]
fn rules_that_copy_long_texts_end_with_the_budget_and_write_no_more_than_it_allows() {
    let text = "{{message.text}} {{lead.attrs.long}}";
    let payload: serde_json::Map<String, Value> = (0..50).map(|n| (format!("k{n}"), text.into())).collect();
    for action in [
        json!({"type": "send_webhook", "to": "https://hooks.example/x", "payload": payload}),
        json!({"type": "send_template", "value": "promo", "parameters": vec![text; 50]}),
        json!({"type": "send_email", "to": "a@b.example", "subject": text, "text": text}),
        json!({"type": "send_webhook", "to": "https://hooks.example/x"}),
    ] {
        let (written, steps) = written(&action);
        assert!(written.exceeded, "{action}");
        assert_eq!(steps, STEPS_MAX, "{action}");
        let most = STEPS_MAX as usize * BYTES_A_STEP + (written.actions + 1) * FRAME_BYTES;
        assert!(written.bytes <= most, "{} bytes of {most} by {action}", written.bytes);
        assert!(written.actions > 0, "as much is done as there are steps for: {action}");
    }
}

#[test]
fn rules_that_rewrite_long_texts_of_the_state_end_with_the_budget() {
    for action in [
        json!({"type": "add_note", "value": "{{message.text}}", "on": "lead"}),
        json!({"type": "set_field", "field": "lead.attrs.long", "value": "{{message.text}} {{lead.attrs.long}}"}),
    ] {
        let (written, steps) = written(&action);
        assert!(written.exceeded, "{action}");
        assert_eq!(steps, STEPS_MAX, "{action}");
    }
}

#[test]
fn a_command_that_fits_no_record_is_refused_and_the_decision_says_so() {
    let text = "{{message.text}}".repeat(2);
    let payload: serde_json::Map<String, Value> = (0..70).map(|n| (format!("k{n}"), (&*text).into())).collect();
    let small = json!({"type": "send_webhook", "to": "https://hooks.example/x", "payload": {"k": text}});
    let large = json!({"type": "send_webhook", "to": "https://hooks.example/x", "payload": payload});
    let rules = json!([{"id": "r", "trigger": "message.created", "actions": [large, small]}]);
    let mut engine = Engine::new(&json!({"workspace": "acme", "rules": rules}).to_string());
    let line = engine.line(message("e1", "customer", &"panjang ".repeat(1_000)));
    let event = json::event_from_line(&line).unwrap();
    let mut told = Told::default();
    engine.partition.apply(&event, Some(&engine.rules), event.occurred_at, &mut told);
    // 70 times 2 times 8,000 bytes are more than the 1 MiB of a record.
    let effects = &told.decisions[0]["fired"][0]["actions"];
    assert_eq!((&effects[0]["result"], &effects[0]["reason"]), (&json!("failed"), &json!("too_large")));
    assert_eq!(effects[1]["result"], "queued");
    assert_eq!(told.actions, 1);
}

/// Keeps decisions, and counts actions.
#[derive(Default)]
struct Told {
    decisions: Vec<Value>,
    actions: usize,
}

impl Outputs for Told {
    fn decision(&mut self, decision: &Decision<'_>) {
        self.decisions.push(serde_json::from_str(&json::decision_to_line(decision)).unwrap());
    }

    fn action(&mut self, _: &Action<'_>) {
        self.actions += 1;
    }
}

#[test]
fn many_rules_may_look_at_one_long_text_of_the_state_as_it_is_folded_once() {
    let rule = |n: usize| {
        let op = ["contains", "starts_with", "ends_with", "contains_word"][n % 4];
        let conditions = json!([{"field": "lead.notes", "op": op, "value": format!("kata {n}")}]);
        json!({"id": format!("r{n}"), "trigger": "message.created", "conditions": conditions,
            "actions": [{"type": "add_tag", "value": "found"}]})
    };
    let rules: Vec<Value> = (0..200).map(rule).collect();
    let mut engine = Engine::new(&json!({"workspace": "acme", "rules": rules}).to_string());
    let mut event = message("e1", "customer", "halo");
    // 8 KB beyond ASCII: folded for each of the rules, it would take seven times the budget.
    event["lead"] = json!({"id": "l1", "notes": "é".repeat(4_096)});
    let line = engine.line(event);
    let event = json::event_from_line(&line).unwrap();
    let mut written = Written::default();
    engine.partition.apply(&event, Some(&engine.rules), event.occurred_at, &mut written);
    assert!(!written.exceeded);
    assert!(engine.partition.steps() < STEPS_MAX / 3 * 2, "{}", engine.partition.steps());
}

#[test]
fn keywords_that_each_hold_the_one_before_are_paid_for_where_a_long_text_holds_them_all() {
    let words: Vec<String> = (1..=200).map(|n| "a".repeat(n)).collect();
    let conditions = json!([{"field": "message.text", "op": "not_contains_word", "value": words}]);
    let actions = json!([{"type": "add_tag", "value": "found"}]);
    let rules = json!([{"id": "r", "trigger": "message.created", "conditions": conditions, "actions": actions}]);
    let document = json!({"workspace": "acme", "rules": rules}).to_string();
    for (bytes, exceeded) in [(200, false), (60_000, true)] {
        let mut engine = Engine::new(&document);
        let line = engine.line(message("e1", "customer", &"a".repeat(bytes)));
        let event = json::event_from_line(&line).unwrap();
        let mut written = Written::default();
        engine.partition.apply(&event, Some(&engine.rules), event.occurred_at, &mut written);
        assert_eq!(written.exceeded, exceeded, "{bytes} bytes, {} steps", engine.partition.steps());
    }
}

#[test]
fn an_ordinary_event_takes_a_small_part_of_its_budget() {
    let mut engine = Engine::new(
        &json!({"workspace": "acme", "rules": [
            {"id": "hot", "trigger": "message.created", "conditions": [{"field": "message.text", "op": "contains", "value": "harga"}],
                "actions": [{"type": "add_tag", "value": "hot"}, {"type": "send_message", "value": "Halo {{lead.name|kak}}"}]},
        ]})
        .to_string(),
    );
    engine.customer("berapa harga paket yang besar?");
    let steps = engine.partition.steps();
    assert!(steps > 0 && steps < STEPS_MAX / 500, "{steps}");
}

/// Decisions of events where a rule fired; whoever listens to every event may be told of the others, too.
struct Fires {
    every_event: bool,
    decisions: Vec<String>,
    told: usize,
}

impl Outputs for Fires {
    fn every_event(&self) -> bool {
        self.every_event
    }

    fn decision(&mut self, decision: &Decision<'_>) {
        self.told += 1;
        if !decision.fired.is_empty() {
            self.decisions.push(json::decision_to_line(decision));
        }
    }

    fn action(&mut self, _: &Action<'_>) {}
}

/// An event that no rule listens to is not made where nobody wants to know of it; ids and steps are as if it were.
#[test]
fn caused_events_that_nobody_hears_have_their_numbers_and_take_their_steps() {
    let change = |n: usize| json!([{"type": "set_status", "value": format!("s{n}")}, {"type": "add_tag", "value": format!("t{n}")}]);
    let greeted = json!([{"field": "message.text", "op": "contains", "value": "halo"}]);
    let rule = |n: usize| json!({"id": format!("r{n}"), "trigger": "message.created", "conditions": greeted, "actions": change(n + 1)});
    let statuses: Vec<Value> = (0..=150).map(|n| format!("s{n}").into()).collect();
    for count in [1, 3, 150] {
        let mut rules: Vec<Value> = (0..count).map(rule).collect();
        rules.push(
            json!({"id": "tagged", "trigger": "tag.added", "actions": [{"type": "set_priority", "value": "high"}]}),
        );
        let rules = json!({"workspace": "acme", "settings": {"statuses": statuses}, "rules": rules}).to_string();
        let run = |every_event| {
            let mut engine = Engine::new(&rules);
            // Lead and conversation are known by then: what introduces them is made where every event is wanted.
            engine.event(message("e0", "customer", "pagi"));
            let line = engine.line(message("e1", "customer", "halo"));
            let event = json::event_from_line(&line).unwrap();
            let mut fires = Fires { every_event, decisions: Vec::new(), told: 0 };
            let applied = engine.partition.apply(&event, Some(&engine.rules), event.occurred_at, &mut fires);
            (applied, engine.partition.steps(), fires)
        };
        let (all, few) = (run(true), run(false));
        assert!(all.2.told > few.2.told, "some are heard by nobody");
        assert!(few.2.decisions.len() > 1, "and some are heard");
        assert_eq!((few.0, few.1, few.2.decisions), (all.0, all.1, all.2.decisions), "{count} rules");
    }
}
