//! The executor role: one thread per lane, from start to stop.
//!
//! Input: a log, settings, a runtime for HTTP. Output: a [`Handle`] to stop it and to read its totals.
//! Absent: creating topics, signals, the page for metrics.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use kilat_codec::Topic;
use kilat_domain::Lane;
use kilat_log::{Clock, LogError, PartitionedLog};

use crate::client::Client;
use crate::clock::{Staged, system_clock};
use crate::measures::{Tally, lane_name};
use crate::wire::{HttpWires, Wires};
use crate::worker::Worker;
use crate::{CallReport, Config, WallClock};

/// What the role needs besides a log and settings.
pub struct Surroundings {
    /// Carries the HTTP requests; a multi-threaded runtime that outlives the [`Handle`].
    pub runtime: tokio::runtime::Handle,
    /// The time of day.
    pub clock: WallClock,
    /// Gets a report of every HTTP request; reports are dropped where it is full.
    pub calls: Option<SyncSender<CallReport>>,
}

impl Surroundings {
    /// The machine's clock, nobody watching.
    pub fn new(runtime: tokio::runtime::Handle) -> Self {
        Surroundings { runtime, clock: system_clock(), calls: None }
    }
}

/// Why the role does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings cannot work.
    #[error("the executor's settings cannot work: {}", .0.join("; "))]
    Config(Vec<String>),
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Results must stand in the partition of their action's number, or a restart would not find them.
    #[error(
        "topic `{actions}` has {actions_count} partitions and `{results}` has {results_count}: they must be equal; \
         create them alike (partitions can be added, not taken away)"
    )]
    PartitionsDiffer {
        /// An action topic.
        actions: &'static str,
        /// Its count.
        actions_count: u32,
        /// The results topic.
        results: &'static str,
        /// Its count.
        results_count: u32,
    },
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: its TLS library does not start")]
    Client(#[source] reqwest::Error),
    /// A thread cannot be started.
    #[error("no thread can be started for a lane")]
    Thread(#[source] std::io::Error),
}

/// Counts since the start, over all lanes; `delivered` to `suppressed` count committed results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Action records taken from the log; those read again after a restart count again.
    pub received: u64,
    /// Of these, settled before.
    pub repeated: u64,
    /// Of these, poison.
    pub dead_lettered: u64,
    /// HTTP requests.
    pub attempts: u64,
    /// Accepted by the partner.
    pub delivered: u64,
    /// Refused, or out of retries.
    pub failed: u64,
    /// Sent, and no answer came.
    pub unknown: u64,
    /// Not sent on purpose.
    pub suppressed: u64,
}

/// What the lanes and their handle share.
pub(crate) struct Shared {
    pub(crate) stop: AtomicBool,
    /// Lanes that have joined their group.
    pub(crate) joined: AtomicUsize,
    pub(crate) tally: Tally,
}

/// The running role. Dropping it stops it, without waiting.
pub struct Handle {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("totals", &self.totals()).finish_non_exhaustive()
    }
}

/// What the thread of a lane runs, from start to stop.
pub type Task = Box<dyn FnOnce() + Send>;

/// Starts the role: checks settings and topics, then one thread per lane.
///
/// *Errors:* see [`StartError`]. Later errors of the log are logged, and the lane joins anew until it is stopped.
pub fn start(log: Arc<dyn PartitionedLog>, config: Config, surroundings: Surroundings) -> Result<Handle, StartError> {
    let Surroundings { runtime, clock, calls } = surroundings;
    let clock: Arc<dyn Clock> = Arc::new(Staged::new(clock));
    let client = Client::new(&config).map_err(StartError::Client)?;
    let wires = Arc::new(HttpWires { client, runtime, clock: clock.clone() });
    let seed = RandomState::new().hash_one(0_u8);
    let (mut handle, tasks) = assembled(log, config, clock, wires, calls, seed)?;
    for (lane, task) in Lane::ALL.into_iter().zip(tasks) {
        let name = format!("executor-{}", lane_name(lane));
        handle.threads.push(std::thread::Builder::new().name(name).spawn(task).map_err(StartError::Thread)?);
    }
    Ok(handle)
}

/// The role and what its threads would run, in the order of [`Lane::ALL`], for those who run it otherwise, with a clock and
/// wires of their own; jitter is drawn from `seed`.
///
/// *Errors:* settings or topics that cannot work.
pub fn assemble(
    log: Arc<dyn PartitionedLog>,
    config: Config,
    clock: Arc<dyn Clock>,
    wires: Arc<dyn Wires>,
    seed: u64,
) -> Result<(Handle, Vec<Task>), StartError> {
    assembled(log, config, clock, wires, None, seed)
}

fn assembled(
    log: Arc<dyn PartitionedLog>,
    config: Config,
    clock: Arc<dyn Clock>,
    wires: Arc<dyn Wires>,
    calls: Option<SyncSender<CallReport>>,
    seed: u64,
) -> Result<(Handle, Vec<Task>), StartError> {
    let problems = config.check();
    if !problems.is_empty() {
        return Err(StartError::Config(problems));
    }
    check_topics(&*log)?;
    let shared =
        Arc::new(Shared { stop: AtomicBool::new(false), joined: AtomicUsize::new(0), tally: Tally::default() });
    let config = Arc::new(config);
    let tasks = Lane::ALL.into_iter().zip(0..).map(|(lane, number)| {
        let worker = Worker {
            lane,
            log: log.clone(),
            config: config.clone(),
            wires: wires.clone(),
            clock: clock.clone(),
            seed: seed.wrapping_add(number),
            calls: calls.clone(),
            shared: shared.clone(),
        };
        Box::new(move || worker.run()) as Task
    });
    let tasks = tasks.collect();
    Ok((Handle { shared, threads: Vec::new() }, tasks))
}

/// Every topic is there, and actions and results have equal partition counts.
fn check_topics(log: &dyn PartitionedLog) -> Result<(), StartError> {
    let results = Topic::ActionResults.name();
    let results_count = log.partitions(results)?;
    for lane in Lane::ALL {
        let topic = Topic::of_lane(lane);
        log.partitions(topic.dlq_name())?;
        let actions_count = log.partitions(topic.name())?;
        if actions_count != results_count {
            let actions = topic.name();
            return Err(StartError::PartitionsDiffer { actions, actions_count, results, results_count });
        }
    }
    Ok(())
}

impl Handle {
    /// Whether every lane is a member of its group.
    pub fn is_ready(&self) -> bool {
        self.shared.joined.load(Ordering::Relaxed) == Lane::ALL.len()
    }

    /// Counts since the start.
    pub fn totals(&self) -> Totals {
        let tally = &self.shared.tally;
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Totals {
            received: read(&tally.received),
            repeated: read(&tally.repeated),
            dead_lettered: read(&tally.dead_lettered),
            attempts: read(&tally.attempts),
            delivered: read(&tally.delivered),
            failed: read(&tally.failed),
            unknown: read(&tally.unknown),
            suppressed: read(&tally.suppressed),
        }
    }

    /// Stops taking actions in, gives requests under way their grace, commits what finished, leaves the groups. Blocks
    /// until all that is done; returns the last totals.
    pub fn stop(mut self) -> Totals {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("an executor lane panicked");
            }
        }
        self.totals()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}
