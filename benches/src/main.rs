//! `kilat-bench`: Kilat's engine against a bare rdkafka copy, on one broker, in turn.
//!
//! Input: `KILAT_KAFKA` (`cargo xtask bench kafka` sets it). Output: a table, `results/*.csv`, with `--json` one line.
//! Both programs run as child processes, so that the CPU time of each is its own.

mod child;
mod cluster;
mod copy;
mod drain;
mod engine;
mod latency;
mod load;
mod report;
mod rounds;
mod streams_peer;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure the engine against the copy, several rounds in turn, then the latency at half the engine's rate
    Kafka(Box<Bench>),
    /// Drain a backlog under ceilings of memory: peak memory and rate, by quarter of the backlog
    Drain(drain::Drain),
    /// One run of the copy (a child of `kafka`)
    #[command(hide = true)]
    Copy(Run),
    /// One run of the engine (a child of `kafka` and `drain`)
    #[command(hide = true)]
    Engine(Run),
}

/// What is measured.
#[derive(Args, Clone)]
struct Bench {
    /// Events of the generated workload
    #[arg(long, default_value_t = 4_000_000)]
    events: u64,
    /// Rules of the generated workload
    #[arg(long, default_value_t = 100)]
    rules: usize,
    /// What events and rules are generated from
    #[arg(long, default_value_t = load::SEED)]
    seed: u64,
    /// Partitions that the generated rules spread each workspace over
    #[arg(long, default_value_t = 1)]
    spread: u32,
    /// A rule file of your own instead
    #[arg(long, value_name = "FILE")]
    rule_file: Option<PathBuf>,
    /// Event lines of your own instead
    #[arg(long, value_name = "FILE")]
    event_file: Option<PathBuf>,
    /// Rules of the Kafka Streams peer instead: its rules-N.json, with its expected.json beside
    #[arg(long, value_name = "FILE", requires = "peer_events", conflicts_with_all = ["rule_file", "event_file"])]
    peer_rules: Option<PathBuf>,
    /// Events of the Kafka Streams peer: its events.bin
    #[arg(long, value_name = "FILE", requires = "peer_rules")]
    peer_events: Option<PathBuf>,
    /// Partitions of every topic
    #[arg(long, default_value_t = 8)]
    partitions: u32,
    /// Rounds that are not counted: until the broker has compiled what is hot, that takes it half a core
    #[arg(long, default_value_t = 3)]
    warm_ups: usize,
    /// Counted rounds, each a run of the copy and one of the engine
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a transaction gathers, for both
    #[arg(long, default_value_t = 25)]
    interval_ms: u64,
    #[command(flatten)]
    tuning: Tuning,
    /// Record the engine of one more round with `perf` into this file
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Seconds of the latency measurement at each rate; 0 leaves it out
    #[arg(long, default_value_t = 20)]
    latency_seconds: u64,
    /// Events a second of the latency measurement, one rate or several; half the engine's rate where not given
    #[arg(long, value_name = "RATES", value_delimiter = ',')]
    latency_rate: Vec<f64>,
    /// Rules of the sets that are swapped while events are streamed once more; 0 leaves that out
    #[arg(long, default_value_t = 0, value_name = "RULES")]
    swap_rules: usize,
    /// Events a second meanwhile
    #[arg(long, default_value_t = 5000.0)]
    swap_rate: f64,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
    /// Where the dated CSV goes
    #[arg(long, default_value = "benches/results")]
    results: PathBuf,
}

/// Settings of the engine that are tried.
#[derive(Args, Clone)]
struct Tuning {
    /// Worker threads of the engine; the copy has one
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Ceiling of the engine's memory, in MiB; of a `drain` the --memory-mb of its own
    #[arg(id = "tuning_memory_mb", long = "engine-memory-mb", default_value_t = kilat_pipeline::Config::default().memory_mb)]
    memory_mb: usize,
    /// Output bytes a transaction of the engine holds at most
    #[arg(long, default_value_t = kilat_pipeline::Config::default().batch_bytes_max)]
    batch_bytes: usize,
    /// How long a transaction of the engine gathers while it is behind
    #[arg(long, default_value_t = kilat_pipeline::Config::default().batch_ms_max)]
    batch_ms: u64,
    /// A property of librdkafka for the engine's clients, as KEY=VALUE
    #[arg(long, value_name = "KEY=VALUE")]
    property: Vec<String>,
}

/// One run of a child.
#[derive(Args, Clone)]
struct Run {
    #[arg(long)]
    events: u64,
    #[arg(long)]
    interval_ms: u64,
    #[command(flatten)]
    tuning: Tuning,
}

fn main() -> Result<()> {
    let command = Cli::parse().command;
    let brokers = std::env::var("KILAT_KAFKA")
        .context("KILAT_KAFKA is not set. help: run `cargo xtask bench kafka`, or point it at a broker you may fill")?;
    let filter = std::env::var("KILAT_BENCH_LOG").unwrap_or_else(|_| "warn".to_owned());
    kilat_telemetry::start_logging(kilat_telemetry::LogFormat::Text, &filter)?;
    match command {
        Command::Kafka(bench) => rounds::run(&brokers, &bench),
        Command::Drain(drain) => drain::run(&brokers, &drain),
        Command::Copy(run) => copy::run(&brokers, &run),
        Command::Engine(run) => engine::run(&brokers, &run),
    }
}
