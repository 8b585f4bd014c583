//! Bytes from outside: every way to be wrong has its own error, and none of them panics.

use kilat_codec::*;
use kilat_domain::*;
use proptest::prelude::*;

use crate::{contract_event, oracle, strategies};

fn encoded(event: &Event<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Encoder::new().event(event, &mut bytes).unwrap();
    bytes
}

fn code(bytes: &[u8]) -> &'static str {
    let error = decode_event(bytes).expect_err("these bytes are no event");
    assert_eq!(error.class(), Class::Poison);
    error.code()
}

#[test]
fn every_way_to_be_wrong_has_its_own_code() {
    let good = encoded(&contract_event());
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    assert_eq!(code(&vec![0; RECORD_BYTES_MAX + 1]), "K2001");
    assert_eq!(code(&[]), "K2002");
    assert_eq!(code(&good[..4]), "K2002");
    assert_eq!(code(&with(0, 1)), "K2003");
    assert_eq!(code(br#"{"id":"e1"}"#), "K2003");
    assert_eq!(code(&with(1, 0x7f)), "K2004");
    assert_eq!(code(&with(4, Schema::Decision.id() as u8)), "K2005");
    assert_eq!(code(&good[..good.len() / 2]), "K2006");
    // The first byte of Avro is the length of `id`; zigzag 1 is -1.
    assert_eq!(code(&with(5, 1)), "K2007");
    assert_eq!(code(&[good.clone(), vec![0]].concat()), "K2008");
    assert_eq!(code(&encoded(&Event { id: "".into(), ..contract_event() })), "K2009");
}

#[test]
fn every_prefix_of_a_record_is_truncated() {
    let good = encoded(&contract_event());
    for end in 5..good.len() {
        assert_eq!(code(&good[..end]), "K2006", "of {end} bytes");
    }
}

#[test]
fn a_text_that_is_not_utf_8_is_malformed() {
    let mut bytes = encoded(&contract_event());
    bytes[6] = 0xff;
    assert_eq!(code(&bytes), "K2007");
}

#[test]
fn a_word_outside_its_set_is_kept_as_unknown() {
    let mut bytes = encoded(&contract_event());
    for (word, other) in [("message.created", "message.related"), ("customer", "consumer"), ("direct", "forums")] {
        let at = bytes.windows(word.len()).position(|window| window == word.as_bytes()).unwrap();
        bytes[at..at + word.len()].copy_from_slice(other.as_bytes());
    }
    let event = decode_event(&bytes).unwrap();
    assert_eq!(event.kind, EventKind::Unknown);
    assert_eq!(event.sender.as_ref().unwrap().kind, SenderKind::Unknown);
    assert_eq!(event.chat.unwrap().kind, ChatKind::Unknown);
    assert_eq!(event.message, contract_event().message, "what is known is read as ever");
}

#[test]
fn an_error_quotes_no_more_of_a_record_than_fits_a_header() {
    let line =
        include_str!("../../golden/decision/3.json").replace("\"applied\"", &format!("\"{}\"", "é".repeat(50_000)));
    let bytes = oracle::encode(Schema::Decision, &serde_json::from_str(&line).unwrap());
    let error = decode_decision(&bytes).unwrap_err();
    assert!(error.to_string().contains("ééé"), "{error}");
    assert_eq!(error.code(), "K2007");
    assert!(error.to_string().len() < 300);
}

#[test]
fn events_without_workspace_or_out_of_time_are_refused() {
    assert_eq!(code(&encoded(&Event { workspace: "".into(), ..contract_event() })), "K2009");
    for at in [i64::MIN, -1, Timestamp::MAX.0 + 1, i64::MAX] {
        assert_eq!(code(&encoded(&Event { occurred_at: Timestamp(at), ..contract_event() })), "K2009");
    }
}

fn nested(depth: usize, wrap: fn(Value<'static>) -> Value<'static>) -> Event<'static> {
    let value = (0..depth).fold(Value::Bool(true), |inside, _| wrap(inside));
    Event { webhook: Some(Object(vec![("deep".into(), value)])), ..contract_event() }
}

#[test]
fn free_form_values_nest_sixteen_deep_and_no_deeper() {
    let list = |inside| Value::List(vec![inside]);
    let object = |inside| Value::Object(vec![("in".into(), inside)]);
    for wrap in [list, object] {
        let allowed = nested(Value::DEPTH_MAX, wrap);
        assert_eq!(decode_event(&encoded(&allowed)).unwrap(), allowed);
        for depth in [Value::DEPTH_MAX + 1, 32] {
            assert_eq!(code(&encoded(&nested(depth, wrap))), "K2009", "{depth} deep");
        }
        for depth in [33, 1000] {
            assert_eq!(code(&encoded(&nested(depth, wrap))), "K2007", "{depth} deep");
        }
    }
}

#[test]
fn what_was_accepted_in_an_event_can_be_sent_on_in_an_action() {
    // A webhook's payload may wrap a lead's attributes some levels down.
    let Event { webhook: Some(Object(mut entries)), .. } = nested(Value::DEPTH_MAX, |inside| Value::List(vec![inside]))
    else {
        panic!("the event has a webhook")
    };
    for _ in 0..8 {
        entries = vec![("in".into(), Value::Object(entries))];
    }
    let payload = Object(entries);
    let mut bytes = Vec::new();
    let action = Action { command: Command::SendWebhook { event: "x".into(), payload }, ..action() };
    Encoder::new().action(&action, &mut bytes).unwrap();
    assert_eq!(decode_action(&bytes).unwrap(), action);
}

fn action() -> Action<'static> {
    Action {
        id: "A".into(),
        workspace: "acme".into(),
        conversation: "c".into(),
        lead: None,
        event_id: "e".into(),
        rule: "r".into(),
        rule_version: 1,
        index: 0,
        created_at: Timestamp(0),
        expires_at: None,
        parallel: None,
        on_unknown: OnUnknown::Hold,
        gate: Gate::default(),
        destination: None,
        command: Command::RunSkill { name: "s".into() },
    }
}

#[test]
fn what_no_reader_would_take_is_not_written() {
    let long = "x".repeat(RECORD_BYTES_MAX);
    let event =
        Event { message: Some(Message { text: Some(long.as_str().into()), ..Message::default() }), ..contract_event() };
    let mut out = b"kept".to_vec();
    let error = Encoder::new().event(&event, &mut out).unwrap_err();
    assert_eq!((error.code(), error.class()), ("K2051", Class::Poison));
    assert_eq!(out, b"kept");
}

#[test]
fn blocks_with_byte_counts_are_read_as_other_writers_write_them() {
    // conversation.tags ["a", "b"] as one block of -2 items in 4 bytes.
    let event = Event {
        conversation: Some(ConversationFacts {
            tags: Some(vec!["a".into(), "b".into()]),
            ..ConversationFacts::default()
        }),
        ..crate::bare_event("e", EventKind::MessageEdited, 0)
    };
    let ours = encoded(&event);
    let counted = [4, 2, b'a', 2, b'b', 0];
    let at = ours.windows(counted.len()).position(|window| window == counted).unwrap();
    let sized = [3, 8, 2, b'a', 2, b'b', 0];
    let theirs = [&ours[..at], &sized, &ours[at + counted.len()..]].concat();
    assert_eq!(decode_event(&theirs).unwrap(), event);
    // And as two blocks of one.
    let split = [2, 2, b'a', 2, 2, b'b', 0];
    let theirs = [&ours[..at], &split, &ours[at + counted.len()..]].concat();
    assert_eq!(decode_event(&theirs).unwrap(), event);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), schema in proptest::sample::select(&Schema::ALL[..])) {
        let mut framed = vec![0];
        framed.extend_from_slice(&schema.id().to_be_bytes());
        framed.extend_from_slice(&bytes);
        let _ = decode_event(&framed);
        let _ = decode_rule_set(&framed);
        let _ = decode_rule_status(&framed);
        let _ = decode_decision(&framed);
        let _ = decode_action(&framed);
        let _ = decode_action_result(&framed);
        let _ = decode_lead(&framed);
        let _ = decode_state_block(&framed);
    }

    #[test]
    fn no_damaged_record_panics(event in strategies::event(), at: prop::sample::Index, byte: u8) {
        let mut bytes = encoded(&event);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode_event(&bytes);
        let _ = decode_event(&bytes[..at]);
    }
}
