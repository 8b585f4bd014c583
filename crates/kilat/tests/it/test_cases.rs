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
        "expected, and did not come: {\"event_id\":\"e1\"}",
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

/// The gaps of the only case that fails.
fn gaps(cases: &str) -> Vec<String> {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    place.file("cases.yaml", cases);
    let ran = place.run(&["test", "rules.yaml", "cases.yaml"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    ran.out.lines().filter_map(|line| line.strip_prefix("      ")).map(str::to_owned).collect()
}

/// Proves F-174.
#[test]
fn a_rule_that_did_not_fire_is_told_with_the_condition_that_kept_it() {
    let case = |event: &str, expect: &str| format!("tests: [{{name: n, events: [{event}], expect: [{expect}]}}]\n");
    assert_eq!(
        gaps(&case("{message: {text: mau order}}", "{event_id: e1, fired: [{rule: hot-lead}]}")),
        [
            "expected, and did not come: {\"event_id\":\"e1\",\"fired\":[{\"rule\":\"hot-lead\"}]}",
            "  why: `hot-lead` did not fire on e1: conditions[1] wants lead.status equals \"responded\"; it is \"new\"",
        ]
    );
    assert_eq!(
        gaps(&case("{message: {text: halo}}", "{fired: [{rule: hot-lead}]}"))[1..],
        [
            "  why: `hot-lead` did not fire on e1: conditions[0] wants message.text contains [\"order\",\"buy\",\"booking\"]; \
             it is \"halo\""
        ]
    );
    assert_eq!(
        gaps(&case("{type: lead.created}", "{fired: [{rule: hot-lead}]}"))[1..],
        [
            "  why: `hot-lead` was not looked at on e1/conversation: it has no trigger for conversation.created",
            "  why: `hot-lead` was not looked at on e1: it has no trigger for lead.created"
        ]
    );
    assert_eq!(
        gaps(&case("{message: {text: mau order}}", "{event_id: e1, fired: [{rule: hot-lad}]}"))[1..],
        ["  why: there is no enabled rule `hot-lad`; the nearest is `hot-lead`"]
    );
    assert_eq!(
        gaps(&case("{message: {text: mau order}}", "{event_id: e7, fired: [{rule: hot-lead}]}"))[1..],
        ["  why: no event `e7` was evaluated; there are e1/lead, e1/conversation, e1"]
    );
}

#[test]
fn a_decision_that_nobody_expected_is_told_as_a_case_would_expect_it() {
    assert_eq!(
        gaps("tests: [{name: n, events: [{lead: {status: responded}, message: {text: order}}], expect: []}]\n"),
        [
            "came, and was not expected, on e1 (message.created): {\"event_id\":\"e1\",\"fired\":[{\"rule\":\"hot-lead\",\
          \"actions\":[{\"type\":\"set_status\",\"result\":\"applied\",\"from\":\"responded\",\"to\":\"hot\"},\
          {\"type\":\"send_webhook\",\"result\":\"queued\"}]}]}"
        ]
    );
}

#[test]
fn a_report_is_written_as_json_and_as_junit() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    place.file("cases.yaml", &CASES.replace("to: hot", "to: cold"));
    let ran = place.run(&["test", "rules.yaml", "cases.yaml", "--json", "--junit", "report.xml"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    let lines = ran.lines();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert_eq!((&lines[0]["file"], &lines[0]["line"]), (&"cases.yaml".into(), &4.into()));
    assert_eq!(lines[0]["gaps"][1], "  fired[0].actions[0].to: expected \"cold\", got \"hot\"");
    assert_eq!(lines[1]["gaps"], serde_json::json!([]));
    assert_eq!(lines[2], serde_json::json!({"cases": 2, "passed": 1, "failed": 1}));
    let xml = std::fs::read_to_string(place.path().join("report.xml")).unwrap();
    assert!(xml.contains("<testsuite name=\"cases.yaml\" tests=\"2\" failures=\"1\" errors=\"0\">"), "{xml}");
    let ran = place.run(&["test", "rules.yaml", "--junit", "no/such/folder.xml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: writing `no/such/folder.xml`: "), "{}", ran.err);
}

#[test]
fn a_rule_file_without_cases_is_fine() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    assert_eq!(place.run(&["test", "rules.yaml"]).ok(), "0 cases, 0 passed, 0 failed\n");
}
