//! Actions for executors, and what became of them.
//!
//! *Shape:* [`Action`] is the record of `kilat.actions.{partner,meta,webhook}.v1` and stands alone: an executor needs
//! nothing but it and the secrets it refers to. [`ActionResult`] is the record of `kilat.action-results.v1`, keyed by
//! action id, which is also the executors' deduplication ledger.

use serde::{Deserialize, Serialize};

use crate::{Money, Object, OutboundMessage, Recipient, Str, Timestamp};

/// The topic an action travels on; lanes keep slow partners of one kind from delaying another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Messages and everything else a chat partner does.
    Partner,
    /// Meta's Conversions API.
    Meta,
    /// Webhooks.
    Webhook,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Lane; 3] = [Lane::Partner, Lane::Meta, Lane::Webhook];

    /// The lane of an outbound action by its `type` in rule files: [`Command::lane`] where only the decision is known.
    pub fn of_type(action: &str) -> Lane {
        match action {
            "send_webhook" => Lane::Webhook,
            "send_capi_event" => Lane::Meta,
            _ => Lane::Partner,
        }
    }
}

/// What to do when a request was sent and no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// Send again with the same idempotency key: at least once.
    Resend,
    /// Never send again; the outcome stays `unknown` until the partner's status settles it: at most once.
    Hold,
}

/// One thing an executor must do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action<'a> {
    /// Deterministic: a hash of workspace, event id, rule id, rule version, action index and episode; 26 characters of
    /// Crockford base32. The idempotency key of everything that follows.
    #[serde(borrow)]
    pub id: Str<'a>,
    /// Whose action it is.
    pub workspace: Str<'a>,
    /// The conversation it belongs to; the record's key is `workspace/conversation`.
    pub conversation: Str<'a>,
    /// The lead it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<Str<'a>>,
    /// The event that fired the rule.
    pub event_id: Str<'a>,
    /// The rule.
    pub rule: Str<'a>,
    /// Its version.
    pub rule_version: i64,
    /// The action's place in the rule.
    pub index: i32,
    /// The event's time.
    pub created_at: Timestamp,
    /// After this the action is not worth doing any more (`ttl`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Whether it may overtake, and be overtaken by, other actions of its conversation (D-36).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<bool>,
    /// What to do when no answer came.
    pub on_unknown: OnUnknown,
    /// What the gate before customer messages looks at, as of the decision.
    pub gate: Gate,
    /// Where it goes; `None` where the rule set names no fitting endpoint, which fails the action with that reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Destination<'a>>,
    /// What to do.
    pub command: Command<'a>,
}

/// What the gate before customer messages looks at (D-83), as of the decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The lead is blocked.
    pub blocked: bool,
    /// When the partner's reply window closes: last customer message + 24 h − 60 s (D-58).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_closes_at: Option<Timestamp>,
}

/// What kind of endpoint a destination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationKind {
    /// Any HTTPS endpoint that takes Standard Webhooks.
    Webhook,
    /// A WhatsApp Cloud API phone number.
    WhatsappCloud,
    /// A Meta Conversions API dataset.
    MetaCapi,
    /// A Slack incoming webhook.
    Slack,
}

/// An endpoint of the workspace's rule set, as it stood when the rule fired. Secrets are references, never values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Destination<'a> {
    /// Its name in the rule set.
    #[serde(borrow)]
    pub name: Str<'a>,
    /// Its kind.
    pub kind: DestinationKind,
    /// The URL; for Meta's APIs the base, with the version and without a trailing slash.
    pub url: Str<'a>,
    /// Reference to the signing secret or access token: `env:NAME` or `file:PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Str<'a>>,
    /// Reference to the previous signing secret, during rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_secret: Option<Str<'a>>,
    /// WhatsApp: phone number id. Conversions API: dataset id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Str<'a>>,
    /// Conversions API: WhatsApp business account id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waba: Option<Str<'a>>,
}

/// What to do. In Avro a union of records; in JSON lines an object with one key, the command's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command<'a> {
    /// Send a message to the customer of the conversation.
    SendMessage(#[serde(borrow)] OutboundMessage<'a>),
    /// Send an approved template.
    SendTemplate {
        /// To whom.
        to: Recipient<'a>,
        /// The template's name.
        name: Str<'a>,
        /// Its language code.
        language: Str<'a>,
        /// Rendered body parameters.
        parameters: Vec<Str<'a>>,
    },
    /// Post a signed webhook.
    SendWebhook {
        /// The `type` of the webhook's body.
        event: Str<'a>,
        /// The `data` of the webhook's body.
        payload: Object<'a>,
    },
    /// Send a conversion event.
    SendCapiEvent(CapiEvent<'a>),
    /// Post to a Slack channel.
    NotifySlack {
        /// The channel.
        channel: Str<'a>,
        /// The rendered text.
        text: Str<'a>,
    },
    /// Send an e-mail.
    SendEmail {
        /// The address.
        to: Str<'a>,
        /// The rendered subject.
        subject: Str<'a>,
        /// The rendered text.
        text: Str<'a>,
    },
    /// Start a skill of the chat partner.
    RunSkill {
        /// Its name.
        name: Str<'a>,
    },
}

impl Command<'_> {
    /// The lane this command travels on.
    pub fn lane(&self) -> Lane {
        match self {
            Command::SendWebhook { .. } => Lane::Webhook,
            Command::SendCapiEvent(_) => Lane::Meta,
            Command::SendMessage(_)
            | Command::SendTemplate { .. }
            | Command::NotifySlack { .. }
            | Command::SendEmail { .. }
            | Command::RunSkill { .. } => Lane::Partner,
        }
    }

    /// The action's `type` in rule files.
    pub fn type_name(&self) -> &'static str {
        match self {
            Command::SendMessage(_) => "send_message",
            Command::SendTemplate { .. } => "send_template",
            Command::SendWebhook { .. } => "send_webhook",
            Command::SendCapiEvent(_) => "send_capi_event",
            Command::NotifySlack { .. } => "notify_slack",
            Command::SendEmail { .. } => "send_email",
            Command::RunSkill { .. } => "run_skill",
        }
    }

    /// Whether the customer sees it: only these pass the gate of D-83 and count as a reply for D-49.
    pub fn reaches_customer(&self) -> bool {
        matches!(self, Command::SendMessage(_) | Command::SendTemplate { .. })
    }
}

/// A conversion event for Meta, before partner rendering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapiEvent<'a> {
    /// The event's name: `LeadSubmitted`, `Purchase` …
    #[serde(borrow)]
    pub name: Str<'a>,
    /// When it happened.
    pub at: Timestamp,
    /// The value, for purchases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// Click-to-WhatsApp click id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ctwa_clid: Option<Str<'a>>,
    /// Phone number as known, hashed only when rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Str<'a>>,
    /// E-mail address as known, hashed only when rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Str<'a>>,
    /// The channel's kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Str<'a>>,
}

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A request that must not be repeated is about to be sent; written before it is.
    Sending,
    /// The partner accepted it.
    Delivered,
    /// It can never succeed, or its retries are used up.
    Failed,
    /// Sent, and no answer came.
    Unknown,
    /// Not sent on purpose: expired, blocked, outside the window …
    Suppressed,
}

impl Outcome {
    /// Whether nothing more will happen to the action.
    pub fn is_final(self) -> bool {
        self != Outcome::Sending
    }
}

/// The verdict on one action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionResult<'a> {
    /// The action.
    #[serde(borrow)]
    pub action_id: Str<'a>,
    /// Whose action it was.
    pub workspace: Str<'a>,
    /// The conversation it belonged to.
    pub conversation: Str<'a>,
    /// The action's `type` in rule files.
    pub action: Str<'a>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, for everything but `delivered`: a stable word, such as `expired` or `rejected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Str<'a>>,
    /// The partner's words, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Str<'a>>,
    /// HTTP requests made.
    pub attempts: i32,
    /// Status of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<i32>,
    /// The partner's id for what was done, such as a wamid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_ref: Option<Str<'a>>,
    /// Time spent at the endpoint, all attempts, in milliseconds.
    pub endpoint_ms: i64,
    /// When this was written, by the executor's clock.
    pub at: Timestamp,
}
