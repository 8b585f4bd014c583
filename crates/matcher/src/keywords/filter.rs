//! Looks up every position of a haystack in a table of bits, to find those where a needle may be.
//!
//! Input: anchors, then haystacks. Output: the positions where one of the anchors may be, few of them by chance.
//! An **anchor** is up to eight bytes of a needle. Its first `P` bytes, the gram, choose a run of bits of the table; the
//! bytes behind choose one of the run, and an anchor without them sets all that they might choose. How much the bytes
//! behind choose is up to the set: the more of its anchors have none, the shorter the run.
//! Absent: branches between positions; those of a block are looked up before any that passed is dealt with.

#[cfg(target_arch = "x86_64")]
mod lanes;

use super::grams::Anchor;

/// Bits of the table for each that is set, so that few positions pass by chance.
const BITS_PER_BIT: usize = 128;
/// The same where the table would not stay in the first-level cache.
const BITS_PER_BIT_MIN: usize = 64;
/// Bytes of a table that stays in the first-level cache beside what else is used there.
const CACHED_BYTES: usize = 16 << 10;
/// Bytes that a table may take for long runs.
const SELECTIVE_BYTES_MAX: usize = 64 << 10;
/// Fewest words of a table: enough for the longest run, and for a gram to choose one.
const WORDS_MIN: usize = 32;
/// Most words of a table: within the second-level cache.
const WORDS_MAX: usize = 1 << 17;
/// What of the first two bytes behind a gram may choose a bit: three bits of both, of the first, nothing.
const CHOICES: [u32; 3] = [0x3f, 0x07, 0];
/// Positions of a block.
const BLOCK: usize = 16;
/// Bytes that a block's positions are loaded from: sixteen for its first eight, sixteen for the others.
const BLOCK_BYTES: usize = 24;
/// What the halves of a gram are multiplied by: odd numbers without a pattern, the first 2^32 divided by the golden ratio.
const FACTORS: [u32; 2] = [0x9e37_79b1, 0x85eb_ca6b];

/// The table for grams of `P` bytes.
#[derive(Debug)]
pub(super) struct Filter<const P: usize> {
    /// A power of two of them.
    words: Box<[u32]>,
    /// What of a hash is left out, so that the rest numbers the bits of all words.
    shift: u32,
    /// Which bits of that number the bytes behind choose; a mask of the lowest ones.
    choice: u32,
}

impl<const P: usize> Filter<P> {
    pub(super) fn new(anchors: impl Iterator<Item = Anchor> + Clone) -> Self {
        let bits =
            |choice| anchors.clone().map(|anchor| 1 << unchosen::<P>(anchor, choice).count_ones()).sum::<usize>();
        // As selective as the caches allow: a longer run tells more apart, but costs as many bits as there are short needles.
        let fits = |choice: &u32| bits(*choice) * BITS_PER_BIT / 8 <= SELECTIVE_BYTES_MAX;
        let few = |choice: &u32| bits(*choice) <= bits(0) * 3 / 2;
        let choice = CHOICES.into_iter().find(|choice| fits(choice) || few(choice)).unwrap_or(0);
        let set = bits(choice);
        let wanted = (set * BITS_PER_BIT / 8).min(CACHED_BYTES).max(set * BITS_PER_BIT_MIN / 8) / size_of::<u32>();
        let words = wanted.next_power_of_two().clamp(WORDS_MIN, WORDS_MAX);
        let mut filter = Self { words: vec![0; words].into(), shift: 32 - (words * 32).ilog2(), choice };
        for anchor in anchors {
            // Every way to choose what the anchor has no bytes for.
            let unchosen = unchosen::<P>(anchor, choice);
            let (bit, mut way) = (filter.bit(anchor.bytes) & !unchosen, 0_u32);
            loop {
                filter.words[(bit | way) as usize / 32] |= 1 << ((bit | way) % 32);
                way = way.wrapping_sub(unchosen) & unchosen;
                if way == 0 {
                    break;
                }
            }
        }
        filter
    }

    /// What is looked up at every position.
    pub(super) fn words(&self) -> &[u32] {
        &self.words
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.words)
    }

    /// Calls `found` with every position where an anchor may be, and the eight bytes there; zeros stand behind the end.
    #[inline]
    pub(super) fn each_candidate(&self, haystack: &[u8], mut found: impl FnMut(usize, u64)) {
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = lanes::Avx2::detect() {
            return lanes.each_candidate(self, haystack, found);
        }
        self.each_candidate_by_blocks(haystack, |block| self.passes(block), &mut found);
    }

    /// As [`Filter::each_candidate`], by a function that looks a block up.
    #[inline(always)]
    fn each_candidate_by_blocks(
        &self,
        haystack: &[u8],
        passes: impl Fn(&[u8; BLOCK_BYTES]) -> u32,
        found: &mut impl FnMut(usize, u64),
    ) {
        let positions = (haystack.len() + 1).saturating_sub(P);
        // The end of the haystack with zeros behind it; copied whole where that is possible, which needs no loop.
        let mut end = [0; 2 * BLOCK_BYTES];
        let (tail, _) = end.split_first_chunk_mut::<BLOCK_BYTES>().expect("it is twice as long");
        match haystack.last_chunk() {
            Some(last) => *tail = *last,
            None => tail[BLOCK_BYTES - haystack.len()..].copy_from_slice(haystack),
        }
        let mut at = 0;
        while at < positions {
            let rest = &haystack[at..];
            let block = match rest.first_chunk() {
                Some(block) => block,
                None => end[BLOCK_BYTES - rest.len()..].first_chunk().expect("there are as many zeros"),
            };
            let mut passed = passes(block) & u32::MAX >> (32 - (positions - at).min(BLOCK));
            while passed != 0 {
                let i = passed.trailing_zeros() as usize;
                passed &= passed - 1;
                found(at + i, eight(block, i));
            }
            at += BLOCK;
        }
    }

    /// A bit for each position of a block, set if there may be an anchor.
    #[inline]
    fn passes(&self, block: &[u8; BLOCK_BYTES]) -> u32 {
        let mut passed = 0;
        for i in 0..BLOCK {
            let bit = self.bit(eight(block, i));
            passed |= (self.words[bit as usize / 32] >> (bit % 32) & 1) << i;
        }
        passed
    }

    /// Which bit of the table eight bytes choose.
    #[inline]
    fn bit(&self, bytes: u64) -> u32 {
        let gram = bytes & u64::MAX >> (64 - 8 * P);
        let (low, high) = (gram as u32, (gram >> 32) as u32);
        // In 32 bits, as vectors multiply those.
        let hash = low.wrapping_mul(FACTORS[0]).wrapping_add(high.wrapping_mul(FACTORS[1]));
        let behind = (bytes >> (8 * P)) as u32;
        hash >> self.shift & !self.choice | (behind & 7 | behind >> 5 & 0x38) & self.choice
    }
}

/// Which bits of a choice an anchor has no bytes for.
fn unchosen<const P: usize>(anchor: Anchor, choice: u32) -> u32 {
    choice & [0x3f, 0x38, 0][anchor.len.saturating_sub(P).min(2)]
}

/// The eight bytes of a block from one of its positions on.
#[inline]
fn eight(block: &[u8; BLOCK_BYTES], at: usize) -> u64 {
    let bytes: &[u8; 8] = block[at..].first_chunk().expect("a block has eight bytes for each of its positions");
    u64::from_le_bytes(*bytes)
}

#[cfg(test)]
mod tests;
