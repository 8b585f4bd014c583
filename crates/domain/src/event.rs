//! An event: something that happened to a conversation or a lead, with every fact its sender knew.
//!
//! *Shape:* the record of `kilat.messages.v1` and `kilat.lead-changes.v1` and the event line of the contract, field for
//! field; fields stand in the order of `schemas/event.avsc`. Absent facts are `None`; JSON `null` means absent.
//! Events that rules cause have the same shape, with `causation_id`, `root_id` and `depth`.

use serde::{Deserialize, Serialize};

use crate::{
    ChatKind, Consent, ConversationPriority, ConversationStatus, EventKind, LeadPriority, MessageType, Money, Number,
    SenderKind, Str, Timestamp, Value,
};

/// A free-form object: keys and values in the order they were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a>(pub Vec<(Str<'a>, Value<'a>)>);

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event<'a> {
    /// Unique per workspace; the idempotency key of the event (D-33).
    #[serde(borrow)]
    pub id: Str<'a>,
    /// Whose event it is.
    pub workspace: Str<'a>,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When it happened; the `now` of every rule.
    pub occurred_at: Timestamp,
    /// The conversation it belongs to and what is known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationFacts<'a>>,
    /// The lead it belongs to and what is known of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<LeadFacts<'a>>,
    /// The account it came through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel<'a>>,
    /// The kind of chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<Chat>,
    /// Who wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Sender<'a>>,
    /// What was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message<'a>>,
    /// What changed, for the `*_changed` and `*.updated` types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change<'a>>,
    /// The tag, for `tag.added` and `tag.removed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<TagFact<'a>>,
    /// The skill, for `skill.fired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<Named<'a>>,
    /// The list, for `list.joined` and `list.left`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<Membership<'a>>,
    /// Campaign parameters of the visit that led here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm: Option<Utm<'a>>,
    /// The click-to-WhatsApp ad that led here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ctwa: Option<Ctwa<'a>>,
    /// Where the customer is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geo: Option<Geo<'a>>,
    /// The body of an inbound webhook, for `webhook.received`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Object<'a>>,
    /// Facts of a ticket, for `ticket.*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Object<'a>>,
    /// Facts of a shop order, for `shop.*`; `shop` in JSON lines is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Object<'a>>,
    /// Facts of a call, for `call.*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Object<'a>>,
    /// The event whose pass caused this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Str<'a>>,
    /// The first event of the chain; this event itself where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_id: Option<Str<'a>>,
    /// Steps from the first event of the chain; 0 for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u16>,
}

impl<'a> Event<'a> {
    /// An event that says nothing but what happened when.
    pub fn new(id: impl Into<Str<'a>>, workspace: impl Into<Str<'a>>, kind: EventKind, occurred_at: Timestamp) -> Self {
        Event {
            id: id.into(),
            workspace: workspace.into(),
            kind,
            occurred_at,
            conversation: None,
            lead: None,
            channel: None,
            chat: None,
            sender: None,
            message: None,
            change: None,
            tag: None,
            skill: None,
            list: None,
            utm: None,
            ctwa: None,
            geo: None,
            webhook: None,
            ticket: None,
            order: None,
            call: None,
            causation_id: None,
            root_id: None,
            depth: None,
        }
    }
}

impl Event<'_> {
    /// The id of the first event of the chain.
    pub fn root(&self) -> &str {
        self.root_id.as_ref().unwrap_or(&self.id)
    }

    /// Whether this is a `message.created` that the customer wrote.
    pub fn is_customer_message(&self) -> bool {
        self.kind == EventKind::MessageCreated
            && self.sender.as_ref().is_some_and(|sender| sender.kind == SenderKind::Customer)
    }

    /// The kind of chat: as the event says, else by the id of the group or broadcast it was written in; a message that says
    /// neither is taken for a direct one, but not where the event names a kind that is not known.
    pub fn chat_kind(&self) -> Option<ChatKind> {
        if let Some(chat) = self.chat.filter(|chat| chat.kind != ChatKind::Unknown) {
            return Some(chat.kind);
        }
        let conversation = self.conversation.as_ref().and_then(|facts| facts.id.as_deref());
        let sender = self.sender.as_ref().and_then(|sender| sender.id.as_deref());
        let ids = || [conversation, sender].into_iter().flatten();
        if ids().any(|id| id.ends_with("@g.us")) {
            Some(ChatKind::Group)
        } else if ids().any(|id| id.ends_with("status@broadcast")) {
            Some(ChatKind::Status)
        } else if ids().any(|id| id.ends_with("@broadcast")) {
            Some(ChatKind::Broadcast)
        } else if ids().any(|id| id.ends_with("@newsletter")) {
            Some(ChatKind::Channel)
        } else if self.chat.is_some() {
            Some(ChatKind::Unknown)
        } else {
            self.message.as_ref().map(|_| ChatKind::Direct)
        }
    }

    /// Whether a closed set did not know a word of the event, so that it stands here as `unknown`.
    pub fn has_unknown_words(&self) -> bool {
        let (conversation, lead, message) = (self.conversation.as_ref(), self.lead.as_ref(), self.message.as_ref());
        self.kind == EventKind::Unknown
            || self.chat.is_some_and(|chat| chat.kind == ChatKind::Unknown)
            || self.sender.as_ref().is_some_and(|sender| sender.kind == SenderKind::Unknown)
            || message.is_some_and(|message| {
                message.kind == Some(MessageType::Unknown) || message.reply_to_from == Some(SenderKind::Unknown)
            })
            || conversation.is_some_and(|facts| {
                facts.status == Some(ConversationStatus::Unknown)
                    || facts.priority == Some(ConversationPriority::Unknown)
                    || facts.started_by == Some(SenderKind::Unknown)
            })
            || lead.is_some_and(|facts| {
                facts.priority == Some(LeadPriority::Unknown) || facts.consent == Some(Consent::Unknown)
            })
    }

    /// Whether the sender flags the event as history: it updates state and never triggers rules (D-28).
    pub fn is_history(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.history == Some(true))
    }
}

/// The conversation of an event: its id, and any facts the sender knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConversationFacts<'a> {
    /// Derived from channel, account and customer where absent.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub id: Option<Str<'a>>,
    /// Its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ConversationStatus>,
    /// Its priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<ConversationPriority>,
    /// All of its tags; replaces the known ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Str<'a>>>,
    /// The agent or pool it is assigned to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Str<'a>>,
    /// Who wrote first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_by: Option<SenderKind>,
    /// Room tags of the partner's inbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_tags: Option<Vec<Str<'a>>>,
    /// Custom attributes; merged key by key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attrs: Option<Object<'a>>,
}

/// The lead of an event: its id, and any facts the sender knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeadFacts<'a> {
    /// Derived from channel kind and sender id where absent (D-27).
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub id: Option<Str<'a>>,
    /// A status id or alias of the workspace's registry (D-8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Str<'a>>,
    /// Its priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<LeadPriority>,
    /// Its score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Number>,
    /// All of its tags; replaces the known ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Str<'a>>>,
    /// Audience tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<Str<'a>>,
    /// Plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Str<'a>>,
    /// All lists it is on; replaces the known ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lists: Option<Vec<Str<'a>>>,
    /// Marketing consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// Where it came from: ads, whatsapp, website …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Str<'a>>,
    /// Notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<Str<'a>>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<Str<'a>>,
    /// Region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Str<'a>>,
    /// Country, ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Str<'a>>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Str<'a>>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Str<'a>>,
    /// Phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Str<'a>>,
    /// Deal value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueFacts>,
    /// Custom attributes; merged key by key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attrs: Option<Object<'a>>,
}

/// Deal value of a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ValueFacts {
    /// What was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<Money>,
    /// What is expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated: Option<Money>,
}

/// The account an event came through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel<'a> {
    /// `whatsapp`, `instagram`, `telegram`, `webchat` …
    #[serde(borrow)]
    pub kind: Str<'a>,
    /// Our number, page or channel id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Str<'a>>,
    /// The partner it arrived by: `wa_api`, `qiscus`, `qontak` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Str<'a>>,
}

/// The kind of chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    /// Direct, group, broadcast …
    pub kind: ChatKind,
}

/// Who wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sender<'a> {
    /// Customer, team, bot …
    pub kind: SenderKind,
    /// Phone number, JID or partner id.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Str<'a>>,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Str<'a>>,
    /// What they are to the workspace: agent, supervisor, reseller …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Str<'a>>>,
    /// Custom attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attrs: Option<Object<'a>>,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Message<'a> {
    /// The provider's id; together with the account it identifies the message (D-33).
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub id: Option<Str<'a>>,
    /// What it carries; `text` where absent.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MessageType>,
    /// Body, caption or title (D-17).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Str<'a>>,
    /// The id of the message it quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Str<'a>>,
    /// Who wrote the quoted message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to_from: Option<SenderKind>,
    /// The quoted text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted_text: Option<Str<'a>>,
    /// Whether it carries media; derived from the type where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_media: Option<bool>,
    /// Whether it is an internal note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// Whether it is history from before the session was connected (D-28).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<bool>,
}

/// What changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change<'a> {
    /// The field, named as in rules: `lead.status`.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub field: Option<Str<'a>>,
    /// Its value before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Str<'a>>,
    /// Its value after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Str<'a>>,
}

/// A tag that was added or removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagFact<'a> {
    /// The tag.
    #[serde(borrow)]
    pub name: Str<'a>,
    /// What carries it: `conversation` (default) or `lead`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Str<'a>>,
}

/// Something that is only a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Named<'a> {
    /// The name.
    #[serde(borrow)]
    pub name: Str<'a>,
}

/// A list that was joined or left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Membership<'a> {
    /// The list.
    #[serde(borrow)]
    pub name: Str<'a>,
}

/// Campaign parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Utm<'a> {
    /// `utm_source`
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub source: Option<Str<'a>>,
    /// `utm_medium`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<Str<'a>>,
    /// `utm_campaign`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Str<'a>>,
    /// `utm_term`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<Str<'a>>,
    /// `utm_content`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Str<'a>>,
}

/// A click-to-WhatsApp ad.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ctwa<'a> {
    /// Meta's click id, never hashed.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub clid: Option<Str<'a>>,
    /// The ad's or post's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<Str<'a>>,
}

/// Where the customer is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Geo<'a> {
    /// ISO 3166-1 alpha-2.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub country: Option<Str<'a>>,
}

mod object {
    //! Objects are Avro maps of `Json`.

    use std::fmt;

    use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
    use serde::ser::SerializeMap;
    use serde::{Serialize, Serializer};

    use super::Object;

    impl Serialize for Object<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.0.len()))?;
            for (key, value) in &self.0 {
                map.serialize_entry(key, value)?;
            }
            map.end()
        }
    }

    impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Entries;
            impl<'de> Visitor<'de> for Entries {
                type Value = Object<'de>;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                    let mut entries = Vec::new();
                    while let Some(entry) = map.next_entry()? {
                        entries.push(entry);
                    }
                    Ok(Object(entries))
                }
            }
            deserializer.deserialize_map(Entries)
        }
    }
}

impl Object<'_> {
    /// The value under a dotted path of keys.
    pub fn at(&self, path: &str) -> Option<&Value<'_>> {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let value = self.0.iter().find(|(key, _)| *key == first).map(|(_, value)| value)?;
        match rest {
            None => Some(value),
            Some(rest) => value.at(rest),
        }
    }
}
