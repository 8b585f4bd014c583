//! The audit: holds the topics against each other, from the outside and without the engine's state.
//!
//! Input: the log, read-committed and without a group. Output: [`Totals`] and [`Difference`]s, each naming the place.
//!
//! What drives it are the state blocks: a block is written in the same transaction as everything it answers, its input
//! ranges say which records those were, and its fates what became of each. So only what is settled is compared, whatever
//! goes on meanwhile:
//! - **AU-1:** a record is judged only once the block that covers it is there; what is beyond the newest block is lag.
//! - **AU-2:** nothing is called missing before its partition was read, by a follower opened after the block was seen, to
//!   the end (LOG-7).
//! - **AU-3:** nothing is called too much before the blocks of every partition, read anew to their end after it was seen,
//!   left it unclaimed. Results are read before actions, actions before blocks.
//! - **AU-4:** memory is bounded: one poll read ahead of each partition, the open block of one partition at a time, and the
//!   newest keys, open actions and minutes, each with a named maximum; what is forgotten is not judged, and never wrong.
//!   Blocks are taken in the order of their time over all partitions, so that what is read ahead is soon claimed.
//!
//! Absent: rules and state; whether a decision is the right one is for a replay to say.

mod difference;
mod entries;
mod findings;
mod keys;
mod minutes;
mod outputs;
mod partition;
mod passed;

pub use difference::{Difference, Law};
pub use findings::Totals;

use std::sync::Arc;

use kilat_domain::Timestamp;
use kilat_log::{LogError, PartitionedLog};
use rustc_hash::FxHashSet;

use self::findings::Findings;
use self::outputs::Outputs;
use self::partition::Partition;
use crate::restore;
use crate::service::PipelineError;

/// Blocks after which results that have come are taken in.
const RESULTS_EVERY: u64 = 64;

/// An audit under way.
pub struct Audit {
    partitions: Vec<Partition>,
    outputs: Outputs,
    findings: Findings,
    /// From when on the blocks of all partitions are there: the latest beginning of one whose first blocks are gone.
    since: Option<Timestamp>,
}

impl Audit {
    /// An audit of everything that is on the topics.
    ///
    /// *Errors:* a topic is missing, or the partition counts of inputs and state differ.
    pub fn open(log: &Arc<dyn PartitionedLog>) -> Result<Audit, PipelineError> {
        let partitions = restore::check_partition_counts(&**log)?;
        Ok(Audit {
            partitions: (0..partitions).map(|number| Partition::new(log, number)).collect(),
            outputs: Outputs::open(log)?,
            findings: Findings::default(),
            since: None,
        })
    }

    /// Compares all that is committed by now, up to a consistent cut.
    pub fn to_the_end(&mut self) -> Result<(), LogError> {
        while self.step(true)? {}
        self.cut()
    }

    /// Compares what has come, up to some blocks, and does not wait; whether there was anything.
    pub fn some(&mut self) -> Result<bool, LogError> {
        let mut any = false;
        for _ in 0..RESULTS_EVERY {
            if !self.step(false)? {
                break;
            }
            any = true;
        }
        Ok(any)
    }

    /// Looks for what nobody claims, up to a consistent cut (AU-3).
    pub fn cut(&mut self) -> Result<(), LogError> {
        let unexplained = self.outputs.passed.unexplained();
        let marks = self.outputs.read_to_end()?;
        for partition in &mut self.partitions {
            partition.blocks.renew();
        }
        while self.step(true)? {}
        self.outputs.settle_known(&mut self.findings)?;
        self.outputs.tell_unclaimed(&marks, self.since, &mut self.findings);
        for partition in &mut self.partitions {
            partition.settle(true, &mut self.findings);
        }
        self.tell_passed_on(unexplained)
    }

    /// Tells of events that arrived and were not passed on, as far as they had arrived before the blocks were read anew to their
    /// end, and of those that were passed on and are not on the topic.
    fn tell_passed_on(&mut self, unexplained: Vec<passed::Place>) -> Result<(), LogError> {
        // Blocks that are no longer there would have told of some.
        if self.partitions.iter().any(Partition::is_late) {
            return Ok(());
        }
        for place in unexplained {
            if self.outputs.passed.take_unexplained(place) {
                let expected = "an event that arrived on kilat.spread.v1 to be one that was passed on there, once";
                self.findings.differs(partition::of_passed(
                    place,
                    expected,
                    "no block that passed it on, or one that did so once",
                ));
            }
        }
        let mut on_the_way = FxHashSet::default();
        for partition in &mut self.partitions {
            on_the_way.extend(partition.on_the_way()?);
        }
        for place in self.outputs.passed.take_lost(&on_the_way) {
            let expected = "an event that was passed on to be on kilat.spread.v1";
            self.findings.differs(partition::of_passed(place, expected, "none that came from there"));
        }
        Ok(())
    }

    /// What was compared so far.
    pub fn totals(&self) -> Totals {
        Totals { waiting: self.outputs.waiting() as u64, ..self.findings.totals }
    }

    /// How often a law was broken.
    pub fn broken(&self, law: Law) -> u64 {
        self.findings.of(law)
    }

    /// The first difference of all.
    pub fn first(&self) -> Option<&Difference> {
        self.findings.first()
    }

    /// Differences that were not told yet; of very many only the first ones are kept.
    pub fn untold(&mut self) -> impl Iterator<Item = Difference> {
        self.findings.untold()
    }

    /// Compares the oldest block that was not, of any partition; `false` where there is none: at the end as it is now, or
    /// without `to_the_end` as far as is known without waiting.
    fn step(&mut self, to_the_end: bool) -> Result<bool, LogError> {
        let mut oldest: Option<(Timestamp, usize)> = None;
        let mut has_read = false;
        for (number, partition) in self.partitions.iter_mut().enumerate() {
            let blocks = &mut partition.blocks;
            let read = blocks.next();
            let front = if to_the_end { blocks.front()? } else { blocks.front_now()? };
            let at = front.map(|block| block.at);
            has_read |= blocks.next() > read;
            if let Some(at) = at.filter(|at| oldest.is_none_or(|(oldest, _)| *at < oldest)) {
                oldest = Some((at, number));
            }
        }
        if has_read {
            self.outputs.unsettle();
            self.partitions.iter_mut().for_each(Partition::unsettle_inputs);
        }
        let Some((at, number)) = oldest else { return Ok(false) };
        let partition = &mut self.partitions[number];
        let Some(block) = partition.blocks.take_front() else { return Ok(false) };
        let is_first = partition.is_new();
        partition.check(block, &mut self.outputs, &mut self.findings)?;
        if is_first && partition.is_late() {
            self.since = self.since.max(Some(at));
        }
        if self.findings.totals.blocks.is_multiple_of(RESULTS_EVERY) {
            self.outputs.settle_known(&mut self.findings)?;
        }
        Ok(true)
    }
}
