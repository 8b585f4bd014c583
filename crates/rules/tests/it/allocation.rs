//! A pass allocates nothing once its buffers are warm (RS-3).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use kilat_domain::{Conversation, Event, Lead, Timestamp};
use kilat_rules::{Facts, Scratch, compile, load};

thread_local! {
    /// Allocations of this thread.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it came; counting touches only a thread-local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const RULES: &str = "
workspace: acme
settings: {business_hours: {mon: [['09:00', '17:00']]}}
rules:
  - {id: keywords, trigger: message.created, conditions: [{field: message.text, op: contains, value: [order, buy]}], actions: [{type: block}]}
  - {id: words, trigger: message.created, conditions: [{field: message.text, op: contains_word, value: promo}], actions: [{type: block}]}
  - {id: pattern, trigger: message.created, conditions: [{field: message.text, op: matches, value: 'inv-\\d+'}], actions: [{type: block}]}
  - {id: unindexed, trigger: message.created, conditions: [{field: message.text, op: matches, value: '\\d\\d\\d\\d\\d'}], actions: [{type: block}]}
  - {id: phrase, trigger: message.created, conditions: [{field: message.text, op: exact_phrase, value: stop}], actions: [{type: block}]}
  - {id: notes, trigger: message.created, conditions: [{field: lead.notes, op: contains, value: vip}], actions: [{type: block}]}
  - {id: sender, trigger: message.created, conditions: [{field: sender.id, op: equals, value: '62811'}], actions: [{type: block}]}
  - {id: scope, trigger: message.created, scope: {channels: ['62811']}, actions: [{type: block}]}
  - {id: hours, trigger: message.created, conditions: [{field: time.business_hours, op: equals, value: inside}], actions: [{type: block}]}
  - {id: score, trigger: message.created, conditions: [{field: lead.score, op: gte, value: 80}], actions: [{type: block}]}
  - {id: tags, trigger: message.created, conditions: [{field: lead.tags, op: contains, value: gold}], actions: [{type: block}]}
";

#[test]
fn an_event_that_matches_nothing_allocates_nothing() {
    let document = load("rules", RULES).documents.remove(0);
    let rules = compile(&document).expect("compiles");
    let line = r#"{"id":"e1","workspace":"acme","type":"message.created","occurred_at":1795143600000,
        "channel":{"kind":"whatsapp","account":"6281110001"},
        "sender":{"kind":"customer","id":"628123456789:3@s.whatsapp.net"},
        "message":{"id":"m1","text":"Straße, apa kabar? \u00c9 👋 inv-"}}"#;
    let event: Event<'_> = serde_json::from_str(line).expect("an event");
    let mut lead = Lead::new("new");
    lead.tags = vec!["silver".into()];
    lead.profile = Some(Box::new(kilat_domain::Profile { notes: Some("Né à Paris".into()), ..Default::default() }));
    let conversation = Conversation::new(Timestamp(0));
    let facts = Facts {
        event: &event,
        lead: Some(&lead),
        conversation: Some(&conversation),
        first_contact: false,
        conversation_is_new: false,
    };
    let mut scratch = Scratch::new();
    let mut pass_once = || {
        let mut pass = rules.pass(&event, &mut scratch);
        std::iter::from_fn(|| pass.next(&facts)).count()
    };
    assert_eq!(pass_once() + pass_once(), 0);
    let before = COUNT.with(Cell::get);
    assert_eq!(pass_once(), 0);
    assert_eq!(COUNT.with(Cell::get) - before, 0);
}
