//! The audit's own memory of what was evaluated, so that "duplicate" need not be taken on trust.
//!
//! Bounded: the newest [`KEYS_MAX`] keys of a partition, and none older than [`DAYS_SURE`]. What is forgotten is not judged.

use std::collections::VecDeque;

use kilat_domain::Timestamp;
use rustc_hash::FxHashMap;

use super::entries::Input;

/// Keys remembered a partition.
const KEYS_MAX: usize = 1 << 18;
const DAY_MS: i64 = 86_400_000;
/// The engine remembers a key for eight days by the append time, held against a clock; within seven it is certain.
const DAYS_SURE: i64 = 7;

/// What the audit can say of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// It was there, at this offset of this input.
    At(usize, i64),
    /// It was not.
    Never,
    /// The audit does not remember that far.
    Unknown,
}

/// Keys of evaluated events of one partition.
#[derive(Default)]
pub(super) struct Keys {
    known: FxHashMap<u128, (Timestamp, usize, i64)>,
    order: VecDeque<u128>,
    forgetful: bool,
}

impl Keys {
    /// Keys of a partition whose beginning is not there.
    pub(super) fn forget_the_past(&mut self) {
        self.forgetful = true;
    }

    /// Remembers an event as the engine does; what is known of it from before.
    pub(super) fn meet(&mut self, input: usize, record: &Input) -> Before {
        let Some(id) = &record.event else { return Before::Unknown };
        let by_event = key(&[&id.workspace, "id", &id.event]);
        let by_message = record.message.as_ref().map(|(account, id)| (account, id));
        let by_message = by_message.map(|(account, message)| key(&[&id.workspace, "message", account, message]));
        // The engine remembers an event's message only where the event is new.
        let mut before = self.put(by_event, input, record);
        if let (Before::Never | Before::Unknown, Some(by_message)) = (before, by_message) {
            before = match self.put(by_message, input, record) {
                found @ Before::At(..) => found,
                _ => before,
            };
        }
        before
    }

    fn put(&mut self, key: u128, input: usize, record: &Input) -> Before {
        if let Some((at, input, offset)) = self.known.get(&key) {
            let is_sure = (record.at.0 - at.0).abs() < DAYS_SURE * DAY_MS;
            return if is_sure { Before::At(*input, *offset) } else { Before::Unknown };
        }
        self.known.insert(key, (record.at, input, record.offset));
        self.order.push_back(key);
        if self.order.len() > KEYS_MAX {
            self.forgetful = true;
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
        if self.forgetful { Before::Unknown } else { Before::Never }
    }
}

/// Two independent 64-bit hashes of length-prefixed parts: ids come from outside, but nobody gains by a false alarm.
fn key(parts: &[&str]) -> u128 {
    use std::hash::{BuildHasher as _, Hasher as _};
    let hash = |seed: u64| {
        let mut hasher = rustc_hash::FxBuildHasher.build_hasher();
        hasher.write_u64(seed);
        for part in parts {
            hasher.write_u64(part.len() as u64);
            hasher.write(part.as_bytes());
        }
        hasher.finish()
    };
    (u128::from(hash(1)) << 64) | u128::from(hash(0x9e37_79b9_7f4a_7c15))
}
