//! Patches: what rules do to leads and conversations, and what came of it.

use compact_str::CompactString;

use crate::{
    Consent, ConversationPriority, ConversationStatus, LeadPriority, Money, Number, SET_BYTES_MAX, Timestamp, Value,
    kept,
};

/// How much notes hold, in bytes.
pub const NOTES_BYTES_MAX: usize = 8 << 10;

/// What carries a tag, an attribute or notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The conversation.
    Conversation,
    /// The lead.
    Lead,
}

/// Which of a lead's values is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueTarget {
    /// What was paid.
    Actual,
    /// What is expected.
    Estimated,
}

/// One change of a lead or a conversation; setting what is already so is no change (D-39).
#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// Set the lead's status to an id of the registry.
    LeadStatus(Box<str>),
    /// Set the lead's priority.
    LeadPriority(LeadPriority),
    /// Set the lead's score.
    Score(Number),
    /// Set one of the lead's values.
    Value {
        /// Which one.
        target: ValueTarget,
        /// The amount.
        money: Money,
        /// The text it was read from.
        raw: Box<str>,
    },
    /// Set the lead's audience tag.
    Audience(Box<str>),
    /// Put the lead on a list or take it off.
    List {
        /// The list.
        name: Box<str>,
        /// On or off.
        add: bool,
    },
    /// Record the lead's marketing consent.
    Consent(Consent),
    /// Block or unblock the lead.
    Blocked(bool),
    /// Set one of the lead's text fields (`city`, `notes` …).
    LeadText {
        /// The field without `lead.`.
        field: Box<str>,
        /// Its new text.
        text: Box<str>,
    },
    /// Add a line to the notes.
    Note {
        /// Whose notes.
        on: On,
        /// The line.
        text: Box<str>,
    },
    /// Add or remove a tag.
    Tag {
        /// What carries it.
        on: On,
        /// The tag.
        name: Box<str>,
        /// Add or remove.
        add: bool,
    },
    /// Set a custom attribute.
    Attribute {
        /// What carries it.
        on: On,
        /// Its key.
        path: Box<str>,
        /// Its new value.
        value: Value<'static>,
    },
    /// Set the conversation's status; a snooze ends when somebody ends it.
    ConversationStatus(ConversationStatus),
    /// Snooze the conversation until then.
    Snooze(Timestamp),
    /// Set the conversation's priority.
    ConversationPriority(ConversationPriority),
    /// Assign the conversation to an agent or pool, or to nobody.
    Assignee(Option<Box<str>>),
}

/// What came of a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The field, named as in rules.
    pub field: &'static str,
    /// Whether the state differs from before.
    pub changed: bool,
    /// The value before; `None` was missing. For sets: the member, where it was there.
    pub from: Option<String>,
    /// The value after; `None` is missing. For sets: the member, where it is there.
    pub to: Option<String>,
}

impl Applied {
    pub(crate) fn of(field: &'static str, changed: bool, from: Option<String>, to: Option<String>) -> Applied {
        Applied { field, changed, from, to }
    }

    pub(crate) fn text(field: &'static str, known: &mut CompactString, text: &str) -> Applied {
        if **known == *text {
            return Self::of(field, false, Some(text.to_owned()), Some(text.to_owned()));
        }
        let from = std::mem::replace(known, text.into());
        Self::of(field, true, Some(from.into()), Some(text.to_owned()))
    }

    pub(crate) fn optional_text(field: &'static str, known: &mut Option<CompactString>, text: Option<&str>) -> Applied {
        let text = text.map(kept);
        let changed = known.as_deref() != text;
        let from = std::mem::replace(known, text.map(CompactString::from));
        Self::of(field, changed, from.map(String::from), text.map(str::to_owned))
    }

    pub(crate) fn symbol<T: PartialEq + ToString + Copy>(
        field: &'static str,
        known: &mut Option<T>,
        symbol: T,
    ) -> Applied {
        let from = known.replace(symbol);
        Self::of(field, from != Some(symbol), from.map(|s| s.to_string()), Some(symbol.to_string()))
    }

    /// Adds a line to notes. What their last line says already is not said again; the oldest lines make room.
    pub(crate) fn note(field: &'static str, known: &mut Option<CompactString>, line: &str) -> Applied {
        let line = &line[..line.floor_char_boundary(NOTES_BYTES_MAX)];
        let last = known.as_deref().and_then(|notes| notes.lines().next_back());
        if line.is_empty() || last == Some(line) {
            return Self::of(field, false, None, Some(line.to_owned()));
        }
        let mut notes = known.take().map_or_else(String::new, String::from);
        if !notes.is_empty() {
            notes.push('\n');
        }
        notes.push_str(line);
        let too_many = notes.len().saturating_sub(NOTES_BYTES_MAX);
        if too_many > 0 {
            // Looked for among the bytes: what is too many may end within a character.
            let end = notes.as_bytes()[too_many - 1..].iter().position(|byte| *byte == b'\n');
            let cut = end.map_or(notes.len(), |end| too_many + end);
            notes.drain(..cut);
        }
        *known = Some(notes.as_str().into());
        Self::of(field, true, None, Some(line.to_owned()))
    }

    /// Adds or removes a member of a sorted set; one that finds no room changes nothing.
    pub(crate) fn member(field: &'static str, set: &mut Vec<CompactString>, name: &str, add: bool) -> Applied {
        let found = set.binary_search_by(|member| (**member).cmp(name));
        if add && found.is_err() && set.iter().map(|name| name.len()).sum::<usize>() + name.len() > SET_BYTES_MAX {
            return Self::of(field, false, None, None);
        }
        let name_if = |there: bool| there.then(|| name.to_owned());
        let applied = Self::of(field, found.is_ok() != add, name_if(found.is_ok()), name_if(add));
        match found {
            Ok(at) if !add => drop(set.remove(at)),
            Err(at) if add => set.insert(at, name.into()),
            _ => {}
        }
        applied
    }
}
