//! Regular expressions for `matches` and for extraction (D-6).
//!
//! Input: a pattern, then original (unfolded) texts. Output: whether and where it matches, what its capture holds, and
//! which literals a text must hold for it to match at all.
//! RX-1: a search costs at most the compiled size times the haystack, and the haystack is at most
//! [`HAYSTACK_CHARS_MAX`] code points: no pattern and no text makes it super-linear.
//! RX-2: if a pattern has required literals, then every text it matches holds one of them once its code points are mapped
//! and its whitespace is squeezed.
//! RX-3: a search takes no lock; all that it writes is in the caller's [`RegexScratch`].
//! Absent: look-around and back-references (no linear search has them), replacement, many patterns at once (their literals
//! go into the one keyword scan; a combined automaton explodes).
//! Source: `regex-syntax` for the dialect, `regex-automata` for the search.

mod engine;
mod filed;
mod literals;
mod scratch;

use std::hash::{Hash as _, Hasher as _};
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use regex_automata::Input;
use regex_syntax::hir::{Hir, HirKind};
use rustc_hash::FxHasher;

pub use filed::FiledRegex;
pub use scratch::RegexScratch;

use engine::Engine;
use literals::Required;

/// Most code points a pattern may have (D-6).
pub const PATTERN_CHARS_MAX: usize = 512;
/// Code points of a text that are searched; what follows is as if it were not there (D-6).
pub const HAYSTACK_CHARS_MAX: usize = 4_096;
/// Most bytes a compiled pattern's automaton may take. One `\w` takes 18,000 of them (it is 130,000 characters in 770
/// ranges), one `[a-z0-9]` about 100.
pub const NFA_BYTES_MAX: usize = 256 << 10;
/// Most matches [`Regex::each_match`] reports in one text.
pub const MATCHES_MAX: usize = 64;
/// Bytes of states a lazily built DFA may hold before it starts over.
const LAZY_DFA_BYTES_MAX: usize = 32 << 10;
/// Most levels of nesting in a pattern.
const NESTING_MAX: u32 = 64;
/// The group that is captured, wherever it stands.
const VALUE_GROUP: &str = "value";

/// Whether upper and lower case differ to a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Case {
    /// They do not, by Unicode's simple case folding; the default (D-6).
    #[default]
    Insensitive,
    /// They do.
    Sensitive,
}

/// Why a pattern is refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RegexError {
    /// The pattern is too long.
    #[error("the pattern has {chars} characters, the limit is {PATTERN_CHARS_MAX}")]
    TooLong {
        /// Its length in code points.
        chars: usize,
    },
    /// The pattern does not parse. The source says where; look-around and back-references are named as such.
    #[error("the pattern is not a valid regular expression")]
    Syntax(#[source] Box<regex_syntax::Error>),
    /// The pattern is valid but its automaton is too large.
    #[error(
        "the pattern needs more than {NFA_BYTES_MAX} bytes once compiled; smaller repetition counts or narrower classes help"
    )]
    TooLarge,
}

/// Where a pattern matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexMatch {
    /// Bytes of the text that matched as a whole.
    pub span: Range<usize>,
    /// Bytes of the group named `value`, else of group 1, if there is one and it took part.
    pub value: Option<Range<usize>>,
}

/// A compiled pattern. Immutable and cheap to clone; share it between threads as it is.
#[derive(Clone, Debug)]
pub struct Regex {
    compiled: Arc<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    pattern: String,
    engine: Engine,
    /// The index of the captured group.
    group: Option<usize>,
    /// Sets of literals of each of which a folded text must hold one, the most selective first.
    required: Vec<Required>,
    /// Whether a literal of the first set, in ASCII and in whatever case, is a match already.
    literals_are_enough: bool,
    /// Spreads patterns over the places of a scratch.
    hash: u64,
}

impl Regex {
    /// Compiles `pattern`.
    ///
    /// *Errors:* the pattern is too long, not valid, or too large once compiled.
    pub fn new(pattern: &str, case: Case) -> Result<Self, RegexError> {
        let chars = pattern.chars().count();
        if chars > PATTERN_CHARS_MAX {
            return Err(RegexError::TooLong { chars });
        }
        let hir = regex_syntax::ParserBuilder::new()
            .case_insensitive(case == Case::Insensitive)
            .nest_limit(NESTING_MAX)
            .build()
            .parse(pattern)
            .map_err(|error| RegexError::Syntax(Box::new(error)))?;
        // A pattern that parsed can only fail to compile by its size.
        let engine = Engine::new(&hir).ok_or(RegexError::TooLarge)?;
        let group = value_group(&hir);
        let required = literals::required(&hir);
        let literals_are_enough = required.len() == 1 && literals::are_enough(&hir, &required[0].literals);
        let hash = hash_of(pattern, case);
        Ok(Self {
            compiled: Arc::new(Compiled {
                pattern: pattern.to_owned(),
                engine,
                group,
                required,
                literals_are_enough,
                hash,
            }),
        })
    }

    /// Returns the pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.compiled.pattern
    }

    /// Whether the pattern has a group to capture: one named `value`, or any.
    #[must_use]
    pub fn has_capture(&self) -> bool {
        self.compiled.group.is_some()
    }

    /// Returns literals of which a text must hold at least one for the pattern to match, once its code points are mapped as
    /// folding does; `None` if the pattern promises nothing of the kind. Each literal has at least two bytes.
    #[must_use]
    pub fn required_literals(&self) -> Option<&[String]> {
        self.compiled.required.first().map(|required| &*required.literals)
    }

    /// Returns the number of states of the automaton; a search visits each at most once for every byte.
    #[must_use]
    pub fn states(&self) -> usize {
        self.compiled.engine.nfa().states().len()
    }

    /// Returns the bytes of heap the compiled pattern holds, for limits and metrics.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.compiled.engine.nfa().memory_usage() + self.compiled.pattern.len()
    }

    /// Whether the pattern matches within the searched part of `text`.
    #[must_use]
    pub fn is_match(&self, text: &str, scratch: &mut RegexScratch) -> bool {
        self.confirm(&Input::new(haystack(text)), scratch)
    }

    /// Whether there is a match in `input`. Anchored searches are short, so that those of rare patterns do without a DFA.
    fn confirm(&self, input: &Input<'_>, scratch: &mut RegexScratch) -> bool {
        if input.get_anchored().is_anchored() && scratch.is_rare(&self.compiled) {
            return self.compiled.engine.is_match_without_dfa(input, scratch);
        }
        let place = scratch.seat(&self.compiled);
        self.compiled.engine.is_match(input, scratch, place)
    }

    /// Returns the leftmost match within the searched part of `text`.
    #[must_use]
    pub fn find(&self, text: &str, scratch: &mut RegexScratch) -> Option<RegexMatch> {
        self.search(&Input::new(haystack(text)), scratch)
    }

    /// Calls `found` with each of the first [`MATCHES_MAX`] matches that do not overlap, from left to right, until it
    /// breaks: finding the next one may take a search of all that is left.
    pub fn each_match(
        &self,
        text: &str,
        scratch: &mut RegexScratch,
        mut found: impl FnMut(RegexMatch) -> ControlFlow<()>,
    ) {
        let haystack = haystack(text);
        let mut start = 0;
        for _ in 0..MATCHES_MAX {
            let Some(found_at) = self.search(&Input::new(haystack).range(start..), scratch) else { return };
            start = found_at.span.end;
            if found_at.span.is_empty() {
                // The next search starts behind the next code point, or the empty match would be found again.
                let Some(next) = haystack[start..].chars().next() else {
                    let _ = found(found_at);
                    return;
                };
                start += next.len_utf8();
            }
            if found(found_at).is_break() {
                return;
            }
        }
    }

    fn search(&self, input: &Input<'_>, scratch: &mut RegexScratch) -> Option<RegexMatch> {
        let place = scratch.seat(&self.compiled);
        let groups = self.compiled.group.map_or(1, |group| group + 1);
        if !self.compiled.engine.find(input, scratch, place, groups) {
            return None;
        }
        let slots = &scratch.slots;
        let span = |group: usize| Some(slots[2 * group]?.get()..slots[2 * group + 1]?.get());
        Some(RegexMatch { span: span(0)?, value: self.compiled.group.and_then(span) })
    }
}

/// The part of `text` that is searched: its first [`HAYSTACK_CHARS_MAX`] code points.
#[must_use]
pub fn haystack(text: &str) -> &str {
    if text.len() <= HAYSTACK_CHARS_MAX {
        return text;
    }
    match text.char_indices().nth(HAYSTACK_CHARS_MAX) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// What spreads patterns over the places of a scratch.
fn hash_of(pattern: &str, case: Case) -> u64 {
    let mut hasher = FxHasher::default();
    (pattern, case).hash(&mut hasher);
    hasher.finish()
}

/// The index of the group named `value`, else 1 if there are groups.
fn value_group(hir: &Hir) -> Option<usize> {
    fn named(hir: &Hir) -> Option<usize> {
        match hir.kind() {
            HirKind::Capture(capture) if capture.name.as_deref() == Some(VALUE_GROUP) => Some(capture.index as usize),
            HirKind::Capture(capture) => named(&capture.sub),
            HirKind::Repetition(repetition) => named(&repetition.sub),
            HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().find_map(named),
            HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => None,
        }
    }
    named(hir).or((hir.properties().explicit_captures_len() > 0).then_some(1))
}

#[cfg(test)]
mod tests;
