//! What must hold of the log after a run, by name.
//!
//! The oracle is one pass of the engine, partition by partition, in the order the state blocks say the inputs were
//! interleaved: no batches but theirs, no restarts, no restores, no transactions. What it decides must be what stands in
//! the log, byte by byte.
//!
//! | name | what |
//! |---|---|
//! | `no_panic` | no thread of the product panics |
//! | `comes_to_an_end` | once faults stop, everything fed is answered |
//! | `never_gives_up` | no fault ends a process with an error that only people can cure |
//! | `nothing_lost` | every committed input is in a block, and all it leads to stands in the log |
//! | `nothing_doubled` | no input is in two blocks, and nothing stands in the log that no input led to |
//! | `order` | decisions of a partition, actions of a conversation stand in the order of their input |
//! | `stable_ids` | an action has the id that the oracle gives it |
//! | `one_rule_version` | an event is decided by the rules of the epoch in its block |
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

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use kilat_codec::{Encoder, Topic};
use kilat_domain::{Action, Decision, Explanation, LeadRecord, StateBlock, Timestamp};
use kilat_engine::{Applied, BatchHeader, Outputs, Partition};
use kilat_rules::RuleSet;

use crate::internet::Internet;
use crate::log::SimLog;
use crate::plan::Plan;

const INPUTS: [Topic; 2] = [Topic::Messages, Topic::LeadChanges];
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
}

fn read(log: &SimLog, topic: &str, partition: u32) -> Vec<Seen> {
    let mut seen = Vec::new();
    log.each(topic, partition, &mut |record| {
        seen.push(Seen {
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.unwrap_or_default().to_vec(),
            value: record.value.unwrap_or_default().to_vec(),
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
    for partition in 0..plan.partitions {
        let mut replay = Replay::new(log, partition, &rules, &mut expected);
        replay.blocks(log)?;
        replay.rest(log, group)?;
        decisions(log, partition, &replay.decisions, Topic::Decisions)?;
        decisions(log, partition, &replay.explanations, Topic::Explain)?;
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
}

/// One pass of the engine over one partition.
struct Replay<'r> {
    partition: u32,
    state: Partition,
    inputs: [Vec<Seen>; 2],
    /// Place of the next record of each input.
    next: [usize; 2],
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
    expected: &'r mut Expected,
}

/// Takes what the engine decides.
struct Taking<'t> {
    encoder: &'t Encoder,
    decisions: &'t mut Vec<Vec<u8>>,
    explanations: &'t mut Vec<Vec<u8>>,
    queued: &'t mut usize,
    actions: &'t mut HashMap<(Topic, Vec<u8>), Vec<Vec<u8>>>,
}

impl Outputs for Taking<'_> {
    fn explanation(&mut self, explanation: &Explanation<'_>) {
        let mut bytes = Vec::new();
        self.encoder.explanation(explanation, &mut bytes).expect("it was encoded before");
        self.explanations.push(bytes);
    }

    fn decision(&mut self, decision: &Decision<'_>) {
        let mut bytes = Vec::new();
        self.encoder.decision(decision, &mut bytes).expect("it was encoded before");
        self.decisions.push(bytes);
    }

    fn action(&mut self, action: &Action<'_>) {
        let mut bytes = Vec::new();
        self.encoder.action(action, &mut bytes).expect("it was encoded before");
        let key = format!("{}/{}", action.workspace, action.conversation).into_bytes();
        *self.queued += 1;
        self.actions.entry((Topic::of_lane(action.command.lane()), key)).or_default().push(bytes);
    }
}

impl<'r> Replay<'r> {
    fn new(log: &SimLog, partition: u32, rules: &'r History, expected: &'r mut Expected) -> Replay<'r> {
        Replay {
            partition,
            state: Partition::new(),
            inputs: INPUTS.map(|input| read(log, input.name(), partition)),
            next: [0; 2],
            rules,
            encoder: Encoder::new(),
            epoch: 0,
            clock: None,
            decisions: Vec::new(),
            explanations: Vec::new(),
            queued: 0,
            compared: (0, 0),
            expected,
        }
    }

    /// Goes through the blocks in the log, and compares each with the one written here.
    fn blocks(&mut self, log: &SimLog) -> Result<(), Violation> {
        for Seen { offset, value, .. } in read(log, Topic::State.name(), self.partition) {
            let block = kilat_codec::decode_state_block(&value).expect("the engine wrote it");
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
                    self.apply(input);
                }
            }
            self.compare(offset, &block, &value)?;
        }
        Ok(())
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
    fn apply(&mut self, input: usize) {
        let Seen { timestamp, value, .. } = &self.inputs[input][self.next[input]];
        self.next[input] += 1;
        let Ok(event) = kilat_codec::decode_event(value) else {
            self.expected.poison.push((input, value.clone()));
            return;
        };
        let rules = self.rules.at(&event.workspace, self.epoch);
        let mut taking = Taking {
            encoder: &self.encoder,
            decisions: &mut self.decisions,
            explanations: &mut self.explanations,
            queued: &mut self.queued,
            actions: &mut self.expected.actions,
        };
        let _: Applied =
            self.state.apply(&event, rules, self.clock.map_or(*timestamp, |clock| clock.min(*timestamp)), &mut taking);
    }

    /// Closes the batch as the block in the log closed it.
    fn compare(&mut self, offset: i64, block: &StateBlock<'_>, value: &[u8]) -> Result<(), Violation> {
        for lead in self.state.published() {
            let mut bytes = Vec::new();
            self.encoder.lead(&lead, &mut bytes).expect("it was encoded before");
            self.expected.leads.insert(key_of(&lead), bytes);
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
