//! What searching writes to, kept between searches by the caller.
//!
//! Input: a compiled pattern. Output: a cache made for it, warm if the pattern was searched for lately.
//! RS-1: at most as many caches as the scratch has places; patterns share a place by turns.
//! Absent: locks and pools; one scratch serves one thread.

use std::sync::Arc;

use regex_automata::meta;
use regex_automata::util::primitives::NonMaxUsize;

use super::Compiled;

/// Places of a scratch. A warm cache is mostly 10 to 130 KB (two lazy DFAs), so that a full scratch stays near 16 MB.
const PLACES: usize = 256;

/// Scratch space for searching with any number of patterns; one per thread.
#[derive(Debug)]
pub struct RegexScratch {
    places: Vec<Option<Place>>,
    slots: Vec<Option<NonMaxUsize>>,
}

#[derive(Debug)]
struct Place {
    /// Keeps the pattern alive, so that no other can come to have its address.
    owner: Arc<Compiled>,
    cache: meta::Cache,
}

impl Default for RegexScratch {
    fn default() -> Self {
        Self { places: std::iter::repeat_with(|| None).take(PLACES).collect(), slots: Vec::new() }
    }
}

impl RegexScratch {
    /// Returns an empty scratch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn cache(&mut self, compiled: &Arc<Compiled>) -> &mut meta::Cache {
        self.cache_and_slots(compiled, 0).0
    }

    /// The pattern's cache, and `slots` empty capture slots.
    pub(super) fn cache_and_slots(
        &mut self,
        compiled: &Arc<Compiled>,
        slots: usize,
    ) -> (&mut meta::Cache, &mut [Option<NonMaxUsize>]) {
        self.slots.clear();
        self.slots.resize(slots, None);
        let index = compiled.hash as usize % self.places.len();
        let place = self.places[index]
            .get_or_insert_with(|| Place { owner: compiled.clone(), cache: compiled.engine.create_cache() });
        if !Arc::ptr_eq(&place.owner, compiled) {
            place.owner = compiled.clone();
            place.cache.reset(&compiled.engine);
        }
        (&mut place.cache, &mut self.slots)
    }
}
