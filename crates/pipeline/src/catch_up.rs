//! How fast a backlog shrinks, and when it will be gone.
//!
//! Input: the lag, once in a while. Output: records a second by which it shrinks, over the last seconds, and the time until
//! it is 0 at that rate.

use std::time::Duration;

/// A change of rate is seen to two thirds after so many seconds: short against a backlog, long against a batch.
const SMOOTHED_SECONDS: f64 = 10.0;

/// The rate a lag shrinks at.
#[derive(Debug, Default)]
pub(crate) struct CatchUp {
    last: Option<(Duration, u64)>,
    rate: Option<f64>,
}

/// What is known of a backlog.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outlook {
    /// Records a second by which the lag shrinks; below 0 where it grows.
    pub(crate) records_per_second: f64,
    /// Until the lag is 0; infinite where it does not shrink.
    pub(crate) seconds: f64,
}

impl CatchUp {
    /// Takes in the lag at a time of the monotonic clock.
    pub(crate) fn observe(&mut self, now: Duration, lag: u64) -> Outlook {
        if let Some((then, before)) = self.last.replace((now, lag)) {
            let seconds = now.saturating_sub(then).as_secs_f64();
            if seconds > 0.0 {
                let rate = (before as f64 - lag as f64) / seconds;
                let weight = 1.0 - (-seconds / SMOOTHED_SECONDS).exp();
                self.rate = Some(self.rate.map_or(rate, |known| known + (rate - known) * weight));
            }
        }
        let rate = self.rate.unwrap_or_default();
        let seconds = match lag {
            0 => 0.0,
            lag if rate > 0.0 => lag as f64 / rate,
            _ => f64::INFINITY,
        };
        Outlook { records_per_second: rate, seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_that_shrinks_evenly_is_gone_when_it_is_said_to_be() {
        let mut catch_up = CatchUp::default();
        assert_eq!(catch_up.observe(Duration::ZERO, 100_000).seconds, f64::INFINITY);
        for second in 1..100 {
            let outlook = catch_up.observe(Duration::from_secs(second), 100_000 - 1_000 * second);
            assert!((outlook.records_per_second - 1_000.0).abs() < 1e-6, "{outlook:?}");
            assert!((outlook.seconds - (100 - second) as f64).abs() < 1e-6, "{outlook:?}");
        }
        assert_eq!(catch_up.observe(Duration::from_secs(100), 0).seconds, 0.0);
    }

    #[test]
    fn a_backlog_that_grows_is_never_gone_until_it_shrinks_again() {
        let mut catch_up = CatchUp::default();
        catch_up.observe(Duration::ZERO, 0);
        let outlook = catch_up.observe(Duration::from_secs(1), 500);
        assert_eq!(outlook, Outlook { records_per_second: -500.0, seconds: f64::INFINITY });
        let mut outlook = outlook;
        for second in 2..60 {
            outlook = catch_up.observe(Duration::from_secs(second), 100_500 - 1_000 * second);
        }
        assert!((900.0..1_000.0).contains(&outlook.records_per_second), "{outlook:?}");
    }
}
