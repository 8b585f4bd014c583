//! A pipeline that is stopped and started goes on where it was.

use crate::house::{House, tagging, wait};

const RULES: &str = "workspace: acme
rules:
  - {id: tenth, name: Tenth, trigger: message.created, conditions: [{field: chat_count, op: equals, value: 10}], actions: [{type: set_status, value: responded}]}
";

/// Proves F-1.
#[test]
fn a_restarted_pipeline_goes_on_from_the_committed_state() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    house.publish("acme", RULES);
    // Seven conversations: their tenth messages are events 63 to 69, long after the first stop.
    for part in 0..7 {
        let service = house.start();
        wait(|| service.registry().live("acme").is_some(), "live");
        house.messages(part * 10..(part + 1) * 10, "halo");
        wait(|| service.totals().evaluated == 10, "evaluated");
        service.stop();
        service.join();
    }
    let decisions = house.decisions();
    let mut events: Vec<_> = decisions.iter().map(|decision| decision["event_id"].as_str().unwrap()).collect();
    events.sort_unstable();
    assert_eq!(events, ["e63", "e64", "e65", "e66", "e67", "e68", "e69"]);
}

/// Proves D-33.
#[test]
fn events_produced_twice_are_evaluated_once_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    house.publish("acme", RULES);
    for round in 0..2 {
        let service = house.start();
        house.messages(0..100, "halo");
        wait(|| service.totals().events == 100, "taken");
        let totals = service.totals();
        let expected = if round == 0 { (100, 0) } else { (0, 100) };
        assert_eq!((totals.evaluated, totals.duplicates), expected);
        service.stop();
        service.join();
    }
}

/// Proves F-1.
#[test]
fn a_backlog_that_gathered_while_nobody_ran_is_decided_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    house.publish("acme", &tagging("seen"));
    let run_until = |house: &House, evaluated: u64| {
        let service = house.start();
        wait(|| service.registry().live("acme").is_some(), "live");
        wait(|| service.totals().evaluated == evaluated, "evaluated");
        service.stop();
        service.join();
    };
    house.messages(0..10, "halo");
    run_until(&house, 10);
    house.messages(10..1_010, "halo");
    run_until(&house, 1_000);
    let mut decided: Vec<String> =
        house.decisions().iter().map(|decision| decision["event_id"].as_str().unwrap().to_owned()).collect();
    decided.sort_unstable();
    let mut expected: Vec<String> = (0..1_010).map(|n| format!("e{n}")).collect();
    expected.sort_unstable();
    assert_eq!(decided, expected, "each event once, none missing");
}
