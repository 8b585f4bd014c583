//! CPU per delivery: webhooks from an embedded log to a sink in another process.
//!
//! `cargo run --release -p kilat-executor --example throughput [ACTIONS]` prints deliveries per CPU-second of this process,
//! the embedded log and its flushes included. Wall time is shown for orientation only.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kilat_codec::{Encoder, Topic};
use kilat_domain::{Action, Command, Destination, DestinationKind, Gate, Lane, Object, OnUnknown, Timestamp, Value};
use kilat_executor::{Config, Surroundings, start};
use kilat_log::{Embedded, EmbeddedOptions, PartitionedLog as _, Retention, TopicSpec, Transaction};

type Failure = Box<dyn std::error::Error>;

/// Endpoints the actions go to, in turn.
const ENDPOINTS: usize = 8;
const PARTITIONS: u32 = 8;

#[allow(clippy::disallowed_methods, reason = "a measurement")]
fn main() -> Result<(), Failure> {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("sink") {
        return sink();
    }
    let actions: usize = argument.as_deref().unwrap_or("50000").parse()?;
    let mut child = Process::new(std::env::current_exe()?).arg("sink").stdout(Stdio::piped()).spawn()?;
    let mut port = String::new();
    BufReader::new(child.stdout.take().ok_or("the sink has no output")?).read_line(&mut port)?;

    let dir = tempfile::tempdir()?;
    let log = Embedded::open(dir.path(), EmbeddedOptions::default())?;
    log.create_topics(&topics())?;
    put(&log, actions, &format!("http://127.0.0.1:{}/hook", port.trim()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let config = Config { allow_loopback: true, ..Config::default() };
    let (cpu, wall) = (cpu_seconds()?, Instant::now());
    let handle = start(Arc::new(log), config, Surroundings::new(runtime.handle().clone()))?;
    while handle.totals().delivered < actions as u64 {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let (cpu, wall) = (cpu_seconds()? - cpu, wall.elapsed());
    let totals = handle.stop();
    child.kill()?;
    child.wait()?;
    assert_eq!((totals.attempts, totals.failed, totals.unknown), (actions as u64, 0, 0));
    println!("{actions} deliveries, {:.0} per CPU-second ({cpu:.2} s CPU, {wall:.2?} wall)", actions as f64 / cpu);
    Ok(())
}

fn topics() -> Vec<TopicSpec> {
    let spec =
        |name: &str, retention| TopicSpec { name: name.to_owned(), partitions: PARTITIONS, retention, replication: 1 };
    let mut topics = vec![spec(Topic::ActionResults.name(), Retention::Compacted)];
    for lane in Lane::ALL {
        topics.push(spec(Topic::of_lane(lane).name(), Retention::Unlimited));
        topics.push(spec(Topic::of_lane(lane).dlq_name(), Retention::Unlimited));
    }
    topics
}

fn put(log: &Embedded, actions: usize, url: &str) -> Result<(), Failure> {
    let mut writer = log.writer("throughput", &[Topic::ActionsWebhook.name().to_owned()])?;
    let encoder = Encoder::new();
    let mut transaction = Transaction::default();
    for n in 0..actions {
        let (id, conversation, name) = (format!("{n:026}"), format!("c{}", n % 1_000), format!("e{}", n % ENDPOINTS));
        let action = Action {
            id: id.as_str().into(),
            workspace: "acme".into(),
            conversation: conversation.as_str().into(),
            lead: None,
            event_id: "e".into(),
            rule: "r".into(),
            rule_version: 1,
            index: 0,
            created_at: Timestamp(0),
            expires_at: None,
            parallel: None,
            on_unknown: OnUnknown::Resend,
            gate: Gate::default(),
            destination: Some(Destination {
                name: name.as_str().into(),
                kind: DestinationKind::Webhook,
                url: url.into(),
                secret: None,
                previous_secret: None,
                account: None,
                waba: None,
            }),
            command: Command::SendWebhook {
                event: "lead.hot".into(),
                payload: Object(vec![("text".into(), Value::Text("mau order dong kak, masih ada?".into()))]),
            },
        };
        let key = format!("acme/{conversation}");
        transaction.append(0, None, key.as_bytes(), &[], |out| encoder.action(&action, out))?;
        if n % 1_000 == 999 || n + 1 == actions {
            writer.commit(&transaction)?;
            transaction.clear();
        }
    }
    Ok(())
}

/// User and system time of this process, from Linux' `/proc`.
fn cpu_seconds() -> Result<f64, Failure> {
    /// Clock ticks a second, as Linux reports them.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    Ok((ticks(11) + ticks(12)) / TICKS)
}

/// Answers every request with 204 and keeps connections open.
fn sink() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::spawn(move || answer(&stream));
    }
    Ok(())
}

fn answer(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.parse().unwrap_or(0);
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}
