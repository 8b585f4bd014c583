//! Commands on the embedded log: produce, tap, rules.

use serde_json::{Value, json};

use crate::eval::{RULES, event_lines, message};
use crate::support::Place;

#[test]
fn what_is_produced_is_tapped() {
    let place = Place::new();
    let lead = json!({"id": "e2", "workspace": "acme", "type": "lead.updated", "occurred_at": "2026-11-20T03:00:01.000Z",
        "lead": {"id": "l1", "city": "Bandung"}});
    let mut other = message("e3", "halo");
    other["workspace"] = json!("beta");
    place.file("events.jsonl", &event_lines(&[message("e1", "mau order"), lead.clone(), other]));
    let ran = place.run(&["produce", "--events", "events.jsonl", "--create-topics"]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.err.contains("3 events written, 0 malformed lines"), "{}", ran.err);

    let ids = |arguments: &[&str]| -> Vec<String> {
        let lines = place.run(arguments).lines();
        let mut ids: Vec<String> = lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&["tap", "kilat.messages.v1", "--until-end"]), ["e1", "e3"]);
    assert_eq!(ids(&["tap", "kilat.messages.v1", "--until-end", "--workspace", "beta"]), ["e3"]);
    assert_eq!(ids(&["tap", "kilat.messages.v1", "-n", "1", "--workspace", "acme"]), ["e1"]);
    let changes = place.run(&["tap", "kilat.lead-changes.v1", "--until-end"]).lines();
    assert_eq!(changes.len(), 1);
    for (key, value) in lead.as_object().unwrap() {
        assert_eq!(&changes[0][key], value, "{key}");
    }
}

#[test]
fn malformed_lines_are_not_produced_and_the_rest_is() {
    let place = Place::new();
    let input = format!("{}\n{{\"id\":\n{}\n", message("e1", "a"), message("e2", "b"));
    let ran = place.run_with(&["produce", "--events", "-", "--create-topics"], &input);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("standard input:2: error: "), "{}", ran.err);
    assert!(ran.err.contains("2 events written, 1 malformed lines"), "{}", ran.err);
    assert_eq!(place.run(&["tap", "kilat.messages.v1", "--until-end"]).lines().len(), 2);
}

#[test]
fn an_unknown_topic_is_answered_with_the_nearest_one() {
    let ran = Place::new().run(&["tap", "kilat.decision.v1"]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.err, "error: `kilat.decision.v1` is no topic of Kilat. help: did you mean `kilat.decisions.v1`?\n");
}

#[test]
fn edited_rules_get_the_next_version_and_others_keep_theirs() {
    let place = Place::new();
    let rule = |id: &str, word: &str| {
        format!(
            "  - {{id: {id}, name: {id}, trigger: message.created, conditions: [{{field: message.text, op: contains, value: {word}}}], actions: [{{type: add_tag, value: x}}]}}\n"
        )
    };
    let publish = |rules: &[String]| {
        place.file("rules.yaml", &format!("workspace: acme\nrules:\n{}", rules.concat()));
        let out = place.run(&["rules", "publish", "rules.yaml", "--create-topics", "--by", "tests"]).ok();
        out.lines().map(str::trim).map(str::to_owned).collect::<Vec<_>>()
    };
    let first = publish(&[rule("one", "a"), rule("two", "b")]);
    assert!(first[0].starts_with("published acme sha256:"), "{first:?}");
    assert_eq!(first[1..], ["one version 1", "two version 1"]);

    let again = publish(&[rule("one", "a"), rule("two", "b")]);
    assert!(again[0].starts_with("unchanged acme sha256:"), "{again:?}");

    let edited = publish(&[rule("one", "a"), rule("two", "c"), rule("three", "d")]);
    assert_eq!(edited[1..], ["one version 1", "two version 2", "three version 1"]);
    assert_ne!(edited[0], first[0]);

    let list: Vec<Value> = place.run(&["rules", "list", "--json"]).lines();
    assert_eq!((list.len(), &list[0]["workspace"], &list[0]["rules"]), (1, &json!("acme"), &json!(3)));
    assert_eq!(list[0]["published_by"], "tests");
    let shown = place.run(&["rules", "show", "acme"]).lines();
    assert_eq!(shown[0]["rules"][1]["version"], 2);
    place.file("shown.json", &shown[0].to_string());
    assert_eq!(place.run(&["check", "shown.json"]).code, 0, "what is shown can be loaded");
}

#[test]
fn rules_with_errors_are_not_published() {
    let place = Place::new();
    place.file("rules.yaml", &RULES.replace("contains", "contians"));
    let ran = place.run(&["rules", "publish", "rules.yaml", "--create-topics"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("rules.yaml:10:"), "{}", ran.err);
    let ran = place.run(&["rules", "show", "acme", "--create-topics"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: workspace `acme` has no published rules. help: "), "{}", ran.err);
}
