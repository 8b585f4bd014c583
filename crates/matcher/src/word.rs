//! Decides where words begin and end in folded text (D-13, `contains_word`).
//!
//! Input: folded text and a byte offset. Output: whether a word boundary is there.
//! The rules are UAX #29's, with one tailoring taken from CLDR's root locale: a colon is no part of a word ("nama:budi"
//! is two words; only Swedish and Finnish write a colon inside one). An apostrophe or a full stop between letters, and a
//! full stop or comma between digits, stay inside the word ("don't", "1.500.000").
//! Scripts without spaces: a Han ideograph, a Hiragana or a Thai, Lao or Khmer letter is bounded on both sides, so that
//! `contains_word` finds what `contains` finds there; guessing words needs a dictionary and would be wrong in silence.
//! Katakana joins with Katakana, Hangul with Hangul.
//! Absent: dictionaries, locales, text that was not folded (only the classes that survive folding have been checked).
//! Source: UAX #29 section 4.1, revision of Unicode 18.0; CLDR `segments/root.xml`.

use crate::unicode::{
    WordClass,
    WordClass::{
        CarriageReturn, DoubleQuote, Extend, ExtendNumLet, Format, HebrewLetter, Katakana, Letter, LineFeed, MidLetter,
        MidNum, MidNumLet, Newline, Numeric, RegionalIndicator, SingleQuote, Space, ZeroWidthJoiner,
    },
    is_pictographic, word_class,
};

/// Regional indicators looked at to pair them into flags. A longer run is paired from this many back: whoever sends one
/// must not make every boundary in it cost its length.
const FLAG_RUN_MAX: usize = 64;

/// Whether `at`, a code point boundary of `folded`, is a word boundary. Both ends of a text are.
#[must_use]
pub fn is_word_boundary(folded: &str, at: usize) -> bool {
    let (before, after) = folded.split_at(at);
    let (Some(last), Some(next)) = (before.chars().next_back(), after.chars().next()) else { return true };
    let (raw_left, right) = (class(last), class(next));
    // WB3, WB3a, WB3b, WB3c, WB3d, WB4: what depends on the very neighbours.
    match (raw_left, right) {
        (CarriageReturn, LineFeed) | (Space, Space) => return false,
        (CarriageReturn | LineFeed | Newline, _) | (_, CarriageReturn | LineFeed | Newline) => return true,
        (ZeroWidthJoiner, _) if is_pictographic(next) => return false,
        (_, Extend | Format | ZeroWidthJoiner) => return false,
        _ => {}
    }
    let mut bases = before.chars().rev().map(class).skip_while(|&class| is_skipped(class));
    let Some(left) = bases.next().filter(|&class| !is_newline(class)) else { return true };
    let mut further = bases.skip_while(|&class| is_skipped(class));
    let beyond_left = || further.next();
    let beyond_right = || after.chars().skip(1).map(class).find(|&class| !is_skipped(class));
    !joined(left, right, beyond_left, beyond_right) && !is_inside_flag(before, left, right)
}

/// WB5 to WB13b on classes from which marks were skipped.
fn joined(
    left: WordClass,
    right: WordClass,
    beyond_left: impl FnOnce() -> Option<WordClass>,
    beyond_right: impl FnOnce() -> Option<WordClass>,
) -> bool {
    match (left, right) {
        (Letter | HebrewLetter | Numeric, Letter | HebrewLetter | Numeric) => true,
        (HebrewLetter, SingleQuote) => true,
        (HebrewLetter, DoubleQuote) => beyond_right() == Some(HebrewLetter),
        (DoubleQuote, HebrewLetter) => beyond_left() == Some(HebrewLetter),
        (Letter | HebrewLetter, MidLetter | MidNumLet | SingleQuote) => beyond_right().is_some_and(is_letter),
        (MidLetter | MidNumLet | SingleQuote, Letter | HebrewLetter) => beyond_left().is_some_and(is_letter),
        (Numeric, MidNum | MidNumLet | SingleQuote) => beyond_right() == Some(Numeric),
        (MidNum | MidNumLet | SingleQuote, Numeric) => beyond_left() == Some(Numeric),
        (Katakana, Katakana) => true,
        (Letter | HebrewLetter | Numeric | Katakana | ExtendNumLet, ExtendNumLet) => true,
        (ExtendNumLet, Letter | HebrewLetter | Numeric | Katakana) => true,
        _ => false,
    }
}

/// WB15 and WB16: regional indicators pair up from the start of their run.
fn is_inside_flag(before: &str, left: WordClass, right: WordClass) -> bool {
    if (left, right) != (RegionalIndicator, RegionalIndicator) {
        return false;
    }
    let run = before.chars().rev().map(class).filter(|&class| !is_skipped(class));
    run.take(FLAG_RUN_MAX).take_while(|&class| class == RegionalIndicator).count() % 2 == 1
}

fn class(c: char) -> WordClass {
    if c == ':' { WordClass::Other } else { word_class(c) }
}

fn is_skipped(class: WordClass) -> bool {
    matches!(class, Extend | Format | ZeroWidthJoiner)
}

fn is_newline(class: WordClass) -> bool {
    matches!(class, CarriageReturn | LineFeed | Newline)
}

fn is_letter(class: WordClass) -> bool {
    matches!(class, Letter | HebrewLetter)
}

#[cfg(test)]
mod tests;
