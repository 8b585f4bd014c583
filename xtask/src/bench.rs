//! `cargo xtask bench …`: benchmarks of the crates, and programs measured against a broker of their own.
//!
//! Figures come from the programs; this only gives them the same surroundings each time.
//! `kafka` is the program of `benches/` and `matching` that of `benches/peers/`; they say what they measure and how.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Subcommand;

use crate::kafka::{Cluster, Jars, Jvm, Settings, by_hand};
use crate::stop::Stop;
use crate::{process, workspace};

const LIMIT: Duration = Duration::from_secs(2 * 3600);

#[derive(Subcommand)]
pub(crate) enum Task {
    /// The criterion benches of all crates, or of those given
    Micro {
        /// Folder names under `crates/`
        crates: Vec<String>,
        /// Arguments for criterion, after `--`
        #[arg(last = true)]
        criterion: Vec<String>,
    },
    /// Kilat's engine against a bare rdkafka copy on one broker: rate, CPU time, latency
    Kafka {
        /// Arguments for the program; `-- --help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Matching against Hyperscan, aho-corasick, daachorse, RegexSet, regex-filtered, a-tree, wirefilter and a naive loop
    Matching {
        /// Arguments for the program; `-- --help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Start a broker with the heap of the recorded figures, run a program with `KILAT_KAFKA` set, end the broker
    WithBroker {
        #[arg(long, default_value_t = 1, value_parser = by_hand::node_count())]
        nodes: usize,
        /// Program and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

pub(crate) fn run(task: Task, stop: &Stop) -> Result<()> {
    match task {
        Task::Micro { crates, criterion } => micro(&crates, &criterion, stop),
        Task::Kafka { arguments } => kafka(&arguments, stop),
        Task::Matching { arguments } => matching(&arguments, stop),
        Task::WithBroker { nodes, command } => {
            let (program, arguments) = command.split_first().expect("clap requires one");
            with_broker(nodes, Command::new(program).args(arguments), stop)
        }
    }
}

fn micro(wanted: &[String], criterion: &[String], stop: &Stop) -> Result<()> {
    let with_benches = workspace::crates_with("benches")?;
    if let Some(unknown) = wanted.iter().find(|name| !with_benches.contains(name)) {
        bail!("crates/{unknown}/benches does not exist; there are benches in: {}", with_benches.join(", "));
    }
    let chosen = if wanted.is_empty() { &with_benches } else { wanted };
    if chosen.is_empty() {
        bail!("no crate has a benches folder");
    }
    let mut cargo = workspace::cargo();
    cargo.arg("bench").args(["--bench", "*"]);
    for name in chosen {
        cargo.args(["--package", &workspace::package(name)]);
    }
    process::run(cargo.arg("--").args(criterion), LIMIT, stop)
}

fn kafka(arguments: &[String], stop: &Stop) -> Result<()> {
    let mut build = workspace::cargo();
    process::run(build.args(["build", "--release", "--package", "kilat-bench", "--bin", "kilat-bench"]), LIMIT, stop)?;
    let mut bench = Command::new(workspace::target_dir().join("release/kilat-bench"));
    with_broker(1, bench.arg("kafka").args(arguments), stop)
}

/// The peers are a crate of their own, with a lock file and a target folder of its own.
fn matching(arguments: &[String], stop: &Stop) -> Result<()> {
    let target = workspace::target_dir().join("peers");
    let mut build = workspace::cargo();
    build.args(["build", "--release", "--manifest-path", "benches/peers/Cargo.toml", "--target-dir"]);
    process::run(build.arg(&target), LIMIT, stop)?;
    let mut peers = Command::new(target.join("release/kilat-peers"));
    process::run(peers.args(arguments).current_dir(workspace::root()), LIMIT, stop)
}

/// Runs `command` against a fresh cluster, whose addresses it finds in `KILAT_KAFKA`.
pub(crate) fn with_broker(nodes: usize, command: &mut Command, stop: &Stop) -> Result<()> {
    let settings = Settings { nodes, port: None, jvm: Jvm::Bench, detached: false, proxied: false };
    let mut cluster = Cluster::start(&Jars::ensure(stop)?, &settings, stop)?;
    let ended = process::run(command.env("KILAT_KAFKA", cluster.bootstrap()), LIMIT, stop);
    if ended.is_err() && !stop.asked() {
        eprint!("{}", cluster.fail());
    }
    ended
}
