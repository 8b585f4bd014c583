//! What the rules of a workspace need a conversation to remember beyond its last state.
//!
//! In: the rules of a set. Out: a [`Memory`]. The engine keeps no more than it says: a workspace none of whose rules looks
//! back keeps nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::rule::Rule;

/// How many hours customer messages are counted by the hour: seven days.
pub const WEEK_HOURS: i32 = 7 * 24;

/// What conversations of a workspace remember.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Customer messages of the last week, by the hour: for `chat_count.window_7d`.
    pub week: bool,
    /// The latest messages: for conditions on `history`.
    pub history: Option<Keep>,
}

/// How much of a conversation's past is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// So many messages at most.
    pub messages: usize,
    /// Nothing older than so long before the latest; `None` is as long as there is room.
    pub within: Option<Duration>,
    /// Whether texts are kept, up to [`Keep::TEXT_BYTES_MAX`] of each.
    pub texts: bool,
}

impl Keep {
    /// How much of a message's text is kept.
    pub const TEXT_BYTES_MAX: usize = crate::conditions::history::TEXT_BYTES_MAX;

    /// Enough for both.
    fn and(self, other: Keep) -> Keep {
        Keep {
            messages: self.messages.max(other.messages),
            within: self.within.zip(other.within).map(|(one, two)| one.max(two)),
            texts: self.texts || other.texts,
        }
    }
}

impl Memory {
    /// Nothing at all.
    pub const NONE: Memory = Memory { week: false, history: None };

    /// What these rules need.
    pub(crate) fn of(rules: &[Arc<Rule>]) -> Memory {
        let mut memory = Memory::NONE;
        for rule in rules {
            rule.each_leaf(&mut |leaf| {
                memory.week |= leaf.field.field.name == "chat_count.window_7d";
                if let Some(keep) = leaf.condition.keeps() {
                    memory.history = Some(memory.history.map_or(keep, |known| known.and(keep)));
                }
            });
        }
        memory
    }
}
