//! The idempotency keys of the last eight days.
//!
//! Input: keys with the time their record was appended. Output: whether a key is new.
//!
//! A key is a 64-bit hash. Of `n` keys remembered, the chance that a new event is taken for one of them is `n / 2^64`: with
//! 100 million events a partition and window, 5 in 10^12.

use std::hash::{BuildHasher, RandomState};

use kilat_domain::{SeenDay, Timestamp};

use crate::parts_hasher::PartsHasher;
use crate::prefetch::prefetch;

/// How many days a key is remembered: Meta repeats a webhook for up to seven (D-33).
const WINDOW_DAYS: i32 = 8;
const DAY_MS: i64 = 86_400_000;
const SLOTS_MIN: usize = 16;

/// A hashed idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64);

impl Key {
    /// The key of these parts.
    pub(crate) fn of(parts: &[&str], hasher: &mut PartsHasher) -> Key {
        Key::known(hasher.hash(parts.iter().copied().map(Some)))
    }

    /// A key as it was written; 0 marks a free slot and is no key.
    fn known(key: u64) -> Key {
        Key(key.max(1))
    }
}

/// Keys and the day each was first seen: an open-addressed table probed linearly, so that a key costs one cache miss, which
/// can be fetched ahead.
#[derive(Debug)]
pub(crate) struct Seen {
    /// 0 is free.
    keys: Box<[u64]>,
    /// The day of the key at the same place, modulo 256; none is more than [`WINDOW_DAYS`] old.
    days: Box<[u8]>,
    taken: usize,
    /// Odd, and drawn at random, as ids come from outside: where a key lies cannot be foreseen.
    spread: u64,
    today: i32,
    fresh: Vec<(i32, u64)>,
}

impl Default for Seen {
    fn default() -> Self {
        let (keys, days) = table(SLOTS_MIN);
        let spread = RandomState::new().hash_one(0) | 1;
        Seen { keys, days, taken: 0, spread, today: 0, fresh: Vec::new() }
    }
}

impl Seen {
    /// Moves the window; time never goes back.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.advance_to(day_of(now));
    }

    fn advance_to(&mut self, day: i32) {
        if day > self.today {
            let age = |then: u8| i32::from((self.today as u8).wrapping_sub(then)).saturating_add(day - self.today);
            let in_window: [bool; 256] = std::array::from_fn(|then| age(then as u8) <= WINDOW_DAYS);
            self.today = day;
            self.refill(self.keys.len(), |then| in_window[usize::from(then)]);
        }
    }

    /// Remembers `key`; whether it is new.
    pub(crate) fn insert(&mut self, key: Key) -> bool {
        let is_new = self.put(key, self.today);
        if is_new {
            self.fresh.push((self.today, key.0));
        }
        is_new
    }

    /// Begins to fetch what [`Self::insert`] will look at.
    pub(crate) fn prefetch(&self, key: Key) {
        prefetch(&self.keys[self.start(key.0)]);
    }

    /// Files `key`, which stays with the day it was first seen on.
    fn put(&mut self, key: Key, day: i32) -> bool {
        let mask = self.keys.len() - 1;
        let mut index = self.start(key.0);
        while self.keys[index] != 0 {
            if self.keys[index] == key.0 {
                return false;
            }
            index = (index + 1) & mask;
        }
        (self.keys[index], self.days[index]) = (key.0, day as u8);
        self.taken += 1;
        if self.taken * 4 > self.keys.len() * 3 {
            self.refill(self.keys.len() * 2, |_| true);
        }
        true
    }

    /// Moves the keys of the days that are `kept` into a table of `size`.
    fn refill(&mut self, size: usize, kept: impl Fn(u8) -> bool) {
        let (keys, days) = table(size);
        let keys = std::mem::replace(&mut self.keys, keys);
        let days = std::mem::replace(&mut self.days, days);
        self.taken = 0;
        for (key, day) in keys.into_iter().zip(days).filter(|(key, day)| *key != 0 && kept(*day)) {
            let mut index = self.start(key);
            while self.keys[index] != 0 {
                index = (index + 1) & (size - 1);
            }
            (self.keys[index], self.days[index]) = (key, day);
            self.taken += 1;
        }
    }

    fn start(&self, key: u64) -> usize {
        (key.wrapping_mul(self.spread) >> (u64::BITS - self.keys.len().trailing_zeros())) as usize
    }

    /// Keys inserted since the last [`Self::settle`], by day.
    pub(crate) fn fresh(&self) -> Vec<SeenDay> {
        self.fresh
            .chunk_by(|a, b| a.0 == b.0)
            .map(|run| SeenDay { day: run[0].0, keys: run.iter().map(|(_, key)| *key as i64).collect() })
            .collect()
    }

    /// The fresh keys are committed.
    pub(crate) fn settle(&mut self) {
        self.fresh.clear();
    }

    /// Takes in the keys of a block.
    pub(crate) fn restore(&mut self, days: &[SeenDay]) {
        for SeenDay { day, keys } in days {
            self.advance_to(*day);
            let in_window = self.today.saturating_sub(*day) <= WINDOW_DAYS;
            for key in keys.iter().take_while(|_| in_window) {
                self.put(Key::known(*key as u64), *day);
            }
        }
    }
}

fn table(size: usize) -> (Box<[u64]>, Box<[u8]>) {
    (vec![0; size].into(), vec![0; size].into())
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
    fn ten_thousand_keys_over_twenty_days_are_known_as_long_as_a_map_knows_them() {
        let (mut seen, mut model) = (Seen::default(), std::collections::HashMap::new());
        for number in 0..10_000_i64 {
            let day = 100 + number / 500;
            seen.advance(Timestamp(day * DAY));
            model.retain(|_, first: &mut i64| day - *first <= i64::from(WINDOW_DAYS));
            let id = format!("e{}", number * 31 % 7_001);
            let is_new = !model.contains_key(&id);
            model.entry(id.clone()).or_insert(day);
            assert_eq!(seen.insert(key(&id)), is_new, "{id} on day {day}");
        }
    }

    #[test]
    fn a_long_pause_forgets_everything() {
        let mut seen = Seen::default();
        seen.advance(Timestamp(100 * DAY));
        assert!(seen.insert(key("e1")));
        seen.advance(Timestamp((100 + 256) * DAY));
        assert!(seen.insert(key("e1")));
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
