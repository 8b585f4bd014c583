//! Child processes, with the CPU time and memory the system accounts to each.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::Run;

/// What a child measured itself.
pub(crate) struct Outcome {
    pub(crate) events: u64,
    pub(crate) seconds: f64,
    pub(crate) transactions: u64,
    pub(crate) decisions: u64,
    /// Over the second half of the events: without start, compilation of rules and growth of buffers.
    pub(crate) warm_cpu_s_per_million: Option<f64>,
    /// Events a second over each quarter of the events; 0 for the copy.
    pub(crate) quarters: [f64; 4],
    /// What the state took at the end.
    pub(crate) state_bytes: usize,
}

impl Outcome {
    pub(crate) fn print(&self) {
        println!(
            "{}",
            json!({"events": self.events, "seconds": self.seconds, "transactions": self.transactions,
                "decisions": self.decisions, "warm_cpu_s_per_million": self.warm_cpu_s_per_million,
                "quarters": self.quarters, "state_bytes": self.state_bytes})
        );
    }
}

/// One finished run.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) events_per_s: f64,
    pub(crate) cpu_s_per_million: f64,
    pub(crate) warm_cpu_s_per_million: Option<f64>,
    pub(crate) transactions: u64,
    pub(crate) decisions: u64,
    pub(crate) peak_rss_mb: f64,
    pub(crate) quarters: [f64; 4],
    pub(crate) state_mb: f64,
}

/// Runs this program again as `what` and waits for it.
pub(crate) fn measure(what: &str, run: &Run) -> Result<Measured> {
    measure_command(Command::new(std::env::current_exe()?), what, run)
}

/// Runs this program again as `what`, recorded by `perf` into `file`. Its figures are not to be compared.
pub(crate) fn record(file: &Path, what: &str, run: &Run) -> Result<()> {
    let mut perf = Command::new("perf");
    // Stacks are copied and unwound later: librdkafka and the standard library are built without frame pointers.
    perf.args(["record", "-F", "499", "--call-graph", "dwarf,8192", "-o"]).arg(file);
    perf.arg("--").arg(std::env::current_exe()?);
    measure_command(perf, what, run).map(drop)
}

fn measure_command(mut command: Command, what: &str, run: &Run) -> Result<Measured> {
    let tuning = &run.tuning;
    let mut child = command
        .arg(what)
        .args(["--events", &run.events.to_string()])
        .args(["--interval-ms", &run.interval_ms.to_string()])
        .args(["--threads", &tuning.threads.to_string()])
        .args(["--batch-ms", &tuning.batch_ms.to_string()])
        .args(["--batch-bytes", &tuning.batch_bytes.to_string()])
        .args(["--engine-memory-mb", &tuning.memory_mb.to_string()])
        .args(tuning.property.iter().flat_map(|property| ["--property", property]))
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {what}"))?;
    let mut out = String::new();
    child.stdout.take().context("stdout is piped")?.read_to_string(&mut out)?;
    let (status, usage) = wait(child.id())?;
    if status != 0 {
        bail!("{what} ended with status {status}");
    }
    let line: Value = serde_json::from_str(out.lines().last().unwrap_or_default()).context("the run's own figures")?;
    let figure = |key: &str| line[key].as_f64().with_context(|| format!("`{key}` is missing in {line}"));
    let events = figure("events")?;
    Ok(Measured {
        events_per_s: events / figure("seconds")?,
        cpu_s_per_million: (seconds(usage.ru_utime) + seconds(usage.ru_stime)) / events * 1e6,
        warm_cpu_s_per_million: line["warm_cpu_s_per_million"].as_f64(),
        transactions: figure("transactions")? as u64,
        decisions: figure("decisions")? as u64,
        peak_rss_mb: usage.ru_maxrss as f64 / 1024.0,
        quarters: std::array::from_fn(|quarter| line["quarters"][quarter].as_f64().unwrap_or_default()),
        state_mb: figure("state_bytes")? / f64::from(1 << 20),
    })
}

/// A time of the system's accounts, in seconds.
pub(crate) fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

/// Waits for a child of ours; its exit status and what it used.
fn wait(pid: u32) -> Result<(i32, libc::rusage)> {
    let mut status = 0;
    // SAFETY: an all-zero rusage is a valid value of a plain C struct.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live locals, and `pid` is a child nobody else waits for.
    let waited = unsafe { libc::wait4(pid.try_into()?, &raw mut status, 0, &raw mut usage) };
    if waited < 0 {
        bail!(std::io::Error::last_os_error());
    }
    Ok((status, usage))
}
