//! Older versions of a schema: made up here from the newest, because there are no released ones yet.

use apache_avro::types::Value as Avro;
use apache_avro::{Schema as AvroSchema, to_avro_datum};
use kilat_domain::{
    Action, Conversation, Decision, Entries, Entry, Event, Packed, RuleSetStatus, StateBlock, Timestamp,
};
use serde_json::Value;

use crate::decode::decode_version;
use crate::schemas::{self, Version};
use crate::{DecodeError, Encoder, Schema, framing, json};

fn older(schema: Schema, text: &str) -> Version {
    Version { schema, number: 0, id: 99, is_newest: false, avro: schemas::parse(text) }
}

/// The newest text of a schema with its root's fields changed.
fn with_fields(schema: Schema, change: impl FnOnce(&mut Vec<Value>)) -> String {
    let mut json: Value = serde_json::from_str(schema.text()).unwrap();
    change(json["fields"].as_array_mut().unwrap());
    json.to_string()
}

fn status_bytes(text: &str) -> Vec<u8> {
    let fields = AvroSchema::parse_str(text).unwrap();
    let AvroSchema::Record(record) = &fields else { panic!("a record") };
    let value = |name: &str| match name {
        "live" => Avro::Boolean(true),
        "at" => Avro::TimestampMillis(7),
        "live_hash" => Avro::Union(1, Box::new(Avro::String("h0".into()))),
        "error" => Avro::Union(0, Box::new(Avro::Null)),
        "forgotten" => Avro::Array(vec![Avro::Long(1), Avro::Long(2)]),
        name => Avro::String(name.into()),
    };
    let record = record.fields.iter().map(|field| (field.name.clone(), value(&field.name))).collect();
    to_avro_datum(&fields, Avro::Record(record)).unwrap()
}

fn status(live_hash: Option<&'static str>) -> RuleSetStatus<'static> {
    RuleSetStatus {
        workspace: "workspace".into(),
        hash: "hash".into(),
        live: true,
        error: None,
        live_hash: live_hash.map(Into::into),
        at: Timestamp(7),
    }
}

#[test]
fn a_field_that_an_older_version_lacks_is_absent() {
    let text = with_fields(Schema::RuleStatus, |fields| fields.retain(|field| field["name"] != "live_hash"));
    let bytes = status_bytes(&text);
    let read: RuleSetStatus<'_> = decode_version(&older(Schema::RuleStatus, &text), &bytes).unwrap();
    assert_eq!(read, status(None));
}

#[test]
fn a_field_that_only_an_older_version_has_is_passed_over() {
    let text = with_fields(Schema::RuleStatus, |fields| {
        let forgotten = r#"{"name": "forgotten", "type": {"type": "array", "items": "long"}}"#;
        fields.insert(1, serde_json::from_str(forgotten).unwrap());
    });
    let bytes = status_bytes(&text);
    let read: RuleSetStatus<'_> = decode_version(&older(Schema::RuleStatus, &text), &bytes).unwrap();
    assert_eq!(read, status(Some("h0")));
}

#[test]
fn fields_of_an_older_version_may_stand_in_another_order() {
    let text = with_fields(Schema::RuleStatus, |fields| fields.reverse());
    let bytes = status_bytes(&text);
    let read: RuleSetStatus<'_> = decode_version(&older(Schema::RuleStatus, &text), &bytes).unwrap();
    assert_eq!(read, status(Some("h0")));
}

#[test]
fn an_older_record_that_is_cut_short_or_too_long_is_told_apart_from_a_broken_one() {
    let text = Schema::RuleStatus.text();
    let version = older(Schema::RuleStatus, text);
    let bytes = status_bytes(text);
    let read = |bytes: &[u8]| decode_version::<RuleSetStatus<'_>>(&version, bytes).map(drop).unwrap_err();
    for end in 0..bytes.len() {
        assert!(matches!(read(&bytes[..end]), DecodeError::Truncated), "{end}: {:?}", read(&bytes[..end]));
    }
    assert!(matches!(read(&[&bytes[..], &[0, 0]].concat()), DecodeError::Trailing { bytes: 2 }));
    let mut broken = bytes.clone();
    broken[1] = 0xff;
    assert!(matches!(read(&broken), DecodeError::Malformed { id: 99, .. }));
    broken[0] = 1;
    assert!(matches!(read(&broken), DecodeError::Malformed { id: 99, .. }));
}

#[test]
fn both_ways_of_reading_agree_on_fixed_arrays_and_unions() {
    let mut conversation = Conversation::new(Timestamp(1));
    conversation.channel = [Some("whatsapp".into()), None, Some("wa_api".into())];
    let mut value = Vec::new();
    conversation.pack(&[], &mut value);
    let mut conversation_entries = Entries::default();
    conversation_entries.push(&Entry::Whole { place: Some(7), workspace: "acme", id: "c", value: &value });
    let block = StateBlock {
        partition: 0,
        sequence: 1,
        chain: -5,
        is_older: false,
        now: Timestamp(1),
        clock: Some(Timestamp(2)),
        rule_epoch: 0,
        inputs: vec![],
        fates: vec![],
        decisions: 0,
        actions: 0,
        lead_entries: Entries::default(),
        conversation_entries,
        seen: vec![],
        disabled: vec![],
        anchors: vec![],
        spreads: vec![],
    };
    let mut bytes = Vec::new();
    Encoder::new().state_block(&block, &mut bytes).unwrap();
    let avro = &bytes[framing::HEADER_BYTES..];
    let by_name: StateBlock<'_> = decode_version(&older(Schema::StateBlock, Schema::StateBlock.text()), avro).unwrap();
    assert_eq!(by_name, block);
    assert_eq!(crate::decode_state_block(&bytes).unwrap(), block);
}

#[test]
fn both_ways_of_reading_agree_on_everything_an_event_an_action_and_a_decision_can_hold() {
    let mut bytes = Vec::new();
    let event = json::event_from_line(include_str!("../golden/event/2.json")).unwrap();
    Encoder::new().event(&event, &mut bytes).unwrap();
    let by_name = older(Schema::Event, Schema::Event.text());
    assert_eq!(decode_version::<Event<'_>>(&by_name, &bytes[framing::HEADER_BYTES..]).unwrap(), event);

    bytes.clear();
    let action = json::action_from_line(include_str!("../golden/action/2.json")).unwrap();
    Encoder::new().action(&action, &mut bytes).unwrap();
    let by_name = older(Schema::Action, Schema::Action.text());
    assert_eq!(decode_version::<Action<'_>>(&by_name, &bytes[framing::HEADER_BYTES..]).unwrap(), action);

    bytes.clear();
    let decision = json::decision_from_line(include_str!("../golden/decision/2.json")).unwrap();
    Encoder::new().decision(&decision, &mut bytes).unwrap();
    let by_name = older(Schema::Decision, Schema::Decision.text());
    assert_eq!(decode_version::<Decision<'_>>(&by_name, &bytes[framing::HEADER_BYTES..]).unwrap(), decision);
}

#[test]
fn every_schema_is_found_by_the_id_it_is_written_with() {
    for schema in Schema::ALL {
        let version = schemas::by_id(schema.id()).unwrap();
        assert!(version.schema == schema && version.is_newest);
    }
    assert!(schemas::by_id(0).is_none());
}

/// A text is one where its bytes are, wherever a byte that is not ASCII stands in it, and whatever follows.
#[test]
fn texts_are_told_from_other_bytes() {
    let put = |text: &[u8], bytes: &mut Vec<u8>| {
        // A length, zigzag and in groups of seven bits, and the bytes.
        let mut bits = 2 * text.len();
        while bits >= 0x80 {
            bytes.push(bits as u8 | 0x80);
            bits >>= 7;
        }
        bytes.push(bits as u8);
        bytes.extend_from_slice(text);
    };
    // Characters, whole and in pieces; the last byte of the second of them may follow the text.
    let within: [&[u8]; 7] = [b"y", "é".as_bytes(), b"\xC3", b"\xA9", "😊".as_bytes(), b"\xF0\x9F\x98", b"\xFF"];
    let mut read = [0, 0];
    for length in (0..70).chain([126, 127, 128, 8_200]) {
        for place in (0..length.min(70)).chain([length]) {
            for piece in within {
                let text = ["x".repeat(place).as_bytes(), piece, "x".repeat(length - place).as_bytes()].concat();
                let mut bytes = Vec::new();
                put(&text, &mut bytes);
                let end = bytes.len();
                bytes.extend(b"\xA9");
                let mut reader = crate::reader::Reader::new(&bytes);
                assert_eq!(reader.str().ok(), std::str::from_utf8(&text).ok(), "{text:?}");
                assert_eq!(reader.rest(), &bytes[end..]);
                read[usize::from(std::str::from_utf8(&text).is_ok())] += 1;
            }
        }
    }
    assert!(read[0] > 1_000 && read[1] > 1_000);
}
