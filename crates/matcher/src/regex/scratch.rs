//! What searching writes to, kept between searches by the caller.
//!
//! Input: a compiled pattern. Output: a cache made for it, warm if the pattern was searched for lately.
//! RS-1: at most [`CACHES_MAX`] DFA caches; patterns that share a place use it by turns.
//! Absent: locks and pools; one scratch serves one thread.

use std::sync::Arc;

use regex_automata::hybrid;
use regex_automata::nfa::thompson::{backtrack, pikevm};
use regex_automata::util::primitives::NonMaxUsize;

use super::Compiled;

/// Places of a scratch, so many that a thousand patterns rarely share one.
pub(super) const PLACES: usize = 4_096;
/// Times a pattern is confirmed without a cache of its own: the first states of one cost more than that.
const UNSEATED_MAX: u8 = 16;
/// Most caches at a time. A cache has at most about 32 KB and mostly a fraction of that.
const CACHES_MAX: usize = 1_024;

/// Scratch space for searching with any number of patterns; one per thread.
#[derive(Debug)]
pub struct RegexScratch {
    places: Vec<Option<Box<Place>>>,
    caches: usize,
    /// How often a pattern of each place was confirmed without a cache.
    unseated: Vec<u8>,
    pub(super) slots: Vec<Option<NonMaxUsize>>,
    pub(super) backtrack: Option<backtrack::Cache>,
    pub(super) pike: Option<pikevm::Cache>,
}

#[derive(Debug)]
struct Place {
    /// Keeps the pattern alive, so that no other can come to have its address.
    owner: Arc<Compiled>,
    cache: hybrid::dfa::Cache,
}

impl Default for RegexScratch {
    fn default() -> Self {
        let places = std::iter::repeat_with(|| None).take(PLACES).collect();
        Self { places, caches: 0, unseated: vec![0; PLACES], slots: Vec::new(), backtrack: None, pike: None }
    }
}

impl RegexScratch {
    /// Returns an empty scratch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `pattern` was asked too rarely for a cache to pay; counts the asking.
    pub(super) fn is_rare(&mut self, pattern: &Arc<Compiled>) -> bool {
        let asked = &mut self.unseated[pattern.hash as usize % PLACES];
        let is_rare = *asked < UNSEATED_MAX;
        *asked += u8::from(is_rare);
        is_rare
    }

    /// Gives `pattern` its place and returns the number of it.
    pub(super) fn seat(&mut self, pattern: &Arc<Compiled>) -> usize {
        let at = pattern.hash as usize % self.places.len();
        match &mut self.places[at] {
            Some(place) if Arc::ptr_eq(&place.owner, pattern) => {}
            Some(place) => {
                place.owner = pattern.clone();
                // Not `Cache::reset`: it begins anew while its sets are still as large as the old automaton, and where those alone
                // are more than the new one may hold, clears itself until the stack is full (regex-automata 0.4.18).
                place.cache = pattern.engine.dfa.create_cache();
            }
            free => {
                *free = Some(Box::new(Place { owner: pattern.clone(), cache: pattern.engine.dfa.create_cache() }));
                self.caches += 1;
                if self.caches > CACHES_MAX {
                    // Who is asked again gets a new one; that happens only where there are more patterns than caches.
                    let others = self.places.iter_mut().enumerate().filter(|(other, _)| *other != at);
                    others.for_each(|(_, place)| *place = None);
                    self.caches = 1;
                }
            }
        }
        at
    }

    pub(super) fn dfa_cache(&mut self, place: usize) -> &mut hybrid::dfa::Cache {
        &mut self.places[place].as_mut().expect("seated by the search that asks").cache
    }
}
