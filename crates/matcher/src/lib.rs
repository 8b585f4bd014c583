//! The text layer of the rule engine: folds text, finds many keywords in one pass, runs regular expressions.
//!
//! Input: texts of messages, keywords and patterns of rules. Output: which keywords and patterns a text holds, and where.
//!
//! ```
//! use kilat_matcher::{Boundary, Case, HitSet, KeywordSetBuilder, Regex, RegexScratch, fold_into};
//!
//! let mut builder = KeywordSetBuilder::new();
//! let order = builder.add("ORDER", Boundary::Anywhere)?;
//! let book = builder.add("book", Boundary::WholeWord)?;
//! let keywords = builder.build();
//! let amount = Regex::new(r"Rp\s*([0-9.]+)", Case::Insensitive)?;
//!
//! // Kept by the caller, one set per thread: nothing below allocates once these have grown.
//! let (mut folded, mut hits, mut scratch) = (String::new(), HitSet::new(), RegexScratch::new());
//!
//! let text = "Mau ＯＲＤＥＲ\u{200b}  facebook ad, Rp 1.500.000 ya";
//! fold_into(text, &mut folded);
//! assert_eq!(folded, "mau order facebook ad, rp 1.500.000 ya");
//! keywords.scan(&folded, &mut hits);
//! assert!(hits.contains(order) && !hits.contains(book));
//! let value = amount.find(text, &mut scratch).and_then(|found| found.value).unwrap();
//! assert_eq!(&text[value], "1.500.000");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Pure: no I/O, no clock, no randomness, no state but what callers pass in; `unsafe` in one file only, for vector code.
//! Absent: what a keyword or pattern means to a rule; money and phone numbers (crate `rules`).

#![deny(unsafe_code)]

mod affixes;
mod fold;
mod keywords;
mod lines;
mod phrase;
mod regex;
mod unicode;
mod word;

pub use affixes::{Affixes, FORMS_MAX};
pub use fold::{OffsetMap, fold, fold_into, fold_with_offsets};
pub use keywords::{
    Boundary, HitSet, KEYWORD_BYTES_MAX, KEYWORDS_BYTES_MAX, KEYWORDS_MAX, KeywordError, KeywordId, KeywordSet,
    KeywordSetBuilder,
};
pub use lines::lines;
pub use phrase::exact_phrase;
pub use regex::{
    Case, FiledRegex, HAYSTACK_CHARS_MAX, MATCHES_MAX, NFA_BYTES_MAX, PATTERN_CHARS_MAX, Regex, RegexError, RegexMatch,
    RegexScratch, haystack,
};
pub use word::is_word_boundary;
