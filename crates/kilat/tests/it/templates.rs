//! `kilat rules templates` and `kilat rules install`.

use serde_json::{Value, json};

use crate::support::Place;

/// Takes events through templates installed with their defaults; `event: rule, rule` for every decision.
fn fires(templates: &[&str], events: &[Value]) -> Vec<String> {
    let place = Place::new();
    let mut rules = json!({"workspace": "acme", "rules": []});
    // One document of all of them, as an agency would put them together.
    for template in templates {
        let installed = place.run(&["rules", "install", template]).ok();
        let canonical = kilat_rules::load(template, &installed).documents[0].canonical_json();
        let canonical: Value = serde_json::from_str(&canonical).unwrap();
        for key in ["settings", "endpoints"] {
            for (name, value) in canonical[key].as_object().unwrap() {
                if !value.is_null() {
                    rules[key][name] = value.clone();
                }
            }
        }
        rules["rules"].as_array_mut().unwrap().extend(canonical["rules"].as_array().unwrap().iter().cloned());
    }
    place.file("rules.json", &rules.to_string());
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    let ran = place.run_with(&["eval", "--rules", "rules.json", "--events", "-"], &lines);
    assert_eq!(ran.code, 0, "{ran:#?}");
    let rule = |fired: &Value| fired["rule"].as_str().unwrap().to_owned();
    let told = |line: &Value| {
        let fired: Vec<String> = line["fired"].as_array().unwrap().iter().map(rule).collect();
        format!("{}: {}", line["event_id"].as_str().unwrap(), fired.join(", "))
    };
    ran.lines().iter().filter(|line| !line["fired"].as_array().unwrap().is_empty()).map(told).collect()
}

fn message(id: &str, at: &str, text: &str) -> Value {
    json!({"id": id, "workspace": "acme", "type": "message.created", "occurred_at": at,
        "channel": {"kind": "whatsapp", "account": "6281110001"}, "message": {"text": text},
        "sender": {"kind": "customer", "id": "628123456789"}})
}

/// The names of every template that ships.
fn names(place: &Place) -> Vec<String> {
    let list = place.run(&["rules", "templates"]).ok();
    list.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Proves F-23 and F-221.
#[test]
fn every_template_installs_in_both_languages_and_passes_its_cases_without_a_warning() {
    let place = Place::new();
    let mut files = Vec::new();
    for name in names(&place) {
        for lang in ["en", "id"] {
            let file = format!("{name}.{lang}.yaml");
            let told = place.run(&["rules", "install", &name, "--lang", lang, "-o", &file]).ok();
            assert!(told.starts_with(&format!("wrote {file}: ")) && told.trim_end().ends_with(&file), "{told}");
            files.push(file);
        }
    }
    assert!(files.len() >= 24, "{files:?}");
    let run = |first: &[&str]| {
        let arguments: Vec<&str> = first.iter().copied().chain(files.iter().map(String::as_str)).collect();
        place.run(&arguments)
    };
    let checked = run(&["check", "--deny-warnings"]);
    assert_eq!((checked.code, &*checked.out), (0, ""), "{checked:#?}");
    for file in &files {
        let tested = place.run(&["test", file]).ok();
        assert!(tested.lines().count() >= 4 && tested.trim_end().ends_with(" 0 failed"), "{tested}");
    }
}

#[test]
fn every_param_can_be_set_and_the_cases_still_pass() {
    let place = Place::new();
    for name in names(&place) {
        let described = place.run(&["rules", "templates", &name, "--json"]).lines().remove(0);
        for param in described["params"].as_array().unwrap() {
            let word = |key: &str| param[key].as_str();
            let value = word("example").unwrap_or_else(|| match word("type").unwrap() {
                "text" => "something-else",
                "number" => "7",
                "keywords" => "satu, dua tiga",
                "status" => "negotiation",
                "hours" => "08:00-12:00,13:00-16:00",
                "url" => "https://other.example/hook",
                "secret" => "env:OTHER",
                other => panic!("a value for {other} is wanted"),
            });
            let set = format!("{}={value}", word("name").unwrap());
            // Installing runs the cases with these values.
            let text = place.run(&["rules", "install", &name, "--set", &set]).ok();
            assert!(text.lines().count() > 10, "{text}");
        }
    }
}

/// Proves F-6 to F-8, F-83, F-175 to F-179, F-206 and D-19.
#[test]
fn the_templates_as_files_are_rule_files_with_cases() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/templates");
    let mut files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
    files.sort();
    let place = Place::new();
    for file in &files {
        let tested = place.run(&["test", file]);
        assert_eq!((tested.code, &*tested.err), (0, ""), "{tested:#?}");
    }
}

#[test]
fn what_cannot_be_installed_is_told_with_its_remedy() {
    let place = Place::new();
    for (arguments, told) in [
        (
            &["mark-activ-lead"][..],
            "error: there is no template `mark-activ-lead`. help: did you mean `mark-active-lead`?\n",
        ),
        (
            &["mark-active-lead", "--set", "messages"],
            "error: `--set messages` has no value. help: write --set NAME=VALUE\n",
        ),
        (
            &["mark-active-lead", "--set", "messages=two"],
            "error: mark-active-lead:8:3: [K0217] the value of the param `messages` is `two`, which is no number. help: write a \
             number such as 3\n",
        ),
        (
            &["mark-active-lead", "--set", "mesages=3"],
            "error: mark-active-lead:2:1: [K0218] there is no param `mesages`. help: did you mean `messages`?\n",
        ),
    ] {
        let arguments: Vec<&str> = ["rules", "install"].iter().chain(arguments).copied().collect();
        let ran = place.run(&arguments);
        assert_eq!((ran.code, &*ran.out, &*ran.err), (1, "", told), "{arguments:?}");
    }
}

/// Proves F-206 and D-19.
#[test]
fn a_late_urgent_message_gets_the_reply_and_is_escalated() {
    let events = [
        // 23:30 on a Friday in Jakarta, then 10:00 on the Monday after.
        message("late", "2026-11-20T16:30:00.000Z", "URGENT: our site is down"),
        message("early", "2026-11-23T03:00:00.000Z", "is it up again?"),
    ];
    assert_eq!(
        fires(&["escalate-frustrated-customer", "after-hours-reply"], &events),
        ["late: escalate-frustrated-customer, after-hours-reply"]
    );
    assert_eq!(fires(&["urgent-after-hours"], &events), ["late: urgent-after-hours, reply-after-hours"]);
}

/// Proves F-208.
#[test]
fn thanks_and_five_minutes_of_silence_resolve_and_a_message_at_4_59_does_not() {
    let due = |id: &str, at: &str| {
        let mut event = message(id, at, "");
        event["type"] = json!("timer.due");
        event["conversation"] = json!({"id": "wa:6281110001:628123456789"});
        event["lead"] = json!({"id": "wa:628123456789"});
        for key in ["message", "sender"] {
            event.as_object_mut().unwrap().remove(key);
        }
        event
    };
    let thanks = message("e1", "2026-11-20T03:00:00.000Z", "makasih kak");
    let more = message("e2", "2026-11-20T03:04:59.000Z", "satu lagi ya");
    let due = due("e3", "2026-11-20T03:05:00.000Z");
    assert_eq!(
        fires(&["resolve-after-thanks"], &[thanks.clone(), due.clone()]),
        ["e1: thanks-noted", "e3: thanks-and-silence"]
    );
    assert_eq!(fires(&["resolve-after-thanks"], &[thanks, more, due]), ["e1: thanks-noted", "e2: thanks-overtaken"]);
}

/// Proves F-19.
#[test]
fn a_template_with_one_character_broken_is_not_installed() {
    let place = Place::new();
    let shipped = include_str!("../../../../rules/templates/identify-hot-lead.yaml");
    // In a keyword, which its corpus needs; and in a rule, which its cases need.
    for (from, to, told) in [
        ("- booking\n", "- boking\n", "[K0505] the condition breaks its corpus"),
        ("op: equals, value: customer", "op: equals, value: team", "the template `broken.yaml` as it ships fails "),
    ] {
        let broken = shipped.replacen(from, to, 1);
        assert_ne!(broken, shipped);
        place.file("broken.yaml", &broken);
        let ran = place.run(&["rules", "install", "broken.yaml", "--set", "keywords=beli", "-o", "out.yaml"]);
        assert_eq!(ran.code, 1, "{ran:#?}");
        assert!(ran.err.contains(told), "{ran:#?}");
        assert!(!place.path().join("out.yaml").exists());
    }
}

#[test]
fn an_existing_file_is_written_over_only_by_force() {
    let place = Place::new();
    place.file("rules.yaml", "mine");
    let ran = place.run(&["rules", "install", "vip-routing", "-o", "rules.yaml"]);
    assert_eq!(ran.err, "error: `rules.yaml` exists. help: name another file, or write over it with --force\n");
    assert_eq!(std::fs::read_to_string(place.path().join("rules.yaml")).unwrap(), "mine");
    place.run(&["rules", "install", "vip-routing", "-o", "rules.yaml", "--force", "--workspace", "acme"]).ok();
    assert!(std::fs::read_to_string(place.path().join("rules.yaml")).unwrap().contains("workspace: acme"));
}
