//! From librdkafka's errors to ours, by who has to act.
//!
//! Input: an error of a call, and what the client noted of its connections meanwhile. Output: [`LogError`].
//! Absent: retries.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::context::{Trouble, TroubleKind};
use crate::LogError;

/// What failed, and where.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) doing: &'static str,
    pub(super) at: &'a str,
}

impl Attempt<'_> {
    /// The error of a call. What is known of the connections explains a time-out better than the time-out itself.
    pub(super) fn failed(self, source: KafkaError, trouble: Option<Trouble>) -> LogError {
        let at = self.at.to_owned();
        if let KafkaError::ClientCreation(reason) = &source {
            // Options that contradict each other, or files they name; librdkafka puts the options between backticks.
            let key = reason.split('`').nth(1).unwrap_or("properties").to_owned();
            return LogError::Setting { key, reason: reason.clone() };
        }
        let code = source.rdkafka_error_code();
        if let Some((key, reason)) = code.and_then(refused_setting) {
            return LogError::Setting {
                key: key.to_owned(),
                reason: format!("refused by the broker at {at}: {reason}"),
            };
        }
        match code.map(Fault::of) {
            Some(Fault::Denied) => LogError::Denied { at, reason: reason(source, trouble) },
            Some(Fault::Unreachable) => match trouble {
                Some(trouble) => self.troubled(trouble),
                None => LogError::Unreachable { at, reason: format!("cannot {}: {source}", self.doing) },
            },
            _ => LogError::Kafka { doing: self.doing, at, source },
        }
    }

    /// Trouble that is enough of an answer by itself.
    pub(super) fn troubled(self, trouble: Trouble) -> LogError {
        let (at, reason) = (self.at.to_owned(), trouble.reason);
        match trouble.kind {
            TroubleKind::Denied => LogError::Denied { at, reason },
            TroubleKind::Unknown | TroubleKind::Connection | TroubleKind::Name => LogError::Unreachable { at, reason },
        }
    }
}

/// The setting that a broker refuses with this code, and what to do.
pub(super) fn refused_setting(code: RDKafkaErrorCode) -> Option<(&'static str, &'static str)> {
    match code {
        RDKafkaErrorCode::InvalidTransactionTimeout => Some((
            "transaction_timeout_ms",
            "it is longer than the broker's transaction.max.timeout.ms (15 min by default); set one that is not",
        )),
        RDKafkaErrorCode::InvalidSessionTimeout => Some((
            "session_timeout_ms",
            "it is not between the broker's group.min.session.timeout.ms (6 s by default) and \
             group.max.session.timeout.ms (30 min); set one that is",
        )),
        _ => None,
    }
}

fn reason(source: KafkaError, trouble: Option<Trouble>) -> String {
    match trouble {
        Some(Trouble { kind: TroubleKind::Denied, reason, .. }) => reason,
        _ => source.to_string(),
    }
}

/// What an error code means to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The topic is not there.
    Missing,
    /// Credentials, certificates or ACLs.
    Denied,
    /// No broker, or none in time.
    Unreachable,
    /// Somebody else has our name or our partitions.
    Fenced,
    /// The record is over a limit.
    TooLarge,
    /// Everything else.
    Other,
}

impl Fault {
    pub(super) fn of(code: RDKafkaErrorCode) -> Fault {
        use RDKafkaErrorCode as C;
        match code {
            C::UnknownTopicOrPartition | C::UnknownTopic => Fault::Missing,
            C::Authentication
            | C::SSL
            | C::SaslAuthenticationFailed
            | C::UnsupportedSASLMechanism
            | C::TopicAuthorizationFailed
            | C::GroupAuthorizationFailed
            | C::ClusterAuthorizationFailed
            | C::TransactionalIdAuthorizationFailed => Fault::Denied,
            C::BrokerTransportFailure
            | C::AllBrokersDown
            | C::Resolve
            | C::OperationTimedOut
            | C::TimedOutQueue
            | C::RequestTimedOut
            | C::WaitingForCoordinator
            | C::CoordinatorNotAvailable => Fault::Unreachable,
            C::Fenced
            | C::ProducerFenced
            | C::InvalidProducerEpoch
            | C::FencedInstanceId
            | C::UnknownMemberId
            | C::IllegalGeneration
            | C::AssignmentLost => Fault::Fenced,
            C::MessageSizeTooLarge | C::InvalidMessageSize => Fault::TooLarge,
            _ => Fault::Other,
        }
    }
}
