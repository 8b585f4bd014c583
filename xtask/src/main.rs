//! `cargo xtask`: the one tool that tests, checks and measures this repository, and runs Apache Kafka for it.
//!
//! In: a subcommand. Out: readable lines for a log (no progress bars) and exit code 0, 1 (failed) or 130 (interrupted).
//! Invariant: no process started here outlives it, unless asked for with `kafka up --detach`; see `kafka`.
//! Absent: everything a product user needs. That is the `kilat` binary.

#![allow(clippy::disallowed_methods, reason = "the clock ban protects the pure crates; a build tool times its steps")]

mod bench;
mod chaos;
mod features;
mod kafka;
mod process;
mod release;
mod sim;
mod stop;
mod suite;
mod tidy;
mod workspace;
mod worst;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::stop::Stop;

/// Tests, checks and measures this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything CI runs: fmt, tidy, clippy, tests, docs, and the Kafka suite on a real broker
    Test(suite::Arguments),
    /// House rules: crate arrows, dependency owners, file headers, banned words, purity of the core
    Tidy,
    /// Which test proves which row of the specification
    Features(features::Arguments),
    /// Real Apache Kafka on loopback: up, status, bounce, down
    #[command(subcommand)]
    Kafka(kafka::by_hand::Task),
    /// Engines on a real cluster while processes, connections and brokers fail
    Chaos(chaos::Arguments),
    /// Seeds of the simulation: the engine on a log, a clock and threads that the seed decides
    Sim(sim::Arguments),
    /// Benchmarks
    #[command(subcommand)]
    Bench(bench::Task),
    /// The programs as they are shipped, compiled with a profile of their own work
    Release,
    /// Searches for the rules and the event that cost an engine most CPU, against the budget of an event
    Worst(worst::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let stop = match Stop::on_signals() {
        Ok(stop) => stop,
        Err(error) => return report(&error),
    };
    match run(cli.task, &stop) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if stop.signalled() => {
            eprintln!("xtask: interrupted");
            ExitCode::from(130)
        }
        Err(error) => report(&error),
    }
}

fn run(task: Task, stop: &Stop) -> Result<()> {
    match task {
        Task::Test(arguments) => suite::run(&arguments, stop),
        Task::Tidy => tidy::run(),
        Task::Features(arguments) => features::run(&arguments, stop),
        Task::Kafka(task) => kafka::by_hand::run(task, stop),
        Task::Chaos(arguments) => chaos::run(&arguments, stop),
        Task::Sim(arguments) => sim::run(&arguments, stop),
        Task::Bench(task) => bench::run(task, stop),
        Task::Release => release::run(stop),
        Task::Worst(arguments) => worst::run(&arguments, stop),
    }
}

fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("xtask: {error:#}");
    ExitCode::FAILURE
}
