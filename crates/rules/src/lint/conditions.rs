//! Conditions that never hold, that always do, and that exclude each other.

use super::logic::{Formula, possible};
use super::{Subject, words};
use crate::codes;
use crate::conditions::{Leaf, Tree};
use crate::diagnostic::{Position, Report};
use crate::operators::Op;
use crate::rule::Rule;
use crate::settings::Settings;

pub(super) fn lint(subject: &Subject<'_>, report: &mut Report) {
    for rule in subject.rules {
        let of = |trees, at| Required { rule, trees, at, settings: subject.settings };
        of(&rule.conditions, rule.at).lint(report);
        rule.each_leaf(&mut |leaf| {
            leaf.condition.inside().into_iter().for_each(|trees| of(trees, leaf.at).lint(report))
        });
    }
}

/// Conditions that are required of one event, or of one past message.
struct Required<'d> {
    rule: &'d Rule,
    trees: &'d [Tree],
    /// Where they stand as a whole.
    at: Position,
    settings: &'d Settings,
}

impl Required<'_> {
    fn lint(&self, report: &mut Report) {
        let mut leaves = Vec::new();
        self.trees.iter().for_each(|tree| tree.each_leaf(&mut |leaf| leaves.push(leaf)));
        let mut decided = false;
        for leaf in leaves {
            decided |= self.by_itself(leaf, report);
        }
        if decided || self.never_together(report) {
            return;
        }
        for (index, tree) in self.trees.iter().enumerate() {
            self.decides_nothing(index, tree, report);
        }
    }

    /// Reports a condition that no field whatever fulfils, or every one.
    fn by_itself(&self, leaf: &Leaf, report: &mut Report) -> bool {
        let holds = |wanted| possible(&[Formula::Leaf(leaf, wanted)], self.settings);
        let (code, what, help) = if !holds(true) {
            let help =
                if leaf.op == Op::Between { "write the lower one first" } else { "correct its value, or remove it" };
            (codes::NEVER_MATCHES, "can never hold", help)
        } else if !holds(false) {
            (codes::ALWAYS_HOLDS, "always holds", "remove it, or correct its value")
        } else {
            return false;
        };
        report.add(code, leaf.at, format!("`{}` {what}", words::of_leaf(leaf)), help);
        true
    }

    /// Reports conditions that exclude each other.
    fn never_together(&self, report: &mut Report) -> bool {
        let trees = self.trees;
        if possible(&[Formula::all(trees)], self.settings) {
            return false;
        }
        let excludes = |a: &Tree, b: &Tree| !possible(&[Formula::of(a, true), Formula::of(b, true)], self.settings);
        let pairs = trees.iter().enumerate().flat_map(|(at, a)| trees[..at].iter().map(move |b| (b, a)));
        let (at, message) = match pairs.into_iter().find(|(a, b)| excludes(a, b)) {
            Some((a, b)) => {
                let (a, at) = (words::of_tree(a), first_leaf(b));
                (at, format!("`{a}` and `{}` can never hold together", words::of_tree(b)))
            }
            None => (self.at, format!("the conditions of `{}` can never hold together", self.rule.id)),
        };
        let help = "conditions are all required: put alternatives into a group of `any`, or remove one";
        report.add(codes::CONTRADICTION, at, message, help);
        true
    }

    /// Reports a condition or group that holds wherever another one of the rule does.
    fn decides_nothing(&self, index: usize, tree: &Tree, report: &mut Report) {
        if let Tree::Group(..) = tree
            && !possible(&[Formula::of(tree, false)], self.settings)
        {
            let message = format!("the group `{}` always holds", words::of_tree(tree));
            report.add(codes::ALWAYS_HOLDS, first_leaf(tree), message, "remove it, or correct a value in it");
            return;
        }
        let others = self.trees.iter().enumerate().filter(|(other, _)| *other != index);
        let implies =
            |other: &Tree, tree: &Tree| !possible(&[Formula::of(other, true), Formula::of(tree, false)], self.settings);
        for (place, other) in others {
            // Of two that say the same, the later one is named.
            if implies(other, tree) && (place < index || !implies(tree, other)) {
                let message = format!(
                    "`{}` holds wherever `{}` does, so it decides nothing",
                    words::of_tree(tree),
                    words::of_tree(other)
                );
                report.add(codes::ALWAYS_HOLDS, first_leaf(tree), message, "remove it, or correct its value");
                return;
            }
        }
    }
}

fn first_leaf(tree: &Tree) -> Position {
    let mut at = None;
    tree.each_leaf(&mut |leaf| {
        at.get_or_insert(leaf.at);
    });
    at.unwrap_or_default()
}
