//! The straight path: order, keys side by side, retries, stops.

use std::sync::Arc;

use kilat_domain::Outcome;

use crate::endpoint::{Endpoint, Gate, OK, Reply};
use crate::house::{House, conversion, message, webhook};

const WAMID: Reply = Reply::Answer(200, "", r#"{"messages":[{"id":"wamid.1"}]}"#);

#[test]
fn every_action_is_delivered_once_and_its_result_stands_in_the_log() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, _| OK);
    let url = endpoint.url();
    let ids: Vec<String> = (0..40).map(|n| format!("a{n:02}")).collect();
    let conversations: Vec<String> = (0..40).map(|n| format!("c{}", n % 7)).collect();
    let actions: Vec<_> = ids.iter().zip(&conversations).map(|(id, c)| webhook(id, c, &url)).collect();
    house.put(&actions);
    let running = house.start();
    let outcomes = house.outcomes(40);
    assert!(outcomes.iter().zip(&ids).all(|(found, id)| found.0 == *id && found.1 == Outcome::Delivered));
    let totals = running.stop();
    assert_eq!((totals.received, totals.attempts, totals.delivered), (40, 40, 40));

    // Per conversation in the order they were put; and nothing is left for a second executor.
    let arrived = endpoint.ids();
    for conversation in 0..7 {
        let of = |ids: &[String]| -> Vec<String> {
            ids.iter().filter(|id| id[1..].parse::<usize>().unwrap() % 7 == conversation).cloned().collect()
        };
        assert_eq!(of(&arrived), of(&ids));
    }
    house.put(&[webhook("last", "c", &url)]);
    let running = house.start();
    house.outcomes(41);
    assert_eq!(running.stop().received, 1);
    assert_eq!(endpoint.requests().len(), 41);
}

#[test]
fn a_stalled_conversation_waits_in_order_and_others_go_on() {
    let house = House::new();
    let (endpoint, gate) = Endpoint::that_holds("slow1");
    let url = endpoint.url();
    house.put(&[webhook("slow1", "slow", &url), webhook("slow2", "slow", &url), webhook("fast", "fast", &url)]);
    let running = house.start();
    assert_eq!(house.outcomes(1)[0].0, "fast");
    assert!(!endpoint.ids().contains(&"slow2".to_owned()));
    gate.open();
    house.outcomes(3);
    assert_eq!(endpoint.ids().iter().filter(|id| id.starts_with("slow")).collect::<Vec<_>>(), ["slow1", "slow2"]);
    running.stop();
}

#[test]
fn every_repeat_carries_the_same_id_whatever_went_wrong() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, before| match before {
        0 => Reply::Answer(500, "", "oops"),
        1 => Reply::Answer(429, "retry-after: 0\r\n", ""),
        2 => Reply::Close,
        _ => OK,
    });
    let url = endpoint.url();
    house.put(&[webhook("a1", "c", &url), webhook("a2", "c", &url)]);
    let running = house.start();
    let results = house.results(2);
    assert_eq!(endpoint.ids(), ["a1", "a1", "a1", "a1", "a2", "a2", "a2", "a2"]);
    for (_, result) in results {
        let result = result.unwrap();
        assert_eq!((result.outcome, result.attempts, result.http_status), (Outcome::Delivered, 4, Some(204)));
    }
    // One body; a new span of the same trace each time.
    let requests = endpoint.requests();
    assert_eq!(requests[0].body, requests[3].body);
    let spans: std::collections::BTreeSet<_> = requests.iter().map(|r| r.headers["traceparent"].clone()).collect();
    assert_eq!(spans.len(), 8);
    assert!(spans.iter().all(|span| span.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && span.ends_with("-01")));
    running.stop();
}

#[test]
fn tries_are_bounded_and_a_later_action_goes_on() {
    let mut house = House::new();
    house.config.retry_steps_ms = Some(vec![1, 1]);
    let endpoint = Endpoint::new(|request, _| match request.action_id().as_str() {
        "bad" => Reply::Answer(500, "", ""),
        _ => OK,
    });
    let url = endpoint.url();
    house.put(&[webhook("bad", "c", &url), webhook("good", "c", &url)]);
    let running = house.start();
    let outcomes = house.outcomes(2);
    assert_eq!(outcomes[0], ("bad".to_owned(), Outcome::Failed, Some("retries_exhausted".to_owned())));
    assert_eq!(outcomes[1].1, Outcome::Delivered);
    assert_eq!(endpoint.ids(), ["bad", "bad", "bad", "good"]);
    running.stop();
}

#[test]
fn a_message_is_announced_before_it_is_sent_and_withdrawn_where_it_clearly_was_not() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, before| match before {
        0 => Reply::Answer(500, "", r#"{"error":{"code":131000,"message":"Something went wrong"}}"#),
        _ => WAMID,
    });
    let (url, token) = (endpoint.url(), house.token());
    house.put(&[message("m1", "c", &url, &token)]);
    let running = house.start();
    let results = house.results(1);
    let outcomes: Vec<_> = results.iter().map(|(_, result)| result.as_ref().map(|result| result.outcome)).collect();
    assert_eq!(outcomes, [Some(Outcome::Sending), None, Some(Outcome::Sending), Some(Outcome::Delivered)]);
    let last = results.last().unwrap().1.as_ref().unwrap();
    assert_eq!((last.partner_ref.as_deref(), last.attempts), (Some("wamid.1"), 2));
    let requests = endpoint.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].headers["authorization"], "Bearer token-FAKE");
    running.stop();
}

#[test]
fn an_unanswered_message_is_unknown_and_not_repeated() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, _| Reply::Close);
    let (url, token) = (endpoint.url(), house.token());
    house.put(&[message("m1", "c", &url, &token)]);
    let running = house.start();
    assert_eq!(house.outcomes(1), [("m1".to_owned(), Outcome::Unknown, Some("no_answer".to_owned()))]);
    running.stop();
    assert_eq!(endpoint.ids(), ["m1"]);
}

#[test]
fn a_stop_waits_for_what_is_under_way_and_commits_it() {
    let house = House::new();
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let endpoint = Endpoint::new(move |_, _| Reply::WhenOpen(held.clone()));
    let url = endpoint.url();
    house.put(&[webhook("a1", "c", &url), webhook("a2", "c", &url)]);
    let running = house.start();
    endpoint.wait_for(1);
    let stopping = std::thread::spawn(move || running.stop());
    gate.open();
    let totals = stopping.join().unwrap();
    // Whether a2 was begun depends on when the stop was noticed; whatever was begun is settled.
    assert_eq!(totals.attempts, totals.delivered);
    assert_eq!(house.outcomes(totals.delivered as usize).len() as u64, totals.delivered);
    house.start().stop();
}

#[test]
fn intake_pauses_when_enough_is_held_and_goes_on_afterwards() {
    let mut house = House::new();
    house.config.held_max = 5;
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let endpoint = Endpoint::new(move |_, _| Reply::WhenOpen(held.clone()));
    let url = endpoint.url();
    let ids: Vec<String> = (0..30).map(|n| format!("a{n:02}")).collect();
    let actions: Vec<_> = ids.iter().map(|id| webhook(id, id, &url)).collect();
    house.put(&actions);
    let running = house.start();
    assert_eq!(endpoint.wait_for(5).len(), 5);
    gate.open();
    house.outcomes(30);
    assert_eq!(running.stop().delivered, 30);
}

#[test]
fn a_conversion_reaches_meta_once_however_often_it_stands_in_the_log() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, _| Reply::Answer(200, "", r#"{"events_received":1,"fbtrace_id":"T1"}"#));
    let (url, token) = (endpoint.url(), house.token());
    house.put(&[conversion("l1", "c", &url, &token)]);
    let running = house.start();
    assert_eq!(house.outcomes(1), [("l1".to_owned(), Outcome::Delivered, None)]);
    running.stop();
    house.put(&[conversion("l1", "c", &url, &token), conversion("l2", "c", &url, &token)]);
    let running = house.start();
    house.outcomes(2);
    assert_eq!(running.stop().repeated, 1);
    assert_eq!(endpoint.ids(), ["l1", "l2"]);
    let body: serde_json::Value = serde_json::from_slice(&endpoint.requests()[0].body).unwrap();
    assert_eq!(body["data"][0]["action_source"], "business_messaging");
    assert_eq!(body["data"][0]["user_data"]["ctwa_clid"], "AfFAKE");
}
