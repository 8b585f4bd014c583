//! The one place where the binary reads a clock; everything below it is handed the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use kilat_domain::Timestamp;

/// Wall-clock time.
#[expect(clippy::disallowed_methods, reason = "the rim of the program: what is inside gets the time as a value")]
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// A time to measure spans with.
#[expect(clippy::disallowed_methods, reason = "the rim of the program: what is inside gets the time as a value")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}
