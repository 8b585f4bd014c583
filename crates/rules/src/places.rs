//! Places of rules, one bit each, in words of 64; and which of the words have any, so that empty ones cost nothing.
//!
//! PL-1: a word that is not marked as filled is empty.

/// A set of places.
#[derive(Debug, Default)]
pub(crate) struct Places {
    words: Vec<u64>,
    /// By word: whether a place was put into it.
    filled: Vec<u64>,
}

impl Places {
    /// No place, with room for so many words.
    pub(crate) fn none(words: usize) -> Places {
        Places { words: vec![0; words], filled: vec![0; words.div_ceil(64)] }
    }

    /// Appends what [`Places::copy`] and [`Places::join`] take.
    pub(crate) fn append_to(&self, bits: &mut Vec<u64>) {
        bits.extend_from_slice(&self.words);
        bits.extend_from_slice(&self.filled);
    }

    pub(crate) fn clear(&mut self) {
        self.words.clear();
        self.filled.clear();
    }

    /// Whether there is room for none.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Becomes what begins at `bits`, of so many words.
    pub(crate) fn copy(&mut self, bits: &[u64], words: usize) {
        self.clear();
        self.words.extend_from_slice(&bits[..words]);
        self.filled.extend_from_slice(&bits[words..][..words.div_ceil(64)]);
    }

    /// Takes in the places of a set with as much room, which begins at `bits`.
    pub(crate) fn join(&mut self, bits: &[u64]) {
        let own = self.words.iter_mut().chain(&mut self.filled);
        own.zip(bits).for_each(|(own, other)| *own |= other);
    }

    /// Adds a place that there is room for; whether it is new.
    #[inline]
    pub(crate) fn insert(&mut self, place: u32) -> bool {
        let (at, bit) = (place as usize / 64, 1 << (place % 64));
        let word = &mut self.words[at];
        let is_new = *word & bit == 0;
        *word |= bit;
        self.filled[at / 64] |= 1 << (at % 64);
        is_new
    }

    /// The places of one word.
    #[inline]
    pub(crate) fn word(&self, at: usize) -> u64 {
        self.words[at]
    }

    /// How many words there are.
    pub(crate) fn words(&self) -> usize {
        self.words.len()
    }

    /// The first word from `from` on that has places.
    #[inline]
    pub(crate) fn next_word(&self, from: usize) -> Option<usize> {
        let mut at = from / 64;
        let mut filled = self.filled.get(at)? & u64::MAX << (from % 64);
        while filled == 0 {
            at += 1;
            filled = *self.filled.get(at)?;
        }
        Some(at * 64 + filled.trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_have_places_are_found_in_order_and_no_others() {
        let mut places = Places::none(200);
        let put = [0, 63, 64 * 63, 64 * 64 + 5, 64 * 199 + 63];
        assert!(put.iter().all(|place| places.insert(*place)));
        assert!(put.iter().all(|place| !places.insert(*place)));
        let words = |places: &Places, from| -> Vec<usize> {
            std::iter::successors(places.next_word(from), |word| places.next_word(word + 1)).collect()
        };
        assert_eq!(words(&places, 0), [0, 63, 64, 199]);
        assert_eq!(words(&places, 64), [64, 199]);
        assert_eq!(places.next_word(200), None);
        assert_eq!([0, 63, 64, 199, 1].map(|word| places.word(word)), [1 << 63 | 1, 1, 1 << 5, 1 << 63, 0]);
        let (mut joined, mut bits) = (Places::none(200), Vec::new());
        places.append_to(&mut bits);
        joined.insert(64);
        joined.join(&bits);
        assert_eq!(words(&joined, 0), [0, 1, 63, 64, 199]);
        joined.copy(&bits, 200);
        assert_eq!(words(&joined, 0), [0, 63, 64, 199]);
    }
}
