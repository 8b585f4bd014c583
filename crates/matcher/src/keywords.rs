//! Finds every keyword of a rule set in one pass over folded text.
//!
//! Input: keywords (folded here), then folded texts. Output: a [`HitSet`] of the keywords a text holds.
//! KW-1: the hits are exactly the keywords that a search for each one alone would find.
//! KW-2: no structure grows beyond a named bound; which structure serves a set is chosen by its size.
//! KW-3: a scan allocates nothing and takes no lock.
//! Absent: what a keyword belongs to; callers keep that by [`KeywordId`]. Original text: see `OffsetMap`.

mod automaton;
mod filter;
mod grams;
mod hits;
mod rarity;

use std::ops::Range;

use rustc_hash::FxHashMap;

pub use hits::HitSet;

use crate::fold::{fold, fold_noting, map_into};
use crate::word::is_word_boundary;
use automaton::Automaton;

/// Most keywords a set may hold.
pub const KEYWORDS_MAX: usize = 200_000;
/// Most bytes one folded keyword may have.
pub const KEYWORD_BYTES_MAX: usize = 4_096;
/// Most bytes all folded keywords of a set may have together. A set's memory is at most about 50 times its bytes.
pub const KEYWORDS_BYTES_MAX: usize = 4 << 20;

/// Names a keyword of one set: a dense number, in the order keywords were first added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeywordId(pub u32);

impl KeywordId {
    /// Returns the number as an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where in a text a keyword counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// Anywhere: "order" is in "border" (`contains`).
    Anywhere,
    /// Between word boundaries: "order" is not in "border" (`contains_word`, D-13).
    WholeWord,
}

/// Why a keyword or a set of them is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeywordError {
    /// The keyword has nothing that a folded text could hold.
    #[error("the keyword is empty once folded: it has only blanks or zero-width characters")]
    Empty,
    /// The keyword is too long.
    #[error("the keyword has {bytes} bytes, the limit is {KEYWORD_BYTES_MAX}")]
    TooLong {
        /// Its length in bytes, folded.
        bytes: usize,
    },
    /// The set has too many keywords.
    #[error("the rule set has more than {KEYWORDS_MAX} different keywords")]
    TooMany,
    /// The set's keywords are too long together.
    #[error("the keywords of the rule set have {bytes} bytes together, the limit is {KEYWORDS_BYTES_MAX}")]
    TooManyBytes {
        /// Their length in bytes, folded, with the refused one.
        bytes: usize,
    },
}

/// One distinct folded text, and the keywords it stands for.
#[derive(Clone, Copy, Debug)]
struct Needle {
    bytes: u32,
    anywhere: Option<KeywordId>,
    whole_word: Option<KeywordId>,
    /// As a literal of patterns, whose places are noted.
    literal: Option<KeywordId>,
}

/// Collects the keywords of a rule set.
#[derive(Debug, Default)]
pub struct KeywordSetBuilder {
    texts: Vec<String>,
    needles: Vec<Needle>,
    by_text: FxHashMap<String, usize>,
    keywords: u32,
    bytes: usize,
}

impl KeywordSetBuilder {
    /// Returns a builder without keywords.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a keyword, folding it, and returns its id; one that was added before keeps its id.
    ///
    /// *Errors:* the keyword is empty once folded, or a bound is exceeded; the builder is then as it was before.
    pub fn add(&mut self, keyword: &str, boundary: Boundary) -> Result<KeywordId, KeywordError> {
        let at = self.needle(fold(keyword))?;
        let id = match boundary {
            Boundary::Anywhere => &mut self.needles[at].anywhere,
            Boundary::WholeWord => &mut self.needles[at].whole_word,
        };
        Ok(id_of(id, &mut self.keywords))
    }

    /// Adds a literal of a pattern: mapped text, which is looked for as it is.
    pub(crate) fn add_literal(&mut self, literal: &str) -> Result<KeywordId, KeywordError> {
        let at = self.needle(literal.to_owned())?;
        Ok(id_of(&mut self.needles[at].literal, &mut self.keywords))
    }

    /// The place of the needle of this text.
    fn needle(&mut self, folded: String) -> Result<usize, KeywordError> {
        if folded.is_empty() {
            return Err(KeywordError::Empty);
        }
        if folded.len() > KEYWORD_BYTES_MAX {
            return Err(KeywordError::TooLong { bytes: folded.len() });
        }
        if self.keywords as usize >= KEYWORDS_MAX {
            return Err(KeywordError::TooMany);
        }
        if let Some(&at) = self.by_text.get(&folded) {
            return Ok(at);
        }
        let bytes = self.bytes + folded.len();
        if bytes > KEYWORDS_BYTES_MAX {
            return Err(KeywordError::TooManyBytes { bytes });
        }
        self.bytes = bytes;
        self.needles.push(Needle { bytes: folded.len() as u32, anywhere: None, whole_word: None, literal: None });
        self.texts.push(folded.clone());
        self.by_text.insert(folded, self.needles.len() - 1);
        Ok(self.needles.len() - 1)
    }

    /// Compiles the set. Cannot fail: every bound was checked when its keyword was added.
    #[must_use]
    pub fn build(self) -> KeywordSet {
        let automaton = Automaton::new(&self.texts);
        let comparisons_max = automaton.comparisons_max(&self.texts);
        KeywordSet { automaton, comparisons_max, needles: self.needles, keywords: self.keywords }
    }
}

/// The id that is there, else the next.
fn id_of(id: &mut Option<KeywordId>, ids: &mut u32) -> KeywordId {
    *id.get_or_insert_with(|| {
        *ids += 1;
        KeywordId(*ids - 1)
    })
}

/// The keywords of a rule set, compiled. Immutable; share it between threads as it is.
#[derive(Debug)]
pub struct KeywordSet {
    automaton: Automaton,
    comparisons_max: usize,
    needles: Vec<Needle>,
    keywords: u32,
}

impl KeywordSet {
    /// Returns the number of keywords; their ids are below it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keywords as usize
    }

    /// Whether the set has no keywords.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keywords == 0
    }

    /// Returns how many keywords are compared, or found, at one position of a text at most, near enough: a long one counts
    /// for several. Ordinary keywords come to a handful; hundreds that each hold the one before are the worst.
    #[must_use]
    pub fn comparisons_max(&self) -> usize {
        self.comparisons_max
    }

    /// Returns the bytes of heap the set holds, for limits and metrics.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.automaton.memory_bytes() + self.needles.capacity() * size_of::<Needle>()
    }

    /// Names the lines of memory that any scan looks at, as far as it is known where they are: at depth 0 those that say where
    /// the others are, which are at depth 1. None of tables of many lines, of which a text needs some.
    pub fn lines(&self, depth: usize, line: &mut impl FnMut(*const u8)) {
        self.automaton.lines(depth, line);
    }

    /// Folds `text` into `folded`, and puts the keywords it holds, and the literals of patterns, into `hits`; both replace
    /// what was there.
    pub fn fold_and_scan(&self, text: &str, folded: &mut String, hits: &mut HitSet) {
        let composed = fold_noting(text, folded);
        self.scan(folded, hits);
        if composed {
            // Literals are in the text as it was before its code points were composed.
            hits.forget_places();
            let mut mapped = hits.take_buffer();
            map_into(text, &mut mapped);
            self.automaton.each_match(mapped.as_bytes(), |needle, _| {
                if let Some(id) = self.needles[needle].literal {
                    hits.insert(id);
                }
            });
            hits.return_buffer(mapped);
        }
    }

    /// Puts the keywords that `folded` holds into `hits`, replacing what it held. Literals of patterns that are not in
    /// normal form are missed: [`KeywordSet::fold_and_scan`] finds them.
    pub fn scan(&self, folded: &str, hits: &mut HitSet) {
        hits.reset(self.len(), folded.len());
        self.automaton.each_match(folded.as_bytes(), |needle, end| {
            let needle = &self.needles[needle];
            if let Some(id) = needle.anywhere {
                hits.insert(id);
            }
            if let Some(id) = needle.literal {
                hits.insert(id);
                hits.insert_place(id, span(needle, end).start);
            }
            if let Some(id) = needle.whole_word
                && !hits.contains(id)
                && is_whole_word(folded, &span(needle, end))
            {
                hits.insert(id);
            }
        });
    }

    /// Calls `found` with every occurrence of every keyword in `folded`, overlapping ones included, as byte ranges; in
    /// no particular order.
    pub fn each_match(&self, folded: &str, mut found: impl FnMut(KeywordId, Range<usize>)) {
        self.automaton.each_match(folded.as_bytes(), |needle, end| {
            let needle = &self.needles[needle];
            let span = span(needle, end);
            if let Some(id) = needle.anywhere {
                found(id, span.clone());
            }
            if let Some(id) = needle.whole_word
                && is_whole_word(folded, &span)
            {
                found(id, span);
            }
        });
    }
}

fn span(needle: &Needle, end: usize) -> Range<usize> {
    end - needle.bytes as usize..end
}

fn is_whole_word(folded: &str, span: &Range<usize>) -> bool {
    is_word_boundary(folded, span.start) && is_word_boundary(folded, span.end)
}

#[cfg(test)]
mod tests;
