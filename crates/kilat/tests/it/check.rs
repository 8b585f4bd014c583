//! `kilat check`: findings with their places, and exit codes.

use crate::eval::RULES;
use crate::support::Place;

#[test]
fn every_finding_is_told_at_once_with_place_code_and_remedy() {
    let place = Place::new();
    place.file("rules.yaml", &RULES.replace("contains", "contians").replace("set_status", "set_staus"));
    let ran = place.run(&["check", "rules.yaml"]);
    assert_eq!(ran.code, 2);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 2, "{ran:#?}");
    for (line, place, name) in [(lines[0], "rules.yaml:10:", "contains"), (lines[1], "rules.yaml:13:", "set_status")] {
        assert!(line.starts_with(place), "{line}");
        assert!(line.contains(": error[K02") && line.contains(". help: ") && line.contains(name), "{line}");
    }
}

#[test]
fn exit_codes_tell_clean_warnings_and_errors_apart() {
    let place = Place::new();
    place.file("clean.yaml", RULES);
    place.file("warned.yaml", &RULES.replace(", secret: \"env:CRM_HOOK_SECRET\"", ""));
    place.file("broken.yaml", "rules: [");
    assert_eq!(place.run(&["check", "clean.yaml", "--deny-warnings"]).code, 0);
    assert_eq!(place.run(&["check", "warned.yaml"]).code, 0);
    assert_eq!(place.run(&["check", "warned.yaml", "--deny-warnings"]).code, 1);
    assert_eq!(place.run(&["check", "broken.yaml"]).code, 2);
    assert_eq!(place.run(&["check", "broken.yaml", "--deny-warnings"]).code, 2);
}

#[test]
fn json_carries_every_part_of_a_finding() {
    let place = Place::new();
    place.file("rules.yaml", &RULES.replace("contains", "contians"));
    let ran = place.run(&["check", "rules.yaml", "--json"]);
    let line = &ran.lines()[0];
    assert_eq!(line["severity"], "error");
    assert_eq!(line["file"], "rules.yaml");
    assert_eq!(line["line"], 10);
    for key in ["code", "column", "message", "help"] {
        assert!(!line[key].is_null(), "{key}: {line}");
    }
}

#[test]
fn a_missing_file_is_told_with_its_name() {
    let ran = Place::new().run(&["check", "nowhere.yaml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: reading `nowhere.yaml`: "), "{}", ran.err);
    assert!(ran.err.contains("help: "), "{}", ran.err);
}

#[test]
fn the_rules_of_the_demo_have_no_findings() {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/rules.yaml");
    let ran = Place::new().run(&["check", rules, "--deny-warnings"]);
    assert_eq!(ran.code, 0, "{ran:#?}");
}
