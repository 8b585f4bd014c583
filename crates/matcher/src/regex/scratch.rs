//! What searching writes to, kept between searches by the caller.
//!
//! Input: a compiled pattern. Output: a cache made for it, warm if the pattern was searched for lately.
//! RS-1: at most as many DFA caches as the scratch has places; patterns share a place by turns.
//! Absent: locks and pools; one scratch serves one thread.

use std::sync::Arc;

use regex_automata::hybrid;
use regex_automata::nfa::thompson::{backtrack, pikevm};
use regex_automata::util::primitives::NonMaxUsize;

use super::Compiled;

/// Places of a scratch. A cache has at most about 64 KB and mostly a fraction of that.
const PLACES: usize = 256;

/// Scratch space for searching with any number of patterns; one per thread.
#[derive(Debug)]
pub struct RegexScratch {
    places: Vec<Option<Place>>,
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
        Self { places, slots: Vec::new(), backtrack: None, pike: None }
    }
}

impl RegexScratch {
    /// Returns an empty scratch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `pattern` its place and returns the number of it.
    pub(super) fn seat(&mut self, pattern: &Arc<Compiled>) -> usize {
        let at = pattern.hash as usize % self.places.len();
        match &mut self.places[at] {
            Some(place) if Arc::ptr_eq(&place.owner, pattern) => {}
            Some(place) => {
                place.owner = pattern.clone();
                place.cache.reset(&pattern.engine.dfa);
            }
            free => *free = Some(Place { owner: pattern.clone(), cache: pattern.engine.dfa.create_cache() }),
        }
        at
    }

    pub(super) fn dfa_cache(&mut self, place: usize) -> &mut hybrid::dfa::Cache {
        &mut self.places[place].as_mut().expect("seated by the search that asks").cache
    }
}
