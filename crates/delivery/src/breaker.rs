//! A circuit breaker for one destination.
//!
//! Input: what attempts came to. Output: whether another may start now. Closed, it lets everything through; after
//! `failures_max` failures in a row it opens for a while, then lets one probe through: its answer closes it, or opens it
//! for twice as long. B-1: while open nothing starts. B-2: half open, one attempt at a time.
//! Absent: queues, clocks.

use std::time::Duration;

use crate::full_jitter;

/// When a breaker opens and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Failures in a row that open it.
    pub failures_max: u32,
    /// How long it stays open the first time.
    pub pause: Duration,
    /// The longest it stays open.
    pub pause_max: Duration,
}

/// Whether an attempt may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Yes.
    Any,
    /// One at a time.
    Probe,
    /// Not before then.
    NotBefore(Duration),
}

/// A circuit breaker for one destination.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    failures: u32,
    /// How often it opened since it was last closed.
    trips: u32,
    open_until: Option<Duration>,
}

impl Breaker {
    /// Whether an attempt may start now.
    pub fn permit(&self, now: Duration) -> Permit {
        match self.open_until {
            Some(until) if now < until => Permit::NotBefore(until),
            _ if self.trips > 0 => Permit::Probe,
            _ => Permit::Any,
        }
    }

    /// The destination answered: closes.
    pub fn answered(&mut self) {
        *self = Breaker::default();
    }

    /// An attempt failed.
    pub fn failed(&mut self, now: Duration, policy: &BreakerPolicy, jitter: f64) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= policy.failures_max || self.trips > 0 {
            self.trip(now, policy, jitter);
        }
    }

    /// Opens at once; an attempt that ends while it is open does not prolong it.
    pub fn trip(&mut self, now: Duration, policy: &BreakerPolicy, jitter: f64) {
        if matches!(self.permit(now), Permit::NotBefore(_)) {
            return;
        }
        let most = policy.pause.saturating_mul(2u32.saturating_pow(self.trips)).min(policy.pause_max);
        // Half of the pause is fixed: a breaker that reopens at once protects nobody.
        self.open_until = Some(now + most / 2 + full_jitter(most / 2, jitter));
        self.trips = self.trips.saturating_add(1);
    }

    /// Whether it remembers nothing.
    pub fn is_idle(&self) -> bool {
        self.failures == 0 && self.trips == 0
    }
}

#[cfg(test)]
mod tests;
