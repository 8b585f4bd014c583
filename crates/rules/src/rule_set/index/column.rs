//! One thing that many rules ask of an event, answered for all of them by looking once.
//!
//! In: the rules that ask, and what. Out: for an event, a bit for every rule: whether it may still hold. A rule that does not
//! ask may always.
//! CO-1: a column answers exactly as the conditions it stands for, so that a rule need not look at them again; the ones it
//! cannot answer exactly it names, and lets the rule pass where they may hold.

use kilat_domain::{EventKind, Number};

use super::cells::{Cells, Fulfilled};
use super::reading::read;
use crate::conditions::{Leaf, Spelling};
use crate::facts::{Chosen, Env};
use crate::fields::FieldRef;
use crate::rule::is_message;
use crate::rule_set::program::Literal;
use crate::rule_set::standing::{is_message_added, sender};

/// Most numbers that get cells of their own; tests have smaller rule sets.
const THRESHOLDS_MAX: usize = if cfg!(test) { 3 } else { 96 };

/// Bits for each cell of something, one for every rule of the set.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) source: Source,
    /// The bits of the first cell, then of the second …
    pub(super) bits: Box<[u64]>,
    /// Where a field can have several values at once: the rules for which one of them is enough; for the others all must do.
    pub(super) one_is_enough: Box<[u64]>,
}

/// Where the answer comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// The value of a field.
    Field(FieldRef, Spelling, Cells),
    /// One condition that many rules share; the cells are false and true.
    Shared(Leaf),
    /// Who wrote a message.
    Sender,
    /// The kind of chat.
    Chat,
    /// Whether a message counts as added to a conversation that was known before.
    Added,
}

/// Cells of [`Source::Sender`] and [`Source::Chat`]: none, not asked for, and one for each kind.
const NOBODY: u32 = 0;
const NOT_ASKED: u32 = 1;
const FIRST_KIND: u32 = 2;

impl Column {
    /// A column for the conditions `asked`, each by the rule of its place; all of them are on one field. Also tells of each
    /// whether it is answered. `None` where they compare the field with too many values.
    pub(super) fn of_field(
        asked: &[(usize, Literal<'_>)],
        spelling: Spelling,
        rules: usize,
        cells_max: usize,
    ) -> Option<(Column, Vec<bool>)> {
        let field = asked[0].1.leaf.field.clone();
        let cells = Cells::for_conditions(asked.iter().map(|(_, literal)| literal.leaf), THRESHOLDS_MAX);
        if cells.len() > cells_max {
            return None;
        }
        let several = field.has_several();
        let words = rules.div_ceil(64);
        let mut bits = vec![u64::MAX; cells.len() * words];
        let mut one_is_enough = vec![0; if several { words } else { 0 }];
        let mut answered = Vec::with_capacity(asked.len());
        for (place, literal) in asked {
            let (word, bit) = (place / 64, 1 << (place % 64));
            let fulfilled = cells.fulfilled(literal.leaf.condition.compared()?);
            answered.push(!fulfilled.contains(&Fulfilled::Either));
            for (cell, fulfilled) in fulfilled.into_iter().enumerate() {
                let may_hold = match fulfilled {
                    Fulfilled::Missing => literal.decide(None),
                    Fulfilled::Yes => literal.decide(Some(true)),
                    Fulfilled::No => literal.decide(Some(false)),
                    Fulfilled::Either => true,
                };
                if !may_hold {
                    bits[cell * words + word] &= !bit;
                }
            }
            if several && !literal.is_negative() {
                one_is_enough[word] |= bit;
            }
        }
        let source = Source::Field(field, spelling, cells);
        Some((Column { source, bits: bits.into(), one_is_enough: one_is_enough.into() }, answered))
    }

    /// A column for one condition that rules of these places share; `true` where they ask for the contrary.
    pub(super) fn of_shared(leaf: &Leaf, asked: &[(usize, bool)], rules: usize) -> Column {
        let words = rules.div_ceil(64);
        let mut bits = vec![u64::MAX; 2 * words];
        for (place, inverted) in asked {
            bits[usize::from(*inverted) * words + place / 64] &= !(1 << (place % 64));
        }
        Column { source: Source::Shared(leaf.clone()), bits: bits.into(), one_is_enough: Box::default() }
    }

    /// A column for the senders that rules see, one bit for each kind.
    pub(super) fn of_senders(senders: &[u32], kinds: usize) -> Column {
        Column::of_masks(Source::Sender, senders, kinds)
    }

    /// A column for the kinds of chat that rules see, one bit for each kind.
    pub(super) fn of_chats(chats: &[u32], kinds: usize) -> Column {
        Column::of_masks(Source::Chat, chats, kinds)
    }

    /// A column for rules that see added messages only.
    pub(super) fn of_added(only_added: &[bool]) -> Column {
        let words = only_added.len().div_ceil(64);
        let mut bits = vec![u64::MAX; 2 * words];
        for (place, _) in only_added.iter().enumerate().filter(|(_, only)| **only) {
            bits[place / 64] &= !(1 << (place % 64));
        }
        Column { source: Source::Added, bits: bits.into(), one_is_enough: Box::default() }
    }

    fn of_masks(source: Source, masks: &[u32], kinds: usize) -> Column {
        let words = masks.len().div_ceil(64);
        let mut bits = vec![u64::MAX; (FIRST_KIND as usize + kinds) * words];
        for (place, mask) in masks.iter().enumerate() {
            let (word, bit) = (place / 64, 1 << (place % 64));
            bits[NOBODY as usize * words + word] &= !bit;
            for kind in (0..kinds).filter(|kind| mask >> kind & 1 == 0) {
                bits[(FIRST_KIND as usize + kind) * words + word] &= !bit;
            }
        }
        Column { source, bits: bits.into(), one_is_enough: Box::default() }
    }

    /// The share of bits that are set, over all cells: how little the column tells on average.
    pub(super) fn density(&self) -> f64 {
        let set: u32 = self.bits.iter().map(|bits| bits.count_ones()).sum();
        f64::from(set) / (self.bits.len() as f64 * 64.0)
    }

    /// Whether a condition has to be worked out, which costs more than reading a field.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.source, Source::Shared(_))
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.source.memory_bytes() + size_of_val(&*self.bits) + size_of_val(&*self.one_is_enough) + size_of::<Column>()
    }
}

impl Source {
    /// The field that the answer hangs on, where it is one.
    pub(super) fn field(&self) -> Option<&FieldRef> {
        match self {
            Source::Field(field, ..) => Some(field),
            Source::Shared(leaf) => Some(&leaf.field),
            Source::Sender | Source::Chat | Source::Added => None,
        }
    }

    /// What is read first to find a value's cell, where that is what is done.
    pub(super) fn memory(&self) -> Option<(&[Number], &[u8])> {
        match self {
            Source::Field(_, _, cells) => Some(cells.memory()),
            Source::Shared(_) | Source::Sender | Source::Chat | Source::Added => None,
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Source::Field(_, _, cells) => cells.memory_bytes(),
            Source::Shared(_) | Source::Sender | Source::Chat | Source::Added => 0,
        }
    }

    /// Looks at the event.
    pub(super) fn choose(&self, env: &mut Env<'_, '_>) -> Chosen {
        let facts = env.facts;
        let cell = match self {
            Source::Field(field, spelling, cells) => return read(field, *spelling, cells, env),
            Source::Shared(leaf) => {
                env.scratch.spend(leaf.condition.steps(&leaf.field, facts));
                u32::from(leaf.holds(env))
            }
            Source::Sender if !is_message(facts.event.kind) => NOT_ASKED,
            Source::Sender => sender(facts.event).map_or(NOBODY, |sender| FIRST_KIND + sender as u32),
            Source::Chat => facts.event.chat_kind().map_or(NOT_ASKED, |kind| FIRST_KIND + kind as u32),
            Source::Added => u32::from(facts.event.kind != EventKind::MessageCreated || is_message_added(facts)),
        };
        Chosen::Cell(cell)
    }
}
