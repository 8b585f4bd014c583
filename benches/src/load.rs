//! Events onto the input topic: a backlog all at once, or a stream at a fixed rate.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kilat_codec::{Encoder, Topic, json};
use kilat_domain::{Event, Timestamp};
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use kilat_bench::workload;

use crate::{Bench, streams_peer};

/// What the measured workload is generated from, where nothing else is said.
pub(crate) const SEED: u64 = 20_261_120;

/// Where events come from.
pub(crate) enum Source {
    /// The generated workload.
    Generated {
        /// How many.
        events: u64,
        /// From what.
        seed: u64,
    },
    /// Event lines of a file, in order.
    Lines(Vec<Event<'static>>),
    /// The events of the Kafka Streams peer.
    Peer(streams_peer::Events),
}

impl Source {
    pub(crate) fn open(bench: &Bench) -> Result<Source> {
        if let Some(file) = &bench.peer_events {
            return Ok(Source::Peer(streams_peer::Events::open(file)?));
        }
        let Some(file) = &bench.event_file else {
            return Ok(Source::Generated { events: bench.events, seed: bench.seed });
        };
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let events = lines.map(|(number, line)| {
            json::event_from_line(line).map_err(|error| anyhow::anyhow!("line {}: {error}", number + 1))
        });
        Ok(Source::Lines(events.collect::<Result<_>>()?))
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Source::Generated { events, .. } => *events,
            Source::Lines(lines) => lines.len() as u64,
            Source::Peer(events) => events.len() as u64,
        }
    }

    /// The event of this number; numbers beyond the end come round again under new ids.
    fn event(&self, number: u64) -> Event<'static> {
        let event = match self {
            Source::Generated { seed, .. } => return workload::event(*seed, number),
            Source::Lines(lines) => lines[(number % self.len()) as usize].clone(),
            Source::Peer(events) => events.event((number % self.len()) as usize),
        };
        let round = number / self.len();
        if round == 0 { event } else { again(event, round) }
    }
}

/// The same event under other ids.
fn again(mut event: Event<'static>, round: u64) -> Event<'static> {
    event.id = format!("{}~{round}", event.id).into();
    if let Some(id) = event.message.as_mut().and_then(|message| message.id.as_mut()) {
        *id = format!("{id}~{round}").into();
    }
    event
}

/// Puts every event of the source onto the topic, appended as of now, or evenly over so many days before.
#[allow(clippy::disallowed_methods, reason = "a load generator reads the clock")]
pub(crate) fn backlog(brokers: &str, source: &Source, days: Option<f64>) -> Result<()> {
    let mut sender = Sender::new(brokers, 20)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs_f64() * 1e3;
    let ago = |number| days.map(|days| days * 86_400e3 * (1.0 - number as f64 / source.len() as f64));
    for number in 0..source.len() {
        sender.appended_ms = ago(number).map(|ago| (now - ago) as i64);
        sender.send(&source.event(number))?;
    }
    sender.finish()
}

/// How long a stream's producer waits for more: librdkafka's default. With 1 ms it sent up to 2,500 requests a second of some
/// 16 events each, nearly half of all that the broker was asked.
const STREAM_LINGER_MS: u32 = 5;

/// What a stream sent.
pub(crate) struct Streamed {
    pub(crate) events: u64,
    /// When the clock of the stream started, in milliseconds since the Unix epoch.
    pub(crate) started_ms: f64,
}

/// Sends events at `rate` a second for `seconds`, open-loop: each is due at its time whether or not earlier ones were late.
/// An event's `occurred_at` is when it is due, in milliseconds from the start of the stream. Ids follow on `first`.
#[allow(clippy::disallowed_methods, reason = "a load generator reads the clock")]
pub(crate) fn stream(brokers: &str, source: &Source, first: u64, rate: f64, seconds: u64) -> Result<Streamed> {
    let mut sender = Sender::new(brokers, STREAM_LINGER_MS)?;
    let events = (rate * seconds as f64) as u64;
    // Drawing and encoding an event cost as much CPU as the engine's work on it: it is done before the clock starts.
    let mut records = Vec::with_capacity(usize::try_from(events)?);
    for number in 0..events {
        let due = Duration::from_secs_f64(number as f64 / rate);
        let mut event = source.event(first + number);
        event.occurred_at = Timestamp(due.as_millis() as i64);
        let mut bytes = Vec::new();
        sender.encoder.event(&event, &mut bytes)?;
        records.push((due, event.workspace, bytes));
    }
    let begun = Instant::now();
    let started_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs_f64() * 1e3;
    for (due, workspace, bytes) in records {
        while begun.elapsed() < due {
            sender.producer.poll(Duration::ZERO);
            std::thread::park_timeout(due.saturating_sub(begun.elapsed()).min(Duration::from_millis(1)));
        }
        sender.put(workspace.as_bytes(), &bytes)?;
    }
    sender.finish()?;
    Ok(Streamed { events, started_ms })
}

struct Sender {
    producer: BaseProducer,
    encoder: Encoder,
    bytes: Vec<u8>,
    sent: u64,
    /// When records were appended, as they say; now where it is not said.
    appended_ms: Option<i64>,
}

impl Sender {
    fn new(brokers: &str, linger_ms: u32) -> Result<Sender> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", linger_ms.to_string())
            .create()
            .context("producer")?;
        Ok(Sender { producer, encoder: Encoder::new(), bytes: Vec::new(), sent: 0, appended_ms: None })
    }

    fn send(&mut self, event: &Event<'_>) -> Result<()> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.encoder.event(event, &mut bytes)?;
        self.put(event.workspace.as_bytes(), &bytes)?;
        self.bytes = bytes;
        Ok(())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let mut record = BaseRecord::to(Topic::Messages.name()).key(key).payload(value);
        record.timestamp = self.appended_ms;
        while let Err((error, back)) = self.producer.send(record) {
            if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                bail!(error);
            }
            record = back;
            self.producer.poll(Duration::from_millis(5));
        }
        self.sent += 1;
        if self.sent.is_multiple_of(1000) {
            self.producer.poll(Duration::ZERO);
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        Ok(self.producer.flush(Duration::from_secs(60))?)
    }
}
