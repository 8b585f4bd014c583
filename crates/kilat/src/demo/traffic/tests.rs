//! What the rules rely on: chats that repeat exactly, redeliveries, and something for every recipe.

use std::collections::HashSet;

use super::*;

fn taken(seed: u64, count: usize) -> Vec<Occurrence> {
    Traffic::new(seed, Timestamp(1_795_143_600_000), 3600).take(count).collect()
}

fn events(occurrences: &[Occurrence]) -> impl Iterator<Item = &Event<'static>> {
    occurrences.iter().filter_map(|occurrence| match occurrence {
        Occurrence::Event(event) => Some(&**event),
        Occurrence::Poison { .. } => None,
    })
}

#[test]
fn a_seed_gives_the_same_stream_and_another_seed_another() {
    let print = |seed| format!("{:?}", taken(seed, 2000));
    assert_eq!(print(1), print(1));
    assert_ne!(print(1), print(2));
}

#[test]
fn an_id_comes_back_only_with_the_same_event() {
    let stream = taken(5, 20_000);
    let mut seen = std::collections::HashMap::new();
    let mut again = 0;
    for event in events(&stream) {
        if let Some(first) = seen.insert(event.id.clone(), event.clone()) {
            assert_eq!(&first, event);
            again += 1;
        }
    }
    assert!(again > 100, "{again} redeliveries in 20,000");
}

#[test]
fn messages_of_a_chat_come_in_the_order_of_time() {
    let stream = taken(9, 20_000);
    let mut first_seen = HashSet::new();
    let mut last = std::collections::HashMap::new();
    for event in events(&stream).filter(|event| first_seen.insert(event.id.clone())) {
        let conversation = event.conversation.as_ref().and_then(|facts| facts.id.clone()).expect("named");
        if let Some(before) = last.insert(conversation, event.occurred_at) {
            assert!(before <= event.occurred_at);
        }
    }
}

#[test]
fn every_kind_of_moment_turns_up() {
    let stream = taken(3, 20_000);
    assert!(stream.iter().any(|occurrence| matches!(occurrence, Occurrence::Poison { .. })));
    let text = |words: &str, from: SenderKind| {
        events(&stream).any(|event| {
            event.sender.as_ref().is_some_and(|sender| sender.kind == from)
                && event
                    .message
                    .as_ref()
                    .and_then(|message| message.text.as_ref())
                    .is_some_and(|text| text.contains(words))
        })
    };
    assert!(text("mau order", SenderKind::Customer));
    assert!(text("Payment received Rp", SenderKind::Team));
    assert!(text("Transfer diterima Rp", SenderKind::Team));
    assert!(text("kecewa", SenderKind::Customer));
    assert!(text("refund", SenderKind::Customer));
    assert!(events(&stream).any(|event| event.kind == EventKind::SkillFired));
    assert!(events(&stream).any(|event| event.ctwa.is_some()));
    let tagged = |tag: &str| {
        events(&stream).any(|event| {
            event
                .lead
                .as_ref()
                .and_then(|lead| lead.tags.as_ref())
                .is_some_and(|tags| tags.iter().any(|name| *name == tag))
        })
    };
    assert!(tagged("vip") && tagged("enterprise"));
    let workspaces: HashSet<_> = events(&stream).map(|event| event.workspace.clone()).collect();
    assert_eq!(workspaces.len(), phrases::AGENCIES.len());
}

#[test]
fn amounts_are_written_as_in_indonesia() {
    for (amount, text) in [(0, "0"), (999, "999"), (1_000, "1.000"), (75_000, "75.000"), (1_500_000, "1.500.000")] {
        assert_eq!(phrases::rupiah(amount), text);
    }
}
