//! A pattern filed in a keyword set: its required literals are found by the one scan, and it is confirmed where they are.
//!
//! Input: a text that was folded and scanned, and what the scan found. Output: whether the pattern matches the text.
//! FR-1: it answers as [`Regex::is_match`] does on the same text.
//! A text must hold a literal of each of up to two sets. Where the match begins at the literal, the search is anchored at
//! the places of the literal in the original text, and mostly ends within a few bytes; else it starts as far before the
//! first of them as the match can reach.
//! A pattern that is nothing but its literals, such as `(halo|hai)`, matches where one of them stands.
//! Absent: which rule asks, and remembering answers; captures, for which [`Regex::find`] is.

use regex_automata::{Anchored, Input};

use super::literals::{Reach, Required};
use super::{Regex, RegexScratch, haystack};
use crate::keywords::{HitSet, KeywordError, KeywordId, KeywordSetBuilder};

/// Most searches anchored at a place of a literal; where there are more places, one search goes on from there.
const ANCHORED_MAX: usize = 4;

/// A pattern and its literals in a keyword set.
#[derive(Clone, Debug)]
pub struct FiledRegex {
    regex: Regex,
    /// The keywords of each set of literals.
    required: Box<[Box<[KeywordId]>]>,
    /// Which of the sets says where to search.
    anchor: Option<(usize, Reach)>,
}

impl FiledRegex {
    /// Files the literals of `regex` among `keywords`.
    ///
    /// *Errors:* the set would exceed a bound.
    pub fn new(regex: &Regex, keywords: &mut KeywordSetBuilder) -> Result<Self, KeywordError> {
        let sets = &regex.compiled.required;
        let best = sets.iter().enumerate().map(|(at, set)| (at, set.reach)).min_by_key(|(_, reach)| match reach {
            Reach::Start => 0,
            Reach::Bytes(bytes) => 1 + bytes,
            Reach::Unknown => usize::MAX,
        });
        let anchor = best.filter(|(_, reach)| *reach != Reach::Unknown);
        let ids = |set: &Required, keywords: &mut KeywordSetBuilder| {
            set.literals.iter().map(|literal| keywords.add_literal(literal)).collect::<Result<_, _>>()
        };
        let required = sets.iter().map(|set| ids(set, keywords)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { regex: regex.clone(), required: required.into(), anchor })
    }

    /// The pattern itself.
    #[must_use]
    pub fn regex(&self) -> &Regex {
        &self.regex
    }

    /// The keywords of which a text must hold one for the pattern to match; `None` where it promises nothing.
    #[must_use]
    pub fn gate(&self) -> Option<&[KeywordId]> {
        self.required.first().map(|set| &**set)
    }

    /// Whether the pattern matches within the searched part of `text`, which [`KeywordSet::fold_and_scan`] has read into
    /// `hits`.
    ///
    /// [`KeywordSet::fold_and_scan`]: crate::KeywordSet::fold_and_scan
    #[must_use]
    pub fn is_match(&self, text: &str, hits: &mut HitSet, scratch: &mut RegexScratch) -> bool {
        if !self.required.iter().all(|set| set.iter().any(|id| hits.contains(*id))) {
            return false;
        }
        let haystack = haystack(text);
        let input = Input::new(haystack);
        let Some((set, reach)) = self.anchor.filter(|_| hits.knows_places()) else {
            return self.regex.confirm(&input, scratch);
        };
        let mut from = haystack.len() + 1;
        let mut tried = 0;
        for at in 0..hits.places().len() {
            let place = hits.places()[at];
            let Some(literal) = self.required[set].iter().position(|id| *id == place.keyword) else { continue };
            let (start, is_copied) = hits.origin(text, place.start);
            if is_copied && self.regex.compiled.literals_are_enough {
                let literal = self.regex.compiled.required[set].literals[literal].as_bytes();
                let there = haystack.as_bytes().get(start..start + literal.len());
                if there.is_some_and(|there| there.eq_ignore_ascii_case(literal)) {
                    return true;
                }
            }
            match reach {
                // Each of these may go on to the end of the text, and all of them together no further than one search.
                Reach::Start if is_copied && tried < ANCHORED_MAX => {
                    tried += 1;
                    if start < haystack.len()
                        && self.regex.confirm(&input.clone().range(start..).anchored(Anchored::Yes), scratch)
                    {
                        return true;
                    }
                }
                Reach::Bytes(bytes) => from = from.min(start.saturating_sub(bytes)),
                _ => from = from.min(start),
            }
        }
        from < haystack.len() && self.regex.confirm(&input.range(haystack.floor_char_boundary(from)..), scratch)
    }
}
