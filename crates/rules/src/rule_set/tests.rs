//! Rules of the contract, evaluated.

mod agreement;

use kilat_domain::{Conversation, Event, Lead, Patch, Timestamp};
use serde_json::{Map, Value, json};

use crate::free_form;
use crate::tests::Staged;
use crate::{Facts, Planned, RuleSet, Scratch, compile, load};

const CONTRACT: &str = r#"
workspace: acme
settings:
  timezone: Asia/Jakarta
  statuses: [{id: new, label: {en: New, id: Baru}}, {id: responded}, {id: hot}, {id: won, aliases: [purchase]}]
  business_hours: {mon: [["09:00","12:00"],["13:00","17:00"]], sat: [["09:00","12:00"]], holidays: ["2026-12-25"]}
endpoints:
  crm: {url: "https://crm.example/hook", secret: "env:CRM_HOOK_SECRET"}
rules:
  - id: hot-lead
    name: Identify hot lead
    enabled: true
    priority: 50
    trigger: message.created
    scope: {channels: ["6281110001"], sources: [wa_api]}
    conditions:
      - {field: message.text, op: contains, value: [order, buy, booking]}
      - any:
          - {field: lead.status, op: equals, value: responded}
          - {field: lead.score, op: gte, value: 80}
    actions:
      - {type: set_status, value: hot}
      - {type: send_webhook, to: crm}
    stop: false
    class: normal
    once_per: null
    apply_to: all
    allow_group: false
"#;

fn rule_set(text: &str) -> RuleSet {
    let loaded = load("rules.yaml", text);
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    compile(&loaded.documents[0]).expect("compiles")
}

#[test]
fn the_contracts_example_fires_on_its_event() {
    let line = r#"{"id":"e1","workspace":"acme","type":"message.created","occurred_at":1763607600000,
        "channel":{"kind":"whatsapp","account":"6281110001","source":"wa_api"},"chat":{"kind":"direct"},
        "sender":{"kind":"customer","id":"628123456789@s.whatsapp.net","name":"Budi"},
        "message":{"id":"wamid.X","type":"text","text":"mau order dong","reply_to":null,"history":false}}"#;
    let event: Event<'_> = serde_json::from_str(line).expect("parses");
    let rules = rule_set(CONTRACT);
    let mut scratch = Scratch::new();
    let mut lead = Lead::new("responded");
    let conversation = Conversation::new(Timestamp(0));
    for (status, expected) in [("responded", Some("hot-lead")), ("new", None)] {
        lead.status = status.into();
        let facts = Facts {
            event: &event,
            lead: Some(&lead),
            conversation: Some(&conversation),
            first_contact: false,
            conversation_is_new: false,
        };
        let mut pass = rules.pass(&event, &mut scratch);
        let fired = pass.next(&facts);
        assert_eq!(fired.map(|rule| rule.id()), expected);
        if let Some(rule) = fired {
            assert_eq!(pass.plan(rule, &rule.actions()[0], &facts), Planned::Patch(Patch::LeadStatus("hot".into())));
            assert!(pass.next(&facts).is_none());
        }
    }
}

#[test]
fn canonical_json_loads_back_to_the_same_document() {
    let document = load("rules.yaml", CONTRACT).documents.remove(0);
    let json = document.canonical_json();
    let again = load("rules.json", &json);
    assert!(again.diagnostics.is_empty(), "{:#?}", again.diagnostics);
    assert_eq!(again.documents[0].canonical_json(), json);
    assert_eq!(again.documents[0].hash(), document.hash());
}

/// The rules of a document that hold for an event, in evaluation order.
fn fired(document: &str, event: &Value) -> Vec<String> {
    let rules = rule_set(document);
    let staged = Staged::of(event, rules.settings());
    let mut scratch = Scratch::new();
    let mut pass = rules.pass(&staged.event, &mut scratch);
    let mut ids = Vec::new();
    while let Some(rule) = pass.next(&staged.facts()) {
        ids.push(rule.id().to_owned());
    }
    ids
}

/// What `next_explained` tells of every rule, as plain JSON.
fn explained(document: &str, event: &Value) -> Vec<Value> {
    let rules = rule_set(document);
    let staged = Staged::of(event, rules.settings());
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    let mut pass = rules.pass(&staged.event, &mut scratch);
    while pass.next_explained(&staged.facts(), &mut out).is_some() {}
    let plain = |rule: &kilat_domain::Evaluated<'_>| {
        let first_false = rule.first_false.as_ref().map(|first| {
            let (expected, observed) = (free_form::to_json(&first.expected), free_form::to_json(&first.observed));
            json!({"path": first.path, "field": first.field, "op": first.op, "expected": expected, "observed": observed})
        });
        let conditions: Map<String, Value> =
            rule.conditions.iter().map(|held| (held.path.to_string(), json!(held.holds))).collect();
        json!({"rule": rule.rule, "version": rule.version, "matched": rule.matched, "first_false": first_false,
            "conditions": conditions})
    };
    out.iter().map(plain).collect()
}

/// Proves D-34.
#[test]
fn the_order_is_class_priority_age_and_id_however_rules_are_saved() {
    let rule =
        |id: &str, more: &str| format!("  - {{id: {id}, trigger: new_lead, actions: [{{type: block}}]{more}}}\n");
    let mut rules = [
        rule("last-fallback", ", class: fallback, priority: 1, once_per: event"),
        rule("first-fallback", ", class: fallback, priority: 100, once_per: event"),
        rule("low", ", priority: 1"),
        rule("b", ""),
        rule("a", ""),
        rule("newer", ", priority: 60, created_at: 2026-02-01T00:00:00Z"),
        rule("older", ", priority: 60, created_at: 2026-01-01T00:00:00Z"),
        rule("off", ", priority: 100, enabled: false"),
    ];
    let expected = ["older", "newer", "a", "b", "low", "first-fallback", "last-fallback"];
    for _ in 0..rules.len() {
        rules.rotate_left(3);
        let document = format!("workspace: acme\nrules:\n{}", rules.concat());
        assert_eq!(fired(&document, &json!({"type": "lead.created"})), expected);
    }
}

/// Proves D-23.
#[test]
fn triggers_see_their_events_only() {
    let document = |trigger: &str| {
        format!(
            "workspace: acme\nrules: [{{id: r, trigger: {trigger}, actions: [{{type: set_status, value: hot}}]}}]\n"
        )
    };
    for (trigger, event, expected) in [
        ("message.created", json!({}), true),
        ("incoming_message", json!({}), true),
        ("message.created", json!({"sender": {"kind": "team"}}), false),
        ("message.created", json!({"sender": null}), false),
        ("message.created", json!({"type": "message.edited"}), false),
        ("[message.created, message.edited]", json!({"type": "message.edited"}), true),
        ("message_added", json!({}), true),
        ("message_added", json!({"state": {"conversation_is_new": true}}), false),
        ("message_added", json!({"sender": {"kind": "team"}}), false),
        ("[message_added, message.created]", json!({"state": {"conversation_is_new": true}}), true),
        ("new_lead", json!({"type": "lead.created"}), true),
        ("status_change", json!({"type": "lead.status_changed"}), true),
        ("status_change", json!({"type": "conversation.status_changed"}), false),
        ("status_changed", json!({"type": "conversation.status_changed"}), true),
        ("conversation_created", json!({"type": "conversation.created"}), true),
        ("tag_added", json!({"type": "tag.added"}), true),
        ("skill_fired", json!({"type": "skill.fired"}), true),
        ("inbound_webhook", json!({"type": "webhook.received"}), true),
    ] {
        assert_eq!(!fired(&document(trigger), &event).is_empty(), expected, "{trigger} on {event}");
    }
}

#[test]
fn scope_narrows_to_channels_and_partners() {
    let document = "workspace: acme\nrules: [{id: r, trigger: new_lead, actions: [{type: block}], \
                    scope: {channels: ['+62 811-1000-1'], sources: [wa_api]}}]\n";
    for (channel, expected) in [
        (json!({"kind": "whatsapp", "account": "628111000 99", "source": "wa_api"}), false),
        (json!({"kind": "whatsapp", "account": "6281110001", "source": "wa_api"}), true),
        (json!({"kind": "whatsapp", "account": "6281110001", "source": "qontak"}), false),
        (json!({"kind": "whatsapp", "account": "6281110002", "source": "wa_api"}), false),
        (json!({"kind": "whatsapp"}), false),
    ] {
        let event = json!({"type": "lead.created", "channel": channel});
        assert_eq!(!fired(document, &event).is_empty(), expected, "{event}");
    }
}

/// Proves F-160 and D-12.
#[test]
fn groups_follow_the_truth_table() {
    let document = |conditions: &str| {
        format!(
            "workspace: acme\nrules: [{{id: r, trigger: new_lead, conditions: [{conditions}], actions: [{{type: set_status, value: hot}}]}}]\n"
        )
    };
    let a = "{field: lead.score, op: gte, value: 10}";
    let b = "{field: lead.city, op: equals, value: bogor}";
    for (conditions, truth) in [
        (format!("{a}, {b}"), [false, false, false, true]),
        (format!("{{all: [{a}, {b}]}}"), [false, false, false, true]),
        (format!("{{any: [{a}, {b}]}}"), [false, true, true, true]),
        (format!("{{none: [{a}, {b}]}}"), [true, false, false, false]),
        (format!("{{none: [{{all: [{a}, {b}]}}]}}"), [true, true, true, false]),
        (format!("{{any: [{{none: [{a}]}}, {{all: [{b}]}}]}}"), [true, false, true, true]),
    ] {
        for (row, expected) in truth.into_iter().enumerate() {
            let mut lead = json!({"score": 0, "city": "depok"});
            if row & 1 != 0 {
                lead["score"] = json!(10);
            }
            if row & 2 != 0 {
                lead["city"] = json!("Bogor");
            }
            let event = json!({"type": "lead.created", "lead": lead});
            assert_eq!(!fired(&document(&conditions), &event).is_empty(), expected, "{conditions} on {event}");
        }
    }
}

#[test]
fn later_rules_see_what_the_caller_changed_in_between() {
    let document = "workspace: acme\nrules:\n  - {id: a, priority: 60, trigger: new_lead, actions: [{type: set_status, value: hot}]}\n  \
                    - {id: b, trigger: new_lead, conditions: [{field: lead.status, op: equals, value: hot}], actions: [{type: block}]}\n";
    let rules = rule_set(document);
    let mut staged = Staged::of(&json!({"type": "lead.created"}), rules.settings());
    let mut scratch = Scratch::new();
    let mut pass = rules.pass(&staged.event, &mut scratch);
    let rule = pass.next(&staged.facts()).expect("it holds");
    assert_eq!(rule.id(), "a");
    let patch = Patch::LeadStatus("hot".into());
    assert_eq!(pass.plan(rule, &rule.actions()[0], &staged.facts()), Planned::Patch(patch.clone()));
    staged.lead.as_mut().expect("a lead").apply(&patch);
    let event = staged.event.clone();
    let facts = Facts { event: &event, ..staged.facts() };
    assert_eq!(pass.next(&facts).map(crate::Rule::id), Some("b"));
}

#[test]
fn an_explanation_names_the_first_condition_that_does_not_hold() {
    let document = "workspace: acme\nrules:\n  - id: r\n    trigger: message.created\n    scope: {sources: [wa_api]}\n    conditions:\n      \
                    - {field: message.text, op: matches, value: 'or.er'}\n      \
                    - any: [{field: lead.status, op: equals, value: hot}, {field: lead.score, op: gte, value: 80}]\n      \
                    - none: [{field: lead.city, op: equals, value: bogor}]\n    actions: [{type: block}]\n";
    let first_false = |event: Value| {
        let mut evaluated = explained(document, &event);
        assert_eq!(evaluated.len(), 1);
        evaluated.remove(0)["first_false"].take()
    };
    let channel = json!({"kind": "whatsapp", "source": "wa_api"});
    assert_eq!(
        first_false(json!({"channel": channel, "message": {"text": "halo"}})),
        json!({"path": "conditions[0]", "field": "message.text", "op": "matches", "expected": "or.er", "observed": "halo"})
    );
    assert_eq!(
        first_false(json!({"channel": channel, "message": {"text": "order"}})),
        json!({"path": "conditions[1].any[0]", "field": "lead.status", "op": "equals", "expected": "hot", "observed": "new"})
    );
    assert_eq!(
        first_false(json!({"channel": channel, "message": {"text": "order"}, "lead": {"score": 80, "city": "Bogor"}})),
        json!({"path": "conditions[2].none[0]", "field": "lead.city", "op": "none of equals", "expected": "bogor", "observed": "Bogor"})
    );
    assert_eq!(
        first_false(json!({"message": {"text": "order"}})),
        json!({"path": "scope", "field": "channel.source", "op": "in", "expected": ["wa_api"], "observed": null})
    );
    assert_eq!(
        first_false(json!({"channel": channel, "sender": {"kind": "bot"}})),
        json!({"path": "trigger", "field": "sender.kind", "op": "in", "expected": ["customer"], "observed": "bot"})
    );
    assert_eq!(
        first_false(json!({"channel": channel, "message": {"text": "order"}, "lead": {"score": 80}})),
        json!(null)
    );
}

#[test]
fn a_text_beyond_the_cap_is_searched_up_to_it() {
    let document = "workspace: acme\nrules: [{id: r, trigger: message.created, conditions: [{field: message.text, op: contains, value: order}], actions: [{type: block}]}]\n";
    let text = |padding: usize| json!({"message": {"text": format!("{}order", "é".repeat(padding))}});
    assert_eq!(fired(document, &text(30_000)).len(), 1);
    assert_eq!(fired(document, &text(500_000)).len(), 0);
}

#[test]
fn every_condition_is_told_as_true_false_or_not_reached() {
    let document = r#"
workspace: acme
rules:
  - id: r
    version: 4
    trigger: message.created
    conditions:
      - {field: message.text, op: contains, value: order}
      - any:
          - {field: lead.score, op: gte, value: 80}
          - {field: lead.city, op: equals, value: bogor}
          - {field: lead.city, op: equals, value: depok}
      - none:
          - {field: lead.status, op: equals, value: won}
          - {all: [{field: lead.status, op: equals, value: new}, {field: lead.source, op: equals, value: ads}]}
      - {field: lead.plan, op: equals, value: gold}
      - {field: lead.region, op: is_missing}
    actions: [{type: block}]
"#;
    let conditions = |event: Value| explained(document, &event).remove(0)["conditions"].take();
    assert_eq!(
        conditions(json!({"message": {"text": "halo"}})),
        json!({"conditions[0]": false, "conditions[1].any[0]": null, "conditions[1].any[1]": null,
            "conditions[1].any[2]": null, "conditions[2].none[0]": null, "conditions[2].none[1].all[0]": null,
            "conditions[2].none[1].all[1]": null, "conditions[3]": null, "conditions[4]": null})
    );
    let bogor = json!({"city": "Bogor", "plan": "gold", "source": "whatsapp"});
    assert_eq!(
        conditions(json!({"message": {"text": "order"}, "lead": bogor})),
        json!({"conditions[0]": true, "conditions[1].any[0]": false, "conditions[1].any[1]": true,
            "conditions[1].any[2]": null, "conditions[2].none[0]": false, "conditions[2].none[1].all[0]": true,
            "conditions[2].none[1].all[1]": false, "conditions[3]": true, "conditions[4]": true})
    );
    assert_eq!(
        conditions(json!({"message": {"text": "order"}, "lead": {"score": 90, "status": "won"}})),
        json!({"conditions[0]": true, "conditions[1].any[0]": true, "conditions[1].any[1]": null,
            "conditions[1].any[2]": null, "conditions[2].none[0]": true, "conditions[2].none[1].all[0]": null,
            "conditions[2].none[1].all[1]": null, "conditions[3]": null, "conditions[4]": null})
    );
    // A rule that does not see the event at all has not looked at any condition.
    let by_team = explained(document, &json!({"sender": {"kind": "team"}})).remove(0);
    assert_eq!(by_team["version"], 4);
    assert!(by_team["conditions"].as_object().expect("an object").values().all(Value::is_null), "{by_team}");
}

#[test]
fn what_was_read_out_of_a_message_is_told_with_everything_that_came_into_question() {
    let actions = "[{type: update_value, preset: flexible_rupiah}, \
                   {type: update_value, target: lead.attrs.size, pattern: 'size (\\S+)', policy: last}, \
                   {type: update_value, value: 5000}, {type: add_tag, value: paid}]";
    let document = format!("workspace: acme\nrules: [{{id: r, trigger: message.created, actions: {actions}}}]\n");
    let rules = rule_set(&document);
    let extracted = |text: &str| -> Vec<Value> {
        let staged = Staged::of(&json!({"message": {"text": text}}), rules.settings());
        let mut scratch = Scratch::new();
        let mut pass = rules.pass(&staged.event, &mut scratch);
        let facts = staged.facts();
        let rule = pass.next(&facts).expect("the rule holds");
        rule.actions().iter().map(|action| json!(pass.extracted(rule, action, &facts))).collect()
    };
    assert_eq!(
        extracted("DP Rp 500.000 sisa Rp 1.000.000, order 1234, size M bukan size XL"),
        [
            json!({"index": 0, "target": "actual", "candidates": ["Rp 500.000", "Rp 1.000.000"], "reason": "ambiguous"}),
            json!({"index": 0, "target": "lead.attrs.size", "candidates": ["M", "XL"], "value": "XL"}),
            json!(null),
            json!(null),
        ]
    );
    assert_eq!(
        extracted("sudah transfer Rp 50rb")[..2],
        [
            json!({"index": 0, "target": "actual", "candidates": ["Rp 50rb"], "value": "50000 IDR"}),
            json!({"index": 0, "target": "lead.attrs.size", "candidates": [], "reason": "no_match"}),
        ]
    );
}

/// Proves D-43.
#[test]
fn a_pass_ends_where_its_steps_do_and_says_before_which_rule() {
    // Nothing that a text must hold is known of these patterns, so that each is searched for in the whole of it.
    let rule = |n: usize| {
        format!(
            "  - {{id: r{n:03}, name: R, trigger: message.created, conditions: [{{field: message.text, op: matches, value: '[a-z]{{1,{}}}[0-9]'}}], actions: [{{type: set_status, value: hot}}]}}\n",
            20 + n % 10
        )
    };
    let rules: String = (0..500).map(rule).collect();
    let rules = rule_set(&format!("workspace: acme\nrules:\n{rules}"));
    let mut scratch = Scratch::new();
    let mut unasked = |text: String| {
        let staged = Staged::of(&json!({"message": {"text": text}}), rules.settings());
        let mut pass = rules.pass(&staged.event, &mut scratch);
        assert!(pass.next(&staged.facts()).is_none());
        pass.unasked().map(|rule| rule.id().to_owned())
    };
    assert_eq!(unasked("apa kabar".into()), None);
    let first = unasked("apa kabar ".repeat(1_000)).expect("too few steps");
    assert!(*first > *"r000" && *first < *"r499", "{first}");
    assert_eq!(unasked("apa kabar ".repeat(1_000)).as_deref(), Some(&*first), "the same steps, the same rule");
    assert_eq!(unasked("apa kabar".into()), None, "steps are those of one pass");
}

#[test]
fn what_is_left_of_an_events_steps_is_for_the_events_it_causes() {
    let rules = rule_set(
        "workspace: acme\nrules: [{id: r, name: R, trigger: new_lead, conditions: [{field: lead.city, op: equals, value: bogor}], actions: [{type: block}]}]\n",
    );
    let staged = Staged::of(&json!({"type": "lead.created", "lead": {"city": "Bogor"}}), rules.settings());
    let mut scratch = Scratch::new();
    let mut pass = rules.pass(&staged.event, &mut scratch);
    let rule = pass.next(&staged.facts()).expect("it holds");
    let _ = pass.plan(rule, &rule.actions()[0], &staged.facts());
    let left = pass.steps_left();
    assert!(left < crate::STEPS_MAX, "{left}");
    let mut pass = rules.pass_within(0, &staged.event, &mut scratch);
    assert!(pass.next(&staged.facts()).is_none());
    assert_eq!(pass.unasked().map(crate::Rule::id), Some("r"));
}

#[test]
fn a_rule_set_of_too_many_or_too_large_patterns_is_refused_with_the_number_and_the_limit() {
    let refusal = |rules: usize, patterns: usize, pattern: &str| {
        let value = vec![pattern; patterns];
        let rules: Vec<Value> = (0..rules)
            .map(|n| {
                let condition = json!({"field": "message.text", "op": "matches", "value": value});
                json!({"id": format!("r{n}"), "name": "R", "trigger": "message.created", "conditions": [condition], "actions": [{"type": "block"}]})
            })
            .collect();
        let loaded = load("rules", &json!({"workspace": "acme", "rules": rules}).to_string());
        let problems = compile(&loaded.documents[0]).expect_err("too much");
        problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    assert_eq!(refusal(2, 2_501, "abc"), ["the rule set has 5002 patterns, the limit is 5000"]);
    let large = refusal(6, 6, "\\w{1,10}x");
    assert!(large[0].ends_with("bytes once compiled, the limit is 5242880"), "{large:?}");
}

#[test]
fn reading_and_compiling_can_be_given_up_at_every_rule_and_never_come_to_half_a_rule_set() {
    use std::cell::Cell;
    let rule =
        |n| format!("  - {{id: r{n}, name: R, trigger: lead.created, actions: [{{type: set_status, value: hot}}]}}\n");
    let text = format!("workspace: acme\nrules:\n{}", (0..20).map(rule).collect::<String>());
    let whole = &crate::load("rules.yaml", &text).documents[0];
    let (mut loads, mut compiles) = (0, 0);
    for patience in 0.. {
        // The mind is changed at one question alone, and back at the next.
        let left = Cell::new(patience);
        let gives_up = || left.replace(left.get() - 1) == 0;
        let Some(loaded) = crate::load_unless("rules.yaml", &text, &gives_up) else {
            loads += 1;
            continue;
        };
        assert_eq!(loaded.documents[0].canonical_json(), whole.canonical_json());
        match crate::compile_unless(whole, &gives_up) {
            None => compiles += 1,
            Some(compiled) => {
                assert_eq!(compiled.expect("compiles").rules.len(), 20);
                break;
            }
        }
    }
    assert!(loads >= 20, "{loads} times while reading 20 rules");
    assert!(compiles >= 20, "{compiles} times while compiling 20 rules");
}
