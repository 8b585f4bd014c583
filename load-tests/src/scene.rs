//! The engines under test and what feeds them.
//!
//! Input: the `kilat` binary, the brokers as the engines see them (through the proxies). Output: processes that can be
//! killed, stopped and started again; events on the topic.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kilat_codec::{Encoder, Topic, json};
use kilat_log::{Kafka, PartitionedLog, Transaction, Writer};
use rustix::process::{Pid, Signal, kill_process};

/// How long a clean stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// How long writing events may be impossible while brokers come and go.
const WRITE_LIMIT: Duration = Duration::from_secs(90);

/// Small transactions, so that there is much to interrupt; short patience, so that a run sees many faults.
const SETTINGS: &str = "[engine]\nthreads = 2\ntransaction_interval_ms = 5\nbatch_records_max = 50\n";

/// How long a silent member keeps its partitions.
pub(crate) const SESSION: Duration = Duration::from_secs(3);
/// How long an abandoned transaction stays open.
pub(crate) const TRANSACTION: Duration = Duration::from_secs(5);

/// One run's directory.
pub(crate) struct Scene {
    dir: tempfile::TempDir,
    kilat: PathBuf,
    proxied: String,
    partitions: u32,
}

impl Scene {
    pub(crate) fn new(kilat: &Path, proxied: &str, partitions: u32) -> Result<Scene> {
        let dir = tempfile::tempdir()?;
        Ok(Scene { dir, kilat: kilat.to_owned(), proxied: proxied.to_owned(), partitions })
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(path)
    }

    /// Runs a command of `kilat` to its end; its standard output.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.kilat(&self.config("run")?, arguments).output().context("kilat does not start")?;
        if !output.status.success() {
            bail!("kilat {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts an engine of this name; it takes the place of an earlier one of the same name.
    pub(crate) fn start(&self, name: &str) -> Result<Engine> {
        let log = File::options().create(true).append(true).open(self.dir.path().join(format!("{name}.log")))?;
        let child = self
            .kilat(&self.config(name)?, &["run", "--role", "engine"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("kilat does not start")?;
        Ok(Engine { name: name.to_owned(), child })
    }

    /// Where the engines' logs are, once they are to be kept.
    pub(crate) fn keep(self) -> PathBuf {
        self.dir.keep()
    }

    fn kilat(&self, config: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.kilat);
        command.args(arguments);
        if arguments[0] != "eval" {
            command.arg("--config").arg(config);
        }
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    fn config(&self, name: &str) -> Result<PathBuf> {
        let (session, transaction) = (SESSION.as_millis(), TRANSACTION.as_millis());
        let text = format!(
            "[log]\nkind = \"kafka\"\nbrokers = \"{}\"\npartitions = {}\nclient_id = \"{name}\"\n\
             session_timeout_ms = {session}\ntransaction_timeout_ms = {transaction}\n\
             {SETTINGS}instance = \"{name}\"\n[http]\nlisten = \"127.0.0.1:0\"\n",
            self.proxied, self.partitions
        );
        self.write(&format!("{name}.toml"), &text)
    }
}

/// A running engine.
pub(crate) struct Engine {
    pub(crate) name: String,
    child: Child,
}

impl Engine {
    pub(crate) fn pid(&self) -> Result<Pid> {
        Pid::from_raw(i32::try_from(self.child.id())?).context("a process has an id")
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits for an engine that somebody else kills.
    pub(crate) fn wait(&mut self) -> Result<()> {
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, and a clean end in time.
    pub(crate) fn terminate(&mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        let begun = Instant::now();
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("{} ended with {status} after SIGTERM", self.name),
                None if begun.elapsed() > STOP_LIMIT => bail!("{} does not end within {STOP_LIMIT:?}", self.name),
                None => std::thread::park_timeout(Duration::from_millis(10)),
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(self.pid()?, signal)?)
    }

    /// Whether it ended of itself, and how.
    pub(crate) fn ended(&mut self) -> Result<Option<String>> {
        Ok(self.child.try_wait()?.map(|status| status.to_string()))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Ended already, or ours to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes events, by a way of its own around the proxies.
pub(crate) struct Source {
    log: Arc<Kafka>,
    writer: Option<Box<dyn Writer>>,
    encoder: Encoder,
}

impl Source {
    pub(crate) fn new(log: Arc<Kafka>) -> Source {
        Source { log, writer: None, encoder: Encoder::new() }
    }

    /// Writes event lines. Where it is unknown whether they were written they are written again: events are known by id.
    pub(crate) fn send(&mut self, lines: &[&str]) -> Result<()> {
        let mut transaction = Transaction::default();
        for line in lines {
            let event = json::event_from_line(line)?;
            let encoder = &mut self.encoder;
            transaction.append(0, None, event.workspace.as_bytes(), &[], |bytes| encoder.event(&event, bytes))?;
        }
        let begun = Instant::now();
        loop {
            let sent = self.writer().and_then(|writer| Ok(writer.commit(&transaction)?));
            match sent {
                Ok(()) => return Ok(()),
                Err(error) if begun.elapsed() > WRITE_LIMIT => return Err(error.context("events cannot be written")),
                Err(_) => self.writer = None,
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    fn writer(&mut self) -> Result<&mut Box<dyn Writer>> {
        if self.writer.is_none() {
            self.writer = Some(self.log.writer("kilat-chaos-source", &[Topic::Messages.name().to_owned()])?);
        }
        self.writer.as_mut().context("it was just set")
    }
}
