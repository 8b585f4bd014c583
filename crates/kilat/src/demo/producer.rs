//! Writes the traffic to the input topics, at a pace or as fast as it goes.
//!
//! Input: occurrences in order. Output: transactions on the input topics, and how many records were written. Absent: what
//! reads them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kilat_log::{LogError, PartitionedLog};

use super::traffic::Occurrence;
use crate::clock;
use crate::failure::Failure;
use crate::intake::Intake;

/// How often a paced producer writes.
const TICK: Duration = Duration::from_millis(20);
/// Records a transaction holds at most, so that the view moves.
const RECORDS_MAX: usize = 2_000;

/// The stream of traffic.
pub(super) type Source = Box<dyn Iterator<Item = Result<Occurrence, Failure>> + Send>;

/// The running producer.
pub(super) struct Producer {
    written: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    failure: Arc<Mutex<Option<Failure>>>,
    thread: JoinHandle<()>,
}

impl Producer {
    /// Starts writing all of `source`, `rate` records a second, or without a pause where that is `None`.
    pub(super) fn start(log: Arc<dyn PartitionedLog>, source: Source, rate: Option<f64>) -> Producer {
        let (written, stop): (Arc<AtomicU64>, Arc<AtomicBool>) = Default::default();
        let failure: Arc<Mutex<Option<Failure>>> = Arc::default();
        let body = {
            let (written, stop, failure) = (Arc::clone(&written), Arc::clone(&stop), Arc::clone(&failure));
            move || {
                let ended = write(log, source, rate, &written, &stop);
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = ended.err();
            }
        };
        let thread = thread::Builder::new().name("demo-traffic".to_owned()).spawn(body);
        Producer { written, stop, failure, thread: thread.expect("the system can start a thread") }
    }

    /// Records written so far.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Whether everything was written, or it was stopped.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Asks to write no more.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
    }

    /// What ended it, if something did; once.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits for the end.
    pub(super) fn join(self) {
        // A producer that panicked has said so on standard error.
        let _ = self.thread.join();
    }
}

fn write(
    log: Arc<dyn PartitionedLog>,
    mut source: Source,
    rate: Option<f64>,
    written: &AtomicU64,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let mut intake = Intake::open(log, "kilat-demo-traffic".to_owned());
    let begun = clock::instant();
    let mut appended: u64 = 0;
    let stopped = || stop.load(Ordering::Relaxed);
    let mut more = true;
    while more && !stopped() {
        let due = rate.map_or(u64::MAX, |rate| (rate * begun.elapsed().as_secs_f64()) as u64);
        while appended < due && intake.pending() < RECORDS_MAX && !intake.is_full() {
            match source.next() {
                None => {
                    more = false;
                    break;
                }
                Some(occurrence) => append(&mut intake, &occurrence?)?,
            }
            appended += 1;
        }
        let records = intake.commit(&stopped, &mut |_: &LogError| {})?;
        written.fetch_add(records as u64, Ordering::Release);
        if rate.is_some() && appended >= due {
            thread::park_timeout(TICK);
        }
    }
    Ok(())
}

fn append(intake: &mut Intake, occurrence: &Occurrence) -> Result<(), Failure> {
    match occurrence {
        Occurrence::Event(event) => intake.event(event).map_err(|error| {
            Failure::because(format!("encoding event `{}`", event.id), error, "leave the row out of the file")
        }),
        Occurrence::Poison { workspace, bytes } => {
            intake.bytes(workspace, bytes);
            Ok(())
        }
    }
}
