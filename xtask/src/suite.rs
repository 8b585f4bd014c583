//! `cargo xtask test`: the steps a change must pass, in order, each timed; the first failure ends the run.
//!
//! Out: every step's own output as it comes, then one table. Exit 0 means that nothing failed; a skipped Kafka suite
//! (no JDK, no Maven) is shown with its reason, and is a failure where `CI` is set.
//!
//! Kafka is fetched and started in the background from the first second, so that it is up when the tests are built.
//! Tests that need it live in integration targets named `kafka` and read its address from `KILAT_KAFKA`; `KILAT_XTASK`
//! names this binary, so that they can `kafka bounce` a broker.

use std::env;
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Args, ValueEnum};

use crate::kafka::{Cluster, Jars, Jvm, Settings, ToolMissing, by_hand};
use crate::stop::Stop;
use crate::{features, process, tidy, workspace};

/// A cold build on two busy cores fits well; a hung test does not run for ever.
const STEP_LIMIT: Duration = Duration::from_secs(45 * 60);
/// Integration target of the tests that need a broker.
const KAFKA_TARGET: &str = "kafka";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Leave the Kafka suite out
    #[arg(long)]
    no_kafka: bool,
    /// Brokers for the Kafka suite
    #[arg(long, default_value_t = 1, value_parser = by_hand::node_count())]
    nodes: usize,
    /// Only these steps, in the usual order
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Step>,
    /// Run only the tests whose names contain one of these; leaves fmt, tidy, features, clippy and docs out
    filter: Vec<String>,
}

/// In running order: what is quick to fail comes first; `Docs` reuses what `Clippy` checked.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    Fmt,
    Tidy,
    Features,
    Clippy,
    Docs,
    Tests,
    Kafka,
}

const STEPS: [Step; 7] = [Step::Fmt, Step::Tidy, Step::Features, Step::Clippy, Step::Docs, Step::Tests, Step::Kafka];

impl Step {
    fn name(self) -> &'static str {
        match self {
            Step::Fmt => "fmt",
            Step::Tidy => "tidy",
            Step::Features => "features",
            Step::Clippy => "clippy",
            Step::Docs => "docs",
            Step::Tests => "tests",
            Step::Kafka => "kafka",
        }
    }
}

enum Outcome {
    Passed,
    Skipped(String),
    Failed(anyhow::Error),
}

struct Row {
    step: Step,
    outcome: Outcome,
    took: Duration,
}

pub(crate) fn run(arguments: &Arguments, stop: &Stop) -> Result<()> {
    let started = Instant::now();
    let steps = chosen(arguments);
    let targets = workspace::crates_with("tests/kafka/main.rs")?;
    let with_broker = steps.contains(&Step::Kafka) && !targets.is_empty();
    let mut broker = with_broker.then(|| Broker::start(arguments.nodes, stop));

    let mut rows: Vec<Row> = Vec::new();
    for step in steps {
        println!("\n==> {}", step.name());
        let began = Instant::now();
        let outcome = match step {
            Step::Fmt => cargo(&["fmt", "--all", "--check"], stop),
            Step::Tidy => tidy::run(),
            Step::Features => features::check(),
            Step::Clippy => cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], stop),
            Step::Docs => docs(stop),
            Step::Tests => tests(&["test", "--workspace", "--no-fail-fast"], &arguments.filter, None, stop),
            Step::Kafka => match broker.take() {
                Some(broker) => kafka_suite(broker, &arguments.filter, stop),
                None => Err(anyhow!(Skip("no crate has tests/kafka/main.rs".to_owned()))),
            },
        };
        let outcome = match outcome {
            Ok(()) => Outcome::Passed,
            Err(error) => match error.downcast::<Skip>() {
                Ok(Skip(reason)) => Outcome::Skipped(reason),
                Err(error) => Outcome::Failed(error),
            },
        };
        let row = Row { step, outcome, took: began.elapsed() };
        println!("{}", line(&row));
        let failed = matches!(row.outcome, Outcome::Failed(_));
        rows.push(row);
        if failed {
            break;
        }
    }
    drop(broker);
    summary(&rows, started.elapsed())
}

fn chosen(arguments: &Arguments) -> Vec<Step> {
    let wanted = |step: &Step| {
        if !arguments.only.is_empty() {
            arguments.only.contains(step)
        } else {
            arguments.filter.is_empty() || matches!(step, Step::Tests | Step::Kafka)
        }
    };
    STEPS.into_iter().filter(wanted).filter(|&step| !(arguments.no_kafka && step == Step::Kafka)).collect()
}

fn line(row: &Row) -> String {
    let (word, reason) = match &row.outcome {
        Outcome::Passed => ("ok", String::new()),
        Outcome::Skipped(reason) => ("SKIPPED", format!("  {reason}")),
        Outcome::Failed(error) => ("FAILED", format!("  {error:#}")),
    };
    format!("{:<9}{word:<8}{:>8.1} s{reason}", row.step.name(), row.took.as_secs_f64())
}

fn summary(rows: &[Row], took: Duration) -> Result<()> {
    println!("\n==> summary");
    for row in rows {
        println!("{}", line(row));
    }
    println!("{:<17}{:>8.1} s", "all", took.as_secs_f64());
    match rows.iter().find(|row| matches!(row.outcome, Outcome::Failed(_))) {
        Some(row) => bail!("step `{0}` failed; repeat it alone with `cargo xtask test --only {0}`", row.step.name()),
        None => Ok(()),
    }
}

fn cargo(arguments: &[&str], stop: &Stop) -> Result<()> {
    process::run(&mut cargo_command(arguments), STEP_LIMIT, stop)
}

fn cargo_command(arguments: &[&str]) -> Command {
    let mut cargo = workspace::cargo();
    cargo.args(arguments);
    if workspace::is_ci() && env::var_os("CARGO_INCREMENTAL").is_none() {
        // A CI machine builds each commit once: incremental state costs time and disk there and is never read.
        cargo.env("CARGO_INCREMENTAL", "0");
    }
    cargo
}

fn docs(stop: &Stop) -> Result<()> {
    let mut cargo = cargo_command(&["doc", "--no-deps", "--workspace"]);
    process::run(cargo.env("RUSTDOCFLAGS", "-D warnings"), STEP_LIMIT, stop)
}

/// Runs tests; `KILAT_KAFKA` is what `bootstrap` says, whatever the caller's environment holds.
fn tests(arguments: &[&str], filter: &[String], bootstrap: Option<&str>, stop: &Stop) -> Result<()> {
    let mut cargo = cargo_command(arguments);
    if !filter.is_empty() {
        cargo.arg("--").args(filter);
    }
    cargo.env_remove("KILAT_KAFKA");
    if let Some(bootstrap) = bootstrap {
        cargo.env("KILAT_KAFKA", bootstrap).env("KILAT_XTASK", env::current_exe().context("own path")?);
    }
    process::run(&mut cargo, STEP_LIMIT, stop)
}

fn kafka_suite(broker: Broker, filter: &[String], stop: &Stop) -> Result<()> {
    let mut cluster = match broker.wait() {
        Ok(cluster) => cluster,
        Err(error) => match error.downcast::<ToolMissing>() {
            Ok(missing) if !workspace::is_ci() => bail!(Skip(missing.to_string())),
            Ok(missing) => bail!("{missing} (CI is set, so this is not skipped)"),
            Err(error) => return Err(error),
        },
    };
    println!("broker: {}", cluster.bootstrap());
    let arguments = ["test", "--workspace", "--no-fail-fast", "--test", KAFKA_TARGET];
    let ended = tests(&arguments, filter, Some(&cluster.bootstrap()), stop);
    if ended.is_err() && !stop.asked() {
        println!("{}", cluster.fail());
    }
    ended
}

/// A step that cannot run here, and why.
#[derive(Debug)]
struct Skip(String);

impl std::fmt::Display for Skip {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "skipped: {}", self.0)
    }
}

impl std::error::Error for Skip {}

/// A cluster being fetched and started in the background; dropping it calls that off.
struct Broker {
    stop: Stop,
    starting: Option<JoinHandle<Result<Cluster>>>,
}

impl Broker {
    fn start(nodes: usize, stop: &Stop) -> Broker {
        let stop = stop.child();
        let inner = stop.clone();
        let starting = thread::spawn(move || {
            let settings = Settings { nodes, port: None, jvm: Jvm::Small, detached: false, proxied: false };
            Cluster::start(&Jars::ensure(&inner)?, &settings, &inner)
        });
        Broker { stop, starting: Some(starting) }
    }

    fn wait(mut self) -> Result<Cluster> {
        let starting = self.starting.take().context("waited for once")?;
        starting.join().map_err(|_| anyhow!("starting Kafka panicked"))?
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop.ask();
        if let Some(starting) = self.starting.take() {
            // The cluster, if it came up, is dropped here with the result.
            let _cluster = starting.join();
        }
    }
}
