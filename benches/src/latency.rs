//! P11 and P12: from the moment an event was due to the moment its decision can be read by a read-committed consumer, also while
//! rule sets are swapped.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use kilat_codec::Topic;
use kilat_log::{PartitionedLog, Start};
use kilat_pipeline::{Config, Service};

use crate::Bench;
use crate::cluster;
use crate::load::{self, Source};
use crate::rounds::Published;

/// Latencies in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Latency {
    pub(crate) samples: usize,
    pub(crate) rate: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
}

/// Latencies of events that came while a rule set was being swapped, against the others of the same run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Swap {
    pub(crate) steady: Latency,
    pub(crate) during: Latency,
    /// From publication to the first decision of the new version, the longest.
    pub(crate) longest_ms: f64,
    pub(crate) swaps: usize,
}

/// Share of the run that is not counted: connections and caches warm up.
const WARM_UP: f64 = 0.25;
/// From one swap to the next.
const SWAP_EVERY: Duration = Duration::from_secs(4);

/// A decision as the watcher saw it; times in milliseconds since the stream began.
struct Seen {
    due: f64,
    at: f64,
    event: String,
    rule_set: String,
}

impl Seen {
    fn latency(&self) -> f64 {
        self.at - self.due
    }
}

/// Streams events at `rate`, and gives the latencies of their decisions.
pub(crate) fn measure(brokers: &str, bench: &Bench, source: &Source, rate: f64) -> Result<Latency> {
    let seen = run(brokers, bench, source, rate, &mut Vec::new())?;
    let counted = &seen[(seen.len() as f64 * WARM_UP) as usize..];
    Ok(summary(rate, counted.iter().map(Seen::latency).collect()))
}

/// Streams events at `rate` while these rule sets are published, one after the other.
///
/// *Errors:* an event was decided by two versions.
pub(crate) fn measure_swaps(
    brokers: &str,
    bench: &Bench,
    source: &Source,
    rate: f64,
    rule_sets: Vec<Published>,
) -> Result<Swap> {
    let mut swaps: Vec<Swapped> = rule_sets.into_iter().map(|rules| Swapped { rules, at: f64::NAN }).collect();
    let seen = run(brokers, bench, source, rate, &mut swaps)?;
    let mut versions: HashMap<&str, &str> = HashMap::new();
    for decision in &seen {
        if let Some(other) = versions.insert(&decision.event, &decision.rule_set)
            && other != decision.rule_set
        {
            bail!("event {} was decided by two rule sets: {other} and {}", decision.event, decision.rule_set);
        }
    }
    let mut windows = Vec::new();
    for swap in swaps.iter().filter(|swap| !swap.at.is_nan()) {
        let live = seen.iter().filter(|seen| seen.rule_set == swap.rules.hash).map(|seen| seen.at).reduce(f64::min);
        windows.push((swap.at, live.context("a published rule set decided nothing")?));
    }
    let warm = f64::from(u32::try_from(bench.latency_seconds)?) * 1e3 * WARM_UP;
    let is_during = |seen: &Seen| windows.iter().any(|&(from, to)| seen.at >= from && seen.due <= to);
    let (during, steady): (Vec<&Seen>, Vec<&Seen>) =
        seen.iter().filter(|seen| seen.due >= warm).partition(|seen| is_during(seen));
    let latencies = |seen: &[&Seen]| summary(rate, seen.iter().map(|seen| seen.latency()).collect());
    Ok(Swap {
        steady: latencies(&steady),
        during: latencies(&during),
        longest_ms: windows.iter().map(|(from, to)| to - from).fold(0.0, f64::max),
        swaps: windows.len(),
    })
}

/// A rule set to be published, and when it was, in milliseconds since the stream began.
struct Swapped {
    rules: Published,
    at: f64,
}

fn summary(rate: f64, mut latencies: Vec<f64>) -> Latency {
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied().unwrap_or_default();
    Latency { samples: latencies.len(), rate, p50_ms: at(0.5), p99_ms: at(0.99), p999_ms: at(0.999) }
}

/// Runs the engine here, streams events at `rate` and watches the decisions.
fn run(brokers: &str, bench: &Bench, source: &Source, rate: f64, swaps: &mut [Swapped]) -> Result<Vec<Seen>> {
    let name = format!("bench-latency-{}-{}-{rate}", std::process::id(), swaps.len());
    let config = Config {
        group: name.clone(),
        instance: name,
        threads: bench.tuning.threads,
        transaction_interval_ms: bench.interval_ms,
        batch_ms_max: bench.tuning.batch_ms,
        batch_bytes_max: bench.tuning.batch_bytes,
        memory_mb: bench.tuning.memory_mb,
        ..Config::default()
    };
    let log = cluster::log_with(brokers, config.queues(), &bench.tuning.property)?;
    let service = Service::start(log.clone(), &config);
    while !service.health().ready {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let watching = AtomicBool::new(true);
    let seen = std::thread::scope(|scope| -> Result<Vec<Seen>> {
        let watcher = scope.spawn(|| watch(&*log, &watching));
        let swapper = scope.spawn(|| swap(&*log, &service, swaps, &watching));
        let sent = load::stream(brokers, source, source.len() * 2, rate, bench.latency_seconds);
        let events = sent.as_ref().map_or(0, |sent| sent.events);
        while service.totals().events < events && !service.health().failed {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        watching.store(false, Ordering::Relaxed);
        let mut seen = watcher.join().map_err(|_| anyhow::anyhow!("the watcher panicked"))??;
        let swaps = swapper.join().map_err(|_| anyhow::anyhow!("the swapper panicked"))??;
        let started_ms = sent?.started_ms;
        seen.iter_mut().for_each(|seen| seen.at -= started_ms);
        swaps.iter_mut().for_each(|swap| swap.at -= started_ms);
        Ok(seen)
    })?;
    service.stop();
    service.join();
    Ok(seen)
}

/// Every decision, and when it could be read.
fn watch(log: &dyn PartitionedLog, watching: &AtomicBool) -> Result<Vec<Seen>> {
    let mut follower = log.follow(Topic::Decisions.name(), None, Start::Earliest)?;
    let mut seen = Vec::new();
    while watching.load(Ordering::Relaxed) {
        follower.poll(Duration::from_millis(10), &mut |record| {
            let Some(Ok(decision)) = record.value.map(kilat_codec::decode_decision) else { return };
            seen.push(Seen {
                due: decision.at.0 as f64,
                at: now_ms(),
                event: decision.event_id.to_string(),
                rule_set: decision.rule_set.to_string(),
            });
        })?;
    }
    Ok(seen)
}

/// Publishes one rule set after the other once events flow.
fn swap<'s>(
    log: &dyn PartitionedLog,
    service: &Service,
    swaps: &'s mut [Swapped],
    watching: &AtomicBool,
) -> Result<&'s mut [Swapped]> {
    let mut writer = log.writer("bench-swaps", &[Topic::Rules.name().to_owned()])?;
    let mut begun = None;
    for (number, swap) in (1..).zip(&mut *swaps) {
        while watching.load(Ordering::Relaxed) {
            std::thread::park_timeout(Duration::from_millis(5));
            if begun.is_none() && service.totals().events > 0 {
                begun = Some(now_ms());
            }
            let due = SWAP_EVERY.as_secs_f64() * 1e3 * f64::from(number);
            if begun.is_some_and(|begun| now_ms() >= begun + due) {
                swap.at = now_ms();
                writer.commit(&swap.rules.transaction)?;
                break;
            }
        }
    }
    Ok(swaps)
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1e3
}
