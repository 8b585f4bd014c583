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
fn notes_beyond_ascii_lose_their_oldest_lines_like_any_other() {
    // Two bytes a character and one for the line break: within some lines, what is too many ends inside a character.
    for length in 1..40 {
        let mut lead = Lead::new("new");
        let lines: Vec<String> =
            (0..).map(|n| format!("{n}{}", "é".repeat(length))).take(NOTES_BYTES_MAX / length).collect();
        for line in &lines {
            lead.apply(&Patch::Note { on: On::Lead, text: line.as_str().into() });
        }
        let notes = lead.profile.unwrap().notes.unwrap();
        assert!(notes.len() <= NOTES_BYTES_MAX);
        let kept: Vec<&str> = notes.lines().collect();
        assert_eq!(kept, lines[lines.len() - kept.len()..], "the latest lines, whole");
        assert!(
            notes.len() + lines[lines.len() - kept.len() - 1].len() + 1 > NOTES_BYTES_MAX,
            "as many as there is room for"
        );
    }
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

#[test]
fn no_number_of_events_makes_a_lead_that_fits_no_record() {
    let mut lead = Lead::new("new");
    let mut conversation = Conversation::new(Timestamp(0));
    let big = "é".repeat(400_000);
    for round in 0..50 {
        let tags = (0..100).map(|n| Str::from(format!("{round}-{n}-{}", &big[..2_000]))).collect::<Vec<_>>();
        let attrs = Object(vec![
            (format!("k{round}").into(), Value::Text("v".repeat(30_000).into())),
            (format!("l{round}").into(), Value::List(vec![Value::Null; 1_000])),
        ]);
        let text = || Some(Str::from(big.as_str()));
        let facts = LeadFacts {
            status: text(),
            tags: Some(tags.clone()),
            lists: Some(tags.clone()),
            notes: text(),
            city: text(),
            region: text(),
            name: text(),
            email: text(),
            phone: text(),
            source: text(),
            plan: text(),
            audience: text(),
            country: text(),
            attrs: Some(attrs.clone()),
            ..LeadFacts::default()
        };
        conversation.fold(&ConversationFacts {
            tags: Some(tags.clone()),
            room_tags: Some(tags),
            assignee: text(),
            attrs: Some(attrs),
            ..ConversationFacts::default()
        });
        let value = Value::Text("w".repeat(16_000).into());
        let path: Box<str> = format!("by.rule.{round}").into();
        lead.apply(&Patch::Attribute { on: On::Lead, path, value });
        for n in 0..100 {
            lead.apply(&Patch::Tag { on: On::Lead, name: format!("{round}{n}{}", &big[..2_000]).into(), add: true });
        }
        lead.apply(&Patch::LeadText { field: "city".into(), text: big.as_str().into() });
        lead.fold(&facts, facts.status.as_deref());
        // Saying it again changes nothing, however much of it is kept.
        assert!(!lead.fold(&facts, facts.status.as_deref()), "round {round}");
    }
    // As text a lead takes about what it takes in a record.
    for (what, bytes) in [("lead", format!("{lead:?}").len()), ("conversation", format!("{conversation:?}").len())] {
        assert!(bytes < 500_000, "the {what} takes {bytes} bytes");
    }
    assert_eq!(lead.status.len(), FACT_BYTES_MAX);
}
