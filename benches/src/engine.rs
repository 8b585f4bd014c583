//! One run of the engine: the pipeline as a service runs it, until the events are committed.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use kilat_pipeline::{Config, Service};

use crate::Run;
use crate::child::{self, Outcome};
use crate::cluster;

/// How often the totals are looked at.
const LOOK: Duration = Duration::from_millis(10);
/// A run that takes longer, or is slower than so many events a second, has hung.
const LIMIT: Duration = Duration::from_secs(600);
const RATE_MIN: u64 = 10_000;

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(crate) fn run(brokers: &str, run: &Run) -> Result<()> {
    let name = format!("bench-engine-{}", std::process::id());
    let config = Config {
        group: name.clone(),
        instance: name,
        threads: run.tuning.threads,
        transaction_interval_ms: run.interval_ms,
        batch_ms_max: run.tuning.batch_ms,
        batch_bytes_max: run.tuning.batch_bytes,
        memory_mb: run.tuning.memory_mb,
        ..Config::default()
    };
    let service = Service::start(cluster::log_with(brokers, config.queues(), &run.tuning.property)?, &config);
    let started = Instant::now();
    let mut first: Option<(u64, Instant)> = None;
    let mut half: Option<(u64, f64)> = None;
    let mut reached: Vec<(u64, Instant)> = Vec::new();
    let limit = LIMIT.max(Duration::from_secs(run.events / RATE_MIN));
    loop {
        let totals = service.totals();
        if totals.evaluated > 0 && first.is_none() {
            first = Some((totals.evaluated, Instant::now()));
        }
        if let Some(first) = first {
            if reached.is_empty() {
                reached.push(first);
            }
            if totals.evaluated * 4 >= run.events * reached.len() as u64 && reached.len() < 5 {
                reached.push((totals.evaluated, Instant::now()));
            }
        }
        // An event of a workspace that is spread is taken by one worker and may be evaluated by another.
        if totals.evaluated * 2 >= run.events && half.is_none() {
            half = Some((totals.evaluated, process_cpu()));
        }
        if totals.evaluated >= run.events {
            break;
        }
        let health = service.health();
        if health.failed || started.elapsed() > limit {
            bail!("the engine stopped at {totals:?}: {health:?}");
        }
        std::thread::park_timeout(LOOK);
    }
    let elapsed = first.map_or(0.0, |(_, at)| at.elapsed().as_secs_f64());
    let spent = process_cpu();
    let totals = service.totals();
    // How long the first transaction took is not seen from here: the others speak for it.
    let rest = totals.evaluated - first.map_or(0, |(events, _)| events);
    if rest == 0 {
        bail!("all {} events were committed at once, which gives no rate. help: raise --events", totals.evaluated);
    }
    let seconds = elapsed * totals.evaluated as f64 / rest as f64;
    let warm = half.filter(|(events, _)| *events < totals.evaluated);
    let warm = warm.map(|(events, cpu)| (spent - cpu) / (totals.evaluated - events) as f64 * 1e6);
    let mut quarters = [0.0; 4];
    for (rate, pair) in quarters.iter_mut().zip(reached.windows(2)) {
        *rate = (pair[1].0 - pair[0].0) as f64 / (pair[1].1 - pair[0].1).as_secs_f64();
    }
    let state_bytes = service.state_bytes();
    service.stop();
    service.join();
    Outcome {
        events: totals.evaluated,
        seconds,
        transactions: totals.transactions,
        decisions: totals.decisions,
        warm_cpu_s_per_million: warm,
        quarters,
        state_bytes,
    }
    .print();
    Ok(())
}

/// CPU seconds of this process so far.
fn process_cpu() -> f64 {
    // SAFETY: an all-zero rusage is a valid value of a plain C struct, and the pointer is to it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    child::seconds(usage.ru_utime) + child::seconds(usage.ru_stime)
}
