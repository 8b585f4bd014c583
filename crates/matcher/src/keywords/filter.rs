//! Looks up every position of a haystack in a table of bits, to find those where a needle may be.
//!
//! Input: anchors, then haystacks. Output: the positions where one of the anchors may be, few of them by chance.
//! An **anchor** is up to eight bytes of a needle. Its first `P` bytes, the gram, choose a word of the table; the two bytes
//! behind choose a bit of it, and an anchor without them sets all the bits that they might choose.
//! The table's size is part of its type, so that a lookup is a multiplication, some shifts, a load and a bit test.
//! Absent: branches between positions; those of a block are looked up before any that passed is dealt with.

use super::grams::{Anchor, hash};

/// Bits of the table for each that is set, so that few positions pass by chance.
const BITS_PER_BIT: usize = 128;
/// Positions of a block.
const BLOCK: usize = 16;
/// Bytes that the grams of a block lie in.
const BLOCK_BYTES: usize = BLOCK + 7;

/// The table for grams of `P` bytes.
#[derive(Debug)]
pub(super) struct Filter<const P: usize>(Bits);

/// Tables of 1, 8, 32, 128 and 512 KB: within the first-level cache for thousands of grams, within the second for all.
#[derive(Debug)]
enum Bits {
    Tiny(Box<[u64; 1 << 7]>),
    Small(Box<[u64; 1 << 10]>),
    Medium(Box<[u64; 1 << 12]>),
    Large(Box<[u64; 1 << 14]>),
    Huge(Box<[u64; 1 << 16]>),
}

impl<const P: usize> Filter<P> {
    pub(super) fn new(anchors: impl Iterator<Item = Anchor> + Clone) -> Self {
        let set: usize = anchors.clone().map(|anchor| bits_of::<P>(anchor).count_ones() as usize).sum();
        Self(match set * BITS_PER_BIT / 64 {
            0..=0x80 => Bits::Tiny(table::<P, _>(anchors)),
            0x81..=0x400 => Bits::Small(table::<P, _>(anchors)),
            0x401..=0x1000 => Bits::Medium(table::<P, _>(anchors)),
            // A table that strains the second-level cache has to spare more than a few by chance.
            0x1001..=0x20000 => Bits::Large(table::<P, _>(anchors)),
            _ => Bits::Huge(table::<P, _>(anchors)),
        })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match &self.0 {
            Bits::Tiny(words) => size_of_val(&**words),
            Bits::Small(words) => size_of_val(&**words),
            Bits::Medium(words) => size_of_val(&**words),
            Bits::Large(words) => size_of_val(&**words),
            Bits::Huge(words) => size_of_val(&**words),
        }
    }

    /// Calls `found` with every position where an anchor may be, and the eight bytes there.
    #[inline]
    pub(super) fn each_candidate(&self, haystack: &[u8], found: impl FnMut(usize, u64)) {
        match &self.0 {
            Bits::Tiny(words) => scan::<P, _>(words, haystack, found),
            Bits::Small(words) => scan::<P, _>(words, haystack, found),
            Bits::Medium(words) => scan::<P, _>(words, haystack, found),
            Bits::Large(words) => scan::<P, _>(words, haystack, found),
            Bits::Huge(words) => scan::<P, _>(words, haystack, found),
        }
    }
}

fn table<const P: usize, const N: usize>(anchors: impl Iterator<Item = Anchor>) -> Box<[u64; N]> {
    let mut words: Box<[u64; N]> = vec![0; N].try_into().expect("the length is N");
    for anchor in anchors {
        words[word_of::<P, N>(anchor.bytes)] |= bits_of::<P>(anchor);
    }
    words
}

/// The bits an anchor sets.
fn bits_of<const P: usize>(anchor: Anchor) -> u64 {
    match anchor.len.saturating_sub(P) {
        0 => u64::MAX,
        // The second byte chooses the upper three bits of six.
        1 => 0x0101_0101_0101_0101 << (bit_of::<P>(anchor.bytes) & 7),
        _ => 1 << (bit_of::<P>(anchor.bytes) & 63),
    }
}

/// Which word eight bytes choose.
#[inline]
fn word_of<const P: usize, const N: usize>(bytes: u64) -> usize {
    (hash(bytes & u64::MAX >> (64 - 8 * P)) >> (64 - N.ilog2())) as usize
}

/// Which bit of the word they choose, in the lowest six bits: three of each of the two bytes behind the gram.
#[inline]
fn bit_of<const P: usize>(bytes: u64) -> u64 {
    let behind = bytes >> (8 * P) & 0x0707;
    behind | behind >> 5
}

/// 1 if there may be an anchor at the start of `bytes`, else 0.
#[inline]
fn passes<const P: usize, const N: usize>(words: &[u64; N], bytes: u64) -> u64 {
    words[word_of::<P, N>(bytes)] >> (bit_of::<P>(bytes) & 63) & 1
}

#[inline]
fn scan<const P: usize, const N: usize>(words: &[u64; N], haystack: &[u8], mut found: impl FnMut(usize, u64)) {
    let Some(last) = haystack.last_chunk() else { return short::<P, N>(words, haystack, found) };
    let mut at = 0;
    while let Some(block) = haystack[at..].first_chunk::<BLOCK_BYTES>() {
        each_of_block::<P, N>(words, block, at, 0, &mut found);
        at += BLOCK;
    }
    let whole = haystack.len() - 7;
    if let Some(block) = haystack.last_chunk::<BLOCK_BYTES>() {
        // The block that ends where the haystack does, without the positions that were looked at.
        each_of_block::<P, N>(words, block, whole - BLOCK, at + BLOCK - whole, &mut found);
    } else {
        for (at, bytes) in haystack.array_windows().enumerate() {
            let bytes = u64::from_le_bytes(*bytes);
            if passes::<P, N>(words, bytes) != 0 {
                found(at, bytes);
            }
        }
    }
    // Positions with fewer than eight bytes behind them.
    let last = u64::from_le_bytes(*last);
    for i in 0..8 - P {
        let bytes = last >> (8 * i + 8);
        if passes::<P, N>(words, bytes) != 0 {
            found(whole + i, bytes);
        }
    }
}

/// Scans a haystack of fewer than eight bytes.
#[cold]
fn short<const P: usize, const N: usize>(words: &[u64; N], haystack: &[u8], mut found: impl FnMut(usize, u64)) {
    for at in 0..(haystack.len() + 1).saturating_sub(P) {
        let bytes = Anchor::of(&haystack[at..]).bytes;
        if passes::<P, N>(words, bytes) != 0 {
            found(at, bytes);
        }
    }
}

/// Looks up the positions of a block that starts at `at`, and reports those that pass but for the first `skip`.
#[inline]
fn each_of_block<const P: usize, const N: usize>(
    words: &[u64; N],
    block: &[u8; BLOCK_BYTES],
    at: usize,
    skip: usize,
    found: &mut impl FnMut(usize, u64),
) {
    let bytes = |i: usize| -> u64 {
        let bytes: &[u8; 8] = block[i..].first_chunk().expect("a block holds eight bytes for each of its positions");
        u64::from_le_bytes(*bytes)
    };
    let mut passed = 0;
    for i in 0..BLOCK {
        passed |= passes::<P, N>(words, bytes(i)) << i;
    }
    passed &= u64::MAX << skip;
    while passed != 0 {
        let i = passed.trailing_zeros() as usize;
        passed &= passed - 1;
        found(at + i, bytes(i));
    }
}
