//! One Kafka node: a folder with its settings, data, log and process id, and the JVM that runs on it.
//!
//! A node is known by its folder alone, so that a later xtask can stop or bounce what an earlier one started.
//! Invariant: a process is signalled only while its command line names this folder's settings file.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;

use super::Jars;
use crate::process::{command_line, run, signal};
use crate::stop::Stop;

/// Any 16 bytes in URL-safe base64; one for all, as every cluster has its own folder and ports.
const CLUSTER_ID: &str = "S2lsYXRYdGFza0thZmthMQ";
const FORMAT_LIMIT: Duration = Duration::from_secs(60);
/// A clean stop hands leadership over and flushes; past this the node is killed.
const CLEAN_STOP_LIMIT: Duration = Duration::from_secs(30);
const KILL_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// How much machine a node gets.
#[derive(Clone, Copy)]
pub(crate) enum Jvm {
    /// For correctness: three of these fit beside a build.
    Small,
    /// For figures: heap and collector of the recorded peer runs.
    Bench,
}

impl Jvm {
    fn options(self) -> &'static str {
        match self {
            Jvm::Small => "-Xmx384m -XX:+UseSerialGC",
            Jvm::Bench => "-Xmx1g -XX:+UseG1GC",
        }
    }

    /// How long a new group waits for more members. Figures want all of them to be there from the start (Kafka's own
    /// default is 3 s), tests do not want to wait.
    fn rebalance_delay_ms(self) -> u32 {
        match self {
            Jvm::Small => 0,
            Jvm::Bench => 1_000,
        }
    }
}

/// Ports of one node, on loopback.
#[derive(Clone, Copy)]
pub(super) struct Ports {
    pub(super) broker: u16,
    pub(super) controller: u16,
    pub(super) proxied: Option<Proxied>,
}

/// A second listener for clients that come through a proxy, and the proxy's port: a broker tells its clients where to
/// come back to, so it has to know.
#[derive(Clone, Copy)]
pub(crate) struct Proxied {
    pub(crate) proxy: u16,
    pub(crate) listener: u16,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum StopKind {
    /// SIGTERM: leadership moves first, then the node ends.
    Clean,
    /// SIGKILL: as if the machine lost power, but for the page cache.
    Hard,
}

pub(super) struct Node {
    folder: PathBuf,
    pub(super) number: usize,
}

impl Node {
    /// The node kept in `folder`, named `node-<number>`; `None` for any other folder.
    pub(super) fn open(folder: PathBuf) -> Option<Node> {
        let number = folder.file_name()?.to_str()?.strip_prefix("node-")?.parse().ok()?;
        Some(Node { folder, number })
    }

    /// Lays out the folder of node `number` (from 1) of a cluster whose nodes have `ports`.
    pub(super) fn create(run: &Path, number: usize, ports: &[Ports], jvm: Jvm) -> Result<Node> {
        let node = Node { folder: run.join(format!("node-{number}")), number };
        fs::create_dir(&node.folder).with_context(|| format!("creating {}", node.folder.display()))?;
        fs::write(node.settings_file(), settings(number, ports, &node.folder.join("data"), jvm))?;
        fs::write(node.folder.join("jvm-options"), jvm.options())?;
        Ok(node)
    }

    fn settings_file(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    pub(super) fn log_file(&self) -> PathBuf {
        self.folder.join("kafka.log")
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.join("pid")
    }

    /// Prepares the data folder; once, before the first start.
    pub(super) fn format(&self, jars: &Jars, stop: &Stop) -> Result<()> {
        let mut format = jars.java();
        format.args(["-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"]);
        format.arg(self.settings_file()).stdout(self.log()?).stderr(self.log()?);
        run(&mut format, FORMAT_LIMIT, stop)
    }

    /// Starts the JVM and returns at once; `probe` tells when it serves.
    ///
    /// A detached node gets a process group of its own, so that signals for the starter's group pass it by.
    pub(super) fn start(&self, jars: &Jars, detached: bool) -> Result<()> {
        let mut java = jars.java();
        java.args(fs::read_to_string(self.folder.join("jvm-options"))?.split_whitespace());
        java.args([
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
        ]);
        java.arg("kafka.Kafka").arg(self.settings_file());
        java.current_dir(&self.folder).stdin(Stdio::null()).stdout(self.log()?).stderr(self.log()?);
        if detached {
            java.process_group(0);
        }
        let child = java.spawn().context("starting a Kafka node")?;
        fs::write(self.pid_file(), child.id().to_string())?;
        Ok(())
    }

    fn log(&self) -> Result<File> {
        let path = self.log_file();
        File::options().create(true).append(true).open(&path).with_context(|| format!("opening {}", path.display()))
    }

    /// Id of the running process; `None` when there is none, or when the id now belongs to a stranger.
    pub(super) fn pid(&self) -> Option<u32> {
        let id = fs::read_to_string(self.pid_file()).ok()?.trim().parse().ok()?;
        let settings = self.settings_file();
        command_line(id)?.contains(settings.to_str()?).then_some(id)
    }

    /// Ends the process and waits until it is gone; a clean stop that takes too long becomes a hard one.
    pub(super) fn stop(&self, kind: StopKind) -> Result<()> {
        let steps = match kind {
            StopKind::Clean => [(Signal::TERM, CLEAN_STOP_LIMIT), (Signal::KILL, KILL_LIMIT)].as_slice(),
            StopKind::Hard => &[(Signal::KILL, KILL_LIMIT)],
        };
        for &(kill, limit) in steps {
            if let Some(id) = self.pid() {
                signal(id, kill);
            }
            let deadline = Instant::now() + limit;
            while self.pid().is_some() && Instant::now() < deadline {
                thread::sleep(POLL);
            }
        }
        match self.pid() {
            Some(id) => bail!("node {} (process {id}) does not end", self.number),
            None => Ok(()),
        }
    }

    /// Loopback port clients connect to, read back from the settings.
    pub(super) fn port(&self) -> Result<u16> {
        let settings = fs::read_to_string(self.settings_file())?;
        broker_port(&settings).with_context(|| format!("no listener in {}", self.settings_file().display()))
    }
}

fn broker_port(settings: &str) -> Option<u16> {
    let listeners = settings.lines().find_map(|line| line.strip_prefix("listeners="))?;
    let broker = listeners.split(',').find_map(|listener| listener.strip_prefix("PLAINTEXT://"))?;
    broker.rsplit(':').next()?.parse().ok()
}

/// `server.properties` of one node.
///
/// Differences from a production cluster, all so that tests need not wait for its patience: small internal topics, a short
/// rebalance delay or none, short session timeouts allowed, timed-out transactions aborted and compaction looked for each second.
/// A killed broker may register again only when its old session ended, so that is short too.
fn settings(number: usize, ports: &[Ports], data: &Path, jvm: Jvm) -> String {
    let rebalance_delay_ms = jvm.rebalance_delay_ms();
    let Ports { broker, controller, proxied } = ports[number - 1];
    let listener = |port: fn(&Proxied) -> u16| {
        proxied.map_or_else(String::new, |proxied| format!(",PROXIED://127.0.0.1:{}", port(&proxied)))
    };
    let (listener_proxied, advertised_proxied) = (listener(|it| it.listener), listener(|it| it.proxy));
    let voters: Vec<String> =
        (1..).zip(ports).map(|(id, ports)| format!("{id}@127.0.0.1:{}", ports.controller)).collect();
    let voters = voters.join(",");
    let replicas = ports.len();
    let in_sync_min = replicas.min(2);
    let data = data.display();
    format!(
        "\
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}{listener_proxied}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}{advertised_proxied}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}

default.replication.factor={replicas}
min.insync.replicas={in_sync_min}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync_min}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync_min}
auto.create.topics.enable=false

broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
group.initial.rebalance.delay.ms={rebalance_delay_ms}
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=200
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
log.cleaner.backoff.ms=1000
log.cleaner.dedupe.buffer.size=16777216
"
    )
}

#[cfg(test)]
mod tests;
