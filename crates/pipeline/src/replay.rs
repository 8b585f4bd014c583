//! Replay: recorded input through the pipeline's own code once more, held against what was committed then.
//!
//! Input: the topics of a log. Output: for every state block whether the same input gave the same fates, decisions, actions
//! and state, and where not, the first difference.
//!
//! A block's header says everything a batch could not derive from its input: which records, in which order, under which
//! rule sets, at what time. `Batch` is the worker's own, and the block it gives carries the chain, a hash over all that came
//! before and all that it holds: equal chains mean equal state.
//!
//! - **RP-1:** nothing is written and nothing is sent: a replay has no writer and no executor.
//! - **RP-2:** what the log no longer has (input, rule sets, blocks) ends the replay with its name, never with a guess.
//!
//! Absent: input that no block covers yet.

mod fields;
mod rules;
mod whole;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kilat_checkpoint::InputOffset;
use kilat_codec::Topic;
use kilat_domain::{Decision, Fate, InputRange, Lane, Timestamp};
use kilat_engine::Partition;
use kilat_log::{Clock, LogError, PartitionedLog, Record, Start, partition_of};

use self::fields::first_difference;
use self::rules::RuleHistory;
use self::whole::{Answer, Header, Whole};
use crate::config::{Config, Topics};
use crate::passed_on::PassedOn;
use crate::recorded::Recorded;
use crate::registry::Snapshot;
use crate::restore;
use crate::service::PipelineError;
use crate::worker::{Batch, Owned};

/// Records handed to the engine at once.
const RECORDS_AT_ONCE: usize = 4_096;
/// Decisions looked at to tell whether a difference comes from rules that are gone.
const LOOKED_AT_MAX: usize = 10_000;
const POLL: Duration = Duration::from_millis(100);

/// Why a replay cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The state before the first block could not be restored, or something could not be encoded.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The partition does not exist.
    #[error("there is no partition {partition}: kilat.state.v1 has {partitions}. help: name one from 0 to {}", partitions - 1)]
    NoPartition {
        /// As asked for.
        partition: u32,
        /// How many there are.
        partitions: u32,
    },
    /// The state before the first block that is there is not in blocks any more.
    #[error(
        "blocks of partition {partition} before number {first} were trimmed from kilat.state.v1, and a replay does not \
         begin at a checkpoint yet. help: replay a copy of the log from before they were trimmed"
    )]
    Trimmed {
        /// The partition.
        partition: u32,
        /// The first block there is.
        first: i64,
    },
    /// A block is no longer there, or not there yet.
    #[error(
        "block {sequence} of partition {partition} is not on kilat.state.v1, which has {there}. \
         help: name one of these with --from"
    )]
    NoBlock {
        /// The partition.
        partition: u32,
        /// The sequence number asked for.
        sequence: i64,
        /// What is there.
        there: String,
    },
    /// Input records are no longer there.
    #[error(
        "block {sequence} of partition {partition} answered {told} records and {found} of them are there: {topic} no longer \
         has offset {offset}. help: start after it with --from {}, or restore the topic from a backup", sequence + 1
    )]
    InputGone {
        /// The partition.
        partition: u32,
        /// The block.
        sequence: i64,
        /// How many records the block answered.
        told: u64,
        /// How many are there.
        found: u64,
        /// The topic.
        topic: &'static str,
        /// The first offset without a record.
        offset: i64,
    },
    /// A block of a version that did not say enough.
    #[error(
        "block at offset {offset} of kilat.state.v1, partition {partition}, is of a version whose blocks cannot be replayed. \
         help: start after the last of them: --from 1 where the chain begins"
    )]
    TooOld {
        /// The partition.
        partition: u32,
        /// The block's offset.
        offset: i64,
    },
    /// A rule set was compacted away.
    #[error(
        "the rules of workspace `{workspace}` that were live then ({hash}, before offset {epoch} of kilat.rules.v1) are no \
         longer on the topic: only the newest version of a workspace is kept for good. help: start with --from at a block \
         after the newest version was published; this one is block {sequence}"
    )]
    RulesGone {
        /// The workspace.
        workspace: String,
        /// Content hash of the rule set, as a decision names it.
        hash: String,
        /// The block's rule epoch.
        epoch: i64,
        /// The block.
        sequence: i64,
    },
}

/// What came of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Sequence number of the block.
    pub sequence: i64,
    /// Input records.
    pub records: u64,
    /// Decisions.
    pub decisions: u64,
    /// Actions.
    pub actions: u64,
    /// The first difference from what was committed.
    pub divergence: Option<Divergence>,
}

/// A difference between what was committed and what the replay gave.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Divergence {
    /// The topic.
    pub topic: &'static str,
    /// The field, or what the record is about.
    pub what: String,
    /// As committed.
    pub committed: String,
    /// As replayed.
    pub replayed: String,
}

/// A record the replay would have written.
#[derive(Clone, Copy, Debug)]
pub struct Produced<'a> {
    /// The block it belongs to.
    pub sequence: i64,
    /// Its topic.
    pub topic: Topic,
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

/// A replay of one partition under way.
pub struct Replay {
    log: Arc<dyn PartitionedLog>,
    partition: u32,
    blocks: Recorded<Header>,
    inputs: [Recorded<Whole>; Topics::INPUTS.len()],
    rules: RuleHistory,
    clock: Arc<RecordedClock>,
    batch: Batch,
    owned: Vec<Option<Owned>>,
    decisions: Vec<Recorded<Answer>>,
    actions: Vec<Vec<Recorded<Answer>>>,
    /// What was sent to engines of other partitions.
    sent: Vec<Recorded<Answer>>,
    /// A committed record that differs from what the replay gave.
    suspect: Option<Box<[u8]>>,
}

impl Replay {
    /// A replay of `partition` from the block with the sequence number `from` on. The state before it is taken from the
    /// blocks before it.
    pub fn open(log: &Arc<dyn PartitionedLog>, partition: u32, from: i64) -> Result<Replay, ReplayError> {
        let partitions = restore::check_partition_counts(&**log)?;
        if partition >= partitions {
            return Err(ReplayError::NoPartition { partition, partitions });
        }
        let (state, read, offset) = state_before(&**log, partition, from.max(1))?;
        let rules = RuleHistory::new(log);
        let clock = Arc::new(RecordedClock::default());
        let batch = Batch::new(rules.registry(), &Config::default(), Arc::clone(&clock) as Arc<dyn Clock>, partitions);
        let mut owned: Vec<Option<Owned>> = (0..partition).map(|_| None).collect();
        owned.push(Some(Owned::new(state, read, 0)));
        let answers = |topic: Topic| -> Result<Vec<Recorded<Answer>>, LogError> {
            let count = log.partitions(topic.name())?;
            Ok((0..count).map(|number| Recorded::new(log, topic.name(), number, 0)).collect())
        };
        Ok(Replay {
            log: Arc::clone(log),
            partition,
            blocks: Recorded::new(log, Topic::State.name(), partition, offset),
            inputs: Topics::INPUTS.map(|topic| Recorded::new(log, topic.name(), partition, 0)),
            rules,
            clock,
            batch,
            owned,
            decisions: answers(Topic::Decisions)?,
            actions: Lane::ALL.map(|lane| answers(Topic::of_lane(lane))).into_iter().collect::<Result<_, _>>()?,
            sent: answers(Topic::Spread)?,
            suspect: None,
        })
    }

    /// Replays the next block; `None` after the last one. After a divergence the replay's state is no longer that of the
    /// engine, and going on says nothing.
    pub fn next(&mut self, each: &mut dyn FnMut(Produced<'_>)) -> Result<Option<Replayed>, ReplayError> {
        let Some(header) = self.blocks.front()? else { return Ok(None) };
        let (offset, sequence, epoch) = (header.offset, header.sequence, header.rule_epoch);
        if sequence == 0 || header.clock.is_none() || (header.fates.is_empty() && !header.inputs.is_empty()) {
            return Err(ReplayError::TooOld { partition: self.partition, offset });
        }
        let (inputs, fates, clock) = (header.inputs.clone(), header.fates.clone(), header.clock);
        self.clock.set(clock);
        if let Some(registry) = self.rules.reach(epoch)? {
            self.batch.snapshot = Snapshot::new(registry);
        }
        self.batch.snapshot.refresh();
        let records = self.take(&inputs, Fate::count(&fates), sequence)?;
        self.batch.close(&mut self.owned)?;
        let divergence = self.compare(sequence, epoch, each)?;
        let replayed = Replayed {
            sequence,
            records,
            decisions: self.batch.counts.decisions,
            actions: self.batch.counts.actions,
            divergence,
        };
        self.owned.iter_mut().flatten().for_each(Owned::settle);
        self.batch.begin();
        Ok(Some(replayed))
    }

    /// Hands the recorded input to the batch, as it was interleaved.
    fn take(&mut self, inputs: &[InputRange], told: u64, sequence: i64) -> Result<u64, ReplayError> {
        let mut found = 0;
        let mut gap = None;
        for range in inputs {
            let input = usize::try_from(range.input).unwrap_or_default().min(Topics::INPUTS.len() - 1);
            let recorded = &mut self.inputs[input];
            recorded.skip_to(range.from);
            let mut expected = range.from;
            loop {
                let mut taken: Vec<Whole> = Vec::new();
                while taken.len() < RECORDS_AT_ONCE && expected < range.next {
                    if recorded.front()?.is_none_or(|front| front.offset >= range.next) {
                        break;
                    }
                    let Some(record) = recorded.take_front() else { break };
                    if record.offset < range.from {
                        continue;
                    }
                    if record.offset > expected {
                        gap.get_or_insert((input, expected));
                    }
                    expected = record.offset + 1;
                    taken.push(record);
                }
                if taken.is_empty() {
                    break;
                }
                found += taken.len() as u64;
                let records: Vec<Record<'_>> = taken.iter().map(|whole| whole.record(input, self.partition)).collect();
                self.batch.take(&records, &mut self.owned);
            }
            if expected < range.next {
                gap.get_or_insert((input, expected));
            }
        }
        if found != told {
            let (input, offset) = gap.unwrap_or_default();
            let topic = Topics::INPUTS[input].name();
            return Err(ReplayError::InputGone { partition: self.partition, sequence, told, found, topic, offset });
        }
        Ok(found)
    }

    /// Holds what the batch would commit against what was committed.
    fn compare(
        &mut self,
        sequence: i64,
        epoch: i64,
        each: &mut dyn FnMut(Produced<'_>),
    ) -> Result<Option<Divergence>, ReplayError> {
        let mut divergence: Option<Divergence> = None;
        for record in self.batch.transaction.records() {
            let Some(topic) = Topics::OUTPUTS.get(record.output).copied() else { continue };
            let (key, value) = (record.key, record.value.unwrap_or_default());
            each(Produced { sequence, topic, key, value });
            if divergence.is_some() {
                continue;
            }
            let answers = match topic {
                Topic::Decisions => &mut self.decisions,
                Topic::ActionsPartner => &mut self.actions[0],
                Topic::ActionsMeta => &mut self.actions[1],
                Topic::ActionsWebhook => &mut self.actions[2],
                Topic::Spread => {
                    let from = record.headers().filter(|(name, _)| *name == PassedOn::HEADER).last();
                    let from = from.and_then(|(_, from)| std::str::from_utf8(from).ok());
                    let id = whole::id_of_sent(from, value).unwrap_or_default();
                    let at = record.partition.unwrap_or_default() as usize;
                    divergence =
                        compare_answer(topic, id, &mut self.sent[at], value)?.map(|unequal| unequal.divergence);
                    continue;
                }
                Topic::State => {
                    divergence = compare_block(&*self.log, &mut self.blocks, value)?;
                    continue;
                }
                _ => continue,
            };
            let at = partition_of(key, answers.len() as u32) as usize;
            if let Some(unequal) =
                compare_answer(topic, whole::id_of(topic, value).unwrap_or_default(), &mut answers[at], value)?
            {
                (divergence, self.suspect) = (Some(unequal.divergence), unequal.committed);
            }
        }
        if divergence.is_some() {
            self.blame_rules(sequence, epoch)?;
        }
        Ok(divergence)
    }

    /// Whether the decisions that follow were made under rules that are no longer there.
    fn blame_rules(&mut self, sequence: i64, epoch: i64) -> Result<(), ReplayError> {
        for answers in &mut self.decisions {
            answers.front()?;
        }
        let ahead = self.decisions.iter().flat_map(|answers| answers.ahead().take(LOOKED_AT_MAX));
        for value in self.suspect.iter().chain(ahead.map(|answer| &answer.value)) {
            let Ok(Decision { workspace, rule_set, .. }) = kilat_codec::decode_decision(value) else { continue };
            if !self.rules.knows(&rule_set)? {
                let (workspace, hash) = (workspace.to_string(), rule_set.to_string());
                return Err(ReplayError::RulesGone { workspace, hash, epoch, sequence });
            }
        }
        Ok(())
    }
}

/// The time that the blocks say it was.
#[derive(Debug, Default)]
struct RecordedClock {
    /// Milliseconds; of a block that does not say, the latest there is, which holds nothing back.
    wall: AtomicI64,
}

impl RecordedClock {
    fn set(&self, wall: Option<Timestamp>) {
        self.wall.store(wall.map_or(i64::MAX, |wall| wall.0), Ordering::Relaxed);
    }
}

impl Clock for RecordedClock {
    fn wall(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn rest(&self, _: Duration) {}
}

/// The state before the block `from`, how far the inputs were read, and the offset of that block.
fn state_before(
    log: &dyn PartitionedLog,
    partition: u32,
    from: i64,
) -> Result<(Partition, Vec<InputOffset>, i64), ReplayError> {
    let (mut state, mut read) = (Partition::new(), Vec::new());
    let mut follower = log.follow(Topic::State.name(), Some(&[partition]), Start::Earliest)?;
    let mut there: Option<(i64, i64)> = None;
    let mut found = None;
    let mut broken = None;
    loop {
        let followed = follower.poll(POLL, &mut |record| {
            let (Some(value), None, None) = (record.value, found, &broken) else { return };
            let offset = record.offset;
            match kilat_codec::decode_state_block(value) {
                Ok(block) => {
                    let sequence = block.sequence;
                    there = Some((there.map_or(sequence, |(first, _)| first), sequence));
                    if there.is_some_and(|(first, _)| first > 1) {
                        return;
                    }
                    if sequence == from {
                        found = Some(offset);
                        return;
                    }
                    restore::note_read(&mut read, &block.inputs);
                    if let Err(source) = state.restore(block) {
                        broken = Some(PipelineError::BrokenChain { partition, offset, source });
                    }
                }
                Err(source) => broken = Some(PipelineError::StateBlock { partition, offset, source }),
            }
        })?;
        if let Some(offset) = found {
            return Ok((state, read, offset));
        }
        if let Some((first, _)) = there.filter(|(first, _)| *first > 1) {
            return Err(ReplayError::Trimmed { partition, first });
        }
        if let Some(broken) = broken {
            return Err(broken.into());
        }
        if followed.caught_up {
            // A partition without blocks has nothing to replay, which is no mistake.
            if there.is_none() && from == 1 {
                return Ok((state, read, 0));
            }
            let there = there.map_or_else(|| "none".to_owned(), |(first, last)| format!("{first} to {last}"));
            return Err(ReplayError::NoBlock { partition, sequence: from, there });
        }
    }
}

/// A decision or an action that differs from the committed one, where there is one.
struct Unequal {
    divergence: Divergence,
    committed: Option<Box<[u8]>>,
}

/// Holds a decision or an action, or what was sent to another partition, against the committed one.
fn compare_answer(
    topic: Topic,
    id: String,
    answers: &mut Recorded<Answer>,
    value: &[u8],
) -> Result<Option<Unequal>, ReplayError> {
    let line = |value: &[u8]| kilat_codec::json::record_to_line(topic, value).unwrap_or_else(|error| error.to_string());
    // Records of other input partitions stand between; those of this one stand in order.
    while answers.front()?.is_some() {
        let Some(answer) = answers.take_front() else { break };
        if answer.id == id {
            if *answer.value == *value {
                return Ok(None);
            }
            let divergence = Divergence {
                topic: topic.name(),
                what: format!("the record at offset {} about {id}", answer.offset),
                committed: line(&answer.value),
                replayed: line(value),
            };
            return Ok(Some(Unequal { divergence, committed: Some(answer.value) }));
        }
    }
    let divergence = Divergence {
        topic: topic.name(),
        what: format!("a record about {id}"),
        committed: "none after those of earlier events".to_owned(),
        replayed: line(value),
    };
    Ok(Some(Unequal { divergence, committed: None }))
}

/// Holds a state block against the committed one. Equal chains are equal content, over all blocks so far.
fn compare_block(
    log: &dyn PartitionedLog,
    blocks: &mut Recorded<Header>,
    value: &[u8],
) -> Result<Option<Divergence>, ReplayError> {
    let topic = Topic::State.name();
    let Ok(replayed) = kilat_codec::decode_state_block(value) else { return Ok(None) };
    let Some(committed) = ({
        blocks.front()?;
        blocks.take_front()
    }) else {
        return Ok(Some(Divergence {
            topic,
            what: format!("block {}", replayed.sequence),
            committed: "none".to_owned(),
            replayed: "a block".to_owned(),
        }));
    };
    if (committed.sequence, committed.chain) == (replayed.sequence, replayed.chain) {
        return Ok(None);
    }
    let mut follower = log.follow(topic, Some(&[blocks.partition()]), Start::Offset(committed.offset))?;
    let mut divergence = None;
    let mut caught_up = false;
    while divergence.is_none() && !caught_up {
        let followed = follower.poll(POLL, &mut |record| {
            let Some(value) = record.value.filter(|_| divergence.is_none()) else { return };
            let Ok(committed) = kilat_codec::decode_state_block(value) else { return };
            divergence = Some(first_difference(&committed, &replayed));
        })?;
        caught_up = followed.caught_up;
    }
    Ok(divergence)
}
