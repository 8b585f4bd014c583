//! A log some of whose records cannot be seen, as if they had been removed.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use kilat_log::{Followed, Follower, LogError, Member, MemberSpec, PartitionedLog, Record, Start, TopicSpec, Writer};

/// The log without the records that are `hidden`, by topic.
pub(crate) fn hiding(
    log: &Arc<dyn PartitionedLog>,
    hidden: impl Fn(&str, &Record<'_>) -> bool + Send + Sync + 'static,
) -> Arc<dyn PartitionedLog> {
    Arc::new(Hiding { log: Arc::clone(log), hidden: Arc::new(hidden) })
}

/// Which records a reader does not get to see: topic, and whether it is this one.
type Hidden = Arc<dyn Fn(&str, &Record<'_>) -> bool + Send + Sync>;

struct Hiding {
    log: Arc<dyn PartitionedLog>,
    hidden: Hidden,
}

struct HidingFollower {
    follower: Box<dyn Follower>,
    topic: String,
    hidden: Hidden,
}

impl Follower for HidingFollower {
    fn poll(&mut self, timeout: Duration, each: &mut dyn FnMut(Record<'_>)) -> Result<Followed, LogError> {
        self.follower.poll(timeout, &mut |record| {
            if !(self.hidden)(&self.topic, &record) {
                each(record);
            }
        })
    }
}

impl PartitionedLog for Hiding {
    fn join(&self, spec: &MemberSpec) -> Result<Box<dyn Member>, LogError> {
        self.log.join(spec)
    }

    fn writer(&self, id: &str, outputs: &[String]) -> Result<Box<dyn Writer>, LogError> {
        self.log.writer(id, outputs)
    }

    fn follow(&self, topic: &str, partitions: Option<&[u32]>, start: Start) -> Result<Box<dyn Follower>, LogError> {
        let follower = self.log.follow(topic, partitions, start)?;
        Ok(Box::new(HidingFollower { follower, topic: topic.to_owned(), hidden: Arc::clone(&self.hidden) }))
    }

    fn follow_from(&self, topic: &str, from: &[(u32, i64)]) -> Result<Box<dyn Follower>, LogError> {
        let follower = self.log.follow_from(topic, from)?;
        Ok(Box::new(HidingFollower { follower, topic: topic.to_owned(), hidden: Arc::clone(&self.hidden) }))
    }

    fn partitions(&self, topic: &str) -> Result<u32, LogError> {
        self.log.partitions(topic)
    }

    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        self.log.create_topics(topics)
    }

    fn identity(&self) -> Result<String, LogError> {
        self.log.identity()
    }

    fn committed(&self, group: &str, topic: &str, partitions: &[u32]) -> Result<Vec<Option<i64>>, LogError> {
        self.log.committed(group, topic, partitions)
    }

    fn extent(&self, topic: &str, partition: u32) -> Result<Range<i64>, LogError> {
        self.log.extent(topic, partition)
    }

    fn trim(&self, topic: &str, partition: u32, before: i64) -> Result<(), LogError> {
        self.log.trim(topic, partition, before)
    }
}
