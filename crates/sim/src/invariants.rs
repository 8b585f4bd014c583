//! What must hold of the log after a run, by name.
//!
//! The oracle is one pass of the engine, partition by partition, in the order the state blocks say the inputs were
//! interleaved: no batches but theirs, no restarts, no restores, no transactions. What it decides must be what stands in
//! the log, byte by byte. A partition's pass goes on to a block once the passes of others have given what that block read of the
//! topic on which events of spread workspaces travel between partitions.
//!
//! | name | what |
//! |---|---|
//! | `no_panic` | no thread of the product panics |
//! | `comes_to_an_end` | once faults stop, all that was fed is answered; until then something is finished every ten minutes |
//! | `never_gives_up` | no fault ends a process with an error that only people can cure |
//! | `nothing_lost` | every committed input is in a block, and all it leads to stands in the log |
//! | `nothing_doubled` | no input is in two blocks, and nothing stands in the log that no input led to |
//! | `order` | decisions of a partition, actions of a conversation stand in the order of their input |
//! | `stable_ids` | an action has the id that the oracle gives it |
//! | `one_rule_version` | an event is decided by the rules of the epoch in its block |
//! | `one_home` | a conversation and a lead are in one partition, also where its workspace was spread over others |
//! | `state_is_replay` | every block is the one that a replay from zero writes at its place, and so is every lead |
//! | `poison_is_kept` | every record that is no event is a dead letter, once |
//! | `rules_are_answered` | the newest rule set of a workspace has a status: live, or refused |
//! | `one_result` | an action has one final result, in its partition, and there is none of anything else |
//! | `one_key` | requests for an action carry its id, and have one URL and one body |
//! | `at_most_once` | what must not be done twice is done once at most, whatever answers are lost |
//! | `result_is_true` | what is said to be delivered was done; what must not be done twice and is said to have failed was not |
//! | `delivery_order` | actions of a conversation are first done at an endpoint in their order |
//! | `requests_bounded` | no session has more requests under way than it may: at all, of a workspace, to an endpoint |

mod deliveries;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use kilat_codec::{Encoder, Topic};
use kilat_domain::{Action, Decision, Entry, Explanation, LeadRecord, SpreadStep, StateBlock, Timestamp};
use kilat_engine::{Applied, BatchHeader, Outputs, Partition, ScanCursor};
use kilat_log::partition_of;
use kilat_pipeline::Topics;
use kilat_rules::RuleSet;

use crate::internet::Internet;
use crate::log::SimLog;
use crate::plan::Plan;

const INPUTS: [Topic; 3] = Topics::INPUTS;
/// The input on which engines pass events on to each other, and the header that says where such an event came from.
const SPREAD: usize = 2;
const PASSED_ON: &str = "kilat-passed-on";
pub(crate) const ACTIONS: [Topic; 3] = [Topic::ActionsPartner, Topic::ActionsMeta, Topic::ActionsWebhook];

/// What was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: &'static str,
    /// What differs.
    pub differs: String,
}

impl Violation {
    pub(crate) fn new(invariant: &'static str, differs: impl Into<String>) -> Violation {
        Violation { invariant, differs: differs.into() }
    }
}

/// Records of action topics that no engine wrote: topic, partition, offset.
pub(crate) type Injected = BTreeSet<(&'static str, u32, i64)>;

/// A record of the log, copied out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    offset: i64,
    timestamp: Timestamp,
    key: Vec<u8>,
    value: Vec<u8>,
    /// Of one that was passed on from another partition.
    passed_on: Option<String>,
}

fn read(log: &SimLog, topic: &str, partition: u32) -> Vec<Seen> {
    let mut seen = Vec::new();
    log.each(topic, partition, &mut |record| {
        seen.push(Seen {
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.unwrap_or_default().to_vec(),
            value: record.value.unwrap_or_default().to_vec(),
            passed_on: record.header(PASSED_ON).and_then(|from| String::from_utf8(from).ok()),
        });
    });
    seen
}

/// Checks what a run left.
pub(crate) fn check(
    log: &SimLog,
    plan: &Plan,
    group: &str,
    internet: &Internet,
    injected: &Injected,
) -> Result<(), Violation> {
    rules(log)?;
    let rules = History::read(log);
    let mut expected = Expected::default();
    let mut replays: Vec<Replay<'_>> =
        (0..plan.partitions).map(|partition| Replay::new(log, partition, plan.partitions, &rules)).collect();
    while replays.iter_mut().try_fold(false, |any, replay| Ok(replay.blocks(log, &mut expected)? || any))? {}
    for replay in &mut replays {
        replay.rest(log, group)?;
    }
    if let Some((partition, _, value)) = expected.sent.iter().find(|(_, count)| **count > 0).map(|(sent, _)| sent) {
        let differs = format!("kilat.spread.v1, partition {partition}, lacks {}", sent(value));
        return Err(Violation::new("nothing_lost", differs));
    }
    if plan.shares_max == 1 {
        for replay in &replays {
            decisions(log, replay.partition, &replay.decisions, Topic::Decisions)?;
            decisions(log, replay.partition, &replay.explanations, Topic::Explain)?;
        }
    } else {
        decisions_by_conversation(log, plan, &expected.decisions, Topic::Decisions)?;
        decisions_by_conversation(log, plan, &expected.explanations, Topic::Explain)?;
        one_home(&replays)?;
    }
    actions(log, plan, &expected, injected)?;
    leads(log, plan, &expected)?;
    poison(log, plan, &expected)?;
    if plan.executors > 0 { deliveries::check(log, plan, internet) } else { Ok(()) }
}

/// Whether the newest rule set of every workspace has its status; those before it may be passed over for it.
pub(crate) fn rules(log: &SimLog) -> Result<(), Violation> {
    let mut newest = BTreeMap::new();
    for Seen { key, value, .. } in read(log, Topic::Rules.name(), 0) {
        let record = kilat_codec::decode_rule_set(&value).expect("the run published it");
        let document = kilat_rules::load(&record.workspace, &record.source).documents;
        let is_live = document.first().is_some_and(|document| kilat_rules::compile(document).is_ok());
        newest.insert(key, (record.hash.to_string(), is_live));
    }
    // A process that starts tells of all that was published, from the beginning: the last status may be one of before.
    let mut told = BTreeSet::new();
    for Seen { key, value, .. } in read(log, Topic::RuleStatus.name(), 0) {
        let status = kilat_codec::decode_rule_status(&value).expect("the engine wrote it");
        told.insert((key, (status.hash.to_string(), status.live)));
    }
    match newest.into_iter().find(|expected| !told.contains(expected)) {
        None => Ok(()),
        Some((workspace, expected)) => {
            let workspace = String::from_utf8_lossy(&workspace);
            Err(Violation::new("rules_are_answered", format!("`{workspace}` never hears {expected:?}")))
        }
    }
}

/// The rule sets that were published, and what became of them.
struct History {
    /// Workspace, the epoch from which it holds, rules.
    versions: Vec<(String, i64, Rc<RuleSet>)>,
}

impl History {
    fn read(log: &SimLog) -> History {
        let mut versions = Vec::new();
        let published = read(log, Topic::Rules.name(), 0);
        for Seen { offset, key, value, .. } in &published {
            let workspace = String::from_utf8_lossy(key).into_owned();
            let record = kilat_codec::decode_rule_set(value).expect("the run published it");
            let document = kilat_rules::load(&workspace, &record.source).documents;
            let rules = document.first().and_then(|document| kilat_rules::compile(document).ok());
            versions.extend(rules.map(|rules| (workspace, offset + 1, Rc::new(rules))));
        }
        History { versions }
    }

    fn at(&self, workspace: &str, epoch: i64) -> Option<&RuleSet> {
        let mut versions = self.versions.iter().rev();
        versions.find(|(of, since, _)| of == workspace && *since <= epoch).map(|(_, _, rules)| &**rules)
    }
}

/// What must stand on topics that several input partitions write to.
#[derive(Default)]
struct Expected {
    /// Values by topic and key, in order.
    actions: HashMap<(Topic, Vec<u8>), Vec<Vec<u8>>>,
    /// The last value of each lead.
    leads: BTreeMap<Vec<u8>, Vec<u8>>,
    poison: Vec<(usize, Vec<u8>)>,
    /// By workspace and conversation, in order.
    decisions: ByConversation,
    explanations: ByConversation,
    /// How many records for other partitions' engines were written that no block has read so far: partition, where it came
    /// from, value.
    sent: HashMap<Sent, usize>,
}

type ByConversation = BTreeMap<(String, String), Vec<Vec<u8>>>;
type Sent = (u32, Option<String>, Vec<u8>);

/// One pass of the engine over one partition.
struct Replay<'r> {
    partition: u32,
    /// Of how many.
    partitions: u32,
    state: Partition,
    /// Blocks that were not gone through.
    blocks: VecDeque<Seen>,
    inputs: [Vec<Seen>; 3],
    /// Place of the next record of each input.
    next: [usize; 3],
    rules: &'r History,
    encoder: Encoder,
    epoch: i64,
    /// What append times count as at the latest.
    clock: Option<Timestamp>,
    decisions: Vec<Vec<u8>>,
    explanations: Vec<Vec<u8>>,
    /// Actions so far.
    queued: usize,
    /// Decisions and actions up to the last block.
    compared: (usize, usize),
}

/// Takes what the engine decides.
struct Taking<'t> {
    encoder: &'t Encoder,
    decisions: &'t mut Vec<Vec<u8>>,
    explanations: &'t mut Vec<Vec<u8>>,
    queued: &'t mut usize,
    expected: &'t mut Expected,
    partition: u32,
    partitions: u32,
    /// Input, offset and value of the record.
    record: (usize, i64, &'t [u8]),
}

impl Outputs for Taking<'_> {
    fn explanation(&mut self, explanation: &Explanation<'_>) {
        let mut bytes = Vec::new();
        self.encoder.explanation(explanation, &mut bytes).expect("it was encoded before");
        let place = conversation_of(
            (&explanation.workspace, explanation.conversation.as_deref()),
            (explanation.lead.as_deref(), &explanation.event_id),
        );
        self.expected.explanations.entry(place).or_default().push(bytes.clone());
        self.explanations.push(bytes);
    }

    fn decision(&mut self, decision: &Decision<'_>) {
        let mut bytes = Vec::new();
        self.encoder.decision(decision, &mut bytes).expect("it was encoded before");
        let place = conversation_of(
            (&decision.workspace, decision.conversation.as_deref()),
            (decision.lead.as_deref(), &decision.event_id),
        );
        self.expected.decisions.entry(place).or_default().push(bytes.clone());
        self.decisions.push(bytes);
    }

    fn action(&mut self, action: &Action<'_>) {
        let mut bytes = Vec::new();
        self.encoder.action(action, &mut bytes).expect("it was encoded before");
        let key = format!("{}/{}", action.workspace, action.conversation).into_bytes();
        *self.queued += 1;
        self.expected.actions.entry((Topic::of_lane(action.command.lane()), key)).or_default().push(bytes);
    }

    fn shares_max(&self, workspace: &str) -> u32 {
        if partition_of(workspace.as_bytes(), self.partitions) == self.partition { self.partitions } else { 1 }
    }

    fn pass_on(&mut self, share: u32, anchor: u32) {
        let (input, offset, value) = self.record;
        let from = format!("{input}/{}/{offset}/{anchor}", self.partition);
        let to = (self.partition + share) % self.partitions;
        *self.expected.sent.entry((to, Some(from), value.to_vec())).or_default() += 1;
    }

    fn step(&mut self, share: u32, step: &SpreadStep<'_>) {
        self.expected.sends(self.encoder, (share, self.partitions), step);
    }
}

impl Expected {
    /// A step of a move, for a share of its workspace.
    fn sends(&mut self, encoder: &Encoder, (share, partitions): (u32, u32), step: &SpreadStep<'_>) {
        let mut bytes = Vec::new();
        encoder.spread_step(step, &mut bytes).expect("it was encoded before");
        let to = (step.router.unsigned_abs() + share) % partitions;
        *self.sent.entry((to, None, bytes)).or_default() += 1;
    }
}

/// Whose decisions stand in order: those of a conversation, of a lead where there is none, else of nothing.
fn conversation_of(
    (workspace, conversation): (&str, Option<&str>),
    (lead, event): (Option<&str>, &str),
) -> (String, String) {
    let whose = conversation.map(|id| format!("conversation {id}")).or_else(|| lead.map(|id| format!("lead {id}")));
    (workspace.to_owned(), whose.unwrap_or_else(|| format!("event {event}")))
}

/// What a record between engines says, for people.
fn sent(value: &[u8]) -> String {
    kilat_codec::json::record_to_line(Topic::Spread, value).unwrap_or_else(|error| error.to_string())
}

impl<'r> Replay<'r> {
    fn new(log: &SimLog, partition: u32, partitions: u32, rules: &'r History) -> Replay<'r> {
        Replay {
            partition,
            partitions,
            blocks: read(log, Topic::State.name(), partition).into(),
            state: Partition::new(),
            inputs: INPUTS.map(|input| read(log, input.name(), partition)),
            next: [0; 3],
            rules,
            encoder: Encoder::new(),
            epoch: 0,
            clock: None,
            decisions: Vec::new(),
            explanations: Vec::new(),
            queued: 0,
            compared: (0, 0),
        }
    }

    /// Goes through the blocks in the log, and compares each with the one written here, up to one that reads what no pass has
    /// written so far; whether there was any.
    fn blocks(&mut self, log: &SimLog, expected: &mut Expected) -> Result<bool, Violation> {
        let mut any = false;
        while let Some(value) = self.blocks.front().map(|seen| seen.value.clone()) {
            let block = kilat_codec::decode_state_block(&value).expect("the engine wrote it");
            if !received(self.partition, &self.inputs[SPREAD][self.next[SPREAD]..], &block, expected) {
                break;
            }
            let Some(Seen { offset, .. }) = self.blocks.pop_front() else { break };
            any = true;
            self.epoch = block.rule_epoch;
            self.clock = block.clock;
            for range in &block.inputs {
                let input = range.input as usize;
                self.skip(log, input, range.from)?;
                let next = self.inputs[input].get(self.next[input]).map(|seen| seen.offset);
                if next != Some(range.from) {
                    let differs = format!(
                        "block {offset} of partition {} reads input {input} from {}, where {next:?} comes next",
                        self.partition, range.from
                    );
                    return Err(Violation::new("nothing_doubled", differs));
                }
                while self.inputs[input].get(self.next[input]).is_some_and(|seen| seen.offset < range.next) {
                    self.apply(input, expected);
                }
            }
            self.compare(offset, &block, &value, expected)?;
        }
        Ok(any)
    }

    /// Records between two blocks: there are none, or they are lost.
    fn skip(&self, log: &SimLog, input: usize, until: i64) -> Result<(), Violation> {
        match self.inputs[input].get(self.next[input]).filter(|seen| seen.offset < until) {
            None => Ok(()),
            Some(Seen { offset, .. }) => {
                let mut ranges = Vec::new();
                log.each(Topic::State.name(), self.partition, &mut |record| {
                    let block = kilat_codec::decode_state_block(record.value.unwrap_or_default());
                    let block = block.map(|block| (record.offset, block.sequence, block.inputs));
                    ranges.extend(block);
                });
                let partition = self.partition;
                let differs = format!(
                    "offset {offset} of input {input}, partition {partition} is in no block; blocks are {ranges:?}"
                );
                Err(Violation::new("nothing_lost", differs))
            }
        }
    }

    /// Records after the last block, up to where the group is.
    fn rest(&mut self, log: &SimLog, group: &str) -> Result<(), Violation> {
        if let Some(Seen { offset, .. }) = self.blocks.front() {
            let next = self.inputs[SPREAD].get(self.next[SPREAD]).map(|seen| sent(&seen.value)).unwrap_or_default();
            let partition = self.partition;
            let differs =
                format!("block {offset} of partition {partition} reads what no other led to, {next} or later");
            return Err(Violation::new("nothing_doubled", differs));
        }
        for (input, topic) in INPUTS.iter().enumerate() {
            self.skip(log, input, i64::MAX)?;
            let position = log.position(group, topic.name(), self.partition);
            if self.inputs[input].last().is_some_and(|last| last.offset >= position) {
                let differs = format!("the group is at {position} of input {input}, partition {}", self.partition);
                return Err(Violation::new("nothing_lost", differs));
            }
        }
        Ok(())
    }

    /// Applies the next record of an input.
    fn apply(&mut self, input: usize, expected: &mut Expected) {
        let Seen { timestamp, value, offset, passed_on, .. } = &self.inputs[input][self.next[input]];
        self.next[input] += 1;
        let (partition, partitions) = (self.partition, self.partitions);
        let step = kilat_codec::decode_spread_step(value).ok().filter(|_| input == SPREAD);
        let event = kilat_codec::decode_event(value);
        if event.is_err() && step.is_none() {
            expected.poison.push((input, value.clone()));
            return;
        }
        let mut taking = Taking {
            partition,
            partitions,
            record: (input, *offset, value),
            expected,
            encoder: &self.encoder,
            decisions: &mut self.decisions,
            explanations: &mut self.explanations,
            queued: &mut self.queued,
        };
        let Ok(event) = event else {
            return step.into_iter().for_each(|step| self.state.take_step(&step, &mut taking));
        };
        let rules = self.rules.at(&event.workspace, self.epoch);
        let foreseen = self.state.foresee(&event, rules);
        let appended = self.clock.map_or(*timestamp, |clock| clock.min(*timestamp));
        let anchor = passed_on.as_deref().and_then(|from| from.rsplit('/').next()?.parse().ok());
        let _: Applied = match anchor.filter(|_| input == SPREAD) {
            Some(anchor) => self.state.apply_passed_on(&event, &foreseen, rules, anchor, &mut taking),
            None => self.state.apply_foreseen(&event, &foreseen, rules, appended, &mut taking),
        };
    }

    /// Closes the batch as the block in the log closed it.
    fn compare(
        &mut self,
        offset: i64,
        block: &StateBlock<'_>,
        value: &[u8],
        expected: &mut Expected,
    ) -> Result<(), Violation> {
        for (share, step) in self.state.moves() {
            let step = SpreadStep { router: self.partition.cast_signed(), ..step };
            expected.sends(&self.encoder, (share, self.partitions), &step);
        }
        for lead in self.state.published() {
            let mut bytes = Vec::new();
            self.encoder.lead(&lead, &mut bytes).expect("it was encoded before");
            expected.leads.insert(key_of(&lead), bytes);
        }
        let partition = self.partition;
        let StateBlock { rule_epoch, inputs, .. } = block;
        let header = format!("block {offset}, partition {partition} (rules up to {rule_epoch}, inputs {inputs:?})");
        let place = |what: String| Violation::new("state_is_replay", format!("{header}: {what}"));
        let header = BatchHeader {
            partition,
            inputs: block.inputs.clone(),
            fates: block.fates.clone(),
            decisions: (self.decisions.len() - self.compared.0) as i64,
            actions: (self.queued - self.compared.1) as i64,
            rule_epoch: block.rule_epoch,
            clock: block.clock,
        };
        self.compared = (self.decisions.len(), self.queued);
        let [ours] = &self.state.blocks(header)[..] else {
            return Err(place("a replay writes none, or several".to_owned()));
        };
        let mut bytes = Vec::new();
        self.encoder.state_block(ours, &mut bytes).expect("it was encoded before");
        if bytes != value {
            return Err(place(first_difference(&format!("{ours:#?}"), &format!("{block:#?}"))));
        }
        self.state.settle();
        Ok(())
    }
}

/// Whether everything that a block reads from other partitions' engines was written by now; it is read then.
fn received(partition: u32, inputs: &[Seen], block: &StateBlock<'_>, expected: &mut Expected) -> bool {
    let next = block.inputs.iter().filter(|range| range.input as usize == SPREAD).map(|range| range.next).max();
    let read = inputs.iter().take_while(|seen| next.is_some_and(|next| seen.offset < next));
    let mut counts: HashMap<Sent, usize> = HashMap::new();
    for seen in read {
        *counts.entry((partition, seen.passed_on.clone(), seen.value.clone())).or_default() += 1;
    }
    let is_there = counts.iter().all(|(sent, count)| expected.sent.get(sent).is_some_and(|there| there >= count));
    if is_there {
        for (sent, count) in counts {
            *expected.sent.entry(sent).or_default() -= count;
        }
    }
    is_there
}

/// Every conversation and every lead is in one partition at the end.
fn one_home(replays: &[Replay<'_>]) -> Result<(), Violation> {
    let mut homes: HashMap<(String, String), u32> = HashMap::new();
    for replay in replays {
        let mut cursor = ScanCursor::default();
        while let Some(slice) = replay.state.scan(replay.partition, &mut cursor, usize::MAX) {
            let conversations = slice.conversation_entries.iter().map(|entry| ("conversation", entry));
            for (kind, entry) in conversations.chain(slice.lead_entries.iter().map(|entry| ("lead", entry))) {
                let entry = entry.expect("the engine wrote it");
                let Entry::Whole { workspace, id, value, .. } = entry else { continue };
                if value.is_empty() {
                    continue;
                }
                if let Some(other) = homes.insert((format!("{kind} {workspace}"), id.to_owned()), replay.partition) {
                    let differs = format!("{kind} {workspace}/{id} is in partitions {other} and {}", replay.partition);
                    return Err(Violation::new("one_home", differs));
                }
            }
        }
    }
    Ok(())
}

fn key_of(lead: &LeadRecord<'_>) -> Vec<u8> {
    format!("{}/{}", lead.workspace, lead.lead).into_bytes()
}

/// The first line that differs, with the lines around it.
fn first_difference(expected: &str, found: &str) -> String {
    // Every block after the first that differs has another chain: what it holds says more.
    let pairs = expected.lines().zip(found.lines());
    let differs = pairs.clone().position(|(expected, found)| expected != found && !expected.contains(" chain: "));
    let differs = differs.or_else(|| pairs.clone().position(|(expected, found)| expected != found));
    let at = differs.unwrap_or_else(|| expected.lines().count().min(found.lines().count()));
    let part = |text: &str| text.lines().skip(at.saturating_sub(4)).take(9).collect::<Vec<_>>().join("\n");
    format!("expected\n{}\nfound\n{}", part(expected), part(found))
}

/// Decisions or explanations: those of an input partition stand in the partition of the same number, as both are keyed by
/// workspace.
fn decisions(log: &SimLog, partition: u32, expected: &[Vec<u8>], topic: Topic) -> Result<(), Violation> {
    let found: Vec<Vec<u8>> = read(log, topic.name(), partition).into_iter().map(|seen| seen.value).collect();
    let place = format!("{}, partition {partition}", topic.name());
    compare(expected, &found, &place, &|value| match topic {
        Topic::Decisions => describe(kilat_codec::decode_decision(value)),
        _ => describe(kilat_codec::decode_explanation(value)),
    })
}

/// Decisions or explanations where workspaces are spread: those of a conversation stand in order, whoever wrote them.
fn decisions_by_conversation(
    log: &SimLog,
    plan: &Plan,
    expected: &ByConversation,
    topic: Topic,
) -> Result<(), Violation> {
    let mut found = ByConversation::new();
    for partition in 0..plan.partitions {
        for Seen { value, .. } in read(log, topic.name(), partition) {
            let place = match topic {
                Topic::Decisions => {
                    let it = kilat_codec::decode_decision(&value).expect("the engine wrote it");
                    conversation_of((&it.workspace, it.conversation.as_deref()), (it.lead.as_deref(), &it.event_id))
                }
                _ => {
                    let it = kilat_codec::decode_explanation(&value).expect("the engine wrote it");
                    conversation_of((&it.workspace, it.conversation.as_deref()), (it.lead.as_deref(), &it.event_id))
                }
            };
            found.entry(place).or_default().push(value);
        }
    }
    let none = Vec::new();
    let places: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    for place in places {
        let (expected, found) = (expected.get(place).unwrap_or(&none), found.get(place).unwrap_or(&none));
        compare(expected, found, &format!("{}, {place:?}", topic.name()), &|value| match topic {
            Topic::Decisions => describe(kilat_codec::decode_decision(value)),
            _ => describe(kilat_codec::decode_explanation(value)),
        })?;
    }
    Ok(())
}

fn describe<T: std::fmt::Debug, E: std::fmt::Debug>(decoded: Result<T, E>) -> String {
    format!("{decoded:#?}")
}

/// Compares what must stand somewhere with what does, and says what kind of difference it is.
fn compare(
    expected: &[Vec<u8>],
    found: &[Vec<u8>],
    place: &str,
    describe: &dyn Fn(&[u8]) -> String,
) -> Result<(), Violation> {
    if expected == found {
        return Ok(());
    }
    let mut counts: BTreeMap<&[u8], i64> = BTreeMap::new();
    expected.iter().for_each(|value| *counts.entry(value).or_default() += 1);
    found.iter().for_each(|value| *counts.entry(value).or_default() -= 1);
    let missing = counts.iter().find(|(_, count)| **count > 0).map(|(value, _)| describe(value));
    let extra = counts.iter().find(|(_, count)| **count < 0).map(|(value, _)| describe(value));
    Err(match (missing, extra) {
        (Some(missing), None) => Violation::new("nothing_lost", format!("{place} lacks {missing}")),
        (None, Some(extra)) => Violation::new("nothing_doubled", format!("{place} has {extra} once too often")),
        (Some(missing), Some(extra)) => {
            let invariant = if missing.contains("rule_set: ") { "one_rule_version" } else { "stable_ids" };
            let same_count = expected.len() == found.len();
            let invariant = if same_count { invariant } else { "nothing_doubled" };
            Violation::new(invariant, format!("{place}: {}", first_difference(&missing, &extra)))
        }
        (None, None) => Violation::new("order", place.to_owned()),
    })
}

fn actions(log: &SimLog, plan: &Plan, expected: &Expected, injected: &Injected) -> Result<(), Violation> {
    let none = Vec::new();
    for topic in ACTIONS {
        let mut found: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
        for partition in 0..plan.partitions {
            let records = read(log, topic.name(), partition).into_iter();
            for Seen { key, value, .. } in
                records.filter(|seen| !injected.contains(&(topic.name(), partition, seen.offset)))
            {
                found.entry(key).or_default().push(value);
            }
        }
        let lacking = expected.actions.keys().filter(|(of, key)| *of == topic && !found.contains_key(key));
        let lacking: Vec<Vec<u8>> = lacking.map(|(_, key)| key.clone()).collect();
        for (key, found) in found.iter().chain(lacking.iter().map(|key| (key, &none))) {
            let expected = expected.actions.get(&(topic, key.clone())).unwrap_or(&none);
            let place = format!("{}, key {}", topic.name(), String::from_utf8_lossy(key));
            compare(expected, found, &place, &|value| describe(kilat_codec::decode_action(value)))?;
        }
    }
    Ok(())
}

fn leads(log: &SimLog, plan: &Plan, expected: &Expected) -> Result<(), Violation> {
    let mut found: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for partition in 0..plan.partitions {
        found.extend(read(log, Topic::Leads.name(), partition).into_iter().map(|seen| (seen.key, seen.value)));
    }
    for (key, expected) in &expected.leads {
        if found.get(key) != Some(expected) {
            let found = found.get(key).map(|value| describe(kilat_codec::decode_lead(value))).unwrap_or_default();
            let differs = first_difference(&describe(kilat_codec::decode_lead(expected)), &found);
            return Err(Violation::new("state_is_replay", format!("lead {}: {differs}", String::from_utf8_lossy(key))));
        }
    }
    Ok(())
}

fn poison(log: &SimLog, plan: &Plan, expected: &Expected) -> Result<(), Violation> {
    let mut expected = expected.poison.clone();
    let mut found = Vec::new();
    for (input, topic) in INPUTS.iter().enumerate() {
        for partition in 0..plan.partitions {
            found.extend(read(log, topic.dlq_name(), partition).into_iter().map(|seen| (input, seen.value)));
        }
    }
    expected.sort();
    found.sort();
    if expected == found {
        return Ok(());
    }
    let differs = format!("{} dead letters of {} records that are no events", found.len(), expected.len());
    Err(Violation::new("poison_is_kept", differs))
}
