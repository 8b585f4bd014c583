//! A copy made slice by slice of a partition that goes on changing ends, with the later blocks, as the partition itself.

use std::collections::BTreeSet;

use kilat_codec::{Encoder, decode_state_block, json};
use kilat_domain::{Conversation, Entry, Event, Lead, Packed};
use kilat_engine::{Partition, ScanCursor};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{Answers, block_of, message, restored, rule_set};

/// Rules that leave marks, tags, attributes, notes and snoozes, look back at messages, and run in circles.
const RULES: &str = "
workspace: acme
rules:
  - {id: third, name: Third, trigger: message.created, conditions: [{field: chat_count, op: gte, value: 3}], once_per: lead, actions: [{type: set_status, value: responded}]}
  - {id: order, name: Order, trigger: message.created, conditions: [{field: message.text, op: contains, value: order}], actions: [{type: add_tag, value: asked}, {type: set_field, field: attrs.last, value: '{{message.text}}'}]}
  - {id: thanks, name: Thanks, trigger: message.created, conditions: [{field: message.text, op: contains, value: thanks}], actions: [{type: remove_tag, value: asked}, {type: set_conversation_status, value: snooze, for: 90m}]}
  - {id: note, name: Note, trigger: message.created, conditions: [{field: message.text, op: contains, value: note}], actions: [{type: add_note, value: 'said {{message.text}}'}]}
  - {id: past, name: Past, trigger: message.created, conditions: [{field: chat_count.window_7d, op: gte, value: 2}, {history: {within: 1h, count: {gte: 2}, where: [{field: message.text, op: contains, value: order}]}}], actions: [{type: set_priority, value: high}]}
  - {id: ping, name: Ping, trigger: [message.created, tag.removed], conditions: [{field: message.text, op: contains, value: loop}, {field: tags, op: not_contains, value: x}], actions: [{type: add_tag, value: x}]}
  - {id: pong, name: Pong, trigger: tag.added, actions: [{type: remove_tag, value: x}]}
";

/// One step: the conversation that is written in, what is written, and minutes from the start of its day.
type Step = (u8, u8, u16, u8);

const TEXTS: [&str; 6] = ["halo", "mau order", "thanks ya", "note: besok", "loop", "order lagi"];

fn event(number: usize, (conversation, text, minute, sender): Step) -> Event<'static> {
    let sender = ["customer", "customer", "team"][usize::from(sender) % 3];
    let mut event = message(&format!("e{number}"), sender, TEXTS[usize::from(text) % TEXTS.len()]);
    event["workspace"] = json!(["acme", "other"][usize::from(conversation / 7)]);
    event["conversation"] = json!({"id": format!("c{conversation}")});
    event["lead"] = json!({"id": format!("l{}", conversation % 5)});
    event["type"] = json!("message.created");
    let minutes = u32::from(minute) % 2_880;
    event["occurred_at"] =
        json!(format!("2026-11-{:02}T{:02}:{:02}:00Z", 20 + minutes / 1_440, minutes / 60 % 24, minutes % 60));
    json::event_from_line(&event.to_string()).unwrap()
}

fn unpacked<T: Packed + std::fmt::Debug>(entry: &Entry<'_>) -> String {
    let Entry::Whole { place, workspace, id, value } = entry else { panic!("{entry:?} is not whole") };
    format!("{place:?} {workspace}/{id}: {:?}", T::unpack(value).unwrap())
}

/// Everything a partition remembers, as text.
fn contents(partition: &Partition) -> (Vec<String>, BTreeSet<(i32, i64)>) {
    let (mut entries, mut seen, mut cursor) = (Vec::new(), BTreeSet::new(), ScanCursor::default());
    while let Some(slice) = partition.scan(0, &mut cursor, usize::MAX) {
        entries.push(format!("{:?}", slice.now));
        entries.extend(slice.lead_entries.iter().map(|entry| unpacked::<Lead>(&entry.unwrap())));
        entries.extend(slice.conversation_entries.iter().map(|entry| unpacked::<Conversation>(&entry.unwrap())));
        entries.extend(slice.disabled.iter().map(|entry| format!("{entry:?}")));
        for day in &slice.seen {
            seen.extend(day.keys.iter().map(|key| (day.day, *key)));
            seen.insert((day.day, 0));
        }
    }
    (entries, seen)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocks_alone_and_a_scan_with_the_blocks_since_it_began_lead_to_the_same_state(
        batches in proptest::collection::vec(proptest::collection::vec(any::<Step>(), 0..6), 1..24),
        begin in 0_usize..20,
        bytes in 1_usize..600,
        resting in any::<u32>(),
    ) {
        let rules = rule_set(RULES);
        let (mut partition, mut twin, mut answers) = (Partition::new(), Partition::new(), Answers::default());
        let (mut blocks, mut slices, mut number) = (Vec::new(), Vec::new(), 0);
        let (mut cursor, mut begun) = (ScanCursor::default(), None);
        let mut take = |partition: &Partition, cursor: &mut ScanCursor| {
            let slice = partition.scan(3, cursor, bytes)?;
            let mut encoded = Vec::new();
            Encoder::new().state_block(&slice, &mut encoded).unwrap();
            slices.push(encoded);
            Some(())
        };
        for (at, batch) in batches.iter().enumerate() {
            for (conversation, text, minute, sender) in batch {
                let event = event(number, (conversation % 14, *text, *minute, *sender));
                let rules = (event.workspace == "acme").then_some(&rules);
                partition.apply(&event, rules, event.occurred_at, &mut answers);
                twin.apply(&event, rules, event.occurred_at, &mut answers);
                number += 1;
            }
            if !batch.is_empty() {
                blocks.push(block_of(&mut partition));
                prop_assert_eq!(&block_of(&mut twin), &blocks[blocks.len() - 1]);
                partition.settle();
                twin.settle();
            }
            // What is packed between two batches makes no difference to anything.
            let rests = if resting >> at & 1 == 1 { &mut partition } else { &mut twin };
            rests.rest();
            if at == begin {
                begun = Some((partition.position(), blocks.len()));
            }
            if at >= begin {
                take(&partition, &mut cursor);
            }
        }
        let (position, covered) = begun.unwrap_or((partition.position(), blocks.len()));
        while take(&partition, &mut cursor).is_some() {}

        let expected = contents(&partition);
        prop_assert_eq!(&contents(&restored(&blocks)), &expected, "from blocks alone");
        let mut copy = Partition::new();
        for slice in &slices {
            copy.load(decode_state_block(slice).unwrap()).unwrap();
        }
        copy.resume_at(position);
        for block in &blocks[covered..] {
            copy.restore(decode_state_block(block).unwrap()).unwrap();
        }
        prop_assert_eq!(copy.position(), partition.position());
        // Blocks bring new entries in the order they came to be, slices in the order of their places: the same.
        prop_assert_eq!(&contents(&copy), &expected, "from a scan and later blocks");
    }
}
