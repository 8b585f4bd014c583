//! What librdkafka tells a client out of turn: group changes, failed deliveries, connection trouble, log lines.
//!
//! Input: librdkafka's callbacks, which run inside the client's own poll calls. Output: notes that the client's owner
//! picks up after the call, and `tracing` events.
//!
//! Invariants:
//! - C-1: a group change is only noted. The partitions change hands when the owner says so, except while it leaves.
//! - C-2: a log line that repeats too fast is counted instead of written; nothing goes to standard error.
//!
//! Absent: what a note means for a transaction or an assignment.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{NoCustomPartitioner, ProducerContext};
use rdkafka::topic_partition_list::{TopicPartitionList, TopicPartitionListElem};
use rdkafka::types::RDKafkaRespErr;

/// Lines written per client and period; what is above is counted.
const LINES_MAX: u32 = 10;
const LINES_PERIOD: Duration = Duration::from_secs(10);

/// Rebalances are one at a time; a second one waits for the first to be completed.
const CHANGES_MAX: usize = 16;

/// The notes of one client.
pub(super) struct Context {
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    changes: VecDeque<Change>,
    leaving: bool,
    trouble: Option<Trouble>,
    /// The last failed connection that was only logged.
    failure: Option<String>,
    undelivered: Option<Undelivered>,
    lines: Lines,
}

/// A change of the assignment that waits for its owner.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    Assign(Vec<(String, i32)>),
    /// Of everything: the protocol is eager.
    Revoke {
        lost: bool,
    },
}

impl Change {
    /// Answers the change by holding nothing.
    ///
    /// The consumer waits for one answer of the right kind to each change, also to leave and to close: a list, even an empty
    /// one, for an assignment, none for a revocation. An answer it does not wait for may block for ever, once the group
    /// has terminated (`rd_kafka_cgrp_terminated` of librdkafka 2.12.1).
    pub(super) fn decline(&self, consumer: &BaseConsumer<Context>) {
        if consumer.closed() {
            return;
        }
        let declined = match self {
            Change::Assign(_) => consumer.assign(&TopicPartitionList::new()),
            Change::Revoke { .. } => consumer.unassign(),
        };
        if let Err(error) = declined {
            tracing::warn!(error = %error, "cannot give partitions up");
        }
    }
}

/// Why the brokers cannot be used, or not all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) kind: TroubleKind,
    /// No broker is left.
    pub(super) all_down: bool,
    /// In librdkafka's words, with the address.
    pub(super) reason: String,
}

/// Ordered by how much it explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TroubleKind {
    /// Nothing is said but that no broker is left.
    Unknown,
    /// A connection failed, or an idle one was closed; there may be others.
    Connection,
    /// The name of a host is unknown.
    Name,
    /// Credentials or certificates are refused.
    Denied,
}

impl Trouble {
    /// Whether waiting is no use: more than a connection out of several.
    pub(super) fn is_decisive(&self) -> bool {
        self.all_down || self.kind > TroubleKind::Connection
    }
}

/// A record that will not be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Undelivered {
    pub(super) topic: String,
    pub(super) code: RDKafkaErrorCode,
}

impl Context {
    pub(super) fn new() -> Context {
        Context { notes: Mutex::default() }
    }

    /// The oldest group change not yet taken.
    pub(super) fn take_change(&self) -> Option<Change> {
        self.notes().changes.pop_front()
    }

    /// From here on partitions are given up as soon as the group asks.
    pub(super) fn leave(&self) {
        self.notes().leaving = true;
    }

    /// What is known to be wrong with the connection, since it was last asked for.
    pub(super) fn take_trouble(&self) -> Option<Trouble> {
        let mut notes = self.notes();
        let failure = notes.failure.take();
        let mut trouble = notes.trouble.take()?;
        if trouble.kind == TroubleKind::Unknown
            && let Some(failure) = failure
        {
            trouble.reason = failure;
        }
        Some(trouble)
    }

    /// The first record that failed since it was last asked for.
    pub(super) fn take_undelivered(&self) -> Option<Undelivered> {
        self.notes().undelivered.take()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        // A broker that hangs up (a listener of another security protocol does) is logged, but no error event.
        if facility == "FAIL" {
            let said = line.split_once("]: ").map_or(line, |(_thread, said)| said);
            self.notes().failure = Some(said.to_owned());
        }
        // Options of the pass-through map go to consumers and producers alike; each warns of the other's.
        if facility.starts_with("CONFWARN") || matches!(level, RDKafkaLogLevel::Debug) {
            tracing::debug!(target: "librdkafka", facility, line, "librdkafka");
            return;
        }
        let Some(suppressed) = self.notes().lines.admit() else { return };
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
                tracing::error!(target: "librdkafka", facility, line, suppressed, "librdkafka");
            }
            RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, line, suppressed, "librdkafka"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::info!(target: "librdkafka", facility, line, suppressed, "librdkafka");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        let Some(kind) = trouble(code) else { return };
        let all_down = code == RDKafkaErrorCode::AllBrokersDown;
        let mut notes = self.notes();
        match &mut notes.trouble {
            Some(known) => {
                known.all_down |= all_down;
                if kind >= known.kind {
                    (known.kind, known.reason) = (kind, reason.to_owned());
                }
            }
            None => notes.trouble = Some(Trouble { kind, all_down, reason: reason.to_owned() }),
        }
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &BaseConsumer<Context>, event: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let change = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let of = |element: &TopicPartitionListElem<'_>| (element.topic().to_owned(), element.partition());
                Change::Assign(partitions.elements().iter().map(of).collect())
            }
            _ => Change::Revoke { lost: consumer.assignment_lost() },
        };
        let mut notes = self.notes();
        if notes.leaving || notes.changes.len() == CHANGES_MAX {
            drop(notes);
            change.decline(consumer);
        } else {
            notes.changes.push_back(change);
        }
    }
}

impl ProducerContext<NoCustomPartitioner> for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
            let topic = message.topic().to_owned();
            self.notes().undelivered.get_or_insert(Undelivered { topic, code });
        }
    }
}

fn trouble(code: RDKafkaErrorCode) -> Option<TroubleKind> {
    match code {
        RDKafkaErrorCode::BrokerTransportFailure => Some(TroubleKind::Connection),
        RDKafkaErrorCode::AllBrokersDown => Some(TroubleKind::Unknown),
        RDKafkaErrorCode::Resolve => Some(TroubleKind::Name),
        RDKafkaErrorCode::Authentication
        | RDKafkaErrorCode::SSL
        | RDKafkaErrorCode::SaslAuthenticationFailed
        | RDKafkaErrorCode::UnsupportedSASLMechanism => Some(TroubleKind::Denied),
        _ => None,
    }
}

#[derive(Default)]
struct Lines {
    since: Option<Instant>,
    written: u32,
    suppressed: u64,
}

impl Lines {
    /// Whether a line may be written, and how many were not since the last one.
    #[allow(clippy::disallowed_methods, reason = "limits log lines; nothing replayed depends on it")]
    fn admit(&mut self) -> Option<u64> {
        let now = Instant::now();
        if self.since.is_none_or(|since| now.duration_since(since) >= LINES_PERIOD) {
            self.since = Some(now);
            self.written = 0;
        }
        if self.written == LINES_MAX {
            self.suppressed += 1;
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests;
