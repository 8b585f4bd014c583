//! The bare copy: rdkafka consume → produce of every record, partition kept, exactly once, a transaction every interval.
//!
//! It decodes nothing and keeps nothing. Settings are those known to be fastest here.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kilat_codec::Topic;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::Run;
use crate::child::Outcome;
use crate::cluster::COPY;

const TIMEOUT: Duration = Duration::from_secs(30);

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(crate) fn run(brokers: &str, run: &Run) -> Result<()> {
    let interval = Duration::from_millis(run.interval_ms);
    let name = format!("copy-{}", std::process::id());
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    let consumer: BaseConsumer = config
        .clone()
        .set("group.id", &name)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("queued.min.messages", "500000")
        .set("fetch.queue.backoff.ms", "5")
        .create()
        .context("consumer")?;
    let producer: BaseProducer = config.set("transactional.id", &name).create().context("producer")?;
    producer.init_transactions(TIMEOUT)?;
    let input = Topic::Messages.name();
    consumer.subscribe(&[input])?;

    let (mut done, mut transactions) = (0, 0);
    let mut first: Option<Instant> = None;
    let mut next: HashMap<i32, i64> = HashMap::new();
    while done < run.events {
        producer.begin_transaction()?;
        let begun = Instant::now();
        while done < run.events && begun.elapsed() < interval {
            let Some(message) = consumer.poll(Duration::from_millis(5)) else { continue };
            let message = message?;
            first.get_or_insert_with(Instant::now);
            let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(COPY).partition(message.partition());
            record.key = message.key();
            record.payload = message.payload();
            while let Err((error, back)) = producer.send(record) {
                if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                    bail!(error);
                }
                record = back;
                producer.poll(Duration::from_millis(1));
            }
            next.insert(message.partition(), message.offset() + 1);
            done += 1;
        }
        if next.is_empty() {
            producer.abort_transaction(TIMEOUT)?;
            continue;
        }
        // Without this the commit's own flush waits in steps of 100 ms.
        while producer.in_flight_count() > 0 {
            producer.poll(Duration::from_millis(1));
        }
        let mut offsets = TopicPartitionList::new();
        for (partition, offset) in next.drain() {
            offsets.add_partition_offset(input, partition, Offset::Offset(offset))?;
        }
        let group = consumer.group_metadata().context("no group metadata")?;
        producer.send_offsets_to_transaction(&offsets, &group, TIMEOUT)?;
        producer.commit_transaction(TIMEOUT)?;
        transactions += 1;
    }
    let seconds = first.map_or(0.0, |first| first.elapsed().as_secs_f64());
    Outcome {
        events: done,
        seconds,
        transactions,
        decisions: 0,
        warm_cpu_s_per_million: None,
        quarters: [0.0; 4],
        state_bytes: 0,
    }
    .print();
    Ok(())
}
