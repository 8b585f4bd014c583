//! Looks for the rules and the event that cost an engine most CPU, and tells how far that is from the budget (D-43).
//!
//! `cargo xtask worst [--seconds N] [--seed S] [--json]`. Every genome is a rule set, a state and a text made of what is
//! known to hurt; the costliest ones are mutated. What is measured is the thread's CPU time to apply the event and to encode
//! all that comes of it. Ends with code 1 where an event cost more than the budget.
//! `--genome NUMBERS` measures one that was found before, `--rules` prints its rule file.

#![allow(clippy::disallowed_methods, reason = "a search for costly events reads the clock")]

mod genome;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use kilat_bench::clock::thread_cpu;
use kilat_codec::json::event_from_line;
use kilat_codec::{EncodeError, Encoder};
use kilat_domain::{Action, Decision};
use kilat_engine::{Outputs, Partition};
use kilat_rules::{BUDGET_EXCEEDED, RuleSet, Severity, compile, load};
use serde_json::json;

use genome::{Dice, Genome};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// CPU an event and everything it causes may take.
const BUDGET: Duration = Duration::from_millis(50);
/// What is said of a rule set that is over a limit.
const OVER_LIMIT: [&str; 2] = ["K0003", "K0304"];
/// Genomes that are kept to be mutated.
const KEPT: usize = 12;
/// Times a genome's event is applied; the cheapest counts, so that an interrupted one does not.
const TIMES: usize = 3;
/// Times more where that seems to be over the budget.
const TIMES_AGAIN: usize = 20;

#[derive(Parser)]
struct Arguments {
    /// How long to search
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Decides which rules and events are tried
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One line of JSON instead of a sentence at the end
    #[arg(long)]
    json: bool,
    /// Measure this genome instead of searching
    #[arg(long)]
    genome: Option<String>,
    /// With --genome: print its rules, and measure nothing
    #[arg(long, requires = "genome")]
    rules: bool,
}

/// Encodes what comes out, and counts it.
#[derive(Default)]
struct Encoded {
    encoder: Encoder,
    bytes: Vec<u8>,
    total: usize,
    decisions: usize,
    actions: usize,
    exceeded: bool,
}

impl Encoded {
    /// Counts a record; one that is too large goes to the dead letters, and has cost what it cost.
    fn count(&mut self, encoded: Result<(), EncodeError>) {
        self.total += match encoded {
            Ok(()) => self.bytes.len(),
            Err(EncodeError::TooLarge { bytes, .. }) => bytes,
            Err(error) => panic!("{error}"),
        };
    }
}

impl Outputs for Encoded {
    fn decision(&mut self, decision: &Decision<'_>) {
        self.decisions += 1;
        self.exceeded |= decision.refused.iter().any(|refused| refused.reason == BUDGET_EXCEEDED);
        self.bytes.clear();
        let encoded = self.encoder.decision(decision, &mut self.bytes);
        self.count(encoded);
    }

    fn action(&mut self, action: &Action<'_>) {
        self.actions += 1;
        self.bytes.clear();
        let encoded = self.encoder.action(action, &mut self.bytes);
        self.count(encoded);
    }
}

/// What an event took.
struct Cost {
    nanoseconds: u64,
    steps: u32,
    rules: usize,
    outputs: Encoded,
}

impl Cost {
    fn milliseconds(&self) -> f64 {
        self.nanoseconds as f64 / 1e6
    }

    fn print(&self, genome: &Genome) -> String {
        let Encoded { decisions, actions, total, exceeded, .. } = &self.outputs;
        format!(
            "{:.1} ms, {} steps: {} rules, {} bytes of text, {decisions} decisions, {actions} actions, {total} bytes out{}",
            self.milliseconds(),
            self.steps,
            self.rules,
            genome.text_bytes(),
            if *exceeded { ", exceeded" } else { "" }
        )
    }
}

/// The rule set of the genome, with as many of its rules as the limits of a file and its patterns allow, near enough, and
/// their number. Any other fault is the search's own.
fn rules(genome: &Genome) -> (RuleSet, usize) {
    let mut count = genome.rule_count();
    loop {
        let loaded = load("worst", &genome.rules(count));
        let compiled = loaded.documents.first().map(compile);
        let mut findings = loaded.diagnostics;
        match compiled {
            Some(Ok(rules)) => return (rules, count),
            Some(Err(found)) => findings.extend(found),
            None => {}
        }
        findings.retain(|finding| finding.severity == Severity::Error);
        let fault = findings.iter().find(|finding| !OVER_LIMIT.contains(&finding.code));
        assert!(count > 1 && fault.is_none(), "{findings:?}; --genome {}", genome.numbers());
        count /= 2;
    }
}

/// The CPU that the genome's event takes, the least of some times.
fn cost(genome: &Genome, times: usize) -> Cost {
    let (rules, rule_count) = rules(genome);
    let mut runs = Vec::new();
    for conversation in 0..times {
        // Of its own for each time: in strict workspaces rules that looped once are out of service.
        let mut partition = Partition::new();
        for line in genome.earlier(conversation) {
            let event = event_from_line(&line).expect("an event");
            partition.apply(&event, Some(&rules), event.occurred_at, &mut Encoded::default());
        }
        let line = genome.event(conversation);
        let event = event_from_line(&line).expect("an event");
        let mut outputs = Encoded::default();
        let before = thread_cpu();
        partition.apply(&event, Some(&rules), event.occurred_at, &mut outputs);
        let nanoseconds = thread_cpu() - before;
        runs.push(Cost { nanoseconds, steps: partition.steps(), rules: rule_count, outputs });
    }
    runs.into_iter().min_by_key(|cost| cost.nanoseconds).expect("some times")
}

fn is_over(cost: &Cost) -> bool {
    Duration::from_nanos(cost.nanoseconds) > BUDGET
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match &arguments.genome {
        Some(numbers) => one(numbers, arguments.rules),
        None => search(&arguments),
    }
}

fn one(numbers: &str, only_rules: bool) -> ExitCode {
    let Some(genome) = Genome::parse(numbers) else {
        eprintln!("a genome is a list of numbers with commas between them, as the search prints it");
        return ExitCode::FAILURE;
    };
    if only_rules {
        println!("{}", genome.rules(rules(&genome).1));
        return ExitCode::SUCCESS;
    }
    let cost = cost(&genome, TIMES_AGAIN);
    println!("{}", cost.print(&genome));
    if is_over(&cost) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn search(arguments: &Arguments) -> ExitCode {
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    let mut dice = Dice(arguments.seed);
    let mut kept: Vec<(Cost, Genome)> = Vec::new();
    let mut tried = 0_u64;
    while Instant::now() < until {
        let genome = if kept.len() < KEPT || dice.roll(4) == 0 {
            Genome::random(&mut dice)
        } else {
            kept[dice.roll(kept.len())].1.mutated(&mut dice)
        };
        tried += 1;
        let mut found = cost(&genome, TIMES);
        if is_over(&found) {
            found = cost(&genome, TIMES_AGAIN);
        }
        if kept.first().is_none_or(|(most, _)| found.nanoseconds > most.nanoseconds) {
            eprintln!("after {tried}: {}; --genome {}", found.print(&genome), genome.numbers());
        }
        kept.push((found, genome));
        kept.sort_by_key(|(cost, _)| std::cmp::Reverse(cost.nanoseconds));
        kept.truncate(KEPT);
    }
    let Some((most, _)) = kept.first() else {
        eprintln!("there was no time for one genome");
        return ExitCode::FAILURE;
    };
    let worst_ms = most.milliseconds();
    if arguments.json {
        let line = json!({"seed": arguments.seed, "genomes": tried, "worst_ms": (worst_ms * 10.0).round() / 10.0,
            "budget_ms": BUDGET.as_millis() as u64, "steps": most.steps});
        println!("{line}");
    } else {
        println!("{tried} genomes; the costliest event took {worst_ms:.1} ms of {BUDGET:?}");
    }
    if is_over(most) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
