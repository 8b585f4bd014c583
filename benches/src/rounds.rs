//! The order of a measurement: load, warm up, rounds in turn, latency, report.

use anyhow::{Context, Result, bail};
use kilat_codec::{Encoder, Topic};
use kilat_domain::{RuleSetRecord, Timestamp};
use kilat_log::{PartitionedLog, Transaction};

use kilat_bench::workload;

use crate::child::{self, Measured};
use crate::cluster::{self, COPY};
use crate::latency;
use crate::load::{self, Source};
use crate::report::Figures;
use crate::{Bench, Run, report, streams_peer};

/// Rule sets that follow on the first one while events are streamed.
const SWAPS: u64 = 3;

pub(crate) fn run(brokers: &str, bench: &Bench) -> Result<()> {
    let log = cluster::log(brokers)?;
    cluster::create_inputs(&*log, bench.partitions)?;
    let outputs = cluster::engine_outputs();
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();

    let rules = match (&bench.rule_file, &bench.peer_rules) {
        (Some(file), _) => std::fs::read_to_string(file).with_context(|| file.display().to_string())?,
        (None, Some(file)) => streams_peer::rules(file)?,
        (None, None) => format!("settings: {{spread: {}}}\n{}", bench.spread, workload::rules(bench.seed, bench.rules)),
    };
    let source = Source::open(bench)?;
    eprintln!("loading {} events into {} partitions", source.len(), bench.partitions);
    load::backlog(brokers, &source, None)?;
    publish(&*log, &Published::of(&rules)?)?;

    let once = Run { events: source.len(), interval_ms: bench.interval_ms, tuning: bench.tuning.clone() };
    let (mut copies, mut engines) = (Vec::new(), Vec::new());
    for round in 0..bench.warm_ups + bench.rounds {
        cluster::renew(brokers, &*log, &[COPY], bench.partitions)?;
        let copy = child::measure("copy", &once)?;
        cluster::renew(brokers, &*log, &outputs, bench.partitions)?;
        let engine = child::measure("engine", &once)?;
        let counted = (round + 1).checked_sub(bench.warm_ups).filter(|number| *number > 0);
        report::round(counted, &copy, &engine);
        if counted.is_some() {
            copies.push(copy);
            engines.push(engine);
        }
    }
    if let Some(file) = &bench.peer_rules {
        eprintln!("{}", streams_peer::compare(&*log, file)?);
    }
    if let Some(file) = &bench.profile {
        cluster::renew(brokers, &*log, &outputs, bench.partitions)?;
        child::record(file, "engine", &once)?;
    }
    if copies.is_empty() {
        bail!("no round was counted. help: --rounds 1 or more");
    }

    let rates = match &*bench.latency_rate {
        [] => vec![median(&engines, |run| run.events_per_s) / 2.0],
        rates => rates.to_vec(),
    };
    let mut latencies = Vec::new();
    for rate in rates.into_iter().filter(|_| bench.latency_seconds > 0) {
        cluster::renew(brokers, &*log, &outputs, bench.partitions)?;
        cluster::renew(brokers, &*log, &[Topic::Messages.name()], bench.partitions)?;
        let latency = latency::measure(brokers, bench, &source, rate)?;
        report::latency(&latency);
        latencies.push(latency);
    }
    let swap = if bench.swap_rules == 0 {
        None
    } else {
        cluster::renew(brokers, &*log, &outputs, bench.partitions)?;
        cluster::renew(brokers, &*log, &[Topic::Messages.name()], bench.partitions)?;
        let mut versions = (0..=SWAPS).map(|n| Published::of(&workload::rules(bench.seed + n, bench.swap_rules)));
        publish(&*log, &versions.next().context("there is a first version")??)?;
        let rest = versions.collect::<Result<_>>()?;
        Some(latency::measure_swaps(brokers, bench, &source, bench.swap_rate, rest)?)
    };
    report::finish(bench, &Figures { copies, engines, latencies, swap })
}

/// A rule set for every workspace, ready to be published.
pub(crate) struct Published {
    pub(crate) hash: String,
    pub(crate) transaction: Transaction,
}

impl Published {
    pub(crate) fn of(rules: &str) -> Result<Published> {
        let loaded = kilat_rules::load("bench rules", rules);
        let errors: Vec<String> =
            loaded.diagnostics.iter().filter(|found| found.is_error()).map(ToString::to_string).collect();
        if !errors.is_empty() {
            bail!("{}", errors.join("\n"));
        }
        let document = loaded.documents.first().context("a rule file has a document")?;
        let source = document.canonical_json();
        let rules = kilat_rules::compile(document).map_err(|found| anyhow::anyhow!("{}", found[0]))?;
        let record = RuleSetRecord {
            workspace: document.workspace().into(),
            hash: rules.hash().into(),
            source: source.as_str().into(),
            published_at: Timestamp(0),
            published_by: None,
        };
        let (mut transaction, encoder) = (Transaction::default(), Encoder::new());
        let key = document.workspace().as_bytes();
        transaction.append(0, None, key, &[], |bytes| encoder.rule_set(&record, bytes))?;
        Ok(Published { hash: rules.hash().to_owned(), transaction })
    }
}

pub(crate) fn publish(log: &dyn PartitionedLog, rules: &Published) -> Result<()> {
    let mut writer = log.writer("bench-rules", &[Topic::Rules.name().to_owned()])?;
    Ok(writer.commit(&rules.transaction)?)
}

/// The middle value of a figure over all runs.
pub(crate) fn median(runs: &[Measured], figure: impl Fn(&Measured) -> f64) -> f64 {
    let mut figures: Vec<f64> = runs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
