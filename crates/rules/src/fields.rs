//! Every field of the language: its names, its type, and how it is read.
//!
//! In: a name as an author writes it. Out: the [`Field`]; in: facts, out: its value. Conditions, templates and webhook
//! payloads all read through this table.
//! FI-1: a name or compatibility name stands for one field.
//! Absent: what conditions do with values; that is the kind's.

use std::sync::LazyLock;

use kilat_domain::{
    ChatKind, CompactString, Consent, ConversationPriority, ConversationStatus, EventKind, Lead, LeadPriority,
    MessageType, Money, Number, Profile, SenderKind, Str, Value,
};
use rustc_hash::FxHashMap;

use crate::conditions::{self, Kind};
use crate::cost::VALUE_BYTES;
use crate::facts::Facts;
use crate::memory::WEEK_HOURS;
use crate::money;
use crate::split;

/// A field.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// Compatibility names; a final `.` takes a path.
    pub(crate) compat: &'static [&'static str],
    /// The type, as the contract names it.
    pub(crate) type_name: &'static str,
    pub(crate) kind: &'static Kind,
    pub(crate) read: Read,
    /// Whether webhook payloads carry it.
    pub(crate) payload: bool,
}

/// How a field's value is had.
pub(crate) enum Read {
    /// The text of the message, which is folded once per event.
    MessageText,
    Text(for<'f> fn(&Facts<'f>) -> Option<&'f str>),
    Symbol {
        words: &'static [&'static str],
        ordered: bool,
        read: fn(&Facts<'_>) -> Option<u8>,
    },
    Flag(fn(&Facts<'_>) -> Option<bool>),
    Number(fn(&Facts<'_>) -> Option<Number>),
    Set(for<'f> fn(&Facts<'f>) -> &'f [CompactString]),
    /// A set that stands in the event alone.
    Words(for<'f> fn(&Facts<'f>) -> &'f [Str<'f>]),
    Money(for<'f> fn(&Facts<'f>) -> Option<&'f Money>),
    /// A value under a path that the author writes behind the name.
    Path(for<'f> fn(&Facts<'f>, &str) -> Option<&'f Value<'f>>),
    /// The side of a split that the lead is on, 0 to 99; the path is the split's name (F-222).
    Split,
    /// The workspace's clock, which only its own conditions read.
    Clock,
    /// The conversation's past, which only its own conditions read.
    History,
}

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Read::MessageText => "MessageText",
            Read::Text(_) => "Text",
            Read::Symbol { .. } => "Symbol",
            Read::Flag(_) => "Flag",
            Read::Number(_) => "Number",
            Read::Set(_) => "Set",
            Read::Words(_) => "Words",
            Read::Money(_) => "Money",
            Read::Path(_) => "Path",
            Read::Split => "Split",
            Read::Clock => "Clock",
            Read::History => "History",
        })
    }
}

/// A field and the path an author wrote behind it.
#[derive(Clone, Debug)]
pub(crate) struct FieldRef {
    pub(crate) field: &'static Field,
    pub(crate) path: Box<str>,
}

impl PartialEq for FieldRef {
    fn eq(&self, other: &Self) -> bool {
        self.field.name == other.field.name && self.path == other.path
    }
}

impl FieldRef {
    /// The field of this name, or `None`. Names that end in a dot take a path of at least one key.
    pub(crate) fn parse(name: &str) -> Option<FieldRef> {
        static BY_NAME: LazyLock<FxHashMap<&str, &Field>> =
            LazyLock::new(|| ALL.iter().map(|field| (field.name, field)).collect());
        let name = name.trim();
        if let Some(field) = BY_NAME.get(name).filter(|field| !field.name.ends_with('.')) {
            return Some(FieldRef { field, path: "".into() });
        }
        for field in ALL {
            for known in std::iter::once(&field.name).chain(field.compat) {
                match known.strip_suffix('.') {
                    Some(_) => {
                        if let Some(path) = name.strip_prefix(known)
                            && is_path(path)
                        {
                            return Some(FieldRef { field, path: path.into() });
                        }
                    }
                    None if name == *known => return Some(FieldRef { field, path: "".into() }),
                    None => {}
                }
            }
        }
        None
    }

    /// The field's canonical name.
    pub(crate) fn name(&self) -> String {
        format!("{}{}", self.field.name, self.path)
    }

    /// Whether the field has a value; an empty text or set is none (D-15).
    pub(crate) fn is_present(&self, facts: &Facts<'_>) -> bool {
        match &self.field.read {
            Read::MessageText => message_text(facts).is_some(),
            Read::Text(read) => text(read(facts)).is_some(),
            Read::Symbol { read, .. } => read(facts).is_some(),
            Read::Flag(read) => read(facts).is_some(),
            Read::Number(read) => read(facts).is_some(),
            Read::Set(read) => !read(facts).is_empty(),
            Read::Words(read) => !read(facts).is_empty(),
            Read::Money(read) => read(facts).is_some(),
            Read::Path(read) => value(read(facts, &self.path)).is_some(),
            Read::Split => lead_id(facts).is_some(),
            Read::Clock => true,
            Read::History => false,
        }
    }

    /// How many members a set has now, and how many bytes they have together.
    pub(crate) fn members(&self, facts: &Facts<'_>) -> (usize, usize) {
        match self.field.read {
            Read::Set(read) => sizes(read(facts).iter().map(|member| member.len())),
            Read::Words(read) => sizes(read(facts).iter().map(|member| member.len())),
            _ => (0, 0),
        }
    }

    /// How many bytes copying its value takes, near enough: a value in a set or an object takes some of its own.
    pub(crate) fn bytes(&self, facts: &Facts<'_>) -> usize {
        match self.field.read {
            Read::MessageText => message_text(facts).map_or(0, str::len),
            Read::Text(read) => text(read(facts)).map_or(0, str::len),
            Read::Set(_) | Read::Words(_) => {
                let (members, bytes) = self.members(facts);
                bytes + VALUE_BYTES * members
            }
            Read::Path(read) => value(read(facts, &self.path)).map_or(0, value_bytes),
            _ => VALUE_BYTES,
        }
    }

    /// Whether the field may have several values at once.
    pub(crate) fn has_several(&self) -> bool {
        matches!(self.field.read, Read::Set(_) | Read::Words(_) | Read::Path(_))
    }

    /// Whether no rule can change the field in a pass: it says what happened, or counts it.
    pub(crate) fn is_fixed(&self) -> bool {
        const FIXED: &[&str] = &[
            "event.",
            "message.",
            "sender.",
            "channel.",
            "chat.",
            "chat_count",
            "first_contact",
            "time.",
            "change.",
            "tag.",
            "skill.",
            "list.",
            "webhook.",
            "ticket.",
            "order.",
            "call.",
            "split.",
            "history",
        ];
        FIXED.iter().any(|prefix| self.field.name.starts_with(prefix))
    }

    /// The field's number, where it has one.
    pub(crate) fn number(&self, facts: &Facts<'_>) -> Option<Number> {
        match self.field.read {
            Read::Number(read) => read(facts),
            Read::Split => Some(Number::Int(split::side(&self.path, lead_id(facts)?).into())),
            _ => None,
        }
    }

    /// The field's value as JSON, for explanations and payloads; `None` where it is missing.
    pub(crate) fn observe(&self, facts: &Facts<'_>) -> Option<Value<'static>> {
        let owned = |text: &str| Value::Text(text.to_owned().into());
        Some(match &self.field.read {
            Read::MessageText => owned(message_text(facts)?),
            Read::Text(read) => owned(text(read(facts))?),
            Read::Symbol { words, read, .. } => Value::Text((*words.get(usize::from(read(facts)?))?).into()),
            Read::Flag(read) => Value::Bool(read(facts)?),
            Read::Number(read) => Value::Number(read(facts)?),
            Read::Set(read) => match read(facts) {
                [] => return None,
                members => Value::List(members.iter().map(|member| owned(member)).collect()),
            },
            Read::Words(read) => match read(facts) {
                [] => return None,
                members => Value::List(members.iter().map(|member| owned(member)).collect()),
            },
            Read::Split => Value::Number(self.number(facts)?),
            Read::Money(read) => {
                let money = read(facts)?;
                Value::Object(vec![
                    ("minor".into(), Value::Number(Number::Int(money.minor))),
                    ("currency".into(), owned(&money.currency)),
                ])
            }
            Read::Path(read) => value(read(facts, &self.path))?.clone().into_owned(),
            Read::Clock => Value::Text(facts.event.occurred_at.to_string().into()),
            Read::History => return None,
        })
    }

    /// The field's value as people read it, for templates.
    pub(crate) fn print(&self, facts: &Facts<'_>) -> Option<String> {
        if let Read::Money(read) = &self.field.read {
            return read(facts).map(money::print);
        }
        Some(match self.observe(facts)? {
            Value::List(items) => items.iter().map(Value::to_string).collect::<Vec<_>>().join(", "),
            value => value.to_string(),
        })
    }
}

/// How many bytes copying a value takes, near enough.
pub(crate) fn value_bytes(value: &Value<'_>) -> usize {
    VALUE_BYTES
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::Text(text) => text.len(),
            Value::List(members) => members.iter().map(value_bytes).sum(),
            Value::Object(entries) => entries.iter().map(|(key, value)| key.len() + value_bytes(value)).sum(),
        }
}

/// How many bytes copying everything takes that stands behind the name of a free-form field.
pub(crate) fn whole_bytes(field: &Field, facts: &Facts<'_>) -> usize {
    let event = facts.event;
    let attributes = |attributes: &kilat_domain::Attributes| -> usize {
        attributes.iter().map(|(key, value)| key.len() + value_bytes(value)).sum()
    };
    let object = |object: &Option<kilat_domain::Object<'_>>| -> usize {
        object.iter().flat_map(|object| &object.0).map(|(key, value)| key.len() + value_bytes(value)).sum()
    };
    match field.name {
        "lead.attrs." => profile(facts).map_or(0, |profile| attributes(&profile.attrs)),
        "conversation.attrs." => facts.conversation.map_or(0, |conversation| attributes(&conversation.attrs)),
        "sender.attrs." => event.sender.as_ref().map_or(0, |sender| object(&sender.attrs)),
        "webhook." => object(&event.webhook),
        "ticket." => object(&event.ticket),
        "order." => object(&event.order),
        "call." => object(&event.call),
        _ => 0,
    }
}

/// How many lengths there are, and their sum.
fn sizes(lengths: impl ExactSizeIterator<Item = usize>) -> (usize, usize) {
    (lengths.len(), lengths.sum())
}

/// Keys between dots, none of them empty.
fn is_path(path: &str) -> bool {
    const PATH_BYTES_MAX: usize = 256;
    path.len() <= PATH_BYTES_MAX && path.split('.').all(|key| !key.is_empty())
}

/// A text that is there; the empty one is not.
pub(crate) fn text(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// A value that is there; null, an empty text and an empty list are not.
pub(crate) fn value<'v>(value: Option<&'v Value<'v>>) -> Option<&'v Value<'v>> {
    value.filter(|value| match value {
        Value::Null => false,
        Value::Text(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        _ => true,
    })
}

/// The text of the message, where there is some.
pub(crate) fn message_text<'f>(facts: &Facts<'f>) -> Option<&'f str> {
    text(facts.event.message.as_ref()?.text.as_deref())
}

fn profile<'f>(facts: &Facts<'f>) -> Option<&'f Profile> {
    facts.lead?.profile.as_deref()
}

fn lead<'f>(facts: &Facts<'f>) -> Option<&'f Lead> {
    facts.lead
}

/// The lead's id: as the event says, else that of its conversation's lead.
fn lead_id<'f>(facts: &Facts<'f>) -> Option<&'f str> {
    let said = facts.event.lead.as_ref().and_then(|lead| lead.id.as_deref());
    said.or_else(|| facts.conversation?.lead.as_deref())
}

/// The account an event came through; one that says none came through its conversation's.
fn channel<'f>(facts: &Facts<'f>, part: usize) -> Option<&'f str> {
    let said = facts.event.channel.as_ref().and_then(|channel| match part {
        0 => Some(channel.kind.as_str()),
        1 => channel.account.as_deref(),
        _ => channel.source.as_deref(),
    });
    said.or_else(|| facts.conversation?.channel[part].as_deref())
}

/// The kind of channel: `whatsapp`, `instagram` …
pub(crate) fn channel_kind<'f>(facts: &Facts<'f>) -> Option<&'f str> {
    channel(facts, 0)
}

/// Our account on it.
pub(crate) fn channel_account<'f>(facts: &Facts<'f>) -> Option<&'f str> {
    channel(facts, 1)
}

/// The partner it came by.
pub(crate) fn channel_source<'f>(facts: &Facts<'f>) -> Option<&'f str> {
    channel(facts, 2)
}

fn utm<'f>(facts: &Facts<'f>, part: usize) -> Option<&'f str> {
    let said = facts.event.utm.as_ref().and_then(|utm| match part {
        0 => utm.source.as_deref(),
        1 => utm.medium.as_deref(),
        2 => utm.campaign.as_deref(),
        3 => utm.term.as_deref(),
        _ => utm.content.as_deref(),
    });
    said.or_else(|| profile(facts)?.utm[part].as_deref())
}

fn message_kind(facts: &Facts<'_>) -> Option<MessageType> {
    facts.event.message.as_ref().map(|message| message.kind.unwrap_or(MessageType::Text))
}

fn has_media(facts: &Facts<'_>) -> Option<bool> {
    use MessageType::{Audio, Document, Image, Sticker, Video};
    let said = facts.event.message.as_ref()?.has_media;
    said.or_else(|| Some(matches!(message_kind(facts)?, Image | Video | Audio | Document | Sticker)))
}

fn count(n: u32) -> Option<Number> {
    Some(Number::Int(i64::from(n)))
}

/// Where the channel's facts of the event stand; `ctwa` of the event first, then the lead's first touch.
fn ctwa<'f>(facts: &Facts<'f>, part: usize) -> Option<&'f str> {
    let said = facts.event.ctwa.as_ref().and_then(|ctwa| match part {
        0 => ctwa.clid.as_deref(),
        _ => ctwa.source_id.as_deref(),
    });
    said.or_else(|| profile(facts)?.ctwa[part].as_deref())
}

macro_rules! field {
    ($name:literal $(= $($compat:literal)|+)?, $type:literal, $kind:ident, $read:expr $(, $hidden:ident)?) => {
        Field {
            name: $name,
            compat: &[$($($compat),+)?],
            type_name: $type,
            kind: &conditions::$kind::KIND,
            read: $read,
            payload: field!(@payload $($hidden)?),
        }
    };
    (@payload hidden) => { false };
    (@payload) => { true };
}

macro_rules! symbol {
    ($set:ident, $ordered:literal, $read:expr) => {
        Read::Symbol {
            words: $set::WORDS,
            ordered: $ordered,
            read: {
                const READ: fn(&Facts<'_>) -> Option<$set> = $read;
                |facts| READ(facts).map(|symbol| symbol as u8)
            },
        }
    };
}

/// Every field.
#[rustfmt::skip]
pub(crate) const ALL: &[Field] = &[
    field!("event.type", "enum", symbol, symbol!(EventKind, false, |f| Some(f.event.kind)), hidden),

    field!("message.text" = "message" | "message.content", "text", text, Read::MessageText),
    field!("message.type" = "message_type", "enum", symbol, symbol!(MessageType, false, message_kind)),
    field!("message.kind", "enum", symbol, Read::Symbol {
        words: &["normal", "template"],
        ordered: false,
        read: |f| message_kind(f).map(|kind| u8::from(kind == MessageType::Template)),
    }),
    field!("message.has_media" = "has_media", "bool", flag, Read::Flag(has_media)),
    field!("message.is_reply" = "is_reply", "bool", flag, Read::Flag(|f| {
        f.event.message.as_ref().map(|message| message.reply_to.is_some() || message.quoted_text.is_some())
    })),
    field!("message.quoted_text", "text", text, Read::Text(|f| f.event.message.as_ref()?.quoted_text.as_deref())),
    field!("message.reply_to_from", "enum", symbol, symbol!(SenderKind, false, |f| f.event.message.as_ref()?.reply_to_from)),
    field!("message.private", "bool", flag, Read::Flag(|f| f.event.message.as_ref().map(|m| m.private.unwrap_or(false)))),

    field!("sender.id" = "sender_id" | "sender.jid", "phone", phone, Read::Text(|f| f.event.sender.as_ref()?.id.as_deref())),
    field!("sender.name" = "customer_name" | "customer.name", "text", text, Read::Text(|f| f.event.sender.as_ref()?.name.as_deref())),
    field!("sender.roles" = "sender.role" | "sender_role", "set", set, Read::Words(|f| {
        f.event.sender.as_ref().and_then(|sender| sender.roles.as_deref()).unwrap_or_default()
    })),
    field!("sender.attrs." = "sender.attributes.", "any", attribute, Read::Path(|f, path| f.event.sender.as_ref()?.attrs.as_ref()?.at(path))),
    field!("sender.kind" = "sender_type" | "sender.type", "enum", symbol, symbol!(SenderKind, false, |f| f.event.sender.as_ref().map(|s| s.kind))),

    field!("channel.kind" = "channel", "id", text, Read::Text(channel_kind)),
    field!("channel.account" = "channel_id", "id", text, Read::Text(channel_account)),
    field!("channel.source" = "partner_source", "id", text, Read::Text(channel_source)),
    field!("chat.is_group" = "is_group", "bool", flag, Read::Flag(|f| match f.event.chat_kind()? {
        ChatKind::Group => Some(true),
        ChatKind::Direct => Some(false),
        _ => None,
    })),
    field!("chat.kind", "enum", symbol, symbol!(ChatKind, false, |f| f.event.chat_kind())),

    field!("chat_count" = "chat_count.customer", "number", number, Read::Number(|f| count(f.conversation?.customer_messages)), hidden),
    field!("chat_count.team", "number", number, Read::Number(|f| count(f.conversation?.team_messages)), hidden),
    field!("chat_count.session", "number", number, Read::Number(|f| count(f.conversation?.session_messages)), hidden),
    field!("chat_count.window_7d", "number", number, Read::Number(|f| {
        let hour = f.event.occurred_at.0.div_euclid(3_600_000);
        let week = f.conversation?.details.as_ref().map_or(&[][..], |details| &*details.week);
        let counts = week.iter().filter(|c| (0..WEEK_HOURS.into()).contains(&(hour - i64::from(c.hour))));
        count(counts.fold(0, |sum: u32, c| sum.saturating_add(c.messages)))
    }), hidden),
    field!("first_contact", "bool", flag, Read::Flag(|f| Some(f.first_contact)), hidden),
    field!("conversation.is_first_message" = "first_in_conversation", "bool", flag, Read::Flag(|f| {
        Some(f.event.is_customer_message() && f.conversation.is_some_and(|c| c.customer_messages == 1))
    }), hidden),

    field!("conversation.id", "id", text, Read::Text(|f| f.event.conversation.as_ref()?.id.as_deref())),
    field!("conversation.status" = "status", "enum", symbol, symbol!(ConversationStatus, false, |f| Some(f.conversation?.status))),
    field!("conversation.priority" = "priority", "enum", symbol, symbol!(ConversationPriority, true, |f| Some(f.conversation?.priority))),
    field!("conversation.tags" = "tags" | "tag", "set", set, Read::Set(|f| f.conversation.map_or(&[], |c| &c.tags))),
    field!("conversation.assignee" = "assignee", "id", text, Read::Text(|f| f.conversation?.assignee.as_deref())),
    field!("conversation.started_by", "enum", symbol, symbol!(SenderKind, false, |f| f.conversation?.started_by)),
    field!("conversation.room_tags" = "room_tags", "set", set, Read::Set(|f| f.conversation.map_or(&[], |c| &c.room_tags))),
    field!("conversation.notes", "text", text, Read::Text(|f| f.conversation?.details.as_ref()?.notes.as_deref())),
    field!("conversation.attrs." = "conversation.attributes.", "any", attribute, Read::Path(|f, path| f.conversation?.attrs.at(path))),

    field!("lead.id", "id", text, Read::Text(lead_id)),
    field!("lead.status" = "lead_status", "status", status, Read::Text(|f| lead(f).map(|l| &*l.status))),
    field!("lead.priority" = "lead_priority", "enum", symbol, symbol!(LeadPriority, true, |f| f.lead?.priority)),
    field!("lead.score" = "lead_score", "number", number, Read::Number(|f| f.lead?.score)),
    field!("lead.source" = "lead_source", "id", text, Read::Text(|f| profile(f)?.source.as_deref())),
    field!("lead.notes" = "lead_notes", "text", text, Read::Text(|f| profile(f)?.notes.as_deref())),
    field!("lead.city" = "lead_city", "text", text, Read::Text(|f| profile(f)?.city.as_deref())),
    field!("lead.region" = "lead_region", "text", text, Read::Text(|f| profile(f)?.region.as_deref())),
    field!("lead.country" = "lead_country", "country", country, Read::Text(|f| profile(f)?.country.as_deref())),
    field!("lead.name" = "contact.name", "text", text, Read::Text(|f| profile(f)?.name.as_deref())),
    field!("lead.email" = "customer.email" | "contact.email", "text", text, Read::Text(|f| profile(f)?.email.as_deref())),
    field!("lead.phone" = "customer.phone" | "contact.phone", "phone", phone, Read::Text(|f| profile(f)?.phone.as_deref())),
    field!("lead.tags" = "customer.tags" | "contact.tags", "set", set, Read::Set(|f| f.lead.map_or(&[], |l| &l.tags))),
    field!("lead.audience" = "audience" | "customer.audience", "id", text, Read::Text(|f| profile(f)?.audience.as_deref())),
    field!("lead.plan" = "customer.plan" | "plan", "id", text, Read::Text(|f| profile(f)?.plan.as_deref())),
    field!("lead.lists" = "customer.lists", "set", set, Read::Set(|f| profile(f).map_or(&[], |p| &p.lists))),
    field!("lead.consent" = "customer.consent", "enum", symbol, symbol!(Consent, false, |f| profile(f)?.consent)),
    field!("lead.value.actual" = "actual_value", "money", money, Read::Money(|f| profile(f)?.actual.as_ref())),
    field!("lead.value.estimated" = "estimated_value", "money", money, Read::Money(|f| profile(f)?.estimated.as_ref())),
    field!("lead.attrs." = "customer.attrs." | "contact.attrs." | "attrs.", "any", attribute, Read::Path(|f, path| profile(f)?.attrs.at(path))),

    field!("utm.source" = "utm_source", "id", text, Read::Text(|f| utm(f, 0))),
    field!("utm.medium" = "utm_medium", "id", text, Read::Text(|f| utm(f, 1))),
    field!("utm.campaign" = "utm_campaign", "id", text, Read::Text(|f| utm(f, 2))),
    field!("utm.term" = "utm_term", "id", text, Read::Text(|f| utm(f, 3))),
    field!("utm.content" = "utm_content", "id", text, Read::Text(|f| utm(f, 4))),
    field!("ctwa.clid", "id", text, Read::Text(|f| ctwa(f, 0))),
    field!("ctwa.source_id", "id", text, Read::Text(|f| ctwa(f, 1))),
    field!("geo.country" = "country", "country", country, Read::Text(|f| {
        let said = f.event.geo.as_ref().and_then(|geo| geo.country.as_deref());
        said.or_else(|| profile(f)?.geo_country.as_deref())
    })),

    field!("split.", "number", number, Read::Split, hidden),

    field!("time.window" = "time_window" | "time_of_day", "time", window, Read::Clock, hidden),
    field!("time.business_hours" = "business_hours", "time", business_hours, Read::Clock, hidden),
    field!("time.day_of_week" = "day_of_week", "time", day_of_week, Read::Clock, hidden),

    field!("change.field", "id", text, Read::Text(|f| f.event.change.as_ref()?.field.as_deref())),
    field!("change.from", "text", text, Read::Text(|f| f.event.change.as_ref()?.from.as_deref())),
    field!("change.to", "text", text, Read::Text(|f| f.event.change.as_ref()?.to.as_deref())),
    field!("tag.name" = "tag_name", "id", text, Read::Text(|f| f.event.tag.as_ref().map(|tag| tag.name.as_str()))),
    field!("tag.on", "id", text, Read::Text(|f| f.event.tag.as_ref()?.on.as_deref())),
    field!("skill.name" = "skill" | "skill_name", "id", text, Read::Text(|f| f.event.skill.as_ref().map(|skill| skill.name.as_str()))),
    field!("list.name" = "list", "id", text, Read::Text(|f| f.event.list.as_ref().map(|list| list.name.as_str()))),
    field!("webhook.", "any", attribute, Read::Path(|f, path| f.event.webhook.as_ref()?.at(path))),
    field!("ticket.", "any", attribute, Read::Path(|f, path| f.event.ticket.as_ref()?.at(path))),
    field!("order." = "shop.", "any", attribute, Read::Path(|f, path| f.event.order.as_ref()?.at(path))),
    field!("call.", "any", attribute, Read::Path(|f, path| f.event.call.as_ref()?.at(path))),
];

/// What conditions on history look at; authors write it as a key of its own.
pub(crate) static HISTORY: Field = field!("history", "history", history, Read::History, hidden);

/// The whole object that a field with a path reads from; `None` where it is missing.
pub(crate) fn whole(field: &Field, facts: &Facts<'_>) -> Option<Value<'static>> {
    let event = facts.event;
    let attributes = |attributes: &kilat_domain::Attributes| -> Vec<_> {
        attributes.iter().map(|(key, value)| (key.to_owned().into(), value.clone())).collect()
    };
    let object = |object: &Option<kilat_domain::Object<'_>>| -> Vec<_> {
        let entries = object.iter().flat_map(|object| &object.0);
        entries.map(|(key, value)| (key.clone().into_owned(), value.clone().into_owned())).collect()
    };
    let entries = match field.name {
        "lead.attrs." => attributes(&profile(facts)?.attrs),
        "conversation.attrs." => attributes(&facts.conversation?.attrs),
        "sender.attrs." => object(&event.sender.as_ref()?.attrs),
        "webhook." => object(&event.webhook),
        "ticket." => object(&event.ticket),
        "order." => object(&event.order),
        "call." => object(&event.call),
        _ => Vec::new(),
    };
    (!entries.is_empty()).then_some(Value::Object(entries))
}

/// Every name and compatibility name.
pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
    ALL.iter().flat_map(|field| std::iter::once(&field.name).chain(field.compat)).copied()
}

#[cfg(test)]
mod tests;
