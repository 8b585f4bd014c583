//! What the vocabulary promises.

use std::cmp::Ordering;

use proptest::prelude::*;

use crate::*;

#[test]
fn numbers_compare_exactly_across_whole_and_fractional_forms() {
    let int = Number::Int;
    let float = Number::Float;
    // 2^53 + 1 has no double of its own: a comparison through doubles would call the two equal.
    assert_eq!(int(9_007_199_254_740_993).compare(float(9_007_199_254_740_992.0)), Ordering::Greater);
    assert_eq!(float(79.9).compare(int(80)), Ordering::Less);
    assert_eq!(int(80).compare(float(80.0)), Ordering::Equal);
    assert_eq!(int(-1).compare(float(-0.5)), Ordering::Less);
    assert_eq!(int(0).compare(float(-0.0)), Ordering::Equal);
    assert_eq!(int(i64::MAX).compare(float(f64::INFINITY)), Ordering::Less);
    assert_eq!(int(i64::MIN).compare(float(f64::NEG_INFINITY)), Ordering::Greater);
}

proptest! {
    #[test]
    fn comparing_numbers_is_antisymmetric(a: i64, b in any::<f64>().prop_filter("NaN is refused", |b| !b.is_nan())) {
        prop_assert_eq!(
            Number::Int(a).compare(Number::Float(b)),
            Number::Float(b).compare(Number::Int(a)).reverse()
        );
    }
}

#[test]
fn instants_are_read_and_printed_as_rfc_3339() {
    let at: Timestamp = "2026-11-20T10:00:00+07:00".parse().unwrap();
    assert_eq!(at.to_string(), "2026-11-20T03:00:00.000Z");
    assert!("yesterday".parse::<Timestamp>().is_err());
}

#[test]
fn setting_what_is_already_so_is_no_change() {
    let mut lead = Lead::new("new");
    let hot = Patch::LeadStatus("hot".into());
    let first = lead.apply(&hot).unwrap();
    assert_eq!((first.changed, first.from.as_deref(), first.to.as_deref()), (true, Some("new"), Some("hot")));
    assert!(!lead.apply(&hot).unwrap().changed);

    let vip = Patch::Tag { on: On::Lead, name: "vip".into(), add: true };
    assert!(lead.apply(&vip).unwrap().changed);
    assert!(!lead.apply(&vip).unwrap().changed);
    let not_vip = Patch::Tag { on: On::Lead, name: "vip".into(), add: false };
    assert!(lead.apply(&not_vip).unwrap().changed);
    assert!(!lead.apply(&not_vip).unwrap().changed);
}

#[test]
fn a_patch_belongs_to_the_lead_or_to_the_conversation_and_never_to_both() {
    let patches = [
        Patch::LeadStatus("hot".into()),
        Patch::Tag { on: On::Lead, name: "vip".into(), add: true },
        Patch::Tag { on: On::Conversation, name: "vip".into(), add: true },
        Patch::ConversationStatus(ConversationStatus::Resolved),
        Patch::Snooze(Timestamp(1)),
        Patch::Note { on: On::Lead, text: "wants a catalogue".into() },
        Patch::Note { on: On::Conversation, text: "wants a catalogue".into() },
        Patch::Assignee(Some("ani".into())),
        Patch::Blocked(true),
    ];
    for patch in patches {
        let lead = Lead::new("new").apply(&patch).is_some();
        let conversation = Conversation::new(Timestamp(0)).apply(&patch).is_some();
        assert!(lead != conversation, "{patch:?}");
    }
}

#[test]
fn notes_grow_by_lines_until_the_oldest_make_room() {
    let mut lead = Lead::new("new");
    let mut note = |text: &str| lead.apply(&Patch::Note { on: On::Lead, text: text.into() }).unwrap().changed;
    assert!(note("first"));
    assert!(note("second"));
    assert!(!note("second"), "what was said last is not said again");
    assert!(note("first"));
    let long = "x".repeat(NOTES_BYTES_MAX - "second\nfirst\n".len());
    assert!(note(&long));
    let notes = |lead: &Lead| lead.profile.as_ref().unwrap().notes.clone().unwrap();
    assert_eq!(*notes(&lead), *format!("second\nfirst\n{long}"));
    lead.apply(&Patch::Note { on: On::Lead, text: "y".into() });
    assert_eq!(*notes(&lead), *format!("first\n{long}\ny"));
    lead.apply(&Patch::Note { on: On::Lead, text: "z".repeat(3 * NOTES_BYTES_MAX).into() });
    assert_eq!(*notes(&lead), *"z".repeat(NOTES_BYTES_MAX));
}

#[test]
fn a_snooze_ends_with_any_other_status_and_is_a_change_where_only_its_end_differs() {
    let mut conversation = Conversation::new(Timestamp(0));
    let until = |conversation: &Conversation| conversation.details.as_ref().and_then(|details| details.snoozed_until);
    assert!(conversation.apply(&Patch::Snooze(Timestamp(5))).unwrap().changed);
    assert!(!conversation.apply(&Patch::Snooze(Timestamp(5))).unwrap().changed);
    assert!(conversation.apply(&Patch::Snooze(Timestamp(9))).unwrap().changed);
    assert_eq!((conversation.status, until(&conversation)), (ConversationStatus::Snoozed, Some(Timestamp(9))));
    assert!(conversation.apply(&Patch::ConversationStatus(ConversationStatus::Resolved)).unwrap().changed);
    assert_eq!((conversation.status, until(&conversation)), (ConversationStatus::Resolved, None));
    conversation.apply(&Patch::Snooze(Timestamp(9)));
    let facts = ConversationFacts { status: Some(ConversationStatus::Open), ..ConversationFacts::default() };
    assert!(conversation.fold(&facts));
    assert_eq!(until(&conversation), None);
}

#[test]
fn facts_that_say_nothing_change_nothing() {
    let mut lead = Lead::new("new");
    lead.fold(&LeadFacts { city: Some("Bandung".into()), ..LeadFacts::default() }, Some("hot"));
    let before = lead.clone();
    assert!(!lead.fold(&LeadFacts::default(), None));
    assert_eq!(lead, before);
}

#[test]
fn text_decoded_from_a_slice_borrows_from_it() {
    let line = r#"{"name":"vip","on":null}"#;
    let tag: TagFact<'_> = serde_json::from_str(line).unwrap();
    assert!(line.as_bytes().as_ptr_range().contains(&tag.name.as_ptr()));
    assert_eq!(tag.on, None);
}
