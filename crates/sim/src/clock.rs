//! The clock of a run: it moves when the run says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use kilat_domain::Timestamp;
use kilat_log::Clock;

use crate::fiber::{self, Wait};

/// 2026-11-20T00:00:00Z.
const START_MS: i64 = 1_795_132_800_000;

/// The time of a run.
#[derive(Debug, Default)]
pub struct SimClock {
    micros: AtomicU64,
    /// By how much the wall clock was stepped, in milliseconds.
    stepped: AtomicI64,
}

impl SimClock {
    /// A clock that stands.
    pub fn new() -> Arc<SimClock> {
        Arc::new(SimClock::default())
    }

    /// Moves on to this time; never back.
    pub(crate) fn advance(&self, to: Duration) {
        self.micros.fetch_max(u64::try_from(to.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Steps the wall clock.
    pub(crate) fn step(&self, by_ms: i64) {
        self.stepped.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn wall(&self) -> Timestamp {
        let since = i64::try_from(self.micros.load(Ordering::Relaxed) / 1000).unwrap_or(i64::MAX);
        Timestamp(START_MS + since + self.stepped.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }

    fn rest(&self, most: Duration) {
        if fiber::is_inside() {
            fiber::suspend(Wait::Until(self.monotonic() + most));
        } else {
            self.advance(self.monotonic() + most);
        }
    }
}
