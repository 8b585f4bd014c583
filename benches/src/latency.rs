//! P11: from the moment an event was due to the moment its decision can be read by a read-committed consumer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use kilat_codec::Topic;
use kilat_log::{PartitionedLog, Start};
use kilat_pipeline::{Config, Service};

use crate::Bench;
use crate::cluster;
use crate::load::{self, Source};

/// Latencies in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Latency {
    pub(crate) samples: usize,
    pub(crate) rate: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
}

/// Share of the run that is not counted: connections and caches warm up.
const WARM_UP: f64 = 0.25;

/// Runs the engine here, streams events at `rate` and watches the decisions.
pub(crate) fn measure(brokers: &str, bench: &Bench, source: &Source, rate: f64) -> Result<Latency> {
    let log = cluster::log_with(brokers, &bench.tuning.property)?;
    let name = format!("bench-latency-{}", std::process::id());
    let config = Config {
        group: name.clone(),
        instance: name,
        threads: bench.tuning.threads,
        transaction_interval_ms: bench.interval_ms,
        batch_ms_max: bench.tuning.batch_ms,
        ..Config::default()
    };
    let service = Service::start(log.clone(), &config);
    while !service.health().ready {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let watching = AtomicBool::new(true);
    let mut latencies = std::thread::scope(|scope| -> Result<Vec<f64>> {
        let watcher = scope.spawn(|| watch(&*log, &watching));
        let sent = load::stream(brokers, source, source.len() * 2, rate, bench.latency_seconds);
        let events = sent.as_ref().map_or(0, |sent| sent.events);
        while service.totals().events < events && !service.health().failed {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        watching.store(false, Ordering::Relaxed);
        let mut latencies = watcher.join().map_err(|_| anyhow::anyhow!("the watcher panicked"))??;
        let started_ms = sent?.started_ms;
        latencies.iter_mut().for_each(|latency| *latency -= started_ms);
        Ok(latencies)
    })?;
    service.stop();
    service.join();
    latencies.drain(..(latencies.len() as f64 * WARM_UP) as usize);
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied().unwrap_or_default();
    Ok(Latency { samples: latencies.len(), rate, p50_ms: at(0.5), p99_ms: at(0.99), p999_ms: at(0.999) })
}

/// When each decision could be read, in milliseconds since the Unix epoch, less when its event was due.
#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn watch(log: &dyn PartitionedLog, watching: &AtomicBool) -> Result<Vec<f64>> {
    let mut follower = log.follow(Topic::Decisions.name(), None, Start::Earliest)?;
    let mut latencies = Vec::new();
    while watching.load(Ordering::Relaxed) {
        follower.poll(Duration::from_millis(10), &mut |record| {
            let Some(Ok(decision)) = record.value.map(kilat_codec::decode_decision) else { return };
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            latencies.push(since.as_secs_f64() * 1e3 - decision.at.0 as f64);
        })?;
    }
    Ok(latencies)
}
