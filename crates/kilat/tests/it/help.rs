//! What the command says about itself.

use crate::support::Place;

const COMMANDS: &[&str] =
    &["eval", "check", "explain", "why", "test", "rules", "produce", "tap", "run", "demo", "schema", "completions"];

#[test]
fn every_command_explains_itself_with_examples() {
    let place = Place::new();
    let overview = place.run(&["--help"]).ok();
    for command in COMMANDS {
        assert!(overview.contains(command), "{command} is not in the overview");
        let help = place.run(&[command, "--help"]).ok();
        let examples = help.split("Examples:").nth(1).unwrap_or_else(|| panic!("{command} has no examples"));
        let shown = examples.lines().filter(|line| line.contains(&format!("kilat {command}"))).count();
        assert!(shown >= 2, "{command} shows {shown} examples");
    }
    for command in ["templates", "install", "import", "publish", "list", "show"] {
        assert!(place.run(&["rules", command, "--help"]).ok().contains("Examples:"));
    }
}

#[test]
fn no_example_is_broken_over_two_lines() {
    let place = Place::new();
    for command in COMMANDS {
        let help = place.run(&[command, "--help"]).ok();
        let examples = help.split("Examples:\n").nth(1).unwrap_or_default();
        for line in examples.lines().take_while(|line| !line.is_empty()) {
            assert!(line.contains("kilat "), "{command}: `{line}` is the rest of a line too long");
        }
    }
}

#[test]
fn an_unknown_command_is_answered_with_the_nearest_one() {
    let ran = Place::new().run(&["evall"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("'eval'"), "{}", ran.err);
}

#[test]
fn completions_of_every_shell_name_the_commands() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).ok();
        assert!(COMMANDS.iter().all(|command| script.contains(command)), "{shell}");
    }
}

#[test]
fn every_schema_in_the_list_is_printed() {
    let place = Place::new();
    let list = place.run(&["schema"]).ok();
    let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"rules") && names.contains(&"event") && names.contains(&"decision"), "{list}");
    for name in names.iter().filter(|name| **name != "config") {
        let schema = place.run(&["schema", name]).ok();
        serde_json::from_str::<serde_json::Value>(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert_eq!(place.run(&["schema", "kilat.messages.v1"]).ok(), place.run(&["schema", "event"]).ok());
    let unknown = place.run(&["schema", "evnt"]);
    assert_eq!(unknown.code, 1);
    assert!(
        unknown.err.starts_with("error: there is no schema `evnt`. help: one of rules, config, event"),
        "{}",
        unknown.err
    );
}

#[test]
fn a_code_is_explained() {
    let place = Place::new();
    assert!(place.run(&["explain", "k0202"]).ok().starts_with("K0202 unknown_field, an error"));
    assert!(place.run(&["explain"]).ok().lines().count() > 20);
    assert_eq!(place.run(&["explain", "K9999"]).code, 1);
}
