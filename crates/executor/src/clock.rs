//! The clocks: the wall for gates and results, given from outside; the monotonic one for waits, read here only.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kilat_domain::Timestamp;

/// Tells the time of day: the machine's clock, unless a demo or a test has its own.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock.
#[allow(clippy::disallowed_methods, reason = "the one place where executors read the wall clock")]
pub(crate) fn system_clock() -> WallClock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    })
}

/// Time since it was made; never goes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Monotonic(Instant);

impl Monotonic {
    #[allow(clippy::disallowed_methods, reason = "the one place where executors read the monotonic clock")]
    pub(crate) fn start() -> Self {
        Monotonic(Instant::now())
    }

    pub(crate) fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
