//! One rule: when it is looked at, when it holds, what it does.
//!
//! In: an object of the `rules` list. Out: a [`Rule`] with every default filled in.
//! RU-1: a rule that was read has no open question: fields exist, types fit, statuses and endpoints are known.
//! Absent: evaluation; versions, which publishing gives.

use std::cmp::{Ordering, Reverse};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kilat_domain::{EventKind, Timestamp};
use serde_json::{Map, Value, json};

use crate::actions::RuleAction;
use crate::codes;
use crate::conditions::{self, Leaf, Tree};
use crate::diagnostic::{Position, Report, did_you_mean, nearest};
use crate::endpoint::Endpoint;
use crate::known::Known;
use crate::object::{self, Object, print_duration};
use crate::settings::Settings;
use crate::shape::{Key, Shape};
use crate::syntax::{Content, Node};

/// Most conditions of one rule, groups' members counted (F-224).
const CONDITIONS_MAX: usize = 10;
/// Most actions of one rule (F-225).
const ACTIONS_MAX: usize = 10;
/// Priorities (F-184).
const PRIORITY: std::ops::RangeInclusive<i64> = 1..=100;
const PRIORITY_DEFAULT: i64 = 50;
/// Longest id.
const ID_BYTES_MAX: usize = 64;

const CLASSES: &[&str] = &["normal", "fallback"];
const APPLY_TO: &[&str] = &["all", "new_conversations"];
const ONCE_PER: &[&str] = &["event", "conversation", "lead", "closed_hours"];

const SCOPE_KEYS: &[Key] = &[
    Key::new("channels", Shape::OneOrMany(&Shape::Text), "Channel accounts the rule is for."),
    Key::new("sources", Shape::OneOrMany(&Shape::Text), "Partners the rule is for."),
];

const WINDOW_KEYS: &[Key] = &[Key::new("window", Shape::Duration, "Once in so long.")];

pub(crate) const RULE_KEYS: &[Key] = &[
    Key::new("id", Shape::Text, "Stable over edits: lower-case letters, digits, - and _; at most 64."),
    Key::new("name", Shape::Text, "What people call it."),
    Key::new("description", Shape::Text, "What it is for."),
    Key::new("enabled", Shape::Flag, "Whether it is looked at; true by default."),
    Key::new("version", Shape::Integer(1, i64::MAX), "Given by publishing; 1 by default."),
    Key::new("created_at", Shape::Instant, "Breaks ties between equal priorities, older first (D-34)."),
    Key::new("priority", Shape::Integer(1, 100), "Higher first; 50 by default."),
    Key::new("trigger", Shape::OneOrMany(&Shape::Named("trigger")), "The event types it is looked at for."),
    Key::new("scope", Shape::Object(SCOPE_KEYS, &[]), "Channels and partners it is narrowed to (D-29)."),
    Key::new("conditions", Shape::List(&Shape::Named("condition")), "All of them must hold."),
    Key::new("actions", Shape::List(&Shape::Named("action")), "What is done, in order."),
    Key::new("stop", Shape::Either(&[Shape::Flag, Shape::Word(&["pass", "all"])]), "Look at no later rule (D-35)."),
    Key::new("class", Shape::Word(CLASSES), "Fallback rules run last, and only if nothing answered (D-49)."),
    Key::new(
        "once_per",
        Shape::Either(&[Shape::Word(ONCE_PER), Shape::Object(WINDOW_KEYS, &["window"])]),
        "Fire at most once for each.",
    ),
    Key::new("dedupe_group", Shape::Text, "Of the rules of a group at most one fires for an event (D-40)."),
    Key::new("apply_to", Shape::Word(APPLY_TO), "Which conversations an edited rule is for (D-41)."),
    Key::new("live_since", Shape::Instant, "Given by publishing: when this version went live."),
    Key::new("parallel", Shape::Flag, "Whether its outbound actions may overtake each other (D-36)."),
    Key::new("allow_group", Shape::Flag, "Whether it may change leads from group chats (D-26)."),
];

/// Names of triggers in the source systems.
pub(crate) const COMPAT_TRIGGERS: &[(&str, EventKind)] = &[
    ("new_lead", EventKind::LeadCreated),
    ("incoming_message", EventKind::MessageCreated),
    ("status_change", EventKind::LeadStatusChanged),
    ("conversation_created", EventKind::ConversationCreated),
    (MESSAGE_ADDED, EventKind::MessageCreated),
    ("status_changed", EventKind::ConversationStatusChanged),
    ("tag_added", EventKind::TagAdded),
    ("skill_fired", EventKind::SkillFired),
    ("inbound_webhook", EventKind::WebhookReceived),
];

/// A customer's message in a conversation that was known before (D-23, F-143).
const MESSAGE_ADDED: &str = "message_added";

/// What a rule is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trigger {
    pub(crate) kind: EventKind,
    /// Only a customer's, and only in a conversation that was known before.
    pub(crate) message_added: bool,
}

impl Trigger {
    fn parse(word: &str) -> Option<Trigger> {
        let compat = COMPAT_TRIGGERS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
        let kind = compat.or_else(|| word.parse().ok())?;
        Some(Trigger { kind, message_added: word == MESSAGE_ADDED })
    }

    fn name(self) -> &'static str {
        if self.message_added { MESSAGE_ADDED } else { self.kind.as_str() }
    }
}

/// What happens to later rules after this one fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// They are looked at.
    No,
    /// No later rule of the normal class is (D-35).
    Pass,
    /// No later rule is, fallback rules included.
    All,
}

/// When a rule has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// By priority.
    Normal,
    /// After all normal rules, and only if nothing answered the customer (D-49).
    Fallback,
}

/// What a rule fires at most once for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OncePer {
    /// The chain of events from one first event.
    Event,
    /// The conversation.
    Conversation,
    /// The lead.
    Lead,
    /// So long, in one conversation.
    Window(Duration),
    /// The closed hours around the event, in one conversation (D-49).
    ClosedHours,
}

/// Which conversations a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplyTo {
    /// All.
    All,
    /// Those that began when this version of the rule was live (D-41); all where it was never published, as in tests.
    NewConversations,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) id: Box<str>,
    pub(crate) name: Box<str>,
    description: Option<Box<str>>,
    pub(crate) enabled: bool,
    pub(crate) version: i64,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) priority: u8,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) channels: Vec<Box<str>>,
    pub(crate) sources: Vec<Box<str>>,
    pub(crate) conditions: Vec<Tree>,
    actions: Vec<RuleAction>,
    stop: Stop,
    pub(crate) class: Class,
    once_per: Option<OncePer>,
    dedupe_group: Option<Box<str>>,
    apply_to: ApplyTo,
    /// When this version went live; `None` where it was never published.
    pub(crate) live_since: Option<Timestamp>,
    allow_group: bool,
    /// Whether its outbound actions need no order, where they do not say themselves.
    parallel: bool,
    /// Where it stands in its file.
    pub(crate) at: Position,
}

impl Rule {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version, from 1; it rises with every edit that is published.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Its priority, 1 to 100; higher first.
    pub fn priority(&self) -> u8 {
        self.priority
    }

    /// Whether later rules are looked at after it fired.
    pub fn stop(&self) -> Stop {
        self.stop
    }

    /// When it has its turn.
    pub fn class(&self) -> Class {
        self.class
    }

    /// What it fires at most once for; fallback rules say the closed hours of their own accord.
    pub fn once_per(&self) -> Option<OncePer> {
        self.once_per
    }

    /// The group of which at most one rule fires for an event (D-40).
    pub fn dedupe_group(&self) -> Option<&str> {
        self.dedupe_group.as_deref()
    }

    /// Since when a conversation must have begun for the rule to be for it (D-41); `None` is ever.
    pub(crate) fn begun_since(&self) -> Option<Timestamp> {
        self.live_since.filter(|_| self.apply_to == ApplyTo::NewConversations)
    }

    /// Which conversations it is for.
    pub fn apply_to(&self) -> ApplyTo {
        self.apply_to
    }

    /// Whether it may change leads from group chats (D-26).
    pub fn allow_group(&self) -> bool {
        self.allow_group
    }

    /// What it does, in order.
    pub fn actions(&self) -> &[RuleAction] {
        &self.actions
    }

    /// Calls `visit` with every condition.
    pub(crate) fn each_leaf<'t>(&'t self, visit: &mut impl FnMut(&'t Leaf)) {
        self.conditions.iter().for_each(|tree| tree.each_leaf(visit));
    }

    /// As [`Self::each_leaf`], with the conditions inside of those on history.
    pub(crate) fn each_leaf_inside<'t>(&'t self, visit: &mut impl FnMut(&'t Leaf)) {
        self.each_leaf(&mut |leaf| {
            visit(leaf);
            for trees in leaf.condition.inside() {
                trees.iter().for_each(|tree| tree.each_leaf(visit));
            }
        });
    }

    /// Whether a condition names one of these fields.
    pub(crate) fn has_condition_on(&self, fields: &[&str]) -> bool {
        let mut found = false;
        self.each_leaf(&mut |leaf| found |= fields.contains(&leaf.field.field.name));
        found
    }

    /// The rule in canonical form, without what publishing gives it: its version and since when it is live.
    pub(crate) fn canonical(&self) -> Map<String, Value> {
        let texts = |texts: &[Box<str>]| texts.iter().map(|text| Value::from(&**text)).collect::<Value>();
        let once_per = match self.once_per {
            None => Value::Null,
            Some(OncePer::Event) => ONCE_PER[0].into(),
            Some(OncePer::Conversation) => ONCE_PER[1].into(),
            Some(OncePer::Lead) => ONCE_PER[2].into(),
            Some(OncePer::ClosedHours) => ONCE_PER[3].into(),
            Some(OncePer::Window(window)) => json!({"window": print_duration(window)}),
        };
        let mut rule = Map::new();
        let mut put = |key: &str, value: Value| rule.insert(key.to_owned(), value);
        put("id", Value::from(&*self.id));
        put("name", Value::from(&*self.name));
        put("description", self.description.as_deref().map_or(Value::Null, Value::from));
        put("enabled", self.enabled.into());
        put("created_at", self.created_at.map_or(Value::Null, |at| at.to_string().into()));
        put("priority", self.priority.into());
        put("trigger", self.triggers.iter().map(|trigger| Value::from(trigger.name())).collect());
        put(
            "scope",
            match (self.channels.is_empty(), self.sources.is_empty()) {
                (true, true) => Value::Null,
                (false, true) => json!({"channels": texts(&self.channels)}),
                (true, false) => json!({"sources": texts(&self.sources)}),
                (false, false) => json!({"channels": texts(&self.channels), "sources": texts(&self.sources)}),
            },
        );
        put("conditions", self.conditions.iter().map(Tree::canonical).collect());
        put("actions", self.actions.iter().map(RuleAction::canonical).collect());
        put(
            "stop",
            match self.stop {
                Stop::No => false.into(),
                Stop::Pass => true.into(),
                Stop::All => "all".into(),
            },
        );
        put("class", CLASSES[self.class as usize].into());
        put("once_per", once_per);
        put("dedupe_group", self.dedupe_group.as_deref().map_or(Value::Null, Value::from));
        put("apply_to", APPLY_TO[self.apply_to as usize].into());
        put("allow_group", self.allow_group.into());
        put("parallel", self.parallel.into());
        rule
    }

    /// Reads a rule. `taken` holds the ids of the rules before it, `known` what they said.
    pub(crate) fn read(
        node: &Node,
        settings: &Settings,
        endpoints: &mut Vec<Arc<Endpoint>>,
        taken: &mut HashSet<Box<str>>,
        known: &mut Known,
        report: &mut Report,
    ) -> Option<Rule> {
        let before = report.errors();
        let object = Object::of(node, "a rule", RULE_KEYS, report)?;
        let name = object.text("name", report);
        let id = read_id(object, name.as_deref(), taken, report);
        let triggers = read_triggers(object, report);
        let conditions = read_conditions(object, settings, known, report);
        let actions = read_actions(object, settings, endpoints, known, report);
        let priority = object.integer("priority", *PRIORITY.start(), *PRIORITY.end(), report);
        let class = match object.word("class", CLASSES, report) {
            Some(1) => Class::Fallback,
            _ => Class::Normal,
        };
        let once_per = match object.get("once_per") {
            Some(node) => read_once_per(node, report),
            None if class == Class::Fallback && settings.has_business_hours() => Some(OncePer::ClosedHours),
            None => None,
        };
        let (channels, sources) = read_scope(object, report);
        let id = id?;
        let rule = Rule {
            name: name.unwrap_or_else(|| id.to_string()).into(),
            id,
            description: object.text("description", report).map(Into::into),
            enabled: object.flag("enabled", report).unwrap_or(true),
            version: object.integer("version", 1, i64::MAX, report).unwrap_or(1),
            created_at: object.instant("created_at", report),
            priority: u8::try_from(priority.unwrap_or(PRIORITY_DEFAULT)).unwrap_or(50),
            triggers: triggers?,
            channels,
            sources,
            conditions: conditions?,
            actions: actions?,
            stop: read_stop(object, report),
            class,
            once_per,
            dedupe_group: read_dedupe_group(object, report),
            apply_to: match object.word("apply_to", APPLY_TO, report) {
                Some(1) => ApplyTo::NewConversations,
                _ => ApplyTo::All,
            },
            live_since: object.instant("live_since", report),
            allow_group: object.flag("allow_group", report).unwrap_or(false),
            parallel: object.flag("parallel", report).unwrap_or(false),
            at: object.at,
        };
        if report.errors() != before {
            return None;
        }
        Some(rule)
    }

    /// Evaluation order: normal class before fallback, priority high to low, older first, then by id (D-34).
    pub(crate) fn order(&self, other: &Rule) -> Ordering {
        let key = |rule: &Rule| (rule.class, Reverse(rule.priority), rule.created_at);
        key(self).cmp(&key(other)).then_with(|| self.id.cmp(&other.id))
    }

    /// The senders a message rule sees (F-70).
    pub(crate) fn senders(&self) -> u32 {
        conditions::senders(&self.conditions)
    }

    /// Whether it sees messages only where they come in a conversation that was known before (D-23).
    pub(crate) fn message_added_only(&self) -> bool {
        let mut messages = self.triggers.iter().filter(|trigger| trigger.kind == EventKind::MessageCreated).peekable();
        messages.peek().is_some() && messages.all(|trigger| trigger.message_added)
    }

    /// Whether it is narrowed to channels or partners (D-29), or to new conversations.
    pub(crate) fn is_scoped(&self) -> bool {
        !self.channels.is_empty() || !self.sources.is_empty() || self.begun_since().is_some()
    }
}

/// Whether events of this kind are messages, which message rules see by sender.
pub(crate) fn is_message(kind: EventKind) -> bool {
    matches!(kind, EventKind::MessageCreated | EventKind::MessageEdited | EventKind::MessageDeleted)
}

fn read_id(
    object: Object<'_>,
    name: Option<&str>,
    taken: &mut HashSet<Box<str>>,
    report: &mut Report,
) -> Option<Box<str>> {
    let node = object.get("id");
    let id: Box<str> = match (node, name) {
        (Some(node), _) => object::text(node, "`id`", report)?.into(),
        (None, Some(name)) => {
            let id = derive_id(name, taken);
            let message = format!("the rule `{name}` has no id and gets `{id}`, which changes with its name");
            report.add(codes::DERIVED_ID, object.at, message, format!("write `id: {id}`"));
            id
        }
        (None, None) => {
            let help = "write an id such as hot-lead, stable over edits";
            report.add(codes::MISSING_KEY, object.at, "a rule needs `id`", help);
            return None;
        }
    };
    let at = node.map_or(object.at, |node| node.at);
    if !is_id(&id) {
        let message = format!("`{id}` is no rule id");
        let help = "write lower-case letters, digits, - and _, a letter or digit first, at most 64 of them";
        report.add(codes::BAD_ID, at, message, help);
        return None;
    }
    if !taken.insert(id.clone()) {
        let message = format!("the id `{id}` is taken by a rule before this one");
        report.add(codes::DUPLICATE_ID, at, message, "give each rule its own id");
        return None;
    }
    Some(id)
}

fn is_id(id: &str) -> bool {
    let tail = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(tail) && !id.starts_with(['_', '-'])
}

/// An id made of a name; the next free one where it is taken.
fn derive_id(name: &str, taken: &HashSet<Box<str>>) -> Box<str> {
    let mut id = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' | '_' => id.push(c),
            _ if id.ends_with('-') || id.is_empty() => {}
            _ => id.push('-'),
        }
    }
    const NUMBER_BYTES: usize = 8;
    id.truncate(ID_BYTES_MAX - NUMBER_BYTES);
    let id = id.trim_matches(['-', '_']);
    let id = if id.is_empty() { "rule" } else { id };
    let numbered = (2..).map(|n| format!("{id}-{n}"));
    let mut candidates = std::iter::once(id.to_owned()).chain(numbered);
    candidates.find(|candidate| !taken.contains(&**candidate)).unwrap_or_else(|| id.to_owned()).into()
}

fn read_triggers(object: Object<'_>, report: &mut Report) -> Option<Vec<Trigger>> {
    let node = object.require("trigger", "write an event type such as message.created", report)?;
    let mut triggers: Vec<Trigger> = Vec::new();
    for item in object::one_or_many(node, "`trigger`", report)? {
        let word = object::read_text(item, "`trigger`", report)?;
        let Some(trigger) = Trigger::parse(word.trim()) else {
            let compat = COMPAT_TRIGGERS.iter().map(|(name, _)| *name);
            let known = EventKind::KNOWN.iter().copied().chain(compat);
            let message = format!("there is no trigger `{word}`");
            let help = match nearest(word, known.clone()) {
                Some(_) => did_you_mean(word, known),
                None => "write an event type such as message.created or lead.status_changed".to_owned(),
            };
            report.add(codes::UNKNOWN_TRIGGER, item.at, message, help);
            continue;
        };
        if !triggers.contains(&trigger) {
            triggers.push(trigger);
        }
    }
    (!triggers.is_empty()).then_some(triggers)
}

fn read_scope(object: Object<'_>, report: &mut Report) -> (Vec<Box<str>>, Vec<Box<str>>) {
    let scope = object.get("scope").and_then(|node| Object::of(node, "scope", SCOPE_KEYS, report));
    let Some(scope) = scope else { return (Vec::new(), Vec::new()) };
    let mut texts = |key| -> Vec<Box<str>> {
        scope.texts(key, report).unwrap_or_default().into_iter().map(|text| text.trim().into()).collect()
    };
    (texts("channels"), texts("sources"))
}

fn read_conditions(
    object: Object<'_>,
    settings: &Settings,
    known: &mut Known,
    report: &mut Report,
) -> Option<Vec<Tree>> {
    let Some(node) = object.get("conditions") else { return Some(Vec::new()) };
    let nodes = object::list(node, "conditions", report)?;
    let read: Vec<Option<Tree>> = nodes.iter().map(|node| known.condition(node, settings, report)).collect();
    let trees: Vec<Tree> = read.into_iter().collect::<Option<_>>()?;
    let mut count = 0;
    trees.iter().for_each(|tree| tree.each_leaf(&mut |_| count += 1));
    if count > CONDITIONS_MAX {
        let message = format!("the rule has {count} conditions, the limit is {CONDITIONS_MAX}");
        let help = "put keywords of one field into one list, or write two rules";
        report.add(codes::TOO_MANY_CONDITIONS, node.at, message, help);
        return None;
    }
    Some(trees)
}

fn read_actions(
    object: Object<'_>,
    settings: &Settings,
    endpoints: &mut Vec<Arc<Endpoint>>,
    known: &mut Known,
    report: &mut Report,
) -> Option<Vec<RuleAction>> {
    let node = object.require("actions", "write what the rule does", report)?;
    let nodes = object::list(node, "actions", report)?;
    if nodes.len() > ACTIONS_MAX {
        let message = format!("the rule has {} actions, the limit is {ACTIONS_MAX}", nodes.len());
        report.add(codes::TOO_MANY_ACTIONS, node.at, message, "write two rules");
        return None;
    }
    let parallel = object.flag("parallel", report).unwrap_or(false);
    let read: Vec<Option<RuleAction>> =
        nodes.iter().map(|node| known.action(node, parallel, settings, endpoints, report)).collect();
    read.into_iter().collect()
}

/// The name of a group of rules.
fn read_dedupe_group(object: Object<'_>, report: &mut Report) -> Option<Box<str>> {
    let group = object.text("dedupe_group", report)?;
    let (group, at) = (group.trim(), object.get("dedupe_group").map_or(object.at, |node| node.at));
    if group.is_empty() || group.len() > ID_BYTES_MAX {
        let help = format!("write a name of 1 to {ID_BYTES_MAX} bytes, the same in every rule of the group");
        report.add(codes::WRONG_VALUE, at, "this is no name of a group", help);
    }
    Some(group.into())
}

fn read_stop(object: Object<'_>, report: &mut Report) -> Stop {
    const WORDS: &[&str] = &["pass", "all"];
    match object.get("stop").map(|node| &node.content) {
        Some(Content::Text(_)) => match object.word("stop", WORDS, report) {
            Some(1) => Stop::All,
            _ => Stop::Pass,
        },
        Some(_) if object.flag("stop", report) == Some(true) => Stop::Pass,
        _ => Stop::No,
    }
}

fn read_once_per(node: &Node, report: &mut Report) -> Option<OncePer> {
    if let Content::Map(_) = node.content {
        let object = Object::of(node, "once_per", WINDOW_KEYS, report)?;
        object.require("window", "write a duration, such as 24h", report)?;
        return object.duration("window", report).map(OncePer::Window);
    }
    match object::word(node, "once_per", ONCE_PER, report)? {
        0 => Some(OncePer::Event),
        1 => Some(OncePer::Conversation),
        2 => Some(OncePer::Lead),
        _ => Some(OncePer::ClosedHours),
    }
}
