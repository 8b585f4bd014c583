//! Golden cases: `golden/conditions/<kind>/*.yaml`, each a condition with events it holds on and events it fails on.
//!
//! Every case is decided twice: compiled, and by reading the conditions one by one as they are written.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ALL, Kind};
use crate::operators::{self, Op};
use crate::tests::{Staged, golden_files, golden_names, yaml};
use crate::{Document, RuleSet, Scratch, compile, load};

/// A document with one rule that sees every event and has this condition.
fn document(condition: &Value, settings: &Value) -> Document {
    let rule = json!({
        "id": "golden", "name": "golden", "trigger": kilat_domain::EventKind::WORDS,
        "conditions": [condition], "actions": [{"type": "add_tag", "value": "golden"}],
    });
    let mut root = json!({"workspace": "acme", "rules": [rule]});
    if !settings.is_null() {
        root["settings"] = settings.clone();
    }
    let mut loaded = load("golden", &root.to_string());
    assert!(loaded.documents.len() == 1, "{condition}: {:#?}", loaded.diagnostics);
    loaded.documents.remove(0)
}

/// Whether the rule fires on an event, by both ways of deciding.
fn fires(rules: &RuleSet, staged: &Staged, scratch: &mut Scratch) -> bool {
    let compiled = rules.pass(&staged.event, scratch).next(&staged.facts()).is_some();
    let naive = rules.pass(&staged.event, scratch).next_naive(&staged.facts()).is_some();
    let mut evaluated = Vec::new();
    rules.pass(&staged.event, scratch).next_explained(&staged.facts(), &mut evaluated);
    assert_eq!(compiled, naive, "compiled and naive differ: {evaluated:#?}");
    assert_eq!(evaluated[0].first_false.is_none(), naive);
    compiled
}

/// Runs the cases of one file; returns the operators they use.
fn run(file: &std::path::Path, text: &str, scratch: &mut Scratch) -> BTreeSet<&'static str> {
    let root = yaml(file, text);
    let mut used = BTreeSet::new();
    for case in root["cases"].as_array().expect("`cases` is a list") {
        let condition = &case["condition"];
        let document = document(condition, &root["settings"]);
        let again = load("again", &document.canonical_json()).documents.remove(0);
        assert_eq!(again.canonical_json(), document.canonical_json(), "{condition}");
        let rules = compile(&document).expect("compiles");
        for (key, expected) in [("holds", true), ("fails", false)] {
            for event in case[key].as_array().into_iter().flatten() {
                let staged = Staged::of(event, document.settings());
                let place = || format!("{}: {condition} on {event}", file.display());
                assert_eq!(fires(&rules, &staged, scratch), expected, "{}", place());
                // The canonical form decides alike.
                let rules = compile(&again).expect("compiles");
                assert_eq!(fires(&rules, &staged, scratch), expected, "canonical form, {}", place());
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
