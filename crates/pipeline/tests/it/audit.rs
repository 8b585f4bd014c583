//! The audit: nothing to tell where all is well, and the first difference by name where a record was taken away or added.

use std::sync::Arc;

use kilat_codec::{Encoder, Topic};
use kilat_domain::{ActionResult, Outcome, Timestamp};
use kilat_log::{PartitionedLog, Record, Transaction};
use kilat_pipeline::audit::{Audit, Difference, Law};
use serde_json::json;

use crate::hiding::hiding;
use crate::house::{House, stop, wait};

/// A rule set that queues a webhook for every message with `beli`, and tags others with `halo`.
const RULES: &str = "workspace: acme
endpoints:
  crm: {url: https://crm.example/hook, secret: env:SECRET}
rules:
  - {id: buy, name: Buy, trigger: message.created, conditions: [{field: message.text, op: contains, value: beli}], actions: [{type: send_webhook, to: crm}]}
  - {id: hi, name: Hi, trigger: message.created, conditions: [{field: message.text, op: contains, value: halo}], actions: [{type: add_tag, value: greeted}]}
";

/// 40 messages in batches, every other one with an action, then a repeated one and one that cannot be read.
fn worked(dir: &std::path::Path) -> House {
    let mut house = House::open(dir);
    house.publish("acme", RULES);
    let service = house.start();
    for batch in 0..4 {
        house.messages(batch * 10..batch * 10 + 5, "mau beli");
        house.messages(batch * 10 + 5..batch * 10 + 10, if batch == 3 { "apa" } else { "halo" });
        let taken = (batch as u64 + 1) * 10;
        wait(|| service.totals().events == taken, "decided");
    }
    house.messages(7..8, "halo");
    house.raw(b"no event");
    wait(|| service.totals().events == 42, "decided");
    stop(service);
    house
}

fn audited(log: &Arc<dyn PartitionedLog>) -> Audit {
    let mut audit = Audit::open(log).expect("opens");
    audit.to_the_end().expect("reads");
    audit
}

/// The first difference where the records `hidden` cannot be seen.
fn first_without(house: &House, hidden: impl Fn(&str, &Record<'_>) -> bool + Send + Sync + 'static) -> Difference {
    audited(&hiding(&house.log, hidden)).first().cloned().expect("a difference")
}

/// Key, value and place of every record of a topic.
fn records(house: &House, topic: Topic) -> Vec<(u32, i64, Vec<u8>, Vec<u8>)> {
    let mut records = Vec::new();
    house.read(topic.name(), &mut |record| {
        let bytes = |bytes: Option<&[u8]>| bytes.unwrap_or_default().to_vec();
        records.push((record.partition, record.offset, bytes(record.key), bytes(record.value)));
    });
    records
}

/// Appends records to a topic, as somebody else would.
fn add(house: &House, topic: &str, partition: u32, key: &[u8], value: &[u8]) {
    let mut writer = house.log.writer("somebody", &[topic.to_owned()]).expect("writes");
    let mut transaction = Transaction::default();
    let append = |bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(value);
        Ok::<(), std::convert::Infallible>(())
    };
    transaction.append(0, Some(partition), key, &[], append).expect("infallible");
    writer.commit(&transaction).expect("commits");
}

#[test]
fn what_the_pipeline_wrote_adds_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let house = worked(dir.path());
    let audit = audited(&house.log);
    assert_eq!(audit.first(), None);
    let totals = audit.totals();
    assert_eq!((totals.events, totals.evaluated, totals.duplicates, totals.dead_lettered), (42, 40, 1, 1));
    assert_eq!((totals.decisions, totals.actions, totals.waiting, totals.unjudged), (35, 20, 20, 0));
    assert!(Law::ALL.iter().all(|law| audit.broken(*law) == 0));
}

#[test]
fn an_audit_goes_on_where_it_was() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut house = worked(dir.path());
    let mut audit = audited(&house.log);
    let service = house.start();
    house.messages(100..150, "mau beli");
    wait(|| service.totals().events == 50, "decided");
    stop(service);
    while audit.some().expect("reads") {}
    audit.cut().expect("reads");
    assert_eq!(audit.first(), None);
    assert_eq!((audit.totals().events, audit.totals().actions), (92, 70));
}

#[test]
fn results_settle_actions_and_one_of_no_action_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let house = worked(dir.path());
    let result = |action_id: &str, outcome: Outcome| {
        let result = ActionResult {
            action_id: action_id.to_owned().into(),
            workspace: "acme".into(),
            conversation: "c1".into(),
            action: "send_webhook".into(),
            outcome,
            reason: None,
            detail: None,
            attempts: 1,
            http_status: Some(200),
            partner_ref: None,
            endpoint_ms: 3,
            at: Timestamp(0),
        };
        let mut value = Vec::new();
        Encoder::new().action_result(&result, &mut value).expect("encodes");
        value
    };
    let actions = records(&house, Topic::ActionsWebhook);
    let (partition, _, _, value) = &actions[0];
    let id = kilat_codec::decode_action(value).expect("an action").id.to_string();
    let results = Topic::ActionResults.name();
    add(&house, results, *partition, id.as_bytes(), &result(&id, Outcome::Sending));
    add(&house, results, *partition, id.as_bytes(), &result(&id, Outcome::Delivered));
    let audit = audited(&house.log);
    assert_eq!(audit.first(), None);
    assert_eq!((audit.totals().delivered, audit.totals().waiting), (1, 19));

    add(&house, results, *partition, b"X", &result("X", Outcome::Failed));
    let first = audited(&house.log).first().cloned().expect("a difference");
    assert_eq!((first.law, first.topic, first.partition), (Law::Results, results, *partition));
    assert_eq!((first.offset, first.action_id.as_deref()), (Some(2), Some("X")));

    add(&house, results, *partition, id.as_bytes(), &result(&id, Outcome::Failed));
    let mut audit = audited(&house.log);
    let second = audit.untold().nth(1).expect("a second difference");
    assert_eq!((second.law, second.offset, second.action_id.as_deref()), (Law::Results, Some(3), Some(&*id)));
    assert!(second.expected.contains("one last result"), "{second}");
}

#[test]
fn a_missing_decision_is_named_by_its_event() {
    let dir = tempfile::tempdir().expect("a directory");
    let house = worked(dir.path());
    let first = first_without(&house, |topic, record| topic == Topic::Decisions.name() && record.offset == 17);
    // 35 decisions, in the order of their events: the 18th is about event 17.
    assert_eq!((first.law, first.topic), (Law::Decisions, Topic::Decisions.name()));
    assert_eq!((first.workspace.as_deref(), first.event_id.as_deref()), (Some("acme"), Some("e17")));
    assert_eq!(first.offset, None);
    assert!(first.expected.contains("kilat.messages.v1, offset 17"), "{first}");
}

#[test]
fn a_missing_action_is_named_by_its_id() {
    let dir = tempfile::tempdir().expect("a directory");
    let house = worked(dir.path());
    let (partition, offset, _, value) = records(&house, Topic::ActionsWebhook).swap_remove(5);
    let action = kilat_codec::decode_action(&value).expect("an action");
    let first = first_without(&house, move |topic, record| {
        topic == Topic::ActionsWebhook.name() && (record.partition, record.offset) == (partition, offset)
    });
    assert_eq!((first.law, first.topic, first.partition), (Law::Actions, Topic::ActionsWebhook.name(), partition));
    assert_eq!((first.action_id.as_deref(), first.event_id.as_deref()), (Some(&*action.id), Some(&*action.event_id)));
}

#[test]
fn a_missing_input_record_a_missing_dead_letter_and_a_missing_block_are_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let house = worked(dir.path());
    let (messages, letters, state) = (Topic::Messages.name(), Topic::Messages.dlq_name(), Topic::State.name());

    let first = first_without(&house, move |topic, record| topic == messages && record.offset == 12);
    assert_eq!((first.law, first.topic, first.offset), (Law::Coverage, messages, Some(12)));

    let first = first_without(&house, move |topic, _| topic == letters);
    // 40 messages, the repeated one, then the one that cannot be read.
    assert_eq!((first.law, first.topic, first.offset), (Law::DeadLetters, messages, Some(41)));

    let hidden = std::sync::OnceLock::new();
    let first = first_without(&house, move |topic, record| {
        topic == state && record.offset == 1 && *hidden.get_or_init(|| record.partition) == record.partition
    });
    assert_eq!((first.law, first.topic, first.offset), (Law::Chain, state, Some(2)));
}

#[test]
fn copies_of_decisions_actions_and_blocks_are_told() {
    for (topic, law) in
        [(Topic::Decisions, Law::Decisions), (Topic::ActionsWebhook, Law::Actions), (Topic::State, Law::Chain)]
    {
        let dir = tempfile::tempdir().expect("a directory");
        let house = worked(dir.path());
        let all = records(&house, topic);
        let (partition, _, key, value) = &all[all.len() - 1];
        add(&house, topic.name(), *partition, key, value);
        let next = all.iter().filter(|record| record.0 == *partition).map(|record| record.1).max().map(|last| last + 1);
        let first = audited(&house.log).first().cloned().expect("a difference");
        assert_eq!((first.law, first.topic, first.partition, first.offset), (law, topic.name(), *partition, next));
    }
}

#[test]
fn decisions_in_another_order_than_their_events_are_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let house = worked(dir.path());
    // The decision about event 3 is hidden where it stands, and stands at the end instead.
    let decisions = records(&house, Topic::Decisions);
    let (partition, offset, key, value) = &decisions[3];
    add(&house, Topic::Decisions.name(), *partition, key, value);
    let (partition, offset, last) = (*partition, *offset, decisions.len() as i64);
    let first = first_without(&house, move |topic, record| {
        topic == Topic::Decisions.name() && (record.partition, record.offset) == (partition, offset)
    });
    assert_eq!((first.law, first.event_id.as_deref()), (Law::Order, Some("e4")));
    assert!(first.expected.contains(&format!("after offset {last}")), "{first}");
}

#[test]
fn what_no_block_covers_yet_is_lag_and_no_difference() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut house = worked(dir.path());
    house.messages(200..300, "mau beli");
    let audit = audited(&house.log);
    assert_eq!(audit.first(), None);
    assert_eq!(audit.totals().events, 42);
}

#[test]
fn a_difference_reads_well() {
    let dir = tempfile::tempdir().expect("a directory");
    let house = worked(dir.path());
    let first = first_without(&house, |topic, record| topic == Topic::Decisions.name() && record.offset == 17);
    let partition = first.partition;
    let text = first.to_string();
    let place = format!("decisions: kilat.decisions.v1, partition {partition}, workspace acme, event e17: ");
    assert!(text.starts_with(&place), "{text}");
    let line = serde_json::to_value(&first).expect("JSON");
    assert_eq!((&line["law"], &line["event_id"]), (&json!("decisions"), &json!("e17")));
}
