//! How far restoring has come, for whoever waits for it: `/readyz`, the log, metrics.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kilat_log::Clock;
use kilat_telemetry::metrics::{self, Counter, Gauge};
use tracing::info;

/// How often the log tells how far it has come.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// How far restoring has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RestoreStatus {
    /// Partitions that are restored.
    pub done: usize,
    /// Partitions to restore.
    pub partitions: usize,
    /// Entries of checkpoints taken in.
    pub entries: u64,
    /// Blocks taken in.
    pub blocks: u64,
    /// Since it began.
    pub seconds: f64,
}

impl fmt::Display for RestoreStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RestoreStatus { done, partitions, entries, blocks, seconds } = self;
        write!(
            f,
            "{done} of {partitions} partitions, {entries} entries of checkpoints and {blocks} blocks in {seconds:.0} s"
        )
    }
}

#[derive(Debug, Default)]
struct Counts {
    status: RestoreStatus,
    /// Workers that are restoring.
    shares: usize,
    begun: Duration,
    told: Duration,
}

/// See the module.
pub(crate) struct RestoreProgress {
    clock: Arc<dyn Clock>,
    counts: Mutex<Counts>,
    left: Gauge,
    entries: Counter,
    blocks: Counter,
}

impl RestoreProgress {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> RestoreProgress {
        RestoreProgress {
            clock,
            counts: Mutex::default(),
            left: metrics::RESTORE_PARTITIONS_LEFT.with([]),
            entries: metrics::RESTORE_ENTRIES.with([]),
            blocks: metrics::RESTORE_BLOCKS.with([]),
        }
    }

    /// The monotonic time.
    pub(crate) fn clock(&self) -> Duration {
        self.clock.monotonic()
    }

    /// A worker begins to restore so many partitions.
    pub(crate) fn begin(&self, partitions: usize) -> Share<'_> {
        let now = self.clock();
        let mut counts = self.counts();
        if counts.shares == 0 {
            (counts.begun, counts.told) = (now, now);
        }
        counts.shares += 1;
        counts.status.partitions += partitions;
        self.show(&counts);
        Share { progress: self }
    }

    /// Entries of a checkpoint were taken in.
    pub(crate) fn entries(&self, entries: u32) {
        self.entries.increment(u64::from(entries));
        self.add(|status| status.entries += u64::from(entries));
    }

    /// Blocks were taken in.
    pub(crate) fn blocks(&self, blocks: u64) {
        self.blocks.increment(blocks);
        self.add(|status| status.blocks += blocks);
    }

    /// How far it has come; `None` while nothing is restored.
    pub(crate) fn status(&self) -> Option<RestoreStatus> {
        let now = self.clock();
        let counts = self.counts();
        (counts.shares > 0).then(|| RestoreStatus { seconds: (now - counts.begun).as_secs_f64(), ..counts.status })
    }

    fn add(&self, add: impl FnOnce(&mut RestoreStatus)) {
        let now = self.clock();
        let mut counts = self.counts();
        add(&mut counts.status);
        if now >= counts.told + TELL_EVERY {
            counts.told = now;
            let status = RestoreStatus { seconds: (now - counts.begun).as_secs_f64(), ..counts.status };
            info!("restoring state: {status}");
        }
    }

    fn show(&self, counts: &Counts) {
        self.left.set((counts.status.partitions - counts.status.done) as f64);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One worker's part, until it is dropped.
pub(crate) struct Share<'p> {
    progress: &'p RestoreProgress,
}

impl Share<'_> {
    /// A partition is restored.
    pub(crate) fn done(&self) {
        let mut counts = self.progress.counts();
        counts.status.done += 1;
        self.progress.show(&counts);
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut counts = self.progress.counts();
        counts.shares -= 1;
        if counts.shares == 0 {
            *counts = Counts::default();
            self.progress.show(&counts);
        }
    }
}
