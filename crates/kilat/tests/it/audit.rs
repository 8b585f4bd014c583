//! `kilat audit` and `kilat replay`, on the log that a demo kept.

use std::fs;

use serde_json::Value;

use crate::support::Place;

#[test]
fn a_kept_demo_audits_to_zero_and_replays_to_the_same_bytes_twice() {
    let place = Place::new();
    let demo = place.run(&["demo", "--dir", "kept", "--events", "2000", "--exit-when-done", "--json"]);
    assert_eq!(demo.code, 0, "{demo:#?}");
    assert!(demo.err.contains("audit of ") && demo.err.contains("Difference: 0"), "{}", demo.err);
    let totals: Value = serde_json::from_str(demo.out.lines().last().unwrap()).unwrap();

    let audit = place.run(&["audit", "--once", "--data-dir", "kept/log", "--json"]);
    assert_eq!(audit.code, 0, "{audit:#?}");
    let audited = &audit.lines()[0]["totals"];
    for name in [
        "events",
        "evaluated",
        "duplicates",
        "dead_lettered",
        "decisions",
        "actions",
        "delivered",
        "failed",
        "unknown",
        "suppressed",
    ] {
        assert_eq!(audited[name], totals[name], "{name}: {audited} {totals}");
    }
    assert_eq!((&audited["differences"], &audited["unjudged"]), (&0.into(), &0.into()));

    let replay = |out: &str| place.run(&["replay", "--data-dir", "kept/log", "--out", out, "--json"]);
    let (first, second) = (replay("first.jsonl"), replay("second.jsonl"));
    assert_eq!((first.code, second.code), (0, 0), "{first:#?}");
    let bytes = |name: &str| fs::read(place.path().join(name)).unwrap();
    assert!(bytes("first.jsonl") == bytes("second.jsonl"));
    let (first, second) = (&first.lines()[0], &second.lines()[0]);
    assert_eq!((&first["difference"], &first["sha256"]), (&Value::Null, &second["sha256"]));
    for (replayed, counted) in [("records", "events"), ("decisions", "decisions"), ("actions", "actions")] {
        assert_eq!(first[replayed], totals[counted], "{first} {totals}");
    }
}

#[test]
fn a_directory_without_a_log_is_left_as_it_is() {
    let place = Place::new();
    for command in ["audit", "replay"] {
        let ran = place.run(&[command, "--data-dir", "nothing"]);
        assert_eq!(ran.code, 1);
        assert!(ran.err.contains("error: `nothing` holds no log. help: "), "{}", ran.err);
    }
    assert!(!place.path().join("nothing").exists());
}

#[test]
fn blocks_are_asked_for_in_their_order() {
    let place = Place::new();
    let demo = place.run(&["demo", "--dir", "kept", "--events", "20", "--exit-when-done"]);
    assert_eq!(demo.code, 0, "{demo:#?}");
    let ran = place.run(&["replay", "--data-dir", "kept/log", "--from", "5", "--to", "4"]);
    assert!(ran.err.contains("error: --to is before --from. help: "), "{}", ran.err);
    let ran = place.run(&["replay", "--data-dir", "kept/log", "--partition", "4"]);
    assert!(ran.err.contains("error: there is no partition 4: kilat.state.v1 has 4. help: name one"), "{}", ran.err);
}
