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
//! - **RS-4**: what is trimmed behind newer checkpoints while an older one is being read is no loss: the restore begins anew,
//!   and one that is overtaken again and again is an error that passes.

mod blocks;
mod error;
mod newest;
mod parallel;
mod progress;
mod replica;

use std::collections::BTreeSet;

use kilat_checkpoint::InputOffset;
use kilat_codec::Topic;
use kilat_engine::Partition;
use kilat_log::{LogError, PartitionedLog};
use kilat_telemetry::metrics;
use tracing::{info, warn};

pub(crate) use error::Lost;
pub use error::RestoreError;
pub(crate) use parallel::partitions;
pub(crate) use progress::RestoreProgress;
pub use progress::RestoreStatus;
pub(crate) use replica::{Replica, note_read};

use crate::checkpoints::Checkpoints;
use crate::config::Topics;
use crate::service::PipelineError;
use crate::standby::Slots;

/// What partitions are restored from, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'s> {
    pub(crate) log: &'s dyn PartitionedLog,
    pub(crate) checkpoints: Option<&'s Checkpoints>,
    pub(crate) group: &'s str,
    pub(crate) progress: &'s RestoreProgress,
    /// Where copies are that only later blocks must be added to.
    pub(crate) standby: &'s Slots,
    /// Who will own the partitions.
    pub(crate) worker: usize,
}

/// How often a restore is attempted while blocks that it is about to read are trimmed behind newer checkpoints.
const ATTEMPTS_MAX: u32 = 4;

/// A partition as it was when the last block was committed.
#[derive(Debug)]
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
fn partition(sources: &Sources<'_>, partition: u32, committed: &[Option<i64>]) -> Result<Replica, PipelineError> {
    let begun = sources.progress.clock();
    if let Some(checkpoints) = sources.checkpoints {
        checkpoints.shelf(partition)?.clear_leftovers();
    }
    let start = || Ok(sources.log.extent(Topic::State.name(), partition)?.start);
    let replica = undisturbed(partition, start, || {
        let (replica, lost) = beginning(sources.checkpoints, partition, &|entries| sources.progress.entries(entries))?;
        blocks::take_in(sources, replica, lost)
    })?;
    not_behind(partition, &replica.restored, committed)?;
    let (leads, conversations) = replica.restored.state.len();
    let seconds = (sources.progress.clock() - begun).as_secs_f64();
    let (checkpoint, blocks) = (replica.restored.covered, replica.blocks);
    info!(partition, checkpoint, blocks, leads, conversations, seconds, "state restored");
    Ok(replica)
}

/// What `attempt` gives, which is made anew where the topic, which begins at `start`, was trimmed meanwhile (RS-4). An error of
/// an attempt during which nothing was trimmed is what it says.
fn undisturbed<T>(
    partition: u32,
    start: impl Fn() -> Result<i64, LogError>,
    mut attempt: impl FnMut() -> Result<T, PipelineError>,
) -> Result<T, PipelineError> {
    let mut begins = start()?;
    for _ in 0..ATTEMPTS_MAX {
        let error = match attempt() {
            Ok(whole) => return Ok(whole),
            Err(error) => error,
        };
        let begun = std::mem::replace(&mut begins, start()?);
        if begins == begun {
            return Err(error);
        }
        warn!(partition, error = %error, "the state topic was trimmed meanwhile: a newer checkpoint is looked for");
    }
    Err(RestoreError::Overtaken { partition, attempts: ATTEMPTS_MAX }.into())
}

/// What the newest checkpoint that is whole holds, or nothing; and why there is not more. `entries` is told how many are taken
/// in.
pub(crate) fn beginning(
    checkpoints: Option<&Checkpoints>,
    partition: u32,
    entries: &dyn Fn(u32),
) -> Result<(Replica, Lost), LogError> {
    let newest = match checkpoints {
        Some(checkpoints) => newest::usable(checkpoints, &checkpoints.shelf(partition)?, entries),
        None => newest::Newest::default(),
    };
    let lost = Lost { refused: newest.refused, place: checkpoints.map(|c| c.store.place().to_owned()) };
    Ok((newest.base.map_or_else(|| Replica::empty(partition), |base| Replica::of_checkpoint(partition, base)), lost))
}

/// The partitions of which this process keeps a copy, with what was committed since; RS-1 and RS-2 hold for them as for all
/// others. A copy that does not fit is left out: what comes of it, a restore decides.
fn from_standby(
    sources: &Sources<'_>,
    partitions: &[u32],
    committed: &dyn Fn(u32) -> Vec<Option<i64>>,
) -> Result<Vec<Replica>, PipelineError> {
    let mut replicas = sources.standby.take(sources.worker, partitions);
    if replicas.is_empty() {
        return Ok(replicas);
    }
    let begun = sources.progress.clock();
    if let Err(error) = blocks::catch_up(sources, &mut replicas) {
        sources.standby.put_back(sources.worker, replicas);
        return Err(error);
    }
    replicas.retain(|replica| {
        let behind = not_behind(replica.partition, &replica.restored, &committed(replica.partition)).err();
        behind.map(|error| give_up(replica.partition, &error)).is_none()
    });
    let taken: BTreeSet<u32> = replicas.iter().map(|replica| replica.partition).collect();
    let blocks: u64 = replicas.iter().map(|replica| replica.blocks).sum();
    let seconds = (sources.progress.clock() - begun).as_secs_f64();
    info!(partitions = ?taken, blocks, seconds, "state taken over from copies in memory");
    Ok(replicas)
}

/// Says that a copy is not used any more.
pub(crate) fn give_up(partition: u32, error: &dyn std::error::Error) {
    metrics::STANDBY_DROPPED.with([]).increment(1);
    warn!(partition, error = %error, "a copy of state in memory is given up: the next owner here restores");
}

/// RS-2: each batch that reads an input has a block, so that the blocks reach as far as the group's offsets.
fn not_behind(partition: u32, restored: &Restored, committed: &[Option<i64>]) -> Result<(), RestoreError> {
    if restored.state.position().sequence == 0 && !restored.state.is_empty() {
        // Blocks of versions that did not number them do not all tell what was read.
        return Ok(());
    }
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
    for topic in [Topic::LeadChanges, Topic::State, Topic::Spread] {
        let partitions = count(topic)?;
        if partitions != messages {
            return Err(PipelineError::PartitionCounts { topic: topic.name(), partitions, messages });
        }
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use kilat_domain::Class;

    use super::*;

    fn missing() -> PipelineError {
        let (begins, why) = ("begins with block 9".to_owned(), "nothing is kept".to_owned());
        RestoreError::Beginning { partition: 0, begins, why, may_pass: false }.into()
    }

    /// Attempts that fail while the topic begins where `starts` say, one for each time it is asked, and then at the last.
    fn attempts(starts: &[i64], succeeds_at: Option<u32>) -> (u32, Result<(), PipelineError>) {
        let (asked, made) = (Cell::new(0), Cell::new(0));
        let start = || {
            let at = asked.replace(asked.get() + 1);
            Ok(starts[at.min(starts.len() - 1)])
        };
        let outcome = undisturbed(0, start, || {
            made.set(made.get() + 1);
            if succeeds_at == Some(made.get()) { Ok(()) } else { Err(missing()) }
        });
        (made.get(), outcome)
    }

    #[test]
    fn a_restore_begins_anew_only_where_the_topic_was_trimmed_meanwhile() {
        let (made, outcome) = attempts(&[70, 70], None);
        assert_eq!(made, 1);
        assert_eq!(outcome.unwrap_err().class(), Class::Fatal, "blocks that were gone before are lost");
        let (made, outcome) = attempts(&[0, 70, 70], None);
        assert_eq!(made, 2);
        assert_eq!(outcome.unwrap_err().class(), Class::Fatal);
        let (made, outcome) = attempts(&[0, 70, 140], Some(3));
        assert_eq!(made, 3);
        outcome.unwrap();
    }

    #[test]
    fn a_restore_that_is_overtaken_again_and_again_has_lost_nothing() {
        let (made, outcome) = attempts(&[0, 70, 140, 210, 280, 350], None);
        let error = outcome.unwrap_err();
        assert_eq!(made, ATTEMPTS_MAX);
        assert_eq!(error.class(), Class::Transient);
        assert!(error.to_string().contains("nothing is lost"), "{error}");
    }
}
