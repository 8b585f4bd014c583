//! Blocks that are not what an engine of this version wrote: altered, older, or no blocks at all.

use std::borrow::Cow;

use kilat_codec::decode_state_block;
use kilat_domain::{
    ChainPosition, Conversation, Entries, Entry, Lead, LeadEntry, OlderStateBlock, Packed, StateBlock, Timestamp,
};
use kilat_engine::{BrokenChain, Partition, ScanCursor};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Engine, block_of, leads_of, message, restored};

const RULES: &str = "
workspace: acme
rules:
  - {id: third, name: Third, trigger: message.created, conditions: [{field: chat_count, op: gte, value: 3}, {field: message.text, op: contains, value: order}], once_per: conversation, actions: [{type: set_status, value: hot}, {type: add_tag, value: vip}]}
";

/// Encoded blocks of batches of one message each, and the partition that wrote them.
fn blocks_of(texts: &[&str]) -> (Vec<Vec<u8>>, Engine) {
    let (mut engine, mut blocks) = (Engine::new(RULES), Vec::new());
    for text in texts {
        engine.customer(text);
        blocks.push(block_of(&mut engine.partition));
        engine.partition.settle();
    }
    (blocks, engine)
}

/// Holds to CH-1 for what differs in its type alone.
#[test]
fn an_attribute_altered_to_another_type_is_noticed() {
    let block_with = |attrs: Value| {
        let mut engine = Engine::new(RULES);
        let mut event = message("e1", "customer", "halo");
        event["lead"]["attrs"] = attrs;
        engine.event(event);
        block_of(&mut engine.partition)
    };
    let alike = [
        (json!({"a": false}), json!({"a": 0})),
        (json!({"a": true}), json!({"a": 1})),
        (json!({"a": [null]}), json!({"a": []})),
        (json!({"a": "1"}), json!({"a": 1})),
        (json!({"a": ["b", "c"]}), json!({"a": {"b": "c"}})),
        (json!({"a": "0.5"}), json!({"a": 0.5})),
    ];
    for (was, is) in alike {
        let (known, other) = (block_with(was.clone()), block_with(is.clone()));
        let mut block = decode_state_block(&known).unwrap();
        Partition::new().restore(block.clone()).unwrap();
        block.lead_entries = decode_state_block(&other).unwrap().lead_entries;
        assert_eq!(Partition::new().restore(block), Err(BrokenChain::Altered { sequence: 1 }), "{was} altered to {is}");
    }
}

/// A block as version 4 held it, of one lead in this status.
fn older(sequence: i64, status: &str) -> StateBlock<'static> {
    let lead = LeadEntry {
        workspace: "acme".into(),
        id: "l1".into(),
        state: Cow::Owned(Lead::new(status)),
        marks: Cow::Owned(Vec::new()),
    };
    StateBlock::from(OlderStateBlock {
        partition: 0,
        sequence,
        chain: sequence * 1_000,
        now: Timestamp(sequence),
        clock: None,
        rule_epoch: 0,
        inputs: Vec::new(),
        fates: Vec::new(),
        decisions: 0,
        actions: 0,
        leads: vec![lead],
        conversations: Vec::new(),
        seen: Vec::new(),
        disabled: Vec::new(),
    })
}

#[test]
fn an_upgraded_engine_goes_on_behind_older_blocks_and_behind_a_checkpoint_of_their_time() {
    let mut all_of_it = Partition::new();
    for (sequence, status) in [(1, "new"), (2, "contacted"), (3, "hot")] {
        all_of_it.restore(older(sequence, status)).unwrap();
    }
    assert_eq!(all_of_it.position(), ChainPosition { sequence: 3, chain: 3_000 });

    // A checkpoint of the second block: its slice has no places either.
    let slice = StateBlock { sequence: 0, chain: 0, ..older(2, "contacted") };
    let mut from_checkpoint = Partition::new();
    from_checkpoint.load(slice).unwrap();
    from_checkpoint.resume_at(ChainPosition { sequence: 2, chain: 2_000 });
    from_checkpoint.restore(older(3, "hot")).unwrap();
    assert_eq!(from_checkpoint.position(), all_of_it.position());
    assert_eq!(leads_of(&from_checkpoint), leads_of(&all_of_it));

    // What the upgraded engine writes follows on either.
    let mut engine = Engine::new(RULES);
    engine.partition = from_checkpoint;
    engine.customer("halo");
    let next = block_of(&mut engine.partition);
    engine.partition.settle();
    all_of_it.restore(decode_state_block(&next).unwrap()).unwrap();
    assert_eq!(all_of_it.position().sequence, 4);
    assert_eq!(leads_of(&all_of_it), leads_of(&engine.partition));
}

#[test]
fn older_blocks_that_are_missing_or_repeated_are_refused() {
    let mut partition = Partition::new();
    partition.restore(older(1, "new")).unwrap();
    let (expected, missing, repeated) = (2, older(3, "hot"), older(1, "new"));
    assert_eq!(partition.restore(missing), Err(BrokenChain::Missing { expected, found: 3 }));
    assert_eq!(partition.restore(repeated), Err(BrokenChain::Repeated { expected, found: 1 }));
}

#[test]
fn entries_that_cannot_be_read_or_have_no_place_are_refused() {
    let load = |entry: Entry<'_>| {
        let mut slice = StateBlock { sequence: 0, chain: 0, ..older(0, "new") };
        slice.lead_entries.push(&entry);
        Partition::new().load(slice)
    };
    let mut value = Vec::new();
    Lead::new("hot").pack(&[], &mut value);
    let whole = |place, value| Entry::Whole { place, workspace: "acme", id: "l2", value };
    assert_eq!(load(whole(Some(1), &value)), Ok(()));
    assert_eq!(load(whole(Some(1), &value[..value.len() - 1])), Err(BrokenChain::Unreadable));
    assert_eq!(load(whole(Some(2), &value)), Err(BrokenChain::Misplaced), "there is no place 1 yet");
    assert_eq!(load(whole(Some(0), &value)), Err(BrokenChain::Misplaced), "another lead is there");
    assert_eq!(load(Entry::Delta { place: 1, delta: &[0, 0] }), Err(BrokenChain::Misplaced));
    assert_eq!(load(Entry::Delta { place: 0, delta: &[1, 0, 9] }), Err(BrokenChain::Unreadable));
    let text_that_is_none = [1, 0, 1, 0xff];
    assert_eq!(load(Entry::Delta { place: 0, delta: &text_that_is_none }), Err(BrokenChain::Unreadable));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever bytes come, they are refused, or are a state like any other: one that can be read, scanned and gone on with.
    #[test]
    fn bytes_that_are_no_entries_never_panic(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
        of_leads in any::<bool>(),
        noise in prop::collection::vec(any::<u8>(), 0..24),
    ) {
        let (blocks, _) = blocks_of(&["halo", "berapa?", "mau order", "order"]);
        let (first, last) = blocks.split_at(3);
        let known = decode_state_block(&last[0]).unwrap();
        let entries = if of_leads { &known.lead_entries } else { &known.conversation_entries };
        let mut altered = entries.as_bytes().to_vec();
        altered.extend_from_slice(&noise);
        let place = at.index(altered.len().max(1));
        altered.iter_mut().skip(place).take(1).for_each(|was| *was = byte);
        let cut = cut.index(altered.len() + 1);
        for bytes in [&altered[..], &altered[..cut], &noise] {
            let mut block = StateBlock { sequence: 0, chain: 0, ..known.clone() };
            let place = if of_leads { &mut block.lead_entries } else { &mut block.conversation_entries };
            *place = Entries::from(bytes);
            let mut engine = Engine::new(RULES);
            engine.partition = restored(first);
            if engine.partition.load(block).is_ok() {
                leads_of(&engine.partition);
                let mut cursor = ScanCursor::default();
                while let Some(slice) = engine.partition.scan(0, &mut cursor, usize::MAX) {
                    for entry in slice.conversation_entries.iter() {
                        let Entry::Whole { value, .. } = entry.unwrap() else { panic!("a scan gives whole values") };
                        Conversation::unpack(value).unwrap();
                    }
                }
                engine.event(message("next", "customer", "order lagi"));
                block_of(&mut engine.partition);
                engine.partition.settle();
            }
        }
    }
}
