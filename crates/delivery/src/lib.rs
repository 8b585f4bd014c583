//! How deliveries are carried out, without carrying them out: order, bounds, retries, and what may be committed.
//!
//! [`Machine`] is the whole policy of an executor lane. Input: deliveries admitted from a log, verdicts on attempts, and
//! the time. Output: whose turn it is, what is finished with which outcome, and the offsets up to which everything is
//! finished. It is made of [`OffsetTracker`], [`KeyQueues`], [`RetryPolicy`] and [`Breaker`], each usable by itself.
//!
//! Time is a `Duration` since an arbitrary start, from a clock that never goes back; jitter is a number in `[0, 1)` that
//! the caller draws. Both are arguments, so that every run can be repeated.
//!
//! Absent: I/O, clocks, randomness, what an action or a partner is.

mod breaker;
mod key_queues;
mod machine;
mod offset_tracker;
mod retry;

pub use breaker::{Breaker, BreakerPolicy, Permit};
pub use key_queues::{KeyQueues, Removed};
pub use machine::{Admission, Ending, Limits, Machine, Settled, Token, Turn};
pub use offset_tracker::OffsetTracker;
pub use retry::{RetryPolicy, full_jitter};
