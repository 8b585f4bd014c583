//! Polls wait for what happens, not for time: each of these would hang, were nobody woken.

use std::thread;
use std::time::Duration;

use kilat_log::{Member, Polled, Start};

use super::conformance::Stage;
use super::conformance::stage::{MANY, assigned, take};
use super::open;

/// Far longer than any test may run.
const FOR_EVER: Duration = Duration::from_hours(24);

fn poll(member: &mut dyn Member) -> Polled {
    member.poll(FOR_EVER, MANY, &mut |_| {}).expect("polls")
}

#[test]
fn a_waiting_member_is_woken_by_records() {
    let subject = open().expect("opens");
    let stage = Stage::new("woken", &subject);
    let input = stage.topic("input", 2);
    let mut member = stage.join("group", "one", &[&input], &[]);
    assert_eq!(assigned(member.as_mut(), 2), [0, 1]);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| poll(member.as_mut()));
        stage.feed(&input, 1, &["record".to_owned()], 1);
        assert_eq!(waiting.join().expect("no panic"), Polled::Records(1));
    });
}

#[test]
fn a_waiting_member_is_woken_by_those_who_join_and_leave() {
    let subject = open().expect("opens");
    let stage = Stage::new("woken", &subject);
    let input = stage.topic("input", 2);
    let mut one = stage.join("group", "one", &[&input], &[]);
    assert_eq!(assigned(one.as_mut(), 2), [0, 1]);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            assert_eq!(poll(one.as_mut()), Polled::Revoked { partitions: vec![1], lost: false });
            // Gives partition 1 up, and waits for it to come back.
            assert_eq!(poll(one.as_mut()), Polled::Assigned(vec![1]));
        });
        let mut two = stage.join("group", "two", &[&input], &[]);
        assert_eq!(poll(two.as_mut()), Polled::Assigned(vec![1]), "waits until the other has given it up");
        drop(two);
        waiting.join().expect("no panic");
    });
}

#[test]
fn a_waiting_follower_is_woken_by_records() {
    let subject = open().expect("opens");
    let stage = Stage::new("woken", &subject);
    let topic = stage.topic("topic", 2);
    let mut follower = stage.follow(&topic, Start::Earliest);
    assert!(follower.poll(FOR_EVER, &mut |_| {}).expect("polls").caught_up, "told at once where there is nothing");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| follower.poll(FOR_EVER, &mut |_| {}).expect("polls"));
        stage.feed(&topic, 0, &["record".to_owned()], 1);
        assert_eq!(waiting.join().expect("no panic").records, 1);
    });
}

#[test]
fn lag_counts_what_was_not_delivered() {
    let subject = open().expect("opens");
    let stage = Stage::new("lag", &subject);
    let input = stage.topic("input", 1);
    stage.feed(&input, 0, &vec!["record".to_owned(); 10], 3);
    let mut member = stage.join("group", "one", &[&input], &[]);
    assert!(member.lag().is_empty(), "nothing is held yet");
    assigned(member.as_mut(), 1);
    for (taken, left) in [(0, 10), (4, 6), (6, 0)] {
        take(member.as_mut(), taken);
        assert_eq!(member.lag().iter().map(|lag| lag.records).collect::<Vec<_>>(), [left]);
    }
}

#[test]
fn committers_that_wait_for_one_write_all_return() {
    const WRITERS: usize = 8;
    const COMMITS: usize = 25;
    let subject = open().expect("opens");
    let stage = Stage::new("together", &subject);
    let topic = stage.topic("topic", 3);
    thread::scope(|scope| {
        for number in 0..WRITERS {
            let (stage, topic) = (&stage, &topic);
            scope.spawn(move || {
                let mut writer = stage.writer(&number.to_string(), &[topic]);
                for commit in 0..COMMITS {
                    let mut transaction = kilat_log::Transaction::default();
                    for partition in 0..3 {
                        let text = format!("{number} {commit}");
                        super::conformance::stage::append(&mut transaction, 0, Some(partition), "key", &text);
                    }
                    writer.commit(&transaction).expect("commits");
                }
            });
        }
    });
    let seen = stage.read(&topic);
    for partition in 0..3 {
        for number in 0..WRITERS {
            let prefix = format!("{number} ");
            let of_writer: Vec<String> = seen
                .iter()
                .filter(|record| record.partition == partition)
                .map(|record| record.text())
                .filter(|text| text.starts_with(&prefix))
                .collect();
            let expected: Vec<String> = (0..COMMITS).map(|commit| format!("{number} {commit}")).collect();
            assert_eq!(of_writer, expected, "each once, in the order of its commits");
        }
    }
}
