//! Actions: what each kind takes, and what it does for given facts.
//!
//! In: one action as written; then the facts of an event. Out: a [`RuleAction`]; then a [`Planned`] patch or command.
//! A kind is one file of this folder and one line of [`ALL`].
//! AC-1: planning is pure: the engine applies patches, and executors do everything that leaves the process.
//! Absent: ids, versions and results, which are the engine's.

mod add_note;
mod add_tag;
mod add_to_list;
mod assign;
mod block;
mod notify_slack;
mod record_consent;
mod remove_from_list;
mod remove_tag;
mod run_skill;
mod send_capi_event;
mod send_email;
mod send_message;
mod send_template;
mod send_webhook;
mod set_audience;
mod set_conversation_status;
mod set_field;
mod set_priority;
mod set_status;
mod unblock;
mod update_value;

use std::sync::Arc;
use std::time::Duration;

use kilat_domain::{
    Command, Destination, DestinationKind, Extracted, OnUnknown, Patch, Recipient, Str, Value as Domain,
};
use kilat_matcher::RegexScratch;
use serde_json::{Map, Value};

use crate::codes;
use crate::cost;
use crate::diagnostic::{Position, Report, did_you_mean};
use crate::endpoint::{Endpoint, kind_name};
use crate::facts::Facts;
use crate::fields::{self, FieldRef, Read, channel_account, channel_kind};
use crate::object::{self, Object, print_duration};
use crate::phone;
use crate::settings::Settings;
use crate::shape::{Key, Shape};
use crate::syntax::Node;
use crate::template::Template;

/// Every kind.
pub(crate) const ALL: &[&Kind] = &[
    &add_note::KIND,
    &add_tag::KIND,
    &add_to_list::KIND,
    &assign::KIND,
    &block::KIND,
    &notify_slack::KIND,
    &record_consent::KIND,
    &remove_from_list::KIND,
    &remove_tag::KIND,
    &run_skill::KIND,
    &send_capi_event::KIND,
    &send_email::KIND,
    &send_message::KIND,
    &send_template::KIND,
    &send_webhook::KIND,
    &set_audience::KIND,
    &set_conversation_status::KIND,
    &set_field::KIND,
    &set_priority::KIND,
    &set_status::KIND,
    &unblock::KIND,
    &update_value::KIND,
];

/// A kind of action.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) compat: &'static [&'static str],
    pub(crate) effect: EffectOn,
    /// Whether a failure stops the rest of the rule, unless the author says otherwise (D-7).
    pub(crate) required: bool,
    /// What happens without an answer, unless the author says otherwise; of outbound actions only.
    pub(crate) on_unknown: OnUnknown,
    /// Its keys, without those all actions share.
    pub(crate) keys: &'static [Key],
    /// Those of its keys that cannot be left out.
    pub(crate) needs: &'static [&'static str],
    pub(crate) read: fn(&mut Reading<'_>) -> Option<Arc<dyn Action>>,
}

/// What an action changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EffectOn {
    Lead,
    Conversation,
    /// The lead or the conversation, as the action says.
    Either,
    /// Nothing here: an executor does it.
    Outside,
}

/// Keys every action has.
pub(crate) const COMMON_KEYS: &[Key] = &[
    Key::new("type", Shape::Named("action_type"), "What is done."),
    Key::new("required", Shape::Flag, "Whether a failure stops the rest of the rule and undoes its changes (D-7)."),
];

/// Keys every outbound action has beside them.
pub(crate) const OUTBOUND_KEYS: &[Key] = &[
    Key::new("type", Shape::Named("action_type"), "What is done."),
    Key::new("required", Shape::Flag, "Whether a failure stops the rest of the rule and undoes its changes (D-7)."),
    Key::new(
        "ttl",
        Shape::Duration,
        "After this long, counted from the event, the action is not worth doing any more: it is suppressed as `expired`.",
    ),
    Key::new("on_unknown", Shape::Word(ON_UNKNOWN), "What to do when a request got no answer."),
    Key::new("parallel", Shape::Flag, "Whether it may overtake other actions of its conversation; as the rule says."),
];

/// The source systems' word for `set_status` and `set_conversation_status`; the value tells which is meant.
pub(crate) const CHANGE_STATUS: &str = "change_status";

const ON_UNKNOWN: &[&str] = &["resend", "hold"];

/// What a kind reads an action from.
pub(crate) struct Reading<'r> {
    pub(crate) object: Object<'r>,
    pub(crate) settings: &'r Settings,
    pub(crate) endpoints: &'r mut Vec<Arc<Endpoint>>,
    pub(crate) report: &'r mut Report,
}

impl<'r> Reading<'r> {
    /// The value under the main argument, or under its other name.
    pub(crate) fn main(&mut self, other: Option<&'static str>, help: &str) -> Option<&'r Node> {
        match other.and_then(|key| self.object.get(key)) {
            Some(node) => Some(node),
            None => self.object.require("value", help, self.report),
        }
    }

    /// The text of the main argument.
    pub(crate) fn main_text(&mut self, other: Option<&'static str>, help: &str) -> Option<String> {
        let node = self.main(other, help)?;
        let text = object::text(node, "`value`", self.report)?;
        if text.trim().is_empty() {
            self.report.add(codes::WRONG_VALUE, node.at, "`value` is empty", help);
            return None;
        }
        Some(text)
    }

    /// The template under the main argument.
    pub(crate) fn main_template(&mut self, other: Option<&'static str>, help: &str) -> Option<Template> {
        let at = self.main(other, help)?.at;
        let text = self.main_text(other, help)?;
        Some(Template::parse(&text, at, self.report))
    }

    /// The template under `key`.
    pub(crate) fn template(&mut self, key: &'static str) -> Option<Template> {
        let node = self.object.get(key)?;
        let text = object::text(node, key, self.report)?;
        Some(Template::parse(&text, node.at, self.report))
    }

    /// The endpoint that `to` names, which must be of `kind`.
    pub(crate) fn endpoint(&mut self, node: &Node, kind: DestinationKind) -> Option<Arc<Endpoint>> {
        let name = object::text(node, "`to`", self.report)?;
        let Some(endpoint) = self.endpoints.iter().find(|endpoint| *endpoint.name == *name) else {
            let known: Vec<&str> = self
                .endpoints
                .iter()
                .filter(|endpoint| endpoint.kind == kind)
                .map(|endpoint| &*endpoint.name)
                .collect();
            let help = if known.is_empty() {
                format!("declare it under `endpoints`, with kind {}", kind_name(kind))
            } else {
                did_you_mean(&name, known)
            };
            self.report.add(codes::UNKNOWN_ENDPOINT, node.at, format!("there is no endpoint `{name}`"), help);
            return None;
        };
        if endpoint.kind != kind {
            let message = format!("the endpoint `{name}` is of kind {}", kind_name(endpoint.kind));
            let help = format!("this action needs one of kind {}", kind_name(kind));
            self.report.add(codes::WRONG_ENDPOINT, node.at, message, help);
            return None;
        }
        Some(endpoint.clone())
    }

    /// The endpoint an action goes to: the one `to` names, else the only one of `kind`. `Err` after a finding.
    pub(crate) fn endpoint_or_only(&mut self, kind: DestinationKind) -> Result<Option<Arc<Endpoint>>, ()> {
        if let Some(node) = self.object.get("to") {
            return self.endpoint(node, kind).map(Some).ok_or(());
        }
        let mut fitting = self.endpoints.iter().filter(|endpoint| endpoint.kind == kind);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(Some(only.clone())),
            _ => Ok(None),
        }
    }

    /// Reports that an action has nowhere to go yet.
    pub(crate) fn warn_no_destination(&mut self, what: &str, kind: DestinationKind) {
        self.report.add(
            codes::NO_DESTINATION,
            self.object.at,
            format!("{what} has no endpoint to go to, so it will fail when its time comes"),
            format!("declare one of kind {} under `endpoints`, and name it with `to`", kind_name(kind)),
        );
    }
}

/// What an action of some kind has read.
pub(crate) trait Action: std::fmt::Debug + Send + Sync {
    /// Its keys in canonical form.
    fn canonical(&self, action: &mut Map<String, Value>);

    /// What it does for these facts.
    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome;

    /// How many steps it takes beside what every action takes, before it is planned; what it searches it pays for itself.
    fn steps(&self, _: &Facts<'_>) -> u32 {
        0
    }

    /// Whether it changes the lead (D-26), where its kind may change either.
    fn changes_lead(&self) -> bool {
        false
    }

    /// Whether it looks for something in the message text.
    fn searches(&self) -> bool {
        false
    }

    /// What it finds in the message, where it reads one; for explanations.
    fn extracted(&self, _: &mut Plan<'_, '_>) -> Option<Extracted<'static>> {
        None
    }
}

/// What an action is planned from.
pub(crate) struct Plan<'p, 'f> {
    pub(crate) facts: &'p Facts<'f>,
    pub(crate) settings: &'p Settings,
    pub(crate) endpoints: &'p [Arc<Endpoint>],
    pub(crate) rule: (&'p str, &'p str),
    pub(crate) regex: &'p mut RegexScratch,
    /// Steps that are left; `None` once the action needed more.
    pub(crate) steps_left: &'p mut Option<u32>,
}

/// What an action comes to.
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack; a box would be an allocation an action")]
pub(crate) enum Outcome {
    Patch(Patch),
    Command(Command<'static>, Option<Destination<'static>>),
    Failed(&'static str),
}

impl Plan<'_, '_> {
    /// The customer of the conversation: the id last seen there, else this message's sender, else the lead's id.
    pub(crate) fn recipient(&self) -> Option<Recipient<'static>> {
        let facts = self.facts;
        let sender = facts.event.sender.as_ref().filter(|_| facts.event.is_customer_message());
        let by_message = sender.and_then(|sender| sender.id.as_deref());
        let by_lead = || {
            let id = facts.event.lead.as_ref()?.id.as_deref().or(facts.conversation?.lead.as_deref())?;
            id.strip_prefix("wa:")
        };
        let id = by_message.or_else(|| facts.conversation?.customer.as_deref()).or_else(by_lead)?;
        let channel = channel_kind(facts).unwrap_or("whatsapp");
        let id = if channel == "whatsapp" { phone::canonical(id, None) } else { id.into() };
        Some(Recipient {
            channel: channel.to_owned().into(),
            account: channel_account(facts).map(|account| account.to_owned().into()),
            id: id.into_owned().into(),
        })
    }

    /// The endpoint that serves the conversation's channel account.
    pub(crate) fn channel_endpoint(&self) -> Option<&Endpoint> {
        let account = channel_account(self.facts).map(|account| phone::canonical(account, None));
        let fitting = || self.endpoints.iter().filter(|endpoint| endpoint.kind == DestinationKind::WhatsappCloud);
        let serves = |endpoint: &&Arc<Endpoint>| {
            endpoint.channel.as_deref().map(|channel| phone::canonical(channel, None)) == account
        };
        let serving = account.is_some().then(|| fitting().find(serves)).flatten();
        serving.or_else(|| fitting().find(|endpoint| endpoint.channel.is_none())).map(|endpoint| &**endpoint)
    }
}

/// What an action comes to, for the engine.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack; a box would be an allocation an action")]
pub enum Planned {
    /// A change of the lead or the conversation.
    Patch(Patch),
    /// Something for an executor.
    Command {
        /// What to do.
        command: Command<'static>,
        /// Where it goes; `None` where the rule set names no fitting endpoint.
        destination: Option<Destination<'static>>,
        /// What to do when a request got no answer.
        on_unknown: OnUnknown,
    },
    /// Nothing, and why: a stable word such as `ambiguous`, `no_match` or `no_recipient`.
    Failed {
        /// The word.
        reason: &'static str,
    },
}

/// One action of a rule.
#[derive(Clone, Debug)]
pub struct RuleAction {
    kind: &'static Kind,
    required: bool,
    ttl: Option<Duration>,
    on_unknown: OnUnknown,
    parallel: bool,
    action: Arc<dyn Action>,
    /// Where it stands in its file.
    pub(crate) at: Position,
}

impl RuleAction {
    /// The same action, written there.
    pub(crate) fn at(&self, at: Position) -> RuleAction {
        RuleAction { at, ..self.clone() }
    }

    /// Its `type` in rule files.
    pub fn type_name(&self) -> &'static str {
        self.kind.name
    }

    /// Whether its failure stops the rest of the rule and undoes the rule's changes (D-7).
    pub fn required(&self) -> bool {
        self.required
    }

    /// How long after the event it is worth doing; outbound actions only.
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// Whether it may overtake, and be overtaken by, other actions of its conversation (D-36); outbound actions only.
    pub fn parallel(&self) -> bool {
        self.parallel
    }

    /// Whether an executor does it.
    pub fn is_outbound(&self) -> bool {
        self.kind.effect == EffectOn::Outside
    }

    /// Whether it changes the lead, which rules for group chats must allow (D-26).
    pub fn changes_lead(&self) -> bool {
        match self.kind.effect {
            EffectOn::Lead => true,
            EffectOn::Either => self.action.changes_lead(),
            EffectOn::Conversation | EffectOn::Outside => false,
        }
    }

    /// Whether it looks for something in the message text.
    pub(crate) fn searches(&self) -> bool {
        self.action.searches()
    }

    /// How many steps doing it takes, beside the searches that it pays for as it goes.
    pub(crate) fn steps(&self, facts: &Facts<'_>) -> u32 {
        cost::ACTION.saturating_add(self.action.steps(facts))
    }

    /// Whether it may change what the field reads as in the same pass. Says so where in doubt.
    pub(crate) fn may_change(&self, field: &FieldRef) -> bool {
        let name = field.field.name;
        match (self.kind.effect, self.kind.name) {
            (EffectOn::Outside, _) => false,
            (_, "set_status") => name == "lead.status",
            (_, "assign") => name == "conversation.assignee",
            (_, "add_tag" | "remove_tag") => name.ends_with(".tags"),
            (_, "set_priority") => name.ends_with(".priority"),
            (EffectOn::Lead, _) => !name.starts_with("conversation."),
            (EffectOn::Conversation, _) => !name.starts_with("lead."),
            (EffectOn::Either, _) => true,
        }
    }

    /// Whether the customer would see it.
    pub(crate) fn reaches_customer(&self) -> bool {
        matches!(self.kind.name, "send_message" | "send_template")
    }

    pub(crate) fn plan(&self, plan: &mut Plan<'_, '_>) -> Planned {
        match self.action.plan(plan) {
            Outcome::Patch(patch) => Planned::Patch(patch),
            Outcome::Command(command, destination) => {
                Planned::Command { command, destination, on_unknown: self.on_unknown }
            }
            Outcome::Failed(reason) => Planned::Failed { reason },
        }
    }

    /// What it finds in the message, where it reads one.
    pub(crate) fn extracted(&self, plan: &mut Plan<'_, '_>) -> Option<Extracted<'static>> {
        self.action.extracted(plan)
    }

    /// Reads an action of a rule that says `parallel` for those that do not say themselves.
    pub(crate) fn read(
        node: &Node,
        parallel: bool,
        settings: &Settings,
        endpoints: &mut Vec<Arc<Endpoint>>,
        report: &mut Report,
    ) -> Option<RuleAction> {
        let before = report.errors();
        let kind = read_kind(node, settings, report)?;
        let common = if kind.effect == EffectOn::Outside { OUTBOUND_KEYS } else { COMMON_KEYS };
        let object = Object::with_common(node, kind.name, [kind.keys, common], report)?;
        let required = object.flag("required", report).unwrap_or(kind.required);
        let (mut ttl, mut on_unknown, mut of_its_own) = (None, kind.on_unknown, None);
        if kind.effect == EffectOn::Outside {
            ttl = object.duration("ttl", report);
            of_its_own = object.flag("parallel", report);
            on_unknown = match object.word("on_unknown", ON_UNKNOWN, report) {
                Some(0) => OnUnknown::Resend,
                Some(_) => OnUnknown::Hold,
                None => on_unknown,
            };
        }
        let action = (kind.read)(&mut Reading { object, settings, endpoints, report })?;
        (report.errors() == before).then_some(RuleAction {
            at: node.at,
            kind,
            required,
            ttl,
            on_unknown,
            parallel: of_its_own.unwrap_or(parallel),
            action,
        })
    }

    pub(crate) fn canonical(&self) -> Value {
        let mut action = Map::new();
        action.insert("type".into(), self.kind.name.into());
        self.action.canonical(&mut action);
        action.insert("required".into(), self.required.into());
        if self.is_outbound() {
            action.insert("ttl".into(), self.ttl.map_or(Value::Null, |ttl| print_duration(ttl).into()));
            let word = if self.on_unknown == OnUnknown::Resend { ON_UNKNOWN[0] } else { ON_UNKNOWN[1] };
            action.insert("on_unknown".into(), word.into());
            action.insert("parallel".into(), self.parallel.into());
        }
        Value::Object(action)
    }
}

/// The kind an action names. `change_status` is the source systems' word for two things and is told apart by its value.
fn read_kind(node: &Node, settings: &Settings, report: &mut Report) -> Option<&'static Kind> {
    let Some(type_node) = node.get("type") else {
        if matches!(node.content, crate::syntax::Content::Map(_)) {
            report.add(codes::MISSING_KEY, node.at, "an action needs `type`", "write what is done, such as add_tag");
        } else {
            object::wrong_type(node, "an action", "an object with `type`", report);
        }
        return None;
    };
    let word = object::text(type_node, "`type`", report)?;
    if word == CHANGE_STATUS {
        let value = node.get("value").and_then(|value| match &value.content {
            crate::syntax::Content::Text(text) => Some(&**text),
            _ => None,
        });
        let of_lead = value
            .is_some_and(|value| !set_conversation_status::is_status(value) && settings.status(value.trim()).is_some());
        return Some(if of_lead { &set_status::KIND } else { &set_conversation_status::KIND });
    }
    let found = ALL.iter().find(|kind| kind.name == word || kind.compat.contains(&&*word)).copied();
    if found.is_none() {
        let known = ALL.iter().flat_map(|kind| std::iter::once(&kind.name).chain(kind.compat)).copied();
        let message = format!("there is no action `{word}`");
        report.add(codes::UNKNOWN_ACTION, type_node.at, message, did_you_mean(&word, known));
    }
    found
}

/// How many bytes copying a value that a rule writes takes, near enough.
pub(crate) fn json_bytes(value: &Value) -> usize {
    cost::VALUE_BYTES
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(members) => members.iter().map(json_bytes).sum(),
            Value::Object(entries) => entries.iter().map(|(key, value)| key.len() + json_bytes(value)).sum(),
        }
}

/// How many bytes [`payload`] copies.
fn payload_bytes(facts: &Facts<'_>) -> usize {
    let carried = fields::ALL.iter().filter(|field| field.payload);
    let bytes = carried.map(|field| match field.read {
        Read::Path(_) => fields::whole_bytes(field, facts),
        _ => FieldRef { field, path: "".into() }.bytes(facts),
    });
    bytes.sum()
}

/// Every fact a webhook carries: each field that has a value, under its dotted name.
fn payload(facts: &Facts<'_>) -> Vec<(Str<'static>, Domain<'static>)> {
    let mut root = Vec::new();
    for field in fields::ALL.iter().filter(|field| field.payload) {
        let value = match field.read {
            Read::Path(_) => fields::whole(field, facts),
            _ => FieldRef { field, path: "".into() }.observe(facts),
        };
        if let Some(value) = value {
            put(&mut root, field.name.trim_end_matches('.'), value);
        }
    }
    root
}

/// Puts a value under a dotted name, making objects on the way.
fn put(object: &mut Vec<(Str<'static>, Domain<'static>)>, name: &'static str, value: Domain<'static>) {
    let Some((first, rest)) = name.split_once('.') else {
        object.push((name.into(), value));
        return;
    };
    let at = object.iter().position(|(known, _)| *known == first).unwrap_or_else(|| {
        object.push((first.into(), Domain::Object(Vec::new())));
        object.len() - 1
    });
    if let Domain::Object(inner) = &mut object[at].1 {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests;
