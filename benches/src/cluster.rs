//! The broker's topics, made anew before each run.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use kilat_codec::Topic;
use kilat_log::{Kafka, KafkaConfig, LogError, PartitionedLog, Retention, TopicSpec};
use kilat_pipeline::{Config, Queues, Topics};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;

/// Where the copy writes.
pub(crate) const COPY: &str = "copy-out";

/// The log port on this broker.
pub(crate) fn log(brokers: &str) -> Result<Arc<dyn PartitionedLog>> {
    log_with(brokers, Config::default().queues(), &[])
}

/// The log port on this broker, its queues bounded and its clients with these properties, each `KEY=VALUE`.
pub(crate) fn log_with(brokers: &str, queues: Queues, properties: &[String]) -> Result<Arc<dyn PartitionedLog>> {
    let mut config = KafkaConfig::new(brokers);
    (config.fetched_bytes_max, config.unsent_bytes_max) = (queues.fetched_bytes, queues.unsent_bytes);
    for property in properties {
        let (key, value) = property.split_once('=').context("--property is KEY=VALUE")?;
        config.properties.insert(key.to_owned(), value.to_owned());
    }
    Ok(Arc::new(Kafka::connect(config)?))
}

/// Creates the input topics and the rules topic.
///
/// *Errors:* there are records in the inputs: what is measured would read them, too.
pub(crate) fn create_inputs(log: &dyn PartitionedLog, partitions: u32) -> Result<()> {
    for topic in Topics::INPUTS {
        for partition in 0..log.partitions(topic.name()).unwrap_or(0) {
            if log.extent(topic.name(), partition)?.end > 0 {
                bail!(
                    "{} holds records already. help: measure on a fresh broker, as `cargo xtask bench with-broker` starts",
                    topic.name()
                );
            }
        }
    }
    let mut topics: Vec<TopicSpec> = Topics::INPUTS.iter().map(|topic| spec(topic.name(), partitions)).collect();
    topics.push(TopicSpec { retention: Retention::Compacted, ..spec(Topic::Rules.name(), 1) });
    topics.push(TopicSpec { retention: Retention::Compacted, ..spec(Topic::RuleStatus.name(), 1) });
    Ok(log.create_topics(&topics)?)
}

/// Deletes these topics and creates them empty.
pub(crate) fn renew(brokers: &str, log: &dyn PartitionedLog, names: &[&str], partitions: u32) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().context("admin client")?;
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    // A topic that does not exist yet is fine.
    let _ = pollster(admin.delete_topics(names, &options))?;
    let specs: Vec<TopicSpec> = names.iter().map(|name| spec(name, partitions)).collect();
    // Deletion is asynchronous: a topic may exist for some more moments after it was acknowledged.
    for _ in 0..300 {
        let gone = names.iter().all(|name| matches!(log.partitions(name), Err(LogError::MissingTopic { .. })));
        if gone {
            return Ok(log.create_topics(&specs)?);
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    bail!("topics {names:?} would not go away")
}

/// Everything the engine writes.
pub(crate) fn engine_outputs() -> Vec<String> {
    let dead_letters = Topics::INPUTS.iter().map(|topic| topic.dlq_name().to_owned());
    Topics::OUTPUTS.iter().map(|topic| topic.name().to_owned()).chain(dead_letters).collect()
}

fn spec(name: &str, partitions: u32) -> TopicSpec {
    TopicSpec { name: name.to_owned(), partitions, retention: Retention::Unlimited, replication: 1 }
}

/// Waits for an admin future; librdkafka's own thread wakes it.
fn pollster<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(out) => return out,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}
