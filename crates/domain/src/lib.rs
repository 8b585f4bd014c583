//! Kilat's vocabulary: what travels on the topics and what the engine remembers.
//!
//! An [`Event`] comes in and is folded into a [`Lead`] and a [`Conversation`]; rules answer with [`Patch`]es to those two
//! and with [`Action`]s for the executors; all of it together is one [`Decision`]. Executors answer with an
//! [`ActionResult`].
//!
//! The structures here are the records of the topics, field for field (`schemas/*.avsc`), and the lines of the contract.
//! Text is borrowed from the record it was decoded from wherever that record outlives it ([`Str`]).
//!
//! Absent by design: I/O, clocks, randomness, Kafka, HTTP, and any knowledge of how rules are written.

mod action;
mod attributes;
mod class;
mod conversation;
mod decision;
mod details;
mod event;
mod explanation;
mod fate;
mod lead;
mod limits;
mod outbound_message;
mod patch;
mod rule_set;
mod state_block;
mod symbols;
mod text;
mod time;
mod value;
mod verdict;

pub use action::{
    Action, ActionResult, CapiEvent, Command, Destination, DestinationKind, Gate, Lane, OnUnknown, Outcome,
};
pub use attributes::Attributes;
pub use class::Class;
/// Text the engine remembers: up to 24 bytes lie where it lies, and cost no allocation.
pub use compact_str::CompactString;
pub use conversation::{Conversation, Counters};
pub use decision::{ActionEffect, Decision, Effect, Fired, Refused};
pub use details::{Details, HourCount, PastMessage};
pub use event::{
    Change, Channel, Chat, ConversationFacts, Ctwa, Event, Geo, LeadFacts, Membership, Message, Named, Object, Sender,
    TagFact, Utm, ValueFacts,
};
pub use explanation::{Evaluated, Explanation, Extracted, FirstFalse, Held};
pub use fate::Fate;
pub use lead::{Lead, LeadRecord, Profile, replace_text};
pub use limits::{ATTRIBUTES_BYTES_MAX, FACT_BYTES_MAX, SET_BYTES_MAX, kept};
pub use outbound_message::{
    Button, Media, MediaKind, Menu, MenuRow, MenuSection, OutboundMessage, Part, Recipient, Unsendable,
};
pub use patch::{Applied, NOTES_BYTES_MAX, On, Patch, ValueTarget};
pub use rule_set::{RuleSetRecord, RuleSetStatus};
pub use state_block::{
    Anchor, ChainPosition, ConversationEntry, DisabledRule, Entries, Entry, InputRange, LeadEntry, LoopHit, Mark,
    OlderStateBlock, Packed, SeenDay, Spread, SpreadStep, StateBlock, Unpackable,
};
pub use symbols::{
    ChatKind, Consent, ConversationPriority, ConversationStatus, EventKind, LeadPriority, MessageType, SenderKind,
    StepKind, UnknownSymbol,
};
pub use text::Str;
pub use time::{Timestamp, TimestampError};
pub use value::{Money, Number, Value};
pub use verdict::{Scope, Verdict, Wait};

#[cfg(test)]
mod tests;
