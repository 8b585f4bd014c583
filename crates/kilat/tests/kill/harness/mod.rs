//! A `kilat` process that is killed while it works, and everything around it.

pub(crate) mod checkpoints;
pub(crate) mod engine;
pub(crate) mod executor;
mod sink;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kilat_log::{Embedded, EmbeddedOptions, Kafka, KafkaConfig, PartitionedLog, Start};

/// Nothing here takes longer, or it hangs.
const LIMIT: Duration = Duration::from_secs(600);

/// Which log the processes work on.
#[allow(dead_code, reason = "each of the two test binaries uses one")]
pub(crate) enum Log {
    Embedded,
    Kafka {
        brokers: String,
        /// Where checkpoints are, for everyone who works on these brokers.
        checkpoints: PathBuf,
    },
}

/// One test's directory, configuration and names.
pub(crate) struct Scene {
    dir: tempfile::TempDir,
    brokers: Option<String>,
    checkpoints: PathBuf,
}

/// How often to kill, and how much happens meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) kills: u64,
    pub(crate) events: u64,
}

impl Scale {
    /// From `KILAT_KILLS` and `KILAT_EVENTS`, else these.
    pub(crate) fn or(kills: u64, events: u64) -> Scale {
        let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
        Scale { kills: number("KILAT_KILLS").unwrap_or(kills), events: number("KILAT_EVENTS").unwrap_or(events) }
    }
}

impl Scene {
    /// A fresh directory with a configuration for `log`; `settings` is added to it.
    pub(crate) fn new(log: &Log, settings: &str) -> Scene {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (kind, brokers, checkpoints) = match log {
            Log::Embedded => ("embedded", None, dir.path().join("checkpoints")),
            Log::Kafka { brokers, checkpoints } => ("kafka", Some(brokers.clone()), checkpoints.clone()),
        };
        let config = format!(
            "[log]\nkind = \"{kind}\"\ndir = {:?}\nbrokers = {:?}\npartitions = 4\nreplication = 1\n{settings}\
             [engine.checkpoints]\nplace = {checkpoints:?}\n{CHECKPOINTS}",
            dir.path().join("log"),
            brokers.as_deref().unwrap_or("unused"),
        );
        std::fs::write(dir.path().join("kilat.toml"), config).expect("the directory is ours");
        Scene { dir, brokers, checkpoints }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the directory is ours");
        path
    }

    /// A `kilat` command in this scene.
    pub(crate) fn kilat(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kilat"));
        command.args(arguments).current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end and demands success.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let output = self.kilat(arguments).output().expect("kilat starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Starts `kilat run` with this role and waits for nothing.
    pub(crate) fn start(&self, role: &str) -> Running {
        self.start_with(role, &[])
    }

    /// … with these variables in its environment.
    pub(crate) fn start_with(&self, role: &str, variables: &[(&str, &str)]) -> Running {
        let listen = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(&format!("{role}.log")))
            .expect("the directory is ours");
        let child = self
            .kilat(&["run", "--role", role, "--create-topics"])
            .env("KILAT__HTTP__LISTEN", listen.to_string())
            .env("HOOK_SECRET", SECRET)
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("kilat starts");
        Running { child, listen, begun: now(), log: self.path(&format!("{role}.log")) }
    }

    /// Every committed record of a topic, in order per partition.
    pub(crate) fn records(&self, topic: &str, each: &mut dyn FnMut(&[u8])) {
        let log: Arc<dyn PartitionedLog> = match &self.brokers {
            None => Arc::new(Embedded::open(&self.path("log"), EmbeddedOptions::default()).expect("the log opens")),
            Some(brokers) => Arc::new(Kafka::connect(KafkaConfig::new(brokers)).expect("the cluster answers")),
        };
        let mut follower = log.follow(topic, None, Start::Earliest).expect("the topic exists");
        let begun = now();
        loop {
            let followed = follower
                .poll(Duration::from_millis(100), &mut |record| each(record.value.expect("no tombstones here")))
                .expect("the topic can be read");
            if followed.caught_up {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "{topic} has no end");
        }
    }
}

/// Many checkpoints, so that there is much to interrupt and to damage.
const CHECKPOINTS: &str = "interval_s = 1\ninterval_blocks = 5\nkeep = 3\n";

/// The webhook secret of every scene; the base64 is of 24 zero bytes.
pub(crate) const SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A running `kilat run`.
pub(crate) struct Running {
    child: Child,
    listen: SocketAddr,
    begun: Instant,
    log: PathBuf,
}

impl Running {
    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    /// SIGTERM, and a clean end.
    pub(crate) fn terminate(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill exists").success());
        let status = self.child.wait().expect("it is our child");
        assert!(status.success(), "{status}: {}", tail(&self.log));
    }

    /// Waits until `reached` says so of a metric's sum over its labels; looks again every few milliseconds.
    pub(crate) fn wait_for(&mut self, metric: &str, reached: impl Fn(f64) -> bool) {
        loop {
            if reached(self.metric(metric).unwrap_or(0.0)) {
                return;
            }
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                panic!("kilat ended with {status}: {}", tail(&self.log));
            }
            assert!(self.begun.elapsed() < LIMIT, "{metric} stands still: {}", tail(&self.log));
            std::thread::park_timeout(Duration::from_millis(3));
        }
    }

    /// Waits until the engine owns all four partitions, has no lag, and has evaluated nothing for two seconds.
    pub(crate) fn wait_until_idle(&mut self) {
        const LOOKS: u32 = 400;
        let (mut last, mut still) = (0.0, 0);
        while still < LOOKS {
            self.wait_for("kilat_partitions_owned", |partitions| partitions >= 4.0);
            self.wait_for("kilat_lag_records", |lag| lag == 0.0);
            let evaluated = self.metric("kilat_events_evaluated_total").unwrap_or(0.0);
            still = if evaluated == last { still + 1 } else { 0 };
            last = evaluated;
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// The sum of a metric over its labels, where the page answers.
    fn metric(&self, name: &str) -> Option<f64> {
        let mut stream = TcpStream::connect(self.listen).ok()?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\nConnection: close\r\n\r\n").ok()?;
        let mut page = String::new();
        stream.read_to_string(&mut page).ok()?;
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        let values = lines.filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        Some(values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }
}

fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[allow(clippy::disallowed_methods, reason = "waits have deadlines")]
fn now() -> Instant {
    Instant::now()
}

/// SplitMix64, for when to kill.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

/// A seed that differs from run to run and is printed, so that a failure can be repeated: `KILAT_SEED`.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("KILAT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("KILAT_SEED={seed}");
    seed
}
