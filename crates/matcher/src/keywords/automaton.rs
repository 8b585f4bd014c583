//! Multi-pattern search: needle texts in, (needle, end offset) of every occurrence out.
//!
//! One Aho-Corasick automaton with overlapping matches: a DFA while it is small enough to stay in cache, a contiguous
//! NFA beyond. Absent: an early stop; a scan reads the whole text.
//! Source: design notes of aho-corasick (`DESIGN.md`); figures in `benches/matcher.rs`.

use aho_corasick::automaton::Automaton as _;
use aho_corasick::nfa::contiguous;
use aho_corasick::{Anchored, dfa};

/// Most bytes of transitions a DFA may take.
const DFA_BYTES_MAX: usize = 4 << 20;

/// A compiled set of needles.
#[derive(Debug)]
pub(super) enum Automaton {
    Empty,
    Dfa(dfa::DFA),
    Contiguous(contiguous::NFA),
}

impl Automaton {
    /// Compiles `needles`, none of which is empty, and which are within the bounds of a keyword set.
    pub(super) fn new(needles: &[String]) -> Self {
        const WITHIN: &str = "a keyword set's bounds keep automata far below 2^31 states";
        if needles.is_empty() {
            Self::Empty
        } else if dfa_bytes(needles) <= DFA_BYTES_MAX {
            Self::Dfa(dfa::Builder::new().prefilter(false).build(needles).expect(WITHIN))
        } else {
            Self::Contiguous(contiguous::Builder::new().prefilter(false).build(needles).expect(WITHIN))
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Dfa(dfa) => dfa.memory_usage(),
            Self::Contiguous(nfa) => nfa.memory_usage(),
        }
    }

    /// Calls `found` with every occurrence of every needle: its index and the offset behind it.
    pub(super) fn each_match(&self, haystack: &[u8], found: impl FnMut(usize, usize)) {
        match self {
            Self::Empty => {}
            Self::Dfa(dfa) => walk(dfa, haystack, found),
            Self::Contiguous(nfa) => walk(nfa, haystack, found),
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
