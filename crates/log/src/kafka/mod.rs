//! The log on Apache Kafka.
//!
//! [`Kafka`] implements the port with librdkafka's clients:
//! - `cluster` asks about topics and creates them; `config` holds every setting.
//! - `member` is a consumer group's member: poll, group changes, its seat. `transactions` is the producer side of it, and
//!   of a writer; `departed` ends those that dead members left open. `follower` reads without a group.
//! - `closing` ends clients, so that nobody waits for one that does not end.
//! - `context` takes what librdkafka says out of turn; `fault` turns its errors into ours; `native` is the unsafe code.
//!
//! What Kafka gives and how it is used: architecture.md, "Transactions".

mod closing;
mod cluster;
mod config;
mod context;
mod departed;
mod fault;
mod follower;
mod member;
mod native;
mod transactions;

use std::ffi::CString;
use std::ops::Range;
use std::thread;

pub use config::KafkaConfig;

use crate::{Follower, LogError, Member, MemberSpec, PartitionedLog, Start, TopicSpec, Writer};
use cluster::Cluster;
use follower::TopicFollower;
use member::GroupMember;
use transactions::Transactions;

/// A Kafka cluster.
#[derive(Debug)]
pub struct Kafka {
    config: KafkaConfig,
}

impl Kafka {
    /// Checks the settings, and that the cluster answers.
    ///
    /// *Errors:* [`LogError::Setting`] at once; [`LogError::Unreachable`] and [`LogError::Denied`] as soon as they are
    /// known, within 10 s. These may pass: the caller retries.
    pub fn connect(config: KafkaConfig) -> Result<Kafka, LogError> {
        config.check()?;
        Cluster::open(&config)?.brokers()?;
        one_cluster(&identities(&config))?;
        Ok(Kafka { config })
    }
}

/// The addresses that answer, each with the id of its cluster. All are asked at once.
fn identities(config: &KafkaConfig) -> Vec<(String, String)> {
    let addresses: Vec<&str> = config.brokers.split(',').map(str::trim).filter(|address| !address.is_empty()).collect();
    if addresses.len() < 2 {
        return Vec::new();
    }
    let ask = |address: &str| {
        let config = KafkaConfig { brokers: address.to_owned(), ..config.clone() };
        let identity = Cluster::open(&config).and_then(|cluster| cluster.identity()).ok()?;
        Some((address.to_owned(), identity))
    };
    thread::scope(|scope| {
        let asked: Vec<_> = addresses.iter().map(|address| scope.spawn(|| ask(address))).collect();
        asked.into_iter().filter_map(|asked| asked.join().ok().flatten()).collect()
    })
}

/// Refuses addresses of more than one cluster: a client would talk to whichever answers first.
fn one_cluster(found: &[(String, String)]) -> Result<(), LogError> {
    let Some(((address, cluster), others)) = found.split_first() else { return Ok(()) };
    match others.iter().find(|(_, other)| other != cluster) {
        None => Ok(()),
        Some((other_address, other)) => Err(LogError::Setting {
            key: "brokers".to_owned(),
            reason: format!(
                "{address} belongs to cluster {cluster} and {other_address} to cluster {other}; name brokers of one cluster only"
            ),
        }),
    }
}

impl PartitionedLog for Kafka {
    fn join(&self, spec: &MemberSpec) -> Result<Box<dyn Member>, LogError> {
        let cluster = Cluster::open(&self.config)?;
        let mut counts = Vec::with_capacity(spec.inputs.len());
        for input in &spec.inputs {
            counts.push((input, cluster.partitions(input)?));
        }
        if counts.windows(2).any(|pair| pair[0].1 != pair[1].1) {
            let counts: Vec<String> = counts.iter().map(|(input, count)| format!("{count} of `{input}`")).collect();
            return Err(LogError::UnequalPartitions { counts: counts.join(", ") });
        }
        for output in &spec.outputs {
            cluster.partitions(output)?;
        }
        // The producer first: it fences the holder of this name, whose open transaction would hide offsets from us.
        let id = format!("{}-{}", spec.group, spec.instance);
        let transactions = Transactions::open(&self.config, &id, &spec.outputs)?;
        Ok(Box::new(GroupMember::join(&self.config, spec, transactions)?))
    }

    fn writer(&self, id: &str, outputs: &[String]) -> Result<Box<dyn Writer>, LogError> {
        let cluster = Cluster::open(&self.config)?;
        for output in outputs {
            cluster.partitions(output)?;
        }
        Ok(Box::new(Transactions::open_bulk(&self.config, id, outputs)?))
    }

    fn follow(&self, topic: &str, partitions: Option<&[u32]>, start: Start) -> Result<Box<dyn Follower>, LogError> {
        Ok(Box::new(TopicFollower::open(&self.config, topic, partitions, |_| start)?))
    }

    fn follow_from(&self, topic: &str, from: &[(u32, i64)]) -> Result<Box<dyn Follower>, LogError> {
        let partitions: Vec<u32> = from.iter().map(|(partition, _)| *partition).collect();
        let start = |at: usize| Start::Offset(from[at].1);
        Ok(Box::new(TopicFollower::open(&self.config, topic, Some(&partitions), start)?))
    }

    fn partitions(&self, topic: &str) -> Result<u32, LogError> {
        Cluster::open(&self.config)?.partitions(topic)
    }

    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        Cluster::open(&self.config)?.create(topics)
    }

    fn identity(&self) -> Result<String, LogError> {
        Cluster::open(&self.config)?.identity()
    }

    fn committed(&self, group: &str, topic: &str, partitions: &[u32]) -> Result<Vec<Option<i64>>, LogError> {
        Cluster::open(&self.config)?.committed(group, topic, partitions)
    }

    fn extent(&self, topic: &str, partition: u32) -> Result<Range<i64>, LogError> {
        let cluster = Cluster::open(&self.config)?;
        // Names a topic that does not exist.
        cluster.partitions(topic)?;
        cluster.offsets(topic, partition)
    }

    fn extents(&self, topic: &str, partitions: &[u32]) -> Result<Vec<Range<i64>>, LogError> {
        let cluster = Cluster::open(&self.config)?;
        cluster.partitions(topic)?;
        partitions.iter().map(|partition| cluster.offsets(topic, *partition)).collect()
    }

    fn trim(&self, topic: &str, partition: u32, before: i64) -> Result<(), LogError> {
        Cluster::open(&self.config)?.trim(topic, partition, before)
    }
}

/// Topic names as librdkafka takes them. A name with a NUL is none, so that no such topic can exist.
fn topic_names(topics: &[String], at: &str) -> Result<Vec<CString>, LogError> {
    let name = |topic: &String| {
        CString::new(topic.as_str()).map_err(|_| LogError::MissingTopic { topic: topic.clone(), at: at.to_owned() })
    };
    topics.iter().map(name).collect()
}

#[cfg(test)]
mod tests;
