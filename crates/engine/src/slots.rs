//! An open-addressed table from hashes to places, laid out for one cache miss a lookup.
//!
//! A slot is eight bytes: the upper 32 bits of the hash and a place. The table finds candidates; whoever owns the places says
//! which is the right one. Probing is linear within a segment (see `directory`), from the bits below those its hashes share,
//! so that a lookup rarely leaves the line it starts in and that line can be fetched ahead. Segments grow by a quarter: a slot
//! is part of what an idle lead takes, and between three fifths and three quarters of them are taken.

use crate::directory::Directory;
use crate::prefetch::prefetch;

/// The place no slot points to: the slot is free.
const FREE: u32 = u32::MAX;
const SLOTS_MIN: usize = 16;
/// Slots of a segment that is split rather than grown: 32 KiB, as in `seen`.
const SLOTS_MAX: usize = 1 << 12;

#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    at: u32,
}

#[derive(Debug)]
struct Segment {
    slots: Box<[Slot]>,
    taken: usize,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    segments: Directory<Segment>,
}

impl Default for Segment {
    fn default() -> Self {
        Segment::of_size(SLOTS_MIN)
    }
}

impl Segment {
    fn of_size(size: usize) -> Segment {
        Segment { slots: vec![Slot { tag: 0, at: FREE }; size].into(), taken: 0 }
    }

    /// Where probing starts.
    fn start(&self, tag: u32, depth: u32) -> usize {
        ((u64::from(tag << depth) * self.slots.len() as u64) >> u32::BITS) as usize
    }

    /// Where probing goes on.
    fn next(&self, index: usize) -> usize {
        if index + 1 == self.slots.len() { 0 } else { index + 1 }
    }

    fn put(&mut self, slot: Slot, depth: u32) {
        let mut index = self.start(slot.tag, depth);
        while self.slots[index].at != FREE {
            index = self.next(index);
        }
        self.slots[index] = slot;
        self.taken += 1;
    }

    fn is_full(&self) -> bool {
        (self.taken + 1) * 4 > self.slots.len() * 3
    }

    /// How many slots so many entries get that are to become more.
    fn size_for(taken: usize) -> usize {
        taken * 5 / 3 + SLOTS_MIN
    }

    fn taken(&self) -> impl Iterator<Item = Slot> {
        self.slots.iter().copied().filter(|slot| slot.at != FREE)
    }

    /// The same slots in a segment of another size.
    fn of(slots: impl Iterator<Item = Slot>, size: usize, depth: u32) -> Segment {
        let mut segment = Segment::of_size(size);
        slots.for_each(|slot| segment.put(slot, depth));
        segment
    }
}

impl Slots {
    /// The place filed under `hash` that `is` the one.
    pub(crate) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let (segment, depth) = self.segments.of(hash);
        let tag = tag(hash);
        let mut index = segment.start(tag, depth);
        loop {
            let slot = segment.slots[index];
            if slot.at == FREE {
                return None;
            }
            if slot.tag == tag && is(slot.at) {
                return Some(slot.at);
            }
            index = segment.next(index);
        }
    }

    /// Files `at`, which is not in the table, under `hash`.
    pub(crate) fn insert(&mut self, hash: u64, at: u32) {
        let (segment, depth) = self.segments.of_mut(hash);
        if segment.is_full() {
            // Hashes that agree in all the bits a split looks at stay together, and their segment grows on.
            let size = Segment::size_for(segment.taken);
            if size <= SLOTS_MAX || depth == u32::BITS - SLOTS_MAX.trailing_zeros() {
                *segment = Segment::of(segment.taken(), size, depth);
            } else {
                self.segments.split(hash, |full, depth| {
                    let half = |bit| full.taken().filter(move |slot| slot.tag << depth >> 31 == bit);
                    [0, 1].map(|bit| Segment::of(half(bit), Segment::size_for(half(bit).count()), depth + 1))
                });
                return self.insert(hash, at);
            }
        }
        let (segment, depth) = self.segments.of_mut(hash);
        segment.put(Slot { tag: tag(hash), at }, depth);
    }

    /// Bytes of all slots, free ones too.
    pub(crate) fn bytes(&self) -> usize {
        self.segments.iter().map(|segment| size_of_val(&*segment.slots)).sum()
    }

    /// Begins to fetch the line that [`Self::find`] will look at first.
    pub(crate) fn prefetch(&self, hash: u64) {
        let (segment, depth) = self.segments.of(hash);
        prefetch(&segment.slots[segment.start(tag(hash), depth)]);
    }
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Hashes that crowd into a few places, so that probing wraps and runs meet.
    fn crowded(n: u32) -> u64 {
        (u64::from(n % 7) << 61).wrapping_sub(1) ^ (u64::from(n / 3) << 20)
    }

    fn spread(n: u32) -> u64 {
        u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    #[test]
    fn every_place_is_found_and_no_other() {
        for (hash_of, places) in [(crowded as fn(u32) -> u64, 2_000), (spread, 200_000)] {
            let mut slots = Slots::default();
            let mut model = HashMap::new();
            for at in 0..places {
                assert_eq!(slots.find(hash_of(at), |found| found == at), None);
                slots.insert(hash_of(at), at);
                model.insert(at, hash_of(at));
            }
            for (at, hash) in model {
                assert_eq!(slots.find(hash, |found| found == at), Some(at));
                assert_eq!(slots.find(hash, |_| false), None);
            }
        }
    }

    #[test]
    fn no_segment_grows_beyond_its_bound() {
        let mut slots = Slots::default();
        (0..200_000).for_each(|at| slots.insert(spread(at), at));
        assert!(slots.segments.iter().all(|segment| segment.slots.len() <= SLOTS_MAX));
        assert!(slots.segments.iter().count() >= 4);
    }
}
