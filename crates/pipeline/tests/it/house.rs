//! An embedded log with all topics, and a pipeline on it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kilat_codec::{Encoder, Topic, json};
use kilat_domain::{RuleSetRecord, Timestamp};
use kilat_log::{Embedded, EmbeddedOptions, PartitionedLog, Record, Retention, Start, TopicSpec, Transaction, Writer};
use kilat_pipeline::{Config, Service};
use serde_json::{Value, json};

pub(crate) const PARTITIONS: u32 = 4;
const LIMIT: Duration = Duration::from_secs(60);

/// A log in a directory of its own.
pub(crate) struct House {
    pub(crate) log: Arc<dyn PartitionedLog>,
    writer: Box<dyn Writer>,
    encoder: Encoder,
}

const OUTPUTS: [Topic; 3] = [Topic::Messages, Topic::LeadChanges, Topic::Rules];

impl House {
    pub(crate) fn open(dir: &Path) -> House {
        House::open_with(dir, |_| PARTITIONS)
    }

    /// A log whose topics have these numbers of partitions, but for those that always have one.
    pub(crate) fn open_with(dir: &Path, partitions: impl Fn(Topic) -> u32) -> House {
        let log: Arc<dyn PartitionedLog> = Arc::new(Embedded::open(dir, EmbeddedOptions::default()).expect("opens"));
        let spec = |name: &str, partitions: u32, retention: Retention| TopicSpec {
            name: name.to_owned(),
            partitions,
            retention,
            replication: 1,
        };
        let mut topics = Vec::new();
        for topic in Topic::ALL {
            let partitions = if matches!(topic, Topic::Rules | Topic::RuleStatus) { 1 } else { partitions(topic) };
            let retention = if topic.is_compacted() { Retention::Compacted } else { Retention::Unlimited };
            topics.push(spec(topic.name(), partitions, retention));
            topics.push(spec(topic.dlq_name(), 1, Retention::Unlimited));
        }
        log.create_topics(&topics).expect("creates topics");
        let names: Vec<String> = OUTPUTS.iter().map(|topic| topic.name().to_owned()).collect();
        let writer = log.writer("test", &names).expect("writes");
        House { log, writer, encoder: Encoder::new() }
    }

    /// Starts a pipeline and waits until it is ready.
    pub(crate) fn start(&self) -> Service {
        self.start_with(&Config { threads: 2, transaction_interval_ms: 2, ..Config::default() })
    }

    /// Starts a pipeline with these settings and waits until it is ready.
    pub(crate) fn start_with(&self, config: &Config) -> Service {
        let service = Service::start(self.log.clone(), config);
        wait(|| service.health().ready, "ready");
        service
    }

    /// Publishes rules without looking whether they are right.
    pub(crate) fn publish(&mut self, workspace: &str, source: &str) {
        let mut transaction = Transaction::default();
        let record = RuleSetRecord {
            workspace: workspace.into(),
            hash: "sha256:test".into(),
            source: source.into(),
            published_at: Timestamp(0),
            published_by: None,
        };
        let encoder = &mut self.encoder;
        transaction
            .append(2, None, workspace.as_bytes(), &[], |bytes| encoder.rule_set(&record, bytes))
            .expect("encodes");
        self.writer.commit(&transaction).expect("commits");
    }

    /// Customer messages, one transaction.
    pub(crate) fn messages(&mut self, ids: std::ops::Range<usize>, text: &str) {
        let mut transaction = Transaction::default();
        for id in ids {
            let line = json!({"id": format!("e{id}"), "workspace": "acme", "type": "message.created",
                "occurred_at": "2026-11-20T03:00:00.000Z", "conversation": {"id": format!("c{}", id % 7)},
                "lead": {"id": format!("l{}", id % 7)}, "channel": {"kind": "whatsapp", "account": "1"},
                "sender": {"kind": "customer", "id": format!("62812000000{}", id % 7)},
                "message": {"id": format!("m{id}"), "text": text}});
            let event = json::event_from_line(&line.to_string()).expect("an event");
            let encoder = &mut self.encoder;
            transaction.append(0, None, b"acme", &[], |bytes| encoder.event(&event, bytes)).expect("encodes");
        }
        self.writer.commit(&transaction).expect("commits");
    }

    /// An event as a line says it, on the message topic.
    pub(crate) fn event(&mut self, line: &Value) {
        let event = json::event_from_line(&line.to_string()).expect("an event");
        let mut bytes = Vec::new();
        self.encoder.event(&event, &mut bytes).expect("encodes");
        self.raw(&bytes);
    }

    /// A change of a lead, on the other input topic.
    pub(crate) fn change(&mut self, id: &str, lead: &str) {
        let line = json!({"id": id, "workspace": "acme", "type": "lead.updated",
            "occurred_at": "2026-11-20T03:00:00.000Z", "lead": {"id": lead}});
        let event = json::event_from_line(&line.to_string()).expect("an event");
        let (mut transaction, encoder) = (Transaction::default(), &mut self.encoder);
        transaction.append(1, None, b"acme", &[], |bytes| encoder.event(&event, bytes)).expect("encodes");
        self.writer.commit(&transaction).expect("commits");
    }

    /// The log without the records of `topic` at this offset.
    pub(crate) fn without(&self, topic: &'static str, offset: i64) -> Arc<dyn PartitionedLog> {
        crate::hiding::hiding(&self.log, move |of, record| of == topic && record.offset == offset)
    }

    /// A record of these bytes on the message topic.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.raws(1, bytes);
    }

    /// So many records of these bytes on the message topic, one transaction.
    pub(crate) fn raws(&mut self, count: usize, bytes: &[u8]) {
        let mut transaction = Transaction::default();
        for _ in 0..count {
            transaction
                .append(0, None, b"acme", &[], |out| {
                    out.extend_from_slice(bytes);
                    Ok::<(), std::convert::Infallible>(())
                })
                .expect("infallible");
        }
        self.writer.commit(&transaction).expect("commits");
    }

    /// Everything committed to a topic so far.
    pub(crate) fn read(&self, topic: &str, each: &mut dyn FnMut(&Record<'_>)) {
        let mut follower = self.log.follow(topic, None, Start::Earliest).expect("follows");
        let mut caught_up = false;
        while !caught_up {
            caught_up = follower.poll(Duration::from_millis(50), &mut |record| each(&record)).expect("polls").caught_up;
        }
    }

    /// Every decision so far.
    pub(crate) fn decisions(&self) -> Vec<Value> {
        let mut decisions = Vec::new();
        self.read(Topic::Decisions.name(), &mut |record| {
            let decision = kilat_codec::decode_decision(record.value.expect("a value")).expect("decodes");
            decisions.push(serde_json::from_str(&json::decision_to_line(&decision)).expect("JSON"));
        });
        decisions
    }
}

/// A rule set for `acme` with one rule that sets this tag on every message.
pub(crate) fn tagging(tag: &str) -> String {
    format!(
        "workspace: acme\nrules:\n  - {{id: tag, name: Tag, trigger: message.created, actions: [{{type: add_tag, value: {tag}}}]}}\n"
    )
}

pub(crate) fn stop(service: Service) {
    service.stop();
    service.join();
}

/// Waits for a condition, looking often, and gives up loudly.
#[allow(clippy::disallowed_methods, reason = "a deadline")]
pub(crate) fn wait(reached: impl Fn() -> bool, what: &str) {
    let begun = Instant::now();
    while !reached() {
        assert!(begun.elapsed() < LIMIT, "never {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}
