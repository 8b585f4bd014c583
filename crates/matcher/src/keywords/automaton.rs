//! Multi-pattern search: needle texts in, (needle, end offset) of every occurrence out.
//!
//! Two structures, of which the set decides: hashed grams, unless their needles are of several gram lengths and few
//! enough for one Aho-Corasick DFA that stays in the second-level cache, which then reads the haystack only once.
//! Needles that find no free gram (they share all of theirs with many others) go to a contiguous Aho-Corasick NFA.
//! Absent: an early stop; a scan reads the whole text.
//! Source: design notes of aho-corasick (`DESIGN.md`); figures in `benches/matcher.rs`.

use aho_corasick::automaton::Automaton as _;
use aho_corasick::nfa::contiguous;
use aho_corasick::{Anchored, dfa};

use super::grams::Grams;

/// Most bytes of transitions a DFA may take.
const DFA_BYTES_MAX: usize = 128 << 10;
/// Why building cannot fail.
const WITHIN: &str = "a keyword set's bounds keep automata far below 2^31 states";

/// A compiled set of needles.
#[derive(Debug)]
pub(super) enum Automaton {
    Empty,
    Dfa(Box<dfa::DFA>),
    Grams(Grams, Option<Box<Unfiled>>),
}

/// The needles that found no free gram.
#[derive(Debug)]
pub(super) struct Unfiled {
    nfa: contiguous::NFA,
    /// Which needle each pattern of the automaton is.
    needles: Vec<usize>,
}

impl Automaton {
    /// Compiles `needles`, none of which is empty, and which are within the bounds of a keyword set.
    pub(super) fn new(needles: &[String]) -> Self {
        if needles.is_empty() {
            Self::Empty
        } else if Grams::passes(needles) > 1 && dfa_bytes(needles) <= DFA_BYTES_MAX {
            Self::dfa(needles)
        } else {
            Self::grams(needles)
        }
    }

    fn dfa(needles: &[String]) -> Self {
        Self::Dfa(Box::new(dfa::Builder::new().prefilter(false).build(needles).expect(WITHIN)))
    }

    fn grams(needles: &[String]) -> Self {
        let (grams, unfiled) = Grams::new(needles);
        let unfiled = (!unfiled.is_empty()).then(|| {
            let texts = unfiled.iter().map(|&needle| &needles[needle]);
            let nfa = contiguous::Builder::new().prefilter(false).build(texts).expect(WITHIN);
            Box::new(Unfiled { nfa, needles: unfiled })
        });
        Self::Grams(grams, unfiled)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Dfa(dfa) => dfa.memory_usage(),
            Self::Grams(grams, unfiled) => {
                grams.memory_bytes() + unfiled.as_ref().map_or(0, |unfiled| unfiled.nfa.memory_usage())
            }
        }
    }

    /// As [`super::KeywordSet::lines`]; a DFA does not say where its tables are.
    pub(super) fn lines(&self, depth: usize, line: &mut impl FnMut(*const u8)) {
        if let Self::Grams(grams, _) = self {
            grams.lines(depth, line);
        }
    }

    /// Comparisons and matches that a position of a haystack may come to at most, near enough.
    pub(super) fn comparisons_max(&self, needles: &[String]) -> usize {
        match self {
            Self::Empty => 0,
            Self::Dfa(dfa) => matches_max(&**dfa, needles.iter()),
            Self::Grams(grams, unfiled) => {
                let unfiled = unfiled.as_ref().map_or(0, |unfiled| {
                    matches_max(&unfiled.nfa, unfiled.needles.iter().map(|&needle| &needles[needle]))
                });
                grams.comparisons_max() + unfiled
            }
        }
    }

    /// Calls `found` with every occurrence of every needle: its index and the offset behind it.
    pub(super) fn each_match(&self, haystack: &[u8], mut found: impl FnMut(usize, usize)) {
        match self {
            Self::Empty => {}
            Self::Dfa(dfa) => walk(&**dfa, haystack, found),
            Self::Grams(grams, unfiled) => {
                grams.each_match(haystack, &mut found);
                if let Some(unfiled) = unfiled {
                    walk(&unfiled.nfa, haystack, |pattern, end| found(unfiled.needles[pattern], end));
                }
            }
        }
    }
}

/// At most this many bytes of DFA: a state for every byte of every needle, a column for every distinct byte.
fn dfa_bytes(needles: &[String]) -> usize {
    let mut seen = [false; 256];
    let mut states = 2;
    for needle in needles {
        states += needle.len();
        for &byte in needle.as_bytes() {
            seen[usize::from(byte)] = true;
        }
    }
    let classes = seen.iter().filter(|&&seen| seen).count() + 1;
    states * classes.next_power_of_two() * size_of::<u32>()
}

/// Most needles that end at one place: most that one of them ends with, itself among them.
fn matches_max<'n, A: aho_corasick::automaton::Automaton>(
    automaton: &A,
    needles: impl Iterator<Item = &'n String>,
) -> usize {
    let Ok(start) = automaton.start_state(Anchored::No) else { return 0 };
    let ends =
        needles.map(|needle| needle.bytes().fold(start, |state, byte| automaton.next_state(Anchored::No, state, byte)));
    ends.filter(|&end| automaton.is_match(end)).map(|end| automaton.match_len(end)).max().unwrap_or(0)
}

fn walk<A: aho_corasick::automaton::Automaton>(automaton: &A, haystack: &[u8], mut found: impl FnMut(usize, usize)) {
    let Ok(mut state) = automaton.start_state(Anchored::No) else { return };
    for (at, &byte) in haystack.iter().enumerate() {
        state = automaton.next_state(Anchored::No, state, byte);
        if automaton.is_special(state) && automaton.is_match(state) {
            for i in 0..automaton.match_len(state) {
                found(automaton.match_pattern(state, i).as_usize(), at + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests;
