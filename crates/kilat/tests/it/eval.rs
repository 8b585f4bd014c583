//! `kilat eval`: decision lines, state, malformed lines.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::Place;

pub(crate) const RULES: &str = r#"
workspace: "*"
endpoints:
  crm: {url: "https://crm.example/hook", secret: "env:CRM_HOOK_SECRET"}
rules:
  - id: hot-lead
    name: Identify hot lead
    trigger: message.created
    conditions:
      - {field: message.text, op: contains, value: [order, buy, booking]}
      - {field: lead.status, op: equals, value: responded}
    actions:
      - {type: set_status, value: hot}
      - {type: send_webhook, to: crm}
"#;

/// An event line of a customer's message.
pub(crate) fn message(id: &str, text: &str) -> Value {
    json!({"id": id, "workspace": "acme", "type": "message.created", "occurred_at": "2026-11-20T03:00:00.000Z",
        "conversation": {"id": "c1"}, "lead": {"id": "l1"}, "sender": {"kind": "customer"},
        "message": {"type": "text", "text": text}})
}

pub(crate) fn event_lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

#[test]
fn state_is_carried_from_event_to_event() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    let mut responded = message("e1", "halo");
    responded["lead"]["status"] = json!("responded");
    place
        .file("events.jsonl", &event_lines(&[responded, message("e2", "mau order dong"), message("e3", "order lagi")]));
    let ran = place.run(&["eval", "--rules", "rules.yaml", "--events", "events.jsonl"]);
    let lines = ran.lines();
    let fired: Vec<&Value> = lines.iter().map(|line| &line["event_id"]).collect();
    assert_eq!(fired, [&json!("e2")], "{ran:#?}");
    let line = &lines[0];
    assert_eq!(line["fired"][0]["rule"], "hot-lead");
    assert_eq!(
        line["fired"][0]["actions"][0],
        json!({"index": 0, "type": "set_status", "result": "applied", "from": "responded", "to": "hot"})
    );
    assert_eq!(line["fired"][0]["actions"][1]["result"], "queued");
}

#[test]
fn a_second_run_is_byte_identical() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    let mut events: Vec<Value> = (0..200).map(|n| message(&format!("e{n}"), "mau order")).collect();
    events[3]["lead"]["status"] = json!("responded");
    events[90]["lead"]["status"] = json!("responded");
    place.file("events.jsonl", &event_lines(&events));
    let arguments =
        ["eval", "--rules", "rules.yaml", "--events", "events.jsonl", "--all", "--explain", "--actions", "--state"];
    let first = place.run(&arguments).ok();
    assert_eq!(first, place.run(&arguments).ok());
    assert!(first.lines().count() > 200);
}

#[test]
fn explain_names_the_first_condition_that_did_not_hold() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    let events = event_lines(&[message("e1", "mau order")]);
    let ran = place.run_with(&["eval", "--rules", "rules.yaml", "--events", "-", "--all", "--explain"], &events);
    let lines = ran.lines();
    let line = lines.iter().find(|line| line["event_id"] == "e1").expect("a line for the event");
    assert_eq!(line["evaluated"][0]["rule"], "hot-lead");
    assert_eq!(line["evaluated"][0]["matched"], false);
    let first_false = &line["evaluated"][0]["first_false"];
    assert_eq!(first_false["field"], "lead.status");
    assert_eq!(first_false["observed"], "new");
    assert_eq!(first_false["path"], "conditions[1]");
}

#[test]
fn actions_follow_their_decision_and_state_ends_it() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    let mut event = message("e1", "order");
    event["lead"]["status"] = json!("responded");
    let ran = place
        .run_with(&["eval", "--rules", "rules.yaml", "--events", "-", "--actions", "--state"], &event_lines(&[event]));
    let lines = ran.lines();
    assert_eq!(lines.len(), 3, "{ran:#?}");
    let queued = &lines[0]["fired"][0]["actions"][1]["id"];
    assert_eq!(&lines[1]["id"], queued);
    assert_eq!(lines[1]["destination"]["url"], "https://crm.example/hook");
    assert_eq!(lines[2]["lead"], "l1");
    assert_eq!(lines[2]["facts"]["status"], "hot");
}

#[test]
fn malformed_lines_are_told_by_number_and_the_rest_goes_on() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    let mut event = message("e1", "order");
    event["lead"]["status"] = json!("responded");
    let input = format!("not json\n\n{event}\n{{\"id\":\"x\"}}\n");
    let ran = place.run_with(&["eval", "--rules", "rules.yaml", "--events", "-"], &input);
    assert_eq!(ran.code, 3);
    assert_eq!(ran.lines().len(), 1);
    let told: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("standard input:")).collect();
    assert_eq!(told.len(), 2, "{}", ran.err);
    assert!(told[0].starts_with("standard input:1: error: ") && told[0].contains("help: "), "{}", told[0]);
    assert!(told[1].starts_with("standard input:4: error: "), "{}", told[1]);
    assert!(ran.err.contains("2 malformed event lines"));
}

#[test]
fn a_decision_is_printed_before_the_next_line_is_written() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    let mut command = place.command(&["eval", "--rules", "rules.yaml", "--events", "-", "--all"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut output = BufReader::new(output).lines();
    for id in ["e1", "e2", "e3"] {
        use std::io::Write as _;
        writeln!(input, "{}", message(id, "halo")).unwrap();
        // This waits for ever, and the test with it, where the command keeps the line to itself.
        let found = output.by_ref().map(Result::unwrap).find(|line| line.contains(&format!("\"event_id\":\"{id}\"")));
        assert!(found.is_some());
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    let events: Vec<Value> = (0..5000).map(|n| message(&format!("e{n}"), "halo")).collect();
    place.file("events.jsonl", &event_lines(&events));
    let mut command = place.command(&["eval", "--rules", "rules.yaml", "--events", "events.jsonl", "--all"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_workspace_with_rules_of_its_own_does_not_see_those_for_all() {
    let place = Place::new();
    place.file("all.yaml", RULES);
    place.file(
        "beta.yaml",
        "workspace: beta\nrules:\n  - id: greet\n    name: Greet\n    trigger: message.created\n    conditions: []\n    actions: [{type: add_tag, value: seen}]\n",
    );
    let mut one = message("e1", "order");
    one["lead"]["status"] = json!("responded");
    let mut two = one.clone();
    (two["id"], two["workspace"]) = (json!("e2"), json!("beta"));
    let ran = place.run_with(&["eval", "--rules", "all.yaml", "beta.yaml", "--events", "-"], &event_lines(&[one, two]));
    let fired: Vec<String> = ran
        .lines()
        .iter()
        .filter(|line| line["depth"] == 0)
        .map(|line| format!("{} {}", line["workspace"], line["fired"][0]["rule"]))
        .collect();
    assert_eq!(fired, ["\"acme\" \"hot-lead\"", "\"beta\" \"greet\""], "{ran:#?}");
}

#[test]
fn rules_with_errors_are_not_evaluated() {
    let place = Place::new();
    place.file("rules.yaml", &RULES.replace("contains", "contians"));
    let ran = place.run_with(&["eval", "--rules", "rules.yaml", "--events", "-"], "");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("rules.yaml:10:"), "{}", ran.err);
    assert!(ran.err.contains("error: the rules have 1 error. help: "), "{}", ran.err);
}

#[test]
fn two_files_for_one_workspace_are_not_evaluated() {
    let place = Place::new();
    place.file("one.yaml", RULES);
    place.file("two.yaml", RULES);
    let ran = place.run_with(&["eval", "--rules", "one.yaml", "two.yaml", "--events", "-"], "");
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: two files have rules for workspace `*`. help: "), "{}", ran.err);
}
