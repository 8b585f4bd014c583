//! One run of the engine: the pipeline as a service runs it, until the events are committed.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use kilat_pipeline::{Config, Service};

use crate::Run;
use crate::child::Outcome;
use crate::cluster;

/// How often the totals are looked at.
const LOOK: Duration = Duration::from_millis(10);
/// A run that takes longer has hung.
const LIMIT: Duration = Duration::from_secs(600);

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(crate) fn run(brokers: &str, run: &Run) -> Result<()> {
    let name = format!("bench-engine-{}", std::process::id());
    let config = Config {
        group: name.clone(),
        instance: name,
        threads: run.tuning.threads,
        transaction_interval_ms: run.interval_ms,
        batch_ms_max: run.tuning.batch_ms,
        ..Config::default()
    };
    let service = Service::start(cluster::log_with(brokers, &run.tuning.property)?, &config);
    let started = Instant::now();
    let mut first: Option<Instant> = None;
    loop {
        let totals = service.totals();
        if totals.events > 0 && first.is_none() {
            // The first transaction is committed: its interval belongs to the run.
            first = Some(Instant::now() - Duration::from_millis(run.interval_ms));
        }
        if totals.events >= run.events {
            break;
        }
        let health = service.health();
        if health.failed || started.elapsed() > LIMIT {
            bail!("the engine stopped at {totals:?}: {health:?}");
        }
        std::thread::park_timeout(LOOK);
    }
    let seconds = first.map_or(0.0, |first| first.elapsed().as_secs_f64());
    let totals = service.totals();
    if totals.evaluated != totals.events {
        bail!("not every event was evaluated: {totals:?}");
    }
    service.stop();
    service.join();
    Outcome { events: totals.events, seconds, transactions: totals.transactions, decisions: totals.decisions }.print();
    Ok(())
}
