//! Rule sets while the pipeline runs.

use kilat_codec::Topic;

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
