//! Rules that cause each other for ever (F-185).
//!
//! In: the rules that events of rules can trigger. Out: the cycles, each once, with its path. A cycle counts only where it
//! keeps itself going: every change on the way changes something on every round (D-39), every rule's conditions can hold
//! with what the round has written by then, and no rule of it says `once_per`.

use std::collections::{BTreeSet, HashMap};

use kilat_domain::EventKind;

use super::logic::{Formula, possible};
use super::writes::{self, Write, Written};
use super::{PAIRS_MAX, Subject};
use crate::codes;
use crate::diagnostic::Report;
use crate::rule::Rule;

/// Longest cycle that is looked for, in rules.
const LENGTH_MAX: usize = 6;
/// Paths that are followed at most.
const PATHS_MAX: usize = 50_000;

/// A change of one rule that triggers another.
struct Step {
    write: usize,
    to: usize,
}

struct Graph<'d> {
    subject: &'d Subject<'d>,
    rules: Vec<(&'d Rule, Vec<Write>)>,
    steps: Vec<Vec<Step>>,
}

pub(super) fn lint(subject: &Subject<'_>, report: &mut Report) {
    let graph = Graph::of(subject);
    let (mut reported, mut paths) = (BTreeSet::new(), 0);
    for start in 0..graph.rules.len() {
        graph.follow(start, &mut vec![], start, &mut reported, &mut paths, report);
    }
}

impl<'d> Graph<'d> {
    fn of(subject: &'d Subject<'d>) -> Graph<'d> {
        let endless = subject.ordered.iter().filter(|rule| rule.once_per().is_none());
        let rules: Vec<(&Rule, Vec<Write>)> = endless.map(|rule| (*rule, writes::of(rule))).collect();
        let mut by_kind: HashMap<EventKind, Vec<usize>> = HashMap::new();
        for (at, (rule, _)) in rules.iter().enumerate() {
            for trigger in &rule.triggers {
                by_kind.entry(trigger.kind).or_default().push(at);
            }
        }
        let mut pairs = 0;
        let mut steps: Vec<Vec<Step>> = Vec::new();
        for (_, changes) in &rules {
            let mut next = Vec::new();
            for (write, change) in changes.iter().enumerate().filter(|(_, change)| change.value != Written::Unknown) {
                for &to in by_kind.get(&change.kind).into_iter().flatten() {
                    pairs += 1;
                    if pairs <= PAIRS_MAX && can_trigger(subject, change, rules[to].0) {
                        next.push(Step { write, to });
                    }
                }
            }
            steps.push(next);
        }
        Graph { subject, rules, steps }
    }

    /// Follows every path from `at` back to `start`; cycles begin at their first rule in evaluation order.
    fn follow(
        &self,
        start: usize,
        path: &mut Vec<(usize, usize)>,
        at: usize,
        reported: &mut BTreeSet<Vec<usize>>,
        paths: &mut usize,
        report: &mut Report,
    ) {
        for step in &self.steps[at] {
            *paths += 1;
            if *paths > PATHS_MAX || step.to < start {
                continue;
            }
            path.push((at, step.write));
            if step.to == start {
                let rules: Vec<usize> = path.iter().map(|(rule, _)| *rule).collect();
                if self.keeps_going(path) && reported.insert(rules) {
                    self.tell(path, report);
                }
            } else if path.len() < LENGTH_MAX && !path.iter().any(|(rule, _)| *rule == step.to) {
                self.follow(start, path, step.to, reported, paths, report);
            }
            path.pop();
        }
    }

    /// Whether every change of the cycle changes something on every round, and every rule can hold on every round.
    fn keeps_going(&self, path: &[(usize, usize)]) -> bool {
        // One round of changes, twice: what a rule meets is what was written last before it, be it in the round before.
        let round: Vec<(usize, &Write)> = path
            .iter()
            .enumerate()
            .flat_map(|(place, (rule, _))| self.rules[*rule].1.iter().map(move |write| (place, write)))
            .collect();
        let changes = |place: usize, write: &Write| {
            let own = round.iter().position(|(at, other)| *at == place && std::ptr::eq(*other, write)).unwrap_or(0);
            let before = round[..own].iter().rev().chain(round[own..].iter().rev());
            let last = before.into_iter().map(|(_, other)| other).find(|other| other.slot == write.slot);
            write.value == Written::More || last.is_some_and(|last| last.undoes(write))
        };
        let holds = |place: usize| {
            let rule = self.rules[path[place].0].0;
            let cause = path[(place + path.len() - 1) % path.len()];
            let mut state: HashMap<&str, &Write> = HashMap::new();
            let before = round.iter().filter(|(at, _)| *at >= place).chain(round.iter().filter(|(at, _)| *at < place));
            for (_, write) in before {
                state.insert(&write.slot, write);
            }
            let mut formulas = vec![Formula::all(&rule.conditions)];
            formulas.extend(self.rules[cause.0].1[cause.1].brings().into_iter().map(Formula::Fact));
            formulas.extend(state.values().filter_map(|write| write.after()).map(Formula::Fact));
            possible(&formulas, self.subject.settings)
        };
        path.iter().enumerate().all(|(place, (rule, write))| changes(place, &self.rules[*rule].1[*write]))
            && (0..path.len()).all(holds)
            && self.hold_together(path)
    }

    /// Whether the rules' conditions can all hold on what no rule of the cycle changes.
    fn hold_together(&self, path: &[(usize, usize)]) -> bool {
        let volatile = |field: &str| {
            ["change.", "tag.", "list.", "message.", "sender."].iter().any(|start| field.starts_with(start))
                || path.iter().any(|(rule, _)| self.rules[*rule].1.iter().any(|write| write.is_seen_by(field)))
        };
        let mut formulas = Vec::new();
        for (rule, _) in path {
            for tree in &self.rules[*rule].0.conditions {
                let mut steady = true;
                tree.each_leaf(&mut |leaf| steady &= !volatile(&leaf.field.name()));
                if steady {
                    formulas.push(Formula::of(tree, true));
                }
            }
        }
        possible(&formulas, self.subject.settings)
    }

    fn tell(&self, path: &[(usize, usize)], report: &mut Report) {
        let step = |(rule, write): &(usize, usize)| {
            let (rule, changes) = &self.rules[*rule];
            format!("`{}` does {}, which fires", rule.id, changes[*write].words)
        };
        let told: Vec<String> = path.iter().map(step).collect();
        let first = self.rules[path[0].0].0;
        let message = format!("rules go round in a circle: {} `{}` again", told.join(" "), first.id);
        let help = "let one of them say `once_per`, or let a condition end the circle";
        report.add(codes::CYCLE, first.at, message, help);
    }
}

/// Whether the event of a change can fire the rule.
fn can_trigger(subject: &Subject<'_>, change: &Write, rule: &Rule) -> bool {
    let facts = change.brings().into_iter().map(Formula::Fact);
    let formulas: Vec<Formula<'_>> = facts.chain([Formula::all(&rule.conditions)]).collect();
    possible(&formulas, subject.settings)
}
