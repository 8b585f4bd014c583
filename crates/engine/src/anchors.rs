//! Where the leads and conversations of spread workspaces are at home, as 32-bit hashes that never change.
//!
//! Input: keys of leads and conversations, with their anchors. Output: the anchor of a key.
//!
//! A key is a 64-bit hash of workspace, kind and id. Two that share one would share an anchor, which is no harm: what
//! matters is that a conversation's events all go the same way. About 22 bytes each.

use std::hash::{BuildHasher, RandomState};

use kilat_domain::Anchor;

use crate::seen::Key;
use crate::slots::Slots;

/// See the module.
#[derive(Debug)]
pub(crate) struct Anchors {
    /// In the order they were first seen.
    known: Vec<(u64, u32)>,
    places: Slots,
    /// Odd, and drawn at random, as ids come from outside: where a key lies cannot be foreseen.
    spread: u64,
    /// Places of those that blocks know nothing of.
    fresh: Vec<u32>,
}

impl Default for Anchors {
    fn default() -> Self {
        let spread = RandomState::new().hash_one(0) | 1;
        Anchors { known: Vec::new(), places: Slots::default(), spread, fresh: Vec::new() }
    }
}

impl Anchors {
    /// The anchor of a key.
    pub(crate) fn find(&self, key: Key) -> Option<u32> {
        let place = self.place(key.bits())?;
        Some(self.known[place as usize].1)
    }

    /// Gives a key its anchor, in place of any it has.
    pub(crate) fn set(&mut self, key: Key, anchor: u32) {
        match self.place(key.bits()) {
            Some(place) if self.known[place as usize].1 == anchor => {}
            Some(place) => {
                self.known[place as usize].1 = anchor;
                self.fresh.push(place);
            }
            None => {
                let place = u32::try_from(self.known.len()).ok().filter(|place| *place < u32::MAX);
                let place = place.expect("a partition holds fewer than 2^32 - 1 anchors");
                self.known.push((key.bits(), anchor));
                self.places.insert(key.bits().wrapping_mul(self.spread), place);
                self.fresh.push(place);
            }
        }
    }

    fn place(&self, key: u64) -> Option<u32> {
        self.places.find(key.wrapping_mul(self.spread), |place| self.known[place as usize].0 == key)
    }

    /// Those that blocks know nothing of.
    pub(crate) fn fresh(&self) -> impl Iterator<Item = Anchor> {
        self.fresh.iter().map(|place| anchor(self.known[*place as usize]))
    }

    /// So many of them, from this place on.
    pub(crate) fn scan(&self, from: usize, most: usize) -> Vec<Anchor> {
        self.known.iter().skip(from).take(most).copied().map(anchor).collect()
    }

    /// Takes in what a block says.
    pub(crate) fn restore(&mut self, anchors: &[Anchor]) {
        for Anchor { key, anchor } in anchors {
            self.set(Key::known(key.cast_unsigned()), anchor.cast_unsigned());
        }
    }

    /// Whether blocks know all of them.
    pub(crate) fn is_settled(&self) -> bool {
        self.fresh.is_empty()
    }

    /// Bytes of all of them.
    pub(crate) fn bytes(&self) -> usize {
        self.known.capacity() * size_of::<(u64, u32)>() + self.places.bytes()
    }

    /// What was fresh is committed.
    pub(crate) fn settle(&mut self) {
        self.fresh.clear();
    }
}

fn anchor((key, anchor): (u64, u32)) -> Anchor {
    Anchor { key: key.cast_signed(), anchor: anchor.cast_signed() }
}
