//! Transactions: a producer with a transactional id, and the one way through it that keeps them whole.
//!
//! Input: a [`Transaction`], and for a member its seat in the group. Output: committed, or an error after which this
//! producer is of no more use.
//!
//! Invariants:
//! - T-1: a record that could not be delivered aborts the whole transaction.
//! - T-2: offsets travel with the seat (member and generation) under which their partitions were assigned, so that the
//!   broker refuses those of a member the group went on without.
//! - T-3: after a failure the transaction is aborted where that is still possible, so that readers wait for nobody; what
//!   cannot be aborted is settled by the next producer of the same id, or by the broker after `transaction_timeout`.
//!
//! - T-4: no call keeps its caller for ever. librdkafka 2.12.1 enforces no timeout on offsets whose group coordinator went away
//!   while they were on their way (`rd_kafka_coord_req_fsm` looks at it only when a broker changes its state), so that they
//!   are sent by a thread that can be left behind, with its producer: the next one of the same id fences it.
//!
//! Known limit: librdkafka has no client side of KIP-890 v2 (a new epoch per transaction), so that a commit that was
//! delayed on its way and answered late could end a later transaction. Hence no call is ever repeated after an
//! indefinite answer; a new producer takes a new epoch first.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer as _, PurgeConfig};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::cluster::ANSWER_TIMEOUT;
use super::config::KafkaConfig;
use super::context::Context;
use super::fault::{Attempt, Fault};
use super::native::{Outlet, Produce};
use super::topic_names;
use crate::{LogError, Outgoing, Transaction, Writer};

/// How long one turn of a call waits before the client's events are looked at.
const TURN: Duration = Duration::from_millis(100);
/// How long an abort may take before it is left to the next producer of this id.
const ABORT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long after its own timeout a call is still waited for.
const OVERDUE: Duration = Duration::from_secs(1);

/// A transactional producer.
pub(super) struct Transactions {
    outlet: Arc<Outlet>,
    outputs: Vec<String>,
    id: String,
    at: String,
    /// A commit that takes longer could not succeed any more.
    timeout: Duration,
    /// Until when the transaction that is begun can be committed.
    begun: Option<Instant>,
    /// A call of the producer has not come back; it takes no other meanwhile.
    is_stuck: bool,
}

/// The group's side of a transaction.
pub(super) struct Offsets<'a> {
    pub(super) seat: &'a Arc<ConsumerGroupMetadata>,
    pub(super) inputs: &'a [String],
}

impl Transactions {
    /// Takes `id` over from whoever had it: an open transaction of that id is aborted, later calls of its holder fail.
    pub(super) fn open(config: &KafkaConfig, id: &str, outputs: &[String]) -> Result<Transactions, LogError> {
        Transactions::of(config.producer(id), config, id, outputs)
    }

    /// As [`Self::open`], for a writer without inputs.
    pub(super) fn open_bulk(config: &KafkaConfig, id: &str, outputs: &[String]) -> Result<Transactions, LogError> {
        Transactions::of(config.bulk_producer(id), config, id, outputs)
    }

    #[allow(clippy::disallowed_methods, reason = "a deadline of I/O")]
    fn of(
        producer: ClientConfig,
        config: &KafkaConfig,
        id: &str,
        outputs: &[String],
    ) -> Result<Transactions, LogError> {
        let attempt = Attempt { doing: "take over a transactional id", at: &config.brokers };
        let names = topic_names(outputs, &config.brokers)?;
        let producer: BaseProducer<Context> =
            producer.create_with_context(Context::new()).map_err(|source| attempt.failed(source, None))?;
        let outlet = Arc::new(Outlet::new(producer, &names));

        let deadline = Instant::now() + ANSWER_TIMEOUT;
        while let Err(error) = outlet.producer().init_transactions(TURN) {
            outlet.producer().poll(Duration::ZERO);
            let trouble = outlet.producer().client().context().take_trouble();
            if let Some(trouble) = trouble.clone()
                && trouble.is_decisive()
            {
                return Err(attempt.troubled(trouble));
            }
            // A call that timed out goes on where it was.
            let resumable = matches!(&error, KafkaError::Transaction(error) if error.is_retriable());
            if !resumable || Instant::now() >= deadline {
                return Err(attempt.failed(error, trouble));
            }
        }
        Ok(Transactions {
            outlet,
            outputs: outputs.to_vec(),
            id: id.to_owned(),
            at: config.brokers.clone(),
            timeout: config.transaction_timeout,
            begun: None,
            is_stuck: false,
        })
    }

    /// The transactional id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Begins the next transaction with the records for `output`.
    pub(super) fn begin(&mut self, transaction: &mut Transaction, output: usize) -> Result<(), LogError> {
        let deadline = self.open_transaction()?;
        let records = transaction.unsent().filter(|record| record.output == output);
        if let Err(error) = self.produce(records, deadline) {
            self.abort();
            return Err(error);
        }
        transaction.mark_sent(output);
        Ok(())
    }

    /// Aborts what was begun, if anything was.
    pub(super) fn abandon(&mut self) {
        if self.begun.is_some() {
            self.abort();
        }
    }

    #[allow(clippy::disallowed_methods, reason = "a deadline of I/O")]
    fn open_transaction(&mut self) -> Result<Instant, LogError> {
        if let Some(deadline) = self.begun {
            return Ok(deadline);
        }
        // What was noted before explains no failure of this transaction. Log lines come slower than commits.
        self.producer().poll(Duration::ZERO);
        let _ = self.producer().client().context().take_trouble();
        // The records of one that was given up are noted as undelivered.
        let _ = self.producer().client().context().take_undelivered();
        self.producer().begin_transaction().map_err(|error| self.failed(error))?;
        let deadline = Instant::now() + self.timeout;
        self.begun = Some(deadline);
        Ok(deadline)
    }

    /// Commits a transaction that is not empty.
    pub(super) fn commit(&mut self, transaction: &Transaction, offsets: Option<Offsets<'_>>) -> Result<(), LogError> {
        let deadline = self.open_transaction()?;
        let mut laps = Laps::start();
        let ready = laps
            .lap(self.produce(transaction.unsent(), deadline))
            .and_then(|()| laps.lap(self.deliver(deadline)))
            .and_then(|()| {
                laps.lap(offsets.map_or(Ok(()), |offsets| self.send_offsets(transaction, &offsets, deadline)))
            });
        if let Err(error) = ready {
            self.abort();
            return Err(error);
        }
        self.begun = None;
        match self.producer().commit_transaction(remaining(deadline)) {
            Ok(()) => {
                laps.tell(transaction);
                Ok(())
            }
            Err(KafkaError::Transaction(error)) if error.txn_requires_abort() => {
                self.abort();
                Err(self.failed(KafkaError::Transaction(error)))
            }
            Err(KafkaError::Transaction(error)) if Fault::of(error.code()) == Fault::Fenced || error.is_fatal() => {
                Err(self.failed(KafkaError::Transaction(error)))
            }
            Err(error) => Err(LogError::Indefinite { name: self.id.clone(), reason: error.to_string() }),
        }
    }

    fn produce<'t>(&self, records: impl Iterator<Item = Outgoing<'t>>, deadline: Instant) -> Result<(), LogError> {
        for record in records {
            loop {
                let partition = record.partition.map(|partition| i32::try_from(partition).unwrap_or(i32::MAX));
                let produced = self.outlet.produce(Produce {
                    output: record.output,
                    partition,
                    key: record.key,
                    value: record.value,
                    headers: record.headers(),
                });
                match produced {
                    Ok(()) => break,
                    // Room comes with deliveries; without them the transaction would not succeed anyway.
                    Err(RDKafkaErrorCode::QueueFull) if !remaining(deadline).is_zero() => {
                        self.outlet.flush(TURN);
                        self.producer().poll(Duration::ZERO);
                        self.check_delivered()?;
                    }
                    Err(code) => return Err(self.undelivered(&self.outputs[record.output], code)),
                }
            }
        }
        Ok(())
    }

    /// Adds the offsets. After everything is delivered: the coordinator takes offsets only from a member that still has its
    /// place, so that whoever takes the partitions over later finds every record that can still be committed below the high
    /// watermark of its topic, and waits for it (LOG-7). The other way round, a state block could come after its reader.
    fn send_offsets(
        &mut self,
        transaction: &Transaction,
        offsets: &Offsets<'_>,
        deadline: Instant,
    ) -> Result<(), LogError> {
        if transaction.offsets().is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::with_capacity(transaction.offsets().len());
        for offset in transaction.offsets() {
            let partition = i32::try_from(offset.partition).unwrap_or(i32::MAX);
            let mut element = list.add_partition(&offsets.inputs[offset.input], partition);
            element.set_offset(Offset::Offset(offset.next)).map_err(|error| self.failed(error))?;
            // Who takes the partition over finds out whose transaction may still be open (`departed`).
            element.set_metadata(&self.id);
        }
        let (outlet, seat, timeout) = (Arc::clone(&self.outlet), Arc::clone(offsets.seat), remaining(deadline));
        let (answer, answered) = mpsc::sync_channel(1);
        let call = move || {
            let _ = answer.send(outlet.producer().send_offsets_to_transaction(&list, &seat, timeout));
        };
        let started = thread::Builder::new().name("kilat-offsets".to_owned()).spawn(call);
        started.map_err(|error| self.aborted(format!("no thread for its offsets: {error}")))?;
        let Ok(sent) = answered.recv_timeout(timeout + OVERDUE) else {
            tracing::error!(id = %self.id, "the group's coordinator never took the offsets: the producer is left behind");
            self.is_stuck = true;
            return Err(self.aborted(format!("its offsets were not taken within {:?}", self.timeout)));
        };
        sent.map_err(|error| self.failed(error))
    }

    fn aborted(&self, reason: String) -> LogError {
        LogError::Aborted { name: self.id.clone(), reason }
    }

    /// Waits until every record is answered. `commit_transaction` would wait too, but looks every 100 ms only, and takes
    /// no notice of failures that are reported as events.
    fn deliver(&self, deadline: Instant) -> Result<(), LogError> {
        loop {
            let delivered = self.outlet.flush(remaining(deadline).min(TURN));
            if !delivered {
                self.producer().poll(Duration::ZERO);
            }
            self.check_delivered()?;
            if delivered {
                return Ok(());
            }
            if remaining(deadline).is_zero() {
                let trouble = self.producer().client().context().take_trouble();
                let reason = trouble.map_or_else(|| "a broker does not answer".to_owned(), |trouble| trouble.reason);
                let reason = format!("records not delivered within {:?}: {reason}", self.timeout);
                return Err(self.aborted(reason));
            }
        }
    }

    fn check_delivered(&self) -> Result<(), LogError> {
        match self.producer().client().context().take_undelivered() {
            Some(failed) => Err(self.undelivered(&failed.topic, failed.code)),
            None => Ok(()),
        }
    }

    /// Aborts, as far as that is possible in time.
    #[allow(clippy::disallowed_methods, reason = "a deadline of I/O")]
    fn abort(&mut self) {
        self.begun = None;
        if self.is_stuck {
            return;
        }
        let deadline = Instant::now() + ABORT_TIMEOUT;
        // An abort waits for the answers of all records, and an event that nobody takes is not answered.
        self.producer().purge(PurgeConfig::default().queue().inflight());
        loop {
            self.producer().poll(Duration::ZERO);
            let flushed = self.outlet.flush(Duration::from_millis(1));
            if flushed || remaining(deadline).is_zero() {
                break;
            }
        }
        while let Err(error) = self.producer().abort_transaction(TURN) {
            let resumable = matches!(&error, KafkaError::Transaction(error) if error.is_retriable());
            if !resumable || remaining(deadline).is_zero() {
                tracing::warn!(id = %self.id, error = %error, "transaction left to its successor to abort");
                return;
            }
            self.producer().poll(Duration::ZERO);
        }
    }

    fn undelivered(&self, topic: &str, code: RDKafkaErrorCode) -> LogError {
        // A fatal error of the producer fails every record; it knows why.
        let (code, reason) = self.producer().client().fatal_error().unwrap_or((code, code.to_string()));
        let (name, topic, at) = (self.id.clone(), topic.to_owned(), self.at.clone());
        match Fault::of(code) {
            Fault::TooLarge => LogError::TooLarge { topic, reason },
            Fault::Fenced => LogError::Fenced { name, reason },
            Fault::Missing => LogError::MissingTopic { topic, at },
            Fault::Denied => LogError::Denied { at, reason },
            Fault::Unreachable | Fault::Other => {
                LogError::Aborted { name, reason: format!("a record for topic `{topic}`: {reason}") }
            }
        }
    }

    fn failed(&self, error: KafkaError) -> LogError {
        let name = self.id.clone();
        let reason = match &error {
            KafkaError::Transaction(error) => error.string(),
            error => error.to_string(),
        };
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        match Fault::of(self.producer().client().fatal_error().map_or(code, |(fatal, _)| fatal)) {
            Fault::Fenced => LogError::Fenced { name, reason },
            Fault::Denied => LogError::Denied { at: self.at.clone(), reason },
            Fault::Missing | Fault::Unreachable | Fault::TooLarge | Fault::Other => LogError::Aborted { name, reason },
        }
    }

    fn producer(&self) -> &BaseProducer<Context> {
        self.outlet.producer()
    }
}

/// Where the time of a commit goes, in the log at level trace.
struct Laps {
    at: Instant,
    taken: Vec<Duration>,
}

impl Laps {
    #[allow(clippy::disallowed_methods, reason = "times of I/O, for the log")]
    fn start() -> Laps {
        Laps { at: Instant::now(), taken: Vec::with_capacity(4) }
    }

    /// What came since the last lap ends here.
    #[allow(clippy::disallowed_methods, reason = "times of I/O, for the log")]
    fn lap<T>(&mut self, ended: T) -> T {
        let now = Instant::now();
        self.taken.push(now - self.at);
        self.at = now;
        ended
    }

    fn tell(mut self, transaction: &Transaction) {
        self.lap(());
        if let [produce, deliver, offsets, end] = self.taken[..] {
            let (records, bytes) = (transaction.records().len(), transaction.bytes());
            tracing::trace!(records, bytes, ?produce, ?deliver, ?offsets, ?end, "committed");
        }
    }
}

/// A writer without inputs.
impl Writer for Transactions {
    fn commit(&mut self, transaction: &Transaction) -> Result<(), LogError> {
        debug_assert!(transaction.offsets().is_empty(), "a writer has no inputs");
        if transaction.is_empty() {
            return Ok(());
        }
        Transactions::commit(self, transaction, None)
    }

    fn begin(&mut self, transaction: &mut Transaction, output: usize) -> Result<(), LogError> {
        Transactions::begin(self, transaction, output)
    }

    fn abandon(&mut self) {
        Transactions::abandon(self);
    }
}

#[allow(clippy::disallowed_methods, reason = "a deadline of I/O")]
fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
