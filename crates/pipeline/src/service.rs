//! The engine role as a service: worker threads, the follower of rule sets, start, health and stop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kilat_checkpoint::{Store, StoreError};
use kilat_codec::{DecodeError, EncodeError};
use kilat_domain::Class;
use kilat_engine::BrokenChain;
use kilat_log::{Clock, LogError, PartitionedLog, SystemClock};
use kilat_telemetry::{metrics, resident_bytes, take_small_pages};
use tracing::{error, info, warn};

use crate::checkpoints::scribe::Scribe;
use crate::checkpoints::{Checkpoints, Desk};
use crate::config::Config;
use crate::memory::{Ceiling, Resident};
use crate::registry::Registry;
use crate::restore::{RestoreError, RestoreProgress, RestoreStatus};
use crate::rules_follower::{RulesFollower, compilers};
use crate::standby::{Shadow, Slots};
use crate::totals::{Totals, TotalsSnapshot};
use crate::worker::Worker;

/// The first wait before a lost session is begun anew; doubled each time.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// The longest wait.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Why a session of the engine ended.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Something could not be encoded.
    #[error("state or lead not encodable: {0}")]
    Encode(#[from] EncodeError),
    /// State cannot be restored.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The place for checkpoints is none.
    #[error("engine.checkpoints.place: {0}")]
    Place(#[from] StoreError),
    /// A state block cannot be read.
    #[error(
        "state block at offset {offset} of kilat.state.v1, partition {partition}, cannot be read: {source}. \
         help: run the version that wrote it, or restore the topic from a backup"
    )]
    StateBlock {
        /// The partition.
        partition: u32,
        /// The block's offset.
        offset: i64,
        /// Why.
        source: DecodeError,
    },
    /// A state block does not follow on the one before it.
    #[error(
        "state block at offset {offset} of kilat.state.v1, partition {partition}, does not follow on the blocks before \
         it: {source}. help: restore the topic from a backup, or read docs/recovery.md on starting over"
    )]
    BrokenChain {
        /// The partition.
        partition: u32,
        /// The block's offset.
        offset: i64,
        /// How.
        source: BrokenChain,
    },
    /// The log handed over a record of a partition that this worker does not own.
    #[error(
        "a record of partition {partition} came to a worker that does not own it. help: none needed, the worker joins anew"
    )]
    NotOwned {
        /// The partition.
        partition: u32,
    },
    /// Two topics that go together have different partition counts.
    #[error(
        "topic `{topic}` has {partitions} partitions and kilat.messages.v1 has {messages}. \
         help: make the one that is wrong anew with the right count, before anything is read of it (`--create-topics` gives all \
         of them `log.partitions`): partition p of both is kept by one worker"
    )]
    PartitionCounts {
        /// The topic that differs.
        topic: &'static str,
        /// Its count.
        partitions: u32,
        /// The count of the message topic.
        messages: u32,
    },
}

impl PipelineError {
    /// Who has to act.
    pub fn class(&self) -> Class {
        match self {
            PipelineError::Log(error) => error.class(),
            PipelineError::Restore(error) => error.class(),
            PipelineError::Place(_) => Class::Fatal,
            PipelineError::Encode(_) | PipelineError::StateBlock { .. } | PipelineError::BrokenChain { .. } => {
                Class::Fatal
            }
            PipelineError::NotOwned { .. } | PipelineError::PartitionCounts { .. } => Class::Transient,
        }
    }

    /// Whether a new session may succeed.
    fn may_pass(&self) -> bool {
        let fenced = matches!(self, PipelineError::Log(LogError::Fenced { .. }));
        fenced || self.class() != Class::Fatal
    }
}

/// The engine role of this process.
pub struct Service {
    registry: Arc<Registry>,
    totals: Arc<Totals>,
    progress: Arc<Progress>,
    standby: Arc<Slots>,
    memory: Arc<Ceiling>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// What one thread of the engine role does, from start to stop.
pub struct Task {
    /// The thread's name.
    pub name: String,
    /// What it runs.
    pub body: Box<dyn FnOnce() + Send>,
}

impl Task {
    fn new(name: &str, body: impl FnOnce() + Send + 'static) -> Task {
        Task { name: name.to_owned(), body: Box::new(body) }
    }
}

/// How the engine role is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// Rule sets published before the start are live, and every worker has been given its partitions and restored them.
    pub ready: bool,
    /// How far restoring has come, while it lasts.
    pub restoring: Option<RestoreStatus>,
    /// Records not yet taken, over all partitions of this process.
    pub lag_records: u64,
    /// The last error, while it lasts.
    pub error: Option<String>,
    /// An error that no retry cures: the process should end.
    pub failed: bool,
}

/// What the threads tell the service.
pub(crate) struct Progress {
    pub(crate) restore: RestoreProgress,
    rules_ready: AtomicBool,
    workers: Vec<WorkerProgress>,
    failed: AtomicBool,
    error: Mutex<Option<String>>,
}

#[derive(Debug, Default)]
struct WorkerProgress {
    working: AtomicBool,
    lag: AtomicU64,
}

impl Progress {
    pub(crate) fn new(workers: usize, clock: Arc<dyn Clock>) -> Progress {
        Progress {
            restore: RestoreProgress::new(clock),
            rules_ready: AtomicBool::default(),
            workers: (0..workers).map(|_| WorkerProgress::default()).collect(),
            failed: AtomicBool::default(),
            error: Mutex::default(),
        }
    }

    /// Whether every worker has been given partitions and has restored them, and none is at it again.
    pub(crate) fn is_settled(&self) -> bool {
        let working = self.workers.iter().all(|worker| worker.working.load(Ordering::Relaxed));
        working && self.restore.status().is_none()
    }

    pub(crate) fn working(&self, worker: usize, working: bool) {
        self.workers[worker].working.store(working, Ordering::Relaxed);
        if working {
            *self.error.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    pub(crate) fn lag(&self, worker: usize, records: u64) {
        self.workers[worker].lag.store(records, Ordering::Relaxed);
    }

    fn failed(&self, error: &PipelineError) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        if !error.may_pass() {
            self.failed.store(true, Ordering::Relaxed);
        }
    }
}

impl Service {
    /// Starts the threads. Workers join the group once the rule sets published so far are live. The process takes small pages
    /// from then on.
    pub fn start(log: Arc<dyn PartitionedLog>, config: &Config) -> Service {
        if let Err(error) = take_small_pages() {
            warn!(error = %error, "huge pages stay: the process may take more memory than engine.memory_mb");
        }
        let clock = Arc::new(SystemClock::new());
        let place = &config.checkpoints.place;
        let store = (!place.is_empty())
            .then(|| kilat_checkpoint::open(place, config.checkpoints.properties.0.clone()))
            .transpose();
        let (mut service, tasks) = match store {
            Ok(store) => Service::assembled(log, config, clock, store, compilers(), resident_bytes),
            Err(error) => {
                let (service, _) = Service::assembled(log, config, clock, None, 0, resident_bytes);
                service.progress.failed(&error.into());
                (service, Vec::new())
            }
        };
        service.threads = tasks.into_iter().map(|task| spawn(&task.name, task.body)).collect();
        service
    }

    /// The service and what its threads would run, for those who run it otherwise and with a clock and a store of their
    /// own. Without a store there are no checkpoints. No task starts threads of its own: rule sets are compiled by the one
    /// that follows them, partitions are restored by the one that owns them. What the process takes of memory is not asked.
    pub fn assemble(
        log: Arc<dyn PartitionedLog>,
        config: &Config,
        clock: Arc<dyn Clock>,
        store: Option<Arc<dyn Store>>,
    ) -> (Service, Vec<Task>) {
        Service::assembled(log, &Config { restore_threads: 1, ..config.clone() }, clock, store, 0, || None)
    }

    /// As [`Service::assemble`], with so many threads that compile, and who says what the process takes.
    fn assembled(
        log: Arc<dyn PartitionedLog>,
        config: &Config,
        clock: Arc<dyn Clock>,
        store: Option<Arc<dyn Store>>,
        compilers: usize,
        resident: Resident,
    ) -> (Service, Vec<Task>) {
        let threads = config.workers();
        let memory = Arc::new(Ceiling::new(config, resident));
        let registry = Arc::new(Registry::new());
        let totals = Arc::new(Totals::default());
        let stop = Arc::new(AtomicBool::new(false));
        let progress = Arc::new(Progress::new(threads, clock.clone()));
        let standby = Arc::new(Slots::new(config.standby, clock.clone()));

        let mut tasks = vec![Task::new("kilat-rules", {
            let (log, registry, instance) = (log.clone(), registry.clone(), config.instance.clone());
            let (stop, progress, clock) = (stop.clone(), progress.clone(), clock.clone());
            move || follow_rules(&log, &registry, &instance, &stop, &progress, compilers, &clock)
        })];
        let checkpoints = store.map(|store| {
            Arc::new(Checkpoints::new(store, config.checkpoints.clone(), log.clone(), config.group.clone()))
        });
        let shadow = Shadow::new(standby.clone(), log.clone(), checkpoints.clone(), progress.clone(), clock.clone());
        let shadow_stop = stop.clone();
        tasks.push(Task::new("kilat-standby", move || shadow.run(&shadow_stop)));
        for number in 0..threads {
            let checkpoints = checkpoints.clone().map(|checkpoints| (checkpoints, Arc::new(Desk::default())));
            if let Some((checkpoints, desk)) = checkpoints.clone() {
                let (log, clock, stop) = (log.clone(), clock.clone(), stop.clone());
                let scribe = Scribe { desk, checkpoints, log, clock };
                tasks.push(Task::new(&format!("kilat-checkpoint-{number}"), move || scribe.run(&stop)));
            }
            let worker = Worker {
                checkpoints,
                number,
                log: log.clone(),
                registry: registry.clone(),
                config: config.clone(),
                clock: clock.clone(),
                totals: totals.clone(),
                progress: progress.clone(),
                standby: standby.clone(),
                memory: memory.clone(),
            };
            let (stop, progress) = (stop.clone(), progress.clone());
            tasks.push(Task::new(&format!("kilat-engine-{number}"), move || work(worker, &stop, &progress)));
        }
        (Service { registry, totals, progress, standby, memory, stop, threads: Vec::new() }, tasks)
    }

    /// The live rule sets.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// What has been committed since the start.
    pub fn totals(&self) -> TotalsSnapshot {
        self.totals.snapshot()
    }

    /// Bytes of memory that state takes in this process, copies of it included.
    pub fn state_bytes(&self) -> usize {
        self.memory.state()
    }

    /// The copies of state of partitions that no worker of this process owns: partition, and number of the last block.
    pub fn standby(&self) -> Vec<(u32, i64)> {
        self.standby.positions()
    }

    /// How it is doing.
    pub fn health(&self) -> Health {
        let working = self.progress.workers.iter().all(|worker| worker.working.load(Ordering::Relaxed));
        Health {
            ready: self.progress.rules_ready.load(Ordering::Relaxed) && working,
            restoring: self.progress.restore.status(),
            lag_records: self.progress.workers.iter().map(|worker| worker.lag.load(Ordering::Relaxed)).sum(),
            error: self.progress.error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            failed: self.progress.failed.load(Ordering::Relaxed),
        }
    }

    /// Asks the threads to finish their batch, commit and leave; [`Self::join`] waits for it.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in &self.threads {
            thread.thread().unpark();
        }
    }

    /// Waits until every thread has ended.
    pub fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                error!("an engine thread panicked");
            }
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::Builder::new().name(name.to_owned()).spawn(body).expect("the system can start a thread")
}

/// Keeps the follower of rule sets going.
fn follow_rules(
    log: &Arc<dyn PartitionedLog>,
    registry: &Arc<Registry>,
    instance: &str,
    stop: &AtomicBool,
    progress: &Progress,
    compilers: usize,
    clock: &Arc<dyn Clock>,
) {
    retry("rules", stop, progress, &**clock, || {
        let follower = RulesFollower::new(log.clone(), registry.clone(), instance.to_owned(), compilers, clock.clone());
        follower.run(stop, &|| progress.rules_ready.store(true, Ordering::Relaxed)).map_err(PipelineError::from)
    });
}

/// Keeps one worker going.
fn work(mut worker: Worker, stop: &AtomicBool, progress: &Progress) {
    while !progress.rules_ready.load(Ordering::Relaxed) && !stop.load(Ordering::Relaxed) {
        worker.clock.rest(BACKOFF_FIRST);
    }
    let (number, clock) = (worker.number, worker.clock.clone());
    retry("worker", stop, progress, &*clock, || {
        let ended = worker.session(stop);
        progress.working(number, false);
        worker.standby.release_all(number);
        worker.memory.release(number);
        ended
    });
}

/// Runs sessions until one ends well, `stop` is set, or an error comes that no retry cures.
fn retry(
    what: &str,
    stop: &AtomicBool,
    progress: &Progress,
    clock: &dyn Clock,
    mut session: impl FnMut() -> Result<(), PipelineError>,
) {
    let mut backoff = BACKOFF_FIRST;
    while !stop.load(Ordering::Relaxed) {
        let begun = clock.monotonic();
        let Err(failure) = session() else { break };
        let class = format!("{:?}", failure.class()).to_lowercase();
        metrics::TRANSACTIONS_FAILED.with([&class]).increment(1);
        progress.failed(&failure);
        if !failure.may_pass() {
            error!(what, error = %failure, "stopped");
            break;
        }
        if clock.monotonic() - begun > BACKOFF_MAX {
            backoff = BACKOFF_FIRST;
        }
        error!(what, error = %failure, retry_in_ms = backoff.as_millis() as u64, "session ended, starting anew");
        clock.rest(backoff);
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
    info!(what, "ended");
}
