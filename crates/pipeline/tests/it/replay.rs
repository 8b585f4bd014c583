//! Replay: recorded input gives the same decisions, actions and state again, and what does not is told.

use std::sync::Arc;

use kilat_codec::Topic;
use kilat_log::PartitionedLog;
use kilat_pipeline::replay::{Replay, ReplayError, Replayed};
use serde_json::json;

use crate::house::{House, PARTITIONS, stop, tagging, wait};

const RULES: &str = "workspace: acme
endpoints:
  crm: {url: https://crm.example/hook, secret: env:SECRET}
rules:
  - {id: first, name: First, trigger: message.created, conditions: [{field: chat_count, op: lte, value: 3}], actions: [{type: send_webhook, to: crm}, {type: add_tag, value: new}]}
  - {id: told, name: Told, trigger: tag.added, actions: [{type: set_status, value: hot}]}
";

/// Messages, lead changes, something unreadable and something repeated, in several runs of the engine under two rule sets.
fn worked(dir: &std::path::Path) -> House {
    let mut house = House::open(dir);
    house.publish("acme", RULES);
    let mut taken = 0;
    for run in 0..3 {
        if run == 2 {
            house.publish("acme", &RULES.replace("value: 3", "value: 30"));
        }
        let service = house.start();
        taken = 0;
        for batch in 0..3 {
            let from = run * 100 + batch * 20;
            house.messages(from..from + 20, "halo");
            house.change(&format!("v{run}{batch}"), &format!("l{}", batch % 7));
            taken += 21;
            wait(|| service.totals().events == taken, "decided");
        }
        house.messages(run * 100..run * 100 + 1, "again");
        house.raw(b"no event");
        wait(|| service.totals().events == taken + 2, "decided");
        stop(service);
    }
    assert_eq!(taken, 63);
    house
}

/// Replays a partition to its end or to the first difference, and everything it gave.
pub(crate) fn replayed(log: &Arc<dyn PartitionedLog>, partition: u32, from: i64) -> (Vec<Replayed>, Vec<u8>) {
    let (mut blocks, mut bytes) = (Vec::new(), Vec::new());
    let mut replay = Replay::open(log, partition, from).expect("opens");
    while let Some(block) = replay
        .next(&mut |produced| {
            bytes.extend_from_slice(produced.topic.name().as_bytes());
            bytes.extend_from_slice(produced.key);
            bytes.extend_from_slice(produced.value);
        })
        .expect("goes on")
    {
        let differs = block.divergence.is_some();
        blocks.push(block);
        if differs {
            break;
        }
    }
    (blocks, bytes)
}

/// The partition of the one workspace there is.
pub(crate) fn partition_of(house: &House) -> u32 {
    let mut found = None;
    house.read(Topic::State.name(), &mut |record| found = Some(record.partition));
    found.expect("a block")
}

#[test]
fn recorded_input_gives_what_was_committed_and_the_same_bytes_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let house = worked(dir.path());
    let (mut records, mut decisions, mut actions) = (0, 0, 0);
    for partition in 0..PARTITIONS {
        let (blocks, bytes) = replayed(&house.log, partition, 1);
        for block in &blocks {
            assert_eq!(block.divergence, None);
            records += block.records;
            decisions += block.decisions;
            actions += block.actions;
        }
        assert_eq!(replayed(&house.log, partition, 1).1, bytes);
    }
    assert_eq!(records, 3 * 65);
    assert_eq!(decisions, house.decisions().len() as u64);
    let mut committed = 0;
    house.read(Topic::ActionsWebhook.name(), &mut |_| committed += 1);
    assert_eq!(actions, committed);
    assert!(committed > 21, "the rule counts each of seven chats' messages");
}

#[test]
fn a_replay_may_begin_at_any_block() {
    let dir = tempfile::tempdir().expect("a directory");
    let house = worked(dir.path());
    let partition = partition_of(&house);
    let (all, _) = replayed(&house.log, partition, 1);
    for from in 1..=all.len() {
        let first = all[from - 1].sequence;
        let (rest, _) = replayed(&house.log, partition, first);
        assert_eq!(rest, all[from - 1..], "from block {first}");
    }
}

#[test]
fn a_block_that_is_not_there_is_refused_with_those_that_are() {
    let dir = tempfile::tempdir().expect("a directory");
    let house = worked(dir.path());
    let partition = partition_of(&house);
    let error = Replay::open(&house.log, partition, 1_000).err().expect("refused").to_string();
    assert!(error.contains("block 1000 of partition") && error.contains("has 1 to "), "{error}");
    let error = Replay::open(&house.log, 9, 1).err().expect("refused").to_string();
    assert!(error.contains("help: name one from 0 to 3"), "{error}");
}

#[test]
fn rules_that_were_compacted_away_are_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut house = House::open(dir.path());
    house.publish("acme", &tagging("one"));
    let service = house.start();
    house.messages(0..5, "halo");
    wait(|| service.totals().events == 5, "decided");
    stop(service);
    house.publish("acme", &tagging("two"));
    let live = house.decisions()[0]["rule_set"].as_str().expect("a hash").to_owned();
    let log = house.without(Topic::Rules.name(), 0);
    let partition = partition_of(&house);
    let mut replay = Replay::open(&log, partition, 1).expect("opens");
    let error = replay.next(&mut |_| {}).expect_err("has no rules");
    assert!(matches!(&error, ReplayError::RulesGone { workspace, hash, .. } if workspace == "acme" && *hash == live));
    assert!(error.to_string().contains("help: start with --from"), "{error}");
}

#[test]
fn another_decision_than_the_committed_one_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let house = worked(dir.path());
    let partition = partition_of(&house);
    // Without its first decision the topic goes on with the second.
    let log = house.without(Topic::Decisions.name(), 0);
    let (blocks, _) = replayed(&log, partition, 1);
    let differs = blocks[0].divergence.as_ref().expect("a difference");
    assert_eq!(differs.topic, Topic::Decisions.name());
    assert!(differs.what.contains("event e0 of workspace acme"), "{differs:?}");
    let line: serde_json::Value = serde_json::from_str(&differs.replayed).expect("a decision line");
    assert_eq!(line["event_id"], json!("e0"));
}

#[test]
fn input_that_is_gone_ends_the_replay_with_its_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let house = worked(dir.path());
    let log = house.without(Topic::Messages.name(), 3);
    let mut replay = Replay::open(&log, partition_of(&house), 1).expect("opens");
    let error = replay.next(&mut |_| {}).expect_err("has a gap").to_string();
    assert!(error.contains("kilat.messages.v1 no longer has offset 3"), "{error}");
}
