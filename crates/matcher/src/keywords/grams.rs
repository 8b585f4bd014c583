//! Multi-pattern search for large sets: hashed grams, then exact comparison.
//!
//! Input: needles, then haystacks. Output: (needle, end offset) of every occurrence.
//! Each needle is filed under one gram of four bytes in it (fewer if it is shorter), the rarest one it has. A scan looks
//! up the gram at every position in a bit table small enough for the first-level cache; the lookups do not depend on each
//! other, unlike the steps of an automaton, and most positions end there. What passes is compared with the needles
//! filed under that gram.
//! GR-1: no gram has more than [`SHARERS_MAX`] needles, so that a scan costs at most that many comparisons a position;
//! needles that find no free gram are left to the caller.
//! Absent: explicit vector code; gathered lookups were measured and lose.
//! Source: the idea is Wu and Manber's agrep; figures in `benches/matcher.rs`.

use rustc_hash::FxHashMap;

/// Most needles filed under one gram.
const SHARERS_MAX: usize = 16;
/// Bits of the table for every gram in it, so that one position in so many passes by chance.
const BITS_PER_GRAM: usize = 32;
/// Logarithm of the largest table, which is 128 KB.
const TABLE_BITS_MAX: u32 = 20;
/// Positions looked up before looking at what passed.
const STRIDE: usize = 8;

/// The four tables, by gram length.
#[derive(Debug)]
pub(super) struct Grams {
    one: Table<1>,
    two: Table<2>,
    three: Table<3>,
    four: Table<4>,
}

impl Grams {
    /// Files `needles`, none of which is empty; also returns the indices of those that found no place.
    pub(super) fn new(needles: &[String]) -> (Self, Vec<usize>) {
        let mut unfiled = Vec::new();
        let of_len =
            |len: usize| -> Vec<usize> { (0..needles.len()).filter(|&i| gram_len(&needles[i]) == len).collect() };
        let grams = Self {
            one: Table::new(needles, &of_len(1), &mut unfiled),
            two: Table::new(needles, &of_len(2), &mut unfiled),
            three: Table::new(needles, &of_len(3), &mut unfiled),
            four: Table::new(needles, &of_len(4), &mut unfiled),
        };
        unfiled.sort_unstable();
        (grams, unfiled)
    }

    /// Passes over a haystack that a scan for `needles` makes.
    pub(super) fn passes(needles: &[String]) -> usize {
        (1..=4).filter(|&len| needles.iter().any(|needle| gram_len(needle) == len)).count()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.one.memory_bytes() + self.two.memory_bytes() + self.three.memory_bytes() + self.four.memory_bytes()
    }

    /// Calls `found` with every occurrence of every filed needle: its index and the offset behind it.
    pub(super) fn each_match(&self, haystack: &[u8], mut found: impl FnMut(usize, usize)) {
        self.four.each_match(haystack, &mut found);
        self.three.each_match(haystack, &mut found);
        self.two.each_match(haystack, &mut found);
        self.one.each_match(haystack, &mut found);
    }
}

/// Gram length of a needle.
fn gram_len(needle: &str) -> usize {
    needle.len().min(4)
}

/// Needles filed under grams of `Q` bytes.
#[derive(Debug)]
struct Table<const Q: usize> {
    /// A bit for every hash; set if some gram has it.
    bits: Vec<u64>,
    /// What is left of a 32-bit product once it is a hash.
    shift: u32,
    /// Where the entries of a hash start in `entries`; one more than there are hashes.
    heads: Vec<u32>,
    /// As `shift`, for `heads`, of which there are fewer than bits.
    head_shift: u32,
    entries: Vec<Entry>,
    /// The needles, end to end.
    texts: Vec<u8>,
}

/// A needle filed under a gram.
#[derive(Clone, Copy, Debug)]
struct Entry {
    gram: u32,
    needle: u32,
    /// Where its text starts in `texts`.
    start: u32,
    len: u16,
    /// Where in it the gram is.
    offset: u16,
}

impl<const Q: usize> Table<Q> {
    fn new(needles: &[String], chosen: &[usize], unfiled: &mut Vec<usize>) -> Self {
        // How often a gram occurs in the needles stands for how often it occurs in texts.
        let mut frequency: FxHashMap<u32, u32> = FxHashMap::default();
        for &needle in chosen {
            for window in needles[needle].as_bytes().windows(Q) {
                *frequency.entry(gram::<Q>(window)).or_default() += 1;
            }
        }
        let mut sharers: FxHashMap<u32, usize> = FxHashMap::default();
        let (mut entries, mut texts) = (Vec::with_capacity(chosen.len()), Vec::new());
        for &needle in chosen {
            let text = needles[needle].as_bytes();
            let rarest = text
                .windows(Q)
                .enumerate()
                .map(|(offset, window)| (offset, gram::<Q>(window)))
                .filter(|(_, gram)| sharers.get(gram).is_none_or(|&sharers| sharers < SHARERS_MAX))
                .min_by_key(|(_, gram)| frequency[gram]);
            let Some((offset, gram)) = rarest else {
                unfiled.push(needle);
                continue;
            };
            *sharers.entry(gram).or_default() += 1;
            let start = texts.len() as u32;
            texts.extend_from_slice(text);
            entries.push(Entry { gram, needle: needle as u32, start, len: text.len() as u16, offset: offset as u16 });
        }
        let table_bits = (sharers.len() * BITS_PER_GRAM).next_power_of_two().ilog2().clamp(6, TABLE_BITS_MAX);
        let head_bits = entries.len().next_power_of_two().ilog2().max(1);
        let mut table = Self {
            bits: vec![0; 1 << (table_bits - 6)],
            shift: 32 - table_bits,
            heads: vec![0; (1 << head_bits) + 1],
            head_shift: 32 - head_bits,
            entries,
            texts,
        };
        table.index();
        table
    }

    /// Sorts the entries by hash and fills the tables that lead to them.
    fn index(&mut self) {
        let head = |entry: &Entry, shift: u32| (product(entry.gram) >> shift) as usize;
        let shift = self.head_shift;
        self.entries.sort_by_key(|entry| (head(entry, shift), entry.gram));
        for entry in &self.entries {
            let bit = (product(entry.gram) >> self.shift) as usize;
            self.bits[bit / 64] |= 1 << (bit % 64);
            self.heads[head(entry, shift) + 1] += 1;
        }
        for i in 1..self.heads.len() {
            self.heads[i] += self.heads[i - 1];
        }
    }

    fn memory_bytes(&self) -> usize {
        self.bits.capacity() * size_of::<u64>()
            + self.heads.capacity() * size_of::<u32>()
            + self.entries.capacity() * size_of::<Entry>()
            + self.texts.capacity()
    }

    fn each_match(&self, haystack: &[u8], found: &mut impl FnMut(usize, usize)) {
        if self.entries.is_empty() || haystack.len() < Q {
            return;
        }
        let positions = haystack.len() + 1 - Q;
        let mut at = 0;
        while at + STRIDE <= positions {
            let window = &haystack[at..at + STRIDE - 1 + Q];
            let mut passed = 0;
            for i in 0..STRIDE {
                passed |= self.passes(gram::<Q>(&window[i..i + Q])) << i;
            }
            while passed != 0 {
                self.compare(haystack, at + passed.trailing_zeros() as usize, found);
                passed &= passed - 1;
            }
            at += STRIDE;
        }
        for at in at..positions {
            if self.passes(gram::<Q>(&haystack[at..at + Q])) != 0 {
                self.compare(haystack, at, found);
            }
        }
    }

    /// 1 if some needle may be filed under `gram`, else 0.
    #[inline]
    fn passes(&self, gram: u32) -> u32 {
        let bit = product(gram) >> self.shift;
        (self.bits[bit as usize / 64] >> (bit % 64)) as u32 & 1
    }

    /// Reports the needles filed under the gram at `at` that are there as a whole.
    fn compare(&self, haystack: &[u8], at: usize, found: &mut impl FnMut(usize, usize)) {
        let gram = gram::<Q>(&haystack[at..at + Q]);
        let head = (product(gram) >> self.head_shift) as usize;
        for entry in &self.entries[self.heads[head] as usize..self.heads[head + 1] as usize] {
            if entry.gram != gram {
                continue;
            }
            let Some(start) = at.checked_sub(usize::from(entry.offset)) else { continue };
            let end = start + usize::from(entry.len);
            let text = &self.texts[entry.start as usize..][..usize::from(entry.len)];
            if haystack.get(start..end) == Some(text) {
                found(entry.needle as usize, end);
            }
        }
    }
}

/// `Q` bytes as a number.
#[inline]
fn gram<const Q: usize>(window: &[u8]) -> u32 {
    let mut bytes = [0; 4];
    bytes[..Q].copy_from_slice(&window[..Q]);
    u32::from_le_bytes(bytes)
}

/// Spreads a gram over 32 bits, the upper ones best. The factor is 2^32 divided by the golden ratio.
#[inline]
fn product(gram: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1)
}
