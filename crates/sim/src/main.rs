//! `kilat-sim`: runs seeds on all cores. People call it as `cargo xtask sim`.
//!
//! In: `--seeds N --from S --events M` and the like. Out: seeds a minute, and of every seed that breaks something what it
//! broke and a small plan that still does; with `--json` one line a fault. Exit code 1 where something was broken.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use kilat_sim::{Fault, Outcome, Plan, Sabotage, run, shrink};

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
    without: Vec<Fault>,
    sabotage: Option<Sabotage>,
    calm: bool,
    json: bool,
    until_failure: bool,
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
            without: Vec::new(),
            sabotage: None,
            calm: false,
            json: false,
            until_failure: false,
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
        plan.sabotage = self.sabotage;
        if self.calm {
            plan = plan.calm();
        }
        self.without.iter().fold(plan, |plan, fault| plan.without(*fault))
    }
}

/// What all seeds together came to.
#[derive(Debug, Default)]
struct Tally {
    counts: [u64; Fault::COUNT],
    /// Of the seeds that broke something, how many met this fault.
    violations: [u64; Fault::COUNT],
    failed: Vec<(u64, Outcome)>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("kilat-sim: {why}");
            return ExitCode::from(2);
        }
    };
    let begun = now();
    let (tally, done) = play(&arguments);
    let seconds = begun.elapsed().as_secs_f64();
    report(&arguments, &tally, done, seconds);
    if tally.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the seeds, each on one of the threads.
fn play(arguments: &Arguments) -> (Tally, u64) {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= arguments.seeds {
                        return;
                    }
                    let seed = arguments.from + number;
                    let outcome = run(&arguments.plan(seed));
                    done.fetch_add(1, Ordering::Relaxed);
                    let mut tally = tally.lock().expect("no thread panics with it");
                    for (fault, count) in outcome.faults.iter().enumerate() {
                        tally.counts[fault] += count;
                        tally.violations[fault] += u64::from(*count > 0 && outcome.violation.is_some());
                    }
                    if outcome.violation.is_some() {
                        tally.failed.push((seed, outcome));
                        if arguments.until_failure {
                            next.store(arguments.seeds, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    (tally.into_inner().expect("no thread panics with it"), done.into_inner())
}

fn report(arguments: &Arguments, tally: &Tally, done: u64, seconds: f64) {
    let mut failed: Vec<&(u64, Outcome)> = tally.failed.iter().collect();
    failed.sort_by_key(|(seed, _)| *seed);
    for (seed, outcome) in failed.iter().take(SHOWN_MAX) {
        let Some(violation) = &outcome.violation else { continue };
        eprintln!("seed {seed} breaks {}: {}", violation.invariant, violation.differs);
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
    let per_minute = done as f64 / seconds * 60.0;
    eprintln!(
        "sim: {done} seeds of {} events in {seconds:.1} s ({per_minute:.0} seeds a minute), {} broke something",
        arguments.events,
        tally.failed.len()
    );
}

#[allow(clippy::disallowed_methods, reason = "how long seeds take is told, and decides nothing")]
fn now() -> Instant {
    Instant::now()
}
