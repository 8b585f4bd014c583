//! What is not sent, and why; and what is no action at all.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kilat_codec::Topic;
use kilat_domain::{Command, Outcome, Timestamp};
use kilat_executor::{Config, StartError, Surroundings, start};
use kilat_log::{Embedded, EmbeddedOptions, PartitionedLog as _};

use crate::endpoint::{Endpoint, OK, Reply};
use crate::house::{House, NOON, action, message, topics, webhook};

#[test]
fn what_may_not_or_cannot_be_sent_has_its_reason_and_no_request() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, _| OK);
    let (url, token) = (endpoint.url(), house.token());
    let mut expired = webhook("expired", "c1", &url);
    expired.expires_at = Some(Timestamp(1));
    let mut window = message("window", "c2", &url, &token);
    window.gate.window_closes_at = Some(Timestamp(1));
    let mut blocked = message("blocked", "c3", &url, &token);
    blocked.gate.blocked = true;
    let email = Command::SendEmail { to: "a@b.c".into(), subject: "s".into(), text: "t".into() };
    let no_connector = action("no_connector", "c4", webhook("x", "x", &url).destination, email.clone());
    let no_destination = action("no_destination", "c5", None, email);
    let mut secret = webhook("secret", "c6", &url);
    secret.destination.as_mut().unwrap().secret = Some("env:PATH".into());
    let mut inside = webhook("inside", "c7", "https://10.0.0.1/");
    inside.destination.as_mut().unwrap().name = "inside".into();
    house.put(&[expired, window, blocked, no_connector, no_destination, secret, inside]);
    let running = house.start();
    let expected = [
        ("blocked", Outcome::Suppressed, "blocked"),
        ("expired", Outcome::Suppressed, "expired"),
        ("inside", Outcome::Failed, "address_refused"),
        ("no_connector", Outcome::Failed, "no_connector"),
        ("no_destination", Outcome::Failed, "no_destination"),
        ("secret", Outcome::Failed, "secret_unavailable"),
        ("window", Outcome::Suppressed, "window"),
    ];
    let expected: Vec<_> = expected.iter().map(|(id, o, r)| ((*id).to_owned(), *o, Some((*r).to_owned()))).collect();
    assert_eq!(house.outcomes(7), expected);
    let results = house.results(7);
    let detail = results.iter().find(|(id, _)| id == "secret").unwrap().1.as_ref().unwrap().detail.clone().unwrap();
    assert!(detail.contains("env:PATH"), "{detail}");
    let totals = running.stop();
    assert_eq!((totals.suppressed, totals.failed, totals.delivered), (3, 4, 0));
    assert_eq!(endpoint.requests().len(), 0);
}

#[test]
fn an_action_that_expires_after_a_try_has_failed_and_is_not_suppressed() {
    let house = House::new();
    let clock = house.clock.clone();
    let endpoint = Endpoint::new(move |_, _| {
        clock.store(NOON.0 + 1, Ordering::SeqCst);
        Reply::Answer(500, "", "")
    });
    let url = endpoint.url();
    let mut action = webhook("a1", "c", &url);
    action.expires_at = Some(Timestamp(NOON.0 + 1));
    house.put(&[action]);
    let running = house.start();
    assert_eq!(house.outcomes(1), [("a1".to_owned(), Outcome::Failed, Some("expired".to_owned()))]);
    running.stop();
    assert_eq!(endpoint.ids(), ["a1"]);
}

#[test]
fn an_endpoint_that_is_gone_gets_nothing_more() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, _| Reply::Answer(410, "", ""));
    let url = endpoint.url();
    house.put(&[webhook("a1", "c", &url), webhook("a2", "c", &url), webhook("a3", "c", &url)]);
    let running = house.start();
    let reasons: Vec<_> = house.outcomes(3).into_iter().map(|(_, _, reason)| reason.unwrap()).collect();
    assert_eq!(reasons, ["gone", "gone", "endpoint_disabled"]);
    running.stop();
    assert_eq!(endpoint.ids(), ["a1", "a2"]);
}

#[test]
fn poison_is_dead_lettered_with_its_cause_and_the_partition_goes_on() {
    let house = House::new();
    let endpoint = Endpoint::new(|_, _| OK);
    let url = endpoint.url();
    house.put_bytes("acme/c", b"not an action");
    house.put_bytes("acme/c", b"");
    house.put(&[webhook("good", "c", &url)]);
    let running = house.start();
    assert_eq!(house.outcomes(1)[0].1, Outcome::Delivered);
    let letters = house.records(Topic::ActionsWebhook.dlq_name(), 2);
    assert_eq!(letters[0].value, b"not an action");
    assert_eq!(letters[0].header("__connect.errors.topic"), Topic::ActionsWebhook.name());
    assert_eq!(letters[0].header("__connect.errors.offset"), "0");
    assert_eq!(letters[0].header("ce_id"), "e7", "its own headers stay");
    assert_eq!(letters[0].header("kilat.error.code"), "K2003");
    assert_eq!(running.stop().dead_lettered, 2);
    // They are behind us: a restart does not take them again.
    assert_eq!(house.start().stop().dead_lettered, 0);
}

#[test]
fn results_must_have_as_many_partitions_as_actions() {
    let dir = tempfile::tempdir().unwrap();
    let log = Embedded::open(dir.path(), EmbeddedOptions::default()).unwrap();
    log.create_topics(&topics(3)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let refused = start(Arc::new(log), Config::default(), Surroundings::new(runtime.handle().clone())).unwrap_err();
    assert!(matches!(refused, StartError::PartitionsDiffer { actions_count: 4, results_count: 3, .. }), "{refused}");
}

#[test]
fn settings_that_cannot_work_are_all_named_before_anything_starts() {
    let house = House::new();
    let config = Config { concurrency: 0, held_max: 0, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let refused = start(Arc::new(house.log.clone()), config, Surroundings::new(runtime.handle().clone())).unwrap_err();
    assert!(matches!(&refused, StartError::Config(problems) if problems.len() == 2), "{refused}");
}
