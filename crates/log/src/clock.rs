//! Time, as those who work on a log see it: given to them from outside, so that a simulation can give them its own.
//!
//! Output: the time of day, a time that only goes forward, and waiting. Absent: time zones, calendars.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kilat_domain::Timestamp;

/// Tells the time and waits.
pub trait Clock: Send + Sync {
    /// The time of day; it may jump either way.
    fn wall(&self) -> Timestamp;

    /// Time since some moment in the past; it never goes back.
    fn monotonic(&self) -> Duration;

    /// Waits, at most this long. Unparking the thread ends the wait, and it may end without reason.
    fn rest(&self, most: Duration);
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    begun: Instant,
}

impl SystemClock {
    /// The machine's clocks; the monotonic one counts from now.
    #[allow(clippy::disallowed_methods, reason = "one of the places where the clocks are read")]
    pub fn new() -> SystemClock {
        SystemClock { begun: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place where the wall clock is read for those given a clock")]
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.begun.elapsed()
    }

    fn rest(&self, most: Duration) {
        std::thread::park_timeout(most);
    }
}
