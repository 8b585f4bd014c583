//! Checkpoints of state: when they are taken, and how, without holding up what the workers are there for.
//!
//! A worker decides, between two commits, that a partition is due ([`capture`]), and from then on hands over a bounded slice
//! of its state after each commit, encoded; a thread of its own does everything that may wait: it asks the log, writes to
//! the store, removes old checkpoints and trims the state topic ([`scribe`]). Between them stands a bounded [`desk`]: where
//! the store is slow the worker skips its turn.
//!
//! - **CK-1**: a slice is taken when no batch is open, so that nothing uncommitted gets into a checkpoint. A checkpoint under
//!   way is given up with the member that took it.
//! - **CK-2**: the offset a checkpoint names was the end of the state topic before the block that it covers was committed. That
//!   commit is the proof that nobody else had the partition until then: without it, blocks of another owner might lie before
//!   the offset, unknown to a worker that has lost its place and has not heard so. So this block and every later one lie
//!   behind the offset. Where exactly is not known, and need not be: blocks carry their numbers, and those that are covered
//!   are passed over.
//! - **CK-3**: a checkpoint counts once it was read back whole: nothing of the state topic is trimmed for one that was not.
//! - **CK-4**: a store that fails costs checkpoints and nothing else: the blocks are the truth.

pub(crate) mod capture;
mod config;
mod desk;
pub(crate) mod scribe;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use kilat_checkpoint::{Origin, Shelf, Store};
use kilat_codec::Topic;
use kilat_log::{LogError, PartitionedLog};

pub use config::{CheckpointConfig, StoreProperties};
pub(crate) use desk::Desk;

/// The checkpoints of this engine: where they are, and whose.
pub(crate) struct Checkpoints {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) config: CheckpointConfig,
    log: Arc<dyn PartitionedLog>,
    group: String,
    /// Asked for once.
    identity: OnceLock<String>,
    /// By partition, the blocks covered by checkpoints that a restore has found to be damaged.
    damaged: Mutex<HashMap<u32, Vec<i64>>>,
}

impl Checkpoints {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        config: CheckpointConfig,
        log: Arc<dyn PartitionedLog>,
        group: String,
    ) -> Checkpoints {
        Checkpoints { store, config, log, group, identity: OnceLock::new(), damaged: Mutex::default() }
    }

    /// Those of one partition.
    pub(crate) fn shelf(&self, partition: u32) -> Result<Shelf, LogError> {
        let log = match self.identity.get() {
            Some(identity) => identity.clone(),
            None => {
                let identity = self.log.identity()?;
                self.identity.get_or_init(|| identity).clone()
            }
        };
        let origin = Origin { log, topic: Topic::State.name().to_owned(), partition, group: self.group.clone() };
        Ok(Shelf::new(Arc::clone(&self.store), origin))
    }

    /// Remembers that the checkpoint of this block is damaged.
    pub(crate) fn note_damaged(&self, partition: u32, sequence: i64) {
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        let known = damaged.entry(partition).or_default();
        if !known.contains(&sequence) {
            known.push(sequence);
        }
    }

    /// A checkpoint of this block was written, or written anew.
    pub(crate) fn note_whole(&self, partition: u32, sequence: i64) {
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = damaged.get_mut(&partition) {
            known.retain(|damaged| *damaged != sequence);
        }
    }

    /// The blocks covered by checkpoints that are known to be damaged.
    pub(crate) fn damaged(&self, partition: u32) -> Vec<i64> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner).get(&partition).cloned().unwrap_or_default()
    }
}
