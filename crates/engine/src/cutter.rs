//! Cutting what a batch changed into blocks that records can hold.

use kilat_domain::{Entries, Entry, InputRange, StateBlock, Timestamp};

use crate::partition::BatchHeader;

/// Bytes of content at which a block is closed: a record of the log holds 1 MiB (Kafka's default). A single entry may have
/// more, and has a block of its own then.
pub(crate) const BLOCK_BYTES: usize = 700_000;

/// The blocks of one batch, in the making.
pub(crate) struct Cutter {
    blocks: Vec<StateBlock<'static>>,
    header: BatchHeader,
    now: Timestamp,
    /// Content of the last block.
    bytes: usize,
}

impl Cutter {
    pub(crate) fn new(header: BatchHeader, now: Timestamp) -> Cutter {
        Cutter { blocks: Vec::new(), header, now, bytes: 0 }
    }

    /// The block that the next so many bytes of content go to.
    pub(crate) fn room_for(&mut self, bytes: usize) -> &mut StateBlock<'static> {
        if self.blocks.is_empty() || self.bytes + bytes > BLOCK_BYTES {
            let block = Self::empty(&self.header, self.now);
            self.blocks.push(block);
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.blocks.last_mut().expect("just made sure")
    }

    /// Adds what a batch changed of a lead.
    pub(crate) fn lead(&mut self, entry: &Entry<'_>) {
        self.room_for(entry.bytes()).lead_entries.push(entry);
    }

    /// Adds what a batch changed of a conversation.
    pub(crate) fn conversation(&mut self, entry: &Entry<'_>) {
        self.room_for(entry.bytes()).conversation_entries.push(entry);
    }

    /// The blocks; the first names the inputs, and is there if there were any.
    pub(crate) fn done(mut self) -> Vec<StateBlock<'static>> {
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
    pub(crate) fn empty(header: &BatchHeader, now: Timestamp) -> StateBlock<'static> {
        StateBlock {
            partition: i32::try_from(header.partition).unwrap_or(i32::MAX),
            sequence: 0,
            chain: 0,
            is_older: false,
            now,
            clock: header.clock,
            rule_epoch: header.rule_epoch,
            inputs: Vec::new(),
            fates: Vec::new(),
            decisions: 0,
            actions: 0,
            lead_entries: Entries::default(),
            conversation_entries: Entries::default(),
            seen: Vec::new(),
            disabled: Vec::new(),
            anchors: Vec::new(),
            spreads: Vec::new(),
        }
    }
}
