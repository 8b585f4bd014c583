//! Metrics and logs: every metric name and its typed handle in one table ([`metrics`]), and the set-up of both.
//!
//! Input: numbers from the I/O crates, `tracing` events. Output: a Prometheus exposition page, log lines.
//! Absent: what is measured where; each crate asks for its handles once, at start.

pub mod metrics;

mod logging;

pub use logging::{LogFormat, LoggingError, start_logging};
