//! Looks up Unicode data, per code point, in two generated tries.
//!
//! Input: a `char`. Output: what folding does with it, its word-break class, the canonical pair it is made of.
//! A code point's upper bits select a block number and the lower six a value in that block; equal blocks are stored once.
//! Absent: any data folding and word boundaries do not read; runtime Unicode libraries (tests use them as oracles).
//! Source: Unicode 18.0 through `examples/generate_tables.rs`.

mod tables;

use tables::{COMPOSITIONS, DECOMPOSITIONS, ENTRIES, FOLD_BLOCKS, FOLD_VALUES, POOL, WORD_BLOCKS, WORD_VALUES};

/// First code point behind the tries.
const TRIE_END: u32 = 0x3_4000;
/// Trie value: the code point stands for itself and nothing before it can change it.
const SAME: u16 = 0;
/// Trie value: the code point vanishes (Default_Ignorable_Code_Point).
const DROPPED: u16 = 1;

/// One distinct mapping: start and length in [`POOL`], combining class of the first and of the last code point, flags.
#[derive(Clone, Copy)]
struct Entry(u16, u8, u8, u8, u8);

/// Flag: the first code point starts a normalisation segment: nothing before it reorders with it or composes with it.
const BOUNDARY: u8 = 1;
/// Flag: the first code point may compose with one before it (NFC_Quick_Check is not Yes).
const COMPOSES_BACK: u8 = 2;
/// Flag: the mapping holds U+0020.
const SPACE: u8 = 4;

/// What folding does with one code point.
pub(crate) enum Folding {
    /// It stands for itself and starts a segment.
    Same,
    /// It vanishes.
    Dropped,
    /// It becomes this text (perhaps itself).
    Mapped(Mapped),
}

/// The text a code point folds to.
#[derive(Clone, Copy)]
pub(crate) struct Mapped(Entry);

impl Mapped {
    pub(crate) fn text(self) -> &'static str {
        let start = usize::from(self.0.0);
        &POOL[start..start + usize::from(self.0.1)]
    }

    /// Whether the text starts a normalisation segment.
    pub(crate) fn is_boundary(self) -> bool {
        self.0.4 & BOUNDARY != 0
    }

    /// Whether text that is in normal form and ends with combining class `last` stays so with this appended.
    pub(crate) fn appends_after(self, last: u8) -> bool {
        self.0.4 & COMPOSES_BACK == 0 && last <= self.0.2
    }

    pub(crate) fn last_combining_class(self) -> u8 {
        self.0.3
    }

    pub(crate) fn has_space(self) -> bool {
        self.0.4 & SPACE != 0
    }
}

#[inline]
pub(crate) fn folding(c: char) -> Folding {
    match fold_value(c) {
        SAME => Folding::Same,
        DROPPED => Folding::Dropped,
        value => Folding::Mapped(Mapped(ENTRIES[usize::from(value)])),
    }
}

#[inline]
fn fold_value(c: char) -> u16 {
    let c = u32::from(c);
    if c < TRIE_END {
        FOLD_VALUES[slot(FOLD_BLOCKS[(c >> 6) as usize], c)]
    } else if (0xE_0000..0xE_1000).contains(&c) {
        DROPPED
    } else {
        SAME
    }
}

#[inline]
fn slot(block: u16, c: u32) -> usize {
    usize::from(block) << 6 | (c & 63) as usize
}

/// The canonical combining class of a code point of folded text (which maps to itself).
pub(crate) fn combining_class(c: char) -> u8 {
    match fold_value(c) {
        SAME | DROPPED => 0,
        value => ENTRIES[usize::from(value)].2,
    }
}

/// The code point that `first` and `second` compose to.
pub(crate) fn compose(first: char, second: char) -> Option<char> {
    hangul::compose(first, second).or_else(|| {
        let at = COMPOSITIONS.binary_search_by_key(&(first, second), |&(first, second, _)| (first, second)).ok()?;
        Some(COMPOSITIONS[at].2)
    })
}

/// Calls `emit` with every code point of the full canonical decomposition of `c`, a code point of folded text.
pub(crate) fn decompose(c: char, emit: &mut impl FnMut(char)) {
    if hangul::decompose(c, emit) {
        return;
    }
    match DECOMPOSITIONS.binary_search_by_key(&c, |&(composite, ..)| composite) {
        Ok(at) => {
            decompose(DECOMPOSITIONS[at].1, emit);
            emit(DECOMPOSITIONS[at].2);
        }
        Err(_) => emit(c),
    }
}

/// Hangul syllables compose by arithmetic. Source: The Unicode Standard, 3.12.
mod hangul {
    const S: u32 = 0xAC00;
    const L: u32 = 0x1100;
    const V: u32 = 0x1161;
    const T: u32 = 0x11A7;
    const L_COUNT: u32 = 19;
    const V_COUNT: u32 = 21;
    const T_COUNT: u32 = 28;
    const S_COUNT: u32 = L_COUNT * V_COUNT * T_COUNT;

    /// Distance of `c` from `base`, if it is below `count`.
    fn offset(c: char, base: u32, count: u32) -> Option<u32> {
        u32::from(c).checked_sub(base).filter(|&offset| offset < count)
    }

    fn char_at(c: u32) -> char {
        char::from_u32(c).expect("Hangul blocks hold no surrogates")
    }

    pub(super) fn compose(first: char, second: char) -> Option<char> {
        if let (Some(l), Some(v)) = (offset(first, L, L_COUNT), offset(second, V, V_COUNT)) {
            return Some(char_at(S + (l * V_COUNT + v) * T_COUNT));
        }
        let s = offset(first, S, S_COUNT).filter(|s| s.is_multiple_of(T_COUNT))?;
        let t = offset(second, T, T_COUNT).filter(|&t| t != 0)?;
        Some(char_at(S + s + t))
    }

    pub(super) fn decompose(c: char, emit: &mut impl FnMut(char)) -> bool {
        let Some(s) = offset(c, S, S_COUNT) else { return false };
        emit(char_at(L + s / (V_COUNT * T_COUNT)));
        emit(char_at(V + s % (V_COUNT * T_COUNT) / T_COUNT));
        if !s.is_multiple_of(T_COUNT) {
            emit(char_at(T + s % T_COUNT));
        }
        true
    }
}

/// Word_Break classes (UAX #29, table 3), as the generator numbers them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WordClass {
    Other,
    CarriageReturn,
    LineFeed,
    Newline,
    Extend,
    ZeroWidthJoiner,
    Format,
    RegionalIndicator,
    Katakana,
    HebrewLetter,
    Letter,
    SingleQuote,
    DoubleQuote,
    MidNumLet,
    MidLetter,
    MidNum,
    Numeric,
    ExtendNumLet,
    Space,
}

const WORD_CLASSES: [WordClass; 19] = {
    use WordClass::{
        CarriageReturn, DoubleQuote, Extend, ExtendNumLet, Format, HebrewLetter, Katakana, Letter, LineFeed, MidLetter,
        MidNum, MidNumLet, Newline, Numeric, Other, RegionalIndicator, SingleQuote, Space, ZeroWidthJoiner,
    };
    [
        Other,
        CarriageReturn,
        LineFeed,
        Newline,
        Extend,
        ZeroWidthJoiner,
        Format,
        RegionalIndicator,
        Katakana,
        HebrewLetter,
        Letter,
        SingleQuote,
        DoubleQuote,
        MidNumLet,
        MidLetter,
        MidNum,
        Numeric,
        ExtendNumLet,
        Space,
    ]
};

fn word_value(c: char) -> u8 {
    let c = u32::from(c);
    if c < TRIE_END { WORD_VALUES[slot(WORD_BLOCKS[(c >> 6) as usize], c)] } else { 0 }
}

/// The Word_Break class of a code point of folded text.
pub(crate) fn word_class(c: char) -> WordClass {
    WORD_CLASSES[usize::from(word_value(c) & 31)]
}

/// Whether `c` is Extended_Pictographic.
pub(crate) fn is_pictographic(c: char) -> bool {
    word_value(c) & 32 != 0
}

/// Whether `c` is punctuation or part of an emoji.
pub(crate) fn is_punctuation_or_emoji(c: char) -> bool {
    word_value(c) & 64 != 0
}
