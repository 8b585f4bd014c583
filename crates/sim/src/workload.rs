//! What a run is fed with: events of a few workspaces, and versions of their rules.
//!
//! Input: a seed. Output: encoded records. Conversations are few, so that state matters; texts hit rules often.

use std::collections::BTreeSet;

use kilat_codec::{Encoder, Topic};
use kilat_domain::{
    Change, Channel, ConversationFacts, Ctwa, Event, EventKind, LeadFacts, Message, RuleSetRecord, Sender, SenderKind,
    Str, TagFact, Timestamp,
};

use crate::fault::{Fault, Faults};
use crate::random::Random;

/// Events kept to be delivered again.
const REMEMBERED: usize = 500;
const HOUR_MS: i64 = 3_600_000;
/// The access token of endpoints: any variable that every machine has, as nobody looks at its value.
pub(crate) const TOKEN: &str = "env:PATH";
const TEXTS: [&str; 10] = [
    "halo kak",
    "mau order dua",
    "berapa harganya?",
    "refund dong, parah",
    "oke terima kasih",
    "masih buka?",
    "order lagi ya",
    "tolong bantu",
    "sip",
    "KECEWA, minta refund",
];

/// A record to be produced.
pub(crate) struct Fed {
    pub(crate) topic: Topic,
    pub(crate) workspace: String,
    pub(crate) value: Vec<u8>,
}

/// Draws events.
pub(crate) struct Workload {
    random: Random,
    encoder: Encoder,
    workspaces: u64,
    conversations: u64,
    shares_max: u64,
    /// Conversations of which a message has named the lead.
    told: BTreeSet<u64>,
    numbered: u64,
    poisoned: u64,
    sent: Vec<(Topic, String, Vec<u8>)>,
}

impl Workload {
    pub(crate) fn new(seed: u64, shares_max: u64) -> Workload {
        let mut random = Random::new(seed, 3);
        let workspaces = random.between(1, 6);
        let conversations = random.between(3, 120);
        Workload {
            random,
            encoder: Encoder::new(),
            workspaces,
            conversations,
            shares_max,
            told: BTreeSet::new(),
            numbered: 0,
            poisoned: 0,
            sent: Vec::new(),
        }
    }

    /// The names of the workspaces.
    pub(crate) fn workspaces(&self) -> impl Iterator<Item = String> + use<> {
        (0..self.workspaces).map(|number| format!("w{number}"))
    }

    /// A workspace.
    pub(crate) fn workspace(&mut self) -> String {
        format!("w{}", self.random.below(self.workspaces))
    }

    /// The next record: an event, one that was sent before, or none at all.
    pub(crate) fn next(&mut self, now: Timestamp, events: u64, faults: &mut Faults) -> Fed {
        let events = events as f64;
        if faults.strikes(Fault::Poison, events) {
            self.poisoned += 1;
            let value = format!("no event {}", self.poisoned).into_bytes();
            return Fed { topic: Topic::Messages, workspace: self.workspace(), value };
        }
        if !self.sent.is_empty() && faults.strikes(Fault::DuplicateEvent, events) {
            let place = self.random.below(self.sent.len() as u64) as usize;
            let (topic, workspace, value) = self.sent[place].clone();
            return Fed { topic, workspace, value };
        }
        let late = faults.strikes(Fault::LateEvent, events);
        let at = if late { Timestamp(now.0 - self.random.below(240 * HOUR_MS as u64) as i64) } else { now };
        let (topic, workspace, value) = self.event(at);
        let sent = (topic, workspace.clone(), value.clone());
        if self.sent.len() < REMEMBERED {
            self.sent.push(sent);
        } else {
            self.sent[self.numbered as usize % REMEMBERED] = sent;
        }
        Fed { topic, workspace, value }
    }

    fn event(&mut self, at: Timestamp) -> (Topic, String, Vec<u8>) {
        self.numbered += 1;
        let number = self.numbered;
        let conversation = self.random.below(self.conversations);
        let workspace = format!("w{}", conversation % self.workspaces);
        // As the customer's own country writes it: what it means depends on the workspace's locale.
        let phone = format!("0812{conversation:07}");
        let draw = self.random.below(100);
        let kind = match draw {
            0..75 => EventKind::MessageCreated,
            75..85 => EventKind::LeadStatusChanged,
            85..95 => EventKind::TagAdded,
            _ => EventKind::MessageEdited,
        };
        let text = |text: String| Str::from(text);
        let mut event = Event {
            conversation: Some(ConversationFacts { id: Some(text(format!("c{conversation}"))), ..Default::default() }),
            lead: Some(LeadFacts { id: Some(text(format!("l{}", conversation / 2))), ..Default::default() }),
            channel: Some(Channel { kind: "whatsapp".into(), account: Some("1".into()), source: None }),
            ..Event::new(format!("e{number}"), workspace.clone(), kind, at)
        };
        let mut topic = Topic::Messages;
        match kind {
            EventKind::LeadStatusChanged => {
                topic = Topic::LeadChanges;
                let to = *self.random.pick(&["responded", "hot", "won"]);
                event.change = Some(Change { field: Some("lead.status".into()), from: None, to: Some(to.into()) });
                if let Some(lead) = &mut event.lead {
                    lead.status = Some(to.into());
                }
            }
            EventKind::TagAdded => {
                topic = Topic::LeadChanges;
                let name = *self.random.pick(&["vip", "x", "grosir"]);
                event.tag = Some(TagFact { name: name.into(), on: None });
            }
            _ => {
                let kind = match self.random.below(10) {
                    0..7 => SenderKind::Customer,
                    7..9 => SenderKind::Team,
                    _ => SenderKind::Bot,
                };
                event.sender = Some(Sender { kind, id: Some(text(phone)), name: None, roles: None, attrs: None });
                if conversation.is_multiple_of(5) && self.random.chance(0.2) {
                    event.ctwa = Some(Ctwa { clid: Some("click".into()), ..Ctwa::default() });
                }
                let body = *self.random.pick(&TEXTS);
                // Some providers say the same message twice, as two events.
                let id = if self.random.chance(0.02) { number - 1 } else { number };
                event.message = Some(Message {
                    id: Some(text(format!("m{id}"))),
                    text: Some(text(format!("{body} {}", number % 7))),
                    ..Message::default()
                });
            }
        }
        // Some messages name the conversation alone, once another of the same topic has said whose it is: a lead of two
        // conversations, one of which was first seen without it, may lie on two partitions.
        let is_of_customer = event.sender.as_ref().is_some_and(|sender| sender.kind == SenderKind::Customer);
        if topic == Topic::Messages && !is_of_customer && number.is_multiple_of(3) && self.told.contains(&conversation)
        {
            event.lead = None;
        } else if event.message.as_ref().and_then(|message| message.id.as_deref()) == Some(&*format!("m{number}")) {
            self.told.insert(conversation);
        }
        let mut value = Vec::new();
        self.encoder.event(&event, &mut value).expect("it is small");
        (topic, workspace, value)
    }

    /// Over how many shares this version of rules spreads a workspace.
    fn shares_of(&self, version: u64) -> u64 {
        Random::new(version, 6).between(1, self.shares_max)
    }

    /// A rule set to be published: version `version` of the workspace's rules, or one that does not compile.
    pub(crate) fn rules(&self, workspace: &str, version: u64, broken: bool) -> Vec<u8> {
        let source = if broken { broken_rules(workspace) } else { rules(workspace, version, self.shares_of(version)) };
        let record = RuleSetRecord {
            workspace: workspace.into(),
            hash: format!("sha256:{version}").into(),
            source: source.into(),
            published_at: Timestamp(0),
            published_by: None,
        };
        let mut value = Vec::new();
        self.encoder.rule_set(&record, &mut value).expect("it is small");
        value
    }
}

/// The rules of a workspace, in this version.
pub(crate) fn rules(workspace: &str, version: u64, shares: u64) -> String {
    let (v, threshold) = (version % 5, 2 + version % 4);
    let locale = ["id-ID", "ms-MY"][(version % 2) as usize];
    format!(
        r#"
workspace: {workspace}
settings: {{locale: {locale}, explain: {{sample: 0.05}}, spread: {shares}}}
endpoints:
  crm: {{url: "https://crm.example/hooks/{v}"}}
  wa: {{kind: whatsapp_cloud, phone_number_id: "1001", token: "{TOKEN}"}}
  meta: {{kind: meta_capi, dataset: "3001", waba: "2001", token: "{TOKEN}"}}
rules:
  - {{id: count, name: Count, version: {version}, trigger: message.created, conditions: [{{field: chat_count, op: gte, value: {threshold}}}], once_per: lead, actions: [{{type: set_status, value: responded}}, {{type: add_tag, value: "seen-{v}"}}]}}
  - {{id: order, name: Order, version: {version}, trigger: message.created, conditions: [{{field: message.text, op: contains, value: order}}, {{field: lead.status, op: equals, value: responded}}], actions: [{{type: set_status, value: hot}}, {{type: send_webhook, to: crm, event: order}}]}}
  - {{id: refund, name: Refund, version: {version}, trigger: message.created, conditions: [{{field: sender.kind, op: equals, value: customer}}, {{field: message.text, op: contains_word, value: [refund, parah]}}], once_per: conversation, actions: [{{type: run_skill, value: refund}}, {{type: add_tag, value: angry}}]}}
  - {{id: angry, name: Angry, version: {version}, trigger: tag.added, conditions: [{{field: tag.name, op: equals, value: angry}}], actions: [{{type: send_webhook, to: crm, event: angry}}, {{type: remove_tag, value: angry}}]}}
  - {{id: thanks, name: Thanks, version: {version}, trigger: message.created, conditions: [{{field: message.text, op: contains, value: "terima kasih"}}], actions: [{{type: send_message, value: "Sama-sama {v}", to: wa}}]}}
  - {{id: won, name: Won, version: {version}, trigger: lead.status_changed, conditions: [{{field: change.to, op: equals, value: won}}], actions: [{{type: send_webhook, to: crm, event: won}}]}}
  - {{id: lead, name: Lead, version: {version}, trigger: message.created, conditions: [{{field: ctwa.clid, op: is_present}}], actions: [{{type: send_capi_event, value: LeadSubmitted, to: meta}}]}}
"#
    )
}

/// Rules that do not compile.
fn broken_rules(workspace: &str) -> String {
    format!(
        "workspace: {workspace}\nrules:\n  - {{id: broken, name: Broken, trigger: message.created, actions: [{{type: no_such_action}}]}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(source: &str) -> Vec<String> {
        let loaded = kilat_rules::load("rules", source);
        let compiled =
            loaded.documents.iter().flat_map(|document| kilat_rules::compile(document).err().unwrap_or_default());
        let compiled: Vec<_> = compiled.collect();
        let found = loaded.diagnostics.iter().chain(&compiled).filter(|found| found.is_error());
        found.map(ToString::to_string).collect()
    }

    #[test]
    fn the_rules_of_a_run_compile_and_the_broken_ones_do_not() {
        for version in 1..12 {
            assert_eq!(errors(&rules("w0", version, version)), Vec::<String>::new());
        }
        assert!(!errors(&broken_rules("w0")).is_empty());
    }
}
