//! What is kept of several troubles, and which log lines are written.

use super::*;

fn noted(errors: &[(RDKafkaErrorCode, &str)]) -> Option<(TroubleKind, bool, String)> {
    let context = Context::new();
    for (code, reason) in errors {
        context.error(KafkaError::Global(*code), reason);
    }
    context.take_trouble().map(|trouble| (trouble.kind, trouble.is_decisive(), trouble.reason))
}

#[test]
fn the_reason_of_a_failed_connection_outlives_the_news_that_all_brokers_are_down() {
    use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure};
    let expected = Some((TroubleKind::Connection, true, "connection refused".to_owned()));
    let (refused, down) = ((BrokerTransportFailure, "connection refused"), (AllBrokersDown, "1/1 brokers are down"));
    assert_eq!(noted(&[refused, down]), expected);
    assert_eq!(noted(&[down, refused]), expected);
}

#[test]
fn one_failed_connection_decides_nothing() {
    let refused = (RDKafkaErrorCode::BrokerTransportFailure, "connection refused");
    assert_eq!(noted(&[refused]), Some((TroubleKind::Connection, false, "connection refused".to_owned())));
}

#[test]
fn refused_credentials_outlive_everything() {
    use RDKafkaErrorCode::{AllBrokersDown, Authentication, BrokerTransportFailure, Resolve};
    let denied = (Authentication, "wrong password");
    let others = [(AllBrokersDown, "down"), (BrokerTransportFailure, "refused"), (Resolve, "unknown host")];
    for other in others {
        let expected = Some((TroubleKind::Denied, true, "wrong password".to_owned()));
        assert_eq!(noted(&[other, denied]), expected);
        assert_eq!(noted(&[denied, other]), expected);
    }
}

#[test]
fn a_failure_that_was_only_logged_says_more_than_that_all_brokers_are_down() {
    let context = Context::new();
    context.error(KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "1/1 brokers are down");
    context.log(RDKafkaLogLevel::Error, "FAIL", "[thrd:b:9092/bootstrap]: b:9092/bootstrap: Disconnected");
    let trouble = context.take_trouble().expect("noted");
    assert_eq!((trouble.is_decisive(), trouble.reason.as_str()), (true, "b:9092/bootstrap: Disconnected"));
}

#[test]
fn what_says_nothing_of_the_connection_is_not_noted() {
    assert_eq!(noted(&[(RDKafkaErrorCode::PollExceeded, "max poll interval")]), None);
}

#[test]
fn lines_above_the_limit_are_counted_and_the_count_is_written_with_the_next_line() {
    let mut lines = Lines::default();
    for _ in 0..LINES_MAX {
        assert_eq!(lines.admit(), Some(0));
    }
    for _ in 0..3 {
        assert_eq!(lines.admit(), None);
    }
    lines.since = None;
    assert_eq!(lines.admit(), Some(3));
    assert_eq!(lines.admit(), Some(0));
}
