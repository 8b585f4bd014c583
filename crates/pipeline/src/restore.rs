//! Restoring a partition: the newest checkpoint that is whole, then the blocks after it.
//!
//! A block is appended and acknowledged before the offsets it belongs to are sent to the group coordinator, and offsets of
//! a member that has lost its place are refused. So once this process owns the partition, every block that can still be
//! committed is already in the state topic, and a follower that has caught up (LOG-7) has delivered it.
//!
//! - **RS-1**: blocks are taken in without a gap, from the first one or from the one after a checkpoint; where that is not
//!   possible, nothing is. State is never begun anew where it was lost.
//! - **RS-2**: the state topic goes on at least as far as it had gone when the checkpoint was taken, and as far as the group
//!   has read its inputs: otherwise blocks are missing at its end.
//! - **RS-3**: a checkpoint that cannot be used is named with the reason, and the next older one is taken.

mod blocks;
mod error;
mod newest;
mod parallel;
mod progress;

use kilat_checkpoint::InputOffset;
use kilat_codec::Topic;
use kilat_engine::Partition;
use kilat_log::{LogError, PartitionedLog};
use tracing::info;

pub(crate) use blocks::note_read;
pub use error::RestoreError;
pub(crate) use parallel::partitions;
pub(crate) use progress::RestoreProgress;
pub use progress::RestoreStatus;

use crate::checkpoints::Checkpoints;
use crate::config::Topics;
use crate::service::PipelineError;

/// What partitions are restored from, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'s> {
    pub(crate) log: &'s dyn PartitionedLog,
    pub(crate) checkpoints: Option<&'s Checkpoints>,
    pub(crate) group: &'s str,
    pub(crate) progress: &'s RestoreProgress,
}

/// A partition as it was when the last block was committed.
pub(crate) struct Restored {
    pub(crate) state: Partition,
    /// One past the last offset read of each input.
    pub(crate) read: Vec<InputOffset>,
    pub(crate) rule_epoch: i64,
    /// The block covered by the checkpoint that was used; 0 where there was none.
    pub(crate) covered: i64,
}

/// The state of `partition`, from a checkpoint where there is one and the blocks committed after it.
/// `committed` is where the group goes on in each input, asked before this: the blocks of an offset that is committed are then
/// in the topic (LOG-8).
pub(crate) fn partition(
    sources: &Sources<'_>,
    partition: u32,
    committed: &[Option<i64>],
) -> Result<Restored, PipelineError> {
    let begun = sources.progress.clock();
    let newest = match sources.checkpoints {
        Some(checkpoints) => newest::usable(checkpoints, &checkpoints.shelf(partition)?, sources.progress),
        None => newest::Newest::default(),
    };
    let (restored, base) = match newest.base {
        Some(base) => (base.restored, Some(base.facts)),
        None => {
            let state = Partition::new();
            (Restored { state, read: Vec::new(), rule_epoch: 0, covered: 0 }, None)
        }
    };
    let lost = error::Lost { refused: newest.refused, place: sources.checkpoints.map(|c| c.store.place().to_owned()) };
    let (restored, blocks) = blocks::take_in(sources, partition, base.as_ref(), restored, lost)?;
    if restored.state.position().sequence > 0 || restored.state.is_empty() {
        not_behind(partition, &restored, committed)?;
    }
    let (leads, conversations) = restored.state.len();
    let seconds = (sources.progress.clock() - begun).as_secs_f64();
    let checkpoint = restored.covered;
    info!(partition, checkpoint, blocks, leads, conversations, seconds, "state restored");
    Ok(restored)
}

/// RS-2: each batch that reads an input has a block, so that the blocks reach as far as the group's offsets.
fn not_behind(partition: u32, restored: &Restored, committed: &[Option<i64>]) -> Result<(), RestoreError> {
    for ((input, topic), next) in (0..).zip(Topics::INPUTS).zip(committed) {
        let read = restored.read.iter().find(|offset| offset.input == input).map_or(0, |offset| offset.next);
        if let Some(next) = next.filter(|next| *next > read) {
            let sequence = restored.state.position().sequence;
            return Err(RestoreError::Behind { partition, input: topic.name(), committed: next, read, sequence });
        }
    }
    Ok(())
}

/// Whether the state topic fits the input: a block goes to the partition of its input's number.
pub(crate) fn check_partition_counts(log: &dyn PartitionedLog) -> Result<u32, PipelineError> {
    let count = |topic: Topic| -> Result<u32, LogError> { log.partitions(topic.name()) };
    let messages = count(Topic::Messages)?;
    for topic in [Topic::LeadChanges, Topic::State] {
        let partitions = count(topic)?;
        if partitions != messages {
            return Err(PipelineError::PartitionCounts { topic: topic.name(), partitions, messages });
        }
    }
    Ok(messages)
}
