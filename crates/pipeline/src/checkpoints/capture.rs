//! The worker's part in its checkpoints: which partition is next, and a bounded slice of it at every turn.
//!
//! Input: the partitions, between two commits. Output: orders on the desk. One checkpoint is under way at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kilat_checkpoint::{Header, InputOffset, Shelf};
use kilat_codec::Encoder;
use kilat_engine::{Partition, ScanCursor};
use kilat_log::Clock;
use tracing::warn;

use super::Checkpoints;
use super::desk::{Answer, Desk, Order};

/// About how many bytes of state a turn encodes: half a millisecond, forty times a second at the default interval of
/// transactions, so that a worker spends a fiftieth of its time on a checkpoint and writes 5 MB/s.
const SLICE_BYTES: usize = 128 * 1024;
/// How long the worker waits for records while a checkpoint is under way and nothing else happens.
pub(crate) const HURRY: Duration = Duration::from_millis(2);
/// How long a partition's next commit is waited for once the end of its topic is known.
const COMMIT_WAIT: Duration = Duration::from_secs(1);
/// After a failure a partition waits this long, or the interval where that is shorter.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// A partition as a checkpoint sees it.
pub(crate) struct Sitter<'s> {
    pub(crate) partition: u32,
    pub(crate) state: &'s Partition,
    /// One past the last committed offset of each input.
    pub(crate) read: &'s [InputOffset],
    pub(crate) rule_epoch: i64,
}

/// See the module.
pub(crate) struct Capture {
    checkpoints: Arc<Checkpoints>,
    desk: Arc<Desk>,
    clock: Arc<dyn Clock>,
    encoder: Encoder,
    stage: Stage,
    /// By partition: what its newest checkpoint covers, and when to look at it again.
    taken: HashMap<u32, Taken>,
}

#[derive(Clone, Copy, Debug)]
struct Taken {
    sequence: i64,
    at: Duration,
    /// Not before.
    earliest: Duration,
}

/// The end of the state topic, and the last block of ours when it was told.
#[derive(Clone, Copy, Debug)]
struct TopicEnd {
    offset: i64,
    sequence: i64,
}

enum Stage {
    Idle,
    /// The thread asks the log how far the state topic reaches; then a commit is waited for (CK-2).
    Asked {
        partition: u32,
        since: Duration,
        end: Option<TopicEnd>,
    },
    Scanning {
        partition: u32,
        covered: i64,
        cursor: ScanCursor,
    },
    /// The thread ends it.
    Closing {
        partition: u32,
        covered: i64,
    },
}

impl Capture {
    pub(crate) fn new(checkpoints: Arc<Checkpoints>, desk: Arc<Desk>, clock: Arc<dyn Clock>) -> Capture {
        let taken = HashMap::new();
        Capture { checkpoints, desk, clock, encoder: Encoder::new(), stage: Stage::Idle, taken }
    }

    /// A partition was restored, with the help of a checkpoint that covers this block; 0 without.
    pub(crate) fn restored(&mut self, partition: u32, sequence: i64) {
        let now = self.clock.monotonic();
        self.taken.insert(partition, Taken { sequence, at: now, earliest: now });
    }

    /// A partition is taken away; a checkpoint of it that is under way is given up. The block that its newest one covers.
    pub(crate) fn revoked(&mut self, partition: u32) -> i64 {
        let taken = self.taken.remove(&partition);
        if self.stage.partition() == Some(partition) {
            self.desk.give_up();
            self.stage = Stage::Idle;
        }
        taken.map_or(0, |taken| taken.sequence)
    }

    /// Whether a slice waits to be taken.
    pub(crate) fn is_scanning(&self) -> bool {
        matches!(self.stage, Stage::Scanning { .. })
    }

    /// One turn: to be called while no batch is open (CK-1).
    pub(crate) fn turn<'s>(&mut self, sitters: impl Iterator<Item = Sitter<'s>> + Clone) {
        let answer = self.desk.answer();
        let sitter = |partition: u32| sitters.clone().find(|sitter| sitter.partition == partition);
        if let (Some(partition), Some(Answer::Failed)) = (self.stage.partition(), answer) {
            self.postpone(partition);
        }
        match &self.stage {
            Stage::Idle => {
                if let Some(partition) = self.due(sitters) {
                    self.desk.begin(partition);
                    self.stage = Stage::Asked { partition, since: self.clock.monotonic(), end: None };
                }
            }
            Stage::Asked { partition, since, end } => {
                let (partition, since) = (*partition, *since);
                let Some(sitter) = sitter(partition) else { return };
                let sequence = sitter.state.position().sequence;
                match (answer, *end) {
                    (Some(Answer::Ready { offset }), _) => {
                        let end = Some(TopicEnd { offset, sequence });
                        self.stage = Stage::Asked { partition, since: self.clock.monotonic(), end };
                    }
                    (_, Some(end)) if sequence > end.sequence => self.begin(&sitter, end.offset),
                    (_, Some(_)) if self.clock.monotonic() > since + COMMIT_WAIT => self.postpone(partition),
                    _ => {}
                }
            }
            Stage::Scanning { partition, .. } => {
                if let Some(sitter) = sitter(*partition) {
                    self.slice(&sitter);
                }
            }
            Stage::Closing { partition, covered } => {
                if answer == Some(Answer::Written) {
                    let (partition, sequence) = (*partition, *covered);
                    self.restored(partition, sequence);
                    self.stage = Stage::Idle;
                }
            }
        }
    }

    /// The partition that has waited longest of those that are due.
    fn due<'s>(&self, sitters: impl Iterator<Item = Sitter<'s>>) -> Option<u32> {
        let config = &self.checkpoints.config;
        if config.interval_s == 0 {
            return None;
        }
        let now = self.clock.monotonic();
        let due = sitters.filter_map(|sitter| {
            let taken = self.taken.get(&sitter.partition)?;
            let blocks = u64::try_from(sitter.state.position().sequence - taken.sequence).unwrap_or_default();
            let is_due = blocks > 0 && (now >= taken.at + config.interval() || blocks >= config.interval_blocks);
            (is_due && now >= taken.earliest).then_some((taken.at, sitter.partition))
        });
        due.min().map(|(_, partition)| partition)
    }

    fn begin(&mut self, sitter: &Sitter<'_>, offset: i64) {
        let shelf: Shelf = match self.checkpoints.shelf(sitter.partition) {
            Ok(shelf) => shelf,
            Err(error) => {
                warn!(error = %error, "no checkpoint is taken");
                return self.postpone(sitter.partition);
            }
        };
        let position = sitter.state.position();
        let header = Header {
            origin: shelf.origin().clone(),
            sequence: position.sequence,
            chain: position.chain,
            offset,
            rule_epoch: sitter.rule_epoch,
            inputs: sitter.read.to_vec(),
            begun_at: self.clock.wall().0,
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
        };
        self.desk.put(Order::Open(Box::new(header)));
        self.stage =
            Stage::Scanning { partition: sitter.partition, covered: position.sequence, cursor: ScanCursor::default() };
    }

    fn slice(&mut self, sitter: &Sitter<'_>) {
        let Stage::Scanning { partition, covered, cursor } = &mut self.stage else { return };
        let Some(mut record) = self.desk.buffer() else { return };
        let Some(block) = sitter.state.scan(sitter.partition, cursor, SLICE_BYTES) else {
            let position = sitter.state.position();
            self.desk.put(Order::Close { sequence: position.sequence, chain: position.chain });
            self.stage = Stage::Closing { partition: *partition, covered: *covered };
            return;
        };
        let keys: usize = block.seen.iter().map(|day| day.keys.len()).sum();
        let entries = block.lead_entries.len() + block.conversation_entries.len() + block.disabled.len() + keys;
        if let Err(error) = self.encoder.state_block(&block, &mut record) {
            warn!(error = %error, "no checkpoint is taken");
            self.desk.give_up();
            return self.postpone(sitter.partition);
        }
        self.desk.put(Order::Slice { entries: u32::try_from(entries).unwrap_or(u32::MAX), record });
    }

    fn postpone(&mut self, partition: u32) {
        self.stage = Stage::Idle;
        let wait = RETRY_AFTER.min(self.checkpoints.config.interval());
        if let Some(taken) = self.taken.get_mut(&partition) {
            taken.earliest = self.clock.monotonic() + wait;
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.desk.give_up();
    }
}

impl Stage {
    fn partition(&self) -> Option<u32> {
        match self {
            Stage::Idle => None,
            Stage::Asked { partition, .. } | Stage::Scanning { partition, .. } | Stage::Closing { partition, .. } => {
                Some(*partition)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kilat_domain::{Fate, InputRange};
    use kilat_engine::BatchHeader;
    use kilat_log::{Embedded, EmbeddedOptions, SystemClock};

    use super::*;
    use crate::checkpoints::CheckpointConfig;

    /// Writes a block and takes it for committed.
    fn commit(state: &mut Partition) {
        let from = state.position().sequence;
        let header = BatchHeader {
            partition: 0,
            inputs: vec![InputRange { input: 0, from, next: from + 1 }],
            fates: Fate::runs(&[Fate::DeadLettered]),
            decisions: 0,
            actions: 0,
            rule_epoch: 0,
            clock: None,
        };
        assert_eq!(state.blocks(header).len(), 1);
        state.settle();
    }

    #[test]
    fn a_checkpoint_covers_a_block_that_was_committed_after_the_end_of_the_topic_was_told() {
        let dir = tempfile::tempdir().unwrap();
        let log = Arc::new(Embedded::open(dir.path(), EmbeddedOptions::default()).unwrap());
        let store = kilat_checkpoint::open("memory:///", []).unwrap();
        let config = CheckpointConfig { interval_blocks: 1, ..CheckpointConfig::default() };
        let checkpoints = Arc::new(Checkpoints::new(store, config, log, "test".to_owned()));
        let desk = Arc::new(Desk::default());
        let mut capture = Capture::new(checkpoints, Arc::clone(&desk), Arc::new(SystemClock::new()));
        let mut state = Partition::new();
        let turn = |capture: &mut Capture, state: &Partition| {
            capture.turn((0..1).map(|partition| Sitter { partition, state, read: &[], rule_epoch: 0 }));
            desk.take()
        };
        capture.restored(0, 0);
        commit(&mut state);
        let Some((number, Order::Prepare { partition: 0 })) = turn(&mut capture, &state) else {
            panic!("the end is asked for");
        };
        // Where this worker has lost its place and does not know, blocks of another lie before this end, unseen.
        desk.reply(number, Answer::Ready { offset: 70 });
        assert!(turn(&mut capture, &state).is_none());
        assert!(turn(&mut capture, &state).is_none(), "no block is known to lie behind offset 70");
        commit(&mut state);
        match turn(&mut capture, &state) {
            Some((_, Order::Open(header))) => assert_eq!((header.sequence, header.offset), (2, 70)),
            order => panic!("the checkpoint is begun: {order:?}"),
        }
    }
}
