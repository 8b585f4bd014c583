//! `kilat demo`, without a terminal.

use serde_json::Value;

use crate::support::{Place, Ran};

/// The last line of standard output, with its sums checked.
fn totals(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{ran:#?}");
    let totals: Value = serde_json::from_str(ran.out.lines().last().expect("a last line")).unwrap();
    let keys: Vec<&str> = totals.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "events",
            "duplicates",
            "dead_lettered",
            "evaluated",
            "caused",
            "decisions",
            "fired",
            "actions",
            "delivered",
            "failed",
            "unknown",
            "suppressed",
            "seconds"
        ]
    );
    let of = |key: &str| totals[key].as_u64().unwrap();
    assert_eq!(of("events"), of("evaluated") + of("duplicates") + of("dead_lettered"), "{totals}");
    assert_eq!(of("actions"), of("delivered") + of("failed") + of("unknown") + of("suppressed"), "{totals}");
    totals
}

#[test]
fn the_totals_of_invented_chats_add_up_and_every_recipe_fires() {
    let place = Place::new();
    let ran = place.run(&["demo", "--events", "3000", "--exit-when-done", "--json"]);
    let totals = totals(&ran);
    assert_eq!(totals["events"], 3000);
    assert!(totals["duplicates"].as_u64() > Some(0), "{totals}");
    assert!(totals["delivered"].as_u64() > Some(100), "{totals}");
    for rule in [
        "active-lead",
        "hot-lead",
        "closing",
        "frustrated-customer",
        "regular-customer",
        "after-hours",
        "refund",
        "lead-captured",
    ] {
        assert!(ran.err.contains(rule), "{rule} has not fired:\n{}", ran.err);
    }
    assert!(ran.err.contains(" 0 wrong"), "{}", ran.err);
}

#[test]
fn recorded_conversations_are_replayed_by_their_fields() {
    let place = Place::new();
    let rows = [
        ("a1", "shop", "customer", "c1", "halo kak"),
        ("a2", "shop", "agent", "c1", "Payment received Rp 1.500.000"),
        ("a3", "cafe", "unknown", "c2", "saya kecewa"),
        ("a3", "cafe", "unknown", "c2", "saya kecewa"),
    ];
    let text: String = rows
        .iter()
        .map(|(id, source, role, conversation, text)| {
            let row = serde_json::json!({"id": id, "source": source, "role": role, "conversation": conversation, "text": text});
            format!("{row}\n")
        })
        .collect();
    place.file("rows.jsonl", &text);
    let ran = place.run(&["demo", "--messages", "rows.jsonl", "--exit-when-done", "--json"]);
    let totals = totals(&ran);
    assert_eq!((&totals["events"], &totals["duplicates"]), (&4.into(), &1.into()));
    assert!(ran.err.contains("closing") && ran.err.contains("frustrated-customer"), "{}", ran.err);
}

#[test]
fn a_kept_directory_is_gone_on_with() {
    let place = Place::new();
    let demo = |events: &str| {
        place.run(&["demo", "--dir", "kept", "--events", events, "--exit-when-done", "--json", "--seed", "3"])
    };
    assert_eq!(totals(&demo("400"))["events"], 400);
    assert_eq!(totals(&demo("1000"))["events"], 600);
    assert_eq!(totals(&demo("1000"))["events"], 0);
    let other = place.run(&["demo", "--dir", "kept", "--events", "10", "--exit-when-done", "--seed", "4"]);
    assert_eq!(other.code, 1);
    assert!(other.err.contains("error: `kept` was begun with other traffic. help: "), "{}", other.err);
    let results = place
        .command(&["tap", "kilat.decisions.v1", "--until-end"])
        .env("KILAT__LOG__DIR", "kept/log")
        .output()
        .unwrap();
    assert!(results.status.success());
    assert!(!results.stdout.is_empty());
}

#[test]
fn rules_of_ones_own_are_used_and_their_endpoints_redirected() {
    let place = Place::new();
    place.file(
        "rules.yaml",
        &crate::eval::RULES.replace("value: responded", "value: new").replace("[order, buy, booking]", "[a]"),
    );
    let ran = place.run(&["demo", "--rules", "rules.yaml", "--events", "500", "--exit-when-done", "--json"]);
    let totals = totals(&ran);
    assert!(totals["fired"].as_u64() > Some(50), "{totals}");
    assert_eq!(totals["actions"], totals["fired"], "a webhook for every fire");
    assert_eq!(totals["delivered"], totals["actions"], "stand-ins take webhooks in the end");
}

#[test]
fn rules_with_errors_do_not_start() {
    let place = Place::new();
    place.file("rules.yaml", &crate::eval::RULES.replace("contains", "contians"));
    let ran = place.run(&["demo", "--rules", "rules.yaml", "--events", "5", "--exit-when-done"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("rules.yaml:10:") && ran.err.contains("error: the rules have 1 error"), "{}", ran.err);
}
