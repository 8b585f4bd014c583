//! The idempotency keys of the last eight days.
//!
//! Input: keys with the time their record was appended. Output: whether a key is new.
//!
//! A key is a 64-bit hash. Of `n` keys remembered, the chance that a new event is taken for one of them is `n / 2^64`: with
//! 100 million events a partition and window, 5 in 10^12.

use std::hash::{BuildHasher, RandomState};

use kilat_domain::{SeenDay, Timestamp};

use crate::directory::Directory;
use crate::parts_hasher::PartsHasher;
use crate::prefetch::prefetch;

/// How many days a key is remembered: Meta repeats a webhook for up to seven (D-33).
const WINDOW_DAYS: i32 = 8;
const DAY_MS: i64 = 86_400_000;
/// After so many days a segment is swept though it is not full, so that the room of a busy week is given back, and no day is
/// far from that of the last sweep.
const UNSWEPT_DAYS_MAX: i32 = WINDOW_DAYS;
const LINES_MIN: usize = 2;
/// Lines of a segment that is split rather than grown: 32 KiB, which the processor's nearest cache holds, and which the allocator
/// hands out again and does not give back in between.
const LINES_MAX: usize = 1 << 9;
/// Keys in a line.
const LINE_KEYS: usize = 7;
/// Where splitting ends: no partition has that many keys.
const DEPTH_MAX: u32 = 30;

/// A hashed idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64);

impl Key {
    /// The key of these parts.
    pub(crate) fn of(parts: &[&str], hasher: &mut PartsHasher) -> Key {
        Key::known(hasher.hash(parts.iter().copied().map(Some)))
    }

    /// A key as it was written; 0 marks a free slot and is no key.
    pub(crate) fn known(key: u64) -> Key {
        Key(key.max(1))
    }

    /// Its bits.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }
}

/// Keys and the day each was first seen: an open-addressed table of lines, probed linearly within segments (see `directory`), so
/// that a key costs one cache miss, which can be fetched ahead.
#[derive(Debug)]
pub(crate) struct Seen {
    segments: Directory<Segment>,
    /// Odd, and drawn at random, as ids come from outside: where a key lies cannot be foreseen.
    spread: u64,
    today: i32,
    /// The day at the last [`Self::settle`].
    settled: i32,
    fresh: Vec<(i32, u64)>,
}

/// What one look at memory brings: keys and, beside each, its day modulo 256.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line {
    /// Filled from the front; 0 is free.
    keys: [u64; LINE_KEYS],
    days: [u8; LINE_KEYS],
}

#[derive(Debug, Default)]
struct Segment {
    /// No day is more than [`WINDOW_DAYS`] before `swept`, or more than [`UNSWEPT_DAYS_MAX`] after it.
    lines: Box<[Line]>,
    taken: usize,
    /// The day keys that had left the window were last taken out. Until that is due they stay, and count for nothing.
    swept: i32,
}

impl Segment {
    fn of_size(lines: usize, swept: i32) -> Segment {
        let free = Line { keys: [0; LINE_KEYS], days: [0; LINE_KEYS] };
        Segment { lines: vec![free; lines].into(), taken: 0, swept }
    }

    /// The day of this number modulo 256.
    fn day(&self, then: u8) -> i32 {
        self.swept + i32::from(then.wrapping_sub(self.swept as u8).cast_signed())
    }

    /// Keys with their days, those that are still in the window on `today`.
    fn kept(&self, today: i32) -> impl Iterator<Item = (u64, i32)> {
        let all = self.lines.iter().flat_map(|line| line.keys.into_iter().zip(line.days));
        let taken = all.filter(|(key, _)| *key != 0).map(|(key, then)| (key, self.day(then)));
        taken.filter(move |(_, day)| is_in_window(*day, today))
    }

    /// These keys in a segment of so many lines.
    fn of(kept: impl Iterator<Item = (u64, i32)>, lines: usize, swept: i32, place: impl Fn(u64) -> u64) -> Segment {
        let mut segment = Segment::of_size(lines, swept);
        for (key, day) in kept {
            segment.put(key, day, swept, place(key));
        }
        segment
    }

    /// Files `key`, whose place is a hash; whether it was not in the window.
    fn put(&mut self, key: u64, day: i32, today: i32, place: u64) -> bool {
        let mask = self.lines.len() - 1;
        let mut index = self.start(place);
        loop {
            let line = &self.lines[index];
            let known = line.keys.iter().position(|known| *known == key);
            if known.is_some_and(|at| is_in_window(self.day(line.days[at]), today)) {
                return false;
            }
            let taken = line.keys.iter().filter(|known| **known != 0).count();
            if known.is_some() || taken < LINE_KEYS {
                let (at, line) = (known.unwrap_or(taken), &mut self.lines[index]);
                (line.keys[at], line.days[at]) = (key, day as u8);
                self.taken += usize::from(known.is_none());
                return true;
            }
            index = (index + 1) & mask;
        }
    }

    /// Where probing starts; `place` without the bits that the segment shares.
    fn start(&self, place: u64) -> usize {
        (place >> (u64::BITS - self.lines.len().trailing_zeros())) as usize
    }

    /// How many keys there is room for.
    fn room(&self) -> usize {
        self.lines.len() * LINE_KEYS
    }

    /// Whether it must be swept before another key is filed.
    fn is_due(&self, today: i32) -> bool {
        (self.taken + 1) * 4 > self.room() * 3 || today.saturating_sub(self.swept) > UNSWEPT_DAYS_MAX
    }
}

impl Default for Seen {
    fn default() -> Self {
        let spread = RandomState::new().hash_one(0) | 1;
        Seen { segments: Directory::default(), spread, today: 0, settled: 0, fresh: Vec::new() }
    }
}

impl Seen {
    /// Moves the window; time never goes back. What leaves it is taken out of a segment when that is full, or was not
    /// swept for long.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.today = self.today.max(day_of(now));
    }

    /// Remembers `key`; whether it is new.
    pub(crate) fn insert(&mut self, key: Key) -> bool {
        let is_new = self.put(key, self.today);
        if is_new {
            self.fresh.push((self.today, key.0));
        }
        is_new
    }

    /// Begins to fetch what tells the line of a key.
    pub(crate) fn prefetch_segment(&self, key: Key) {
        prefetch(self.segments.of(self.place(key.0)).0);
    }

    /// Begins to fetch the line that [`Self::insert`] will look at first.
    pub(crate) fn prefetch_line(&self, key: Key) {
        let place = self.place(key.0);
        let (segment, depth) = self.segments.of(place);
        if !segment.lines.is_empty() {
            prefetch(&segment.lines[segment.start(place << depth)]);
        }
    }

    /// Where a key belongs.
    fn place(&self, key: u64) -> u64 {
        key.wrapping_mul(self.spread)
    }

    /// Files `key`, which stays with the day it was first seen on.
    fn put(&mut self, key: Key, day: i32) -> bool {
        let (today, spread) = (self.today, self.spread);
        let place = key.0.wrapping_mul(spread);
        loop {
            let (segment, depth) = self.segments.of_mut(place);
            let below = |depth: u32| move |key: u64| key.wrapping_mul(spread) << depth;
            if segment.is_due(today) {
                let kept = segment.kept(today).count();
                let lines = ((kept + 1) * 10 / 7).div_ceil(LINE_KEYS).next_power_of_two().max(LINES_MIN);
                if lines <= LINES_MAX || depth == DEPTH_MAX {
                    *segment = Segment::of(segment.kept(today), lines, today, below(depth));
                } else {
                    self.segments.split(place, |full, depth| {
                        let half = |bit| full.kept(today).filter(move |(key, _)| below(depth)(*key) >> 63 == bit);
                        [0, 1].map(|bit| Segment::of(half(bit), LINES_MAX, today, below(depth + 1)))
                    });
                    continue;
                }
            }
            return segment.put(key.0, day, today, place << depth);
        }
    }

    /// Keys inserted since the last [`Self::settle`], by day; the last is today where that is a new one.
    pub(crate) fn fresh(&self) -> Vec<SeenDay> {
        let runs = self.fresh.chunk_by(|a, b| a.0 == b.0);
        let run = |run: &[(i32, u64)]| SeenDay { day: run[0].0, keys: run.iter().map(|key| key.1 as i64).collect() };
        let mut days: Vec<SeenDay> = runs.map(run).collect();
        if self.today > self.settled && days.last().is_none_or(|last| last.day < self.today) {
            days.push(SeenDay { day: self.today, keys: Vec::new() });
        }
        days
    }

    /// Whether nothing is fresh.
    pub(crate) fn is_settled(&self) -> bool {
        self.fresh.is_empty() && self.settled == self.today
    }

    /// The fresh keys are committed.
    pub(crate) fn settle(&mut self) {
        self.fresh.clear();
        self.settled = self.today;
    }

    /// Takes in the keys of a block.
    pub(crate) fn restore(&mut self, days: &[SeenDay]) {
        for SeenDay { day, keys } in days {
            self.today = self.today.max(*day);
            let in_window = self.today.saturating_sub(*day) <= WINDOW_DAYS;
            for key in keys.iter().take_while(|_| in_window) {
                self.put(Key::known(*key as u64), *day);
            }
        }
    }

    /// The keys that belong at `from` and after it, by day, some more than so many bytes of them in blocks; and where the next
    /// belong, `None` after the last. Today comes with the first.
    pub(crate) fn scan(&self, from: u64, bytes: usize) -> (Vec<SeenDay>, Option<u64>) {
        let mut days: Vec<SeenDay> = Vec::new();
        if from == 0 && self.today > 0 {
            days.push(SeenDay { day: self.today, keys: Vec::new() });
        }
        let (mut next, mut scanned) = (Some(from), 0);
        while let Some(at) = next.filter(|_| scanned * SeenDay::KEY_BYTES_MAX < bytes) {
            let (segment, after) = self.segments.range(at);
            for (key, day) in segment.kept(self.today) {
                match days.iter_mut().find(|known| known.day == day) {
                    Some(known) => known.keys.push(key as i64),
                    None => days.push(SeenDay { day, keys: vec![key as i64] }),
                }
                scanned += 1;
            }
            next = after;
        }
        (days, next)
    }

    /// How many keys there is room for.
    #[cfg(test)]
    fn room(&self) -> usize {
        self.segments.iter().map(Segment::room).sum()
    }

    /// Bytes of the room for keys and their days.
    pub(crate) fn bytes(&self) -> usize {
        self.segments.iter().map(|segment| size_of_val(&*segment.lines)).sum()
    }
}

fn is_in_window(day: i32, today: i32) -> bool {
    today.saturating_sub(day) <= WINDOW_DAYS
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
    fn ten_thousand_keys_over_twenty_days_and_over_three_years_are_known_as_long_as_a_map_knows_them() {
        for (keys_a_day, ids) in [(500, 7_001), (9, 101)] {
            let (mut seen, mut model) = (Seen::default(), std::collections::HashMap::new());
            for number in 0..10_000_i64 {
                let day = 100 + number / keys_a_day;
                seen.advance(Timestamp(day * DAY));
                model.retain(|_, first: &mut i64| day - *first <= i64::from(WINDOW_DAYS));
                let id = format!("e{}", number * 31 % ids);
                let is_new = !model.contains_key(&id);
                model.entry(id.clone()).or_insert(day);
                assert_eq!(seen.insert(key(&id)), is_new, "{id} on day {day}");
            }
        }
    }

    #[test]
    fn the_room_of_a_busy_day_is_given_back_in_the_quiet_weeks_after_it() {
        let (mut seen, mut number) = (Seen::default(), 0_u64);
        let mut rooms = Vec::new();
        for (day, keys) in (0..30).map(|day| (day, if day == 0 { 200_000 } else { 2_000 })) {
            seen.advance(Timestamp((1_000 + day) * DAY));
            for _ in 0..keys {
                number += 1;
                assert!(seen.insert(Key::known(number.wrapping_mul(0x9E37_79B9_7F4A_7C15))));
            }
            rooms.push(seen.room());
        }
        assert!(rooms[0] >= 200_000, "{rooms:?}");
        assert!(rooms[29] <= 9 * 2_000 * 4, "{rooms:?}");
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

    #[test]
    fn keys_of_many_days_take_the_room_of_eight_and_a_scan_gives_all_of_them() {
        let mut seen = Seen::default();
        let mut number = 0_u64;
        let mut sizes = Vec::new();
        for day in 0..40 {
            seen.advance(Timestamp((1_000 + day) * DAY));
            for _ in 0..20_000 {
                number += 1;
                assert!(seen.insert(Key::known(number.wrapping_mul(0x9E37_79B9_7F4A_7C15))));
            }
            seen.settle();
            sizes.push(seen.room());
        }
        // Nine days are in the window: today and the eight before.
        let most = 9 * 20_000 * 4;
        assert!(sizes.iter().all(|size| *size <= most), "{sizes:?}");
        let (mut scanned, mut from, mut slices) = (Seen::default(), Some(0), 0);
        while let Some(at) = from {
            let (days, next) = seen.scan(at, 1 << 16);
            scanned.restore(&days);
            (from, slices) = (next, slices + 1);
        }
        assert!(slices > 1);
        for back in 0..number {
            let key = Key::known((number - back).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            assert_eq!(scanned.insert(key), back >= 9 * 20_000, "{back} keys back");
        }
    }
}
