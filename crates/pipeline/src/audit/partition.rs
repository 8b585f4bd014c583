//! One partition of the input: its blocks in order, and what each of them is held against.

use std::sync::Arc;

use kilat_codec::Topic;
use kilat_domain::{Fate, Lane};
use kilat_log::{LogError, PartitionedLog, partition_of};
use rustc_hash::{FxHashMap, FxHashSet};

use super::difference::{Difference, Law};
use super::entries::{Block, Decided, Id, Input};
use super::findings::Findings;
use super::keys::{Before, Keys};
use super::minutes::Minutes;
use super::outputs::Outputs;
use super::passed::Place;
use crate::config::Topics;
use crate::recorded::Recorded;

/// Decisions of other partitions that are looked past for a further one about the same event: those of a spread workspace come
/// from several producers.
const BETWEEN_MAX: usize = 256;

/// A partition of the input and of the state.
pub(super) struct Partition {
    log: Arc<dyn PartitionedLog>,
    number: u32,
    pub(super) blocks: Recorded<Block>,
    /// Opened where the first block that names them begins.
    inputs: [Option<Recorded<Input>>; Topics::INPUTS.len()],
    /// One past the last record that a block covers.
    covered: [i64; Topics::INPUTS.len()],
    /// Whether the first block there is does not begin the partition.
    is_late: Option<bool>,
    keys: Keys,
    minutes: Minutes,
    /// Where the last claimed record of each output partition stands: what belongs to one input partition stands in order.
    last: FxHashMap<(&'static str, u32), i64>,
}

/// What differs of an event that was passed on, by where it first stood.
pub(super) fn of_passed((input, partition, offset): Place, expected: &str, found: &str) -> Difference {
    Difference {
        law: Law::PassedOn,
        topic: Topics::INPUTS[input.min(Topics::EVENTS - 1)].name(),
        partition,
        offset: Some(offset),
        workspace: None,
        event_id: None,
        action_id: None,
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

/// What a block still says of decisions and actions while its records are gone through.
struct Claims {
    sequence: i64,
    /// Decisions beyond one an event: about what events introduced and caused.
    further: i64,
    decisions: i64,
    queued: i64,
}

impl Partition {
    pub(super) fn new(log: &Arc<dyn PartitionedLog>, number: u32) -> Partition {
        Partition {
            log: Arc::clone(log),
            number,
            blocks: Recorded::new(log, Topic::State.name(), number, 0),
            inputs: [const { None }; Topics::INPUTS.len()],
            covered: [0; Topics::INPUTS.len()],
            is_late: None,
            keys: Keys::default(),
            minutes: Minutes::default(),
            last: FxHashMap::default(),
        }
    }

    /// Whether no block of it was looked at.
    pub(super) fn is_new(&self) -> bool {
        self.is_late.is_none()
    }

    /// Whether blocks before the first one are no longer there.
    pub(super) fn is_late(&self) -> bool {
        self.is_late == Some(true)
    }

    /// New blocks may have come, and records with them.
    pub(super) fn unsettle_inputs(&mut self) {
        self.inputs.iter_mut().flatten().for_each(Recorded::unsettle);
    }

    /// Events that were passed on to here, and are in no block yet: where they came from. Everything that is there now.
    pub(super) fn on_the_way(&mut self) -> Result<Vec<Place>, LogError> {
        let input = Topics::EVENTS;
        let (log, number) = (&self.log, self.number);
        let recorded =
            self.inputs[input].get_or_insert_with(|| Recorded::new(log, Topics::INPUTS[input].name(), number, 0));
        recorded.read_to_end()?;
        let from = recorded.ahead().filter_map(|record| record.from);
        Ok(from.map(|from| (from.input, from.partition, from.offset)).collect())
    }

    /// Holds a block against the topics.
    pub(super) fn check(
        &mut self,
        block: Block,
        outputs: &mut Outputs,
        findings: &mut Findings,
    ) -> Result<(), LogError> {
        findings.totals.blocks += 1;
        let is_late = *self.is_late.get_or_insert(block.sequence != 1);
        if is_late {
            self.keys.forget_the_past();
        }
        if let Some(broken) = &block.broken {
            findings.differs(Difference {
                offset: Some(block.offset),
                ..self.of_block(Law::Chain, "a block that follows on the one before", broken.clone())
            });
        }
        if block.partition != i32::try_from(self.number).unwrap_or(i32::MAX) {
            let found = format!("a block of partition {}", block.partition);
            findings.differs(Difference {
                offset: Some(block.offset),
                ..self.of_block(Law::Chain, "a block of this partition", found)
            });
        }
        let records = self.records_of(&block, is_late, findings)?;
        self.judge(&block, records, outputs, findings)?;
        self.settle(false, findings);
        Ok(())
    }

    /// Tells of the workspaces and minutes that do not add up and are settled.
    pub(super) fn settle(&mut self, at_the_end: bool, findings: &mut Findings) {
        for (minute, workspace, row) in self.minutes.settle(at_the_end) {
            let sum = row.evaluated + row.duplicates + row.dead_lettered + row.passed_on;
            let expected = format!("{} events of the minute from {minute} to be answered", row.events);
            let found = format!(
                "{sum}: {} evaluated + {} duplicates + {} dead-lettered + {} passed on",
                row.evaluated, row.duplicates, row.dead_lettered, row.passed_on
            );
            findings.differs(Difference {
                topic: Topics::INPUTS[0].name(),
                workspace: Some(workspace.into()),
                ..self.of_block(Law::Conservation, &expected, found)
            });
        }
    }

    /// The input records that a block covers, in its order, with the input they came from.
    fn records_of(
        &mut self,
        block: &Block,
        is_late: bool,
        findings: &mut Findings,
    ) -> Result<Vec<(usize, Input)>, LogError> {
        let mut records = Vec::new();
        for range in &block.inputs {
            let Some(input) = usize::try_from(range.input).ok().filter(|input| *input < self.inputs.len()) else {
                continue;
            };
            let topic = Topics::INPUTS[input].name();
            if range.from < self.covered[input] {
                let found = format!("{} to {} again in block {}", range.from, range.next, block.sequence);
                let expected = format!("records from {} on", self.covered[input]);
                findings.differs(Difference {
                    topic,
                    offset: Some(range.from),
                    ..self.of_block(Law::Coverage, &expected, found)
                });
            }
            let recorded = self.inputs[input].get_or_insert_with(|| {
                let from = if is_late { range.from } else { 0 };
                Recorded::new(&self.log, topic, self.number, from)
            });
            while recorded.front()?.is_some_and(|front| front.offset < range.next) {
                let Some(record) = recorded.take_front() else { break };
                let is_last = record.offset == range.next - 1;
                if record.offset >= range.from {
                    records.push((input, record));
                } else {
                    if input < Topics::EVENTS {
                        self.minutes.count(&record.workspace(), record.at, None);
                        findings.totals.events += 1;
                    }
                    findings.differs(Difference {
                        law: Law::Coverage,
                        topic,
                        partition: self.number,
                        offset: Some(record.offset),
                        workspace: Some(record.workspace()),
                        event_id: record.event.map(|id| id.event.into()),
                        action_id: None,
                        expected: "every record to be covered by a state block".to_owned(),
                        found: format!("none: block {} goes on from offset {}", block.sequence, range.from),
                    });
                }
                if is_last {
                    break;
                }
            }
            self.covered[input] = self.covered[input].max(range.next);
        }
        Ok(records)
    }

    /// Holds every record against its fate.
    fn judge(
        &mut self,
        block: &Block,
        records: Vec<(usize, Input)>,
        outputs: &mut Outputs,
        findings: &mut Findings,
    ) -> Result<(), LogError> {
        let told = Fate::count(&block.fates);
        let there = records.len() as u64;
        findings.totals.events += records.iter().filter(|(input, _)| *input < Topics::EVENTS).count() as u64;
        let decided = Fate::of_runs(&block.fates).filter(|fate| *fate == Fate::Decided).count() as i64;
        let mut claims =
            Claims { sequence: block.sequence, further: block.decisions - decided, decisions: 0, queued: 0 };
        if told != there {
            findings.totals.unjudged += there;
            let is_gone = |(input, recorded): (usize, &Option<Recorded<Input>>)| {
                let first = recorded.as_ref().and_then(Recorded::first);
                block.inputs.iter().any(|r| r.input == input as i32 && first.is_none_or(|first| r.from < first))
            };
            let has_no_fates = block.fates.is_empty() && block.broken.is_none();
            if !has_no_fates && !self.inputs.iter().enumerate().any(is_gone) && block.broken.is_none() {
                self.differs_in_number(block, told, &records, findings);
            }
            if block.inputs.iter().any(|range| range.input == Topics::EVENTS as i32) {
                outputs.passed.forget();
            }
            // Without fates nothing is expected of an event; what it has must not be taken for what nobody claims.
            for (_, record) in &records {
                if let Some(id) = &record.event {
                    self.claim_unjudged(id, outputs, findings)?;
                }
            }
            return Ok(());
        }
        for ((input, record), fate) in records.into_iter().zip(Fate::of_runs(&block.fates)) {
            if input < Topics::EVENTS {
                self.minutes.count(&record.workspace(), record.at, Some(fate));
            }
            self.judge_one(input, &record, fate, &mut claims, outputs, findings)?;
        }
        self.compare_counts(block, &claims, findings);
        Ok(())
    }

    fn judge_one(
        &mut self,
        input: usize,
        record: &Input,
        fate: Fate,
        claims: &mut Claims,
        outputs: &mut Outputs,
        findings: &mut Findings,
    ) -> Result<(), LogError> {
        let about = |law, expected: &str, found: String| Difference {
            law,
            topic: Topics::INPUTS[input].name(),
            partition: self.number,
            offset: Some(record.offset),
            workspace: Some(record.workspace()),
            event_id: record.event.as_ref().map(|id| id.event.to_string()),
            action_id: None,
            expected: expected.to_owned(),
            found,
        };
        let place = |input: usize, offset: i64| format!("{}, offset {offset}", Topics::INPUTS[input].name());
        match fate {
            Fate::DeadLettered => {
                findings.totals.dead_lettered += 1;
                let letters = &mut outputs.letters[input];
                let at = partition_of(&record.key, letters.len() as u32) as usize;
                let letters = &mut letters[at];
                let (partition, offset) = (self.number, record.offset);
                let found =
                    letters.take(|letter| letter.source_partition == partition && letter.source_offset == offset)?;
                if found.is_none() {
                    if letters.front_is_gone() {
                        findings.totals.unjudged += 1;
                    } else {
                        let found = format!("none in partition {} of {}", letters.partition(), letters.topic());
                        findings.differs(about(Law::DeadLetters, "the dead letter of this record", found));
                    }
                }
                return Ok(());
            }
            Fate::Duplicate => {
                if input >= Topics::EVENTS {
                    return Ok(());
                }
                findings.totals.duplicates += 1;
                if self.keys.meet(input, record) == Before::Never {
                    let found =
                        format!("no earlier event of this id or message; block {} says there is", claims.sequence);
                    findings.differs(about(Law::Duplicates, "an earlier event, as this one had no effect", found));
                }
                return Ok(());
            }
            Fate::PassedOn => {
                findings.totals.passed_on += 1;
                outputs.passed.sent((input, self.number, record.offset));
                if let Before::At(earlier, offset) = self.keys.meet(input, record) {
                    let found = format!("twice: it was there before ({})", place(earlier, offset));
                    findings.differs(about(Law::Duplicates, "an event to be passed on once", found));
                }
                return Ok(());
            }
            Fate::Step => return Ok(()),
            Fate::Quiet | Fate::Decided => findings.totals.evaluated += 1,
        }
        let Some(id) = &record.event else {
            let found = format!("bytes that are no event; block {} says it was evaluated", claims.sequence);
            findings.differs(about(Law::DeadLetters, "an event", found));
            return Ok(());
        };
        match record.from.filter(|_| input >= Topics::EVENTS) {
            Some(from) => {
                if !outputs.passed.arrived(from) {
                    let found = format!("twice: {}", place(from.input.min(Topics::EVENTS - 1), from.offset));
                    findings.differs(about(Law::PassedOn, "an event to arrive once", found));
                }
            }
            None => {
                if let Before::At(earlier, offset) = self.keys.meet(input, record) {
                    let found = format!("twice: it was there before ({})", place(earlier, offset));
                    findings.differs(about(Law::Duplicates, "an event to be evaluated once", found));
                }
            }
        }
        if fate == Fate::Decided {
            self.claim(id, &place(input, record.offset), claims, outputs, findings)?;
        }
        Ok(())
    }

    /// Claims the decisions about an event, and the actions they queued.
    fn claim(
        &mut self,
        id: &Id,
        place: &str,
        claims: &mut Claims,
        outputs: &mut Outputs,
        findings: &mut Findings,
    ) -> Result<(), LogError> {
        let at = partition_of(id.workspace.as_bytes(), outputs.decisions.len() as u32) as usize;
        let Some(mut decision) = outputs.decisions[at].take(|decision| decision.answers(id))? else {
            let decisions = &outputs.decisions[at];
            if decisions.front_is_gone() {
                findings.totals.unjudged += 1;
            } else {
                let expected = format!("the decision of the event at {place}");
                let found = format!("none, though block {} says it was decided", claims.sequence);
                findings.differs(Difference {
                    topic: decisions.topic(),
                    partition: decisions.partition(),
                    workspace: Some(id.workspace.to_string()),
                    event_id: Some(id.event.to_string()),
                    ..self.of_block(Law::Decisions, &expected, found)
                });
            }
            return Ok(());
        };
        loop {
            claims.decisions += 1;
            claims.queued += decision.queued.len() as i64;
            self.accept(&decision, at, outputs, findings)?;
            if claims.further <= 0 {
                return Ok(());
            }
            match outputs.decisions[at].take_soon(decision.offset, BETWEEN_MAX, |next| next.answers(id))? {
                Some(next) => decision = next,
                None => return Ok(()),
            }
            claims.further -= 1;
        }
    }

    /// Claims what stands on the topics of an event whose fate nobody tells.
    fn claim_unjudged(&mut self, id: &Id, outputs: &mut Outputs, findings: &mut Findings) -> Result<(), LogError> {
        let at = partition_of(id.workspace.as_bytes(), outputs.decisions.len() as u32) as usize;
        loop {
            let decisions = &mut outputs.decisions[at];
            if !decisions.front()?.is_some_and(|front| front.answers(id)) {
                return Ok(());
            }
            let Some(decision) = decisions.take_front() else { return Ok(()) };
            self.accept(&decision, at, outputs, findings)?;
        }
    }

    /// Takes in a decision that was found: its place, and its actions.
    fn accept(
        &mut self,
        decision: &Decided,
        at: usize,
        outputs: &mut Outputs,
        findings: &mut Findings,
    ) -> Result<(), LogError> {
        findings.totals.decisions += 1;
        let decisions = &outputs.decisions[at];
        let (topic, partition) = (decisions.topic(), decisions.partition());
        self.in_order(topic, partition, decision.offset, &decision.id, None, findings);
        let key = format!("{}/{}", decision.id.workspace, decision.conversation);
        for (lane, action_id) in &decision.queued {
            let lane = Lane::ALL.iter().position(|known| known == lane).unwrap_or_default();
            let actions = &mut outputs.actions[lane];
            let at = partition_of(key.as_bytes(), actions.len() as u32) as usize;
            let actions = &mut actions[at];
            let (topic, partition) = (actions.topic(), actions.partition());
            let about = |offset, expected: &str, found: String| Difference {
                law: Law::Actions,
                topic,
                partition,
                offset,
                workspace: Some(decision.id.workspace.to_string()),
                event_id: Some(decision.id.event.to_string()),
                action_id: Some(action_id.to_string()),
                expected: expected.to_owned(),
                found,
            };
            let Some(action) = actions.take(|action| action.id == *action_id)? else {
                if actions.front_is_gone() {
                    findings.totals.unjudged += 1;
                } else {
                    let found = format!("none; the decision at offset {} queued it", decision.offset);
                    findings.differs(about(None, "this action", found));
                }
                continue;
            };
            findings.totals.actions += 1;
            if action.event != decision.id {
                let found = format!("event {} of {}", action.event.event, action.event.workspace);
                findings.differs(about(Some(action.offset), "the event of the decision that queued it", found));
            }
            self.in_order(topic, partition, action.offset, &decision.id, Some(action_id), findings);
            outputs.waits(action.id);
        }
        Ok(())
    }

    /// Whether a record stands after the last one of this input partition.
    fn in_order(
        &mut self,
        topic: &'static str,
        partition: u32,
        offset: i64,
        id: &Id,
        action_id: Option<&str>,
        findings: &mut Findings,
    ) {
        let last = self.last.entry((topic, partition)).or_insert(-1);
        if offset > *last {
            *last = offset;
            return;
        }
        findings.differs(Difference {
            law: Law::Order,
            topic,
            partition,
            offset: Some(offset),
            workspace: Some(id.workspace.to_string()),
            event_id: Some(id.event.to_string()),
            action_id: action_id.map(str::to_owned),
            expected: format!(
                "a place after offset {last}, where an earlier event of input partition {} was answered",
                self.number
            ),
            found: "this record before it".to_owned(),
        });
    }

    /// Holds what was found of a block against the numbers in its header.
    fn compare_counts(&self, block: &Block, claims: &Claims, findings: &mut Findings) {
        let of = |what: &str, number: i64| format!("{number} {what} of block {}", block.sequence);
        if claims.further > 0 {
            let found = of("decisions", block.decisions - claims.further);
            findings.differs(Difference {
                topic: Topic::Decisions.name(),
                ..self.of_block(Law::Decisions, &of("decisions", block.decisions), found)
            });
        } else if claims.queued != block.actions && claims.decisions == block.decisions {
            let found = of("actions that its decisions queued", claims.queued);
            findings.differs(self.of_block(Law::Actions, &of("actions", block.actions), found));
        }
    }

    /// A block answered another number of records than there are.
    fn differs_in_number(&self, block: &Block, told: u64, records: &[(usize, Input)], findings: &mut Findings) {
        // The first place where offsets jump; on Kafka they also do where a transaction ends.
        let there: FxHashSet<(usize, i64)> = records.iter().map(|(input, record)| (*input, record.offset)).collect();
        let ranges = block.inputs.iter().map(|range| (range.input as usize, range.from..range.next));
        let places = ranges.flat_map(|(input, offsets)| offsets.map(move |offset| (input, offset)));
        let first = places.take(there.len() + told as usize + 1).find(|place| !there.contains(place));
        let topic = Topics::INPUTS[first.map_or(0, |(input, _)| input)].name();
        let expected = format!("{told} records, as block {} answered them", block.sequence);
        let found = format!("{} in its input ranges; the first offset without a record is told", records.len());
        findings.differs(Difference {
            topic,
            offset: first.map(|(_, offset)| offset),
            ..self.of_block(Law::Coverage, &expected, found)
        });
    }

    fn of_block(&self, law: Law, expected: &str, found: String) -> Difference {
        Difference {
            law,
            topic: Topic::State.name(),
            partition: self.number,
            offset: None,
            workspace: None,
            event_id: None,
            action_id: None,
            expected: expected.to_owned(),
            found,
        }
    }
}
