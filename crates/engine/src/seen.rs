//! The idempotency keys of the last eight days.
//!
//! Input: keys with the time their record was appended. Output: whether a key is new.
//!
//! A key is a 64-bit hash. Of `n` keys remembered, the chance that a new event is taken for one of them is `n / 2^64`: with
//! 100 million events a partition and window, 5 in 10^12.

use std::collections::hash_map::Entry;

use kilat_domain::{SeenDay, Timestamp};
use rustc_hash::FxHashMap;

use crate::parts_hasher::PartsHasher;

/// How many days a key is remembered: Meta repeats a webhook for up to seven (D-33).
const WINDOW_DAYS: i32 = 8;
const DAY_MS: i64 = 86_400_000;

/// A hashed idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64);

impl Key {
    /// The key of these parts.
    pub(crate) fn of(parts: &[&str], hasher: &mut PartsHasher) -> Key {
        Key(hasher.hash(parts.iter().copied().map(Some)))
    }
}

/// Keys and the day each was first seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    days: FxHashMap<u64, i32>,
    today: i32,
    fresh: Vec<(i32, u64)>,
}

impl Seen {
    /// Moves the window; time never goes back.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        let day = day_of(now);
        if day > self.today {
            self.today = day;
            self.days.retain(|_, seen| day - *seen <= WINDOW_DAYS);
        }
    }

    /// Remembers `key`; whether it is new.
    pub(crate) fn insert(&mut self, key: Key) -> bool {
        match self.days.entry(key.0) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                vacant.insert(self.today);
                self.fresh.push((self.today, key.0));
                true
            }
        }
    }

    /// Keys inserted since the last [`Self::settle`], by day.
    pub(crate) fn fresh(&self) -> Vec<SeenDay> {
        self.fresh
            .chunk_by(|a, b| a.0 == b.0)
            .map(|run| SeenDay { day: run[0].0, keys: run.iter().map(|(_, key)| *key as i64).collect() })
            .collect()
    }

    /// Whether there is anything [`Self::fresh`].
    pub(crate) fn is_dirty(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// The fresh keys are committed.
    pub(crate) fn settle(&mut self) {
        self.fresh.clear();
    }

    /// Takes in the keys of a block.
    pub(crate) fn restore(&mut self, days: &[SeenDay]) {
        for SeenDay { day, keys } in days {
            self.today = self.today.max(*day);
            self.days.extend(keys.iter().map(|key| (*key as u64, *day)));
        }
    }
}

fn day_of(now: Timestamp) -> i32 {
    i32::try_from(now.0.div_euclid(DAY_MS)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = DAY_MS;

    fn key(id: &str) -> Key {
        Key::of(&["acme", "id", id], &mut PartsHasher::default())
    }

    #[test]
    fn a_key_is_known_for_eight_days_and_new_on_the_ninth() {
        let mut seen = Seen::default();
        let key = key("e1");
        seen.advance(Timestamp(100 * DAY));
        assert!(seen.insert(key));
        seen.advance(Timestamp(108 * DAY));
        assert!(!seen.insert(key));
        seen.advance(Timestamp(109 * DAY));
        assert!(seen.insert(key));
    }

    #[test]
    fn restored_keys_are_known() {
        let mut seen = Seen::default();
        seen.advance(Timestamp(100 * DAY));
        seen.insert(key("e1"));
        let mut restored = Seen::default();
        restored.restore(&seen.fresh());
        assert!(!restored.insert(key("e1")));
        assert!(restored.insert(key("e2")));
    }
}
