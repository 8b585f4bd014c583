//! The workload of the Kafka Streams peer (`../shared/peers`), translated to Kilat: its events, its rules, its expected answer.
//!
//! Input: `events.bin` and `rules-N.json` as `gen_events.py` and `gen_rules.py` of the peer write them, `expected.json` beside
//! the rules. Output: [`Event`]s, a rule document for every workspace, and what of the answer is the same.
//!
//! What is translated how, since the two do not mean quite the same:
//! - A conversation of the peer is a conversation and a lead of ours, of the same id; its status is the lead's.
//! - The peer's `chat_count` counts every message, ours the customer's. Every event says that the customer wrote, so that
//!   ours counts them all, too; who wrote stands in `channel.source`, which is compared as exactly.
//! - The peer lowers the case of a text; Kilat folds it (full-width letters, accents' composition, invisible characters), so
//!   that it finds some matches the peer does not. `peer_folded.py` says what it should find.
//! - The peer writes one record for each rule that fired, Kilat one decision for each event with all of them, and besides
//!   the lead as it stands.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use kilat_codec::Topic;
use kilat_domain::{
    Channel, Chat, ChatKind, ConversationFacts, Event, EventKind, LeadFacts, Message, MessageType, Sender, SenderKind,
    Str, Timestamp,
};
use kilat_log::{PartitionedLog, Start, each};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The peer's statuses; the first is a new conversation's.
const STATUSES: [&str; 8] = ["new", "contacted", "cold", "warm", "hot", "qualified", "won", "lost"];

/// The events of an `events.bin`: records of `u32 key length, key, u32 value length, value`, little endian, the value Avro.
pub(crate) struct Events {
    bytes: Vec<u8>,
    /// Where each value stands.
    values: Vec<usize>,
}

impl Events {
    pub(crate) fn open(file: &Path) -> Result<Events> {
        let bytes = fs::read(file).with_context(|| file.display().to_string())?;
        let (mut values, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let key = length(&bytes, at)?;
            let value = at + 4 + key;
            values.push(value + 4);
            at = value + 4 + length(&bytes, value)?;
        }
        Ok(Events { bytes, values })
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn event(&self, number: usize) -> Event<'static> {
        let mut value = Avro(&self.bytes[self.values[number]..]);
        let [id, workspace, conversation, channel, sender, text] = std::array::from_fn(|_| value.text());
        let hint = (value.number() == 1).then(|| value.text());
        Event {
            conversation: Some(ConversationFacts {
                id: Some(conversation.clone().into()),
                ..ConversationFacts::default()
            }),
            lead: Some(LeadFacts {
                id: Some(conversation.into()),
                status: hint.map(Str::from),
                ..LeadFacts::default()
            }),
            channel: Some(Channel { kind: channel.into(), account: None, source: Some(sender.into()) }),
            chat: Some(Chat { kind: ChatKind::Direct }),
            sender: Some(Sender { kind: SenderKind::Customer, id: None, name: None, roles: None, attrs: None }),
            message: Some(Message {
                id: Some(id.clone().into()),
                kind: Some(MessageType::Text),
                text: Some(text.into()),
                ..Message::default()
            }),
            ..Event::new(id, workspace, EventKind::MessageCreated, Timestamp(value.number()))
        }
    }
}

fn length(bytes: &[u8], at: usize) -> Result<usize> {
    let length = bytes.get(at..at + 4).context("events.bin ends within a record")?;
    Ok(u32::from_le_bytes(length.try_into()?) as usize)
}

/// What is left of an Avro record that the peer wrote.
struct Avro<'a>(&'a [u8]);

impl Avro<'_> {
    fn number(&mut self) -> i64 {
        let (mut number, mut shift) = (0_u64, 0);
        while let Some((&byte, rest)) = self.0.split_first() {
            self.0 = rest;
            number |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
    }

    fn text(&mut self) -> String {
        let length = usize::try_from(self.number()).unwrap_or_default().min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }
}

/// The peer's rules as a document for every workspace.
pub(crate) fn rules(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let set: Value = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    let rules = set["rules"].as_array().context("no `rules`")?;
    let rules: Vec<Value> = rules.iter().map(rule).collect::<Result<_>>()?;
    // JSON is YAML.
    Ok(json!({"workspace": "*", "settings": {"statuses": STATUSES}, "rules": rules}).to_string())
}

fn rule(rule: &Value) -> Result<Value> {
    let mut conditions = Vec::new();
    let text = &rule["text"];
    if !text.is_null() {
        let (op, value) = match text["op"].as_str() {
            Some("any_of") => ("contains", &text["values"]),
            Some("regex") => ("matches", &text["value"]),
            Some(op @ ("starts_with" | "ends_with" | "equals")) => (op, &text["value"]),
            _ => bail!("unknown text condition {text}"),
        };
        conditions.push(json!({"field": "message.text", "op": op, "value": value}));
    }
    for condition in rule["where"].as_array().into_iter().flatten() {
        let field = match condition["field"].as_str() {
            Some("status") => "lead.status",
            Some("sender_kind") => "channel.source",
            Some("channel") => "channel.kind",
            Some("chat_count") => "chat_count",
            _ => bail!("unknown field in {condition}"),
        };
        let (op, value) = match condition["op"].as_str() {
            Some("eq") => ("equals", &condition["value"]),
            Some(op @ ("gte" | "lte")) => (op, &condition["value"]),
            Some(op @ ("in" | "not_in")) => (op, &condition["values"]),
            _ => bail!("unknown operator in {condition}"),
        };
        conditions.push(json!({"field": field, "op": op, "value": value}));
    }
    let mut actions = vec![json!({"type": "set_status", "value": rule["then"]["set_status"]})];
    if let Some(tag) = rule["then"]["add_tag"].as_str() {
        actions.push(json!({"type": "add_tag", "value": tag}));
    }
    Ok(json!({"id": rule["id"], "name": rule["id"], "trigger": "message.created", "conditions": conditions,
        "actions": actions}))
}

/// Holds the decisions of the last run against the peer's expected answer, in words.
pub(crate) fn compare(log: &dyn PartitionedLog, rules: &Path) -> Result<String> {
    let name = rules.file_stem().and_then(|name| name.to_str()).context("a rule file has a name")?;
    let file = rules.with_file_name("expected.json");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let expected: Value = serde_json::from_str(&text)?;
    let expected = &expected[name];

    let mut follower = log.follow(Topic::Decisions.name(), None, Start::Earliest)?;
    let (mut lines, mut events) = (Vec::new(), BTreeSet::new());
    let mut caught_up = false;
    while !caught_up {
        let mut take = each(|record| {
            let Some(Ok(decision)) = record.value.map(kilat_codec::decode_decision) else { return };
            for fired in &decision.fired {
                lines.push(format!("{} {}\n", decision.event_id, fired.rule));
                events.insert(decision.event_id.to_string());
            }
        });
        caught_up = follower.poll(Duration::from_millis(100), &mut |record| take(&[record]))?.caught_up;
    }
    lines.sort_unstable();
    let mut digest = Sha256::new();
    lines.iter().for_each(|line| digest.update(line));
    let digest = digest.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let same = if expected["sha256"] == digest.as_str() { "the same" } else { "another" };
    Ok(format!(
        "fires: {} over {} events; the peer's: {} over {}; {same} digest, {digest}",
        lines.len(),
        events.len(),
        expected["actions"],
        expected["events_fired"],
    ))
}
