//! The wall clock and the monotonic one, read here and nowhere else in this crate.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use kilat_domain::Timestamp;

#[allow(clippy::disallowed_methods, reason = "the one place where the pipeline reads the monotonic clock")]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "the one place where the pipeline reads the wall clock")]
pub(crate) fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
