//! `kilat test`: cases beside the rules.

use crate::eval::RULES;
use crate::support::Place;

const CASES: &str = r#"---
workspace: acme
tests:
  - name: an order makes a responded lead hot
    events:
      - {lead: {status: responded}, message: {text: mau order dong}}
      - {message: {text: halo lagi}}
    expect:
      - {event_id: e1, fired: [{rule: hot-lead, actions: [{result: applied, to: hot}, {type: send_webhook}]}]}
  - name: a new lead stays new
    events: [{message: {text: mau order dong}}]
    expect: []
"#;

#[test]
fn cases_that_hold_are_counted() {
    let place = Place::new();
    place.file("rules.yaml", &format!("{RULES}{CASES}"));
    let ran = place.run(&["test", "rules.yaml"]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert_eq!(ran.out.lines().last(), Some("2 cases, 2 passed, 0 failed"));
}

#[test]
fn cases_may_stand_in_a_file_of_their_own() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    place.file("cases.yaml", CASES);
    assert!(place.run(&["test", "rules.yaml", "cases.yaml"]).ok().contains("2 cases, 2 passed, 0 failed"));
}

#[test]
fn a_case_that_fails_says_where_and_how() {
    let place = Place::new();
    let cases = CASES.replace("to: hot", "to: cold").replace("expect: []", "expect: [{event_id: e1}]");
    place.file("rules.yaml", RULES);
    place.file("cases.yaml", &cases);
    let ran = place.run(&["test", "rules.yaml", "cases.yaml"]);
    assert_eq!(ran.code, 1);
    for told in [
        "FAIL  cases.yaml:4: an order makes a responded lead hot",
        "fired[0].actions[0].to: expected \"cold\", got \"hot\"",
        "FAIL  cases.yaml:10: a new lead stays new",
        "expected, and did not come:",
        "2 cases, 0 passed, 2 failed",
    ] {
        assert!(ran.out.contains(told), "{told}\n{}", ran.out);
    }
}

#[test]
fn a_malformed_event_fails_its_case_only() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    place.file("cases.yaml", &CASES.replace("[{message: {text: mau order dong}}]", "[{type: nonsense}]"));
    let ran = place.run(&["test", "rules.yaml", "cases.yaml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("event 1: ") && ran.out.contains("2 cases, 1 passed, 1 failed"), "{}", ran.out);
}

#[test]
fn the_recipes_that_ship_pass_their_own_cases() {
    let recipes = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/templates");
    let mut files: Vec<String> = std::fs::read_dir(recipes)
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|path| path.ends_with(".yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 8, "{files:?}");
    let mut arguments = vec!["test"];
    arguments.extend(files.iter().map(String::as_str));
    let ran = Place::new().run(&arguments);
    assert_eq!(ran.code, 0, "{ran:#?}");
    arguments[0] = "check";
    assert_eq!(Place::new().run(&arguments).code, 0);
}
