//! Multi-pattern search: hashed grams, then exact comparison.
//!
//! Input: needles, then haystacks. Output: (needle, end offset) of every occurrence.
//! Each needle is filed under one gram of it, a run of up to six bytes, the rarest one it has. A scan looks up the gram
//! at every position, and what is behind it, in a small table of bits; the lookups do not depend on each other, unlike the
//! steps of an automaton, and most positions end there. What passes is compared with the needles filed under that gram.
//! GR-1: no gram has more than [`SHARERS_MAX`] needles, so that a scan costs at most that many comparisons a position;
//! needles that find no free gram are left to the caller.
//! Long grams are rare in texts and spare comparisons, but each length in use is a pass over the haystack: see
//! [`Lengths`].
//! Absent: one pass for several gram lengths.
//! Source: the idea is Wu and Manber's agrep; figures in `benches/README.md`.

use rustc_hash::FxHashMap;

use super::filter::Filter;
use super::rarity::commonness;
use crate::lines::lines;

/// Most needles filed under one gram.
const SHARERS_MAX: usize = 16;
/// Bytes of a needle that are compared as quickly as one is told from another by its anchor.
const COMPARED_BYTES: usize = 512;
/// How many times as often a gram passes that is followed by no byte of its needle, by one, by two and more.
const WITHOUT_BEHIND: [u32; 3] = [16, 4, 1];
/// Needles from which on grams of four bytes pay, though those of three bytes need a pass then.
const GRAMS_OF_FOUR_FROM: usize = 250;
/// Needles from which on grams of six bytes pay, though those of four need a pass then: at 2,600 they cost 3 % of an event, at
/// 10,000 they pay.
const GRAMS_OF_SIX_FROM: usize = 4_000;

/// The tables, the longest grams first; none without needles.
#[derive(Debug)]
pub(super) struct Grams {
    tables: Box<[OfLength]>,
}

/// A table, by the length of its grams.
#[derive(Debug)]
enum OfLength {
    One(Table<1>),
    Two(Table<2>),
    Three(Table<3>),
    Four(Table<4>),
    Six(Table<6>),
}

/// Does the same with a table whatever its length.
macro_rules! of_any_length {
    ($table:expr, $any:ident => $done:expr) => {
        match $table {
            OfLength::One($any) => $done,
            OfLength::Two($any) => $done,
            OfLength::Three($any) => $done,
            OfLength::Four($any) => $done,
            OfLength::Six($any) => $done,
        }
    };
}

impl Grams {
    /// Files `needles`, none of which is empty; also returns the indices of those that found no place.
    pub(super) fn new(needles: &[String]) -> (Self, Vec<usize>) {
        let mut unfiled = Vec::new();
        let lengths = Lengths::of(needles);
        let of_len =
            |len: usize| -> Vec<usize> { (0..needles.len()).filter(|&i| lengths.gram(&needles[i]) == len).collect() };
        let tables = [
            OfLength::Six(Table::new(needles, &of_len(6), &mut unfiled)),
            OfLength::Four(Table::new(needles, &of_len(4), &mut unfiled)),
            OfLength::Three(Table::new(needles, &of_len(3), &mut unfiled)),
            OfLength::Two(Table::new(needles, &of_len(2), &mut unfiled)),
            OfLength::One(Table::new(needles, &of_len(1), &mut unfiled)),
        ];
        let filled = tables.into_iter().filter(|table| of_any_length!(table, table => !table.entries.is_empty()));
        let grams = Self { tables: filled.collect() };
        unfiled.sort_unstable();
        (grams, unfiled)
    }

    /// Passes over a haystack that a scan for `needles` makes.
    pub(super) fn passes(needles: &[String]) -> usize {
        let lengths = Lengths::of(needles);
        (1..=6).filter(|&len| needles.iter().any(|needle| lengths.gram(needle) == len)).count()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let tables = self.tables.iter().map(|table| of_any_length!(table, table => table.memory_bytes()));
        size_of_val(&*self.tables) + tables.sum::<usize>()
    }

    /// Comparisons that a position of a haystack may take at most; a long needle counts for several.
    pub(super) fn comparisons_max(&self) -> usize {
        self.tables.iter().map(|table| of_any_length!(table, table => table.comparisons_max())).sum()
    }

    /// As [`super::KeywordSet::lines`].
    pub(super) fn lines(&self, depth: usize, line: &mut impl FnMut(*const u8)) {
        if depth == 0 {
            return lines(&self.tables, line);
        }
        for table in &self.tables {
            of_any_length!(table, table => {
                lines(table.filter.words(), line);
                lines(&table.heads, line);
            });
        }
    }

    /// Calls `found` with every occurrence of every filed needle: its index and the offset behind it.
    pub(super) fn each_match(&self, haystack: &[u8], mut found: impl FnMut(usize, usize)) {
        for table in &self.tables {
            of_any_length!(table, table => table.each_match(haystack, &mut found));
        }
    }
}

/// How long the grams are that needles are filed under.
#[derive(Clone, Copy)]
struct Lengths {
    needles: usize,
    /// Of those shorter than four bytes, but for those that are shorter still.
    short: usize,
}

impl Lengths {
    fn of(needles: &[String]) -> Lengths {
        // Where some have only two bytes, those of three go with them: that spares a pass.
        let short = if needles.iter().any(|needle| needle.len() == 2) { 2 } else { 3 };
        Lengths { needles: needles.len(), short }
    }

    /// Gram length of one of the needles.
    fn gram(self, needle: &str) -> usize {
        match needle.len() {
            6.. if self.needles >= GRAMS_OF_SIX_FROM => 6,
            4.. if self.needles >= GRAMS_OF_FOUR_FROM => 4,
            4.. => 3,
            len => len.min(self.short),
        }
    }
}

/// Up to eight bytes, of a needle or of a haystack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    /// The first lowest; zero where there are none.
    pub(super) bytes: u64,
    /// How many there are.
    pub(super) len: usize,
}

impl Anchor {
    /// The first bytes of `text`.
    pub(super) fn of(text: &[u8]) -> Self {
        let len = text.len().min(8);
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(&text[..len]);
        Self { bytes: u64::from_le_bytes(bytes), len }
    }

    fn mask(self) -> u64 {
        mask(self.len)
    }
}

/// The lowest bytes of a number, one at least.
fn mask(bytes: usize) -> u64 {
    u64::MAX >> (64 - 8 * bytes)
}

/// Needles filed under grams of `P` bytes.
#[derive(Debug)]
struct Table<const P: usize> {
    filter: Filter<P>,
    /// Where the entries of a hash start in `entries`; one more than there are hashes.
    heads: Box<[u32]>,
    /// What is left of a hash once it has chosen a head.
    head_shift: u32,
    entries: Box<[Entry]>,
    /// The needles that are more than their anchor, end to end.
    texts: Box<[u8]>,
}

/// A needle filed under a gram.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The needle from its gram on, as far as eight bytes go.
    anchor: u64,
    /// Which of these bytes it has.
    mask: u64,
    needle: u32,
    /// Where its text starts in `texts`.
    start: u32,
    len: u16,
    /// Where in it the gram is.
    offset: u16,
}

impl Entry {
    fn anchor(&self) -> Anchor {
        Anchor { bytes: self.anchor, len: usize::from(self.len - self.offset).min(8) }
    }
}

impl<const P: usize> Table<P> {
    fn new(needles: &[String], chosen: &[usize], unfiled: &mut Vec<usize>) -> Self {
        let gram = |text: &[u8], offset: usize| Anchor::of(&text[offset..]).bytes & mask(P);
        // How often a gram occurs in the needles stands for how often it occurs in texts.
        let mut frequency: FxHashMap<u64, u32> = FxHashMap::default();
        for &needle in chosen {
            let text = needles[needle].as_bytes();
            for offset in 0..=text.len() - P {
                *frequency.entry(gram(text, offset)).or_default() += 1;
            }
        }
        let mut sharers: FxHashMap<u64, usize> = FxHashMap::default();
        let (mut entries, mut texts) = (Vec::with_capacity(chosen.len()), Vec::new());
        for &needle in chosen {
            let text = needles[needle].as_bytes();
            let best = (0..=text.len() - P)
                .map(|offset| (offset, gram(text, offset)))
                .filter(|(_, gram)| sharers.get(gram).is_none_or(|&sharers| sharers < SHARERS_MAX))
                .min_by_key(|(offset, gram)| {
                    let behind = (text.len() - P - offset).min(2);
                    let commonness = commonness(Anchor::of(&text[*offset..]).bytes & mask(P + behind));
                    (frequency[gram] * WITHOUT_BEHIND[behind], commonness)
                });
            let Some((offset, gram)) = best else {
                unfiled.push(needle);
                continue;
            };
            *sharers.entry(gram).or_default() += 1;
            let anchor = Anchor::of(&text[offset..]);
            let start = texts.len() as u32;
            if offset > 0 || text.len() > 8 {
                texts.extend_from_slice(text);
            }
            entries.push(Entry {
                anchor: anchor.bytes,
                mask: anchor.mask(),
                needle: needle as u32,
                start,
                len: text.len() as u16,
                offset: offset as u16,
            });
        }
        let heads = entries.len().next_power_of_two().max(2);
        let mut table = Self {
            filter: Filter::new(entries.iter().map(Entry::anchor)),
            heads: vec![0; heads + 1].into(),
            head_shift: 64 - heads.ilog2(),
            entries: entries.into(),
            texts: texts.into(),
        };
        table.index();
        table
    }

    /// Sorts the entries by hash and fills the table that leads to them.
    fn index(&mut self) {
        let shift = self.head_shift;
        let head = |entry: &Entry| (hash(entry.anchor & mask(P)) >> shift) as usize;
        self.entries.sort_by_key(|entry| (head(entry), entry.anchor));
        for entry in &self.entries {
            self.heads[head(entry) + 1] += 1;
        }
        for i in 1..self.heads.len() {
            self.heads[i] += self.heads[i - 1];
        }
    }

    fn memory_bytes(&self) -> usize {
        self.filter.memory_bytes() + size_of_val(&*self.heads) + size_of_val(&*self.entries) + size_of_val(&*self.texts)
    }

    /// Comparisons where most needles are compared as a whole: those whose anchors can be at one position.
    fn comparisons_max(&self) -> usize {
        let together = |head: &[Entry], entry: &Entry| -> usize {
            let others = head.iter().filter(|other| (entry.anchor ^ other.anchor) & entry.mask & other.mask == 0);
            others.map(|other| 1 + usize::from(other.len) / COMPARED_BYTES).sum()
        };
        let heads = self.heads.windows(2).map(|bounds| &self.entries[bounds[0] as usize..bounds[1] as usize]);
        heads.flat_map(|head| head.iter().map(move |entry| together(head, entry))).max().unwrap_or(0)
    }

    fn each_match(&self, haystack: &[u8], found: &mut impl FnMut(usize, usize)) {
        self.filter.each_candidate(haystack, |at, bytes| self.compare(haystack, at, bytes, found));
    }

    /// Reports the needles whose anchor is at `at`, where the haystack has these bytes, and that are there as a whole.
    fn compare(&self, haystack: &[u8], at: usize, bytes: u64, found: &mut impl FnMut(usize, usize)) {
        let head = (hash(bytes & mask(P)) >> self.head_shift) as usize;
        for entry in &self.entries[self.heads[head] as usize..self.heads[head + 1] as usize] {
            if (bytes ^ entry.anchor) & entry.mask != 0 {
                continue;
            }
            let (len, offset) = (usize::from(entry.len), usize::from(entry.offset));
            if offset == 0 && len <= 8 {
                // A needle may end in a zero, which stands for the end of the haystack too.
                if at + len <= haystack.len() {
                    found(entry.needle as usize, at + len);
                }
                continue;
            }
            let Some(start) = at.checked_sub(offset) else { continue };
            let text = &self.texts[entry.start as usize..][..len];
            if haystack.get(start..start + len) == Some(text) {
                found(entry.needle as usize, start + len);
            }
        }
    }
}

/// Spreads a gram over 64 bits, the upper ones best. The factor is 2^64 divided by the golden ratio.
#[inline]
fn hash(gram: u64) -> u64 {
    gram.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
