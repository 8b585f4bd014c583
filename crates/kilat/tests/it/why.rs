//! `kilat why`: what people are told of each rule.

use serde_json::json;

use crate::eval::{event_lines, message};
use crate::support::Place;

const RULES: &str = r#"
workspace: acme
rules:
  - {id: vip, name: VIP, priority: 90, trigger: message.created, once_per: lead, actions: [{type: add_tag, value: vip}]}
  - id: paid
    name: Paid
    priority: 80
    trigger: message.created
    conditions: [{field: message.text, op: contains, value: transfer}]
    actions: [{type: update_value, preset: flexible_rupiah}, {type: set_status, value: won}]
  - {id: last, name: Last, priority: 70, trigger: message.created, stop: true, conditions: [{field: message.text, op: equals, value: stop}], actions: [{type: assign, value: budi}]}
  - {id: behind, name: Behind, priority: 60, trigger: message.created, conditions: [{field: lead.score, op: gte, value: 5}], actions: [{type: add_tag, value: late}]}
  - {id: tagged, name: Tagged, trigger: tag.added, conditions: [{field: tag.name, op: equals, value: gold}], actions: [{type: assign, value: sari}]}
"#;

fn told(arguments: &[&str], texts: &[&str]) -> String {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    let events: Vec<_> = (1..).zip(texts).map(|(n, text)| message(&format!("e{n}"), text)).collect();
    let ran = place.run_with(&[&["why", "rules.yaml", "--events", "-"], arguments].concat(), &event_lines(&events));
    assert_eq!(ran.err, "");
    ran.ok()
}

#[test]
fn every_rule_is_told_of_in_the_order_it_was_looked_at() {
    let expected = r#"e1 message.created
  fired   vip: add_tag → vip
  fired   paid: update_value applied, set_status new → won
          read 500000 IDR for actual, from "Rp 500.000"
  no      last: conditions[0] wants message.text equals "stop"; it is "sudah transfer Rp 500.000"
  no      behind: conditions[0] wants lead.score gte 5; it is missing

e1#1 tag.added: caused by e1
  no      tagged: conditions[0] wants tag.name equals "gold"; it is "vip"
"#;
    assert_eq!(told(&[], &["sudah transfer Rp 500.000"]), expected);
}

#[test]
fn what_was_refused_undone_or_stopped_is_told_with_its_reason() {
    let told = told(&["--event", "e2"], &["halo", "transfer Rp 1.000 atau Rp 2.000", "stop"]);
    let expected = r#"e2 message.created
  refused vip: it matches, and `once_per` says that it had its turn
  failed  paid: update_value failed (ambiguous), set_status suppressed (required_failed)
          read no actual: "Rp 1.000", "Rp 2.000" could each be meant
  no      last: conditions[0] wants message.text equals "stop"; it is "transfer Rp 1.000 atau Rp 2.000"
  no      behind: conditions[0] wants lead.score gte 5; it is missing
"#;
    assert_eq!(told, expected);
    let told = self::told(&["--rule", "behind"], &["stop", "halo"]);
    let expected = r#"e1 message.created
  `behind` was not looked at: `last` stopped the pass before it

e2 message.created
  no      behind: conditions[0] wants lead.score gte 5; it is missing
          conditions[0] does not hold
"#;
    assert_eq!(told, expected);
}

#[test]
fn an_event_that_no_rule_looked_at_says_why() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    let mut other = message("e2", "halo");
    other["workspace"] = json!("beta");
    let mut poll = message("e3", "halo");
    poll["type"] = json!("poll.closed");
    let events = event_lines(&[message("e1", "halo"), message("e1", "halo"), other, poll]);
    let ran = place.run_with(&["why", "rules.yaml", "--events", "-", "--rule", "vip"], &events);
    let headings: Vec<&str> =
        ran.out.lines().filter(|line| line.starts_with('e') || line.contains("not looked")).collect();
    assert_eq!(
        headings,
        [
            "e1 message.created",
            "e1 message.created: seen before, so nothing was done",
            "e2 message.created: there are no rules for workspace `beta`",
            "e3 unknown",
            "  `vip` was not looked at: it has no trigger for unknown",
        ]
    );
    assert!(
        ran.err.starts_with("standard input:4: note: `type` is \"poll.closed\", which is no event type"),
        "{}",
        ran.err
    );
}

#[test]
fn a_rule_or_event_that_is_not_there_is_an_error() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    let events = event_lines(&[message("e1", "halo")]);
    for (arguments, error) in [
        (["--rule", "piad"], "error: there is no rule `piad`. help: did you mean `paid`?\n"),
        (
            ["--event", "e7"],
            "error: there is no event `e7` in standard input. help: give its `id`, as it stands on its line\n",
        ),
    ] {
        let ran = place.run_with(&[&["why", "rules.yaml", "--events", "-"], &arguments[..]].concat(), &events);
        assert_eq!((ran.code, &*ran.err), (1, error));
    }
}
