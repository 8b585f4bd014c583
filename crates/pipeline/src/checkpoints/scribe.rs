//! The thread that writes a worker's checkpoints: everything of them that may wait.
//!
//! Input: orders on the desk. Output: objects in the store, a trimmed state topic, metrics. Whatever fails is said, counted
//! and answered, and the next checkpoint is begun as if nothing had been.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kilat_checkpoint::{Header, Kept, Shelf, Unusable, Writer};
use kilat_codec::Topic;
use kilat_log::{Clock, PartitionedLog};
use kilat_telemetry::metrics;
use tracing::{info, warn};

use super::Checkpoints;
use super::desk::{Answer, Desk, Order};

/// How long it rests where there is nothing to do.
const REST: Duration = Duration::from_millis(20);

/// A checkpoint under way.
struct Draft {
    writer: Writer,
    shelf: Shelf,
    covered: i64,
    begun: Duration,
}

/// See the module.
pub(crate) struct Scribe {
    pub(crate) desk: Arc<Desk>,
    pub(crate) checkpoints: Arc<Checkpoints>,
    pub(crate) log: Arc<dyn PartitionedLog>,
    pub(crate) clock: Arc<dyn Clock>,
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

impl Scribe {
    /// Works until `stop`; what is under way then is given up.
    pub(crate) fn run(self, stop: &AtomicBool) {
        let mut draft = None;
        while !stop.load(Ordering::Relaxed) {
            let Some((number, order)) = self.desk.take() else {
                self.clock.rest(REST);
                continue;
            };
            if let Err(error) = self.carry_out(number, order, &mut draft) {
                draft = None;
                metrics::CHECKPOINTS_FAILED.with(["write"]).increment(1);
                warn!(error = %error, "no checkpoint was written to engine.checkpoints.place: state stays safe in the state topic");
                self.desk.reply(number, Answer::Failed);
            }
        }
    }

    fn carry_out(&self, number: u64, order: Order, draft: &mut Option<Draft>) -> Outcome<()> {
        match order {
            Order::Prepare { partition } => {
                *draft = None;
                let offset = self.log.extent(Topic::State.name(), partition)?.end;
                self.desk.reply(number, Answer::Ready { offset });
            }
            Order::Open(header) => *draft = Some(self.open(&header)?),
            Order::Slice { entries, record } => {
                // What follows a failure has no draft any more.
                if let Some(draft) = draft {
                    draft.writer.entries(entries, &record)?;
                }
                self.desk.give_back(record);
            }
            Order::Close { sequence, chain } => {
                if let Some(draft) = draft.take() {
                    let shelf = self.close(draft, sequence, chain)?;
                    self.desk.reply(number, Answer::Written);
                    self.tidy_up(&shelf);
                }
            }
            Order::GiveUp => *draft = None,
        }
        Ok(())
    }

    fn open(&self, header: &Header) -> Outcome<Draft> {
        let (shelf, begun) = (self.checkpoints.shelf(header.origin.partition)?, self.clock.monotonic());
        Ok(Draft { writer: shelf.begin(header)?, shelf, covered: header.sequence, begun })
    }

    fn close(&self, draft: Draft, sequence: i64, chain: i64) -> Outcome<Shelf> {
        let Draft { writer, shelf, covered, begun } = draft;
        let bytes = writer.finish(sequence, chain)?;
        let seconds = (self.clock.monotonic() - begun).as_secs_f64();
        let partition = shelf.origin().partition;
        let kept = Kept { sequence: covered, bytes, written: self.clock.wall() };
        if let Err(error) = shelf.verify(&kept) {
            if matches!(error, Unusable::Damaged { .. }) {
                self.checkpoints.note_damaged(partition, covered);
                shelf.remove(&kept)?;
            }
            return Err(error.into());
        }
        self.checkpoints.note_whole(partition, covered);
        let label = partition.to_string();
        metrics::CHECKPOINTS_WRITTEN.with([]).increment(1);
        metrics::CHECKPOINT_SECONDS.with([]).record(seconds);
        metrics::CHECKPOINT_BYTES.with([&label]).set(bytes as f64);
        metrics::CHECKPOINT_WRITTEN_AT.with([&label]).set(self.clock.wall().0 as f64 / 1_000.0);
        info!(partition, block = covered, bytes, seconds, "checkpoint written");
        Ok(shelf)
    }

    /// Removes old checkpoints and the blocks that none of those kept needs.
    fn tidy_up(&self, shelf: &Shelf) {
        let config = &self.checkpoints.config;
        let damaged = self.checkpoints.damaged(shelf.origin().partition);
        let retired: Outcome<()> =
            shelf.retire(config.kept(), &damaged, self.clock.wall()).map_err(Into::into).and_then(|offset| {
                if let Some(offset) = offset.filter(|_| config.trim) {
                    self.log.trim(Topic::State.name(), shelf.origin().partition, offset)?;
                }
                Ok(())
            });
        if let Err(error) = retired {
            metrics::CHECKPOINTS_FAILED.with(["retire"]).increment(1);
            warn!(error = %error, "old checkpoints and blocks stay where they are: they take space and do no harm");
        }
    }
}
