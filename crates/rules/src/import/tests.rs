//! A 23 and F-199: what is imported is what was meant, and what cannot be is told.

use std::path::Path;

use super::{Imported, Kind, Note, System, import};
use crate::tests::golden_files;
use crate::{Document, load};

fn system(name: &str) -> System {
    if name == "askvault" { System::AskVault } else { System::Chatwoot }
}

/// The document of an imported file; it has no errors.
fn document(imported: &Imported) -> Document {
    let mut loaded = load("imported", &imported.text);
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|found| found.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{}", imported.text);
    assert_eq!(loaded.documents.len(), 1, "{}", imported.text);
    loaded.documents.remove(0)
}

fn told(notes: &[Note], kind: Kind) -> Vec<String> {
    let notes = notes.iter().filter(|note| note.kind == kind && note.rule.is_some());
    notes.map(|note| format!("{}: {}. {}", note.path, note.message, note.help)).collect()
}

/// Imports one rule of Chatwoot's.
fn chatwoot(conditions: &str, actions: &str, event: &str) -> Imported {
    let text = format!(
        "{{\"name\": \"R\", \"event_name\": \"{event}\", \"conditions\": [{conditions}], \"actions\": [{actions}]}}"
    );
    import(System::Chatwoot, "r.json", &text, "acme")
}

#[test]
fn what_is_imported_is_what_was_written_by_hand() {
    let mut seen = 0;
    for name in ["askvault", "chatwoot"] {
        let files = golden_files(&format!("import/{name}"));
        for (path, text) in files.iter().filter(|(path, _)| path.extension().is_some_and(|kind| kind == "json")) {
            let imported = import(system(name), &path.display().to_string(), text, "acme");
            assert_eq!(told(&imported.notes, Kind::Unsupported), Vec::<String>::new(), "{}", path.display());
            let by_hand = std::fs::read_to_string(path.with_extension("yaml")).expect("the rules written by hand");
            let by_hand = load("by hand", &by_hand);
            assert!(by_hand.diagnostics.iter().all(|found| !found.is_error()), "{:#?}", by_hand.diagnostics);
            let json = |document: &Document| -> serde_json::Value {
                serde_json::from_str(&document.canonical_json()).expect("JSON")
            };
            assert_eq!(json(&document(&imported)), json(&by_hand.documents[0]), "{}", imported.text);
            assert_eq!((imported.rules, imported.left_out), (by_hand.documents[0].rules().len(), 0));
            seen += imported.rules;
        }
    }
    assert!(seen >= 10, "{seen} rules");
}

/// Proves F-199.
#[test]
fn askvaults_rules_mean_the_same_imported_and_unchanged() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/import/askvault/recipes.json");
    let text = std::fs::read_to_string(path).expect("the corpus");
    let root: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    // Business hours are settings, which a bare rule has none of.
    let rules: Vec<&serde_json::Value> =
        root["rules"].as_array().expect("rules").iter().filter(|rule| rule["name"] != "After hours").collect();
    let text = serde_json::to_string(&rules).expect("JSON");
    let unchanged = load("r.json", &text);
    let imported = import(System::AskVault, "r.json", &text, "*");
    let (unchanged, imported) = (&unchanged.documents[0], document(&imported));
    assert_eq!(imported.hash(), unchanged.hash());
    let single = serde_json::to_string(rules[0]).expect("JSON");
    assert_eq!(import(System::AskVault, "r.json", &single, "*").rules, 1);
}

#[test]
fn every_difference_is_told_where_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/import/chatwoot/support.json");
    let text = std::fs::read_to_string(path).expect("the corpus");
    let imported = import(System::Chatwoot, "support.json", &text, "acme");
    let differs = told(&imported.notes, Kind::Differs);
    for place in [
        "payload[0].actions[1]: a conversation has one assignee here",
        "payload[1].actions[1]: the webhook's body is Kilat's own",
        "payload[3]: the rule names no sender",
        "payload[3].actions[0]: there, a snoozed conversation opens",
        "payload[4].conditions[0].values: `all` is every status",
    ] {
        assert!(differs.iter().any(|told| told.starts_with(place)), "{place}\n{differs:#?}");
    }
    assert!(imported.notes.iter().any(|note| note.rule.is_none()), "what differs for all rules is told once");
    // What is told stands above the rule it is about.
    let rule = imported.text.find("- id: anybody-says-hello").expect("the rule");
    let comment = imported.text.find("# differs: the rule names no sender").expect("the comment");
    assert!(comment < rule && !imported.text[comment..rule].contains("- id:"), "{}", imported.text);
    let line = text.lines().position(|line| line.contains("\"https://ops.example/hook\"")).expect("the action") + 1;
    let note = imported.notes.iter().find(|note| note.path == "payload[1].actions[1]").expect("the note");
    assert!(note.to_string().starts_with(&format!("support.json:{line}:9: differs: ")), "{note}");
    // Any update of a conversation is several events here.
    let updated = chatwoot("", r#"{"action_name": "add_label", "action_params": ["x"]}"#, "conversation_updated");
    assert_eq!(
        told(&updated.notes, Kind::Differs),
        [
            "event_name: each change is an event of its own, so a rule may fire once for each. keep only the triggers that are \
          meant"
        ]
    );
    assert!(updated.text.contains("conversation.assigned") && updated.text.contains("tag.removed"), "{}", updated.text);
}

#[test]
fn what_kilat_does_not_have_is_an_error_with_its_path_and_a_remedy() {
    let add = r#"{"action_name": "add_label", "action_params": ["x"]}"#;
    let condition = |key: &str, op: &str, values: &str| {
        format!(
            r#"{{"attribute_key": "{key}", "filter_operator": "{op}", "values": {values}, "query_operator": null}}"#
        )
    };
    for (conditions, actions, expected) in [
        (
            condition("team_id", "equal_to", "[4]"),
            add.to_owned(),
            "conditions[0].attribute_key: there is no counterpart of `team_id`. a conversation has one assignee here: compare \
             assignee_id, or a label",
        ),
        (
            condition("created_at", "days_before", "[4]"),
            add.to_owned(),
            "conditions[0].attribute_key: there is no counterpart of `created_at`. ages of conversations are not compared \
             here: let a timer or a schedule do it",
        ),
        (
            condition("emial", "equal_to", "[\"a\"]"),
            add.to_owned(),
            "conditions[0].attribute_key: there is no counterpart of `emial`. did you mean `email`? a custom attribute needs \
             `custom_attribute_type`",
        ),
        (
            condition("status", "equal_to", "[\"pending\"]"),
            add.to_owned(),
            "conditions[0].values[0]: there is no counterpart of the value `pending`. a conversation is open, claimed, \
             snoozed, resolved or archived here",
        ),
        (
            condition("city", "is_greater_than", "[\"a\"]"),
            add.to_owned(),
            "conditions[0]: `gt` does not work on `lead.city`, which is of type text",
        ),
        (
            condition("labels", "attribute_changed", "{\"from\": [\"a\"]}"),
            add.to_owned(),
            "conditions[0]: a change of `labels` is not compared here. changes of status, priority and assignee_id are \
             compared, on conversation_updated",
        ),
        (
            condition("city", "equal_to", "[]"),
            add.to_owned(),
            "conditions[0].values: the condition has no values. write what the attribute is compared with",
        ),
        (
            String::new(),
            r#"{"action_name": "send_email_transcript", "action_params": ["a@b.example"]}"#.to_owned(),
            "actions[0].action_name: there is no counterpart of the action `send_email_transcript`. let a webhook tell the \
             system that writes the e-mail",
        ),
        (
            String::new(),
            r#"{"action_name": "send_message", "action_params": ["Hi {{ agent.name }}"]}"#.to_owned(),
            "actions[0].action_params[0]: there is no counterpart of `{{agent.name}}`. contact.name, email, phone_number and \
             custom attributes have one, and the filter `default`",
        ),
        (
            String::new(),
            r#"{"action_name": "change_priority", "action_params": ["asap"]}"#.to_owned(),
            "actions[0].action_params[0]: `asap` is no priority of a conversation",
        ),
    ] {
        let imported = chatwoot(&conditions, &actions, "conversation_created");
        let unsupported = told(&imported.notes, Kind::Unsupported);
        assert_eq!((imported.rules, imported.left_out), (0, 1), "{}", imported.text);
        assert!(unsupported.len() == 1 && unsupported[0].starts_with(expected), "{expected}\n{unsupported:#?}");
    }
}

#[test]
fn a_rule_that_cannot_be_imported_does_not_take_its_neighbours_with_it() {
    let text = r#"[{"name": "A", "trigger": "cron", "actions": [{"type": "apply_tag", "value": "x"}]},
        {"name": "B", "trigger": "new_lead", "actions": [{"type": "apply_tag", "value": "x"}]}]"#;
    let imported = import(System::AskVault, "r.json", text, "acme");
    assert_eq!((imported.rules, imported.left_out), (1, 1));
    assert_eq!(document(&imported).rules()[0].name(), "B");
    let unsupported: Vec<&Note> = imported.notes.iter().filter(|note| note.kind == Kind::Unsupported).collect();
    assert_eq!(unsupported.len(), 1);
    assert_eq!((&*unsupported[0].path, unsupported[0].rule.as_deref()), ("[0].trigger", Some("A")));
}

#[test]
fn files_without_rules_are_told() {
    for text in ["", "[]", "{}", "{\"payload\": []}", "not json: [", "5", "null", "{\"payload\": {\"name\": 1}}"] {
        for system in [System::AskVault, System::Chatwoot] {
            let imported = import(system, "r.json", text, "acme");
            assert_eq!(imported.rules, 0, "{text}");
            assert!(imported.notes.iter().any(|note| note.kind == Kind::Unsupported), "{text}: {:?}", imported.notes);
        }
    }
}

#[test]
fn mutilated_files_are_answered_and_never_panic() {
    let seeds = [
        include_str!("../../golden/import/chatwoot/support.json"),
        include_str!("../../golden/import/askvault/recipes.json"),
    ];
    let mut state = 3_u64;
    let mut roll = |sides: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % sides
    };
    for run in 0..200 {
        let mut text: Vec<char> = seeds[run % 2].chars().collect();
        for _ in 0..1 + roll(4) {
            let (at, length) = (roll(text.len()), roll(10));
            let end = (at + length).min(text.len());
            match roll(2) {
                0 => drop(text.drain(at..end)),
                _ => text
                    .splice(at..end, ["{", "}", "[", "]", "null", "5", "\"a\"", ","][roll(8)].chars())
                    .for_each(drop),
            }
        }
        let text: String = text.into_iter().collect();
        for system in [System::AskVault, System::Chatwoot] {
            let imported = import(system, "r.json", &text, "acme");
            if imported.rules > 0 {
                assert_eq!(document(&imported).rules().len(), imported.rules, "run {run}");
            }
        }
    }
}
