//! Rule sets while the pipeline runs.

use std::sync::Arc;

use kilat_codec::Topic;
use serde_json::json;

use crate::house::{House, tagging, wait};

/// Proves F-193 and D-41.
#[test]
fn a_rule_set_goes_live_without_a_restart_and_no_event_sees_two_versions() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    house.publish("acme", &tagging("v0"));
    let service = house.start();
    let mut hashes = std::collections::HashSet::new();
    for version in 0..20 {
        house.publish("acme", &tagging(&format!("v{version}")));
        house.messages(version * 50..(version + 1) * 50, "halo");
    }
    wait(|| service.totals().events == 1_000, "all taken");
    let last = service.registry().live("acme").unwrap().hash().to_owned();
    wait(|| service.registry().live("acme").is_some(), "live");
    service.stop();
    service.join();

    // A rule set's hash names its version; its rule adds the tag of that version and no other.
    let mut tags = std::collections::HashMap::new();
    for decision in house.decisions() {
        let hash = decision["rule_set"].as_str().unwrap().to_owned();
        let tag = decision["fired"][0]["actions"][0]["to"].as_str().unwrap().to_owned();
        assert_eq!(*tags.entry(hash.clone()).or_insert_with(|| tag.clone()), tag, "{hash}");
        assert_eq!(decision["fired"].as_array().unwrap().len(), 1);
        hashes.insert(hash);
    }
    assert!(!hashes.is_empty() && last.starts_with("sha256:"));
}

/// Proves F-89, F-95 and F-141. How many milliseconds that is under load is measured by `cargo xtask bench kafka`.
#[test]
fn an_event_that_comes_alone_is_decided_without_waiting_for_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    house.publish("acme", &tagging("seen"));
    let service = house.start();
    wait(|| service.registry().live("acme").is_some(), "live");
    for id in 0..3 {
        house.messages(id..id + 1, "halo");
        wait(|| house.decisions().len() == id + 1, "decided while nothing else comes");
    }
    service.stop();
    service.join();
}

/// Proves F-18 and D-37.
#[test]
fn a_change_that_a_rule_makes_is_an_event_that_names_its_cause() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    house.publish(
        "acme",
        "workspace: acme
rules:
  - {id: hot, name: Hot, trigger: message.created, actions: [{type: set_status, value: hot}]}
  - {id: on-hot, name: On hot, trigger: lead.status_changed, actions: [{type: add_tag, value: hot}]}
",
    );
    let service = house.start();
    wait(|| service.registry().live("acme").is_some(), "live");
    house.messages(0..1, "halo");
    wait(|| house.decisions().len() == 2, "decided");
    service.stop();
    service.join();
    let decisions = house.decisions();
    let caused = decisions.iter().find(|decision| decision["depth"] == 1).unwrap();
    assert_eq!((&caused["type"], &caused["causation_id"]), (&"lead.status_changed".into(), &"e0".into()));
    assert_eq!(caused["fired"][0]["rule"], "on-hot");
}

#[test]
fn a_broken_rule_set_leaves_the_old_one_live_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    house.publish("acme", &tagging("good"));
    let service = house.start();
    wait(|| service.registry().live("acme").is_some(), "live");
    let good = service.registry().live("acme").unwrap().hash().to_owned();

    house.publish("acme", "workspace: acme\nrules:\n  - {id: broken, name: B, trigger: no.such, actions: []}\n");
    let mut refusals = Vec::new();
    wait_for_refusal(&house, &mut refusals);
    assert!(refusals[0].contains("no.such"), "{refusals:?}");
    assert_eq!(service.registry().live("acme").unwrap().hash(), good);

    house.messages(0..10, "halo");
    wait(|| service.totals().evaluated == 10, "evaluated");
    service.stop();
    service.join();
    assert!(house.decisions().iter().all(|decision| decision["rule_set"] == good.as_str()));
}

#[test]
fn a_workspace_that_asks_for_it_gets_explanations_on_their_topic() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    let explained = tagging("seen").replace("rules:", "settings: {explain: {sample: 1}}\nrules:");
    house.publish("acme", &explained);
    let service = house.start();
    wait(|| service.registry().live("acme").is_some(), "live");
    house.messages(0..20, "halo");
    wait(|| service.totals().evaluated == 20, "evaluated");
    service.stop();
    service.join();
    let mut told = std::collections::BTreeSet::new();
    house.read(Topic::Explain.name(), &mut |record| {
        assert_eq!(record.key, Some(&b"acme"[..]));
        let explanation = kilat_codec::decode_explanation(record.value.unwrap()).unwrap();
        if explanation.depth == 0 {
            assert_eq!(&*explanation.evaluated[0].rule, "tag");
            assert!(told.insert(explanation.event_id.to_string()), "{} is explained twice", explanation.event_id);
        }
    });
    assert_eq!(told.len(), 20, "{told:?}");
}

#[test]
fn workspaces_with_the_same_rules_share_them_until_one_changes_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    let tagging = |workspace: &str, tag: &str| tagging(tag).replace("acme", workspace);
    let event = |house: &mut House, workspace: &str, id: &str| {
        house.event(&json!({"id": id, "workspace": workspace, "type": "message.created",
            "occurred_at": "2026-11-20T03:00:00.000Z", "conversation": {"id": format!("c-{workspace}")},
            "lead": {"id": format!("l-{id}")}, "channel": {"kind": "whatsapp", "account": "1"},
            "sender": {"kind": "customer", "id": "628120000000"}, "message": {"id": format!("m-{id}"), "text": "halo"}}));
    };
    house.publish("acme", &tagging("acme", "seen"));
    house.publish("globex", &tagging("globex", "seen"));
    let service = house.start();
    let live = |workspace: &str| service.registry().live(workspace).expect("live");
    let (acme, globex) = (live("acme"), live("globex"));
    assert!(Arc::ptr_eq(acme.compiled(), globex.compiled()));
    assert_ne!(acme.hash(), globex.hash(), "a hash is that of one workspace's document");
    event(&mut house, "acme", "a1");
    event(&mut house, "globex", "g1");
    wait(|| house.decisions().len() == 2, "decided");

    house.publish("globex", &tagging("globex", "other"));
    wait(|| statuses(&house) == 3, "told");
    let changed = live("globex");
    assert!(Arc::ptr_eq(live("acme").compiled(), acme.compiled()), "the other one's rules are as they were");
    assert!(!Arc::ptr_eq(changed.compiled(), acme.compiled()));
    event(&mut house, "acme", "a2");
    event(&mut house, "globex", "g2");
    wait(|| house.decisions().len() == 4, "decided");
    service.stop();
    service.join();

    for decision in house.decisions() {
        let (workspace, rules, tag) = match decision["event_id"].as_str().unwrap() {
            "a1" | "a2" => ("acme", &acme, "seen"),
            "g1" => ("globex", &globex, "seen"),
            _ => ("globex", &changed, "other"),
        };
        assert_eq!(decision["workspace"], workspace, "{decision}");
        assert_eq!(decision["rule_set"], rules.hash(), "{decision}");
        assert_eq!(decision["fired"][0]["actions"][0]["to"], tag, "{decision}");
    }
}

/// How often a verdict on a rule set was told.
fn statuses(house: &House) -> usize {
    let mut told = 0;
    house.read(Topic::RuleStatus.name(), &mut |_| told += 1);
    told
}

fn wait_for_refusal(house: &House, refusals: &mut Vec<String>) {
    let found = std::cell::RefCell::new(refusals);
    wait(
        || {
            house.read(Topic::RuleStatus.name(), &mut |record| {
                let status = kilat_codec::decode_rule_status(record.value.unwrap()).unwrap();
                if !status.live {
                    found.borrow_mut().push(status.error.unwrap().to_string());
                }
            });
            !found.borrow().is_empty()
        },
        "refused",
    );
}
