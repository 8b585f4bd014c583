//! The cases. Each is a function of a [`Stage`], named as the sentence it proves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use kilat_log::{LogError, Member, Polled, Retention, Start, TopicSpec, Transaction, each};

use super::Stage;
use super::stage::{MANY, POLL, Seen, advance_past, append, assigned, catch_up, hold, take, until};

fn texts(label: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{label}-{number:04}")).collect()
}

pub(crate) fn log_1_records_of_a_partition_arrive_in_offset_order_and_none_twice(stage: &Stage) {
    let input = stage.topic("input", 3);
    for partition in 0..3 {
        stage.feed(&input, partition, &texts(&format!("p{partition}"), 200), 7);
    }
    let mut member = stage.join("group", "one", &[&input], &[]);
    let seen = take(member.as_mut(), 600);
    for partition in 0..3 {
        let of_it: Vec<&Seen> = seen.iter().filter(|record| record.partition == partition).collect();
        assert!(of_it.is_sorted_by(|a, b| a.offset < b.offset), "offsets of partition {partition} rise");
        let values: Vec<String> = of_it.iter().map(|record| record.text()).collect();
        assert_eq!(values, texts(&format!("p{partition}"), 200));
    }
}

pub(crate) fn log_1_a_record_comes_back_as_it_was_appended(stage: &Stage) {
    let topic = stage.topic("topic", 1);
    let every_byte: Vec<u8> = (0..=255).collect();
    let headers: [(&str, &[u8]); 4] = [("ce_id", b"1"), ("empty", b""), ("ce_id", b"2"), ("bytes", &every_byte)];
    let mut transaction = Transaction::default();
    let done: Result<(), ()> = transaction.append(0, Some(0), b"key", &headers, |buffer| {
        buffer.extend_from_slice(&every_byte);
        Ok(())
    });
    done.expect("the value is written");
    append(&mut transaction, 0, Some(0), "empty value", "");
    transaction.append_tombstone(0, Some(0), b"tombstone", &[("why", b"gone")]);
    stage.writer("writer", &[&topic]).commit(&transaction).expect("commits");

    let owned = |headers: &[(&str, &[u8])]| -> Vec<(String, Vec<u8>)> {
        headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect()
    };
    let expected = [
        (Some(b"key".to_vec()), Some(every_byte.clone()), owned(&headers)),
        (Some(b"empty value".to_vec()), Some(Vec::new()), Vec::new()),
        (Some(b"tombstone".to_vec()), None, owned(&[("why", b"gone")])),
    ];
    let mut member = stage.join("group", "one", &[&topic], &[]);
    for seen in [stage.read(&topic), take(member.as_mut(), 3)] {
        let parts: Vec<_> = seen.into_iter().map(|record| (record.key, record.value, record.headers)).collect();
        assert_eq!(parts, expected);
    }
}

pub(crate) fn log_1_large_records_pass(stage: &Stage) {
    // A broker takes 1,048,588 bytes a batch by default, its own framing included.
    const LARGE_BYTES: usize = 1_040_000;
    let topic = stage.topic("topic", 1);
    let large = "x".repeat(LARGE_BYTES);
    let mut writer = stage.writer("writer", &[&topic]);
    let mut transaction = Transaction::default();
    for number in 0..3 {
        append(&mut transaction, 0, Some(0), &number.to_string(), &large);
        append(&mut transaction, 0, Some(0), &number.to_string(), "small");
    }
    writer.commit(&transaction).expect("commits");
    let lengths: Vec<usize> = stage.read(&topic).iter().map(|record| record.text().len()).collect();
    assert_eq!(lengths, [LARGE_BYTES, 5, LARGE_BYTES, 5, LARGE_BYTES, 5]);
}

pub(crate) fn log_1_keys_go_to_the_partitions_that_javas_murmur2_gives_them(stage: &Stage) {
    // Source: Apache Kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2. The partition
    // is `toPositive(hash) % partitions` (BuiltInPartitioner.partitionForKey).
    const HASHES: [(&str, i32); 6] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ];
    const PARTITIONS: u32 = 7;
    let topic = stage.topic("topic", PARTITIONS);
    let mut transaction = Transaction::default();
    for (key, _) in HASHES {
        append(&mut transaction, 0, None, key, "value");
    }
    stage.writer("writer", &[&topic]).commit(&transaction).expect("commits");
    let found: BTreeMap<String, u32> =
        stage.read(&topic).iter().map(|record| (record.key_text(), record.partition)).collect();
    let expected: BTreeMap<String, u32> =
        HASHES.iter().map(|&(key, hash)| (key.to_owned(), (hash.cast_unsigned() & 0x7fff_ffff) % PARTITIONS)).collect();
    assert_eq!(found, expected);
}

pub(crate) fn log_2_a_record_seen_on_one_topic_implies_the_whole_transaction(stage: &Stage) {
    const TRANSACTIONS: usize = 60;
    let left = stage.topic("left", 2);
    let right = stage.topic("right", 3);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = stage.writer("writer", &[&left, &right]);
            let mut transaction = Transaction::default();
            for number in 0..TRANSACTIONS {
                transaction.clear();
                for (output, partitions) in [(0, 2), (1, 3)] {
                    for partition in 0..partitions {
                        append(&mut transaction, output, Some(partition), "key", &number.to_string());
                    }
                }
                writer.commit(&transaction).expect("commits");
            }
        });
        // Whatever is seen on one topic while transactions flow, the other topic has it whole by then.
        let mut watched = stage.follow(&left, Start::Earliest);
        let mut newest = None;
        let mut rounds = 0;
        until("every transaction", || {
            watched
                .poll(POLL, &mut |record| newest = newest.max(Seen::of(&record).text().parse::<usize>().ok()))
                .expect("the follower polls");
            if let Some(newest) = newest {
                for (topic, partitions) in [(&left, 2), (&right, 3)] {
                    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
                    for text in stage.texts(topic) {
                        *counts.entry(text.parse().expect("a number")).or_default() += 1;
                    }
                    for number in 0..=newest {
                        assert_eq!(counts.get(&number), Some(&partitions), "transaction {number} of {topic} is whole");
                    }
                }
                rounds += 1;
            }
            newest == Some(TRANSACTIONS - 1)
        });
        assert!(rounds > 0);
    });
}

pub(crate) fn log_2_a_transaction_never_committed_is_never_seen(stage: &Stage) {
    let input = stage.topic("input", 1);
    let output = stage.topic("output", 1);
    stage.feed(&input, 0, &texts("in", 10), 10);

    let mut member = stage.join("group", "one", &[&input], &[&output]);
    let seen = take(member.as_mut(), 10);
    let mut transaction = Transaction::default();
    append(&mut transaction, 0, Some(0), "key", "gathered by a member that went away");
    advance_past(&mut transaction, &seen);
    drop(member);

    let mut member = stage.join("group", "one", &[&input], &[&output]);
    let again = take(member.as_mut(), 10);
    assert_eq!(again, seen, "what was not answered comes again");
    transaction.clear();
    append(&mut transaction, 0, Some(0), "key", "committed");
    advance_past(&mut transaction, &again);
    member.commit(&transaction).expect("commits");
    assert_eq!(stage.texts(&output), ["committed"]);
}

pub(crate) fn log_2_what_was_begun_ahead_of_its_commit_is_seen_with_it_or_never(stage: &Stage) {
    let input = stage.topic("input", 1);
    let (first, second) = (stage.topic("first", 1), stage.topic("second", 1));
    stage.feed(&input, 0, &texts("in", 4), 4);

    let mut member = stage.join("group", "one", &[&input], &[&first, &second]);
    let seen = take(member.as_mut(), 4);
    let mut transaction = Transaction::default();
    append(&mut transaction, 0, Some(0), "key", "a");
    append(&mut transaction, 1, Some(0), "key", "b");
    member.begin(&mut transaction, 0).expect("begins");
    append(&mut transaction, 0, Some(0), "key", "given up");
    member.abandon();

    transaction.clear();
    append(&mut transaction, 0, Some(0), "key", "c");
    append(&mut transaction, 1, Some(0), "key", "d");
    member.begin(&mut transaction, 0).expect("begins after what was given up");
    append(&mut transaction, 0, Some(0), "key", "e");
    advance_past(&mut transaction, &seen[..2]);
    member.commit(&transaction).expect("commits");
    assert_eq!(stage.texts(&first), ["c", "e"], "in the order they were appended, each once");
    assert_eq!(stage.texts(&second), ["d"]);

    transaction.clear();
    append(&mut transaction, 0, Some(0), "key", "begun by a member that went away");
    member.begin(&mut transaction, 0).expect("begins");
    drop(member);

    let mut member = stage.join("group", "one", &[&input], &[&first, &second]);
    assert_eq!(take(member.as_mut(), 2), seen[2..], "what was not committed comes again");
    assert_eq!(stage.texts(&first), ["c", "e"]);
}

pub(crate) fn log_2_a_transaction_of_records_alone_or_offsets_alone_is_whole_too(stage: &Stage) {
    let input = stage.topic("input", 1);
    let output = stage.topic("output", 1);
    stage.feed(&input, 0, &texts("in", 4), 4);

    let mut member = stage.join("group", "one", &[&input], &[&output]);
    let seen = take(member.as_mut(), 2);
    let mut transaction = Transaction::default();
    member.commit(&transaction).expect("a transaction of nothing commits");
    append(&mut transaction, 0, Some(0), "key", "records alone");
    member.commit(&transaction).expect("records alone commit");
    transaction.clear();
    advance_past(&mut transaction, &seen);
    member.commit(&transaction).expect("offsets alone commit");
    drop(member);

    let mut member = stage.join("group", "one", &[&input], &[&output]);
    let rest: Vec<String> = take(member.as_mut(), 2).iter().map(Seen::text).collect();
    assert_eq!(rest, ["in-0002", "in-0003"]);
    assert_eq!(stage.texts(&output), ["records alone"]);
}

pub(crate) fn log_3_a_member_resumes_at_the_committed_offset(stage: &Stage) {
    let inputs = [stage.topic("a", 2), stage.topic("b", 2)];
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    for (input, label) in inputs.iter().zip(["a", "b"]) {
        for partition in 0..2 {
            stage.feed(input, partition, &texts(&format!("{label}{partition}"), 20), 20);
        }
    }
    let mut member = stage.join("group", "one", &inputs, &[]);
    let mut all = BTreeSet::new();
    for _ in 0..4 {
        let seen = take(member.as_mut(), 20);
        let mut transaction = Transaction::default();
        advance_past(&mut transaction, &seen);
        member.commit(&transaction).expect("commits");
        // Taken, but not answered: comes again after the restart.
        if all.len() < 60 {
            take(member.as_mut(), 5);
        }
        drop(member);
        for record in seen {
            assert!(all.insert(record.text()), "answered records never come again");
        }
        member = stage.join("group", "one", &inputs, &[]);
    }
    assert_eq!(all.len(), 80);
}

pub(crate) fn log_3_a_group_without_an_offset_starts_at_the_earliest_record(stage: &Stage) {
    let input = stage.topic("input", 2);
    stage.feed(&input, 0, &texts("p0", 5), 5);
    let mut member = stage.join("group", "one", &[&input], &[]);
    let seen = take(member.as_mut(), 5);
    let mut transaction = Transaction::default();
    advance_past(&mut transaction, &seen);
    member.commit(&transaction).expect("commits");
    drop(member);
    // The group has an offset of partition 0 only.
    stage.feed(&input, 0, &texts("p0-later", 5), 5);
    stage.feed(&input, 1, &texts("p1", 5), 5);
    let mut member = stage.join("group", "one", &[&input], &[]);
    let found: BTreeSet<String> = take(member.as_mut(), 10).iter().map(Seen::text).collect();
    assert_eq!(found, texts("p0-later", 5).into_iter().chain(texts("p1", 5)).collect());
}

pub(crate) fn log_3_groups_do_not_move_each_other(stage: &Stage) {
    let input = stage.topic("input", 1);
    stage.feed(&input, 0, &texts("in", 10), 10);
    for group in ["first", "second"] {
        let mut member = stage.join(group, "one", &[&input], &[]);
        let seen = take(member.as_mut(), 10);
        let mut transaction = Transaction::default();
        advance_past(&mut transaction, &seen);
        member.commit(&transaction).expect("commits");
    }
}

pub(crate) fn log_4_partition_p_of_every_input_goes_to_one_member(stage: &Stage) {
    let inputs = [stage.topic("a", 4), stage.topic("b", 4)];
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let mut one = stage.join("group", "one", &inputs, &[]);
    let mut two = stage.join("group", "two", &inputs, &[]);
    let (mut held_one, mut held_two) = (Vec::new(), Vec::new());
    let mut seen: Vec<(usize, Seen)> = Vec::new();
    until("two members with two partitions each", || {
        let polled = one.poll(POLL, 0, &mut |_| panic!("no record was asked for")).expect("polls");
        hold(&mut held_one, &polled);
        let polled = two.poll(POLL, 0, &mut |_| panic!("no record was asked for")).expect("polls");
        hold(&mut held_two, &polled);
        assert!(held_one.iter().all(|partition| !held_two.contains(partition)), "{held_one:?} and {held_two:?}");
        held_one.len() == 2 && held_two.len() == 2
    });
    for input in &inputs {
        for partition in 0..4 {
            stage.feed(input, partition, &texts("in", 5), 5);
        }
    }
    until("every record", || {
        for (number, member) in [&mut one, &mut two].into_iter().enumerate() {
            member.poll(POLL, MANY, &mut each(|record| seen.push((number, Seen::of(&record))))).expect("polls");
        }
        seen.len() >= 2 * 4 * 5
    });
    assert_eq!(seen.len(), 2 * 4 * 5);
    for (number, record) in seen {
        let held = [&held_one, &held_two][number];
        assert!(held.contains(&record.partition), "partition {} of input {}", record.partition, record.input);
    }
}

/// A member that copies every record it is given to the partition of the same number, one transaction a poll.
struct Copier<'a> {
    member: Box<dyn Member>,
    held: Vec<u32>,
    /// What all members of the group hold: nothing twice.
    owned: &'a Mutex<BTreeSet<u32>>,
}

impl<'a> Copier<'a> {
    fn new(member: Box<dyn Member>, owned: &'a Mutex<BTreeSet<u32>>) -> Copier<'a> {
        Copier { member, held: Vec::new(), owned }
    }

    /// Polls once and copies what came; gives how many records.
    fn step(&mut self) -> usize {
        let mut seen = Vec::new();
        let polled = self.member.poll(POLL, 50, &mut each(|record| seen.push(Seen::of(&record)))).expect("polls");
        match &polled {
            Polled::Records(count) => assert_eq!(*count, seen.len()),
            Polled::Assigned(partitions) => {
                let mut owned = self.owned.lock().expect("no panic yet");
                for partition in partitions {
                    assert!(owned.insert(*partition), "partition {partition} has another owner");
                }
            }
            Polled::Revoked { partitions, lost } => {
                assert!(!lost, "a member that keeps polling loses nothing");
                let mut owned = self.owned.lock().expect("no panic yet");
                owned.retain(|partition| !partitions.contains(partition));
            }
        }
        hold(&mut self.held, &polled);
        if seen.is_empty() {
            return 0;
        }
        let mut transaction = Transaction::default();
        for record in &seen {
            assert!(self.held.contains(&record.partition), "only of partitions held");
            let origin = format!("{} {} {}", record.input, record.partition, record.text());
            append(&mut transaction, 0, Some(record.partition), "key", &origin);
        }
        advance_past(&mut transaction, &seen);
        self.member.commit(&transaction).expect("the copier commits");
        seen.len()
    }
}

impl Drop for Copier<'_> {
    fn drop(&mut self) {
        if let Ok(mut owned) = self.owned.lock() {
            owned.retain(|partition| !self.held.contains(partition));
        }
    }
}

pub(crate) fn log_4_a_member_that_joins_and_leaves_loses_and_repeats_nothing(stage: &Stage) {
    const ROUND: usize = 60;
    let inputs = [stage.topic("a", 3), stage.topic("b", 3)];
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let output = stage.topic("output", 3);
    let feed = |round: &str| {
        for input in &inputs {
            for partition in 0..3 {
                stage.feed(input, partition, &texts(round, ROUND), 9);
            }
        }
    };
    let owned = Mutex::new(BTreeSet::new());
    let (stop, copied) = (AtomicBool::new(false), AtomicUsize::new(0));
    feed("1st");
    let mut one = Copier::new(stage.join("group", "one", &inputs, &[&output]), &owned);
    let total = 4 * ROUND * inputs.len() * 3;
    thread::scope(|scope| {
        scope.spawn(|| {
            until("every record", || {
                copied.fetch_add(one.step(), Ordering::SeqCst);
                stop.load(Ordering::SeqCst)
            });
        });
        until("the first member to begin", || {
            thread::yield_now();
            copied.load(Ordering::SeqCst) > 0
        });
        let mut two = Copier::new(stage.join("group", "two", &inputs, &[&output]), &owned);
        feed("2nd");
        until("the second member to get its share", || {
            copied.fetch_add(two.step(), Ordering::SeqCst);
            !two.held.is_empty()
        });
        feed("3rd");
        let mut of_two = 0;
        until("the second member to copy", || {
            of_two += two.step();
            of_two >= 50
        });
        copied.fetch_add(of_two, Ordering::SeqCst);
        drop(two);
        feed("4th");
        until("every record", || {
            thread::park_timeout(POLL);
            copied.load(Ordering::SeqCst) >= total
        });
        stop.store(true, Ordering::SeqCst);
    });

    let mut found: BTreeMap<(usize, u32), Vec<String>> = BTreeMap::new();
    for record in stage.read(&output) {
        let text = record.text();
        let mut words = text.splitn(3, ' ');
        let mut word = || words.next().expect("three words");
        let input: usize = word().parse().expect("an input");
        let partition: u32 = word().parse().expect("a partition");
        assert_eq!(partition, record.partition);
        found.entry((input, partition)).or_default().push(word().to_owned());
    }
    let expected: Vec<String> = ["1st", "2nd", "3rd", "4th"].iter().flat_map(|round| texts(round, ROUND)).collect();
    assert_eq!(found.len(), 6);
    for ((input, partition), values) in found {
        assert_eq!(values, expected, "input {input}, partition {partition}: each once and in order");
    }
}

pub(crate) fn log_4_a_poll_for_no_records_serves_the_group_and_loses_nothing(stage: &Stage) {
    let input = stage.topic("input", 2);
    for partition in 0..2 {
        stage.feed(&input, partition, &texts(&format!("p{partition}"), 10), 10);
    }
    let mut one = stage.join("group", "one", &[&input], &[]);
    assert_eq!(assigned(one.as_mut(), 2), [0, 1]);
    for _ in 0..3 {
        let polled = one.poll(POLL, 0, &mut |_| panic!("no record was asked for")).expect("polls");
        assert_eq!(polled, Polled::Records(0));
    }
    let mut first = take(one.as_mut(), 3);

    // A second member comes while the first holds its input back, and both get their share.
    let mut two = stage.join("group", "two", &[&input], &[]);
    let mut held = [vec![0, 1], Vec::new()];
    let mut transaction = Transaction::default();
    advance_past(&mut transaction, &first);
    one.commit(&transaction).expect("commits");
    until("a partition each", || {
        for (member, held) in [&mut one, &mut two].into_iter().zip(&mut held) {
            let polled = member.poll(POLL, 0, &mut |_| panic!("no record was asked for")).expect("polls");
            hold(held, &polled);
        }
        held.iter().all(|held| held.len() == 1)
    });
    until("every record", || {
        for member in [&mut one, &mut two] {
            member.poll(POLL, 2, &mut each(|record| first.push(Seen::of(&record)))).expect("polls");
        }
        first.len() >= 20
    });
    let found: BTreeSet<String> = first.iter().map(Seen::text).collect();
    assert_eq!(found.len(), 20);
    assert_eq!(first.len(), 20, "answered records do not come again");
}

pub(crate) fn log_5_a_member_whose_instance_joined_again_cannot_commit(stage: &Stage) {
    let input = stage.topic("input", 1);
    let output = stage.topic("output", 1);
    stage.feed(&input, 0, &texts("in", 10), 10);

    let mut zombie = stage.join("group", "one", &[&input], &[&output]);
    let seen = take(zombie.as_mut(), 10);
    let mut stale = Transaction::default();
    append(&mut stale, 0, Some(0), "key", "from the zombie");
    advance_past(&mut stale, &seen);

    let mut member = stage.join("group", "one", &[&input], &[&output]);
    let again = take(member.as_mut(), 10);
    assert_eq!(again, seen);
    zombie.commit(&stale).expect_err("the zombie is fenced");
    drop(zombie);

    let mut transaction = Transaction::default();
    append(&mut transaction, 0, Some(0), "key", "from its successor");
    advance_past(&mut transaction, &again);
    member.commit(&transaction).expect("a fenced zombie does not hurt its successor");
    assert_eq!(stage.texts(&output), ["from its successor"]);
}

pub(crate) fn log_5_a_later_writer_of_the_same_id_fences_the_earlier(stage: &Stage) {
    let topic = stage.topic("topic", 1);
    let mut transaction = Transaction::default();
    append(&mut transaction, 0, Some(0), "key", "1");
    let mut earlier = stage.writer("writer", &[&topic]);
    earlier.commit(&transaction).expect("commits");
    let mut later = stage.writer("writer", &[&topic]);
    let mut other = stage.writer("another", &[&topic]);

    transaction.clear();
    append(&mut transaction, 0, Some(0), "key", "never");
    earlier.commit(&transaction).expect_err("the earlier writer is fenced");
    drop(earlier);
    for (writer, text) in [(&mut later, "2"), (&mut other, "3")] {
        transaction.clear();
        append(&mut transaction, 0, Some(0), "key", text);
        writer.commit(&transaction).expect("commits");
    }
    assert_eq!(stage.texts(&topic), ["1", "2", "3"]);
}

pub(crate) fn log_6_the_newest_record_of_each_key_stays_and_tombstones_hold(stage: &Stage) {
    const ROUNDS: usize = 30;
    const KEYS: usize = 20;
    let topic = stage.topic_kept("topic", 2, Retention::Compacted);
    let mut writer = stage.writer("writer", &[&topic]);
    let mut model: BTreeMap<String, String> = BTreeMap::new();
    let mut transaction = Transaction::default();
    for round in 0..ROUNDS {
        transaction.clear();
        for number in 0..KEYS {
            let key = format!("key-{number}");
            if (round + number).is_multiple_of(3) {
                continue;
            }
            if (round * number) % 7 == 6 {
                transaction.append_tombstone(0, None, key.as_bytes(), &[]);
                model.remove(&key);
            } else {
                append(&mut transaction, 0, None, &key, &format!("round {round}"));
                model.insert(key, format!("round {round}"));
            }
        }
        writer.commit(&transaction).expect("commits");
    }
    assert!((1..KEYS).contains(&model.len()), "some keys live and some are deleted");
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for record in stage.read(&topic) {
        match record.value {
            Some(_) => found.insert(record.key_text(), record.text()),
            None => found.remove(&record.key_text()),
        };
    }
    assert_eq!(found, model);
}

pub(crate) fn log_7_a_follower_that_has_caught_up_has_everything_committed_before_it_opened(stage: &Stage) {
    let topic = stage.topic("topic", 4);
    let mut writer = stage.writer("writer", &[&topic]);
    let mut transaction = Transaction::default();
    for number in 0..25 {
        transaction.clear();
        for partition in 0..4 {
            append(&mut transaction, 0, Some(partition), "key", &number.to_string());
        }
        writer.commit(&transaction).expect("commits");
        // Opened as soon as `commit` has returned.
        assert_eq!(stage.read(&topic).len(), (number + 1) * 4);
    }
}

pub(crate) fn log_7_a_follower_of_nothing_has_caught_up(stage: &Stage) {
    let topic = stage.topic("topic", 3);
    assert_eq!(stage.read(&topic), []);
    stage.feed(&topic, 1, &texts("in", 3), 3);
    assert_eq!(catch_up(stage.follow(&topic, Start::Latest).as_mut()), []);
}

pub(crate) fn log_9_trimming_removes_nothing_at_or_after_its_offset(stage: &Stage) {
    let topic = stage.topic("topic", 2);
    for partition in 0..2 {
        stage.feed(&topic, partition, &texts(&format!("p{partition}"), 60), 3);
    }
    let of_one = |start| catch_up(stage.log.follow(&topic, Some(&[1]), start).expect("opens").as_mut());
    let all = of_one(Start::Earliest);
    let cut = all[33].offset;
    stage.log.trim(&topic, 1, cut).expect("trims");
    let left = of_one(Start::Earliest);
    assert!(left.len() < all.len(), "something was removed");
    assert!(all.ends_with(&left), "offsets and records are as they were");
    assert!(left.iter().any(|record| record.offset == cut), "the record it was trimmed to stays");
    let extent = stage.log.extent(&topic, 1).expect("known");
    assert!(extent.start > all[0].offset && extent.start <= cut, "{extent:?} for {cut}");
    // Twice, and with nothing to remove.
    stage.log.trim(&topic, 1, cut).expect("trims");
    stage.log.trim(&topic, 1, 0).expect("trims");
    assert_eq!(of_one(Start::Offset(0)), left);

    let end = extent.end;
    stage.log.trim(&topic, 1, end).expect("trims");
    assert_eq!(stage.log.extent(&topic, 1).expect("known").end, end, "the end stays");
    stage.feed(&topic, 1, &["later".to_owned()], 1);
    let later = of_one(Start::Earliest);
    let last = later.last().expect("the record that came later");
    assert!(last.text() == "later" && last.offset >= end, "{last:?}");
    assert_eq!(stage.log.extent(&topic, 0).expect("known").start, 0, "the other partition is whole");
}

pub(crate) fn log_10_a_paused_partition_delivers_nothing_and_loses_nothing(stage: &Stage) {
    let (one, two) = (stage.topic("one", 2), stage.topic("two", 2));
    for (topic, partition) in [(&one, 0), (&one, 1), (&two, 0), (&two, 1)] {
        stage.feed(topic, partition, &texts(&format!("{partition}"), 40), 7);
    }
    let mut member = stage.join("group", "member", &[&one, &two], &[]);
    assert_eq!(assigned(member.as_mut(), 2), [0, 1]);
    // Before the first record, and in the middle.
    member.pause(0, 0, true).expect("pauses");
    let mut seen = Vec::new();
    until("some of everything else", || {
        member.poll(POLL, 5, &mut each(|record| seen.push(Seen::of(&record)))).expect("polls");
        [(0, 1), (1, 0), (1, 1)]
            .iter()
            .all(|it| seen.iter().filter(|seen| (seen.input, seen.partition) == *it).count() > 3)
    });
    member.pause(0, 1, true).expect("pauses");
    let until_now = seen.iter().filter(|seen| (seen.input, seen.partition) == (0, 1)).count();
    until("the other topic", || {
        member.poll(POLL, 5, &mut each(|record| seen.push(Seen::of(&record)))).expect("polls");
        seen.iter().filter(|seen| seen.input == 1).count() == 80
    });
    assert_eq!(
        member.poll(POLL, MANY, &mut each(|record| seen.push(Seen::of(&record)))).expect("polls"),
        Polled::Records(0)
    );
    assert!(seen.iter().all(|seen| (seen.input, seen.partition) != (0, 0)), "a paused partition delivers nothing");
    assert_eq!(seen.iter().filter(|seen| (seen.input, seen.partition) == (0, 1)).count(), until_now);
    member.pause(0, 0, false).expect("goes on");
    member.pause(0, 1, false).expect("goes on");
    until("everything", || {
        member.poll(POLL, 5, &mut each(|record| seen.push(Seen::of(&record)))).expect("polls");
        seen.len() >= 160
    });
    for (input, partition) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let of_it: Vec<String> =
            seen.iter().filter(|seen| (seen.input, seen.partition) == (input, partition)).map(Seen::text).collect();
        assert_eq!(of_it, texts(&format!("{partition}"), 40), "in order, each once");
    }
}

pub(crate) fn the_offset_a_group_has_committed_is_told_to_those_outside_it(stage: &Stage) {
    let (input, output) = (stage.topic("input", 2), stage.topic("output", 1));
    stage.feed(&input, 1, &texts("in", 5), 5);
    let group = stage.name("group");
    let committed = || stage.log.committed(&group, &input, &[1, 0]).expect("known");
    assert_eq!(committed(), [None, None], "nobody was there");
    let mut member = stage.join("group", "one", &[&input], &[&output]);
    let seen = take(member.as_mut(), 3);
    assert_eq!(committed(), [None, None], "nothing is committed");
    let mut transaction = Transaction::default();
    advance_past(&mut transaction, &seen);
    member.commit(&transaction).expect("commits");
    assert_eq!(committed(), [Some(seen[2].offset + 1), None]);
    drop(member);
    assert_eq!(committed(), [Some(seen[2].offset + 1), None], "also when nobody is there any more");
}

pub(crate) fn a_log_keeps_its_identity_and_tells_the_extent_of_a_partition(stage: &Stage) {
    let identity = stage.log.identity().expect("known");
    assert!(!identity.is_empty());
    assert_eq!(stage.log.identity().expect("known"), identity);
    let topic = stage.topic("topic", 2);
    assert_eq!(stage.log.extent(&topic, 1).expect("known"), 0..0);
    stage.feed(&topic, 1, &texts("in", 5), 5);
    let extent = stage.log.extent(&topic, 1).expect("known");
    let last = stage.read(&topic).last().map(|record| record.offset);
    assert!(extent.start == 0 && last.is_some_and(|last| last < extent.end), "{extent:?}");
    let missing = stage.name("missing");
    let error = stage.log.extent(&missing, 0).expect_err("missing");
    assert!(matches!(&error, LogError::MissingTopic { topic, .. } if *topic == missing), "{error}");
}

pub(crate) fn followers_start_where_they_are_told(stage: &Stage) {
    let topic = stage.topic("topic", 3);
    for partition in 0..3 {
        stage.feed(&topic, partition, &texts(&format!("p{partition}"), 6), 6);
    }
    let of_one: Vec<Seen> = {
        let mut follower = stage.log.follow(&topic, Some(&[1]), Start::Earliest).expect("opens");
        catch_up(follower.as_mut())
    };
    assert_eq!(of_one.iter().map(Seen::text).collect::<Vec<_>>(), texts("p1", 6), "the partitions asked for");

    let middle = of_one[3].offset;
    let mut follower = stage.log.follow(&topic, Some(&[1]), Start::Offset(middle)).expect("opens");
    assert_eq!(catch_up(follower.as_mut()), of_one[3..]);

    let mut follower = stage.log.follow_from(&topic, &[(1, middle), (0, i64::MAX), (2, -1)]).expect("opens");
    let mut several = catch_up(follower.as_mut());
    several.sort_by_key(|seen| (seen.partition, seen.offset));
    let texts_of = |seen: &[Seen]| seen.iter().map(Seen::text).collect::<Vec<_>>();
    let expected = [texts_of(&of_one[3..]), texts("p2", 6)].concat();
    assert_eq!(texts_of(&several), expected, "each from its own offset, held within what there is");
    let extents = stage.log.extents(&topic, &[2, 1]).expect("known");
    assert_eq!(extents, [2, 1].map(|partition| stage.log.extent(&topic, partition).expect("known")));

    let mut follower = stage.follow(&topic, Start::Latest);
    assert_eq!(catch_up(follower.as_mut()), []);
    stage.feed(&topic, 2, &["later".to_owned()], 1);
    let mut seen = Vec::new();
    until("what comes later", || {
        follower.poll(POLL, &mut |record| seen.push(Seen::of(&record))).expect("polls");
        !seen.is_empty()
    });
    assert_eq!(seen.iter().map(Seen::text).collect::<Vec<_>>(), ["later"]);
}

pub(crate) fn topics_are_created_once_and_missing_ones_are_named(stage: &Stage) {
    let topic = stage.topic("topic", 3);
    stage.feed(&topic, 2, &texts("in", 2), 2);
    let spec = TopicSpec { name: topic.clone(), partitions: 5, retention: Retention::Compacted, replication: 1 };
    stage.log.create_topics(&[spec]).expect("an existing topic is left as it is");
    assert_eq!(stage.log.partitions(&topic).expect("exists"), 3);
    assert_eq!(stage.texts(&topic), texts("in", 2));

    let missing = stage.name("missing");
    let named = |error: LogError| {
        assert!(matches!(&error, LogError::MissingTopic { topic, .. } if *topic == missing), "{error}");
    };
    named(stage.log.partitions(&missing).expect_err("missing"));
    named(stage.log.follow(&missing, None, Start::Earliest).err().expect("missing"));
    named(stage.log.join(&stage.member_spec("group", "one", &[&missing], &[&topic])).err().expect("missing"));
    named(stage.log.join(&stage.member_spec("group", "one", &[&topic], &[&missing])).err().expect("missing"));
    named(stage.log.writer(&stage.name("writer"), std::slice::from_ref(&missing)).err().expect("missing"));
}
