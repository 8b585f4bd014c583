//! When to try again, and when to stop.
//!
//! Input: how many tries were made, the verdict on the last, jitter. Output: how long to wait, or that the budget is used
//! up. R-1: at most `steps + 1` tries. R-2: never sooner than a partner asked for, up to `wait_max`.
//! Absent: the age budget, which the machine keeps, and what a partner is.
//! Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (full jitter).

use std::sync::Arc;
use std::time::Duration;

use kilat_domain::{Verdict, Wait};

/// How often and how fast one kind of delivery is retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The most to wait before the second try, the third …; one try more than there are steps.
    pub steps: Arc<[Duration]>,
    /// The most a partner's own wait counts for.
    pub wait_max: Duration,
}

/// A length drawn evenly from zero to `most`; `jitter` in `[0, 1)`.
pub fn full_jitter(most: Duration, jitter: f64) -> Duration {
    most.mul_f64(jitter.clamp(0.0, 1.0))
}

impl RetryPolicy {
    /// How long to wait after the `tries`-th try (from 1) came to `verdict`; `None` when the budget is used up.
    pub fn wait(&self, tries: u32, verdict: Verdict, jitter: f64) -> Option<Duration> {
        let done = tries.saturating_sub(1);
        let step = *self.steps.get(usize::try_from(done).unwrap_or(usize::MAX))?;
        let drawn = full_jitter(step, jitter);
        Some(match verdict {
            Verdict::Throttled { wait: Wait::AtLeast(least), .. } => drawn.max(least.min(self.wait_max)),
            Verdict::Throttled { wait: Wait::PowersOfFour, .. } => {
                Duration::from_secs(4u64.saturating_pow(done)).min(self.wait_max)
            }
            Verdict::Throttled { wait: Wait::Schedule, .. }
            | Verdict::Delivered
            | Verdict::Transient
            | Verdict::Rejected
            | Verdict::Gone
            | Verdict::AuthStopped
            | Verdict::Unknown => drawn,
        })
    }
}

#[cfg(test)]
mod tests;
