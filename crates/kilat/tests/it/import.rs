//! `kilat rules import`, on rules of other systems and on the same rules written by hand.

use crate::support::Place;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules/golden/import");

#[test]
fn imported_rules_load_and_do_what_the_cases_beside_the_hand_written_ones_say() {
    for (system, name) in [("askvault", "recipes"), ("chatwoot", "support")] {
        let place = Place::new();
        let (json, by_hand) = (format!("{CORPUS}/{system}/{name}.json"), format!("{CORPUS}/{system}/{name}.yaml"));
        let ran = place.run(&["rules", "import", "--from", system, &json, "--workspace", "acme", "-o", "rules.yaml"]);
        assert_eq!((ran.code, &*ran.out), (0, ""), "{ran:#?}");
        assert!(ran.err.contains("differs: ") && ran.err.ends_with(" rules imported, 0 left out\n"), "{}", ran.err);
        // The cases alone, so that they are about the imported rules.
        let text = std::fs::read_to_string(by_hand).unwrap();
        place.file("cases.yaml", &format!("workspace: acme\n{}", &text[text.find("\ntests:").unwrap()..]));
        let tested = place.run(&["test", "rules.yaml", "cases.yaml"]).ok();
        assert!(tested.ends_with("4 cases, 4 passed, 0 failed\n"), "{tested}");
    }
}

#[test]
fn what_cannot_be_imported_is_told_and_nothing_is_written_unless_the_rest_is_asked_for() {
    let place = Place::new();
    let rule = |name: &str, action: &str| {
        serde_json::json!({"name": name, "event_name": "conversation_created", "conditions": [],
            "actions": [{"action_name": action, "action_params": ["x"]}], "active": true})
    };
    let rules = serde_json::json!([rule("Good", "add_label"), rule("Bad", "add_sla")]);
    place.file("rules.json", &rules.to_string());
    let arguments = ["rules", "import", "--from", "chatwoot", "rules.json", "-o", "rules.yaml"];
    let ran = place.run(&arguments);
    assert_eq!((ran.code, &*ran.out), (1, ""), "{ran:#?}");
    let told = "unsupported: [1].actions[0].action_name: there is no counterpart of the action `add_sla`. help: ";
    assert!(ran.err.contains(told), "{}", ran.err);
    let end = "1 rule could be imported, 1 left out\nnothing was written; --partial writes what can be imported\n";
    assert!(ran.err.ends_with(end), "{}", ran.err);
    assert!(!place.path().join("rules.yaml").exists());
    let ran = place.run(&[&arguments[..], &["--partial", "--json"]].concat());
    assert_eq!(ran.code, 1);
    let lines = ran.lines();
    assert_eq!(lines.last().unwrap(), &serde_json::json!({"imported": 1, "left_out": 1, "written": true}));
    assert!(lines.iter().any(|line| line["kind"] == "unsupported" && line["path"] == "[1].actions[0].action_name"));
    let checked = place.run(&["check", "rules.yaml"]);
    assert_eq!(checked.code, 0, "{checked:#?}");
}
