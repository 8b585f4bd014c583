//! The machine's clock, with a time of day that a demo or a test may give from outside.

use std::sync::Arc;
use std::time::Duration;

use kilat_domain::Timestamp;
use kilat_log::{Clock, SystemClock};

/// Tells the time of day: the machine's clock, unless a demo or a test has its own.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock.
pub(crate) fn system_clock() -> WallClock {
    let clock = SystemClock::new();
    Arc::new(move || clock.wall())
}

/// The machine's clock under another time of day.
pub(crate) struct Staged {
    wall: WallClock,
    machine: SystemClock,
}

impl Staged {
    pub(crate) fn new(wall: WallClock) -> Staged {
        Staged { wall, machine: SystemClock::new() }
    }
}

impl Clock for Staged {
    fn wall(&self) -> Timestamp {
        (self.wall)()
    }

    fn monotonic(&self) -> Duration {
        self.machine.monotonic()
    }

    fn rest(&self, most: Duration) {
        self.machine.rest(most);
    }
}
