//! `kilat-chaos`: engines on a real Apache Kafka while processes, connections and brokers fail.
//!
//! Input: a cluster whose brokers also listen for clients that come through proxies (`cargo xtask chaos` starts one).
//! Output: per fault how often it was injected and how many violations that left. The shape is that of Kafka's own
//! transactions test: seeded events, small transactions, faults one after another, a read-committed reader all the while.
//!
//! Each fault is a phase with events of its own workspaces. When its last event is answered, what the topics hold is
//! compared with what `kilat eval` makes of the same events, and with what the reader saw.

#![allow(clippy::disallowed_methods, reason = "the clock ban protects the pure crates; a load test has deadlines")]

mod faults;
mod frame;
mod proxy;
mod report;
mod scene;
mod verdict;
mod watcher;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use kilat_log::{Kafka, KafkaConfig};

use crate::faults::{FAULTS, Fault, Stage};
use crate::proxy::Proxies;
use crate::report::Row;
use crate::scene::{Scene, Source};
use crate::watcher::Watcher;
use crate::workload::Random;

/// Nothing that recovers takes longer.
const RECOVERY_LIMIT: Duration = Duration::from_secs(120);
/// How long an injection waits for events to flow. A fault that is aimed at a request may hold them up itself.
const FLOW_LIMIT: Duration = Duration::from_secs(5);
/// Once nothing has come for this long, nothing more will come.
const QUIET: Duration = Duration::from_secs(2);

/// Kilat's engines on a real Apache Kafka while processes, connections and brokers fail.
#[derive(Parser)]
struct Arguments {
    /// The `kilat` binary
    #[arg(long)]
    kilat: PathBuf,
    /// The `xtask` binary, which bounces brokers
    #[arg(long)]
    xtask: PathBuf,
    /// Ports of each broker, PROXY:LISTENER:DIRECT: where its proxy listens, where that leads, the way around
    #[arg(long, value_delimiter = ',', required = true, value_parser = ports)]
    proxies: Vec<Ports>,
    /// Commit the binary was built from, for the results
    #[arg(long, default_value = "unknown")]
    commit: String,
    /// File the results are appended to
    #[arg(long)]
    results: Option<PathBuf>,
    #[command(flatten)]
    plan: Plan,
}

/// What is done how often.
#[derive(clap::Args)]
struct Plan {
    /// Events in all, shared out over the faults by how often each is injected
    #[arg(long, default_value_t = 100_000)]
    events: u64,
    /// Engines, each a process with two workers
    #[arg(long, default_value_t = 3)]
    engines: u64,
    /// Partitions of the topics
    #[arg(long, default_value_t = 6)]
    partitions: u32,
    /// Partitions that each workspace is spread over, until a fault says otherwise
    #[arg(long, default_value_t = 1)]
    spread: u64,
    /// Only these faults, NAME or NAME=COUNT
    #[arg(long = "fault", value_name = "NAME[=COUNT]")]
    faults: Vec<String>,
    /// Injections of each fault, times this
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// What is drawn
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A line of JSON per fault on standard output
    #[arg(long)]
    json: bool,
}

/// Ports of one broker.
#[derive(Clone, Copy, Debug)]
struct Ports {
    /// Where its proxy listens, and its advertised listener says it is.
    proxy: u16,
    /// The listener behind the proxy.
    listener: u16,
    /// The listener of everybody else.
    direct: u16,
}

fn ports(text: &str) -> Result<Ports, String> {
    let ports: Result<Vec<u16>, _> = text.split(':').map(str::parse).collect();
    match ports.map_err(|error| format!("{text}: {error}"))?[..] {
        [proxy, listener, direct] => Ok(Ports { proxy, listener, direct }),
        _ => Err("write PROXY:LISTENER:DIRECT".to_owned()),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(violations) => {
            eprintln!("chaos: {violations} violations");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every phase; the violations found.
fn run(arguments: &Arguments) -> Result<usize> {
    let plan = &arguments.plan;
    let phases = phases(plan)?;
    let brokers = |port: fn(&Ports) -> u16| {
        let addresses = arguments.proxies.iter().map(|ports| format!("127.0.0.1:{}", port(ports)));
        addresses.collect::<Vec<_>>().join(",")
    };
    let pairs: Vec<(u16, u16)> = arguments.proxies.iter().map(|ports| (ports.proxy, ports.listener)).collect();
    let proxies = Proxies::start(&pairs)?;
    let log = Arc::new(Kafka::connect(KafkaConfig::new(brokers(|ports| ports.direct)))?);
    let scene = Scene::new(&arguments.kilat, &brokers(|ports| ports.proxy), plan.partitions)?;
    let rules = scene.write("rules.yaml", &workload::rules(plan.spread))?;
    let rules = rules.to_str().context("a path in UTF-8")?;
    scene.write("nothing.jsonl", "")?;
    scene.run(&["produce", "--create-topics", "--events", "nothing.jsonl"])?;
    scene.run(&["rules", "publish", rules])?;

    let engines = (1..=plan.engines).map(|number| scene.start(&format!("engine-{number}"))).collect::<Result<_>>()?;
    let stage = Stage {
        scene: &scene,
        engines,
        proxies,
        random: Random(plan.seed),
        xtask: arguments.xtask.clone(),
        port: arguments.proxies[0].direct,
        brokers: arguments.proxies.len() as u64,
        partitions: plan.partitions.into(),
    };
    let (source, watcher) = (Source::new(log.clone()), Watcher::start(&log));
    let mut ground = Ground { scene: &scene, stage, source, watcher, log: &log, rules };

    let mut rows = Vec::new();
    let mut outcome = Ok(());
    for (number, &(name, times, fault)) in phases.iter().enumerate() {
        let workspaces = format!("p{number}");
        let events = workload::events(&workspaces, times * plan.events / total(&phases), plan.seed + number as u64);
        match (Phase { fault, name, workspaces, times, events }).run(&mut ground) {
            Ok(row) => {
                eprintln!("{}", row.text());
                if plan.json {
                    println!("{}", row.json(plan.seed));
                }
                rows.push(row);
            }
            Err(error) => {
                outcome = Err(error.context(format!("during `{name}`, seed {}", plan.seed)));
                break;
            }
        }
    }
    drop(ground);
    if let Some(file) = &arguments.results {
        report::append(file, &rows, &arguments.commit, plan.seed)?;
    }
    let violations = rows.iter().map(|row| row.violations.total()).sum();
    if outcome.is_err() || violations > 0 {
        eprintln!("chaos: the engines' logs are in {}", scene.keep().display());
    }
    outcome.map(|()| violations)
}

/// The faults asked for, each with how often.
fn phases(plan: &Plan) -> Result<Vec<(&'static str, u64, Fault)>> {
    let scaled = |times: u64| ((times as f64 * plan.scale).round() as u64).max(1);
    if plan.faults.is_empty() {
        return Ok(FAULTS.iter().map(|&(name, times, fault)| (name, scaled(times), fault)).collect());
    }
    let chosen = plan.faults.iter().map(|wanted| {
        let (name, times) = wanted.split_once('=').map_or((wanted.as_str(), None), |(name, n)| (name, Some(n)));
        let Some(&(name, usual, fault)) = FAULTS.iter().find(|(known, ..)| *known == name) else {
            let known: Vec<&str> = FAULTS.iter().map(|(name, ..)| *name).collect();
            bail!("there is no fault `{name}`; there are: {}", known.join(", "));
        };
        let times = times.map(str::parse).transpose().with_context(|| format!("`{wanted}`: write NAME=COUNT"))?;
        Ok((name, times.unwrap_or_else(|| scaled(usual)), fault))
    });
    chosen.collect()
}

fn total(phases: &[(&str, u64, Fault)]) -> u64 {
    phases.iter().map(|(_, times, _)| times).sum::<u64>().max(1)
}

/// One fault, injected a number of times while its share of the events flows.
struct Phase {
    fault: Fault,
    name: &'static str,
    /// What its workspaces are named after: every phase begins afresh.
    workspaces: String,
    times: u64,
    /// Event lines.
    events: String,
}

impl Phase {
    fn run(&self, on: &mut Ground<'_>) -> Result<Row> {
        let file = on.scene.write("events.jsonl", &self.events)?;
        let file = file.to_str().context("a path in UTF-8")?;
        let undisturbed = on.scene.run(&["eval", "--rules", on.rules, "--events", file])?;
        if undisturbed.lines().count() < self.events.lines().count() {
            bail!("the workload has events without a decision: nobody could tell when they were evaluated");
        }

        let lines: Vec<&str> = self.events.lines().collect();
        let chunk = (lines.len() / usize::try_from(self.times)?).max(1);
        let before = on.watcher.answered();
        let (mut sent, mut injected, mut recoveries) = (0, 0, Vec::new());
        for lines in lines.chunks(chunk) {
            let answered = before + sent;
            sent += lines.len();
            if injected == self.times {
                on.source.send(lines)?;
                continue;
            }
            // Somewhere within this chunk.
            let into = usize::try_from(on.stage.random.below(lines.len() as u64))?;
            let (source, watcher) = (&mut on.source, &on.watcher);
            let mut begun = Instant::now();
            let mut feed = || {
                source.send(lines)?;
                begun = Instant::now();
                watcher.wait_for(answered + into, FLOW_LIMIT).map(drop)
            };
            injected += u64::from(on.stage.inject(self.fault, &mut feed)?);
            self.wait(on, before + sent)?;
            recoveries.push(begun.elapsed());
            on.stage.check_alive()?;
        }
        self.wait(on, before + sent)?;
        on.watcher.wait_until_quiet(QUIET);

        let (held, actions) = watcher::read_again(on.log)?;
        let watched = on.watcher.look(|visible| visible.decisions.clone());
        let violations = verdict::judge(&self.workspaces, &undisturbed, &watched, &held, &actions);
        Ok(Row { fault: self.name, injected, events: sent as u64, violations, recoveries })
    }

    fn wait(&self, on: &mut Ground<'_>, answered: usize) -> Result<()> {
        if !on.watcher.wait_for(answered, RECOVERY_LIMIT)? {
            on.stage.check_alive()?;
            bail!("{} of {answered} events answered after {RECOVERY_LIMIT:?}", on.watcher.answered());
        }
        Ok(())
    }
}

/// What a phase works with.
struct Ground<'g> {
    scene: &'g Scene,
    stage: Stage<'g>,
    source: Source,
    watcher: Watcher,
    log: &'g Arc<Kafka>,
    rules: &'g str,
}
