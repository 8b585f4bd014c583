//! Restoring a partition from its state blocks.
//!
//! A block is appended and acknowledged before the offsets it belongs to are sent to the group coordinator, and offsets of
//! a member that has lost its place are refused. So once this process owns the partition, every block that can still be
//! committed is already in the state topic, and a follower that has caught up (LOG-7) has delivered it.

use std::time::Duration;

use kilat_codec::Topic;
use kilat_engine::Partition;
use kilat_log::{Clock, LogError, PartitionedLog, Start};
use tracing::info;

use crate::service::PipelineError;

/// How long one poll waits for blocks; the loop goes on until the end is reached.
const POLL: Duration = Duration::from_millis(100);

/// The state of `partition`, from every block committed so far.
pub(crate) fn partition(
    log: &dyn PartitionedLog,
    partition: u32,
    clock: &dyn Clock,
) -> Result<Partition, PipelineError> {
    let begun = clock.monotonic();
    let mut state = Partition::new();
    let mut blocks = 0_u64;
    let mut broken = None;
    let mut follower = log.follow(Topic::State.name(), Some(&[partition]), Start::Earliest)?;
    loop {
        let followed = follower.poll(POLL, &mut |record| {
            let Some(value) = record.value else { return };
            if broken.is_some() {
                return;
            }
            let offset = record.offset;
            match kilat_codec::decode_state_block(value) {
                Ok(block) => match state.restore(block) {
                    Ok(()) => blocks += 1,
                    Err(source) => broken = Some(PipelineError::BrokenChain { partition, offset, source }),
                },
                Err(source) => broken = Some(PipelineError::StateBlock { partition, offset, source }),
            }
        })?;
        if let Some(broken) = broken.take() {
            return Err(broken);
        }
        if followed.caught_up {
            break;
        }
    }
    let (leads, conversations) = state.len();
    let seconds = (clock.monotonic() - begun).as_secs_f64();
    info!(partition, blocks, leads, conversations, seconds, "state restored");
    Ok(state)
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
