//! Records that cannot be read.

use kilat_codec::Topic;
use serde_json::json;

use crate::house::{House, tagging, wait};

#[test]
fn a_poison_record_is_dead_lettered_with_its_cause_and_the_partition_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    house.publish("acme", &tagging("seen"));
    let service = house.start();
    wait(|| service.registry().len() == 1, "live");

    house.messages(0..1, "before");
    house.raw(b"\x00\x00\x00\x00\x01truncated");
    house.raw(b"\x00\x7f\xff\xff\xffunknown schema id");
    house.raw(b"no magic byte");
    house.raw(&vec![0; (1 << 20) + 1]);
    house.messages(1..2, "after");
    wait(|| service.totals().events == 6, "all six records taken");
    service.stop();
    let totals = service.totals();
    service.join();

    assert_eq!((totals.evaluated, totals.dead_lettered), (2, 4));
    let mut causes = Vec::new();
    house.read(Topic::Messages.dlq_name(), &mut |record| {
        let text = |name: &str| String::from_utf8(record.header(name).unwrap_or_default()).unwrap();
        assert_eq!(text("__connect.errors.topic"), "kilat.messages.v1");
        assert!(text("__connect.errors.offset").parse::<i64>().is_ok());
        assert!(!text("__connect.errors.exception.message").is_empty());
        causes.push(text("kilat.error.code"));
    });
    assert_eq!(causes.len(), 4);
    causes.sort();
    causes.dedup();
    assert_eq!(causes.len(), 4, "every cause has its own code: {causes:?}");
    assert!(causes.iter().all(|code| code.starts_with('K')), "{causes:?}");
}

#[test]
fn facts_without_end_do_not_hold_up_their_partition() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    house.publish("acme", &tagging("seen"));
    let service = house.start();
    wait(|| service.registry().len() == 1, "live");
    let big = "x".repeat(900_000);
    for (n, fact) in ["notes", "city", "region", "name", "email", "plan"].into_iter().enumerate() {
        house.event(&json!({"id": format!("big{n}"), "workspace": "acme", "type": "lead.updated",
            "occurred_at": "2026-11-20T03:00:00Z", "conversation": {"id": "c1"}, "lead": {"id": "l1", fact: big}}));
        house.event(&json!({"id": format!("attr{n}"), "workspace": "acme", "type": "lead.updated",
            "occurred_at": "2026-11-20T03:00:00Z", "lead": {"id": "l1", "attrs": {format!("k{n}"): big}}}));
    }
    house.messages(1..2, "halo");
    wait(|| service.totals().events == 13, "all taken");
    assert_eq!(house.decisions().len(), 1, "decided after all of that");
    service.stop();
    let totals = service.totals();
    service.join();
    assert_eq!((totals.evaluated, totals.dead_lettered), (13, 0));
}
