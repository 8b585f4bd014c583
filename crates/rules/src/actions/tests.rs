//! Golden cases: `golden/actions/<kind>/*.yaml`, each an action with an event and what it comes to.
//!
//! A patch is shown as what it does to the state, a command as its JSON.

use kilat_domain::{Destination, OnUnknown, Patch};
use serde_json::{Value, json};

use super::ALL;
use crate::tests::{Staged, golden_files, golden_names, yaml};
use crate::{Planned, Scratch, compile, load};

/// What an action comes to, as JSON.
fn show(planned: Planned, staged: &mut Staged) -> Value {
    match planned {
        Planned::Failed { reason } => json!({"failed": reason}),
        Planned::Patch(patch) => {
            let by_lead = staged.lead.as_mut().and_then(|lead| lead.apply(&patch));
            let applied = by_lead.or_else(|| staged.conversation.as_mut().and_then(|c| c.apply(&patch)));
            let applied = applied.expect("the patch concerns the lead or the conversation");
            let mut shown = json!({"field": applied.field, "from": applied.from, "to": applied.to});
            if let Patch::Snooze(until) = patch {
                shown["until"] = json!(until.to_string());
            }
            shown
        }
        Planned::Command { command, destination, on_unknown } => {
            let mut shown = serde_json::to_value(&command).expect("JSON");
            plain(&mut shown);
            shown["destination"] = destination.as_ref().map_or(Value::Null, |d: &Destination<'_>| json!(&*d.name));
            shown["on_unknown"] = json!(if on_unknown == OnUnknown::Resend { "resend" } else { "hold" });
            shown
        }
    }
}

/// Free-form values travel as records with one field; here they are plain.
fn plain(value: &mut Value) {
    match value {
        Value::Object(entries) if entries.len() == 1 && entries.contains_key("value") => {
            *value = entries.remove("value").unwrap_or_default();
            plain(value);
        }
        Value::Object(entries) => entries.values_mut().for_each(plain),
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

fn run(file: &std::path::Path, text: &str) {
    let root = yaml(file, text);
    let mut scratch = Scratch::new();
    let cases = root["cases"].as_array().expect("`cases` is a list");
    assert!(!cases.is_empty(), "{} has no cases", file.display());
    for case in cases {
        let action = &case["action"];
        let mut document = json!({"workspace": "acme", "rules": [{
            "id": "golden", "name": "Golden", "trigger": kilat_domain::EventKind::KNOWN, "actions": [action],
            "conditions": [{"field": "sender.kind", "op": "is_missing", "missing": true}],
        }]});
        document["rules"][0]["conditions"] = json!([]);
        for key in ["settings", "endpoints"] {
            if !root[key].is_null() {
                document[key] = root[key].clone();
            }
        }
        let loaded = load("golden", &document.to_string());
        if let Some(code) = case["refused"].as_str() {
            let codes: Vec<&str> = loaded.diagnostics.iter().map(|found| found.code).collect();
            assert_eq!(codes, [code], "{}: {action}", file.display());
            continue;
        }
        let document = loaded.documents.first().unwrap_or_else(|| panic!("{action}: {:#?}", loaded.diagnostics));
        let again = load("again", &document.canonical_json()).documents.remove(0);
        assert_eq!(again.canonical_json(), document.canonical_json(), "{action}");
        for document in [document, &again] {
            let rules = compile(document).expect("compiles");
            let mut staged = Staged::of(&case["event"], document.settings());
            let rule = &rules.rules()[0];
            let planned = {
                let facts = staged.facts();
                rules.pass(&staged.event, &mut scratch).plan(rule, &rule.actions()[0], &facts)
            };
            let shown = show(planned, &mut staged);
            assert_eq!(shown, case["comes_to"], "{}: {action} on {}", file.display(), case["event"]);
        }
    }
}

#[test]
fn every_kind_has_golden_cases() {
    for kind in ALL {
        for (path, text) in golden_files(&format!("actions/{}", kind.name)) {
            run(&path, &text);
        }
    }
}

#[test]
fn every_golden_folder_belongs_to_a_kind() {
    let mut kinds: Vec<&str> = ALL.iter().map(|kind| kind.name).collect();
    kinds.sort_unstable();
    assert_eq!(golden_names("actions"), kinds);
}

#[test]
fn every_key_an_action_needs_is_one_of_its_keys() {
    for kind in ALL {
        for need in kind.needs {
            assert!(kind.keys.iter().any(|key| key.name == *need), "{}: {need}", kind.name);
        }
    }
}
