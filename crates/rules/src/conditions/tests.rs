//! Golden cases: `golden/conditions/<kind>/*.yaml`, each a condition with events it holds on and events it fails on.
//!
//! Every case is decided by reading the conditions one by one as they are written, and compiled, with the index and without.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ALL, Kind};
use crate::free_form;
use crate::operators::{self, Op};
use crate::tests::{Staged, golden_files, golden_names, yaml};
use crate::{Document, RuleSet, Scratch, compile, compile_unindexed, load};

/// As many rules with one condition as an index answers together.
const RULES: usize = 4;

/// A document with rules that see every event and have this condition.
fn document(condition: &Value, settings: &Value) -> Document {
    let rule = |id: usize| {
        json!({
            "id": format!("golden-{id}"), "name": "golden", "trigger": kilat_domain::EventKind::KNOWN,
            "conditions": [condition], "actions": [{"type": "add_tag", "value": "golden"}],
        })
    };
    let mut root = json!({"workspace": "acme", "rules": (0..RULES).map(rule).collect::<Vec<_>>()});
    if !settings.is_null() {
        root["settings"] = settings.clone();
    }
    let mut loaded = load("golden", &root.to_string());
    assert!(loaded.documents.len() == 1, "{condition}: {:#?}", loaded.diagnostics);
    loaded.documents.remove(0)
}

/// Whether the condition holds for an event: by reading it as it is written, compiled with the index, and without.
fn holds(both: &[RuleSet; 2], staged: &Staged, scratch: &mut Scratch) -> bool {
    let [rules, _] = both;
    let mut told = Vec::new();
    let mut pass = rules.pass(&staged.event, scratch);
    while pass.next_explained(&staged.facts(), &mut told).is_some() {}
    let evaluated: Vec<_> = told.iter().map(|rule| (rule.matched, format!("{:?}", rule.first_false))).collect();
    drop(told);
    let mut pass = rules.pass(&staged.event, scratch);
    let naive = std::iter::from_fn(|| pass.next_naive(&staged.facts())).count();
    assert!(naive == 0 || naive == RULES);
    assert!(evaluated.iter().all(|(matched, _)| *matched == (naive > 0)), "{evaluated:#?}");
    for rules in both {
        let mut pass = rules.pass(&staged.event, scratch);
        let compiled = std::iter::from_fn(|| pass.next(&staged.facts())).count();
        assert_eq!(compiled, naive, "compiled and naive differ: {evaluated:#?}");
    }
    naive > 0
}

/// Runs the cases of one file; returns the operators they use.
fn run(file: &std::path::Path, text: &str, scratch: &mut Scratch) -> BTreeSet<&'static str> {
    let root = yaml(file, text);
    let mut used = BTreeSet::new();
    let cases = root["cases"].as_array().expect("`cases` is a list");
    assert!(!cases.is_empty(), "{} has no cases", file.display());
    for case in cases {
        let condition = &case["condition"];
        let document = document(condition, &root["settings"]);
        let again = load("again", &document.canonical_json()).documents.remove(0);
        assert_eq!(again.canonical_json(), document.canonical_json(), "{condition}");
        let compiled = |document| [compile(document).expect("compiles"), compile_unindexed(document)];
        let (rules, rules_again) = (compiled(&document), compiled(&again));
        for (key, expected) in [("holds", true), ("fails", false)] {
            for event in case[key].as_array().into_iter().flatten() {
                let staged = Staged::of(event, document.settings());
                let place = || format!("{}: {condition} on {event}", file.display());
                assert_eq!(holds(&rules, &staged, scratch), expected, "{}", place());
                assert_eq!(holds(&rules_again, &staged, scratch), expected, "canonical form, {}", place());
            }
        }
        assert!(case["holds"].is_array() || case["fails"].is_array(), "{condition} has no events");
        let op = condition["op"].as_str().and_then(Op::parse).unwrap_or(Op::Equals);
        used.insert(op.name());
    }
    used
}

/// Proves F-57 to F-68.
#[test]
fn every_kind_has_golden_cases_for_every_operator() {
    let mut scratch = Scratch::new();
    for kind in ALL {
        let mut used = BTreeSet::new();
        for (path, text) in golden_files(&format!("conditions/{}", kind.name)) {
            used.extend(run(&path, &text, &mut scratch));
        }
        let missing: Vec<&str> = taken(kind).filter(|name| !used.contains(name)).collect();
        assert!(missing.is_empty(), "{} has no golden cases for {missing:?}", kind.name);
    }
}

fn taken(kind: &Kind) -> impl Iterator<Item = &'static str> {
    let names = operators::ALL.iter().filter(|(op, ..)| kind.operators.contains(&op.positive().0));
    names.map(|(_, name, _)| *name)
}

#[test]
fn every_golden_folder_belongs_to_a_kind() {
    let mut kinds: Vec<&str> = ALL.iter().map(|kind| kind.name).collect();
    kinds.sort_unstable();
    assert_eq!(golden_names("conditions"), kinds);
}

#[test]
fn an_explanation_of_history_says_how_many_messages_there_were() {
    let document = document(&json!({"history": {"last": 5, "count": {"gte": 3}}}), &Value::Null);
    let rules = compile(&document).expect("compiles");
    let event = json!({"state": {"history": [{"at": "2026-11-20T03:00:00Z"}]}});
    let (staged, mut scratch) = (Staged::of(&event, document.settings()), Scratch::new());
    let mut evaluated = Vec::new();
    rules.pass(&staged.event, &mut scratch).next_explained(&staged.facts(), &mut evaluated);
    let why = evaluated[0].first_false.clone().expect("it does not hold");
    assert_eq!(free_form::to_json(&why.observed), json!({"count": 1}));
    assert_eq!(free_form::to_json(&why.expected), json!({"last": 5, "where": [], "count": {"gte": 3}}));
}
