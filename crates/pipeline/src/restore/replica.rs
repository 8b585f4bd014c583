//! A partition's state on its way: what was taken in, and where its blocks go on.
//!
//! Input: blocks in the order of the topic. Output: the state after them. RP-1: what was refused changes nothing, and nothing
//! may follow on it.

use std::fmt;

use kilat_checkpoint::InputOffset;
use kilat_domain::InputRange;
use kilat_engine::{BrokenChain, Partition};
use kilat_log::Record;

use super::Restored;
use super::error::RestoreError;
use super::newest::{Base, Facts};
use crate::service::PipelineError;

/// Stands for the name of a checkpoint where there is none.
const HANDED_BACK: &str = "(a copy in memory)";

/// See the module.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) partition: u32,
    pub(crate) restored: Restored,
    /// Every block that is not taken in lies at this offset or later.
    pub(crate) from: i64,
    /// Blocks taken in.
    pub(crate) blocks: u64,
    /// What it began with, if not with nothing.
    base: Option<Facts>,
}

/// Why a block was not taken in.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is the first, and not the first of the chain.
    Beginning { sequence: i64, offset: i64 },
    /// Anything else.
    Because(PipelineError),
}

impl Replica {
    /// Nothing yet.
    pub(crate) fn empty(partition: u32) -> Replica {
        let restored = Restored { state: Partition::new(), read: Vec::new(), rule_epoch: 0, covered: 0 };
        Replica { partition, restored, from: 0, blocks: 0, base: None }
    }

    /// What a checkpoint holds.
    pub(super) fn of_checkpoint(partition: u32, Base { restored, facts }: Base) -> Replica {
        Replica { partition, restored, from: facts.offset, blocks: 0, base: Some(facts) }
    }

    /// Settled state that an owner hands back. Later blocks lie at `from` or after it; earlier ones may, too.
    pub(crate) fn handed_back(partition: u32, restored: Restored, from: i64) -> Replica {
        let (name, position) = (HANDED_BACK.to_owned(), restored.state.position());
        let facts = Facts { name, offset: from, covered: position, reached: position };
        Replica { partition, restored, from, blocks: 0, base: Some(facts) }
    }

    /// Whether nothing was taken in, not even nothing from a checkpoint.
    pub(super) fn is_empty(&self) -> bool {
        self.base.is_none() && self.blocks == 0
    }

    /// Takes in the next record of the topic, where it was not before.
    pub(crate) fn take(&mut self, record: &Record<'_>) -> Result<(), Refused> {
        let (partition, offset) = (self.partition, record.offset);
        self.from = self.from.max(offset + 1);
        let Some(value) = record.value else { return Ok(()) };
        let block = kilat_codec::decode_state_block(value).map_err(|source| PipelineError::StateBlock {
            partition,
            offset,
            source,
        })?;
        if let Some(base) = &self.base {
            // The chain ties every block to the one before; the covered one and the last one seen tie it to the checkpoint.
            let known = [base.covered, base.reached].into_iter().find(|known| known.sequence == block.sequence);
            if known.is_some_and(|known| known.chain != block.chain) {
                let (checkpoint, sequence) = (base.name.clone(), block.sequence);
                return Err(PipelineError::from(RestoreError::Exchanged { partition, checkpoint, sequence }).into());
            }
            if block.sequence <= base.covered.sequence {
                return Ok(());
            }
        }
        let (sequence, epoch, inputs) = (block.sequence, block.rule_epoch, block.inputs.clone());
        match self.restored.state.restore(block) {
            Ok(()) => {
                self.blocks += 1;
                self.restored.rule_epoch = epoch;
                note_read(&mut self.restored.read, &inputs);
                Ok(())
            }
            Err(BrokenChain::Missing { .. }) if self.is_empty() => Err(Refused::Beginning { sequence, offset }),
            Err(source) => Err(PipelineError::BrokenChain { partition, offset, source }.into()),
        }
    }

    /// RS-2: the topic, which ends at `end`, goes on at least to where this begins.
    pub(super) fn fits(&self, end: i64) -> Result<(), RestoreError> {
        if end < self.from { Err(self.shortened(end)) } else { Ok(()) }
    }

    /// RS-2: everything up to the end was taken in, and it came at least as far as the checkpoint had seen.
    pub(super) fn reached(&self, end: i64) -> Result<(), RestoreError> {
        let reached = self.base.as_ref().map_or(0, |base| base.reached.sequence);
        if self.restored.state.position().sequence < reached { Err(self.shortened(end)) } else { Ok(()) }
    }

    fn shortened(&self, end: i64) -> RestoreError {
        let position = self.restored.state.position();
        let (checkpoint, reached) = match &self.base {
            Some(base) => (base.name.clone(), base.reached.sequence.max(position.sequence)),
            None => (HANDED_BACK.to_owned(), position.sequence),
        };
        RestoreError::Shortened { partition: self.partition, checkpoint, reached, end }
    }
}

impl From<PipelineError> for Refused {
    fn from(error: PipelineError) -> Refused {
        Refused::Because(error)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Beginning { sequence, offset } => {
                write!(f, "kilat.state.v1 begins with block {sequence} (offset {offset}), and earlier ones are wanted")
            }
            Refused::Because(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refused {}

/// Moves the offsets on past these ranges.
pub(crate) fn note_read(read: &mut Vec<InputOffset>, inputs: &[InputRange]) {
    for range in inputs {
        match read.iter_mut().find(|offset| offset.input == range.input) {
            Some(offset) => offset.next = range.next,
            None => read.push(InputOffset { input: range.input, next: range.next }),
        }
    }
}
