//! Metrics and logs: every metric name and its typed handle in one table ([`metrics`]), the set-up of both, and what the
//! process takes of memory.
//!
//! Input: numbers from the I/O crates, `tracing` events. Output: a Prometheus exposition page, log lines.
//! Absent: what is measured where; each crate asks for its handles once, at start.

pub mod metrics;

mod logging;
mod resident;

pub use logging::{LogFormat, LoggingError, start_logging};
pub use resident::{resident_bytes, take_small_pages};
