//! The topics: their names, what they carry, how they are keyed and kept.
//!
//! Sources: the topic table of the architecture; Kafka Connect's habit of `<topic>.dlq`.

use std::str::FromStr;

use kilat_domain::Lane;

use crate::{BLOCK_BYTES_MAX, RECORD_BYTES_MAX, Schema};

/// A topic of Kilat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Message events.
    Messages,
    /// Lead, conversation, ticket, list, consent, shop, skill and webhook events.
    LeadChanges,
    /// Published rule sets.
    Rules,
    /// What engines did with published rule sets.
    RuleStatus,
    /// What the rules did with events.
    Decisions,
    /// Why they did it, for a share of the events.
    Explain,
    /// Actions of the partner lane.
    ActionsPartner,
    /// Actions of the Meta lane.
    ActionsMeta,
    /// Actions of the webhook lane.
    ActionsWebhook,
    /// What became of actions.
    ActionResults,
    /// Leads as the engine sees them.
    Leads,
    /// State blocks.
    State,
    /// Events of spread workspaces on their way to another partition, and the leads that move with a change of the spread.
    Spread,
}

/// What a record's key is; all keys are plain UTF-8 text without framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// The workspace.
    Workspace,
    /// `workspace/conversation`.
    Conversation,
    /// `workspace/lead`.
    Lead,
    /// The action's id.
    ActionId,
    /// The partition as a decimal number.
    Partition,
}

/// A name that is no topic of Kilat.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no topic of Kilat: one of {}", Topic::ALL.map(Topic::name).join(", "))]
pub struct UnknownTopic {
    /// The name as given.
    pub name: String,
}

struct Facts {
    name: &'static str,
    dlq: &'static str,
    subject: &'static str,
    schema: Schema,
    key: Key,
    compacted: bool,
}

macro_rules! facts {
    ($name:literal, $schema:ident, $key:ident, $compacted:literal) => {
        Facts {
            name: $name,
            dlq: concat!($name, ".dlq"),
            subject: concat!($name, "-value"),
            schema: Schema::$schema,
            key: Key::$key,
            compacted: $compacted,
        }
    };
}

impl Topic {
    /// Every topic.
    pub const ALL: [Topic; 13] = [
        Topic::Messages,
        Topic::LeadChanges,
        Topic::Rules,
        Topic::RuleStatus,
        Topic::Decisions,
        Topic::Explain,
        Topic::ActionsPartner,
        Topic::ActionsMeta,
        Topic::ActionsWebhook,
        Topic::ActionResults,
        Topic::Leads,
        Topic::State,
        Topic::Spread,
    ];

    #[rustfmt::skip]
    fn facts(self) -> &'static Facts {
        match self {
            Topic::Messages =>       const { &facts!("kilat.messages.v1",        Event,        Workspace,    false) },
            Topic::LeadChanges =>    const { &facts!("kilat.lead-changes.v1",    Event,        Workspace,    false) },
            Topic::Rules =>          const { &facts!("kilat.rules.v1",           RuleSet,      Workspace,    true) },
            Topic::RuleStatus =>     const { &facts!("kilat.rule-status.v1",     RuleStatus,   Workspace,    true) },
            Topic::Decisions =>      const { &facts!("kilat.decisions.v1",       Decision,     Workspace,    false) },
            Topic::Explain =>        const { &facts!("kilat.explain.v1",         Explanation,  Workspace,    false) },
            Topic::ActionsPartner => const { &facts!("kilat.actions.partner.v1", Action,       Conversation, false) },
            Topic::ActionsMeta =>    const { &facts!("kilat.actions.meta.v1",    Action,       Conversation, false) },
            Topic::ActionsWebhook => const { &facts!("kilat.actions.webhook.v1", Action,       Conversation, false) },
            Topic::ActionResults =>  const { &facts!("kilat.action-results.v1",  ActionResult, ActionId,     true) },
            Topic::Leads =>          const { &facts!("kilat.leads.v1",           Lead,         Lead,         true) },
            Topic::State =>          const { &facts!("kilat.state.v1",           StateBlock,   Partition,    false) },
            Topic::Spread =>         const { &facts!("kilat.spread.v1",          SpreadStep,   Workspace,    false) },
        }
    }

    /// The topic's name.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The name of the topic for its poison records.
    pub fn dlq_name(self) -> &'static str {
        self.facts().dlq
    }

    /// The registry subject of its values, by TopicNameStrategy.
    pub fn subject(self) -> &'static str {
        self.facts().subject
    }

    /// The schema of its values.
    pub fn schema(self) -> Schema {
        self.facts().schema
    }

    /// What its records are keyed by.
    pub fn key(self) -> Key {
        self.facts().key
    }

    /// Whether the topic is compacted: the newest record of a key is kept for good.
    pub fn is_compacted(self) -> bool {
        self.facts().compacted
    }

    /// The topic an action of this lane travels on.
    pub fn of_lane(lane: Lane) -> Topic {
        match lane {
            Lane::Partner => Topic::ActionsPartner,
            Lane::Meta => Topic::ActionsMeta,
            Lane::Webhook => Topic::ActionsWebhook,
        }
    }
}

impl Schema {
    /// The longest value of this schema that is read or written, in bytes, framing included.
    pub fn bytes_max(self) -> usize {
        match self {
            Schema::RuleSet | Schema::RuleStatus | Schema::StateBlock | Schema::SpreadStep => BLOCK_BYTES_MAX,
            Schema::Event
            | Schema::Decision
            | Schema::Explanation
            | Schema::Action
            | Schema::ActionResult
            | Schema::Lead => RECORD_BYTES_MAX,
        }
    }
}

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(name: &str) -> Result<Topic, UnknownTopic> {
        let found = Topic::ALL.into_iter().find(|topic| topic.name() == name);
        found.ok_or_else(|| UnknownTopic { name: name.to_owned() })
    }
}

/// The name of the topic for poison records of any topic, Kilat's own or not.
pub fn dlq_name(topic: &str) -> String {
    format!("{topic}.dlq")
}
