//! Kills, failed commits and changes of the group: nothing is lost, repeats carry the same id, `hold` is never repeated.

use std::sync::Arc;

use kilat_codec::Topic;
use kilat_domain::Outcome;

use crate::endpoint::{Endpoint, Gate, OK, Reply};
use crate::faulty::Fault;
use crate::house::{House, PARTITIONS, message, webhook};

const WAMID: Reply = Reply::Answer(200, "", r#"{"messages":[{"id":"wamid.1"}]}"#);

#[test]
fn killed_between_answer_and_result_a_webhook_goes_out_again_with_the_same_id() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, _| OK);
    let url = endpoint.url();
    let running = house.start();
    running.cut_off();
    house.put(&[webhook("a1", "c", &url)]);
    endpoint.wait_for(1);
    running.kill();

    let running = house.start();
    assert_eq!(house.outcomes(1), [("a1".to_owned(), Outcome::Delivered, None)]);
    running.stop();
    assert_eq!(endpoint.ids(), ["a1", "a1"]);
}

#[test]
fn killed_while_a_message_is_under_way_it_is_unknown_and_not_sent_again() {
    let house = House::new();
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let endpoint = Endpoint::new(move |_, _| Reply::WhenOpen(held.clone()));
    let (url, token) = (endpoint.url(), house.token());
    house.put(&[message("m1", "c", &url, &token)]);
    let running = house.start();
    endpoint.wait_for(1);
    running.cut_off();
    gate.open();
    running.kill();

    let running = house.start();
    assert_eq!(house.outcomes(1), [("m1".to_owned(), Outcome::Unknown, Some("interrupted".to_owned()))]);
    running.stop();
    assert_eq!(endpoint.ids(), ["m1"]);
}

#[test]
fn only_what_was_unfinished_is_taken_up_again_after_a_kill() {
    let house = House::new();
    let (endpoint, gate) = Endpoint::that_holds("slow");
    let url = endpoint.url();
    // All in one partition, so that the slow one holds the offset back.
    let ids: Vec<String> = (0..10).map(|n| format!("fast{n}")).collect();
    let mut other = Vec::new();
    for id in &ids {
        let mut action = webhook(id, "c", &url);
        action.destination.as_mut().unwrap().name = "other".into();
        other.push(action);
    }
    let mut actions = vec![webhook("slow", "c", &url)];
    actions.extend(other);
    house.put(&actions);
    let running = house.start();
    house.outcomes(10);
    running.cut_off();
    gate.open();
    running.kill();

    let running = house.start();
    house.outcomes(11);
    let totals = running.stop();
    assert_eq!((totals.received, totals.repeated, totals.delivered), (11, 10, 1));
    let repeats = endpoint.ids().iter().filter(|id| *id == "slow").count();
    assert_eq!((repeats, endpoint.requests().len()), (2, 12));
}

#[test]
fn an_aborted_commit_costs_no_second_request_of_what_was_answered() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, _| WAMID);
    let (url, token) = (endpoint.url(), house.token());
    let running = house.start();
    running.fail_next_commit(Fault::Aborted);
    house.put(&[message("m1", "c", &url, &token), message("m2", "c", &url, &token)]);
    let outcomes = house.outcomes(2);
    assert!(outcomes.iter().all(|(_, outcome, _)| *outcome == Outcome::Delivered), "{outcomes:?}");
    assert_eq!(running.stop().delivered, 2);
    assert_eq!(endpoint.ids(), ["m1", "m2"]);
}

#[test]
fn what_was_answered_is_remembered_while_the_log_cannot_be_joined() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, _| WAMID);
    let (url, token) = (endpoint.url(), house.token());
    let running = house.start();
    running.fail_next_commit(Fault::Aborted);
    running.refuse_joins(2);
    house.put(&[message("m1", "c", &url, &token)]);
    assert_eq!(house.outcomes(1), [("m1".to_owned(), Outcome::Delivered, None)]);
    running.stop();
    assert_eq!(endpoint.ids(), ["m1"]);
}

#[test]
fn what_follows_a_refused_action_waits_until_the_refusal_is_committed() {
    let house = House::new();
    let endpoint = Endpoint::new(|request, number| match (request.action_id().as_str(), number) {
        ("a1", 0) => Reply::Answer(400, "", ""),
        _ => OK,
    });
    let url = endpoint.url();
    let running = house.start();
    running.cut_off();
    house.put(&[webhook("a1", "c", &url), webhook("a2", "c", &url)]);
    endpoint.wait_for(1);
    running.kill();

    let running = house.start();
    assert!(house.outcomes(2).iter().all(|(_, outcome, _)| *outcome == Outcome::Delivered));
    running.stop();
    assert_eq!(endpoint.ids(), ["a1", "a1", "a2"], "a1, done at last, is done before a2");
}

#[test]
fn a_dead_letter_behind_an_unfinished_action_is_there_once_after_a_kill() {
    let house = House::new();
    let (endpoint, gate) = Endpoint::that_holds("slow");
    let url = endpoint.url();
    // Poison is put into partition 0.
    let names = (0..).map(|number| format!("c{number}"));
    let in_first = |name: &String| kilat_log::partition_of(format!("acme/{name}").as_bytes(), PARTITIONS) == 0;
    let conversations: Vec<String> = names.filter(in_first).take(2).collect();
    house.put(&[webhook("slow", &conversations[0], &url)]);
    house.put_bytes("acme/poison", b"no action");
    house.put(&[webhook("fast", &conversations[1], &url)]);
    let running = house.start();
    house.outcomes(1);
    running.cut_off();
    gate.open();
    running.kill();

    let running = house.start();
    house.outcomes(2);
    running.stop();
    assert_eq!(house.records(Topic::ActionsWebhook.dlq_name(), 1).len(), 1);
}

#[test]
fn a_commit_that_succeeded_unheard_is_found_in_the_log() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, _| OK);
    let url = endpoint.url();
    let running = house.start();
    running.fail_next_commit(Fault::CommittedUnheard);
    house.put(&[webhook("a1", "c", &url)]);
    house.outcomes(1);
    house.put(&[webhook("a2", "c", &url)]);
    assert_eq!(house.outcomes(2).len(), 2);
    running.stop();
    assert_eq!(endpoint.ids(), ["a1", "a2"]);
}

#[test]
fn an_action_that_stands_twice_in_the_log_is_done_once() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, _| OK);
    let url = endpoint.url();
    house.put(&[webhook("a1", "c", &url), webhook("a1", "c", &url), webhook("a2", "c", &url)]);
    let running = house.start();
    house.outcomes(2);
    house.put(&[webhook("a1", "c", &url), webhook("a3", "c", &url)]);
    house.outcomes(3);
    let totals = running.stop();
    assert_eq!((totals.repeated, totals.delivered), (2, 3));
    assert_eq!(endpoint.ids(), ["a1", "a2", "a3"]);
}

#[test]
fn members_that_come_and_go_neither_lose_nor_repeat() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, _| OK);
    let url = endpoint.url();
    let ids: Vec<String> = (0..300).map(|n| format!("a{n:03}")).collect();
    let conversations: Vec<String> = (0..300).map(|n| format!("c{}", n % 23)).collect();
    let actions: Vec<_> = ids.iter().zip(&conversations).map(|(id, c)| webhook(id, c, &url)).collect();
    house.put(&actions[..100]);
    let first = house.start_as("1");
    endpoint.wait_for(30);
    let second = house.start_as("2");
    house.put(&actions[100..200]);
    endpoint.wait_for(120);
    first.stop();
    house.put(&actions[200..]);
    let outcomes = house.outcomes(300);
    assert!(outcomes.iter().all(|(_, outcome, _)| *outcome == Outcome::Delivered));
    second.stop();
    let mut arrived = endpoint.ids();
    for conversation in 0..23 {
        let of: Vec<_> = arrived.iter().filter(|id| id[1..].parse::<usize>().unwrap() % 23 == conversation).collect();
        assert!(of.is_sorted(), "{of:?}");
    }
    arrived.sort();
    assert_eq!(arrived, ids);
}

#[test]
fn many_kills_lose_nothing_and_never_repeat_what_must_not_be() {
    const KILLS: usize = 15;
    let house = House::new();
    let endpoint = Endpoint::new(|request, _| match request.action_id().starts_with('m') {
        true => WAMID,
        false => OK,
    });
    let (url, token) = (endpoint.url(), house.token());
    let ids: Vec<String> = (0..600).map(|n| format!("{}{n:03}", if n % 2 == 0 { 'm' } else { 'w' })).collect();
    let conversations: Vec<String> = (0..600).map(|n| format!("c{}", n % 31)).collect();
    let mut actions = Vec::new();
    for (id, conversation) in ids.iter().zip(&conversations) {
        actions.push(match id.starts_with('m') {
            true => message(id, conversation, &url, &token),
            false => webhook(id, conversation, &url),
        });
    }
    house.put(&actions);
    for kill in 0..KILLS {
        let before = endpoint.requests().len();
        let running = house.start();
        // Primes, so that the kills fall at ever different places of transactions.
        endpoint.wait_for(before + [3, 7, 11, 13, 17][kill % 5]);
        running.kill();
    }
    let running = house.start();
    let outcomes = house.outcomes(600);
    running.stop();
    assert_eq!(outcomes.iter().map(|(id, _, _)| id.clone()).collect::<std::collections::BTreeSet<_>>().len(), 600);

    let arrived = endpoint.ids();
    let times = |id: &str| arrived.iter().filter(|other| *other == id).count();
    let mut unknown = 0;
    for (id, outcome, _) in &outcomes {
        match outcome {
            Outcome::Delivered => assert!(times(id) >= 1, "{id} was not sent"),
            Outcome::Unknown => unknown += 1,
            other => panic!("{id}: {other:?}"),
        }
        assert!(!id.starts_with('m') || times(id) <= 1, "{id} was sent {} times", times(id));
        assert!(!id.starts_with('w') || *outcome == Outcome::Delivered, "{id}: {outcome:?}");
    }
    let repeats = arrived.len() - arrived.iter().collect::<std::collections::BTreeSet<_>>().len();
    eprintln!(
        "{KILLS} kills, 600 actions: {repeats} webhooks sent again with their id, {unknown} messages unknown, 0 lost"
    );
}
