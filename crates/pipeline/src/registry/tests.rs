//! Snapshots hold still while rule sets are swapped.

use super::*;

fn rule_set(workspace: &str, status: &str) -> Arc<RuleSet> {
    let text = format!(
        "workspace: {workspace}\nrules:\n  - id: r\n    name: R\n    trigger: lead.created\n    actions: [{{type: set_status, value: {status}}}]\n"
    );
    let loaded = kilat_rules::load("rules.yaml", &text);
    Arc::new(kilat_rules::compile(&loaded.documents[0]).expect("the rules are right"))
}

fn hash<'s>(snapshot: &'s mut Snapshot, workspace: &str) -> Option<&'s str> {
    let place = snapshot.find(workspace);
    snapshot.rules(place).map(RuleSet::hash)
}

#[test]
fn a_snapshot_keeps_its_version_while_newer_ones_go_live() {
    let registry = Arc::new(Registry::new());
    let (first, second) = (rule_set("acme", "hot"), rule_set("acme", "won"));
    registry.publish("acme", Some(first.clone()), 0);
    let mut snapshot = Snapshot::new(registry.clone());

    registry.publish("acme", Some(second.clone()), 1);
    assert_eq!(hash(&mut snapshot, "acme"), Some(first.hash()), "looked up after the swap");
    assert_eq!(registry.live("acme").as_deref().map(RuleSet::hash), Some(second.hash()));

    snapshot.refresh();
    assert_eq!(hash(&mut snapshot, "acme"), Some(second.hash()));
    assert_eq!(snapshot.epoch(), 2);
}

#[test]
fn a_workspace_without_rules_of_its_own_gets_those_of_every_workspace() {
    let registry = Arc::new(Registry::new());
    let (every, own) = (rule_set("\"*\"", "hot"), rule_set("acme", "won"));
    registry.publish("*", Some(every.clone()), 0);
    registry.publish("acme", Some(own.clone()), 1);
    let mut snapshot = Snapshot::new(registry.clone());
    assert_eq!(hash(&mut snapshot, "acme"), Some(own.hash()));
    assert_eq!(hash(&mut snapshot, "other"), Some(every.hash()));

    registry.publish("acme", None, 2);
    snapshot.refresh();
    assert_eq!(hash(&mut snapshot, "acme"), Some(every.hash()), "withdrawn");
}
