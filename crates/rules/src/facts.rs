//! What rules look at, and the buffers they look at it with.
//!
//! In: an event and the state it was folded into. Out: [`Facts`] for conditions and actions; [`Scratch`], which keeps its
//! buffers from event to event so that looking allocates nothing.

use jiff::tz::TimeZone;
use kilat_domain::{Conversation, Event, Lead};
use kilat_matcher::{HitSet, RegexScratch, fold_into};

use crate::calendar::Local;
use crate::cost;
use crate::places::Places;
use crate::settings::Settings;

/// Bytes of a text that are folded and scanned for keywords; what follows is as if it were not there.
pub(crate) const SCAN_BYTES_MAX: usize = 64 << 10;

/// Texts other than the message's that stay folded until the pass ends.
const FOLDS_MAX: usize = 4;

/// An event with the state it was folded into, as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The event; its time is the `now` of every rule.
    pub event: &'a Event<'a>,
    /// Its lead, as it stands after the event and the rules so far.
    pub lead: Option<&'a Lead>,
    /// Its conversation, likewise.
    pub conversation: Option<&'a Conversation>,
    /// Whether this is the first customer message of the lead in the workspace (D-22).
    pub first_contact: bool,
    /// Whether this event made the conversation known.
    pub conversation_is_new: bool,
}

/// Buffers for evaluation, one per worker; what they hold belongs to the pass under way.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The folded message text.
    pub(crate) folded: String,
    /// The keywords in it.
    pub(crate) hits: HitSet,
    /// The rules that this event may have to ask.
    pub(crate) awake: Places,
    /// What the first columns of the rule set's index say of the event; nobody looked at the others yet.
    pub(crate) chosen: Vec<Chosen>,
    /// Those of them that may rule somebody out.
    pub(crate) telling: Vec<Telling>,
    /// Rows that would be looked at in the columns behind the last of these.
    pub(crate) silent: usize,
    /// The cells of columns where the event has several values.
    pub(crate) cells: Vec<u32>,
    /// Steps that the pass may still take; `None` once it needed more.
    pub(crate) steps_left: Option<u32>,
    /// What the index looked at that makes no whole step yet.
    pub(crate) looked: usize,
    /// Any other folded text that is wanted once.
    pub(crate) other: String,
    /// Texts of the state and what they fold to, `folds_used` of them: many rules ask for the same few fields.
    folds: [(String, String); FOLDS_MAX],
    folds_used: usize,
    /// The one that gives way to another text.
    folds_next: usize,
    pub(crate) regex: RegexScratch,
    /// Buffers for past messages, made when a condition on history first asks.
    pub(crate) past: Option<Box<Scratch>>,
    /// Whether the event has a message text at all.
    pub(crate) has_text: bool,
    /// Bytes that were seen of a text that has more; of several, the fewest.
    pub(crate) scanned: Option<usize>,
    local: Option<Local>,
}

/// What a column of an index says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// The cell of the event's value.
    Cell(u32),
    /// Where the cells of its values start among [`Scratch::cells`], and how many there are.
    Several(u32, u32),
}

/// What a column of an index leaves of the rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Telling {
    /// Where its row starts.
    pub(crate) row: u32,
    pub(crate) column: u32,
    /// Rows that would be looked at in this column and those before it that rule nobody out.
    pub(crate) looks: usize,
}

impl Chosen {
    /// The cells, where several stand among `several`.
    pub(crate) fn cells<'c>(&'c self, several: &'c [u32]) -> &'c [u32] {
        match self {
            Chosen::Cell(cell) => std::slice::from_ref(cell),
            Chosen::Several(start, len) => &several[*start as usize..][..*len as usize],
        }
    }
}

impl Scratch {
    /// Empty buffers.
    pub fn new() -> Scratch {
        Scratch::default()
    }

    /// Makes the buffers ready for another event.
    pub(crate) fn begin(&mut self) {
        self.folded.clear();
        self.has_text = false;
        self.scanned = None;
        self.local = None;
        self.looked = 0;
        self.folds_used = 0;
        self.folds_next = 0;
    }

    /// Takes so many steps; whether there were so many left.
    pub(crate) fn spend(&mut self, steps: u32) -> bool {
        cost::spend(&mut self.steps_left, steps)
    }

    /// Looks at so many short values.
    #[inline]
    pub(crate) fn look(&mut self, values: usize) {
        self.looked += values;
        if self.looked >= cost::COMPARED_VALUES {
            self.spend((self.looked / cost::COMPARED_VALUES) as u32);
            self.looked %= cost::COMPARED_VALUES;
        }
    }

    /// A text of the state, folded, with the steps that are left for looking at it; `None` where too few were left for folding.
    pub(crate) fn fold(&mut self, text: &str) -> Option<(&str, &mut Option<u32>)> {
        let kept = self.folds[..self.folds_used].iter().position(|(source, _)| source == text);
        let steps = cost::recall(text.len()) + if kept.is_some() { 0 } else { cost::fold(text) };
        if !self.spend(steps) {
            return None;
        }
        let at = kept.unwrap_or_else(|| {
            let at = self.folds_next;
            let (source, folded) = &mut self.folds[at];
            source.clear();
            source.push_str(text);
            fold_into(text, folded);
            self.folds_next = (at + 1) % FOLDS_MAX;
            self.folds_used = self.folds_used.max(at + 1);
            at
        });
        Some((&self.folds[at].1, &mut self.steps_left))
    }

    /// Notes that conditions or extractions see so many bytes of a text.
    pub(crate) fn saw(&mut self, seen: &str, text: &str) {
        if seen.len() < text.len() {
            self.scanned = Some(self.scanned.map_or(seen.len(), |fewest| fewest.min(seen.len())));
        }
    }

    /// Folds the message text, up to its cap.
    pub(crate) fn fold_message(&mut self, text: &str) {
        fold_into(head(text), &mut self.folded);
        self.has_text = true;
    }
}

/// The part of a text that is folded and scanned.
pub(crate) fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(SCAN_BYTES_MAX)]
}

/// Everything one condition sees.
pub(crate) struct Env<'e, 'f> {
    pub(crate) facts: &'e Facts<'f>,
    pub(crate) settings: &'e Settings,
    pub(crate) scratch: &'e mut Scratch,
}

impl Env<'_, '_> {
    /// What the workspace's wall clock shows; worked out once per event.
    pub(crate) fn local(&mut self) -> Local {
        let (now, zone): (_, &TimeZone) = (self.facts.event.occurred_at, &self.settings.timezone);
        *self.scratch.local.get_or_insert_with(|| Local::at(now, zone))
    }
}
