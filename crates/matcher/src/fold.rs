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
    fold_noting(text, folded);
}

/// As [`fold_into`]; returns whether it put code points into normal form, so that the folded text may differ from what
/// [`map_into`] makes of the same text.
pub(crate) fn fold_noting(text: &str, folded: &mut String) -> bool {
    if text.is_ascii() {
        fold_ascii(text.as_bytes(), folded);
        return false;
    }
    folded.clear();
    folded.reserve(text.len());
    Folder::new(text, folded, &mut ()).run()
}

/// Maps every code point of `text` as folding does, and squeezes whitespace, but leaves out the normal form: a text that
/// holds `e` and an accent behind it maps to a text that holds `e`.
pub(crate) fn map_into(text: &str, mapped: &mut String) {
    mapped.clear();
    Folder { composing: false, ..Folder::new(text, mapped, &mut ()) }.run();
}

/// Folds `text` into `folded` and records in `offsets` where every piece came from, replacing what both held.
pub fn fold_with_offsets(text: &str, folded: &mut String, offsets: &mut OffsetMap) {
    folded.clear();
    folded.reserve(text.len());
    offsets.clear();
    Folder::new(text, folded, offsets).run();
    offsets.finish(folded.len());
}

/// What the length of a text is padded to, so that no bytes are left over that the passes would take one by one.
const LANE: usize = 32;

/// Folds text that is all ASCII. The passes have no early exits so that they vectorise.
fn fold_ascii(text: &[u8], folded: &mut String) {
    let mut bytes = std::mem::take(folded).into_bytes();
    bytes.clear();
    bytes.extend_from_slice(text);
    let whole = text.len().next_multiple_of(LANE);
    // One more, so that every byte has another behind it.
    bytes.resize(whole + 1, 0);
    for byte in &mut bytes[..whole] {
        *byte = if is_blank(*byte) { b' ' } else { byte.to_ascii_lowercase() };
    }
    let doubles =
        bytes[..whole].iter().zip(&bytes[1..]).fold(false, |found, (a, b)| found | ((*a == b' ') & (*b == b' ')));
    let is_squeezed = !doubles && bytes[0] != b' ' && text.last().is_none_or(|last| !is_blank(*last));
    bytes.truncate(text.len());
    if !is_squeezed {
        squeeze(&mut bytes);
    }
    *folded = String::from_utf8(bytes).expect("ASCII stays ASCII");
}

/// Removes the spaces at the ends and those beside another.
fn squeeze(bytes: &mut Vec<u8>) {
    let mut kept = 0;
    let mut last = b' ';
    for at in 0..bytes.len() {
        let byte = bytes[at];
        bytes[kept] = byte;
        // Where the byte is a second space, the next one overwrites it.
        kept += usize::from((byte != b' ') | (last != b' '));
        last = byte;
    }
    bytes.truncate(kept);
    if bytes.last() == Some(&b' ') {
        bytes.pop();
    }
}

fn is_blank(ascii: u8) -> bool {
    matches!(ascii, b'\t'..=b'\r' | b' ')
}

/// Whether two ASCII blanks stand side by side.
fn has_run_of_blanks(ascii: &[u8]) -> bool {
    ascii.windows(2).fold(false, |found, pair| found | (is_blank(pair[0]) & is_blank(pair[1])))
}

/// Length of the ASCII at the start of `bytes`.
fn ascii_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let high = u64::from_le_bytes(*word) & 0x8080_8080_8080_8080;
        if high != 0 {
            return at * 8 + high.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8 + rest.iter().position(|byte| !byte.is_ascii()).unwrap_or(rest.len())
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
    /// Whether the result is to be in normal form.
    composing: bool,
    /// Whether anything had to be done for that.
    composed: bool,
    trace: &'a mut T,
}

impl<'a, T: Trace> Folder<'a, T> {
    fn new(text: &'a str, folded: &'a mut String, trace: &'a mut T) -> Self {
        Self { text, read: 0, folded, segment: (0, 0), last_class: 0, composing: true, composed: false, trace }
    }

    /// Returns whether code points had to be put into normal form.
    fn run(mut self) -> bool {
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
        self.composed
    }

    /// Folds the ASCII code points from here on, of which there is one at least.
    fn ascii_run(&mut self) {
        let bytes = self.text.as_bytes();
        let run = self.read..self.read + ascii_len(&bytes[self.read..]);
        self.read = run.end;
        let blank_before = self.folded.is_empty() || self.folded.ends_with(' ');
        let mut rest = run.clone();
        if (blank_before && is_blank(bytes[run.start])) || has_run_of_blanks(&bytes[run.clone()]) {
            // Blanks and what is between them, in turns.
            while let Some(&first) = bytes[rest.clone()].first() {
                let alike = bytes[rest.clone()].iter().take_while(|&&byte| is_blank(byte) == is_blank(first)).count();
                let piece = rest.start..rest.start + alike;
                rest.start = piece.end;
                if is_blank(first) { self.space(piece) } else { self.copy(piece, true) }
            }
        } else {
            // Every blank becomes one space: only those that are not one yet need a look.
            while let Some(at) = bytes[rest.clone()].iter().position(|byte| matches!(byte, b'\t'..=b'\r')) {
                let blank = rest.start + at;
                if at > 0 {
                    self.copy(rest.start..blank, true);
                }
                self.space(blank..blank + 1);
                rest.start = blank + 1;
            }
            if !rest.is_empty() {
                self.copy(rest, true);
            }
        }
        self.last_class = 0;
    }

    /// Appends a piece of the text that is not empty and stands for itself but for ASCII case.
    fn copy(&mut self, piece: Range<usize>, ascii: bool) {
        let start = self.folded.len();
        let text = &self.text[piece.clone()];
        self.folded.push_str(text);
        if ascii {
            self.folded[start..].make_ascii_lowercase();
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
        } else if self.composing && !mapped.appends_after(self.last_class) {
            self.composed = true;
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
