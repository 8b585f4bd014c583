//! Whether what came out is what had to come out.
//!
//! Input: the decisions of a run that nobody disturbed (`kilat eval`), those a watcher saw, those the topic holds at the
//! end. Output: violations by kind. The rules are those of Kafka's own transactions test: input set = output set = what a
//! concurrent reader saw, in order; here per conversation, and with the values compared, too.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::watcher::{Seen, SeenAction, without_hash};

/// Violations of one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Violations {
    /// Decisions that did not come.
    pub(crate) lost: usize,
    /// Decisions that came more than once.
    pub(crate) doubled: usize,
    /// Decisions that nobody asked for, or with other values than they should have.
    pub(crate) foreign: usize,
    /// Conversations whose decisions came out of order.
    pub(crate) disordered: usize,
    /// Decisions that a concurrent reader saw otherwise than the topic holds them now.
    pub(crate) unstable: usize,
    /// Action ids that came more than once.
    pub(crate) actions_doubled: usize,
    /// Actions that came and no decision names, or the other way round.
    pub(crate) actions_astray: usize,
}

impl Violations {
    pub(crate) fn total(&self) -> usize {
        self.lost
            + self.doubled
            + self.foreign
            + self.disordered
            + self.unstable
            + self.actions_doubled
            + self.actions_astray
    }
}

/// Compares what belongs to one phase: `phase` is what its workspaces are named after.
pub(crate) fn judge(
    phase: &str,
    undisturbed: &str,
    watched: &[Seen],
    held: &[Seen],
    actions: &[SeenAction],
) -> Violations {
    let of_phase = |workspace: &str| workspace.rsplit_once('-').is_some_and(|(of, _)| of == phase);
    let watched: Vec<&Seen> = watched.iter().filter(|seen| of_phase(&seen.workspace)).collect();
    let held: Vec<&Seen> = held.iter().filter(|seen| of_phase(&seen.workspace)).collect();

    let expected = by_conversation(undisturbed.lines().map(without_hash));
    let got = by_conversation(in_turn(&held).map(|seen| seen.line.clone()));
    let mut violations = Violations::default();
    let none = Vec::new();
    for conversation in expected.keys().chain(got.keys().filter(|key| !expected.contains_key(*key))) {
        let expected = expected.get(conversation).unwrap_or(&none);
        let got = got.get(conversation).unwrap_or(&none);
        compare(expected, got, &mut violations);
    }
    violations.unstable = unstable(&watched, &held);
    let named: BTreeSet<String> = got.values().flatten().flat_map(|line| actions_named(line)).collect();
    let mut found = BTreeSet::new();
    let actions = actions.iter().filter(|action| of_phase(&action.workspace));
    violations.actions_doubled = actions.filter(|action| !found.insert(action.id.clone())).count();
    violations.actions_astray = named.symmetric_difference(&found).count();
    violations
}

fn compare(expected: &[String], got: &[String], violations: &mut Violations) {
    if expected == got {
        return;
    }
    let mut left: BTreeMap<&str, isize> = BTreeMap::new();
    for line in expected {
        *left.entry(line).or_default() += 1;
    }
    for line in got {
        match left.get_mut(line.as_str()) {
            None => violations.foreign += 1,
            Some(count) => *count -= 1,
        }
    }
    let lost: usize = left.values().filter(|count| **count > 0).map(|count| count.unsigned_abs()).sum();
    let doubled: usize = left.values().filter(|count| **count < 0).map(|count| count.unsigned_abs()).sum();
    violations.lost += lost;
    violations.doubled += doubled;
    // The same decisions, and yet not equal.
    if lost == 0 && doubled == 0 && expected.len() == got.len() {
        violations.disordered += 1;
    }
}

/// Decisions that a reader saw and the topic does not hold at that place, or the other way round; and steps back within a
/// partition.
fn unstable(watched: &[&Seen], held: &[&Seen]) -> usize {
    let mut saw = BTreeMap::new();
    let mut last = BTreeMap::new();
    let mut back = 0;
    for seen in watched {
        saw.insert((seen.partition, seen.offset), &seen.line);
        let before = last.insert(seen.partition, seen.offset);
        back += usize::from(before.is_some_and(|before| before >= seen.offset));
    }
    let holds: BTreeMap<_, _> = held.iter().map(|seen| ((seen.partition, seen.offset), &seen.line)).collect();
    let differing = saw.iter().filter(|(place, line)| holds.get(place) != Some(line)).count();
    let unseen = holds.keys().filter(|place| !saw.contains_key(place)).count();
    differing + unseen + back
}

/// Each partition in its order, and among the partitions what was produced first: a conversation of a workspace that is spread
/// moves between them.
fn in_turn<'s>(held: &[&'s Seen]) -> impl Iterator<Item = &'s Seen> {
    let mut partitions: BTreeMap<u32, VecDeque<&Seen>> = BTreeMap::new();
    for seen in held {
        partitions.entry(seen.partition).or_default().push_back(seen);
    }
    std::iter::from_fn(move || {
        let next = partitions.values_mut().filter(|waiting| !waiting.is_empty());
        next.min_by_key(|waiting| waiting[0].at)?.pop_front()
    })
}

fn by_conversation(lines: impl Iterator<Item = String>) -> BTreeMap<String, Vec<String>> {
    let mut decisions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines {
        let decision: Value = serde_json::from_str(&line).unwrap_or_default();
        let conversation = format!("{}/{}", decision["workspace"], decision["conversation"]);
        decisions.entry(conversation).or_default().push(line);
    }
    decisions
}

/// Ids of the actions that a decision says it queued.
fn actions_named(line: &str) -> Vec<String> {
    let decision: Value = serde_json::from_str(line).unwrap_or_default();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let actions = list(&decision["fired"]).into_iter().flat_map(|fired| list(&fired["actions"]));
    actions.filter_map(|action| Some(action["id"].as_str()?.to_owned())).collect()
}

#[cfg(test)]
mod tests;
