//! Snapshots hold still while rule sets are swapped.

use super::*;

fn document(workspace: &str, status: &str) -> kilat_rules::Document {
    let text = format!(
        "workspace: {workspace}\nrules:\n  - id: r\n    name: R\n    trigger: lead.created\n    actions: [{{type: set_status, value: {status}}}]\n"
    );
    kilat_rules::load("rules.yaml", &text).documents.remove(0)
}

fn rule_set(workspace: &str, status: &str) -> Arc<RuleSet> {
    Arc::new(kilat_rules::compile(&document(workspace, status)).expect("the rules are right"))
}

/// Publishes, and reaches the epoch after.
fn publish(registry: &Registry, workspace: &str, rules: Option<Arc<RuleSet>>, offset: i64) {
    registry.publish(workspace, rules, offset);
    registry.reach(offset + 1);
}

fn hash<'s>(snapshot: &'s mut Snapshot, workspace: &str) -> Option<&'s str> {
    let place = snapshot.find(workspace);
    snapshot.rules(place).map(RuleSet::hash)
}

#[test]
fn a_snapshot_keeps_its_version_while_newer_ones_go_live() {
    let registry = Arc::new(Registry::new());
    let (first, second) = (rule_set("acme", "hot"), rule_set("acme", "won"));
    publish(&registry, "acme", Some(first.clone()), 0);
    let mut snapshot = Snapshot::new(registry.clone());

    publish(&registry, "acme", Some(second.clone()), 1);
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
    publish(&registry, "*", Some(every.clone()), 0);
    publish(&registry, "acme", Some(own.clone()), 1);
    let mut snapshot = Snapshot::new(registry.clone());
    assert_eq!(hash(&mut snapshot, "acme"), Some(own.hash()));
    assert_eq!(hash(&mut snapshot, "other"), Some(every.hash()));

    publish(&registry, "acme", None, 2);
    snapshot.refresh();
    assert_eq!(hash(&mut snapshot, "acme"), Some(every.hash()), "withdrawn");
}

#[test]
fn a_version_is_seen_from_the_epoch_after_it_on_and_not_before_that_is_reached() {
    let registry = Arc::new(Registry::new());
    let (first, second) = (rule_set("acme", "hot"), rule_set("acme", "won"));
    publish(&registry, "acme", Some(first.clone()), 0);
    registry.publish("acme", Some(second.clone()), 5);
    let mut snapshot = Snapshot::new(registry.clone());
    assert_eq!(hash(&mut snapshot, "acme"), Some(first.hash()), "not reached");
    registry.reach(6);
    snapshot.refresh();
    assert_eq!(hash(&mut snapshot, "acme"), Some(second.hash()));
}

#[test]
fn a_version_is_kept_as_long_as_a_snapshot_may_look_it_up_and_no_longer() {
    let registry = Arc::new(Registry::new());
    let sets: Vec<Arc<RuleSet>> = (0..20).map(|_| rule_set("acme", "hot")).collect();
    publish(&registry, "acme", Some(sets[0].clone()), 0);
    let mut old = Snapshot::new(registry.clone());
    for (offset, set) in sets.iter().enumerate().skip(1) {
        publish(&registry, "acme", Some(set.clone()), offset as i64);
    }
    let place = old.find("acme");
    assert!(
        old.rules(place).is_some_and(|rules| std::ptr::eq(rules, &raw const *sets[0])),
        "however many came after it"
    );
    let held = |at: usize| Arc::strong_count(&sets[at]) - 1;
    assert_eq!((1..18).map(held).sum::<usize>(), 0, "nobody can ask for those between");
    drop(old);
    publish(&registry, "acme", None, 20);
    assert_eq!((0..19).map(held).sum::<usize>(), 0);
    assert_eq!(held(19), 1, "a batch that begins before the epoch is reached sees the one before");
}

#[test]
fn what_workspaces_share_goes_with_the_last_one_that_uses_it() {
    let registry = Registry::new();
    let share = |workspace: &str, status: &str| {
        let document = document(workspace, status);
        let compiled = kilat_rules::compile_unless(&document, &|| false).expect("nobody gives it up");
        registry.share(document.fingerprint().expect("it was read as a whole"), compiled.expect("the rules are right"))
    };
    let (acme, globex, other) = (share("acme", "hot"), share("globex", "hot"), share("initech", "won"));
    assert!(Arc::ptr_eq(&acme, &globex));
    assert!(!Arc::ptr_eq(&acme, &other));
    let fingerprint = document("umbrella", "hot").fingerprint().expect("it was read as a whole");
    drop(acme);
    assert!(registry.find_compiled(fingerprint).is_some_and(|compiled| Arc::ptr_eq(&compiled, &globex)));
    drop(globex);
    assert!(registry.find_compiled(fingerprint).is_none(), "nobody uses it");

    for n in 0..3 * SHARED_MIN {
        share("acme", &format!("hot}}, {{type: add_tag, value: tag{n}"));
    }
    assert!(registry.shared().compiled.len() <= SHARED_MIN, "of what nobody uses no more than so much is left");
    assert!(registry.find_compiled(document("acme", "won").fingerprint().expect("a fingerprint")).is_some());
}
