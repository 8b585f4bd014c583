//! A run: processes of engine and executors on a simulated log, fed, disturbed and brought to an end, all on this thread.
//!
//! Input: a [`Plan`]. Output: an [`Outcome`]: what was broken, and which faults there were. The scheduler picks who is next
//! by the seed; where nobody can go on, the clock moves to when somebody can.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use kilat_checkpoint::Store;
use kilat_codec::Topic;
use kilat_domain::{Lane, Timestamp};
use kilat_log::{Clock as _, PartitionedLog as _, Retention, TopicSpec};
use kilat_pipeline::{CheckpointConfig, Config, Health, Service, StandbyCopies, Topics};

use crate::clock::SimClock;
use crate::fault::Fault;
use crate::fiber::{Fiber, Wait};
use crate::internet::{DEADLINE, Internet, lane_name};
use crate::invariants::{self, ACTIONS, Injected, Violation};
use crate::log::{Settings, SimLog};
use crate::objects::Objects;
use crate::plan::Plan;
use crate::random::Random;
use crate::workload::{self, Workload};

const GROUP: &str = "kilat-engine";
/// Executors' groups are named after this and their lane.
const EXECUTORS: &str = "kilat-executor";
/// Simulated time without events within which something must be finished, as long as not everything is.
const PATIENCE: Duration = Duration::from_secs(600);
/// The longest a process that crashed or was stopped stays down.
const DOWN_MS_MAX: u64 = 20_000;
/// Calls a run of one event makes at the steps where faults may strike, about.
const OCCASIONS_PER_EVENT: f64 = 0.2;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was broken, the first of it.
    pub violation: Option<Violation>,
    /// How often each fault happened.
    pub faults: [u64; Fault::COUNT],
    /// How many times a thread went on: the same for the same plan.
    pub steps: u64,
}

/// Runs a plan and checks what it left in the log.
pub fn run(plan: &Plan) -> Outcome {
    let mut run = Run::begin(plan);
    let violation = match catch_unwind(AssertUnwindSafe(|| run.play())) {
        Ok(Ok(())) => invariants::check(&run.log, plan, GROUP, &run.internet, &run.injected).err(),
        Ok(Err(violation)) => Some(violation),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
            Some(Violation::new("no_panic", said.unwrap_or_default()))
        }
    };
    Outcome { violation, faults: run.log.faults(|faults| *faults.counts()), steps: run.steps }
}

/// A thread of a process.
struct Thread {
    process: usize,
    fiber: Fiber,
    wait: Wait,
}

/// What a process runs. Dropping it leaves its threads alone.
enum Role {
    Engine(Service),
    Executor(kilat_executor::Handle),
}

impl Role {
    /// Asks its threads to stop; what is left of it meanwhile.
    fn stop(self) -> Option<Role> {
        match self {
            Role::Engine(service) => {
                service.stop();
                Some(Role::Engine(service))
            }
            // The end of its handle is the wish to stop.
            Role::Executor(_) => None,
        }
    }

    fn health(&self) -> Option<Health> {
        match self {
            Role::Engine(service) => Some(service.health()),
            Role::Executor(_) => None,
        }
    }
}

/// A process: an engine, or an executor.
struct Process {
    log: SimLog,
    role: Option<Role>,
    /// It stands still until then; or, where it is down, comes back.
    until: Option<Duration>,
    /// It was asked to stop, and will come back.
    leaving: bool,
}

struct Run<'p> {
    plan: &'p Plan,
    clock: Arc<SimClock>,
    log: SimLog,
    random: Random,
    workload: Workload,
    /// What executors talk to.
    internet: Internet,
    /// Records in action topics that no engine wrote.
    injected: Injected,
    /// Where checkpoints lie; it outlives every process.
    store: Option<Arc<dyn Store>>,
    threads: Vec<Thread>,
    processes: Vec<Process>,
    fed: u64,
    feed_at: Duration,
    rules: u64,
    steps: u64,
    /// End of the statuses when they were looked at, and whether all were there.
    answered: (i64, bool),
}

impl<'p> Run<'p> {
    fn begin(plan: &'p Plan) -> Run<'p> {
        let clock = SimClock::new();
        let occasions = (plan.events as f64 * OCCASIONS_PER_EVENT).max(200.0);
        let Plan { session, transaction, sabotage, .. } = *plan;
        let settings = Settings { occasions, sabotage, session, transaction, ..Settings::default() };
        let log = SimLog::new(clock.clone(), settings, plan.seed, plan.faults.clone());
        let topics: Vec<TopicSpec> = Topic::ALL.iter().flat_map(|topic| specs(*topic, plan.partitions)).collect();
        log.create_topics(&topics).expect("a simulated log takes topics");
        let objects = || -> Arc<dyn Store> { Objects::new(plan.seed, plan.events, log.clone(), clock.clone()) };
        let store = plan.checkpoints.then(objects);
        let mut run = Run {
            plan,
            clock,
            log,
            random: Random::new(plan.seed, 5),
            workload: Workload::new(plan.seed, plan.shares_max),
            internet: Internet::new(plan.seed, plan.events),
            injected: Injected::new(),
            store,
            threads: Vec::new(),
            processes: Vec::new(),
            fed: 0,
            feed_at: Duration::ZERO,
            rules: 0,
            steps: 0,
            answered: (0, false),
        };
        for workspace in run.workload.workspaces() {
            run.publish(&workspace, false);
        }
        for number in 0..plan.processes + plan.executors {
            run.processes.push(Process { log: run.log.process(), role: None, until: None, leaving: false });
            run.start(number as usize);
        }
        run
    }

    /// Runs until everything fed is decided and every process has stopped.
    fn play(&mut self) -> Result<(), Violation> {
        let (mut last, mut finished) = (Duration::ZERO, 0_i64);
        let mut stopping = false;
        loop {
            self.disturb();
            let fed_all = self.fed == self.plan.events;
            if !fed_all {
                last = self.clock.monotonic();
            } else if !stopping && self.is_done() {
                stopping = true;
                self.log.faults(|faults| faults.end());
                for process in &mut self.processes {
                    process.leaving = false;
                    let is_down = process.role.is_none() && !process.log.is_frozen();
                    process.role = process.role.take().and_then(Role::stop);
                    if is_down {
                        process.until = None;
                    }
                }
            } else if self.clock.monotonic() > last + PATIENCE {
                // A plan may hold more work for a lane of one hand than it can do in that time: it goes on, then.
                let before = std::mem::replace(&mut finished, self.positions().iter().map(|(_, _, at, _)| at).sum());
                if finished == before {
                    return Err(Violation::new("comes_to_an_end", self.standstill()));
                }
                last = self.clock.monotonic();
            } else if self.clock.monotonic() > last + PATIENCE / 2 {
                self.log.faults(|faults| faults.end());
            }
            if stopping && self.threads.is_empty() {
                // What is on its way arrives: the last markers, at the latest.
                while let Some(due) = self.log.next_due() {
                    self.log.advance(due);
                }
                return Ok(());
            }
            self.turn()?;
        }
    }

    /// Whether everything fed is decided, and all that was decided is carried out.
    fn is_done(&mut self) -> bool {
        self.log.is_done(GROUP, &inputs())
            && (self.plan.executors == 0 || ACTIONS.iter().all(|topic| self.is_carried_out(*topic)))
            && self.are_rules_answered()
    }

    fn is_carried_out(&self, topic: Topic) -> bool {
        let lane = Lane::ALL.into_iter().find(|lane| Topic::of_lane(*lane) == topic);
        lane.is_some_and(|lane| self.log.is_done(&format!("{EXECUTORS}-{}", lane_name(lane)), &[topic.name()]))
    }

    /// One fiber goes on, or the clock moves.
    fn turn(&mut self) -> Result<(), Violation> {
        let now = self.clock.monotonic();
        let version = self.log.advance(now);
        let is_frozen = |thread: &Thread| self.processes[thread.process].until.is_some();
        let ready = |thread: &Thread| match thread.wait {
            Wait::Until(at) => at <= now,
            Wait::Change(since, at) => since != version || at <= now,
            Wait::Frozen(_) | Wait::Crash | Wait::Stop => true,
        };
        let able = |thread: &&Thread| !is_frozen(thread) && ready(thread);
        let count = self.threads.iter().filter(able).count();
        if count == 0 {
            self.move_clock(now);
            return Ok(());
        }
        let chosen = self.random.below(count as u64) as usize;
        let chosen = (0..self.threads.len()).filter(|at| able(&&self.threads[*at])).nth(chosen).expect("counted");
        self.steps += 1;
        match self.threads[chosen].fiber.resume() {
            None => {
                let process = &self.processes[self.threads.swap_remove(chosen).process];
                let health = process.role.as_ref().and_then(Role::health);
                if let Some(health) = health.filter(|health| health.failed) {
                    return Err(Violation::new("never_gives_up", health.error.unwrap_or_default()));
                }
            }
            Some(Wait::Crash) => self.crash(self.threads[chosen].process),
            Some(Wait::Frozen(span)) => {
                let process = self.threads[chosen].process;
                self.threads[chosen].wait = Wait::Until(now + span);
                self.processes[process].log.freeze();
                self.processes[process].until = Some(now + span);
            }
            Some(Wait::Stop) => {
                let process = &mut self.processes[self.threads[chosen].process];
                process.role = process.role.take().and_then(Role::stop);
                process.leaving = true;
                self.threads[chosen].wait = Wait::Until(now);
            }
            Some(wait) => self.threads[chosen].wait = wait,
        }
        Ok(())
    }

    /// Moves the clock to when something can go on.
    fn move_clock(&mut self, now: Duration) {
        let waits = self.threads.iter().filter(|thread| self.processes[thread.process].until.is_none());
        let waits = waits.map(|thread| match thread.wait {
            Wait::Until(at) | Wait::Change(_, at) => at,
            Wait::Frozen(_) | Wait::Crash | Wait::Stop => now,
        });
        let processes = self.processes.iter().filter_map(|process| process.until);
        let feed = (self.fed < self.plan.events).then_some(self.feed_at);
        let next = waits.chain(processes).chain(self.log.next_due()).chain(feed).min();
        self.log.advance(next.unwrap_or(now + Duration::from_secs(1)).max(now + Duration::from_micros(1)));
    }

    /// What happens from outside: processes come back, events come in, rules change, clocks jump, groups are shaken.
    fn disturb(&mut self) {
        let now = self.clock.monotonic();
        for number in 0..self.processes.len() {
            let process = &mut self.processes[number];
            if process.leaving && !self.threads.iter().any(|thread| thread.process == number) {
                (process.leaving, process.role) = (false, None);
                process.until = Some(now + Duration::from_millis(self.random.below(DOWN_MS_MAX)));
            }
            if process.until.is_some_and(|until| until <= now) {
                process.until = None;
                if process.role.is_some() || process.log.is_frozen() {
                    process.log.thaw();
                } else {
                    self.start(number);
                }
            }
        }
        if self.fed < self.plan.events && self.feed_at <= now {
            self.feed(now);
        }
    }

    fn feed(&mut self, now: Duration) {
        let chunks = (2 * self.plan.events / self.plan.burst) as f64;
        let strikes = |run: &Self, fault| run.log.faults(|faults| faults.strikes(fault, chunks));
        if strikes(self, Fault::RuleSwap) {
            let workspace = self.workload.workspace();
            self.publish(&workspace, false);
        }
        if strikes(self, Fault::BrokenRules) {
            let workspace = self.workload.workspace();
            self.publish(&workspace, true);
        }
        if strikes(self, Fault::ClockStep) {
            let by = self.random.below(4 * 86_400_000) as i64 - 86_400_000;
            self.clock.step(by);
        }
        if strikes(self, Fault::Revocation) {
            self.log.shake();
        }
        if self.plan.executors > 0 && strikes(self, Fault::DuplicateAction) {
            self.repeat_action();
        }
        if self.plan.executors > 0 && strikes(self, Fault::ActionPoison) {
            let topic = *self.random.pick(&ACTIONS);
            self.inject(topic, b"w0/c0", b"no action");
        }
        let aborted = strikes(self, Fault::AbortedInput);
        let burst = self.random.between(1, self.plan.burst).min(self.plan.events - self.fed);
        for place in 0..burst {
            let at = self.clock.wall();
            let (log, workload, events) = (&self.log, &mut self.workload, self.plan.events);
            let fed = log.faults(|faults| workload.next(at, events, faults));
            let key = fed.workspace.as_bytes();
            if aborted && place == 0 {
                let _ = self.log.produce(fed.topic.name(), key, b"given up", at, true);
            }
            let _ = self.log.produce(fed.topic.name(), key, &fed.value, at, false);
        }
        self.fed += burst;
        self.feed_at = now + self.plan.pause.mul_f64(self.random.unit());
    }

    /// Puts an action into its topic once more, wherever its first record is on its way.
    fn repeat_action(&mut self) {
        let topic = *self.random.pick(&ACTIONS);
        let partition = self.random.below(u64::from(self.plan.partitions)) as u32;
        let end = self.log.end(topic.name(), partition);
        let offset = self.random.below(end.unsigned_abs()) as i64;
        let record = self.log.record(topic.name(), partition, offset);
        if let Some((key, value)) = record.filter(|(_, value)| kilat_codec::decode_action(value).is_ok()) {
            self.inject(topic, &key, &value);
        }
    }

    fn inject(&mut self, topic: Topic, key: &[u8], value: &[u8]) {
        if let Some((partition, offset)) = self.log.produce(topic.name(), key, value, self.clock.wall(), false) {
            self.injected.insert((topic.name(), partition, offset));
        }
    }

    fn publish(&mut self, workspace: &str, broken: bool) {
        self.rules += 1;
        let value = self.workload.rules(workspace, self.rules, broken);
        let _ = self.log.produce(Topic::Rules.name(), workspace.as_bytes(), &value, Timestamp(0), false);
    }

    /// Starts a process: every thread of it is a fiber.
    fn start(&mut self, number: usize) {
        let log = self.log.process();
        let is_engine = (number as u64) < self.plan.processes;
        let (role, bodies) = if is_engine { self.engine(&log, number) } else { self.executor(&log, number) };
        for body in bodies {
            self.threads.push(Thread { process: number, fiber: Fiber::new(body), wait: Wait::Until(Duration::ZERO) });
        }
        self.processes[number] = Process { log, role: Some(role), until: None, leaving: false };
    }

    fn engine(&self, log: &SimLog, number: usize) -> (Role, Vec<kilat_executor::Task>) {
        let config = Config {
            group: GROUP.to_owned(),
            instance: format!("engine-{number}"),
            threads: self.plan.workers as usize,
            transaction_interval_ms: self.plan.interval_ms,
            batch_records_max: self.plan.records_max,
            checkpoints: CheckpointConfig { interval_s: 1, interval_blocks: 5, keep: 2, ..CheckpointConfig::default() },
            standby: if self.plan.standby { StandbyCopies::All } else { StandbyCopies::None },
            ..Config::default()
        };
        let (service, tasks) =
            Service::assemble(Arc::new(log.clone()), &config, self.clock.clone(), self.store.clone());
        (Role::Engine(service), tasks.into_iter().map(|task| task.body).collect())
    }

    fn executor(&mut self, log: &SimLog, number: usize) -> (Role, Vec<kilat_executor::Task>) {
        let plan = self.plan;
        let config = kilat_executor::Config {
            group: EXECUTORS.to_owned(),
            instance: format!("executor-{number}"),
            concurrency: plan.requests_max,
            per_workspace: plan.workspace_requests_max(),
            per_destination: plan.destination_requests_max(),
            held_max: plan.held_max,
            deadline_ms: DEADLINE.as_millis() as u64,
            connect_timeout_ms: 500,
            retry_after_max_s: 3,
            age_max_s: 120,
            retry_steps_ms: Some(vec![50, 200, 1_000, 4_000]),
            breaker_pause_ms: 200,
            breaker_pause_max_ms: 2_000,
            endpoint_disabled_s: 2,
            transaction_interval_ms: plan.interval_ms,
            poll_records_max: 200,
            revoke_grace_ms: 300,
            stop_grace_ms: 1_000,
            // The wall clock is stepped by days, and this window is measured by it.
            ledger_window_s: 366 * 24 * 3_600,
            secrets: kilat_executor::SecretsConfig { allow: vec![workload::TOKEN.to_owned()], ..Default::default() },
            ..kilat_executor::Config::default()
        };
        let wires = self.internet.wires(log.clone(), self.clock.clone(), EXECUTORS);
        let assembled =
            kilat_executor::assemble(Arc::new(log.clone()), config, self.clock.clone(), wires, self.random.bits());
        let (handle, tasks) = assembled.expect("settings and topics of a run work");
        (Role::Executor(handle), tasks)
    }

    /// Ends a process where it stands; it comes back later.
    fn crash(&mut self, number: usize) {
        let process = &mut self.processes[number];
        process.log.kill();
        (process.leaving, process.role) = (false, None);
        process.until = Some(self.clock.monotonic() + Duration::from_millis(self.random.below(DOWN_MS_MAX)));
        // Dropping a fiber unwinds it; its drops reach no log.
        self.threads.retain(|thread| thread.process != number);
    }

    /// Looks only where a status has come since it looked last.
    fn are_rules_answered(&mut self) -> bool {
        let end = self.log.end(Topic::RuleStatus.name(), 0);
        if self.answered.0 != end {
            self.answered = (end, invariants::rules(&self.log).is_ok());
        }
        self.answered.1
    }

    /// How far every group has come: its input, the partition, its offset and the end.
    fn positions(&self) -> Vec<(&'static str, u32, i64, i64)> {
        let lanes = Lane::ALL.map(|lane| (format!("{EXECUTORS}-{}", lane_name(lane)), Topic::of_lane(lane).name()));
        let read = inputs().map(|input| (GROUP.to_owned(), input)).into_iter().chain(lanes);
        let partitions =
            read.flat_map(|(group, input)| (0..self.plan.partitions).map(move |at| (group.clone(), input, at)));
        partitions
            .map(|(group, input, partition)| {
                let (at, end) = (self.log.position(&group, input, partition), self.log.end(input, partition));
                (input, partition, at, end)
            })
            .collect()
    }

    fn standstill(&self) -> String {
        let positions = self.positions();
        let positions =
            positions.iter().map(|(input, partition, at, end)| format!("{input}/{partition}: {at} of {end}"));
        let positions: Vec<String> = positions.collect();
        let health: Vec<String> = self
            .processes
            .iter()
            .filter_map(|process| match process.role.as_ref()? {
                Role::Engine(service) => Some(format!("{:?}", service.health())),
                Role::Executor(handle) => Some(format!("{handle:?}")),
            })
            .collect();
        format!("{}; {}; {:?}", positions.join(", "), health.join(", "), invariants::rules(&self.log).err())
    }
}

fn inputs() -> [&'static str; 3] {
    Topics::INPUTS.map(Topic::name)
}

/// A topic and that of its dead letters.
fn specs(topic: Topic, partitions: u32) -> [TopicSpec; 2] {
    let partitions = if matches!(topic, Topic::Rules | Topic::RuleStatus) { 1 } else { partitions };
    let retention = if topic.is_compacted() { Retention::Compacted } else { Retention::Unlimited };
    let spec = |name: &str| TopicSpec { name: name.to_owned(), partitions, retention, replication: 1 };
    [spec(topic.name()), spec(topic.dlq_name())]
}
