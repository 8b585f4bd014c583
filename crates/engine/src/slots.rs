//! An open-addressed table from hashes to places, laid out for one cache miss a lookup.
//!
//! A slot is eight bytes: 32 bits of the hash and a place. The table finds candidates; whoever owns the places says which is
//! the right one. Probing is linear, from the upper bits of the hash, so that a lookup rarely leaves the line it starts in and
//! that line can be fetched ahead.

use crate::prefetch::prefetch;

/// The place no slot points to: the slot is free.
const FREE: u32 = u32::MAX;
const SLOTS_MIN: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    at: u32,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Slots {
    slots: Box<[Slot]>,
    taken: usize,
}

impl Default for Slots {
    fn default() -> Self {
        Slots::of_size(SLOTS_MIN)
    }
}

impl Slots {
    fn of_size(size: usize) -> Slots {
        Slots { slots: vec![Slot { tag: 0, at: FREE }; size].into(), taken: 0 }
    }

    /// The place filed under `hash` that `is` the one.
    pub(crate) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let mut index = self.start(hash);
        loop {
            let slot = self.slots[index];
            if slot.at == FREE {
                return None;
            }
            if slot.tag == hash as u32 && is(slot.at) {
                return Some(slot.at);
            }
            index = (index + 1) & mask;
        }
    }

    /// Files `at`, which is not in the table, under `hash`; `hash_of` tells the hash of places filed before.
    pub(crate) fn insert(&mut self, hash: u64, at: u32, hash_of: impl Fn(u32) -> u64) {
        if (self.taken + 1) * 4 > self.slots.len() * 3 {
            let mut grown = Slots::of_size(self.slots.len() * 2);
            for slot in self.slots.iter().filter(|slot| slot.at != FREE) {
                grown.put(hash_of(slot.at), slot.at);
            }
            *self = grown;
        }
        self.put(hash, at);
    }

    /// Begins to fetch the line that [`Self::find`] will look at first.
    pub(crate) fn prefetch(&self, hash: u64) {
        prefetch(&self.slots[self.start(hash)]);
    }

    fn put(&mut self, hash: u64, at: u32) {
        let mask = self.slots.len() - 1;
        let mut index = self.start(hash);
        while self.slots[index].at != FREE {
            index = (index + 1) & mask;
        }
        self.slots[index] = Slot { tag: hash as u32, at };
        self.taken += 1;
    }

    /// Where probing starts: the upper bits of the hash; the tag is the lower ones.
    fn start(&self, hash: u64) -> usize {
        (hash >> (u64::BITS - self.slots.len().trailing_zeros())) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Hashes that crowd into a few places, so that probing wraps and runs meet.
    fn crowded(n: u32) -> u64 {
        (u64::from(n % 7) << 61).wrapping_sub(1) ^ u64::from(n / 3)
    }

    #[test]
    fn every_place_is_found_and_no_other() {
        for hash_of in [crowded as fn(u32) -> u64, |n| u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15)] {
            let mut slots = Slots::default();
            let mut model = HashMap::new();
            for at in 0..2_000 {
                assert_eq!(slots.find(hash_of(at), |found| found == at), None);
                slots.insert(hash_of(at), at, hash_of);
                model.insert(at, hash_of(at));
            }
            for (at, hash) in model {
                assert_eq!(slots.find(hash, |found| found == at), Some(at));
                assert_eq!(slots.find(hash, |_| false), None);
            }
        }
    }
}
