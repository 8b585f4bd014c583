//! Folds text for comparison: Unicode toNFKC_Casefold, whitespace runs → one U+0020, trimmed at both ends (D-10).
//!
//! Input: any text, a customer's or a rule author's. Output: folded text in a buffer the caller keeps, and on request the
//! way back from it to the original. Accents stay; case, width, compatibility forms, zero-width characters and variation
//! selectors go.
//! F-1: `fold(t)` = trim(squeeze(NFC(map each code point of `t`))), whatever path computed it.
//! F-2: `fold(fold(t)) == fold(t)`.
//! F-3: no allocation once the buffer is large enough, except for runs of more than 32 combining marks out of order.
//! A pattern is folded by the same function: whitespace at its ends goes, so a keyword cannot ask for a blank beside it
//! (`contains_word` is for that), and a pattern of nothing but blanks or zero-width characters folds to nothing.
//! Absent: locale tailoring (Turkish dotless i), accent stripping, transliteration.
//! Source: The Unicode Standard 3.13, R5 toNFKC_Casefold; UAX #15 section 9 for the quick check.

mod offsets;
mod segment;

use std::ops::Range;

pub use offsets::OffsetMap;

use crate::unicode::{self, Folding};
use offsets::Trace;

/// Folds `text` into a new string.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::new();
    fold_into(text, &mut folded);
    folded
}

/// Folds `text` into `folded`, replacing what it held.
pub fn fold_into(text: &str, folded: &mut String) {
    folded.clear();
    folded.reserve(text.len());
    if text.is_ascii() && is_squeezed(text.as_bytes()) {
        push_lowercase(text, folded);
    } else {
        Folder::new(text, folded, &mut ()).run();
    }
}

/// Folds `text` into `folded` and records in `offsets` where every piece came from, replacing what both held.
pub fn fold_with_offsets(text: &str, folded: &mut String, offsets: &mut OffsetMap) {
    folded.clear();
    folded.reserve(text.len());
    offsets.clear();
    if text.is_ascii() && is_squeezed(text.as_bytes()) {
        push_lowercase(text, folded);
        offsets.copied(0, 0..text.len());
    } else {
        Folder::new(text, folded, offsets).run();
    }
    offsets.finish(folded.len());
}

/// Whether ASCII text has nothing for the whitespace rule to do. No early exit: the loops vectorise.
fn is_squeezed(ascii: &[u8]) -> bool {
    let (Some(first), Some(last)) = (ascii.first(), ascii.last()) else { return true };
    let controls = ascii.iter().fold(false, |found, byte| found | matches!(byte, b'\t'..=b'\r'));
    let doubles = ascii.iter().zip(&ascii[1..]).fold(false, |found, (a, b)| found | ((*a == b' ') & (*b == b' ')));
    !controls & !doubles & (*first != b' ') & (*last != b' ')
}

fn push_lowercase(ascii: &str, folded: &mut String) {
    let start = folded.len();
    folded.push_str(ascii);
    folded[start..].make_ascii_lowercase();
}

/// One folding under way. `T` is `()` where nobody asked for offsets.
struct Folder<'a, T> {
    text: &'a str,
    /// Bytes of `text` already folded.
    read: usize,
    folded: &'a mut String,
    /// Where the last normalisation segment starts in `folded`, and in `text`.
    segment: (usize, usize),
    /// Combining class of the last code point of `folded`.
    last_class: u8,
    trace: &'a mut T,
}

impl<'a, T: Trace> Folder<'a, T> {
    fn new(text: &'a str, folded: &'a mut String, trace: &'a mut T) -> Self {
        Self { text, read: 0, folded, segment: (0, 0), last_class: 0, trace }
    }

    fn run(mut self) {
        while let Some(&byte) = self.text.as_bytes().get(self.read) {
            if byte.is_ascii() {
                self.ascii_run();
            } else {
                self.other();
            }
        }
        if self.folded.ends_with(' ') {
            self.folded.pop();
        }
    }

    /// Folds the ASCII code points from here on.
    fn ascii_run(&mut self) {
        let rest = &self.text.as_bytes()[self.read..];
        let run = self.read..self.read + rest.iter().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
        if is_squeezed(&self.text.as_bytes()[run.clone()]) {
            self.copy(run.clone(), true);
        } else {
            let mut read = run.start;
            while read < run.end {
                let blank = is_blank(self.text.as_bytes()[read]);
                let piece = &self.text.as_bytes()[read..run.end];
                let length = piece.iter().position(|&byte| is_blank(byte) != blank).unwrap_or(piece.len());
                if blank {
                    self.space(read..read + length);
                } else {
                    self.copy(read..read + length, true);
                }
                read += length;
            }
        }
        self.read = run.end;
        self.last_class = 0;
    }

    /// Appends a piece of the text that is not empty and stands for itself but for ASCII case.
    fn copy(&mut self, piece: Range<usize>, ascii: bool) {
        let start = self.folded.len();
        let text = &self.text[piece.clone()];
        if ascii {
            push_lowercase(text, self.folded);
        } else {
            self.folded.push_str(text);
        }
        let last = text.chars().next_back().map_or(0, char::len_utf8);
        self.segment = (self.folded.len() - last, piece.end - last);
        self.trace.copied(start, piece);
    }

    /// Appends one space for a piece of whitespace, unless there is one or the text is still empty.
    fn space(&mut self, piece: Range<usize>) {
        if self.folded.ends_with(' ') {
            self.trace.widened(self.folded.len(), piece.end);
        } else if self.folded.is_empty() {
            self.segment = (0, piece.end);
        } else {
            self.segment = (self.folded.len(), piece.start);
            self.trace.replaced(self.folded.len(), piece);
            self.folded.push(' ');
        }
    }

    /// Folds from a code point beyond ASCII: a run of such as stand for themselves, or one of the others.
    fn other(&mut self) {
        let start = self.read;
        let mut end = start;
        for c in self.text[start..].chars() {
            let width = c.len_utf8();
            match unicode::folding(c) {
                _ if c.is_ascii() => break,
                Folding::Same => end += width,
                _ if end > start => break,
                Folding::Dropped => {
                    self.read = end + width;
                    return;
                }
                Folding::Mapped(mapped) => {
                    self.read = end + width;
                    self.mapped(mapped, start..self.read);
                    return;
                }
            }
        }
        self.copy(start..end, false);
        self.last_class = 0;
        self.read = end;
    }

    /// Appends what the code point at `piece` maps to.
    fn mapped(&mut self, mapped: unicode::Mapped, piece: Range<usize>) {
        let mut text = mapped.text();
        if mapped.is_boundary() {
            if text == " " {
                self.space(piece);
                self.last_class = 0;
                return;
            }
            // Longer mappings hold single spaces only, and none at their end: the start is all that can double up.
            if mapped.has_space() && (self.folded.is_empty() || self.folded.ends_with(' ')) {
                text = text.strip_prefix(' ').unwrap_or(text);
            }
            self.segment = (self.folded.len(), piece.start);
        } else if !mapped.appends_after(self.last_class) {
            self.read = segment::renormalise(self.text, piece.start, self.folded, self.segment.0);
            self.last_class = self.folded.chars().next_back().map_or(0, unicode::combining_class);
            self.trace.replaced(self.segment.0, self.segment.1..self.read);
            return;
        }
        self.trace.replaced(self.folded.len(), piece);
        self.folded.push_str(text);
        self.last_class = mapped.last_combining_class();
    }
}

fn is_blank(ascii: u8) -> bool {
    matches!(ascii, b'\t'..=b'\r' | b' ')
}
