//! One log with all topics, actions put on it, an executor on it, and what it wrote.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use kilat_codec::{Encoder, Topic, decode_action_result};
use kilat_domain::{
    Action, ActionResult, CapiEvent, Command, Destination, DestinationKind, Gate, Lane, Object, OnUnknown,
    OutboundMessage, Outcome, Recipient, Timestamp, Value,
};
use kilat_executor::{Config, Handle, SecretsConfig, Surroundings, start};
use kilat_log::{Embedded, EmbeddedOptions, PartitionedLog as _, Retention, Start, TopicSpec, Transaction};

use crate::endpoint::PATIENCE;
use crate::faulty::{Fault, Faults, FaultyLog};

pub(crate) const PARTITIONS: u32 = 4;

/// What the executors' clock says at first.
pub(crate) const NOON: Timestamp = Timestamp(1_795_165_200_000);

pub(crate) struct House {
    pub(crate) log: Embedded,
    pub(crate) config: Config,
    /// The executors' wall clock, in milliseconds; it moves only by hand.
    pub(crate) clock: Arc<AtomicI64>,
    runtime: tokio::runtime::Runtime,
    dir: tempfile::TempDir,
}

/// A running executor and the faults of its log.
pub(crate) struct Running {
    handle: Handle,
    faults: Arc<Faults>,
}

/// A result as it was read back; `None` for a tombstone.
pub(crate) type Read = (String, Option<ActionResult<'static>>);

pub(crate) fn topics(results_partitions: u32) -> Vec<TopicSpec> {
    let spec =
        |name: &str, partitions, retention| TopicSpec { name: name.to_owned(), partitions, retention, replication: 1 };
    let mut topics = vec![spec(Topic::ActionResults.name(), results_partitions, Retention::Compacted)];
    for lane in Lane::ALL {
        let topic = Topic::of_lane(lane);
        topics.push(spec(topic.name(), PARTITIONS, Retention::Unlimited));
        topics.push(spec(topic.dlq_name(), 1, Retention::Unlimited));
    }
    topics
}

impl House {
    pub(crate) fn new() -> House {
        let dir = tempfile::tempdir().unwrap();
        let log = Embedded::open(&dir.path().join("log"), EmbeddedOptions::default()).unwrap();
        log.create_topics(&topics(PARTITIONS)).unwrap();
        std::fs::write(dir.path().join("token"), "token-FAKE").unwrap();
        let config = Config {
            allow_loopback: true,
            retry_steps_ms: Some(vec![20; 7]),
            breaker_failures: 100,
            transaction_interval_ms: 5,
            revoke_grace_ms: 30_000,
            stop_grace_ms: 30_000,
            secrets: SecretsConfig { dirs: vec![dir.path().to_owned()], ..SecretsConfig::default() },
            ..Config::default()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        House { log, config, clock: Arc::new(AtomicI64::new(NOON.0)), runtime, dir }
    }

    /// A reference to the access token.
    pub(crate) fn token(&self) -> String {
        format!("file:{}", self.dir.path().join("token").display())
    }

    pub(crate) fn start(&self) -> Running {
        self.start_as("1")
    }

    pub(crate) fn start_as(&self, instance: &str) -> Running {
        let faults = Arc::new(Faults::default());
        let log = FaultyLog { log: self.log.clone(), faults: faults.clone() };
        let config = Config { instance: instance.to_owned(), ..self.config.clone() };
        let clock = self.clock.clone();
        let surroundings = Surroundings {
            clock: Arc::new(move || Timestamp(clock.load(Ordering::SeqCst))),
            ..Surroundings::new(self.runtime.handle().clone())
        };
        let handle = start(Arc::new(log), config, surroundings).unwrap();
        // What a test does next, such as cutting it off, is to meet a lane that has joined.
        while !handle.is_ready() {
            std::thread::yield_now();
        }
        Running { handle, faults }
    }

    /// Puts actions on their lanes, all in one transaction.
    pub(crate) fn put(&self, actions: &[Action<'_>]) {
        let outputs: Vec<String> = Lane::ALL.map(|lane| Topic::of_lane(lane).name().to_owned()).to_vec();
        let mut writer = self.log.writer("test-actions", &outputs).unwrap();
        let mut transaction = Transaction::default();
        let encoder = Encoder::new();
        for action in actions {
            let output = Lane::ALL.iter().position(|lane| *lane == action.command.lane()).unwrap();
            let key = format!("{}/{}", action.workspace, action.conversation);
            let headers: [(&str, &[u8]); 1] =
                [("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")];
            transaction.append(output, None, key.as_bytes(), &headers, |out| encoder.action(action, out)).unwrap();
        }
        writer.commit(&transaction).unwrap();
    }

    /// Puts any bytes on the webhook lane.
    pub(crate) fn put_bytes(&self, key: &str, value: &[u8]) {
        let outputs = [Topic::ActionsWebhook.name().to_owned()];
        let mut writer = self.log.writer("test-bytes", &outputs).unwrap();
        let mut transaction = Transaction::default();
        let copy = |out: &mut Vec<u8>| -> Result<(), ()> {
            out.extend_from_slice(value);
            Ok(())
        };
        transaction.append(0, Some(0), key.as_bytes(), &[("ce_id", b"e7")], copy).unwrap();
        writer.commit(&transaction).unwrap();
    }

    /// Reads results until this many actions have a final one; everything read, in order per partition.
    pub(crate) fn results(&self, finals: usize) -> Vec<Read> {
        let mut follower = self.log.follow(Topic::ActionResults.name(), None, Start::Earliest).unwrap();
        let mut read: Vec<Read> = Vec::new();
        let since = now();
        while read.iter().filter(|(_, result)| result.as_ref().is_some_and(|r| r.outcome.is_final())).count() < finals {
            assert!(since.elapsed() < PATIENCE, "{finals} results did not come: {read:#?}");
            follower
                .poll(Duration::from_millis(50), &mut |record| {
                    let id = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
                    read.push((id, record.value.map(|value| owned(&decode_action_result(value).unwrap()))));
                })
                .unwrap();
        }
        read
    }

    /// The outcome and reason of every action, once there are this many.
    pub(crate) fn outcomes(&self, finals: usize) -> Vec<(String, Outcome, Option<String>)> {
        let last = |(id, result): Read| result.map(|r| (id, r.outcome, r.reason.map(|reason| reason.to_string())));
        let mut found: Vec<_> = self.results(finals).into_iter().filter_map(last).filter(|r| r.1.is_final()).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// Everything on a topic, after the first `count` records have come: key, value, headers.
    pub(crate) fn records(&self, topic: &str, count: usize) -> Vec<Record> {
        let mut follower = self.log.follow(topic, None, Start::Earliest).unwrap();
        let mut read = Vec::new();
        let since = now();
        while read.len() < count {
            assert!(since.elapsed() < PATIENCE, "{count} records did not come");
            follower
                .poll(Duration::from_millis(50), &mut |record| {
                    let mut headers = Vec::new();
                    record.headers.for_each(&mut |name, value| {
                        headers.push((name.to_owned(), String::from_utf8_lossy(value).into_owned()));
                    });
                    read.push(Record { value: record.value.unwrap_or_default().to_vec(), headers });
                })
                .unwrap();
        }
        read
    }
}

pub(crate) struct Record {
    pub(crate) value: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Record {
    pub(crate) fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(found, _)| found == name).unwrap().1
    }
}

#[allow(clippy::disallowed_methods, reason = "only to give up on a test that hangs")]
fn now() -> Instant {
    Instant::now()
}

fn owned(result: &ActionResult<'_>) -> ActionResult<'static> {
    let own = |text: &kilat_domain::Str<'_>| text.as_str().to_owned().into();
    ActionResult {
        action_id: own(&result.action_id),
        workspace: own(&result.workspace),
        conversation: own(&result.conversation),
        action: own(&result.action),
        outcome: result.outcome,
        reason: result.reason.as_ref().map(own),
        detail: result.detail.as_ref().map(own),
        attempts: result.attempts,
        http_status: result.http_status,
        partner_ref: result.partner_ref.as_ref().map(own),
        endpoint_ms: result.endpoint_ms,
        at: result.at,
    }
}

impl Running {
    pub(crate) fn stop(self) -> kilat_executor::Totals {
        self.handle.stop()
    }

    /// Ends it as `kill -9` would: nothing it knows reaches the log any more.
    pub(crate) fn kill(self) {
        self.faults.dead.store(true, Ordering::SeqCst);
        self.handle.stop();
    }

    /// From now on, nothing reaches the log; it is still running.
    pub(crate) fn cut_off(&self) {
        self.faults.dead.store(true, Ordering::SeqCst);
    }

    /// From now on so many joins fail.
    pub(crate) fn refuse_joins(&self, count: usize) {
        self.faults.joins_refused.store(count, Ordering::SeqCst);
    }

    /// Fails the next commit that holds a final result.
    pub(crate) fn fail_next_commit(&self, fault: Fault) {
        *self.faults.next.lock().unwrap() = Some(fault);
    }
}

/// An action of workspace `acme`; times far enough away not to matter.
pub(crate) fn action<'a>(
    id: &'a str,
    conversation: &'a str,
    to: Option<Destination<'a>>,
    command: Command<'a>,
) -> Action<'a> {
    Action {
        id: id.into(),
        workspace: "acme".into(),
        conversation: conversation.into(),
        lead: None,
        event_id: "e".into(),
        rule: "r".into(),
        rule_version: 1,
        index: 0,
        created_at: NOON,
        expires_at: None,
        parallel: None,
        on_unknown: OnUnknown::Resend,
        gate: Gate { blocked: false, window_closes_at: Some(Timestamp::MAX) },
        destination: to,
        command,
    }
}

pub(crate) fn webhook<'a>(id: &'a str, conversation: &'a str, url: &'a str) -> Action<'a> {
    let destination = Destination {
        name: "crm".into(),
        kind: DestinationKind::Webhook,
        url: url.into(),
        secret: None,
        previous_secret: None,
        account: None,
        waba: None,
    };
    let payload = Object(vec![("n".into(), Value::Text(id.into()))]);
    action(id, conversation, Some(destination), Command::SendWebhook { event: "test".into(), payload })
}

pub(crate) fn message<'a>(id: &'a str, conversation: &'a str, url: &'a str, token: &'a str) -> Action<'a> {
    let destination = Destination {
        name: "wa".into(),
        kind: DestinationKind::WhatsappCloud,
        url: url.into(),
        secret: Some(token.into()),
        previous_secret: None,
        account: Some("1001".into()),
        waba: None,
    };
    let to = Recipient { channel: "whatsapp".into(), account: None, id: "6281200000001".into() };
    let command = Command::SendMessage(OutboundMessage::text(to, "Halo"));
    Action { on_unknown: OnUnknown::Hold, ..action(id, conversation, Some(destination), command) }
}

pub(crate) fn conversion<'a>(id: &'a str, conversation: &'a str, url: &'a str, token: &'a str) -> Action<'a> {
    let destination = Destination {
        name: "meta".into(),
        kind: DestinationKind::MetaCapi,
        url: url.into(),
        secret: Some(token.into()),
        previous_secret: None,
        account: Some("3001".into()),
        waba: Some("2001".into()),
    };
    let event = CapiEvent {
        name: "LeadSubmitted".into(),
        at: NOON,
        value: None,
        ctwa_clid: Some("AfFAKE".into()),
        phone: None,
        email: None,
        channel: Some("whatsapp".into()),
    };
    Action { on_unknown: OnUnknown::Hold, ..action(id, conversation, Some(destination), Command::SendCapiEvent(event)) }
}
