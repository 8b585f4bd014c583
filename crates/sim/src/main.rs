//! `kilat-sim`: runs seeds on all cores. People call it as `cargo xtask sim`.
//!
//! In: `--seeds N --from S --events M` and the like. Out: seeds a minute, and of every seed that breaks something what it
//! broke and a small plan that still does; with `--json` one line a fault, with `--table` the same as Markdown with bounds.
//! With `--journal FILE` seeds that stand in the file are not run again, and count. Exit code 1 where something was broken.

mod journal;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use kilat_sim::{Fault, Outcome, Plan, Sabotage, run, shrink};

use crate::journal::{Journal, Line};

/// Failing seeds that are shrunk and shown; of the others the number is told.
const SHOWN_MAX: usize = 5;

/// What was asked for.
#[derive(Clone, Debug)]
struct Arguments {
    from: u64,
    seeds: u64,
    events: u64,
    threads: usize,
    processes: Option<u64>,
    workers: Option<u64>,
    executors: Option<u64>,
    without: Vec<Fault>,
    sabotage: Option<Sabotage>,
    calm: bool,
    json: bool,
    table: bool,
    until_failure: bool,
    journal: Option<String>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut arguments = Arguments {
            from: 1,
            seeds: 100,
            events: 10_000,
            threads,
            processes: None,
            workers: None,
            executors: None,
            without: Vec::new(),
            sabotage: None,
            calm: false,
            json: false,
            table: false,
            until_failure: false,
            journal: None,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            let number = |text: String| text.parse::<u64>().map_err(|_| format!("{word} {text}: not a number"));
            match word.as_str() {
                "--from" => arguments.from = number(value()?)?,
                "--seeds" => arguments.seeds = number(value()?)?,
                "--events" => arguments.events = number(value()?)?.max(1),
                "--threads" => arguments.threads = number(value()?)?.clamp(1, 1_024) as usize,
                "--processes" => arguments.processes = Some(number(value()?)?.clamp(1, 9)),
                "--workers" => arguments.workers = Some(number(value()?)?.clamp(1, 9)),
                "--executors" => arguments.executors = Some(number(value()?)?.min(9)),
                "--without" => {
                    for name in value()?.split(',') {
                        let known = || Fault::ALL.map(|(_, name)| name).join(", ");
                        let fault =
                            Fault::named(name).ok_or_else(|| format!("no fault `{name}`; there are {}", known()))?;
                        arguments.without.push(fault);
                    }
                }
                "--sabotage" => {
                    let name = value()?;
                    let known = || Sabotage::ALL.map(|(_, name)| name).join(", ");
                    let sabotage = Sabotage::named(&name);
                    arguments.sabotage =
                        Some(sabotage.ok_or_else(|| format!("no bug `{name}`; there are {}", known()))?);
                }
                "--calm" => arguments.calm = true,
                "--json" => arguments.json = true,
                "--table" => arguments.table = true,
                "--journal" => arguments.journal = Some(value()?),
                "--until-failure" => arguments.until_failure = true,
                _ => return Err(format!("unknown argument {word}")),
            }
        }
        Ok(arguments)
    }

    fn plan(&self, seed: u64) -> Plan {
        let mut plan = Plan::of_seed(seed, self.events);
        plan.processes = self.processes.unwrap_or(plan.processes);
        plan.workers = self.workers.unwrap_or(plan.workers);
        plan.executors = self.executors.unwrap_or(plan.executors);
        plan.sabotage = self.sabotage;
        if self.calm {
            plan = plan.calm();
        }
        self.without.iter().fold(plan, |plan, fault| plan.without(*fault))
    }
}

/// What all seeds together came to.
#[derive(Debug)]
struct Tally {
    seeds: u64,
    counts: [u64; Fault::COUNT],
    /// Of the seeds that broke something, how many met this fault.
    violations: [u64; Fault::COUNT],
    /// Seeds that broke something, and what.
    broken: Vec<(u64, String)>,
}

impl Tally {
    fn new() -> Tally {
        Tally { seeds: 0, counts: [0; Fault::COUNT], violations: [0; Fault::COUNT], broken: Vec::new() }
    }

    fn add(&mut self, line: &Line) {
        self.seeds += 1;
        let is_broken = !line.broke.is_empty();
        for (fault, count) in line.counts.iter().enumerate() {
            self.counts[fault] += count;
            self.violations[fault] += u64::from(*count > 0 && is_broken);
        }
        if is_broken {
            self.broken.push((line.seed, line.broke.clone()));
        }
    }
}

/// What is under way: shared by the threads.
struct Play<'a> {
    arguments: &'a Arguments,
    /// Seeds not run yet, the next one last.
    left: Vec<u64>,
    journal: Option<Journal>,
    tally: Tally,
    /// The first seeds that broke something in this run, to be shown.
    shown: Vec<(u64, Outcome)>,
    ran: u64,
}

fn main() -> ExitCode {
    let played = Arguments::parse(std::env::args().skip(1)).and_then(|arguments| {
        let begun = now();
        let mut play = Play::begin(&arguments)?;
        play.run();
        report(&play, begun.elapsed().as_secs_f64());
        Ok(play.tally.broken.is_empty())
    });
    match played {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("kilat-sim: {why}");
            ExitCode::from(2)
        }
    }
}

impl<'a> Play<'a> {
    fn begin(arguments: &'a Arguments) -> Result<Play<'a>, String> {
        let (journal, lines) = match &arguments.journal {
            None => (None, Vec::new()),
            Some(path) => Journal::open(path, arguments.events).map(|(journal, lines)| (Some(journal), lines))?,
        };
        let seeds = arguments.from..arguments.from + arguments.seeds;
        let mut tally = Tally::new();
        let mut done = BTreeSet::new();
        for line in lines.iter().filter(|line| seeds.contains(&line.seed)) {
            if done.insert(line.seed) {
                tally.add(line);
            }
        }
        let left = seeds.rev().filter(|seed| !done.contains(seed)).collect();
        Ok(Play { arguments, left, journal, tally, shown: Vec::new(), ran: 0 })
    }

    /// Runs the seeds that are left, each on one of the threads.
    fn run(&mut self) {
        let arguments = self.arguments;
        let play = Mutex::new(self);
        let play = &play;
        std::thread::scope(|scope| {
            for _ in 0..arguments.threads {
                scope.spawn(move || {
                    loop {
                        let next = play.lock().expect("no thread panics with it").left.pop();
                        let Some(seed) = next else { return };
                        let outcome = run(&arguments.plan(seed));
                        play.lock().expect("no thread panics with it").note(seed, outcome);
                    }
                });
            }
        });
    }

    fn note(&mut self, seed: u64, outcome: Outcome) {
        let line = Line::new(seed, self.arguments.events, &outcome);
        self.ran += 1;
        self.tally.add(&line);
        if let Some(Err(error)) = self.journal.as_mut().map(|journal| journal.write(&line)) {
            eprintln!("kilat-sim: the journal cannot be written, and stops here: {error}");
            self.journal = None;
        }
        if let Some(violation) = &outcome.violation {
            eprintln!("seed {seed} breaks {}: {}", violation.invariant, violation.differs);
            if self.shown.len() < SHOWN_MAX {
                self.shown.push((seed, outcome));
            }
            if self.arguments.until_failure {
                self.left.clear();
            }
        }
    }
}

fn report(play: &Play<'_>, seconds: f64) {
    let Play { arguments, tally, ran, .. } = play;
    for (seed, outcome) in &play.shown {
        let (plan, outcome) = shrink(&arguments.plan(*seed), outcome.clone());
        if let Some(violation) = outcome.violation {
            eprintln!("smaller: {plan}\n  breaks {}: {}", violation.invariant, violation.differs);
        }
    }
    if arguments.json {
        for (fault, name) in Fault::ALL {
            let (n, violations) = (tally.counts[fault as usize], tally.violations[fault as usize]);
            println!("{{\"fault\":\"{name}\",\"n\":{n},\"violations\":{violations}}}");
        }
    }
    if arguments.table {
        table(tally, arguments.events);
    }
    let per_minute = *ran as f64 / seconds * 60.0;
    let events = arguments.events;
    eprintln!("sim: {ran} seeds of {events} events in {seconds:.1} s ({per_minute:.0} seeds a minute)");
    let Tally { seeds, broken, .. } = tally;
    eprintln!("sim: of {seeds} seeds, with those of the journal, {} broke something", broken.len());
}

/// N, count and, where nothing broke, the upper bound of how often it does (95 %, the rule of three).
fn table(tally: &Tally, events: u64) {
    let row = |name: &str, n: u64, violations: u64| {
        let is_bounded = violations == 0 && n > 0;
        let bound = if is_bounded { format!("{:.1e}", 3.0 / n as f64) } else { "–".to_owned() };
        println!("| {name} | {n} | {violations} | {bound} |");
    };
    println!("| fault | N | violations | 3/N |\n|---|---|---|---|");
    for (fault, name) in Fault::ALL {
        row(&format!("`{name}`"), tally.counts[fault as usize], tally.violations[fault as usize]);
    }
    row(&format!("seeds of {events} events"), tally.seeds, tally.broken.len() as u64);
    row("events", tally.seeds * events, tally.broken.len() as u64);
    for (seed, broke) in &tally.broken {
        println!("\nSeed {seed} broke `{broke}`.");
    }
}

#[allow(clippy::disallowed_methods, reason = "how long seeds take is told, and decides nothing")]
fn now() -> Instant {
    Instant::now()
}
