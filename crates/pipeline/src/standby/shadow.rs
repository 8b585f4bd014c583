//! The thread behind the workers: it begins copies and follows their blocks, drops what was handed back and not fetched, and
//! notes how far the state topic reaches.
//!
//! Input: the slots, checkpoints, the state topic. Output: replicas in the slots, metrics. A log or a store that fails costs
//! copies and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kilat_codec::Topic;
use kilat_log::{Clock, Follower, LogError, PartitionedLog};
use kilat_telemetry::metrics::{self, Gauge};
use tracing::{info, warn};

use super::Slots;
use crate::checkpoints::Checkpoints;
use crate::restore::beginning;
use crate::service::Progress;

/// How long a poll waits for blocks, and how long it rests where there is nothing to follow.
const POLL: Duration = Duration::from_millis(100);
/// How often it asks how far the state topic reaches: so much of its own blocks a worker reads again at most when a partition
/// comes back to it.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// How long workers that wait for their first partitions go before copies.
const GRACE: Duration = Duration::from_secs(30);
/// How long it rests after an error of the log.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// See the module.
pub(crate) struct Shadow {
    slots: Arc<Slots>,
    log: Arc<dyn PartitionedLog>,
    checkpoints: Option<Arc<Checkpoints>>,
    progress: Arc<Progress>,
    clock: Arc<dyn Clock>,
    begun: Duration,
    swept: Duration,
    /// Of how many partitions copies are wanted; 0 until that is known.
    partitions: u32,
    /// The version of the slots that is followed.
    following: u64,
    follower: Option<Box<dyn Follower>>,
    held: Gauge,
    lag: Gauge,
}

impl Shadow {
    pub(crate) fn new(
        slots: Arc<Slots>,
        log: Arc<dyn PartitionedLog>,
        checkpoints: Option<Arc<Checkpoints>>,
        progress: Arc<Progress>,
        clock: Arc<dyn Clock>,
    ) -> Shadow {
        let begun = clock.monotonic();
        let (held, lag) = (metrics::STANDBY_PARTITIONS.with([]), metrics::STANDBY_LAG_RECORDS.with([]));
        let (partitions, following, follower) = (0, 0, None);
        Shadow {
            slots,
            log,
            checkpoints,
            progress,
            clock,
            begun,
            swept: begun,
            partitions,
            following,
            follower,
            held,
            lag,
        }
    }

    /// Works until `stop`.
    pub(crate) fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            if let Err(error) = self.turn() {
                warn!(error = %error, "copies of state cannot be followed: they wait, and so may the next take-over");
                self.follower = None;
                self.following = 0;
                self.clock.rest(RETRY_AFTER);
            }
        }
    }

    /// Does what is next, or waits for a moment.
    pub(super) fn turn(&mut self) -> Result<(), LogError> {
        let now = self.clock.monotonic();
        if now >= self.swept + SWEEP_EVERY {
            self.swept = now;
            self.sweep()?;
        }
        if !self.slots.wants_copies() {
            self.slots.expire();
            self.clock.rest(POLL);
            return Ok(());
        }
        if self.partitions == 0 {
            self.partitions = self.log.partitions(Topic::State.name())?;
            self.slots.want(self.partitions);
        }
        // Whoever waits for state to work with goes first.
        let is_free = self.progress.is_settled() || now >= self.begun + GRACE;
        match is_free.then(|| self.slots.next_absent()).flatten() {
            Some(partition) => self.begin(partition),
            None => self.follow(),
        }
    }

    fn begin(&self, partition: u32) -> Result<(), LogError> {
        match beginning(self.checkpoints.as_deref(), partition, &|_| ()) {
            Ok((replica, _)) => {
                info!(partition, checkpoint = replica.restored.covered, "a standby copy is begun");
                self.slots.loaded(partition, Some(replica));
                Ok(())
            }
            Err(error) => {
                self.slots.loaded(partition, None);
                Err(error)
            }
        }
    }

    fn follow(&mut self) -> Result<(), LogError> {
        if self.slots.version() != self.following {
            let (version, places) = self.slots.places();
            self.follower =
                if places.is_empty() { None } else { Some(self.log.follow_from(Topic::State.name(), &places)?) };
            self.following = version;
        }
        match &mut self.follower {
            None => self.clock.rest(POLL),
            Some(follower) => {
                follower.poll(POLL, &mut |record| self.slots.take_in(&record))?;
            }
        }
        Ok(())
    }

    fn sweep(&self) -> Result<(), LogError> {
        let partitions = self.slots.asked_for();
        let ends = match &partitions[..] {
            [] => Vec::new(),
            partitions => self.log.extents(Topic::State.name(), partitions)?,
        };
        let ends: Vec<_> = partitions.into_iter().zip(ends.into_iter().map(|extent| extent.end)).collect();
        let (held, lag) = self.slots.ends(&ends);
        self.held.set(held as f64);
        self.lag.set(lag as f64);
        Ok(())
    }
}
