//! What looking costs, in steps: the same on every machine and in every replay, because nothing here reads a clock (D-43).
//!
//! A step stands for at most a microsecond and a half of a slow core, so that an event and everything it causes stays below 50 ms
//! whatever authors write. Costs are what the worst case may take, not what is usual: a pass of ordinary rules spends some
//! dozens of steps. `benches/examples/worst` looks for what costs more than it says.

use kilat_matcher::{HAYSTACK_CHARS_MAX, Regex};

/// Most steps an event and the events it causes may take together.
pub const STEPS_MAX: u32 = 30_000;
/// What is said of rules and actions for which too few steps were left.
pub const BUDGET_EXCEEDED: &str = "budget_exceeded";
/// What one pass takes, with the event that was caused for it.
pub(crate) const PASS: u32 = 4;
/// What one action takes that a rule does.
pub(crate) const ACTION: u32 = 8;
/// Bytes that are copied in one step: from a field to a message, from there to a decision and into its record.
const COPIED_BYTES: usize = 128;
/// What a value takes beside its bytes, where it is copied.
pub(crate) const VALUE_BYTES: usize = 64;
/// Bytes of a text that are searched for amounts in one step.
const EXTRACTED_BYTES: usize = 6;
/// Bytes of text that are folded and scanned for keywords in one step.
const SCANNED_BYTES: usize = 8;
/// Keywords that are compared at one position of a text in the time that all else takes there.
const COMPARISONS: usize = 16;
/// Bytes of ASCII text that are folded in one step; others take as long as scanning does.
const FOLDED_ASCII_BYTES: usize = 64;
/// Bytes of text that are compared or searched for one text in one step.
const SEARCHED_BYTES: usize = 128;
/// Bytes of text that are compared in one step with each of the texts that stay folded.
const RECALLED_BYTES: usize = 2_048;
/// Places of a pattern's automaton that are visited in one step; every byte may visit all of them.
const VISITED_STATES: usize = 256;
/// Short values that are compared in one step.
pub(crate) const COMPARED_VALUES: usize = 32;
/// Members of a set that are folded and looked up in one step.
const LOOKED_UP_VALUES: usize = 4;

/// Takes so many steps from those that are left; whether there were so many.
pub(crate) fn spend(left: &mut Option<u32>, steps: u32) -> bool {
    *left = left.and_then(|left| left.checked_sub(steps));
    left.is_some()
}

/// Folding a text and scanning it for keywords, so many of which are compared at one of its positions at most.
pub(crate) fn scan(bytes: usize, comparisons: usize) -> u32 {
    steps(bytes * (COMPARISONS + comparisons) / (COMPARISONS * SCANNED_BYTES))
}

/// Folding a text.
pub(crate) fn fold(text: &str) -> u32 {
    let ascii = if text.is_ascii() { text.len() } else { text.bytes().filter(u8::is_ascii).count() };
    steps(ascii / FOLDED_ASCII_BYTES + (text.len() - ascii) / SCANNED_BYTES) - 1
}

/// Finding a text among those that stay folded.
pub(crate) fn recall(bytes: usize) -> u32 {
    steps(bytes / RECALLED_BYTES) - 1
}

/// Comparing a text of this length with so many others, in whichever way.
pub(crate) fn search(bytes: usize, texts: usize) -> u32 {
    steps(bytes.saturating_mul(texts) / SEARCHED_BYTES + compare(texts) as usize)
}

/// Deciding whether a finding of so many bytes is a word: the flags before it may have to be counted; and going on behind it.
pub(crate) fn word(bytes: usize) -> u32 {
    steps(bytes / SEARCHED_BYTES)
}

/// Searching a text of this length with a pattern whose automaton has so many states.
fn pattern(bytes: usize, states: usize) -> u32 {
    steps(bytes.saturating_mul(states) / VISITED_STATES)
}

/// Searching a text with a pattern.
pub(crate) fn pattern_in(pattern: &Regex, text: &str) -> u32 {
    // Code points are searched, of up to four bytes.
    self::pattern(text.len().min(4 * HAYSTACK_CHARS_MAX), pattern.states())
}

/// Searching what is left of a text behind this place.
pub(crate) fn pattern_from(pattern: &Regex, text: &str, from: usize) -> u32 {
    self::pattern(text.len().min(4 * HAYSTACK_CHARS_MAX).saturating_sub(from), pattern.states())
}

/// Searching a text for amounts; a text has a head that is searched.
pub(crate) fn extract(text: &str) -> u32 {
    steps(text.len().min(4 * HAYSTACK_CHARS_MAX) / EXTRACTED_BYTES)
}

/// Copying so many bytes, through everything that is made of them.
pub(crate) const fn copy(bytes: usize) -> u32 {
    steps(bytes / COPIED_BYTES) - 1
}

/// Comparing a short value with so many others.
pub(crate) fn compare(values: usize) -> u32 {
    steps(values / COMPARED_VALUES)
}

/// Looking up each of so many members of a set.
pub(crate) fn look_up(members: usize) -> u32 {
    steps(members / LOOKED_UP_VALUES) - 1
}

/// What the engine takes to compare a name with so many others.
pub fn compare_steps(values: usize) -> u32 {
    compare(values)
}

/// What the engine takes to copy so many bytes.
pub const fn copy_steps(bytes: usize) -> u32 {
    copy(bytes)
}

/// At least one.
const fn steps(steps: usize) -> u32 {
    if steps < u32::MAX as usize { steps as u32 + 1 } else { u32::MAX }
}
