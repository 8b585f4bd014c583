//! State blocks: a state restored from its blocks goes on as the one that wrote them (ENG-2).

use kilat_codec::{Encoder, decode_state_block};
use kilat_domain::{ChainPosition, Entries, Entry, InputRange, StateBlock, Timestamp};
use kilat_engine::{Applied, BatchHeader, BrokenChain, Partition};
use serde_json::json;

use crate::support::{Engine, block_of, leads_of, message, restored};

const RULES: &str = "
workspace: acme
rules:
  - {id: third, name: Third, trigger: message.created, conditions: [{field: chat_count, op: gte, value: 3}], once_per: lead, actions: [{type: set_status, value: responded}]}
  - {id: order, name: Order, trigger: message.created, conditions: [{field: message.text, op: contains, value: order}, {field: lead.status, op: equals, value: responded}], actions: [{type: set_status, value: hot}]}
";

/// Takes the state over into a new engine through encoded blocks.
fn hand_over(engine: &mut Engine, blocks: &mut Vec<Vec<u8>>) {
    blocks.push(block_of(&mut engine.partition));
    engine.partition = restored(blocks);
}

#[test]
fn a_state_restored_after_every_event_decides_as_one_that_never_stopped() {
    let texts = ["halo", "berapa kak?", "oke", "mau order", "mau order", "terima kasih"];
    let mut steady = Engine::new(RULES);
    let expected: Vec<_> = texts.iter().map(|text| steady.customer(text).decisions).collect();
    assert!(expected.iter().any(|decisions| !decisions.is_empty()));

    let (mut moved, mut blocks) = (Engine::new(RULES), Vec::new());
    for (text, expected) in texts.iter().zip(&expected) {
        assert_eq!(&moved.customer(text).decisions, expected, "{text}");
        hand_over(&mut moved, &mut blocks);
    }
    assert_eq!(leads_of(&moved.partition), leads_of(&steady.partition));
}

/// Proves D-33.
#[test]
fn a_window_that_a_repeated_event_moved_is_where_it_was_after_a_restart() {
    let at = |id: &str, day: u32| {
        let mut event = message(id, "customer", "halo");
        event["occurred_at"] = json!(format!("2026-11-{day:02}T03:00:00.000Z"));
        event
    };
    for restart in [false, true] {
        let (mut engine, mut blocks) = (Engine::new(RULES), Vec::new());
        assert!(matches!(engine.try_event(at("e1", 1)).0, Applied::Evaluated { .. }));
        assert_eq!(engine.try_event(at("e1", 8)).0, Applied::Duplicate);
        if restart {
            hand_over(&mut engine, &mut blocks);
        }
        // It comes late, and is filed under the day the window has reached, the 8th: known until the 16th.
        assert!(matches!(engine.try_event(at("e2", 7)).0, Applied::Evaluated { .. }));
        assert_eq!(engine.try_event(at("e2", 16)).0, Applied::Duplicate, "restart: {restart}");
    }
}

/// Proves D-38.
#[test]
fn a_rule_taken_out_of_service_stays_so_over_a_restart() {
    let rules = |strict: bool| {
        format!(
            "
workspace: acme
settings: {{strict_loops: {strict}}}
rules:
  - {{id: ping, name: Ping, trigger: [message.created, tag.removed], conditions: [{{field: tags, op: not_contains, value: x}}], actions: [{{type: add_tag, value: x}}]}}
  - {{id: pong, name: Pong, trigger: tag.added, actions: [{{type: remove_tag, value: x}}]}}
  - {{id: hello, name: Hello, trigger: message.created, once_per: conversation, actions: [{{type: run_skill, value: greet}}]}}
"
        )
    };
    for (strict, reason) in [(false, "quarantined"), (true, "disabled")] {
        let (mut engine, mut blocks) = (Engine::new(&rules(strict)), Vec::new());
        engine.customer("halo");
        hand_over(&mut engine, &mut blocks);
        let refused = engine.customer("halo lagi").decisions[0]["refused"].clone();
        assert_eq!(refused, json!([{"rule": "hello", "reason": "once"}, {"rule": "ping", "reason": reason}]));
    }
}

#[test]
fn the_same_events_give_the_same_blocks_byte_for_byte() {
    let run = || {
        let mut engine = Engine::new(RULES);
        for text in ["halo", "berapa kak?", "oke", "mau order"] {
            engine.customer(text);
        }
        block_of(&mut engine.partition)
    };
    assert_eq!(run(), run());
}

#[test]
fn nothing_read_and_nothing_changed_means_no_block() {
    let mut engine = Engine::new(RULES);
    assert!(engine.partition.blocks(BatchHeader::default()).is_empty());
    engine.customer("halo");
    assert!(!engine.partition.blocks(BatchHeader::default()).is_empty());
    engine.partition.settle();
    assert!(engine.partition.blocks(BatchHeader::default()).is_empty());
    let read = BatchHeader { inputs: vec![InputRange { input: 0, from: 4, next: 5 }], ..BatchHeader::default() };
    assert_eq!(
        engine.partition.blocks(read.clone())[0].inputs,
        read.inputs,
        "a replay needs to know of a duplicate too"
    );
}

/// Encoded blocks of five batches, each of one event.
fn five_blocks() -> Vec<Vec<u8>> {
    let (mut engine, mut blocks) = (Engine::new(RULES), Vec::new());
    for text in ["halo", "berapa kak?", "oke", "mau order", "terima kasih"] {
        engine.customer(text);
        blocks.push(block_of(&mut engine.partition));
        engine.partition.settle();
    }
    blocks
}

/// The first error of restoring these blocks, and where the chain stood then.
fn refusal<'b>(blocks: impl IntoIterator<Item = StateBlock<'b>>) -> Option<(BrokenChain, i64)> {
    let mut partition = Partition::new();
    let broken = blocks.into_iter().find_map(|block| partition.restore(block).err());
    broken.map(|broken| (broken, partition.position().sequence))
}

#[test]
fn a_missing_repeated_or_exchanged_block_is_refused() {
    let bytes = five_blocks();
    let blocks: Vec<_> = bytes.iter().map(|bytes| decode_state_block(bytes).unwrap()).collect();
    let of = |order: &[usize]| refusal(order.iter().map(|at| blocks[*at].clone()));
    assert_eq!(of(&[0, 1, 2, 3, 4]), None);
    assert_eq!(of(&[0, 1, 3, 4]), Some((BrokenChain::Missing { expected: 3, found: 4 }, 2)));
    assert_eq!(of(&[1, 2, 3, 4]), Some((BrokenChain::Missing { expected: 1, found: 2 }, 0)));
    assert_eq!(of(&[0, 2, 1, 3, 4]), Some((BrokenChain::Missing { expected: 2, found: 3 }, 1)));
    assert_eq!(of(&[0, 1, 1, 2]), Some((BrokenChain::Repeated { expected: 3, found: 2 }, 2)));
    let mut unchained = blocks[1].clone();
    unchained.sequence = 0;
    assert_eq!(refusal([blocks[0].clone(), unchained]), Some((BrokenChain::Unchained { expected: 2 }, 1)));
}

#[test]
fn an_altered_block_is_refused_and_so_is_one_of_another_history() {
    let bytes = five_blocks();
    let blocks: Vec<_> = bytes.iter().map(|bytes| decode_state_block(bytes).unwrap()).collect();
    let alterations: [fn(&mut StateBlock<'_>); 12] = [
        |block| block.partition += 1,
        |block| block.now.0 += 1,
        |block| block.clock = Some(Timestamp(0)),
        |block| block.rule_epoch += 1,
        |block| block.inputs.push(InputRange { input: 0, from: 0, next: 1 }),
        |block| block.fates.push(4),
        |block| block.decisions += 1,
        |block| block.actions += 1,
        |block| block.lead_entries.push(&Entry::Delta { place: 0, delta: &[0, 2] }),
        |block| block.conversation_entries = Entries::default(),
        |block| block.seen[0].keys[0] ^= 1,
        |block| block.chain ^= 1,
    ];
    for (number, alter) in alterations.into_iter().enumerate() {
        let mut altered = blocks.clone();
        alter(&mut altered[2]);
        assert_ne!(altered, blocks, "alteration {number} alters");
        assert_eq!(refusal(altered), Some((BrokenChain::Altered { sequence: 3 }, 2)), "alteration {number}");
    }
    let mut other = Engine::new(RULES);
    other.team("selamat pagi");
    block_of(&mut other.partition);
    other.partition.settle();
    other.customer("halo");
    let other = block_of(&mut other.partition);
    let other = decode_state_block(&other).unwrap();
    assert_eq!(refusal([blocks[0].clone(), other]), Some((BrokenChain::Altered { sequence: 2 }, 1)));
}

#[test]
fn blocks_of_before_the_chain_are_taken_in_until_the_first_of_it() {
    let bytes = five_blocks();
    let mut first = decode_state_block(&bytes[0]).unwrap();
    (first.sequence, first.chain) = (0, 0);
    let mut partition = Partition::new();
    partition.restore(first).unwrap();
    assert_eq!(partition.position(), ChainPosition::default());
    assert_eq!(partition.len(), (1, 1));
}

#[test]
fn a_batch_of_any_size_is_written_in_blocks_that_records_hold() {
    let mut engine = Engine::new(RULES);
    for number in 0..40 {
        let id = format!("l{number}");
        engine.event(json!({"type": "lead.updated", "id": id, "lead": {"id": id, "attrs": {"a": "x".repeat(60_000)}}}));
    }
    let mut restored = Partition::new();
    let blocks = engine.partition.blocks(BatchHeader::default());
    assert!(blocks.len() > 2, "{} blocks", blocks.len());
    for block in &blocks {
        let mut bytes = Vec::new();
        Encoder::new().state_block(block, &mut bytes).unwrap();
        assert!(bytes.len() < 1_000_000, "{} bytes", bytes.len());
        restored.restore(decode_state_block(&bytes).unwrap()).unwrap();
    }
    assert_eq!(leads_of(&restored), leads_of(&engine.partition));
    assert_eq!(restored.len().0, 40);
}

/// Found by the simulation: what an owner notes beside a conversation, to compare fewer texts, is of its own time only.
#[test]
fn who_owned_a_partition_before_another_goes_on_as_one_that_restored_everything() {
    let engine = |locale: &str, partition: Partition| {
        let rules = format!("workspace: acme\nsettings: {{locale: {locale}}}\nrules: []\n");
        let mut engine = Engine::new(&rules);
        engine.partition = partition;
        engine
    };
    let write = |number: i64, engine: &mut Engine| {
        let mut event = message(&format!("e{number}"), "customer", "halo");
        event["sender"]["id"] = "0811100001".into();
        event["occurred_at"] = format!("2026-11-20T0{number}:00:00Z").into();
        engine.event(event);
        let block = block_of(&mut engine.partition);
        engine.partition.settle();
        block
    };
    let mut first = engine("id-ID", Partition::new());
    let mut blocks = vec![write(1, &mut first)];
    // The same number is another customer's where another calling code is taken for granted.
    let mut second = engine("en-US", restored(&blocks));
    blocks.push(write(2, &mut second));
    first.partition.restore(decode_state_block(&blocks[1]).unwrap()).unwrap();
    let mut fresh = engine("id-ID", restored(&blocks));
    assert_eq!(write(3, &mut first), write(3, &mut fresh));
}
