//! State blocks: a state restored from its blocks goes on as the one that wrote them (ENG-2).

use kilat_codec::{Encoder, decode_state_block};
use kilat_engine::Partition;
use serde_json::json;

use crate::support::Engine;

const RULES: &str = "
workspace: acme
rules:
  - {id: third, name: Third, trigger: message.created, conditions: [{field: chat_count, op: gte, value: 3}], once_per: lead, actions: [{type: set_status, value: responded}]}
  - {id: order, name: Order, trigger: message.created, conditions: [{field: message.text, op: contains, value: order}, {field: lead.status, op: equals, value: responded}], actions: [{type: set_status, value: hot}]}
";

/// Takes the state over into a new engine through encoded blocks.
fn hand_over(engine: &mut Engine, encoder: &mut Encoder, blocks: &mut Vec<Vec<u8>>) {
    if let Some(block) = engine.partition.block(3, Vec::new(), 0) {
        let mut bytes = Vec::new();
        encoder.state_block(&block, &mut bytes).unwrap();
        blocks.push(bytes);
    }
    engine.partition.settle();
    let mut restored = Partition::new();
    for block in blocks.iter().chain(blocks.last()) {
        restored.restore(decode_state_block(block).unwrap());
    }
    engine.partition = restored;
}

#[test]
fn a_state_restored_after_every_event_decides_as_one_that_never_stopped() {
    let texts = ["halo", "berapa kak?", "oke", "mau order", "mau order", "terima kasih"];
    let mut steady = Engine::new(RULES);
    let expected: Vec<_> = texts.iter().map(|text| steady.customer(text).decisions).collect();
    assert!(expected.iter().any(|decisions| !decisions.is_empty()));

    let (mut moved, mut encoder, mut blocks) = (Engine::new(RULES), Encoder::new(), Vec::new());
    for (text, expected) in texts.iter().zip(&expected) {
        assert_eq!(&moved.customer(text).decisions, expected, "{text}");
        hand_over(&mut moved, &mut encoder, &mut blocks);
    }
    let leads = |engine: &Engine| engine.partition.leads().map(|lead| format!("{:?}", lead.facts)).collect::<Vec<_>>();
    assert_eq!(leads(&moved), leads(&steady));
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
        let (mut engine, mut encoder, mut blocks) = (Engine::new(&rules(strict)), Encoder::new(), Vec::new());
        engine.customer("halo");
        hand_over(&mut engine, &mut encoder, &mut blocks);
        let refused = engine.customer("halo lagi").decisions[0]["refused"].clone();
        assert_eq!(refused, json!([{"rule": "hello", "reason": "once"}, {"rule": "ping", "reason": reason}]));
    }
}

#[test]
fn the_same_events_give_the_same_blocks_byte_for_byte() {
    let run = || {
        let (mut engine, encoder) = (Engine::new(RULES), Encoder::new());
        for text in ["halo", "berapa kak?", "oke", "mau order"] {
            engine.customer(text);
        }
        let mut bytes = Vec::new();
        encoder.state_block(&engine.partition.block(0, Vec::new(), 0).unwrap(), &mut bytes).unwrap();
        bytes
    };
    assert_eq!(run(), run());
}

#[test]
fn nothing_changed_means_no_block() {
    let mut engine = Engine::new(RULES);
    assert!(engine.partition.block(0, Vec::new(), 0).is_none());
    engine.customer("halo");
    assert!(engine.partition.block(0, Vec::new(), 0).is_some());
    engine.partition.settle();
    assert!(engine.partition.block(0, Vec::new(), 0).is_none());
}
