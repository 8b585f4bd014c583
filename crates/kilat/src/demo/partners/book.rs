//! What came to the partners, and how they take it.
//!
//! Input: requests that are in order, by partner and idempotency key. Output: the [`Mood`] in which each is taken, and the
//! [`Tally`]. Which requests are throttled, broken or left without an answer follows from the seed, the key and the attempt,
//! not from the order of arrival; from the third attempt on every request is taken.

use std::collections::{HashMap, VecDeque};

use super::Partner;
use crate::demo::random::Random;

/// How many idempotency keys the partners remember; the oldest are forgotten first.
const KEYS_REMEMBERED: usize = 1_000_000;
/// Requests answered 429, 500, or taken and never answered, per mille of first and second attempts.
const THROTTLED_PER_MILLE: usize = 20;
/// Fewer for WhatsApp: its throttling is about the number, and holds up everybody who is written to from it.
const WHATSAPP_THROTTLED_PER_MILLE: usize = 3;
const BROKEN_PER_MILLE: usize = 15;
const SILENT_PER_MILLE: usize = 5;

/// What came to one kind of partner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::demo) struct Tally {
    /// Requests.
    pub(in crate::demo) requests: u64,
    /// Taken for the first time.
    pub(in crate::demo) taken: u64,
    /// Taken before under the same key, and therefore ignored.
    pub(in crate::demo) repeated: u64,
    /// Answered 429.
    pub(in crate::demo) throttled: u64,
    /// Answered 500.
    pub(in crate::demo) broken: u64,
    /// Taken and never answered.
    pub(in crate::demo) silent: u64,
    /// Refused as what a real partner refuses for good.
    pub(in crate::demo) rejected: u64,
    /// Refused because signature, token or shape are wrong: a defect of the sender.
    pub(in crate::demo) wrong: u64,
}

/// Everything that came.
pub(super) struct Book {
    seed: u64,
    tallies: [Tally; Partner::ALL.len()],
    keys: HashMap<(Partner, String), Seen>,
    order: VecDeque<(Partner, String)>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    attempts: u32,
    taken: bool,
}

/// How a partner takes a request that is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mood {
    Takes,
    Throttles,
    Breaks,
    FallsSilent,
}

impl Book {
    /// A book in which nothing stands yet; `seed` decides the moods.
    pub(super) fn new(seed: u64) -> Book {
        Book { seed, tallies: Default::default(), keys: HashMap::new(), order: VecDeque::new() }
    }

    /// What came to this kind of partner.
    pub(super) fn tally(&mut self, partner: Partner) -> &mut Tally {
        &mut self.tallies[partner as usize]
    }

    /// Books a request that is in order and says how the partner takes it.
    pub(super) fn take(&mut self, partner: Partner, key: &str) -> Mood {
        let place = (partner, key.to_owned());
        let mut seen = self.keys.get(&place).copied().unwrap_or_default();
        if seen.attempts == 0 {
            if self.order.len() == KEYS_REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.keys.remove(&oldest);
            }
            self.order.push_back(place.clone());
        }
        seen.attempts += 1;
        let mood = self.mood(partner, key, seen.attempts);
        let tally = &mut self.tallies[partner as usize];
        tally.requests += 1;
        match mood {
            Mood::Takes => {}
            Mood::Throttles => tally.throttled += 1,
            Mood::Breaks => tally.broken += 1,
            Mood::FallsSilent => tally.silent += 1,
        }
        if matches!(mood, Mood::Takes | Mood::FallsSilent) {
            tally.taken += u64::from(!seen.taken);
            tally.repeated += u64::from(seen.taken);
            seen.taken = true;
        }
        self.keys.insert(place, seen);
        mood
    }

    fn mood(&self, partner: Partner, key: &str, attempt: u32) -> Mood {
        let throttled = match partner {
            Partner::Whatsapp => WHATSAPP_THROTTLED_PER_MILLE,
            Partner::Webhook | Partner::Meta => THROTTLED_PER_MILLE,
        };
        match Random::named(self.seed, &format!("{}:{key}:{attempt}", partner.name())).below(1000) {
            _ if attempt > 2 => Mood::Takes,
            n if n < throttled => Mood::Throttles,
            n if n < throttled + BROKEN_PER_MILLE => Mood::Breaks,
            n if n < throttled + BROKEN_PER_MILLE + SILENT_PER_MILLE => Mood::FallsSilent,
            _ => Mood::Takes,
        }
    }
}
