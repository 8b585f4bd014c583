//! Explanations: of every event where somebody asks, of a share where the workspace does, of none otherwise.

use kilat_codec::json;
use kilat_domain::{Action, Decision, Explanation};
use kilat_engine::{Outputs, Partition};
use serde_json::{Value, json};

use crate::support::{message, rule_set};

#[derive(Default)]
struct Told {
    asked: bool,
    explanations: Vec<Value>,
    decisions: Vec<Value>,
}

impl Outputs for Told {
    fn explain(&self) -> bool {
        self.asked
    }

    fn explanation(&mut self, explanation: &Explanation<'_>) {
        self.explanations.push(serde_json::from_str(&json::explanation_to_line(explanation)).unwrap());
    }

    fn decision(&mut self, decision: &Decision<'_>) {
        self.decisions.push(serde_json::from_str(&json::decision_to_line(decision)).unwrap());
    }

    fn action(&mut self, _: &Action<'_>) {}
}

fn rules(settings: &str) -> String {
    format!(
        r#"
workspace: acme
settings: {settings}
rules:
  - {{id: vip, priority: 90, trigger: message.created, once_per: lead, actions: [{{type: add_tag, value: vip, on: lead}}]}}
  - id: paid
    priority: 80
    trigger: message.created
    stop: true
    conditions: [{{field: message.text, op: contains, value: transfer}}]
    actions: [{{type: update_value, preset: flexible_rupiah}}]
  - {{id: late, priority: 70, trigger: message.created, conditions: [{{field: lead.tags, op: contains, value: gold}}], actions: [{{type: block}}]}}
  - {{id: on-tag, trigger: tag.added, conditions: [{{field: tag.name, op: equals, value: other}}], actions: [{{type: block}}]}}
"#
    )
}

/// Applies messages with these ids and texts.
fn told(settings: &str, asked: bool, messages: &[(&str, &str)]) -> Told {
    let (rules, mut partition) = (rule_set(&rules(settings)), Partition::new());
    let mut told = Told { asked, ..Told::default() };
    for (minute, (id, text)) in messages.iter().enumerate() {
        let mut line = message(id, "customer", text);
        line["workspace"] = json!("acme");
        line["type"] = json!("message.created");
        line["occurred_at"] = json!(format!("2026-11-20T03:{minute:02}:00.000Z"));
        let event = json::event_from_line(&line.to_string()).unwrap();
        partition.apply(&event, Some(&rules), event.occurred_at, &mut told);
    }
    told
}

#[test]
fn rule_version_refusal_and_extraction_are_told_and_rules_behind_a_stop_are_not() {
    let told = told("{}", true, &[("e1", "transfer Rp 1 juta dan Rp 50rb"), ("e2", "halo")]);
    let of = |id: &str| {
        let found = told.explanations.iter().find(|explanation| explanation["event_id"] == id);
        found.unwrap_or_else(|| panic!("{id} is not explained")).clone()
    };
    let first = of("e1");
    let names: Vec<&Value> = first["evaluated"].as_array().unwrap().iter().map(|rule| &rule["rule"]).collect();
    assert_eq!(names, ["vip", "paid"], "`late` stands behind the stop");
    assert_eq!(first["stopped_by"], "paid");
    assert_eq!(first["evaluated"][1]["version"], 1);
    assert_eq!(
        first["evaluated"][1]["extracted"],
        json!([{"index": 0, "target": "actual", "candidates": ["Rp 1 juta", "Rp 50rb"], "reason": "ambiguous"}])
    );
    let second = of("e2");
    assert_eq!(second["evaluated"][0]["refused"], "once");
    assert_eq!(second["evaluated"][1]["matched"], false);
    assert_eq!(second["evaluated"][2]["first_false"]["observed"], json!(["vip"]), "it sees what `vip` changed");
    // The tag that `vip` set is an event of its own, of the same chain.
    let caused = of("e1#1");
    assert_eq!((&caused["root_id"], &caused["depth"]), (&json!("e1"), &json!(1)));
    assert_eq!(caused["evaluated"][0]["first_false"]["observed"], "vip");
}

#[test]
fn a_workspace_that_asks_for_a_share_gets_whole_chains_of_that_share_and_the_same_decisions() {
    let ids: Vec<String> = (0..60).map(|n| format!("e{n}")).collect();
    let messages: Vec<(&str, &str)> = ids.iter().map(|id| (&**id, "transfer Rp 50rb")).collect();
    let (none, half, all) = (
        told("{}", false, &messages),
        told("{explain: {sample: 0.5}}", false, &messages),
        told("{explain: {sample: 1}}", false, &messages),
    );
    assert!(none.explanations.is_empty());
    let roots = |told: &Told| -> std::collections::BTreeSet<String> {
        told.explanations.iter().map(|explanation| explanation["root_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(roots(&all).len(), 60);
    assert!((10..=50).contains(&roots(&half).len()), "{}", roots(&half).len());
    for root in roots(&half) {
        let chain = |told: &Told| told.explanations.iter().filter(|one| one["root_id"] == *root).count();
        assert_eq!(chain(&half), chain(&all), "{root}");
    }
    let without_hash = |told: &Told| -> Vec<Value> {
        let mut decisions = told.decisions.clone();
        decisions.iter_mut().for_each(|decision| decision["rule_set"] = Value::Null);
        decisions
    };
    assert_eq!(without_hash(&none), without_hash(&half));
    assert_eq!(without_hash(&none), without_hash(&all));
}
