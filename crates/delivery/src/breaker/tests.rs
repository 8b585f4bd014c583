//! Closed, open, half open.

use std::time::Duration;

use super::{Breaker, BreakerPolicy, Permit};

const POLICY: BreakerPolicy =
    BreakerPolicy { failures_max: 3, pause: Duration::from_secs(10), pause_max: Duration::from_secs(40) };

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn it_opens_after_that_many_failures_in_a_row() {
    let mut breaker = Breaker::default();
    breaker.failed(at(0), &POLICY, 0.0);
    breaker.failed(at(0), &POLICY, 0.0);
    breaker.answered();
    breaker.failed(at(0), &POLICY, 0.0);
    breaker.failed(at(0), &POLICY, 0.0);
    assert_eq!(breaker.permit(at(0)), Permit::Any);
    breaker.failed(at(0), &POLICY, 0.0);
    assert_eq!(breaker.permit(at(0)), Permit::NotBefore(at(5)));
    assert_eq!(breaker.permit(at(5)), Permit::Probe);
}

#[test]
fn a_failed_probe_doubles_the_pause_up_to_its_most() {
    let mut breaker = Breaker::default();
    breaker.trip(at(0), &POLICY, 0.0);
    let mut now = at(0);
    let mut pauses = Vec::new();
    for _ in 0..4 {
        let Permit::NotBefore(until) = breaker.permit(now) else { panic!("closed") };
        pauses.push((until - now).as_secs());
        now = until;
        breaker.failed(now, &POLICY, 0.0);
    }
    assert_eq!(pauses, [5, 10, 20, 20]);
}

#[test]
fn a_probe_that_is_answered_closes_it() {
    let mut breaker = Breaker::default();
    breaker.trip(at(0), &POLICY, 0.9);
    breaker.answered();
    assert_eq!(breaker.permit(at(0)), Permit::Any);
    assert!(breaker.is_idle());
}

#[test]
fn late_failures_do_not_prolong_an_open_breaker() {
    let mut breaker = Breaker::default();
    breaker.trip(at(0), &POLICY, 0.0);
    for second in 0..5 {
        breaker.failed(at(second), &POLICY, 0.0);
    }
    assert_eq!(breaker.permit(at(0)), Permit::NotBefore(at(5)));
}
