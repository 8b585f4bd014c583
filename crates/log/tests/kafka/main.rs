//! The log on Apache Kafka: the suite every log passes, and what only Kafka can do wrong.
//!
//! Input: `KILAT_KAFKA`, the address of a broker of its own (`cargo xtask kafka up` prints one); where it is not set the
//! cases are skipped, loudly. Absent: times, but for librdkafka's own.

#[path = "../conformance/mod.rs"]
mod conformance;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use conformance::stage::{MANY, POLL, advance_past, append, assigned, catch_up, take, until};
use conformance::{Seen, Stage, Subject};
use kilat_domain::Class;
use kilat_log::{Kafka, KafkaConfig, Lag, LogError, PartitionedLog, Start, Transaction};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

conformance::suite!(open);

/// Short, so that a case that waits for the broker to give up on somebody does not wait long.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(5);
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);

fn brokers() -> Option<String> {
    std::env::var("KILAT_KAFKA").ok()
}

fn open() -> Option<Subject> {
    let mut config = KafkaConfig::new(brokers()?);
    config.transaction_timeout = TRANSACTION_TIMEOUT;
    config.session_timeout = SESSION_TIMEOUT;
    let log = Kafka::connect(config).expect("the broker of KILAT_KAFKA answers");
    Some(Subject { log: Arc::new(log), directory: None })
}

/// A stage for a case of this file, or a loud skip.
fn stage(case: &str) -> Option<Stage> {
    let subject = open();
    if subject.is_none() {
        eprintln!("skipped: {case}: KILAT_KAFKA is not set; `cargo xtask kafka up` starts a broker");
    }
    Some(Stage::new(case, &subject?))
}

fn with_properties(brokers: &str, properties: &[(&str, &str)]) -> KafkaConfig {
    let mut config = KafkaConfig::new(brokers);
    config.properties = properties.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    config
}

/// An address of this machine where nobody listens.
fn closed_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").to_string()
}

#[test]
fn librdkafka_is_built_with_what_a_production_cluster_asks_for() {
    let features =
        ClientConfig::new().create_native_config().expect("defaults").get("builtin.features").expect("known");
    let features: Vec<&str> = features.split(',').collect();
    for feature in ["ssl", "sasl_plain", "sasl_scram", "gzip", "lz4", "zstd"] {
        assert!(features.contains(&feature), "{feature} is not among {features:?}");
    }
}

#[test]
fn an_unreachable_broker_is_named_with_its_address() {
    let address = closed_address();
    let error = Kafka::connect(KafkaConfig::new(&address)).expect_err("nobody listens");
    assert!(matches!(&error, LogError::Unreachable { at, .. } if *at == address), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&address) && text.contains("refused"), "{text}");
    assert_eq!(error.class(), Class::Transient);
}

#[test]
fn an_unknown_host_is_named() {
    let error = Kafka::connect(KafkaConfig::new("no-such-host.invalid:9092")).expect_err("no such host");
    assert!(error.to_string().contains("no-such-host.invalid:9092"), "{error}");
    assert_eq!(error.class(), Class::Transient);
}

#[test]
fn settings_kilat_depends_on_cannot_be_passed_through() {
    let check = |key: &str, value: &str, expect: &str| {
        let error = Kafka::connect(with_properties("127.0.0.1:1", &[(key, value)])).expect_err("refused");
        assert!(matches!(&error, LogError::Setting { key: named, .. } if named == key), "{error:?}");
        assert!(error.to_string().contains(expect), "{error}");
        assert_eq!(error.class(), Class::Fatal);
    };
    check("enable.auto.commit", "true", "in transactions only");
    check("isolation.level", "read_uncommitted", "only committed records");
    check("transactional.id", "mine", "Kilat names");
    check("group.id", "mine", "Kilat names");
    check("enable.idempotence", "false", "transactions need it");
    check("bootstrap.servers", "elsewhere:9092", "use `brokers`");
    check("no.such.option", "1", "No such configuration");
    check("fetch.wait.max.ms", "soon", "soon");
}

#[test]
fn secrets_are_in_no_message_and_no_debug_output() {
    let config = with_properties("127.0.0.1:1", &[("sasl.password", "tiger"), ("ssl.key.pem", "cub")]);
    assert!(!format!("{config:?}").contains("tiger"));
    let error = Kafka::connect(config).expect_err("no PEM");
    assert!(!error.to_string().contains("cub"), "{error}");
}

#[test]
fn a_client_with_the_wrong_security_protocol_is_told_so() {
    let Some(brokers) = brokers() else { return eprintln!("skipped: KILAT_KAFKA is not set") };
    let error = Kafka::connect(with_properties(&brokers, &[("security.protocol", "ssl")])).expect_err("plaintext");
    let text = error.to_string();
    assert!(text.contains(&brokers) && text.contains("ssl"), "{text}");
}

#[test]
fn inputs_of_unequal_partition_counts_are_refused() {
    let Some(stage) = stage("inputs_of_unequal_partition_counts_are_refused") else { return };
    let (three, four) = (stage.topic("three", 3), stage.topic("four", 4));
    let spec = stage.member_spec("group", "one", &[&three, &four], &[]);
    let error = stage.log.join(&spec).err().expect("refused");
    assert!(matches!(error, LogError::UnequalPartitions { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&format!("3 of `{three}`")) && text.contains(&format!("4 of `{four}`")), "{text}");
}

#[test]
fn a_group_that_another_program_uses_is_named() {
    let Some(stage) = stage("a_group_that_another_program_uses") else { return };
    let (ours, theirs) = (stage.topic("ours", 2), stage.topic("theirs", 2));
    let mut other = stage.join("group", "other", &[&theirs], &[]);
    assert_eq!(assigned(other.as_mut(), 2), [0, 1]);
    let mut one = stage.join("group", "one", &[&ours, &theirs], &[]);
    let error = loop {
        let _ = other.poll(Duration::from_millis(5), 0, &mut |_| ());
        if let Err(error) = one.poll(Duration::from_millis(5), 0, &mut |_| ()) {
            break error;
        }
    };
    assert!(matches!(error, LogError::ForeignGroup { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&theirs) && text.contains("engine.group"), "{text}");
}

#[test]
fn a_transaction_timeout_that_the_broker_refuses_is_named() {
    let Some(stage) = stage("a_transaction_timeout_that_the_broker_refuses") else { return };
    let topic = stage.topic("topic", 1);
    let mut config = KafkaConfig::new(brokers().expect("there is a stage"));
    config.transaction_timeout = Duration::from_secs(24 * 3_600);
    let log = Kafka::connect(config).expect("connects");
    let error = log.writer("too long", &[topic]).err().expect("refused");
    assert!(matches!(&error, LogError::Setting { key, .. } if key == "transaction_timeout_ms"), "{error:?}");
    assert!(error.to_string().contains("transaction.max.timeout.ms"), "{error}");
}

#[test]
fn a_record_of_16_mib_passes_where_the_broker_takes_it_compressed() {
    let Some(stage) = stage("a_record_of_16_mib") else { return };
    let topic = stage.topic("topic", 1);
    let rules = "kata kunci ".repeat((16 << 20) / 11);
    let mut transaction = Transaction::default();
    append(&mut transaction, 0, Some(0), "acme", &rules);
    stage.writer("writer", &[&topic]).commit(&transaction).expect("the broker takes it");
    assert!(stage.texts(&topic) == [rules], "as it was written");
}

#[test]
fn a_record_that_the_broker_does_not_take_is_poison_and_hurts_no_later_transaction() {
    let Some(stage) = stage("a_record_that_the_broker_does_not_take") else { return };
    let topic = stage.topic("topic", 1);
    let mut transaction = Transaction::default();
    append(&mut transaction, 0, Some(0), "before", "small");
    // Random letters (SplitMix64's finaliser of a counter), of which compression makes three quarters.
    let letter = |n: u64| {
        let mixed = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        char::from(b'0' + (mixed >> 58) as u8)
    };
    let large: String = (1..2 * 1024 * 1024).map(|n| letter(u64::wrapping_mul(n, 0x9e37_79b9_7f4a_7c15))).collect();
    append(&mut transaction, 0, Some(0), "large", &large);
    let mut writer = stage.writer("writer", &[&topic]);
    let error = writer.commit(&transaction).expect_err("too large");
    assert!(matches!(&error, LogError::TooLarge { topic: named, .. } if *named == topic), "{error:?}");
    assert_eq!(error.class(), Class::Poison);

    drop(writer);
    stage.feed(&topic, 0, &["after".to_owned()], 1);
    assert_eq!(stage.texts(&topic), ["after"], "nothing of the refused transaction");
}

#[test]
fn an_open_transaction_of_a_crashed_writer_holds_a_follower_back_until_the_broker_aborts_it() {
    let Some(stage) = stage("an_open_transaction_of_a_crashed_writer") else { return };
    let topic = stage.topic("topic", 1);
    stage.feed(&topic, 0, &["before".to_owned()], 1);
    crash_within_a_transaction(&stage.name("crashed"), &topic, TRANSACTION_TIMEOUT);
    // Committed behind the open transaction, which hides it.
    stage.feed(&topic, 0, &["after".to_owned()], 1);

    let mut follower = stage.follow(&topic, Start::Earliest);
    let mut seen = Vec::new();
    let mut caught_up_after = Vec::new();
    until("the follower to catch up", || {
        let followed = follower.poll(POLL, &mut |record| seen.push(Seen::of(&record).text())).expect("polls");
        if followed.caught_up {
            caught_up_after = seen.clone();
        }
        followed.caught_up
    });
    assert_eq!(caught_up_after, ["before", "after"], "not caught up before the transaction is out of the way");
}

#[test]
fn a_crashed_writer_that_comes_back_aborts_its_open_transaction_at_once() {
    let Some(stage) = stage("a_crashed_writer_that_comes_back") else { return };
    let topic = stage.topic("topic", 1);
    crash_within_a_transaction(&stage.name("writer"), &topic, TRANSACTION_TIMEOUT);
    let mut writer = stage.writer("writer", &[&topic]);
    let mut transaction = Transaction::default();
    append(&mut transaction, 0, Some(0), "key", "again");
    writer.commit(&transaction).expect("commits");
    assert_eq!(stage.texts(&topic), ["again"]);
}

#[test]
fn who_takes_partitions_over_aborts_what_their_dead_owner_left_open() {
    let Some(stage) = stage("who_takes_partitions_over") else { return };
    let (input, output) = (stage.topic("input", 1), stage.topic("output", 1));
    stage.feed(&input, 0, &["in".to_owned()], 1);
    let spec = stage.member_spec("group", "one", &[&input], &[&output]);
    let mut one = stage.log.join(&spec).expect("joins");
    let seen = take(one.as_mut(), 1);
    let mut transaction = Transaction::default();
    append(&mut transaction, 0, Some(0), "key", "committed");
    advance_past(&mut transaction, &seen);
    one.commit(&transaction).expect("commits");
    drop(one);
    // The broker would end it long after this test has given up.
    crash_within_a_transaction(&format!("{}-{}", spec.group, spec.instance), &output, 4 * conformance::PATIENCE);

    let mut two = stage.join("group", "two", &[&input], &[&output]);
    assert_eq!(assigned(two.as_mut(), 1), [0]);
    let mut follower = stage.follow(&output, Start::Earliest);
    let texts: Vec<String> = catch_up(follower.as_mut()).iter().map(Seen::text).collect();
    assert_eq!(texts, ["committed"]);
}

/// Leaves a transaction open, as a process does that is killed after its records arrived.
fn crash_within_a_transaction(id: &str, topic: &str, timeout: Duration) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers().expect("checked by the caller"))
        .set("transactional.id", id)
        .set("transaction.timeout.ms", timeout.as_millis().to_string())
        .create()
        .expect("a producer");
    producer.init_transactions(conformance::PATIENCE).expect("takes the id");
    producer.begin_transaction().expect("begins");
    producer.send(BaseRecord::to(topic).partition(0).key("key").payload("never committed")).expect("queues");
    producer.flush(conformance::PATIENCE).expect("arrives");
    // No abort, no farewell.
    std::mem::forget(producer);
}

#[test]
fn lag_is_what_is_not_delivered_yet_and_counts_no_markers_at_the_end() {
    let Some(stage) = stage("lag_is_what_is_not_delivered_yet") else { return };
    let inputs = [stage.topic("a", 2), stage.topic("b", 2)];
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let texts: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    for input in &inputs {
        // Ten records and one marker each.
        stage.feed(input, 0, &texts, 10);
    }
    let mut member = stage.join("group", "one", &inputs, &[]);
    assert_eq!(member.lag(), [], "nothing is known before an assignment");
    assigned(member.as_mut(), 2);
    take(member.as_mut(), 5);
    let behind: u64 = member.lag().iter().map(|lag| lag.records).sum();
    assert!((5..=15 + 2).contains(&behind), "{behind}");
    take(member.as_mut(), 15);
    until("no lag", || {
        member.poll(POLL, MANY, &mut |_| panic!("no more records")).expect("polls");
        let lag = member.lag();
        let of_0: BTreeMap<usize, u64> =
            lag.iter().filter(|lag| lag.partition == 0).map(|&Lag { input, records, .. }| (input, records)).collect();
        of_0 == BTreeMap::from([(0, 0), (1, 0)])
    });
}

#[test]
fn a_member_that_misses_its_session_loses_its_partitions_and_cannot_commit() {
    let Some(stage) = stage("a_member_that_misses_its_session") else { return };
    let input = stage.topic("input", 1);
    let output = stage.topic("output", 1);
    stage.feed(&input, 0, &["in".to_owned()], 1);
    let brokers = brokers().expect("there is a stage");
    let mut config = with_properties(&brokers, &[("max.poll.interval.ms", "6000")]);
    config.session_timeout = SESSION_TIMEOUT;
    let log = Kafka::connect(config).expect("connects");

    let mut zombie = log.join(&stage.member_spec("group", "one", &[&input], &[&output])).expect("joins");
    let seen = take(zombie.as_mut(), 1);
    let mut stale = Transaction::default();
    append(&mut stale, 0, Some(0), "key", "from the zombie");
    advance_past(&mut stale, &seen);

    // Another instance gets the partition as soon as the first, which does not poll, is out; it answers and leaves, so
    // that the group is empty when the zombie wakes.
    let mut other = stage.join("group", "two", &[&input], &[&output]);
    let again = take(other.as_mut(), 1);
    let mut transaction = Transaction::default();
    append(&mut transaction, 0, Some(0), "key", "from the other");
    advance_past(&mut transaction, &again);
    other.commit(&transaction).expect("commits");
    drop(other);

    let error = zombie.commit(&stale).expect_err("its seat is gone");
    assert!(matches!(error, LogError::Fenced { .. }), "{error:?}");
    let mut follower = stage.follow(&output, Start::Earliest);
    let texts: Vec<String> = catch_up(follower.as_mut()).iter().map(Seen::text).collect();
    assert_eq!(texts, ["from the other"]);
}

#[test]
fn members_can_be_dropped_at_any_point_of_a_group_change() {
    let Some(stage) = stage("members_can_be_dropped_at_any_point") else { return };
    let input = stage.topic("input", 2);
    for polls in 0..12 {
        let mut one = stage.join("group", "one", &[&input], &[]);
        let mut two = stage.join("group", "two", &[&input], &[]);
        for _ in 0..polls {
            for member in [&mut one, &mut two] {
                member.poll(Duration::from_millis(5), 0, &mut |_| panic!("no record was asked for")).expect("polls");
            }
        }
        // Both ways round: the leader of the group first, and last.
        if polls % 2 == 0 { drop((one, two)) } else { drop((two, one)) }
    }
    let mut last = stage.join("group", "last", &[&input], &[]);
    assert_eq!(assigned(last.as_mut(), 2), [0, 1], "nobody else is left in the group");
}
