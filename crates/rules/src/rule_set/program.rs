//! The conditions of one rule, compiled: keywords as bits of the scan, the rest in order of cost.
//!
//! In: a rule. Out: a [`Program`] that decides as the rule's conditions do, one by one in any order, since none has an
//! effect.

use kilat_domain::ChatKind;
use kilat_matcher::{Boundary, HitSet, KeywordError, KeywordId, KeywordSetBuilder};

use crate::conditions::{Cost, Group, Leaf, Scan, Tree};
use crate::facts::Env;
use crate::rule::Rule;

/// A compiled rule.
#[derive(Debug)]
pub(super) struct Program {
    /// Senders it sees, one bit each, where the event is a message.
    pub(super) senders: u32,
    /// Kinds of chat it sees, one bit each.
    pub(super) chats: u32,
    steps: Box<[Step]>,
    needs_text: bool,
}

/// A condition or a group.
#[derive(Debug)]
enum Step {
    /// Holds where one of the keywords is found, or for a negation where none is.
    Keywords {
        ids: Box<[KeywordId]>,
        negated: bool,
        when_missing: bool,
    },
    /// Looks at the field; only where one of the keywords is found, if there are such.
    Check {
        leaf: Leaf,
        needs: Option<Box<[KeywordId]>>,
    },
    Group(Group, Box<[Step]>),
}

/// What the keyword ids of one rule set are collected in.
struct Compiler<'k> {
    keywords: &'k mut KeywordSetBuilder,
    needs_text: bool,
}

impl Program {
    pub(super) fn compile(rule: &Rule, keywords: &mut KeywordSetBuilder) -> Result<Program, KeywordError> {
        let mut compiler = Compiler { keywords, needs_text: false };
        let steps = compiler.steps(&rule.conditions)?;
        let every_chat = (1 << ChatKind::WORDS.len()) - 1;
        let shouted = 1 << ChatKind::Broadcast as u32 | 1 << ChatKind::Status as u32;
        let names_chat = rule.has_condition_on(&["chat.is_group", "chat.kind"]);
        Ok(Program {
            senders: rule.senders(),
            chats: if names_chat { every_chat } else { every_chat & !shouted },
            steps,
            needs_text: compiler.needs_text,
        })
    }

    /// Whether the program looks at the folded message text or its keywords.
    pub(super) fn needs_text(&self) -> bool {
        self.needs_text
    }

    /// The keywords one of which must be found for the program to hold on an event that has a text; `None` where it may
    /// hold without.
    pub(super) fn gate(&self) -> Option<&[KeywordId]> {
        self.steps.iter().find_map(|step| match step {
            Step::Keywords { ids, negated: false, .. } | Step::Check { needs: Some(ids), .. } => Some(&**ids),
            _ => None,
        })
    }

    /// Whether every condition holds.
    pub(super) fn holds(&self, env: &mut Env<'_, '_>) -> bool {
        self.steps.iter().all(|step| step.holds(env))
    }
}

impl Compiler<'_> {
    fn steps(&mut self, trees: &[Tree]) -> Result<Box<[Step]>, KeywordError> {
        let mut steps = trees.iter().map(|tree| self.step(tree)).collect::<Result<Vec<_>, _>>()?;
        steps.sort_by_key(Step::cost);
        Ok(steps.into())
    }

    fn step(&mut self, tree: &Tree) -> Result<Step, KeywordError> {
        let leaf = match tree {
            Tree::Group(group, members) => return Ok(Step::Group(*group, self.steps(members)?)),
            Tree::Leaf(leaf) => leaf,
        };
        self.needs_text |= leaf.field.field.name == "message.text";
        Ok(match leaf.condition.scan() {
            Some(Scan::Decides(words, boundary)) => Step::Keywords {
                ids: self.ids(&words, boundary)?,
                negated: leaf.op.positive().1,
                when_missing: leaf.when_missing(),
            },
            // A negation holds where nothing is found, so that the scan cannot spare it the look.
            Some(Scan::Needs(words)) if !leaf.op.positive().1 => {
                Step::Check { leaf: leaf.clone(), needs: Some(self.ids(&words, Boundary::Anywhere)?) }
            }
            _ => Step::Check { leaf: leaf.clone(), needs: None },
        })
    }

    fn ids(&mut self, words: &[&str], boundary: Boundary) -> Result<Box<[KeywordId]>, KeywordError> {
        let added = words.iter().filter_map(|word| match self.keywords.add(word, boundary) {
            // A word that folds to nothing is in no text; its author was warned.
            Err(KeywordError::Empty) => None,
            added => Some(added),
        });
        added.collect()
    }
}

impl Step {
    fn cost(&self) -> Cost {
        match self {
            Step::Keywords { .. } => Cost::Bit,
            Step::Check { leaf, .. } => leaf.condition.cost(),
            Step::Group(_, members) => members.iter().map(Step::cost).max().unwrap_or(Cost::Bit),
        }
    }

    fn holds(&self, env: &mut Env<'_, '_>) -> bool {
        match self {
            Step::Keywords { ids, negated, when_missing } => {
                if env.scratch.has_text {
                    any(ids, &env.scratch.hits) != *negated
                } else {
                    *when_missing
                }
            }
            Step::Check { leaf, needs: Some(ids) } => {
                if env.scratch.has_text && !any(ids, &env.scratch.hits) {
                    false
                } else {
                    leaf.holds(env)
                }
            }
            Step::Check { leaf, needs: None } => leaf.holds(env),
            Step::Group(Group::All, members) => members.iter().all(|step| step.holds(env)),
            Step::Group(Group::Any, members) => members.iter().any(|step| step.holds(env)),
            Step::Group(Group::None, members) => !members.iter().any(|step| step.holds(env)),
        }
    }
}

fn any(ids: &[KeywordId], hits: &HitSet) -> bool {
    !hits.is_empty() && ids.iter().any(|id| hits.contains(*id))
}
