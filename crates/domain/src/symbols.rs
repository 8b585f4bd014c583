//! The closed sets of words in events, rules and state.
//!
//! Producers are changed before Kilat is: a word that an event has and no set knows is read as `unknown`, which every set
//! ends with, so that the event is kept and rules may ask for it. Whoever writes rules may not: they say [`FromStr`].

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

/// A word outside its closed set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSymbol {
    /// What the set names, such as `event type`.
    pub what: &'static str,
    /// The word as written.
    pub word: String,
    /// The words it could have been.
    pub known: &'static [&'static str],
}

impl fmt::Display for UnknownSymbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a known {}: one of {}", self.word, self.what, self.known.join(", "))
    }
}

impl std::error::Error for UnknownSymbol {}

/// The word of every set for what it does not know.
const UNKNOWN: &str = "unknown";

macro_rules! symbols {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$vdoc])* #[doc = concat!("`", $word, "`")] $variant,)+
            /// `unknown`: any other word.
            Unknown,
        }

        impl $name {
            /// Every member, in declaration order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+ $name::Unknown];
            /// Every word, in the order of [`Self::ALL`].
            pub const WORDS: &'static [&'static str] = &[$($word,)+ UNKNOWN];
            /// Every word but `unknown`: those that may be said of something.
            pub const KNOWN: &'static [&'static str] = &[$($word,)+];
            /// What the set names.
            pub const WHAT: &'static str = $what;

            /// The word for this member.
            pub fn as_str(self) -> &'static str {
                Self::WORDS[self as usize]
            }

            /// The member of this word; `Unknown` for one that is not in the set.
            pub fn read(word: &str) -> Self {
                word.parse().unwrap_or($name::Unknown)
            }
        }

        impl FromStr for $name {
            type Err = UnknownSymbol;

            /// The member of this word. `unknown` is none that could be said of something.
            fn from_str(word: &str) -> Result<Self, UnknownSymbol> {
                match word {
                    $($word => Ok($name::$variant),)+
                    _ => Err(UnknownSymbol { what: $what, word: word.to_owned(), known: Self::KNOWN }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Word;
                impl Visitor<'_> for Word {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", $what))
                    }
                    fn visit_str<E: Error>(self, word: &str) -> Result<$name, E> {
                        Ok($name::read(word))
                    }
                }
                deserializer.deserialize_str(Word)
            }
        }
    };
}

symbols! {
    /// What happened; the `type` of an event.
    EventKind, "event type" {
        MessageCreated = "message.created",
        MessageEdited = "message.edited",
        MessageDeleted = "message.deleted",
        MessageStatus = "message.status",
        LeadCreated = "lead.created",
        LeadUpdated = "lead.updated",
        LeadStatusChanged = "lead.status_changed",
        LeadValueChanged = "lead.value_changed",
        ConversationCreated = "conversation.created",
        ConversationUpdated = "conversation.updated",
        ConversationStatusChanged = "conversation.status_changed",
        ConversationAssigned = "conversation.assigned",
        ConversationPriorityChanged = "conversation.priority_changed",
        TagAdded = "tag.added",
        TagRemoved = "tag.removed",
        SkillFired = "skill.fired",
        WebhookReceived = "webhook.received",
        ListJoined = "list.joined",
        ListLeft = "list.left",
        ConsentGiven = "consent.given",
        ConsentWithdrawn = "consent.withdrawn",
        TicketOpened = "ticket.opened",
        TicketStatusChanged = "ticket.status_changed",
        ShopOrderCreated = "shop.order_created",
        ShopOrderPaid = "shop.order_paid",
        ShopOrderCancelled = "shop.order_cancelled",
        CallEnded = "call.ended",
        CallMissed = "call.missed",
        TimerDue = "timer.due",
        RuleDisabled = "rule.disabled",
    }
}

symbols! {
    /// Who wrote a message.
    SenderKind, "sender kind" {
        Customer = "customer",
        Team = "team",
        Bot = "bot",
        Automation = "automation",
        System = "system",
    }
}

symbols! {
    /// What a message carries.
    MessageType, "message type" {
        Text = "text",
        Image = "image",
        Video = "video",
        Audio = "audio",
        Document = "document",
        Sticker = "sticker",
        Location = "location",
        Contact = "contact",
        Interactive = "interactive",
        Button = "button",
        Reaction = "reaction",
        Template = "template",
    }
}

symbols! {
    /// What kind of chat a message was written in (D-25).
    ChatKind, "chat kind" {
        Direct = "direct",
        Group = "group",
        Broadcast = "broadcast",
        Channel = "channel",
        Status = "status",
    }
}

symbols! {
    /// Where a conversation stands.
    ConversationStatus, "conversation status" {
        Open = "open",
        Claimed = "claimed",
        Snoozed = "snoozed",
        Resolved = "resolved",
        Archived = "archived",
    }
}

symbols! {
    /// A conversation's priority; the order of declaration is the order of comparison.
    ConversationPriority, "conversation priority" {
        Low = "low",
        Normal = "normal",
        High = "high",
        Urgent = "urgent",
    }
}

symbols! {
    /// A lead's priority; the order of declaration is the order of comparison.
    LeadPriority, "lead priority" {
        Low = "low",
        Medium = "medium",
        High = "high",
        Urgent = "urgent",
    }
}

symbols! {
    /// Marketing consent of a lead.
    Consent, "consent" {
        Given = "given",
        Withdrawn = "withdrawn",
    }
}

symbols! {
    /// What a step in moving a workspace's leads to other partitions is.
    StepKind, "step of a move" {
        /// Told to a share, behind everything routed to it: it gives away what will belong to others.
        Leave = "leave",
        /// Told to a share: it takes these leads and conversations in.
        Enter = "enter",
        /// Told to the router: a share has given away everything it must.
        Left = "left",
    }
}
