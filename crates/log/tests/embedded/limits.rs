//! Caps, and requests that name what is not there: each an error, and nothing of the transaction is kept.

use std::time::Duration;

use kilat_domain::Class;
use kilat_log::{EmbeddedError, LogError, Polled, Retention, Start, TopicSpec, Transaction};

use super::conformance::stage::{append, assigned, take};
use super::conformance::{Stage, Subject};
use super::open;

fn stage() -> (Stage, Subject) {
    let subject = open().expect("opens");
    (Stage::new("limits", &subject), subject)
}

#[test]
fn a_record_over_17_mebibytes_is_refused_as_poison_with_its_transaction() {
    let (stage, _subject) = stage();
    let topic = stage.topic("topic", 1);
    let mut writer = stage.writer("writer", &[&topic]);
    let mut transaction = Transaction::default();
    append(&mut transaction, 0, None, "key", "small");
    append(&mut transaction, 0, None, "key", &"x".repeat(17 * 1024 * 1024 - 3));
    writer.commit(&transaction).expect("exactly at the limit");
    append(&mut transaction, 0, None, "key", &"x".repeat(17 * 1024 * 1024 - 2));
    let error = writer.commit(&transaction).expect_err("one byte over");
    assert!(matches!(&error, LogError::TooLarge { topic: named, .. } if *named == topic), "{error}");
    assert_eq!(error.class(), Class::Poison);
    assert_eq!(stage.read(&topic).len(), 2);
}

#[test]
fn a_transaction_over_its_cap_is_refused() {
    let (stage, _subject) = stage();
    let topic = stage.topic("topic", 1);
    let mut transaction = Transaction::default();
    let value = "x".repeat(1024 * 1024);
    for _ in 0..64 {
        append(&mut transaction, 0, None, "key", &value);
    }
    let error = stage.writer("writer", &[&topic]).commit(&transaction).expect_err("64 MiB and the keys");
    assert!(matches!(error, LogError::Embedded(EmbeddedError::TransactionTooLarge { .. })), "{error}");
    assert_eq!(stage.read(&topic), []);
}

#[test]
fn what_is_not_there_is_named() {
    let (stage, subject) = stage();
    let topic = stage.topic("topic", 2);
    let mut writer = stage.writer("writer", &[&topic]);
    let mut refused = |fill: &dyn Fn(&mut Transaction)| {
        let mut transaction = Transaction::default();
        append(&mut transaction, 0, None, "key", "value");
        fill(&mut transaction);
        let error = writer.commit(&transaction).expect_err("refused");
        assert_eq!(error.class(), Class::Fatal);
        error.to_string()
    };
    let partition = refused(&|transaction| append(transaction, 0, Some(2), "key", "value"));
    assert!(partition.contains("partition 2") && partition.contains(&topic), "{partition}");
    assert!(refused(&|transaction| append(transaction, 1, None, "key", "value")).contains("outputs"));
    assert!(refused(&|transaction| transaction.advance(0, 0, 1)).contains("inputs"));
    assert_eq!(stage.read(&topic), []);
    assert!(subject.log.follow(&topic, Some(&[5]), Start::Earliest).is_err());
}

#[test]
fn topics_that_kafka_would_refuse_are_refused() {
    let (stage, subject) = stage();
    let long = "x".repeat(250);
    for (name, partitions) in [("", 1), ("a/b", 1), ("..", 1), (long.as_str(), 1), ("none", 0), ("many", 1_000_000)] {
        let spec = TopicSpec { name: name.to_owned(), partitions, retention: Retention::Unlimited, replication: 1 };
        let error = subject.log.create_topics(&[spec]).expect_err("refused");
        assert!(matches!(error, LogError::NotCreated { .. }), "{error}");
    }
    stage.topic("fine", 1);
}

#[test]
fn inputs_of_unequal_counts_and_members_with_other_inputs_are_refused() {
    let (stage, subject) = stage();
    let (two, three) = (stage.topic("two", 2), stage.topic("three", 3));
    let error = subject.log.join(&stage.member_spec("group", "one", &[&two, &three], &[])).err().expect("refused");
    assert!(matches!(error, LogError::UnequalPartitions { .. }), "{error}");

    let _one = stage.join("group", "one", &[&two], &[]);
    let error = subject.log.join(&stage.member_spec("group", "two", &[&three], &[])).err().expect("refused");
    assert!(matches!(error, LogError::Embedded(EmbeddedError::GroupInputs { .. })), "{error}");
    let _elsewhere = stage.join("another", "two", &[&three], &[]);
}

#[test]
fn offsets_of_a_partition_that_was_given_away_cannot_be_committed() {
    let (stage, _subject) = stage();
    let input = stage.topic("input", 2);
    let output = stage.topic("output", 1);
    for partition in 0..2 {
        stage.feed(&input, partition, &["record".to_owned()], 1);
    }
    let mut one = stage.join("group", "one", &[&input], &[&output]);
    assert_eq!(assigned(one.as_mut(), 2), [0, 1]);
    take(one.as_mut(), 2);
    let mut stale = Transaction::default();
    append(&mut stale, 0, None, "key", "stale");
    stale.advance(0, 1, 1);
    let mut two = stage.join("group", "two", &[&input], &[&output]);
    let polled = one.poll(Duration::ZERO, 0, &mut |_| {}).expect("polls");
    assert_eq!(polled, Polled::Revoked { partitions: vec![1], lost: false });
    one.poll(Duration::ZERO, 0, &mut |_| {}).expect("polls and gives it up");
    assert_eq!(take(two.as_mut(), 1)[0].partition, 1);
    let error = one.commit(&stale).expect_err("fenced");
    assert!(matches!(error, LogError::Fenced { .. }), "{error}");
    assert_eq!(stage.read(&output), []);
}

#[test]
fn a_replaced_member_is_told_that_its_partitions_are_lost() {
    let (stage, _subject) = stage();
    let input = stage.topic("input", 2);
    let mut earlier = stage.join("group", "one", &[&input], &[]);
    assert_eq!(assigned(earlier.as_mut(), 2), [0, 1]);
    let mut later = stage.join("group", "one", &[&input], &[]);
    let polled = earlier.poll(Duration::ZERO, 1, &mut |_| {}).expect("told once");
    assert_eq!(polled, Polled::Revoked { partitions: vec![0, 1], lost: true });
    let error = earlier.poll(Duration::ZERO, 1, &mut |_| {}).expect_err("fenced from then on");
    assert!(matches!(error, LogError::Fenced { .. }), "{error}");
    drop(earlier);
    assert_eq!(assigned(later.as_mut(), 2), [0, 1]);
}
