//! Questions to the cluster: which it is, which topics, how many partitions, where they end; and the creation and trimming
//! of topics.
//!
//! Input: a name. Output: an answer, or an error that says within [`ANSWER_TIMEOUT`] what is wrong and where.
//! A [`Cluster`] is opened for a few questions and closed again: no idle connection, no notes that pile up unread.
//!
//! Absent: records.

use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Wake};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};

use super::closing::Closing;
use super::config::KafkaConfig;
use super::context::Context;
use super::fault::{Attempt, Fault};
use crate::{LogError, Retention, TopicSpec};

/// Who runs Kilat hears of a wrong address or password within 10 s.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);
/// How long the first try of a question waits before it looks for news of the connection; each further one twice as long.
const LOOK: Duration = Duration::from_millis(100);

/// A compacted topic is read as a whole at every start: keep what compaction cannot touch (the segment written to) small.
const COMPACTED_SEGMENT_BYTES: &str = "67108864";
const COMPACTED_SEGMENT_MS: &str = "3600000";
/// Compact when a tenth of the log is new, not half.
const COMPACTED_DIRTY_RATIO: &str = "0.1";

/// A client for questions.
pub(super) struct Cluster<'a> {
    config: &'a KafkaConfig,
    client: Closing<BaseConsumer<Context>>,
}

impl<'a> Cluster<'a> {
    pub(super) fn open(config: &'a KafkaConfig) -> Result<Cluster<'a>, LogError> {
        let client = config
            .reader()
            .create_with_context(Context::new())
            .map_err(|source| Attempt { doing: "open a client", at: &config.brokers }.failed(source, None))?;
        Ok(Cluster { config, client: Closing::new(client) })
    }

    fn admin(&self) -> KafkaResult<Closing<AdminClient<Context>>> {
        Ok(Closing::new(self.config.reader().create_with_context(Context::new())?))
    }

    /// How many brokers there are now.
    pub(super) fn brokers(&self) -> Result<usize, LogError> {
        // Asking for one topic that may not exist costs less than the default, which is all topics.
        Ok(self.metadata("kilat")?.brokers().len())
    }

    /// How many partitions `topic` has.
    pub(super) fn partitions(&self, topic: &str) -> Result<u32, LogError> {
        let metadata = self.metadata(topic)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        match found.and_then(|found| found.error()).map(RDKafkaErrorCode::from) {
            None => {}
            Some(code) if Fault::of(code) == Fault::Missing => return Err(self.missing(topic)),
            Some(code) => return Err(self.attempt("ask for a topic").failed(KafkaError::MetadataFetch(code), None)),
        }
        match found.map_or(0, |found| found.partitions().len()) {
            0 => Err(self.missing(topic)),
            count => Ok(u32::try_from(count).unwrap_or(u32::MAX)),
        }
    }

    /// The offsets of a partition's first record and after its last one, committed or not.
    pub(super) fn offsets(&self, topic: &str, partition: u32) -> Result<Range<i64>, LogError> {
        let partition = i32::try_from(partition).unwrap_or(i32::MAX);
        let (start, end) =
            self.ask("ask for offsets", |timeout| self.client.fetch_watermarks(topic, partition, timeout))?;
        Ok(start..end)
    }

    /// The cluster's id.
    pub(super) fn identity(&self) -> Result<String, LogError> {
        let unknown = KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut);
        self.ask("ask for the cluster's id", |timeout| {
            self.client.client().fetch_cluster_id(timeout).ok_or_else(|| unknown.clone())
        })
    }

    /// A group's offsets. Asked as its members ask, who wait for pending transactions (KIP-447); nobody joins.
    pub(super) fn committed(&self, group: &str, topic: &str, partitions: &[u32]) -> Result<Vec<Option<i64>>, LogError> {
        let failed = |source| self.attempt("open a client").failed(source, None);
        let client: BaseConsumer<Context> =
            self.config.member(group, "asker").create_with_context(Context::new()).map_err(failed)?;
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(topic, i32::try_from(*partition).unwrap_or(i32::MAX));
        }
        Cluster { config: self.config, client: Closing::new(client) }.offsets_of(&list)
    }

    fn offsets_of(&self, list: &TopicPartitionList) -> Result<Vec<Option<i64>>, LogError> {
        self.ask("ask for a group's offsets", |timeout| {
            let found = self.client.committed_offsets(list.clone(), timeout)?;
            let offset = |element: &TopicPartitionListElem<'_>| {
                element.error()?;
                Ok(match element.offset() {
                    Offset::Offset(next) => Some(next),
                    _ => None,
                })
            };
            found.elements().iter().map(offset).collect()
        })
    }

    /// Has the broker remove what is before `before`; what it removed already may go on from later.
    pub(super) fn trim(&self, topic: &str, partition: u32, before: i64) -> Result<(), LogError> {
        let failed = |source| self.attempt("trim a topic").failed(source, self.client.context().take_trouble());
        let admin = self.admin().map_err(failed)?;
        let options = AdminOptions::new().operation_timeout(Some(ANSWER_TIMEOUT)).request_timeout(Some(ANSWER_TIMEOUT));
        let mut list = TopicPartitionList::with_capacity(1);
        let partition = i32::try_from(partition).unwrap_or(i32::MAX);
        list.add_partition_offset(topic, partition, Offset::Offset(before)).map_err(failed)?;
        let done = block_on(admin.delete_records(&list, &options)).map_err(failed)?;
        match done.elements().iter().find_map(|element| element.error().err()) {
            None => Ok(()),
            Some(error) => Err(failed(error)),
        }
    }

    fn metadata(&self, topic: &str) -> Result<Metadata, LogError> {
        self.ask("ask for topics", |timeout| self.client.fetch_metadata(Some(topic), timeout))
    }

    /// Repeats a question in short turns, so that a refused connection or password is said as soon as it is known.
    #[allow(clippy::disallowed_methods, reason = "a deadline of I/O")]
    fn ask<T>(&self, doing: &'static str, mut question: impl FnMut(Duration) -> KafkaResult<T>) -> Result<T, LogError> {
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        let mut connection = None;
        let mut look = LOOK;
        loop {
            let error = match question(look) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            look = (look * 2).min(deadline.saturating_duration_since(Instant::now()));
            while self.client.poll(Duration::from_millis(1)).is_some() {}
            match self.client.context().take_trouble() {
                Some(trouble) if trouble.is_decisive() => {
                    return Err(self.attempt(doing).troubled(trouble));
                }
                trouble => connection = trouble.or(connection),
            }
            let code = error.rdkafka_error_code();
            let moves = code.is_some_and(is_moving);
            let retry = moves || code.is_some_and(|code| Fault::of(code) == Fault::Unreachable);
            if !retry || look.is_zero() {
                return Err(self.attempt(doing).failed(error, connection));
            }
            if moves {
                // Said at once.
                thread::sleep(LOOK / 10);
            }
        }
    }

    /// Creates those topics that do not exist, and waits until they can be used.
    #[allow(clippy::disallowed_methods, reason = "a deadline of I/O")]
    pub(super) fn create(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        let brokers = i32::try_from(self.brokers()?).unwrap_or(i32::MAX);
        let retentions: Vec<String> = topics.iter().map(|topic| retention_ms(topic.retention)).collect();
        let wanted: Vec<NewTopic<'_>> = topics
            .iter()
            .zip(&retentions)
            .map(|(topic, retention_ms)| {
                let partitions = i32::try_from(topic.partitions).unwrap_or(i32::MAX);
                let replication = i32::from(topic.replication).clamp(1, brokers.max(1));
                let new = NewTopic::new(&topic.name, partitions, TopicReplication::Fixed(replication));
                match topic.retention {
                    Retention::Compacted => new
                        .set("cleanup.policy", "compact")
                        .set("segment.bytes", COMPACTED_SEGMENT_BYTES)
                        .set("segment.ms", COMPACTED_SEGMENT_MS)
                        .set("min.cleanable.dirty.ratio", COMPACTED_DIRTY_RATIO),
                    Retention::Time(_) | Retention::Unlimited => {
                        new.set("cleanup.policy", "delete").set("retention.ms", retention_ms)
                    }
                }
            })
            .collect();
        let failed = |source| self.attempt("create topics").failed(source, self.client.context().take_trouble());
        let admin = self.admin().map_err(failed)?;
        let options = AdminOptions::new().operation_timeout(Some(ANSWER_TIMEOUT)).request_timeout(Some(ANSWER_TIMEOUT));
        for result in block_on(admin.create_topics(&wanted, &options)).map_err(failed)? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => {
                    let at = self.config.brokers.clone();
                    return Err(LogError::NotCreated { topic, at, reason: code.to_string() });
                }
            }
        }
        // The controller knows them now; the broker that answers us may need a moment more.
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        for topic in topics {
            loop {
                match self.partitions(&topic.name) {
                    Ok(_) => break,
                    Err(LogError::MissingTopic { .. } | LogError::Kafka { .. }) if Instant::now() < deadline => {
                        thread::sleep(LOOK / 10);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn missing(&self, topic: &str) -> LogError {
        LogError::MissingTopic { topic: topic.to_owned(), at: self.config.brokers.clone() }
    }

    fn attempt(&self, doing: &'static str) -> Attempt<'_> {
        Attempt { doing, at: &self.config.brokers }
    }
}

/// Whether a group's coordinator is being found or moved, or a transaction is about to move its offsets: soon over.
fn is_moving(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as C;
    matches!(
        code,
        C::NotCoordinator | C::CoordinatorNotAvailable | C::CoordinatorLoadInProgress | C::UnstableOffsetCommit
    )
}

/// `retention.ms`; -1 is for ever.
fn retention_ms(retention: Retention) -> String {
    match retention {
        Retention::Time(time) => time.as_millis().to_string(),
        Retention::Compacted | Retention::Unlimited => "-1".to_owned(),
    }
}

/// The admin client answers by future and wakes it from a thread of its own.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = task::Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
