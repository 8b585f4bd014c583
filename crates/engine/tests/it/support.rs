//! An engine fed with event lines, and its answers as JSON.

use kilat_codec::{Encoder, decode_lead, decode_state_block, json};
use kilat_domain::{Action, Conversation, Decision, Entry, LeadRecord, Packed, Timestamp};
use kilat_engine::{Applied, BatchHeader, Outputs, Partition};
use kilat_rules::RuleSet;
use serde_json::{Value, json};

/// An engine with one rule set.
pub(crate) struct Engine {
    pub(crate) partition: Partition,
    pub(crate) rules: RuleSet,
    minute: i64,
}

/// What one event brought.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) decisions: Vec<Value>,
    pub(crate) actions: Vec<Value>,
}

impl Outputs for Answers {
    fn decision(&mut self, decision: &Decision<'_>) {
        self.decisions.push(serde_json::from_str(&json::decision_to_line(decision)).unwrap());
    }

    fn action(&mut self, action: &Action<'_>) {
        self.actions.push(serde_json::from_str(&json::action_to_line(action)).unwrap());
    }
}

impl Answers {
    /// `event id: rule, rule` for every decision.
    pub(crate) fn fired(&self) -> Vec<String> {
        self.decisions
            .iter()
            .map(|decision| {
                let rules = |key: &str| {
                    let list = decision[key].as_array().unwrap().iter();
                    list.map(|entry| entry["rule"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
                };
                let refused = rules("refused");
                let refused =
                    if refused.is_empty() { String::new() } else { format!(" refused {}", refused.join(", ")) };
                format!("{}: {}{refused}", decision["event_id"].as_str().unwrap(), rules("fired").join(", "))
            })
            .collect()
    }

    /// The results of all actions of the first fired rule of the first decision.
    pub(crate) fn effects(&self) -> Vec<String> {
        let actions = self.decisions[0]["fired"][0]["actions"].as_array().unwrap();
        actions
            .iter()
            .map(|action| match action["reason"].as_str() {
                Some(reason) => format!("{} {reason}", action["result"].as_str().unwrap()),
                None => action["result"].as_str().unwrap().to_owned(),
            })
            .collect()
    }
}

impl Engine {
    /// An engine with the rules of this YAML text, for workspace `acme`.
    pub(crate) fn new(rules: &str) -> Engine {
        Engine { partition: Partition::new(), rules: rule_set(rules), minute: 0 }
    }

    /// Applies an event; `workspace`, `id`, `type` and `occurred_at` are filled in where the test does not care, events a
    /// minute apart from 2026-11-20T03:00Z on (10:00 in Jakarta, a Friday).
    pub(crate) fn event(&mut self, event: Value) -> Answers {
        self.try_event(event).1
    }

    /// The same, with what came of it.
    pub(crate) fn try_event(&mut self, event: Value) -> (Applied, Answers) {
        let line = self.line(event);
        let event = json::event_from_line(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        self.apply(&event)
    }

    /// Applies an event as it is.
    pub(crate) fn apply(&mut self, event: &kilat_domain::Event<'_>) -> (Applied, Answers) {
        let mut answers = Answers::default();
        let applied = self.partition.apply(event, Some(&self.rules), event.occurred_at, &mut answers);
        (applied, answers)
    }

    /// A customer message in the conversation `c1` of lead `l1`.
    pub(crate) fn customer(&mut self, text: &str) -> Answers {
        let id = format!("e{}", self.minute + 1);
        self.event(message(&id, "customer", text))
    }

    /// A team message in the same conversation.
    pub(crate) fn team(&mut self, text: &str) -> Answers {
        let id = format!("e{}", self.minute + 1);
        self.event(message(&id, "team", text))
    }

    /// The lead as data teams see it.
    pub(crate) fn lead(&self, id: &str) -> LeadRecord<'static> {
        let mut bytes = Vec::new();
        self.partition.for_each_lead(|lead| {
            if lead.lead == id {
                Encoder::new().lead(lead, &mut bytes).unwrap();
            }
        });
        assert!(!bytes.is_empty(), "no lead {id}");
        decode_lead(bytes.leak()).unwrap()
    }

    /// The line of an event, with what is filled in.
    pub(crate) fn line(&mut self, mut event: Value) -> String {
        self.minute += 1;
        let at = Timestamp("2026-11-20T02:59:00Z".parse::<Timestamp>().unwrap().0 + self.minute * 60_000);
        let defaults = json!({"workspace": "acme", "id": format!("e{}", self.minute), "type": "message.created",
            "occurred_at": at.to_string()});
        for (key, value) in defaults.as_object().unwrap() {
            event.as_object_mut().unwrap().entry(key.clone()).or_insert(value.clone());
        }
        event.to_string()
    }
}

/// What changed in a partition since it was last settled, as its one encoded block.
pub(crate) fn block_of(partition: &mut Partition) -> Vec<u8> {
    let (blocks, mut bytes) = (partition.blocks(BatchHeader::default()), Vec::new());
    assert_eq!(blocks.len(), 1, "one block");
    Encoder::new().state_block(&blocks[0], &mut bytes).unwrap();
    bytes
}

/// Every lead of a partition, as text.
pub(crate) fn leads_of(partition: &Partition) -> Vec<String> {
    let mut leads = Vec::new();
    partition.for_each_lead(|lead| leads.push(format!("{lead:?}")));
    leads
}

/// The first conversation of an encoded block, which holds all of it.
pub(crate) fn conversation_of(block: &[u8]) -> Conversation {
    let block = decode_state_block(block).unwrap();
    let Some(Ok(Entry::Whole { value, .. })) = block.conversation_entries.iter().next() else {
        panic!("{:?}", block.conversation_entries)
    };
    Conversation::unpack(value).unwrap().0
}

/// The partition that wrote these blocks.
pub(crate) fn restored(blocks: &[Vec<u8>]) -> Partition {
    let mut partition = Partition::new();
    for block in blocks {
        partition.restore(decode_state_block(block).unwrap()).unwrap();
    }
    partition
}

/// The rule set of a YAML text.
pub(crate) fn rule_set(text: &str) -> RuleSet {
    let loaded = kilat_rules::load("rules.yaml", text);
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    kilat_rules::compile(&loaded.documents[0]).expect("the rules compile")
}

/// A message in the conversation `c1` of lead `l1`.
pub(crate) fn message(id: &str, sender: &str, text: &str) -> Value {
    json!({"id": id, "conversation": {"id": "c1"}, "lead": {"id": "l1"},
        "channel": {"kind": "whatsapp", "account": "6281110001", "source": "wa_api"}, "chat": {"kind": "direct"},
        "sender": {"kind": sender, "id": "628123456789", "name": "Budi"},
        "message": {"id": format!("wamid.{id}"), "type": "text", "text": text}})
}

/// The codes of everything that is found in a rule file.
pub(crate) fn codes_of(text: &str) -> Vec<&'static str> {
    kilat_rules::load("rules.yaml", text).diagnostics.iter().map(|found| found.code).collect()
}

/// A rule file with one rule that has these parts from line 6 on, and a trigger and an action where they say none.
pub(crate) fn rule_file(parts: &str) -> String {
    let trigger = if parts.contains("trigger:") { "name: R" } else { "name: R\n    trigger: message.created" };
    let action = if parts.contains("actions:") { "" } else { "\n    actions: [{type: add_tag, value: x}]" };
    let endpoint = "{kind: whatsapp_cloud, phone_number_id: \"1\", token: \"env:T\"}";
    format!("workspace: acme\nrules:\n  - id: r\n    {trigger}\n    {parts}{action}\nendpoints: {{wa: {endpoint}}}\n")
}
