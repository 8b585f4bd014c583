//! The service: opens the log, starts the roles, watches over them, stops them.
//!
//! Input: the configuration and the roles. Output: a running process until somebody asks it to stop, or until something
//! fails that no retry cures. A log that cannot be reached is told with its address and the remedy, and tried again.
//! Absent: what the roles do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use kilat_executor::StartError;
use kilat_log::PartitionedLog;
use tracing::{error, info};

use crate::config::{Config, LogFormat};
use crate::connect;
use crate::failure::Failure;
use crate::http::{self, Health};
use crate::signals::Stop;

/// How often the roles are asked how they are doing.
const WATCH: Duration = Duration::from_millis(200);
/// The first wait before a log that could not be opened is tried again; doubled each time.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const BACKOFF_MAX: Duration = Duration::from_secs(15);

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Events to decisions and actions.
    Engine,
    /// Actions to HTTP calls.
    Executor,
}

/// Runs until it is asked to stop.
pub(crate) fn run(config: &Config, roles: &[Role], create_topics: bool) -> Result<(), Failure> {
    let format = match config.logging.format {
        LogFormat::Text => kilat_telemetry::LogFormat::Text,
        LogFormat::Json => kilat_telemetry::LogFormat::Json,
    };
    kilat_telemetry::start_logging(format, &config.logging.filter)
        .map_err(|error| Failure::because("starting the log lines", error, "mend `logging.filter`"))?;
    let recording = kilat_telemetry::metrics::start_recording().map_err(|error| {
        Failure::because("starting the metrics", error, "this is a defect of Kilat, please report it")
    })?;
    let listener = http::bind(config.http.listen)?;
    let listen = listener.local_addr().unwrap_or(config.http.listen);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::because("starting threads", error, "check the process's limits"))?;
    let stop = Stop::on_signals(&runtime)?;

    let health = Arc::new(Mutex::new(Health::Waiting("the log is being opened".to_owned())));
    let probed = Arc::clone(&health);
    runtime.spawn(http::serve(listener, recording, Arc::new(move || lock(&probed).clone())));

    let Some(log) = open(config, create_topics, &stop, &health)? else { return Ok(()) };
    let has = |role| roles.contains(&role);
    let engine = has(Role::Engine).then(|| kilat_pipeline::Service::start(Arc::clone(&log), &engine_config(config)));
    let executor = has(Role::Executor).then(|| start_executor(&runtime, &log, config, &stop, &health)).transpose()?;
    let executor = executor.flatten();
    info!(%listen, ?roles, "started");

    let mut failure = None;
    while failure.is_none() && !stop.wait(WATCH) {
        let now = watch(engine.as_ref(), executor.as_ref());
        if let Health::Failed(why) = &now {
            let help = "mend what it names and start again; nothing was lost";
            failure = Some(Failure::new(format!("stopped: {why}"), help));
        }
        *lock(&health) = now;
    }
    info!("stopping");
    if let Some(engine) = &engine {
        engine.stop();
    }
    if let Some(executor) = executor {
        executor.stop();
    }
    if let Some(engine) = engine {
        engine.join();
    }
    info!("stopped");
    failure.map_or(Ok(()), Err)
}

/// The engine's settings, with the place of its checkpoints.
fn engine_config(config: &Config) -> kilat_pipeline::Config {
    let checkpoints = connect::checkpoints(config);
    if checkpoints.place.is_empty() {
        info!(
            "no checkpoints are taken: every start reads the whole state topic; engine.checkpoints.place sets a place"
        );
    }
    kilat_pipeline::Config { checkpoints, ..config.engine.clone() }
}

/// Opens the log, again and again while it may help; `None` where somebody asked to stop meanwhile.
fn open(
    config: &Config,
    create_topics: bool,
    stop: &Stop,
    health: &Mutex<Health>,
) -> Result<Option<Arc<dyn PartitionedLog>>, Failure> {
    let mut backoff = BACKOFF_FIRST;
    loop {
        match connect::open(config, create_topics) {
            Ok(log) => return Ok(Some(log)),
            Err(failure) if failure.may_pass() => {
                error!(retry_in_s = backoff.as_secs(), "{failure}");
                *lock(health) = Health::Waiting(failure.to_string());
                if stop.wait(backoff) {
                    return Ok(None);
                }
                backoff = (backoff * 2).min(BACKOFF_MAX);
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Starts the executors, again and again while their topics do not exist; `None` where somebody asked to stop meanwhile.
fn start_executor(
    runtime: &tokio::runtime::Runtime,
    log: &Arc<dyn PartitionedLog>,
    config: &Config,
    stop: &Stop,
    health: &Mutex<Health>,
) -> Result<Option<kilat_executor::Handle>, Failure> {
    let mut backoff = BACKOFF_FIRST;
    loop {
        let surroundings = kilat_executor::Surroundings::new(runtime.handle().clone());
        let failure = match kilat_executor::start(Arc::clone(log), config.executor.clone(), surroundings) {
            Ok(handle) => return Ok(Some(handle)),
            Err(StartError::Log(error)) => Failure::from(error),
            Err(error) => Failure::because("starting the executors", error, "mend the section [executor]"),
        };
        if !failure.may_pass() {
            return Err(failure);
        }
        error!(retry_in_s = backoff.as_secs(), "{failure}");
        *lock(health) = Health::Waiting(failure.to_string());
        if stop.wait(backoff) {
            return Ok(None);
        }
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

/// How the roles are doing, as one.
fn watch(engine: Option<&kilat_pipeline::Service>, executor: Option<&kilat_executor::Handle>) -> Health {
    if let Some(health) = engine.map(kilat_pipeline::Service::health) {
        if health.failed {
            return Health::Failed(health.error.unwrap_or_default());
        }
        if !health.ready {
            return Health::Waiting(why_not_ready(&health));
        }
    }
    if executor.is_some_and(|executor| !executor.is_ready()) {
        return Health::Waiting("the executors join their groups".to_owned());
    }
    Health::Ready
}

/// Why the engine takes no events yet.
fn why_not_ready(health: &kilat_pipeline::Health) -> String {
    match (&health.error, &health.restoring) {
        (Some(error), _) => error.clone(),
        (None, Some(restoring)) => format!("the engine restores its state: {restoring}"),
        (None, None) => "the engine waits for its rule sets and its partitions".to_owned(),
    }
}

fn lock(health: &Mutex<Health>) -> std::sync::MutexGuard<'_, Health> {
    health.lock().unwrap_or_else(PoisonError::into_inner)
}
