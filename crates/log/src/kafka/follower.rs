//! A follower: committed records of a topic without a group.
//!
//! Input: partitions and where to start. Output: records, and whether the end that was there at the opening is reached.
//!
//! Invariants:
//! - F-1 (LOG-7): the end to reach is the high watermark at the opening, not the end of what is committed. A commit is
//!   done for its writer as soon as the transaction coordinator has noted it; the markers that make it visible reach the
//!   partitions afterwards. Until then a read-committed reader stops before the transaction, and its end of the log is
//!   one from before the commit.
//! - F-2: the position compared with that end counts what is not delivered, too. Markers move it at once. Where the log
//!   ends in records that were removed since, only the end-of-partition event tells, one fetch later.
//!
//! Absent: the end of the log as it moves on.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::cluster::Cluster;
use super::config::KafkaConfig;
use super::context::{Context, TroubleKind};
use super::fault::{Attempt, Fault};
use super::native::Intake;
use super::topic_names;
use crate::{Followed, Follower, LogError, Record, Start, each};

/// Until it has caught up, how often a waiting follower looks whether markers alone have brought it to the end.
const LOOK: Duration = Duration::from_millis(5);

/// A follower of a topic on Kafka.
pub(super) struct TopicFollower {
    intake: Intake,
    topic: String,
    at: String,
    /// Partitions whose end is not reached, and that end.
    behind: Vec<(i32, i64)>,
}

impl TopicFollower {
    /// `start` says where, for each place in `partitions`.
    pub(super) fn open(
        config: &KafkaConfig,
        topic: &str,
        partitions: Option<&[u32]>,
        start: impl Fn(usize) -> Start,
    ) -> Result<TopicFollower, LogError> {
        let attempt = Attempt { doing: "follow a topic", at: &config.brokers };
        let cluster = Cluster::open(config)?;
        let count = cluster.partitions(topic)?;
        let all: Vec<u32> = (0..count).collect();
        let partitions = partitions.unwrap_or(&all);

        let consumer: BaseConsumer<Context> =
            config.follower().create_with_context(Context::new()).map_err(|source| attempt.failed(source, None))?;
        let mut intake = Intake::new(consumer, &topic_names(&[topic.to_owned()], &config.brokers)?);
        let mut behind = Vec::new();
        for (at, &partition) in partitions.iter().enumerate() {
            let offsets = cluster.offsets(topic, partition)?;
            let from = match start(at) {
                Start::Earliest => offsets.start,
                Start::Latest => offsets.end,
                Start::Offset(offset) => offset.clamp(offsets.start, offsets.end),
            };
            let partition = i32::try_from(partition).unwrap_or(i32::MAX);
            intake
                .start(0, partition, from)
                .map_err(|code| attempt.failed(KafkaError::MessageConsumption(code), None))?;
            if from < offsets.end {
                behind.push((partition, offsets.end));
            }
        }
        Ok(TopicFollower { intake, topic: topic.to_owned(), at: config.brokers.clone(), behind })
    }

    fn look(&mut self) {
        if self.behind.is_empty() {
            return;
        }
        let mut list = TopicPartitionList::with_capacity(self.behind.len());
        for (partition, _) in &self.behind {
            list.add_partition(&self.topic, *partition);
        }
        let mut positions = self.intake.positions(&list).into_iter();
        let ended = self.intake.ended();
        self.behind.retain(|(partition, end)| {
            let position = positions.next().flatten();
            let ended = ended.iter().filter(|(ended, _)| ended == partition).map(|(_, offset)| *offset).max();
            position.max(ended).is_none_or(|position| position < *end)
        });
    }

    fn serve(&self) -> Result<(), LogError> {
        while self.intake.has_events() {
            // Errors come as notes, too.
            let _ = self.intake.consumer().poll(Duration::ZERO);
        }
        if let Some(trouble) = self.intake.consumer().context().take_trouble() {
            let (denied, decisive) = (trouble.kind == TroubleKind::Denied, trouble.is_decisive());
            let error = self.attempt().troubled(trouble);
            if denied {
                return Err(error);
            }
            if decisive {
                // librdkafka keeps trying.
                tracing::warn!(error = %error, "waiting for the brokers");
            }
        }
        Ok(())
    }

    fn attempt(&self) -> Attempt<'_> {
        Attempt { doing: "follow a topic", at: &self.at }
    }
}

impl Follower for TopicFollower {
    #[allow(clippy::disallowed_methods, reason = "a deadline of I/O")]
    fn poll(&mut self, timeout: Duration, one: &mut dyn FnMut(Record<'_>)) -> Result<Followed, LogError> {
        let deadline = Instant::now() + timeout;
        let mut left = timeout;
        let was_behind = !self.behind.is_empty();
        let mut take = each(one);
        loop {
            self.serve()?;
            let wait = if self.behind.is_empty() { left } else { left.min(LOOK) };
            let records =
                self.intake.take(wait, RECORDS_MAX, &mut take).map_err(|error| match Fault::of(error.code) {
                    Fault::Missing => LogError::MissingTopic { topic: self.topic.clone(), at: self.at.clone() },
                    _ => self.attempt().failed(KafkaError::MessageConsumption(error.code), None),
                })?;
            self.look();
            left = deadline.saturating_duration_since(Instant::now());
            let caught_up = self.behind.is_empty();
            if records > 0 || left.is_zero() || (was_behind && caught_up) {
                return Ok(Followed { records, caught_up });
            }
        }
    }
}

/// Records of one poll, so that a long log does not keep its caller from everything else.
const RECORDS_MAX: usize = 10_000;
