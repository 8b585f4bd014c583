//! An event that matches nothing allocates nothing (ENG-4).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use kilat_codec::json;
use kilat_domain::{Action, Decision};
use kilat_engine::{Outputs, Partition};

use crate::support;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is handed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Nothing;

impl Outputs for Nothing {
    fn decision(&mut self, decision: &Decision<'_>) {
        panic!("{decision:?}");
    }

    fn action(&mut self, _: &Action<'_>) {}
}

#[test]
fn an_event_that_matches_nothing_allocates_nothing() {
    let rules = support::rule_set(
        "
workspace: acme
rules:
  - {id: order, name: Order, trigger: message.created, conditions: [{field: message.text, op: contains, value: [order, booking, beli]}], actions: [{type: set_status, value: hot}]}
  - {id: price, name: Price, trigger: message.created, conditions: [{field: message.text, op: matches, value: 'harga\\s+(\\d+)'}], actions: [{type: add_tag, value: price}]}
  - {id: many, name: Many, trigger: message.created, conditions: [{field: chat_count, op: gte, value: 100000}], actions: [{type: add_tag, value: many}]}
",
    );
    const EVENTS: usize = 4_096;
    let records: Vec<Vec<u8>> = (0..EVENTS * 2)
        .map(|n| {
            let mut event =
                support::message(&format!("e{n}"), "customer", "halo kak, apa kabar? 😊 Senang bisa mampir");
            event["workspace"] = "acme".into();
            event["type"] = "message.created".into();
            event["occurred_at"] = "2026-11-20T03:00:00.000Z".into();
            let mut bytes = Vec::new();
            let event = json::event_from_line(&event.to_string()).unwrap();
            kilat_codec::Encoder::new().event(&event, &mut bytes).unwrap();
            bytes
        })
        .collect();
    let mut partition = Partition::new();
    let mut apply = |record: &[u8]| {
        let event = kilat_codec::decode_event(record).unwrap();
        let before = ALLOCATIONS.with(Cell::get);
        partition.apply(&event, Some(&rules), event.occurred_at, &mut Nothing);
        ALLOCATIONS.with(Cell::get) - before
    };
    // The window of idempotency keys grows. Two keys an event are 8,192 by now, in four segments that are split at 2,688; the
    // second half of the events meets each of these once, and the list of fresh keys once as it doubles.
    let warm: usize = records[..EVENTS].iter().map(|record| apply(record)).sum();
    let allocating = records[EVENTS..].iter().filter(|record| apply(record) > 0).count();
    assert!(warm > 0, "the counter counts");
    assert!(allocating <= 5, "{allocating} of {EVENTS} events allocated");
}
