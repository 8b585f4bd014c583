//! The whole path in one process, to look at: traffic → log → engine → log → executors → partners.
//!
//! Input: [`Options`]. Output: a live view, or progress lines; at the end totals that add up, counted from what was
//! committed. The log is the embedded one, the partners are stand-ins on loopback, and nothing else is ever called: the
//! endpoints of any rule file are redirected to the stand-ins.
//!
//! A directory that is kept (`--dir`) can be gone on with: the traffic continues where it was, the engine and the executors
//! do what is left. Absent: anything the service does not do.

mod observed;
mod partners;
mod phrases;
mod producer;
mod pulse;
mod random;
mod recorded;
mod resume;
mod rule_file;
mod screen;
mod totals;
mod traffic;
mod view;

use std::collections::VecDeque;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use kilat_domain::Timestamp;
use kilat_executor::CallReport;
use kilat_log::PartitionedLog;
use kilat_pipeline::audit::Audit;

use crate::clock;
use crate::failure::Failure;
use crate::http::{self, Health};
use crate::output::{Output, grouped};
use crate::signals::Stop;
use crate::{connect, topics, verdict};

use self::observed::Observed;
use self::partners::{Partner, Partners, Secrets};
use self::producer::{Producer, Source};
use self::pulse::Pulse;
use self::recorded::Recorded;
use self::resume::{Backlog, Plan};
use self::rule_file::RuleFile;
use self::screen::Screen;
use self::totals::{Baseline, Totals};
use self::traffic::Traffic;
use self::view::Scene;

/// Partitions of every topic.
const PARTITIONS: u32 = 4;
/// The seed where none is given.
const SEED: u64 = 7;
/// Records a second where nothing else is asked for.
const RATE: f64 = 250.0;
/// How often the view is drawn and the end looked for.
const TICK: Duration = Duration::from_millis(100);
/// How often the end is looked for once the traffic has ended.
const DRAIN_TICK: Duration = Duration::from_millis(5);
/// How long the rest is worked off after somebody asked to stop.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// How long nothing may move before the totals are said not to add up.
const STALL_MAX: Duration = Duration::from_secs(60);
/// Reports of HTTP calls that wait to be shown; more are dropped.
const CALLS_WAITING_MAX: usize = 1_000;
/// The latest calls that are shown.
const CALLS_SHOWN_MAX: usize = 40;

/// What to show.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Recorded conversations instead of generated ones.
    pub(crate) messages: Option<PathBuf>,
    /// How many records to write; endless where `None`, and for recorded conversations all.
    pub(crate) events: Option<u64>,
    /// Records a second.
    pub(crate) rate: Option<f64>,
    /// Stop once everything written is answered and settled.
    pub(crate) exit_when_done: bool,
    /// End with the totals as one line of JSON.
    pub(crate) json: bool,
    /// A rule file, watched; the built-in rules where `None`.
    pub(crate) rules: Option<PathBuf>,
    /// Seed of the chats and of the partners' moods.
    pub(crate) seed: Option<u64>,
    /// A directory to keep; a temporary one where `None`.
    pub(crate) dir: Option<PathBuf>,
}

/// Runs the demo to its end.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let temporary;
    let dir = match &options.dir {
        Some(dir) => dir.as_path(),
        None => {
            temporary = tempfile::Builder::new().prefix("kilat-demo-").tempdir().map_err(|error| {
                Failure::because("making a temporary directory", error, "set TMPDIR to a directory you may write to")
            })?;
            temporary.path()
        }
    };
    let stage = Stage::set(options, dir)?;
    let on_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    stage.play(options, on_terminal && !options.json)
}

/// Holds everything on the topics against each other once more, from outside, and tells the verdict. How many differ.
fn audit(log: &Arc<dyn PartitionedLog>) -> Result<u64, Failure> {
    let mut audit = Audit::open(log).map_err(verdict::failure)?;
    audit.to_the_end()?;
    let totals = audit.totals();
    eprintln!();
    eprintln!("{}", verdict::of_audit(&totals, audit.first()));
    Ok(totals.differences)
}

/// Everything that runs.
struct Stage {
    /// Serves the partners, the executors and the page; dropped last.
    runtime: tokio::runtime::Runtime,
    log: Arc<dyn PartitionedLog>,
    stop: Arc<Stop>,
    page: std::net::SocketAddr,
    partners: Partners,
    rules: RuleFile,
    observed: Observed,
    executor: kilat_executor::Handle,
    reports: Receiver<CallReport>,
    calls: VecDeque<CallReport>,
    engine: kilat_pipeline::Service,
    producer: Producer,
    baseline: Baseline,
    goal: Option<u64>,
    begun: Instant,
}

impl Stage {
    /// Starts everything, in the order in which it depends on each other.
    fn set(options: &Options, dir: &Path) -> Result<Stage, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build();
        let runtime =
            runtime.map_err(|error| Failure::because("starting threads", error, "check the process's limits"))?;
        let stop = Stop::on_signals(&runtime)?;

        let log = connect::embedded(&dir.join("log"))?;
        log.create_topics(&topics::layout(PARTITIONS, 1))?;
        let known = Plan::of_dir(dir, options.seed, options.messages.as_deref())?;
        let is_new = known.is_none();
        let mut plan = known.unwrap_or_else(|| new_plan(options));
        let stage_clock = resume::stage_clock(Timestamp(plan.start_ms));
        let engine_config = kilat_pipeline::Config { instance: "demo".to_owned(), ..Default::default() };
        let backlog = Backlog::of(&log, &engine_config.group)?;

        let secrets = Secrets::in_dir(&dir.join("secrets"))?;
        let partners = Partners::start(plan.seed, plan.partners_port, secrets.clone(), Arc::clone(&stage_clock));
        let partners = runtime.block_on(partners).map_err(|error| {
            let what = format!("starting the stand-in partners on 127.0.0.1:{}", plan.partners_port);
            Failure::because(what, error, "stop what uses the port, or name another directory with --dir")
        })?;
        if is_new {
            plan.partners_port = partners.port();
            plan.keep(dir)?;
        }
        let rules = RuleFile::open(options.rules.as_deref(), &partners, &secrets, Arc::clone(&log))?;

        let observed = Observed::start(&log)?;
        let baseline = Baseline { unanswered: backlog.unanswered, counts: observed.counts() };
        let recording = kilat_telemetry::metrics::start_recording().map_err(|error| {
            Failure::because("starting the metrics", error, "this is a defect of Kilat, please report it")
        })?;
        let (calls, reports) = mpsc::sync_channel(CALLS_WAITING_MAX);
        let surroundings =
            kilat_executor::Surroundings { runtime: runtime.handle().clone(), clock: stage_clock, calls: Some(calls) };
        let executor =
            kilat_executor::start(Arc::clone(&log), executor_config(&secrets), surroundings).map_err(|error| {
                Failure::because("starting the executors", error, "choose another directory with --dir")
            })?;
        let engine = kilat_pipeline::Service::start(Arc::clone(&log), &engine_config);
        let listener = http::bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let page = listener.local_addr().unwrap_or_else(|_| std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
        runtime.spawn(http::serve(listener, recording, Arc::new(|| Health::Ready)));

        let (source, goal) = source(options, &plan, backlog.written)?;
        let rate = options.rate.or((!options.exit_when_done).then_some(RATE));
        let producer = Producer::start(Arc::clone(&log), source, rate);
        let begun = clock::instant();
        Ok(Stage {
            runtime,
            log,
            stop,
            page,
            partners,
            rules,
            observed,
            executor,
            reports,
            calls: VecDeque::new(),
            engine,
            producer,
            baseline,
            goal,
            begun,
        })
    }

    /// Watches until the end and prints the totals.
    fn play(mut self, options: &Options, on_screen: bool) -> Result<ExitCode, Failure> {
        let mut screen = if on_screen { Some(Screen::open()?) } else { None };
        if screen.is_none() {
            eprintln!("metrics at http://{}/metrics", self.page);
        }
        let mut pulse = Pulse::new();
        let mut stopping: Option<Instant> = None;
        let ended = loop {
            let scene = self.scene(&mut pulse, stopping.is_some());
            match &mut screen {
                Some(screen) => {
                    if screen.show(&scene, TICK)? {
                        if self.stop.is_asked() {
                            break Ok(());
                        }
                        self.stop.ask();
                    }
                }
                None => {
                    match stopping {
                        Some(_) => std::thread::park_timeout(DRAIN_TICK),
                        None => drop(self.stop.wait(TICK)),
                    }
                    pulse.print(&scene);
                }
            }
            self.rules.look();
            if let Some(failure) = self.failure() {
                break Err(failure);
            }
            let rest_is_wanted = options.exit_when_done && self.producer.has_ended();
            if stopping.is_none() && (self.stop.is_asked() || rest_is_wanted) {
                self.producer.stop();
                stopping = Some(clock::instant());
            }
            if let Some(since) = stopping
                && self.producer.has_ended()
            {
                let limit = if self.stop.is_asked() { DRAIN_MAX.saturating_sub(since.elapsed()) } else { STALL_MAX };
                if self.is_settled() || pulse.unmoved() > limit {
                    break Ok(());
                }
            }
        };
        drop(screen);
        self.end(options, ended)
    }

    /// Whether everything written is answered, read back and settled.
    fn is_settled(&self) -> bool {
        self.totals().gaps(&self.engine.totals(), &self.baseline, self.producer.written()).is_empty()
    }

    fn totals(&self) -> Totals {
        let engine = self.engine.totals();
        Totals::new(&engine, &self.observed.counts(), &self.baseline, self.begun.elapsed().as_secs_f64())
    }

    /// What ended one of the parts, if something did.
    fn failure(&self) -> Option<Failure> {
        let health = self.engine.health();
        if health.failed {
            let why = health.error.unwrap_or_default();
            return Some(Failure::new(format!("the engine stopped: {why}"), "see the remedy above; nothing was lost"));
        }
        self.producer.failure().or_else(|| self.observed.failure().map(Failure::from))
    }

    /// Stops everything and prints the totals, unless something `ended` it early.
    fn end(self, options: &Options, ended: Result<(), Failure>) -> Result<ExitCode, Failure> {
        self.producer.stop();
        let written = self.producer.written();
        let (totals, engine) = (self.totals(), self.engine.totals());
        let gaps = totals.gaps(&engine, &self.baseline, written);
        let (rules, reasons) = (self.observed.rules(), self.observed.reasons());
        let tallies: Vec<_> = Partner::ALL.map(|partner| (partner.name(), self.partners.tally(partner))).to_vec();
        self.producer.join();
        self.engine.stop();
        self.engine.join();
        self.executor.stop();
        self.observed.stop();
        drop(self.runtime);
        ended?;

        totals::report(&totals, &rules, &reasons, &tallies);
        let differences = if options.exit_when_done { audit(&self.log)? } else { 0 };
        let mut output = Output::new();
        if options.json {
            output.json(&totals)?;
        }
        output.flush()?;
        if differences > 0 {
            let help =
                "please report it; `kilat audit --once --data-dir DIR/log` tells all of a directory that is kept";
            return Err(Failure::new(format!("the audit found {} differences", grouped(differences)), help));
        }
        if gaps.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        let help = "after an early stop start again with --dir to finish the rest; otherwise please report it";
        Err(Failure::new(format!("the totals do not add up: {}", gaps.join("; ")), help))
    }

    fn scene(&mut self, pulse: &mut Pulse, draining: bool) -> Scene {
        for call in self.reports.try_iter() {
            self.calls.truncate(CALLS_SHOWN_MAX - 1);
            self.calls.push_front(call);
        }
        let (engine, counts) = (self.engine.totals(), self.observed.counts());
        let since = counts.since(&self.baseline.counts);
        let produced = self.producer.written();
        pulse.beat(engine.events, since.decisions, since.settled());
        Scene {
            elapsed: self.begun.elapsed(),
            produced,
            goal: self.goal,
            lag: (produced + self.baseline.unanswered).saturating_sub(engine.events),
            engine,
            counts: since,
            rates: pulse.rates,
            history: pulse.history.clone(),
            rules: self.observed.rules(),
            reasons: self.observed.reasons(),
            latest: self.observed.latest(40),
            calls: self.calls.iter().cloned().collect(),
            partners: Partner::ALL.map(|partner| (partner.name(), self.partners.tally(partner))).to_vec(),
            rule_file: self.rules.name().to_owned(),
            hint: format!("{}   metrics at http://{}/metrics", self.rules.hint(), self.page),
            rule_sets: self.observed.rule_sets(),
            problem: self.rules.problem().map(str::to_owned).or(self.engine.health().error),
            draining,
        }
    }
}

/// The plan of a directory that has none yet.
fn new_plan(options: &Options) -> Plan {
    let (start, step_ms) = match options.messages {
        Some(_) => (recorded::START, recorded::STEP_MS),
        None => resume::pace(options.events, clock::now()),
    };
    Plan {
        seed: options.seed.unwrap_or(SEED),
        start_ms: start.0,
        step_ms,
        messages: options.messages.clone(),
        partners_port: 0,
    }
}

/// Executors that keep a short breath, so that a silent partner does not hold up the end, and may call the stand-ins.
fn executor_config(secrets: &Secrets) -> kilat_executor::Config {
    kilat_executor::Config {
        instance: "demo".to_owned(),
        concurrency: 256,
        per_workspace: 256,
        per_destination: 128,
        deadline_ms: 1_500,
        connect_timeout_ms: 500,
        retry_after_max_s: 2,
        retry_steps_ms: Some(vec![200, 500, 1_000, 1_000, 1_000]),
        breaker_failures: 1_000,
        allow_loopback: true,
        secrets: kilat_executor::SecretsConfig { dirs: vec![secrets.dir().to_owned()], ..Default::default() },
        ..Default::default()
    }
}

/// The traffic, from where an earlier run in the same directory left it, and how many records it has in all.
fn source(options: &Options, plan: &Plan, written: u64) -> Result<(Source, Option<u64>), Failure> {
    let all: Source = match &plan.messages {
        Some(path) => Box::new(Recorded::open(path)?),
        None => Box::new(Traffic::new(plan.seed, Timestamp(plan.start_ms), plan.step_ms).map(Ok)),
    };
    let rest = all.skip(usize::try_from(written).unwrap_or(usize::MAX));
    Ok(match options.events {
        Some(events) => {
            let left = events.saturating_sub(written);
            (Box::new(rest.take(usize::try_from(left).unwrap_or(usize::MAX))), Some(left))
        }
        None => (Box::new(rest), None),
    })
}
