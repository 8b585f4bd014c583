//! Cutting what a batch changed into blocks that records can hold.

use kilat_domain::{InputRange, StateBlock, Timestamp};

use crate::partition::BatchHeader;

/// Bytes of content at which a block is closed: a record of the log holds 1 MiB (Kafka's default). A single entry may have
/// more, and has a block of its own then.
pub(crate) const BLOCK_BYTES: usize = 700_000;

/// The blocks of one batch, in the making.
pub(crate) struct Cutter<'s> {
    blocks: Vec<StateBlock<'s>>,
    header: BatchHeader,
    now: Timestamp,
    /// Content of the last block.
    bytes: usize,
}

impl<'s> Cutter<'s> {
    pub(crate) fn new(header: BatchHeader, now: Timestamp) -> Cutter<'s> {
        Cutter { blocks: Vec::new(), header, now, bytes: 0 }
    }

    /// The block that the next so many bytes of content go to.
    pub(crate) fn room_for(&mut self, bytes: usize) -> &mut StateBlock<'s> {
        if self.blocks.is_empty() || self.bytes + bytes > BLOCK_BYTES {
            let block = Self::empty(&self.header, self.now);
            self.blocks.push(block);
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.blocks.last_mut().expect("just made sure")
    }

    /// The blocks; the first names the inputs, and is there if there were any.
    pub(crate) fn done(mut self) -> Vec<StateBlock<'s>> {
        let inputs: Vec<InputRange> = std::mem::take(&mut self.header.inputs);
        let fates = std::mem::take(&mut self.header.fates);
        if !inputs.is_empty() && self.blocks.is_empty() {
            let block = Self::empty(&self.header, self.now);
            self.blocks.push(block);
        }
        if let Some(first) = self.blocks.first_mut() {
            first.inputs = inputs;
            first.fates = fates;
            (first.decisions, first.actions) = (self.header.decisions, self.header.actions);
        }
        self.blocks
    }

    /// A block of nothing, outside the chain.
    pub(crate) fn empty(header: &BatchHeader, now: Timestamp) -> StateBlock<'s> {
        StateBlock {
            partition: i32::try_from(header.partition).unwrap_or(i32::MAX),
            sequence: 0,
            chain: 0,
            now,
            clock: header.clock,
            rule_epoch: header.rule_epoch,
            inputs: Vec::new(),
            fates: Vec::new(),
            decisions: 0,
            actions: 0,
            leads: Vec::new(),
            conversations: Vec::new(),
            seen: Vec::new(),
            disabled: Vec::new(),
        }
    }
}
