//! A backlog drained under ceilings of memory, one after the other.
//!
//! The records' append times lie evenly over some days before now, as those of a backlog that grew: idempotency keys of the last
//! eight days are state, and what is older leaves. Output: a table and `results/*-drain.csv`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{fs, thread};

use anyhow::{Context, Result};
use clap::Args;
use kilat_bench::workload;

use crate::child::{self, Measured};
use crate::load::{self, SEED, Source};
use crate::rounds::{Published, publish};
use crate::{Run, Tuning, cluster, report};

/// What is drained.
#[derive(Args, Clone)]
pub(crate) struct Drain {
    /// Events of the generated workload
    #[arg(long, default_value_t = 20_000_000)]
    events: u64,
    /// Days the append times of the events lie over
    #[arg(long, default_value_t = 40.0)]
    days: f64,
    /// Rules of the generated workload
    #[arg(long, default_value_t = 100)]
    rules: usize,
    /// Partitions of every topic
    #[arg(long, default_value_t = 8)]
    partitions: u32,
    /// Ceilings of the engine's memory, in MiB, each for a drain of its own
    #[arg(long, value_delimiter = ',', default_values_t = [300, 500, 1000])]
    memory_mb: Vec<usize>,
    #[command(flatten)]
    tuning: Tuning,
    /// Where the dated CSV goes
    #[arg(long, default_value = "benches/results")]
    results: PathBuf,
}

pub(crate) fn run(brokers: &str, drain: &Drain) -> Result<()> {
    let log = cluster::log(brokers)?;
    cluster::create_inputs(&*log, drain.partitions)?;
    let outputs = cluster::engine_outputs();
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    eprintln!("loading {} events into {} partitions", drain.events, drain.partitions);
    load::backlog(brokers, &Source::Generated { events: drain.events, seed: SEED }, Some(drain.days))?;
    publish(&*log, &Published::of(&workload::rules(SEED, drain.rules))?)?;

    let mut drained = Vec::new();
    for &memory_mb in &drain.memory_mb {
        cluster::renew(brokers, &*log, &outputs, drain.partitions)?;
        let tuning = Tuning { memory_mb, ..drain.tuning.clone() };
        let measured = child::measure("engine", &Run { events: drain.events, interval_ms: 25, tuning })?;
        tell(memory_mb, &measured);
        drained.push((memory_mb, measured));
    }
    write_csv(drain, &drained)
}

fn tell(memory_mb: usize, run: &Measured) {
    let peak = run.peak_rss_mb;
    eprintln!(
        "ceiling {memory_mb:>5} MiB  peak {peak:>5.0} ({:.2})  state {:>5.0}  {:>8.0} events/s, by quarter {:.0?}  \
         {:.2} CPU-s per million  {} transactions",
        peak / memory_mb as f64,
        run.state_mb,
        run.events_per_s,
        run.quarters,
        run.cpu_s_per_million,
        run.transactions
    );
}

fn write_csv(drain: &Drain, drained: &[(usize, Measured)]) -> Result<()> {
    let (date, commit) = report::today()?;
    let path = drain.results.join(format!("{date}-drain.csv"));
    let mut text = if path.exists() { fs::read_to_string(&path)? } else { HEADER.to_owned() };
    let cores = thread::available_parallelism()?;
    for (memory_mb, run) in drained {
        let [first, second, third, last] = run.quarters;
        let _ = writeln!(
            text,
            "{date},{commit},{cores} cores,generated {} rules,{},{},{memory_mb},{:.0},{:.0},{:.0},{first:.0},{second:.0},{third:.0},\
             {last:.0},{:.3},{}",
            drain.rules,
            drain.events,
            drain.days,
            run.peak_rss_mb,
            run.state_mb,
            run.events_per_s,
            run.cpu_s_per_million,
            run.transactions
        );
    }
    fs::create_dir_all(&drain.results)?;
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    eprintln!("written to {}", path.display());
    Ok(())
}

const HEADER: &str = "date,commit,machine,workload,events,days,memory_mib,peak_rss_mib,state_mib,events_per_s,first_quarter_per_s,\
second_quarter_per_s,third_quarter_per_s,last_quarter_per_s,cpu_s_per_million,transactions\n";
