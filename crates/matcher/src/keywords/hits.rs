//! The keywords found in one text.
//!
//! Input: ids as they are found. Output: membership in O(1), iteration over the found ones only; where the literals of
//! patterns are, in the folded text and in the original.
//! HS-1: clearing costs what was found, not what could have been.

use super::KeywordId;
use crate::fold::{OffsetMap, fold_with_offsets};

/// Most places that are kept of a text; a text with more is searched without them.
const PLACES_MAX: usize = 64;

/// A set of keyword ids with cheap clearing. Reusable between texts and between keyword sets.
#[derive(Clone, Debug, Default)]
pub struct HitSet {
    bits: Vec<u64>,
    found: Vec<KeywordId>,
    places: Vec<Place>,
    has_more_places: bool,
    folded_len: usize,
    origin: Origin,
    offsets: OffsetMap,
    /// For text that only makes something else.
    buffer: String,
}

/// Where in the folded text a literal of a pattern is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) keyword: KeywordId,
    pub(crate) start: u32,
}

/// How places in the folded text are found in the original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Origin {
    /// Nobody has asked.
    #[default]
    Unasked,
    /// They are the same.
    Same,
    /// By the map.
    Mapped,
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

    /// Whether every place of every literal is kept.
    pub(crate) fn knows_places(&self) -> bool {
        !self.has_more_places
    }

    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Where in `text`, whose folding was scanned, a place of the folded text comes from; and whether the text there was
    /// copied byte by byte, rather than mapped as a whole with what is beside it.
    pub(crate) fn origin(&mut self, text: &str, place: u32) -> (usize, bool) {
        if self.origin == Origin::Unasked {
            // Folding ASCII keeps its length only where it moves nothing.
            self.origin = if text.is_ascii() && text.len() == self.folded_len {
                Origin::Same
            } else {
                fold_with_offsets(text, &mut self.buffer, &mut self.offsets);
                Origin::Mapped
            };
        }
        match self.origin {
            Origin::Same => (place as usize, true),
            _ => self.offsets.origin(place as usize),
        }
    }

    /// Empties the set and makes room for ids below `ids`, for a folded text of this length.
    pub(crate) fn reset(&mut self, ids: usize, folded_len: usize) {
        self.places.clear();
        self.has_more_places = false;
        self.folded_len = folded_len;
        self.origin = Origin::Unasked;
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

    pub(crate) fn insert_place(&mut self, keyword: KeywordId, start: usize) {
        if self.places.len() < PLACES_MAX {
            self.places.push(Place { keyword, start: start as u32 });
        } else {
            self.has_more_places = true;
        }
    }

    /// Notes that places say nothing about the original text.
    pub(crate) fn forget_places(&mut self) {
        self.has_more_places = true;
    }

    /// Lends a buffer.
    pub(crate) fn take_buffer(&mut self) -> String {
        std::mem::take(&mut self.buffer)
    }

    pub(crate) fn return_buffer(&mut self, buffer: String) {
        self.buffer = buffer;
    }
}
