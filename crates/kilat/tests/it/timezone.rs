//! The clock of rules is the workspace's, wherever the command runs.

use serde_json::{Value, json};

use crate::eval::{event_lines, message};
use crate::support::Place;

const RULES: &str = r#"
workspace: "*"
settings: {timezone: Asia/Jakarta, business_hours: {fri: [["09:00", "17:00"]]}}
rules:
  - {id: window, name: Window, trigger: message.created, conditions: [{field: time.window, op: in, value: "09:00-17:00"}], actions: [{type: add_tag, value: a}]}
  - {id: open, name: Open, trigger: message.created, conditions: [{field: time.business_hours, op: equals, value: inside}], actions: [{type: add_tag, value: b}]}
  - {id: friday, name: Friday, trigger: message.created, conditions: [{field: time.day_of_week, op: equals, value: fri}], actions: [{type: add_tag, value: c}]}
"#;

/// Proves F-69.
#[test]
fn the_server_s_time_zone_changes_nothing() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    // Every hour of the Friday in Jakarta, and of the days around it.
    let events: Vec<_> = (0..72)
        .map(|hour| {
            let mut event = message(&format!("e{hour}"), "halo");
            event["occurred_at"] = json!(format!("2026-11-{}T{:02}:30:00Z", 19 + hour / 24, hour % 24));
            event
        })
        .collect();
    place.file("events.jsonl", &event_lines(&events));
    let run = |zone: &str| {
        let mut command =
            place.command(&["eval", "--rules", "rules.yaml", "--events", "events.jsonl", "--all", "--explain"]);
        let output = command.env("TZ", zone).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let utc = run("UTC");
    for zone in ["America/New_York", "Asia/Jakarta", "Pacific/Kiritimati", "not/a-zone"] {
        assert_eq!(run(zone), utc, "{zone}");
    }
    let fires = |rule: &str| {
        let lines = utc.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let fired = lines.filter(|line| line["fired"].as_array().unwrap().iter().any(|fired| fired["rule"] == rule));
        fired.map(|line| line["event_id"].as_str().unwrap()[1..].parse::<usize>().unwrap()).collect::<Vec<_>>()
    };
    // 02:30 to 09:30 UTC is 09:30 to 16:30 in Jakarta; the Friday there begins at 17:00 UTC on Thursday.
    assert_eq!(fires("window"), [(2..10).collect::<Vec<_>>(), (26..34).collect(), (50..58).collect()].concat());
    assert_eq!(fires("open"), (26..34).collect::<Vec<_>>());
    assert_eq!(fires("friday"), (17..41).collect::<Vec<_>>());
}
