//! The topics that blocks are held against: decisions, actions, results and dead letters.

use std::collections::VecDeque;
use std::sync::Arc;

use kilat_codec::Topic;
use kilat_domain::{Lane, Timestamp};
use kilat_log::{LogError, PartitionedLog};
use rustc_hash::FxHashSet;

use super::difference::{Difference, Law};
use super::entries::{Decided, Letter, Queued, Settled};
use super::findings::Findings;
use super::passed::Passed;
use crate::config::Topics;
use crate::recorded::{Entry, Recorded};

/// Actions without a last result that are remembered; of more, results are not judged.
const OPEN_MAX: usize = 1 << 20;
/// Settled actions that are remembered, to notice a second last result.
const CLOSED_MAX: usize = 1 << 16;
/// Results of actions not met yet that are read ahead, a partition.
const RESULTS_AHEAD_MAX: usize = 100_000;

/// Every output topic, by partition.
pub(super) struct Outputs {
    pub(super) decisions: Vec<Recorded<Decided>>,
    pub(super) actions: [Vec<Recorded<Queued>>; 3],
    pub(super) letters: [Vec<Recorded<Letter>>; 3],
    pub(super) passed: Passed,
    results: Vec<Recorded<Settled>>,
    open: FxHashSet<Box<str>>,
    closed: FxHashSet<Box<str>>,
    closed_in_order: VecDeque<Box<str>>,
    forgot: bool,
}

/// How far every output partition was read at some moment.
pub(super) struct Marks {
    decisions: Vec<i64>,
    actions: [Vec<i64>; 3],
    letters: [Vec<i64>; 3],
    results: Vec<i64>,
}

impl Outputs {
    pub(super) fn open(log: &Arc<dyn PartitionedLog>) -> Result<Outputs, LogError> {
        Ok(Outputs {
            decisions: partitions_of(log, Topic::Decisions.name())?,
            actions: [
                partitions_of(log, Topic::of_lane(Lane::Partner).name())?,
                partitions_of(log, Topic::of_lane(Lane::Meta).name())?,
                partitions_of(log, Topic::of_lane(Lane::Webhook).name())?,
            ],
            letters: [
                partitions_of(log, Topics::INPUTS[0].dlq_name())?,
                partitions_of(log, Topics::INPUTS[1].dlq_name())?,
                partitions_of(log, Topics::INPUTS[2].dlq_name())?,
            ],
            passed: Passed::default(),
            results: partitions_of(log, Topic::ActionResults.name())?,
            open: FxHashSet::default(),
            closed: FxHashSet::default(),
            closed_in_order: VecDeque::new(),
            forgot: false,
        })
    }

    /// What is committed from now on counts, too.
    pub(super) fn unsettle(&mut self) {
        self.decisions.iter_mut().for_each(Recorded::unsettle);
        self.actions.iter_mut().flatten().for_each(Recorded::unsettle);
        self.letters.iter_mut().flatten().for_each(Recorded::unsettle);
    }

    /// An action was found that waits for its result.
    pub(super) fn waits(&mut self, id: Box<str>) {
        if self.open.len() < OPEN_MAX {
            self.open.insert(id);
        } else {
            self.forgot = true;
        }
    }

    /// How many actions wait.
    pub(super) fn waiting(&self) -> usize {
        self.open.len()
    }

    /// Takes in results of actions that are known, as far as they have come.
    pub(super) fn settle_known(&mut self, findings: &mut Findings) -> Result<(), LogError> {
        for at in 0..self.results.len() {
            if self.results[at].len() < RESULTS_AHEAD_MAX {
                self.results[at].read_more()?;
            }
            let (open, closed) = (&mut self.open, &mut self.closed);
            let in_order = &mut self.closed_in_order;
            self.results[at].retain(|result| {
                if !result.outcome.is_final() {
                    return !open.contains(&result.id);
                }
                let Some(id) = open.take(&result.id) else { return true };
                findings.settled(result.outcome);
                closed.insert(id.clone());
                in_order.push_back(id);
                if in_order.len() > CLOSED_MAX
                    && let Some(oldest) = in_order.pop_front()
                {
                    closed.remove(&oldest);
                }
                false
            });
        }
        Ok(())
    }

    /// Reads everything to the end as it is now. Results come first: what they are about is then among the actions.
    pub(super) fn read_to_end(&mut self) -> Result<Marks, LogError> {
        let results = ends(&mut self.results)?;
        let [partner, meta, webhook] = &mut self.actions;
        let actions = [ends(partner)?, ends(meta)?, ends(webhook)?];
        let [messages, changes, passed] = &mut self.letters;
        let letters = [ends(messages)?, ends(changes)?, ends(passed)?];
        Ok(Marks { decisions: ends(&mut self.decisions)?, actions, letters, results })
    }

    /// Tells of everything before `marks` that nothing claimed, although every block committed until then was looked at.
    /// What is older than `since` belongs to blocks that are no longer there.
    pub(super) fn tell_unclaimed(&mut self, marks: &Marks, since: Option<Timestamp>, findings: &mut Findings) {
        let is_judged = |at: Timestamp| since.is_none_or(|since| at >= since);
        for (decisions, end) in self.decisions.iter_mut().zip(&marks.decisions) {
            for entry in decisions.drop_before(*end).into_iter().filter(|entry| is_judged(entry.at)) {
                findings.differs(Difference {
                    workspace: Some(entry.id.workspace.into()),
                    event_id: Some(entry.id.event.into()),
                    ..unclaimed(decisions, entry.offset, Law::Decisions, "no decision, as no state block says this event was decided, or its decision stands elsewhere already")
                });
            }
        }
        for (actions, end) in self.actions.iter_mut().flatten().zip(marks.actions.iter().flatten()) {
            for entry in actions.drop_before(*end).into_iter().filter(|entry| is_judged(entry.at)) {
                findings.differs(Difference {
                    workspace: Some(entry.event.workspace.into()),
                    event_id: Some(entry.event.event.into()),
                    action_id: Some(entry.id.into()),
                    ..unclaimed(
                        actions,
                        entry.offset,
                        Law::Actions,
                        "no action, as no decision queued it, or it stands elsewhere already",
                    )
                });
            }
        }
        for (letters, end) in self.letters.iter_mut().flatten().zip(marks.letters.iter().flatten()) {
            for entry in letters.drop_before(*end).into_iter().filter(|entry| is_judged(entry.at)) {
                let what = format!(
                    "no dead letter, as no state block says that the record at offset {} of partition {} could not be read, or it stands elsewhere already",
                    entry.source_offset, entry.source_partition
                );
                findings.differs(unclaimed(letters, entry.offset, Law::DeadLetters, &what));
            }
        }
        for (results, end) in self.results.iter_mut().zip(&marks.results) {
            for entry in results.drop_before(*end) {
                if self.forgot || !is_judged(entry.at) || !entry.outcome.is_final() {
                    continue;
                }
                let what = if self.closed.contains(&entry.id) {
                    "one last result of an action, and it has another already"
                } else {
                    "results of actions that are there"
                };
                findings.differs(Difference {
                    action_id: Some(entry.id.into()),
                    ..unclaimed(results, entry.offset, Law::Results, what)
                });
            }
        }
    }
}

fn unclaimed<T: Entry>(recorded: &Recorded<T>, offset: i64, law: Law, expected: &str) -> Difference {
    Difference {
        law,
        topic: recorded.topic(),
        partition: recorded.partition(),
        offset: Some(offset),
        workspace: None,
        event_id: None,
        action_id: None,
        expected: expected.to_owned(),
        found: "this record".to_owned(),
    }
}

fn partitions_of<T: Entry>(log: &Arc<dyn PartitionedLog>, topic: &'static str) -> Result<Vec<Recorded<T>>, LogError> {
    Ok((0..log.partitions(topic)?).map(|partition| Recorded::new(log, topic, partition, 0)).collect())
}

fn ends<T: Entry>(recorded: &mut [Recorded<T>]) -> Result<Vec<i64>, LogError> {
    recorded
        .iter_mut()
        .map(|partition| {
            partition.read_to_end()?;
            Ok(partition.next())
        })
        .collect()
}
