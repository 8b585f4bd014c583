//! The keywords found in one text.
//!
//! Input: ids as they are found. Output: membership in O(1), iteration over the found ones only.
//! HS-1: clearing costs what was found, not what could have been.

use super::KeywordId;

/// A set of keyword ids with cheap clearing. Reusable between texts and between keyword sets.
#[derive(Clone, Debug, Default)]
pub struct HitSet {
    bits: Vec<u64>,
    found: Vec<KeywordId>,
}

impl HitSet {
    /// Returns an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `id` was found.
    #[must_use]
    pub fn contains(&self, id: KeywordId) -> bool {
        self.bits.get(id.index() / 64).is_some_and(|bits| bits >> (id.index() % 64) & 1 != 0)
    }

    /// Iterates over the found ids, each once, in the order they were found.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = KeywordId> + '_ {
        self.found.iter().copied()
    }

    /// Returns how many ids were found.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Empties the set and makes room for ids below `ids`.
    pub(crate) fn reset(&mut self, ids: usize) {
        for id in self.found.drain(..) {
            self.bits[id.index() / 64] = 0;
        }
        if self.bits.len() * 64 < ids {
            self.bits.resize(ids.div_ceil(64), 0);
        }
    }

    #[inline]
    pub(crate) fn insert(&mut self, id: KeywordId) {
        let (word, bit) = (&mut self.bits[id.index() / 64], 1 << (id.index() % 64));
        if *word & bit == 0 {
            *word |= bit;
            self.found.push(id);
        }
    }
}
