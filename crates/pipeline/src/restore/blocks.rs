//! The blocks of the state topic, from the first one or from a checkpoint on.

use std::time::Duration;

use kilat_checkpoint::InputOffset;
use kilat_codec::Topic;
use kilat_domain::InputRange;
use kilat_engine::BrokenChain;
use kilat_log::{Record, Start};

use super::error::{Lost, RestoreError};
use super::newest::Facts;
use super::{Restored, Sources};
use crate::service::PipelineError;

/// How long one poll waits for blocks; the loop goes on until the end is reached.
const POLL: Duration = Duration::from_millis(100);

/// Takes in what was committed after `base`, or everything. How many blocks that were.
pub(super) fn take_in(
    sources: &Sources<'_>,
    partition: u32,
    base: Option<&Facts>,
    restored: Restored,
    lost: Lost,
) -> Result<(Restored, u64), PipelineError> {
    let topic = Topic::State.name();
    let extent = sources.log.extent(topic, partition)?;
    let start = base.map_or(Start::Earliest, |base| Start::Offset(base.offset));
    let mut intake = Intake { partition, base, restored, blocks: 0, missing: None, failed: None };
    let short = base.is_some_and(|base| extent.end < base.offset);
    if !short {
        let mut follower = sources.log.follow(topic, Some(&[partition]), start)?;
        loop {
            let before = intake.blocks;
            let followed = follower.poll(POLL, &mut |record| intake.take(&record))?;
            sources.progress.blocks(intake.blocks - before);
            if let Some(failed) = intake.failed.take() {
                return Err(failed);
            }
            if followed.caught_up || intake.missing.is_some() {
                break;
            }
        }
    }
    let Intake { restored, blocks, missing, .. } = intake;
    let sequence = restored.state.position().sequence;
    match base {
        None if missing.is_some() => Err(lost.beginning(partition, missing).into()),
        None if blocks == 0 && extent.start > 0 => Err(lost.beginning(partition, None).into()),
        Some(base) if short || sequence < base.reached.sequence => {
            let (checkpoint, reached) = (base.name.clone(), base.reached.sequence);
            Err(RestoreError::Shortened { partition, checkpoint, reached, end: extent.end }.into())
        }
        _ => Ok((restored, blocks)),
    }
}

struct Intake<'b> {
    partition: u32,
    base: Option<&'b Facts>,
    restored: Restored,
    blocks: u64,
    /// The first block there is, with its offset, where it is not the first one of the chain.
    missing: Option<(i64, i64)>,
    failed: Option<PipelineError>,
}

impl Intake<'_> {
    fn take(&mut self, record: &Record<'_>) {
        let Some(value) = record.value.filter(|_| self.failed.is_none() && self.missing.is_none()) else { return };
        let (partition, offset) = (self.partition, record.offset);
        let block = match kilat_codec::decode_state_block(value) {
            Ok(block) => block,
            Err(source) => {
                self.failed = Some(PipelineError::StateBlock { partition, offset, source });
                return;
            }
        };
        if let Some(base) = self.base {
            // The chain ties every block to the one before; the covered one and the last one seen tie it to the checkpoint.
            let known = [base.covered, base.reached].into_iter().find(|known| known.sequence == block.sequence);
            if known.is_some_and(|known| known.chain != block.chain) {
                let (checkpoint, sequence) = (base.name.clone(), block.sequence);
                self.failed = Some(RestoreError::Exchanged { partition, checkpoint, sequence }.into());
                return;
            }
            if block.sequence <= base.covered.sequence {
                return;
            }
        }
        let (sequence, epoch, inputs) = (block.sequence, block.rule_epoch, block.inputs.clone());
        match self.restored.state.restore(block) {
            Ok(()) => {
                self.blocks += 1;
                self.restored.rule_epoch = epoch;
                note_read(&mut self.restored.read, &inputs);
            }
            Err(BrokenChain::Missing { .. }) if self.base.is_none() && self.blocks == 0 => {
                self.missing = Some((sequence, offset));
            }
            Err(source) => self.failed = Some(PipelineError::BrokenChain { partition, offset, source }),
        }
    }
}

/// Moves the offsets on past these ranges.
pub(crate) fn note_read(read: &mut Vec<InputOffset>, inputs: &[InputRange]) {
    for range in inputs {
        match read.iter_mut().find(|offset| offset.input == range.input) {
            Some(offset) => offset.next = range.next,
            None => read.push(InputOffset { input: range.input, next: range.next }),
        }
    }
}
