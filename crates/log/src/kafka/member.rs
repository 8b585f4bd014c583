//! A member of a consumer group: one consumer, one transactional producer.
//!
//! Input: the group's events and the records of the partitions assigned. Output: what `poll` reports, transactions.
//!
//! Invariants:
//! - M-1: a group change is reported before it is carried out; the next poll carries it out. Until then the group waits
//!   for this member (`max.poll.interval.ms`), so that no other owns what is being given up.
//! - M-2: offsets are committed for held partitions only, with the seat taken when they were assigned (LOG-5).
//! - M-3: group changes do not queue behind records: they have a queue of their own.
//! - M-4: dropping the member leaves the group at once, within [`LEAVE_TIMEOUT`] where no broker answers. Only one that is
//!   dropped while its first join is under way has no member id yet to leave with; the broker forgets it after the session.
//!
//! Absent: threads. Everything happens within the calls of the owner, but for librdkafka's own fetching.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::config::KafkaConfig;
use super::context::{Change, Context, TroubleKind};
use super::departed;
use super::fault::{Attempt, Fault, refused_setting};
use super::native::{Intake, IntakeError};
use super::topic_names;
use super::transactions::{Offsets, Transactions};
use crate::{Lag, LogError, Member, MemberSpec, Polled, Record, Transaction, Writer};

/// How long a departure may take before the broker is left to notice it.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);
const LEAVE_TURN: Duration = Duration::from_millis(10);

/// A member of a group on Kafka.
pub(super) struct GroupMember {
    transactions: Transactions,
    intake: Intake,
    config: KafkaConfig,
    spec: MemberSpec,
    /// Reported, and carried out by the next poll.
    change: Option<Change>,
    /// The partitions of every input, in order; they stay ours until a revocation is carried out.
    held: Vec<u32>,
    /// `held` for every input, as librdkafka wants it.
    assigned: TopicPartitionList,
    /// What the owner wants nothing of: input and partition.
    paused: BTreeSet<(usize, u32)>,
    /// Member and generation under which `held` was assigned.
    seat: Option<Arc<ConsumerGroupMetadata>>,
}

impl GroupMember {
    pub(super) fn join(
        config: &KafkaConfig,
        spec: &MemberSpec,
        transactions: Transactions,
    ) -> Result<GroupMember, LogError> {
        let attempt = Attempt { doing: "join a group", at: &config.brokers };
        let consumer: BaseConsumer<Context> = config
            .member(&spec.group, &spec.instance)
            .create_with_context(Context::new())
            .map_err(|source| attempt.failed(source, None))?;
        let intake = Intake::new(consumer, &topic_names(&spec.inputs, &config.brokers)?);
        let inputs: Vec<&str> = spec.inputs.iter().map(String::as_str).collect();
        intake.consumer().subscribe(&inputs).map_err(|source| attempt.failed(source, None))?;
        Ok(GroupMember {
            transactions,
            intake,
            config: config.clone(),
            spec: spec.clone(),
            change: None,
            held: Vec::new(),
            assigned: TopicPartitionList::new(),
            paused: BTreeSet::new(),
            seat: None,
        })
    }

    /// Serves the group's events; waits up to `timeout` for the first.
    fn serve(&mut self, mut timeout: Duration) -> Result<Option<Polled>, LogError> {
        while !timeout.is_zero() || self.intake.has_events() {
            if let Some(polled) = self.intake.consumer().poll(timeout) {
                self.check(polled.map(drop))?;
            }
            timeout = Duration::ZERO;
            if let Some(change) = self.intake.consumer().context().take_change()
                && let Some(polled) = self.report(change)?
            {
                return Ok(Some(polled));
            }
        }
        if let Some(trouble) = self.intake.consumer().context().take_trouble() {
            let (denied, decisive) = (trouble.kind == TroubleKind::Denied, trouble.is_decisive());
            let error = self.attempt("poll").troubled(trouble);
            if denied {
                return Err(error);
            }
            if decisive {
                // librdkafka keeps trying; if the session ends meanwhile, that comes as a revocation.
                tracing::warn!(error = %error, "waiting for the brokers");
            }
        }
        Ok(None)
    }

    /// What the consumer's own queue gave. Records never come this way (M-3).
    fn check(&self, polled: Result<(), KafkaError>) -> Result<(), LogError> {
        let Err(error) = polled else {
            return Err(LogError::Kafka {
                doing: "keep records and group changes apart",
                at: self.config.brokers.clone(),
                source: KafkaError::NoMessageReceived,
            });
        };
        let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
        let code = error.rdkafka_error_code();
        if code == Some(RDKafkaErrorCode::InconsistentGroupProtocol) {
            let reason = "a member of it shares out partitions in another way (partition.assignment.strategy)";
            return Err(self.foreign(reason.to_owned()));
        }
        if code.and_then(refused_setting).is_some() {
            return Err(self.attempt("join a group").failed(error, None));
        }
        match code.map(Fault::of) {
            Some(Fault::Fenced) => {
                Err(LogError::Fenced { name: self.transactions.id().to_owned(), reason: error.to_string() })
            }
            Some(Fault::Missing) => {
                Err(LogError::MissingTopic { topic: self.spec.inputs.join("`, `"), at: self.config.brokers.clone() })
            }
            Some(Fault::Denied) => Err(self.attempt("poll").failed(error, None)),
            _ if fatal => Err(self.attempt("poll").failed(error, None)),
            // Connections come and go; `Context` notes what matters of it.
            Some(Fault::Unreachable) => Ok(()),
            _ => {
                tracing::warn!(error = %error, "consumer");
                Ok(())
            }
        }
    }

    /// Turns a change of topic partitions into one of partitions of every input; carries it out at once where there is
    /// nothing to tell.
    fn report(&mut self, change: Change) -> Result<Option<Polled>, LogError> {
        let polled = match self.change.insert(change) {
            Change::Assign(assigned) => {
                let partitions = of_every_input(&self.spec.inputs, assigned)
                    .map_err(|reason| foreign(&self.spec.group, &self.config.brokers, reason))?;
                if !partitions.is_empty() {
                    departed::settle(&self.config, &self.spec, self.transactions.id(), assigned);
                }
                Polled::Assigned(partitions)
            }
            Change::Revoke { lost } => Polled::Revoked { partitions: self.held.clone(), lost: *lost },
        };
        match &polled {
            Polled::Assigned(partitions) | Polled::Revoked { partitions, .. } if partitions.is_empty() => {
                self.complete()?;
                Ok(None)
            }
            _ => Ok(Some(polled)),
        }
    }

    /// Carries out the change that was reported.
    fn complete(&mut self) -> Result<(), LogError> {
        let Some(change) = self.change.take() else { return Ok(()) };
        let paused = self.topic_partitions(self.paused.iter().copied());
        self.held.clear();
        self.seat = None;
        self.assigned = TopicPartitionList::new();
        let done = match change {
            Change::Assign(partitions) => {
                self.held = of_every_input(&self.spec.inputs, &partitions).map_err(|reason| self.foreign(reason))?;
                for (topic, partition) in &partitions {
                    if let Some(input) = self.spec.inputs.iter().position(|input| input == topic) {
                        self.intake.route(input, *partition);
                        self.assigned.add_partition(topic, *partition);
                    }
                }
                self.seat = self.intake.consumer().group_metadata().map(Arc::new);
                let paused = self.topic_partitions(self.paused.iter().copied());
                let assigned = self.intake.consumer().assign(&self.assigned);
                assigned.and_then(|()| self.intake.consumer().pause(&paused))
            }
            Change::Revoke { .. } => {
                // librdkafka remembers a pause beyond the assignment.
                self.paused.clear();
                let resumed = self.intake.consumer().resume(&paused);
                self.intake.consumer().unassign().and(resumed)
            }
        };
        done.map_err(|source| self.attempt("take over partitions").failed(source, None))
    }

    /// Partitions of inputs, as librdkafka wants them.
    fn topic_partitions(&self, partitions: impl Iterator<Item = (usize, u32)>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (input, partition) in partitions.filter(|(_, partition)| self.held.contains(partition)) {
            list.add_partition(&self.spec.inputs[input], i32::try_from(partition).unwrap_or(i32::MAX));
        }
        list
    }

    fn intake_error(&self, error: IntakeError) -> LogError {
        let topic = self.spec.inputs[error.input].clone();
        let source = KafkaError::MessageConsumption(error.code);
        match Fault::of(error.code) {
            Fault::Missing => LogError::MissingTopic { topic, at: self.config.brokers.clone() },
            _ => {
                tracing::warn!(topic, partition = error.partition, error = %source, "cannot read a partition");
                self.attempt("read a partition").failed(source, None)
            }
        }
    }

    fn foreign(&self, reason: String) -> LogError {
        foreign(&self.spec.group, &self.config.brokers, reason)
    }

    fn attempt(&self, doing: &'static str) -> Attempt<'_> {
        Attempt { doing, at: &self.config.brokers }
    }
}

impl Writer for GroupMember {
    fn commit(&mut self, transaction: &Transaction) -> Result<(), LogError> {
        if transaction.is_empty() {
            return Ok(());
        }
        let name = || self.transactions.id().to_owned();
        if transaction.offsets().is_empty() {
            return self.transactions.commit(transaction, None);
        }
        let lost = matches!(self.change, Some(Change::Revoke { lost: true }));
        let held = transaction.offsets().iter().all(|offset| self.held.contains(&offset.partition));
        match &self.seat {
            Some(seat) if held && !lost => {
                self.transactions.commit(transaction, Some(Offsets { seat, inputs: &self.spec.inputs }))
            }
            _ => Err(LogError::Fenced { name: name(), reason: "its partitions were taken away".to_owned() }),
        }
    }

    fn begin(&mut self, transaction: &mut Transaction, output: usize) -> Result<(), LogError> {
        self.transactions.begin(transaction, output)
    }

    fn abandon(&mut self) {
        self.transactions.abandon();
    }
}

impl Member for GroupMember {
    #[allow(clippy::disallowed_methods, reason = "a deadline of I/O")]
    fn poll(
        &mut self,
        timeout: Duration,
        records_max: usize,
        take: &mut dyn FnMut(&[Record<'_>]),
    ) -> Result<Polled, LogError> {
        self.complete()?;
        let deadline = Instant::now() + timeout;
        let mut left = timeout;
        loop {
            let wait = if records_max == 0 { left } else { Duration::ZERO };
            if let Some(polled) = self.serve(wait)? {
                return Ok(polled);
            }
            if records_max > 0 {
                match self.intake.take(left, records_max, take) {
                    Ok(0) => {}
                    Ok(taken) => return Ok(Polled::Records(taken)),
                    Err(error) => return Err(self.intake_error(error)),
                }
            }
            left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() && !self.intake.has_events() {
                return Ok(Polled::Records(0));
            }
        }
    }

    fn pause(&mut self, input: usize, partition: u32, paused: bool) -> Result<(), LogError> {
        let changed =
            if paused { self.paused.insert((input, partition)) } else { self.paused.remove(&(input, partition)) };
        // An assignment that was reported is carried out by the next poll, and pauses then.
        let list = self.topic_partitions(changed.then_some((input, partition)).into_iter());
        let consumer = self.intake.consumer();
        let done = if paused { consumer.pause(&list) } else { consumer.resume(&list) };
        done.map_err(|source| self.attempt("pause a partition").failed(source, None))
    }

    fn lag(&self) -> Vec<Lag> {
        let positions = self.intake.positions(&self.assigned);
        let elements = self.assigned.elements();
        let lag = |(element, position): (&rdkafka::topic_partition_list::TopicPartitionListElem<'_>, Option<i64>)| {
            let input = self.spec.inputs.iter().position(|input| input == element.topic())?;
            let end = self.intake.high_watermark(input, element.partition())?;
            let records = u64::try_from(end - position?).unwrap_or_default();
            Some(Lag { input, partition: u32::try_from(element.partition()).ok()?, records })
        };
        elements.iter().zip(positions).filter_map(lag).collect()
    }
}

impl Drop for GroupMember {
    #[allow(clippy::disallowed_methods, reason = "a deadline of I/O")]
    fn drop(&mut self) {
        let deadline = Instant::now() + LEAVE_TIMEOUT;
        let consumer = self.intake.consumer();
        consumer.context().leave();
        if let Some(change) = self.change.take().or_else(|| consumer.context().take_change()) {
            change.decline(consumer);
        }
        // Closing the consumer does not make a static member leave (KIP-345), ending its subscription does; the member
        // id is gone once the request is on its way.
        consumer.unsubscribe();
        while self.intake.generation().is_some() && Instant::now() < deadline {
            let _ = consumer.poll(LEAVE_TURN);
        }
    }
}

fn foreign(group: &str, at: &str, reason: String) -> LogError {
    LogError::ForeignGroup { group: group.to_owned(), at: at.to_owned(), reason }
}

/// LOG-4. The counts were found equal when the member joined: where the group assigned otherwise, a member has other inputs.
fn of_every_input(inputs: &[String], assigned: &[(String, i32)]) -> Result<Vec<u32>, String> {
    let mut topics: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for (topic, partition) in assigned {
        topics.entry(u32::try_from(*partition).unwrap_or_default()).or_default().push(topic);
    }
    for (partition, topics) in &topics {
        if let Some(missing) = inputs.iter().find(|input| !topics.contains(&input.as_str())) {
            return Err(format!(
                "it gave partition {partition} of {missing} to one that does not read all of our topics"
            ));
        }
    }
    Ok(topics.into_keys().collect())
}
