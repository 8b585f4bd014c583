//! Waits against the schedule of D-81 and WhatsApp's rule for its pair limit.

use std::time::Duration;

use kilat_domain::{Scope, Verdict, Wait};
use proptest::prelude::*;

use super::RetryPolicy;

const HOUR: Duration = Duration::from_secs(3600);
const STEPS: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(300), Duration::from_secs(1800)];
fn policy() -> RetryPolicy {
    RetryPolicy { steps: STEPS.into(), wait_max: HOUR }
}

fn throttled(wait: Wait) -> Verdict {
    Verdict::Throttled { scope: Scope::Destination, wait }
}

#[test]
fn there_is_one_try_more_than_steps() {
    for tries in 1..=3 {
        assert!(policy().wait(tries, Verdict::Transient, 0.5).is_some());
    }
    assert_eq!(policy().wait(4, Verdict::Transient, 0.5), None);
    assert_eq!(policy().wait(u32::MAX, Verdict::Transient, 0.5), None);
}

#[test]
fn retry_after_is_kept_and_clamped() {
    let after = |seconds| throttled(Wait::AtLeast(Duration::from_secs(seconds)));
    assert_eq!(policy().wait(1, after(7), 0.0), Some(Duration::from_secs(7)));
    assert_eq!(policy().wait(1, after(1), 0.8), Some(Duration::from_secs(4)));
    assert_eq!(policy().wait(1, after(86_400), 0.0), Some(HOUR));
}

#[test]
fn the_pair_limit_waits_four_to_the_n_seconds_from_zero() {
    let waits: Vec<_> =
        (1..=3).map(|n| policy().wait(n, throttled(Wait::PowersOfFour), 0.9).unwrap().as_secs()).collect();
    assert_eq!(waits, [1, 4, 16]);
}

proptest! {
    #[test]
    fn full_jitter_stays_within_the_step(tries in 1u32..4, jitter in 0.0f64..1.0) {
        let wait = policy().wait(tries, Verdict::Unknown, jitter).unwrap();
        prop_assert!(wait <= STEPS[tries as usize - 1]);
    }

    #[test]
    fn no_wait_is_longer_than_the_step_or_the_clamp(seconds in 0u64..1_000_000_000, tries in 0u32..10, jitter in 0.0f64..1.0) {
        let verdict = throttled(Wait::AtLeast(Duration::from_secs(seconds)));
        if let Some(wait) = policy().wait(tries, verdict, jitter) {
            prop_assert!(wait <= HOUR);
        }
    }
}
