//! The conditions of one rule, compiled: keywords as bits of the scan, the rest in order of cost.
//!
//! In: a rule. Out: a [`Draft`], from which the index takes what it answers itself, and what is left of it: a [`Program`].
//! PR-1: a draft decides as the rule's conditions do, one by one in any order, since none has an effect.

use kilat_matcher::{Boundary, FiledRegex, HitSet, KeywordError, KeywordId, KeywordSetBuilder};

use crate::conditions::{Cost, Group, Leaf, Scan, Tree};
use crate::cost;
use crate::facts::{Env, head};
use crate::fields::message_text;
use crate::rule::Rule;

/// What a rule still has to be asked once the index let it through, cheapest first.
#[derive(Debug)]
pub(super) struct Program {
    /// Narrowed to channels or partners.
    pub(super) is_scoped: bool,
    steps: Box<[Step]>,
}

/// The conditions of a rule, all of which must hold.
pub(super) struct Draft<'r> {
    rule: &'r Rule,
    pub(super) terms: Vec<Term<'r>>,
    /// Whether it looks at the folded message text or its keywords.
    pub(super) needs_text: bool,
}

/// A condition, or a group that is no plain list of them.
pub(super) struct Term<'r> {
    pub(super) literal: Option<Literal<'r>>,
    step: Step,
    /// The index has answered it by the time the rule is asked.
    pub(super) is_answered: bool,
    /// The rule sleeps until a text comes that fulfils it.
    pub(super) is_filed: bool,
}

/// A condition or its contrary.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal<'r> {
    pub(super) leaf: &'r Leaf,
    pub(super) inverted: bool,
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
    /// Holds where one of the patterns matches the message text, or for a negation where none does.
    Patterns {
        patterns: Box<[FiledRegex]>,
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

/// The keywords one of which a text must hold for a rule to hold.
pub(super) struct Gate {
    pub(super) keywords: Box<[KeywordId]>,
    /// Whether the rule may hold where there is no text.
    pub(super) when_missing: bool,
}

impl Literal<'_> {
    /// What the literal says where the field fulfils the operator without its negation or does not, or is missing.
    pub(super) fn decide(&self, fulfilled: Option<bool>) -> bool {
        self.leaf.decide(fulfilled) != self.inverted
    }

    /// Whether it holds where the operator without its negation is not fulfilled.
    pub(super) fn is_negative(&self) -> bool {
        self.leaf.op.positive().1 != self.inverted
    }
}

impl<'r> Draft<'r> {
    pub(super) fn of(rule: &'r Rule, keywords: &mut KeywordSetBuilder) -> Result<Draft<'r>, KeywordError> {
        let mut draft = Draft { rule, terms: Vec::new(), needs_text: needs_text(rule) };
        draft.add_all(&rule.conditions, false, keywords)?;
        Ok(draft)
    }

    /// A draft that looks at every field itself.
    pub(super) fn without_keywords(rule: &'r Rule) -> Draft<'r> {
        let term =
            |tree| Term { literal: None, step: Step::without_keywords(tree), is_answered: false, is_filed: false };
        Draft { rule, terms: rule.conditions.iter().map(term).collect(), needs_text: needs_text(rule) }
    }

    /// Adds conditions all of which must hold, or none of which may.
    fn add_all(
        &mut self,
        trees: &'r [Tree],
        inverted: bool,
        keywords: &mut KeywordSetBuilder,
    ) -> Result<(), KeywordError> {
        for tree in trees {
            match (tree, inverted) {
                (Tree::Leaf(leaf), _) => {
                    let literal = Literal { leaf, inverted };
                    let step = Step::of_literal(literal, keywords)?;
                    self.terms.push(Term { literal: Some(literal), step, is_answered: false, is_filed: false });
                }
                (Tree::Group(Group::All, members), false) => self.add_all(members, false, keywords)?,
                (Tree::Group(Group::None, members), false) => self.add_all(members, true, keywords)?,
                (Tree::Group(Group::Any, members), true) => self.add_all(members, true, keywords)?,
                (group, inverted) => {
                    let mut step = Step::of(group, keywords)?;
                    if inverted {
                        step = Step::Group(Group::None, [step].into());
                    }
                    self.terms.push(Term { literal: None, step, is_answered: false, is_filed: false });
                }
            }
        }
        Ok(())
    }

    /// Takes the most telling gate there is, if there is one; its condition is answered where it asks for nothing more than
    /// its keywords.
    pub(super) fn take_gate(&mut self) -> Option<Gate> {
        let gates = self.terms.iter_mut().filter_map(|term| {
            let gate = term.step.gate()?;
            Some((gate, term))
        });
        let (gate, term) = gates.min_by_key(|(gate, _)| gate.keywords.len())?;
        term.is_answered = matches!(term.step, Step::Keywords { .. });
        Some(gate)
    }

    /// What the index leaves to be asked.
    pub(super) fn finish(self) -> Program {
        let left = self.terms.into_iter().filter(|term| !term.is_answered);
        let mut steps: Vec<Step> = left.map(|term| term.step).collect();
        steps.sort_by_key(Step::cost);
        Program { is_scoped: self.rule.is_scoped(), steps: steps.into() }
    }
}

impl Program {
    /// Whether every condition holds; means nothing once no steps are left.
    pub(super) fn holds(&self, env: &mut Env<'_, '_>) -> bool {
        self.steps.iter().all(|step| step.holds(env))
    }
}

impl Step {
    fn of(tree: &Tree, keywords: &mut KeywordSetBuilder) -> Result<Step, KeywordError> {
        match tree {
            Tree::Leaf(leaf) => Step::of_literal(Literal { leaf, inverted: false }, keywords),
            Tree::Group(group, members) => {
                let members = members.iter().map(|member| Step::of(member, keywords));
                let mut members = members.collect::<Result<Vec<_>, _>>()?;
                members.sort_by_key(Step::cost);
                Ok(Step::Group(*group, members.into()))
            }
        }
    }

    fn without_keywords(tree: &Tree) -> Step {
        match tree {
            Tree::Leaf(leaf) => Step::Check { leaf: leaf.clone(), needs: None },
            Tree::Group(group, members) => {
                let mut members: Vec<Step> = members.iter().map(Step::without_keywords).collect();
                members.sort_by_key(Step::cost);
                Step::Group(*group, members.into())
            }
        }
    }

    fn of_literal(literal: Literal<'_>, keywords: &mut KeywordSetBuilder) -> Result<Step, KeywordError> {
        let leaf = literal.leaf;
        let step = match leaf.condition.scan() {
            Some(Scan::Decides(words, boundary)) => {
                return Ok(Step::Keywords {
                    ids: ids(&words, boundary, keywords)?,
                    negated: literal.is_negative(),
                    when_missing: literal.decide(None),
                });
            }
            Some(Scan::Patterns(patterns)) => {
                let patterns = patterns.iter().map(|pattern| FiledRegex::new(pattern, keywords));
                return Ok(Step::Patterns {
                    patterns: patterns.collect::<Result<_, _>>()?,
                    negated: literal.is_negative(),
                    when_missing: literal.decide(None),
                });
            }
            // A negation holds where nothing is found, so that the scan cannot spare it the look.
            Some(Scan::Needs(words)) if !leaf.op.positive().1 => {
                Step::Check { leaf: leaf.clone(), needs: Some(ids(&words, Boundary::Anywhere, keywords)?) }
            }
            _ => Step::Check { leaf: leaf.clone(), needs: None },
        };
        Ok(if literal.inverted { Step::Group(Group::None, [step].into()) } else { step })
    }

    fn gate(&self) -> Option<Gate> {
        match self {
            Step::Keywords { ids, negated: false, when_missing } => {
                Some(Gate { keywords: ids.clone(), when_missing: *when_missing })
            }
            Step::Patterns { patterns, negated: false, when_missing } => {
                let gates = patterns.iter().map(FiledRegex::gate).collect::<Option<Vec<_>>>()?;
                Some(Gate { keywords: gates.concat().into(), when_missing: *when_missing })
            }
            Step::Check { leaf, needs: Some(ids) } => {
                Some(Gate { keywords: ids.clone(), when_missing: leaf.when_missing() })
            }
            // Whichever member holds, one of its keywords is found.
            Step::Group(Group::Any, members) => {
                let gates = members.iter().map(Step::gate).collect::<Option<Vec<_>>>()?;
                let keywords = gates.iter().flat_map(|gate| &gate.keywords).copied().collect();
                Some(Gate { keywords, when_missing: gates.iter().any(|gate| gate.when_missing) })
            }
            Step::Group(Group::All, members) => {
                let gates = members.iter().filter_map(Step::gate);
                gates.min_by_key(|gate| gate.keywords.len())
            }
            _ => None,
        }
    }

    fn cost(&self) -> Cost {
        match self {
            Step::Keywords { .. } => Cost::Bit,
            Step::Patterns { .. } => Cost::Pattern,
            Step::Check { leaf, .. } => leaf.condition.cost(),
            Step::Group(_, members) => members.iter().map(Step::cost).max().unwrap_or(Cost::Bit),
        }
    }

    fn holds(&self, env: &mut Env<'_, '_>) -> bool {
        match self {
            Step::Keywords { ids, negated, when_missing } => {
                if env.scratch.has_text {
                    env.scratch.spend(cost::compare(ids.len())) && any(ids, &env.scratch.hits) != *negated
                } else {
                    *when_missing
                }
            }
            Step::Patterns { patterns, negated, when_missing } => match message_text(env.facts) {
                Some(text) => {
                    if !env.scratch.spend(steps(patterns, text, &env.scratch.hits)) {
                        return false;
                    }
                    let (hits, regex) = (&mut env.scratch.hits, &mut env.scratch.regex);
                    patterns.iter().any(|pattern| pattern.is_match(head(text), hits, regex)) != *negated
                }
                None => *when_missing,
            },
            Step::Check { leaf, needs: Some(ids) } => {
                if env.scratch.has_text && !(env.scratch.spend(cost::compare(ids.len())) && any(ids, &env.scratch.hits))
                {
                    false
                } else {
                    leaf.check(env)
                }
            }
            Step::Check { leaf, needs: None } => leaf.check(env),
            Step::Group(Group::All, members) => members.iter().all(|step| step.holds(env)),
            Step::Group(Group::Any, members) => members.iter().any(|step| step.holds(env)),
            Step::Group(Group::None, members) => !members.iter().any(|step| step.holds(env)),
        }
    }
}

/// How many steps looking for these patterns may take: those count of which a literal was found.
fn steps(patterns: &[FiledRegex], text: &str, hits: &HitSet) -> u32 {
    let searched = patterns.iter().filter(|pattern| pattern.gate().is_none_or(|gate| any(gate, hits)));
    searched.fold(1, |steps, pattern| steps.saturating_add(cost::pattern_in(pattern.regex(), text)))
}

fn needs_text(rule: &Rule) -> bool {
    rule.has_condition_on(&["message.text"])
}

fn ids(words: &[&str], boundary: Boundary, keywords: &mut KeywordSetBuilder) -> Result<Box<[KeywordId]>, KeywordError> {
    let added = words.iter().filter_map(|word| match keywords.add(word, boundary) {
        // A word that folds to nothing is in no text; its author was warned.
        Err(KeywordError::Empty) => None,
        added => Some(added),
    });
    added.collect()
}

fn any(ids: &[KeywordId], hits: &HitSet) -> bool {
    !hits.is_empty() && ids.iter().any(|id| hits.contains(*id))
}
