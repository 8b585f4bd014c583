//! Actions that undo each other: within one rule, and of two rules that one event can fire (F-217).
//!
//! Of two rules, changes with two sides (a tag, a list, a block, consent) are compared wherever both rules can fire for one
//! event. A field that is set to different values is compared only where the later rule fires whenever the earlier does:
//! that a special case overrides a general one is how rules are written.

use std::collections::HashMap;

use super::logic::{Formula, implies, possible};
use super::writes::{self, Write};
use super::{PAIRS_MAX, Subject};
use crate::codes;
use crate::conditions::Tree;
use crate::diagnostic::Report;
use crate::operators::Op;
use crate::rule::{Rule, Stop};

pub(super) fn lint(subject: &Subject<'_>, report: &mut Report) {
    let mut by_slot: HashMap<String, Vec<(usize, Write)>> = HashMap::new();
    for (place, rule) in subject.ordered.iter().enumerate() {
        let changes = writes::of(rule);
        within_one_rule(rule, &changes, report);
        for write in changes {
            by_slot.entry(write.slot.clone()).or_default().push((place, write));
        }
    }
    let mut slots: Vec<_> = by_slot.into_iter().collect();
    slots.sort_by(|a, b| a.0.cmp(&b.0));
    let mut pairs = 0;
    for (_, changes) in slots {
        for (at, (later_place, later)) in changes.iter().enumerate() {
            for (place, earlier) in &changes[..at] {
                pairs += 1;
                if pairs > PAIRS_MAX {
                    return;
                }
                if place != later_place && earlier.undoes(later) {
                    let rules = (subject.ordered[*place], subject.ordered[*later_place]);
                    of_two_rules(subject, rules, (earlier, later), report);
                }
            }
        }
    }
}

fn within_one_rule(rule: &Rule, changes: &[Write], report: &mut Report) {
    for (at, later) in changes.iter().enumerate() {
        if let Some(earlier) = changes[..at].iter().find(|earlier| earlier.undoes(later)) {
            let message = format!("`{}` undoes `{}` of the same rule `{}`", later.words, earlier.words, rule.id);
            report.add(codes::CONFLICTING_WRITES, later.at, message, "remove one of the two actions");
        }
    }
}

fn of_two_rules(
    subject: &Subject<'_>,
    (first, second): (&Rule, &Rule),
    (earlier, later): (&Write, &Write),
    report: &mut Report,
) {
    if !see_the_same(first, second) {
        return;
    }
    let always = || {
        let seen = second.conditions.iter().any(|tree| is_about(tree, earlier));
        !seen && !possible(&[Formula::all(&first.conditions), Formula::not_all(&second.conditions)], subject.settings)
    };
    let sometimes = || {
        // The second rule looks at what the first has changed by then.
        let unchanged = second.conditions.iter().filter(|tree| !is_about(tree, earlier));
        let second_holds = Formula::All(unchanged.map(|tree| Formula::of(tree, true)).collect());
        let changed = second.conditions.iter().filter(|tree| is_about(tree, earlier));
        let after = earlier.after().map(Formula::Fact).into_iter();
        let still: Vec<Formula<'_>> = changed.map(|tree| Formula::of(tree, true)).chain(after).collect();
        likely_together(first, second)
            && possible(&[Formula::all(&first.conditions), second_holds], subject.settings)
            && possible(&still, subject.settings)
    };
    let undone = if later.is_two_sided() { sometimes() } else { always() };
    if undone {
        let message = format!(
            "`{}` undoes `{}` of the rule `{}`, which the same event can fire",
            later.words, earlier.words, first.id
        );
        let help = "let their conditions exclude each other, or let the first one stop the pass";
        report.add(codes::CONFLICTING_WRITES, later.at, message, help);
    }
}

/// Whether one event can be shown to both rules, the first before the second.
fn see_the_same(first: &Rule, second: &Rule) -> bool {
    let apart =
        |a: &[Box<str>], b: &[Box<str>]| !a.is_empty() && !b.is_empty() && !a.iter().any(|name| b.contains(name));
    let triggers = first.triggers.iter().any(|trigger| second.triggers.iter().any(|other| other.kind == trigger.kind));
    let grouped = first.dedupe_group().is_some() && first.dedupe_group() == second.dedupe_group();
    triggers
        && !grouped
        && first.stop() == Stop::No
        && first.senders() & second.senders() != 0
        && !apart(&first.channels, &second.channels)
        && !apart(&first.sources, &second.sources)
}

fn is_about(tree: &Tree, write: &Write) -> bool {
    let mut about = false;
    tree.each_leaf(&mut |leaf| about |= write.is_seen_by(&leaf.field.name()));
    about
}

/// Whether both rules would fire for one text that people write: where both look for keywords in one field, one of them
/// must be the other's. Any two keywords can stand in one message, and rarely do.
fn likely_together(first: &Rule, second: &Rule) -> bool {
    let (a, b) = (keywords(first), keywords(second));
    a.iter().all(|(field, op, words)| {
        b.iter().filter(|(other, ..)| other == field).all(|(_, other_op, others)| {
            words.iter().any(|word| {
                others
                    .iter()
                    .any(|other| implies((*op, word), (*other_op, other)) || implies((*other_op, other), (*op, word)))
            })
        })
    })
}

/// What a rule looks for in texts: field, operator and folded words; none of a pattern.
fn keywords(rule: &Rule) -> Vec<(String, Op, Vec<String>)> {
    let mut found = Vec::new();
    for tree in &rule.conditions {
        tree.each_leaf(&mut |leaf| {
            if leaf.field.field.kind.name != "text" || leaf.op.positive().1 || leaf.op.is_presence() {
                return;
            }
            let expected = leaf.expected();
            let one = std::slice::from_ref(&expected);
            let items = expected.as_array().map_or(one, Vec::as_slice);
            let words = items.iter().filter_map(|item| item.as_str().map(kilat_matcher::fold));
            let words = if leaf.op == Op::Matches { Vec::new() } else { words.collect() };
            found.push((leaf.field.name(), leaf.op, words));
        });
    }
    found
}
