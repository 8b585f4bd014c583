//! One event's way through the rules of its trigger.
//!
//! In: facts, as they are each time. Out: the next rule that holds.
//! PA-1: a rule is asked once, in its turn, about the facts as they are then: later rules see what earlier ones changed
//! (D-36).
//! Absent: Stop Processing and fallback's "only if nothing answered", which depend on what the engine did with the rules.

use kilat_domain::{EventKind, SenderKind};
use serde::Serialize;
use serde_json::Value;

use super::RuleSet;
use super::standing::{in_scope, is_begun, is_message_added, sees_chat, sees_sender, sender};
use crate::actions::{Plan, Planned, RuleAction};
use crate::conditions::{Group, Leaf, Tree};
use crate::facts::{Env, Facts, Scratch};
use crate::fields::{channel_account, channel_source};
use crate::rule::Rule;

/// The pass of one event.
#[derive(Debug)]
pub struct Pass<'p> {
    rule_set: &'p RuleSet,
    scratch: &'p mut Scratch,
    /// The place to go on from; within its word, `left` knows better.
    next: usize,
    /// The rules of the word of `next` that are still to be asked, one bit each.
    left: u64,
    /// What the index said may no longer be so.
    is_stale: bool,
}

/// What became of one rule in a pass, for `--explain`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluated {
    /// The rule.
    pub rule: String,
    /// Whether it held.
    pub matched: bool,
    /// The first condition that did not hold, in the order they are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_false: Option<FirstFalse>,
}

/// A condition that did not hold, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirstFalse {
    /// Where it stands in the rule: `conditions[1].any[0]`.
    pub path: String,
    /// The field.
    pub field: String,
    /// The operator.
    pub op: String,
    /// What it was compared with.
    pub expected: Value,
    /// What it was; null is missing.
    pub observed: Value,
}

impl<'p> Pass<'p> {
    pub(super) fn new(rule_set: &'p RuleSet, scratch: &'p mut Scratch) -> Pass<'p> {
        Pass { rule_set, scratch, next: 0, left: 0, is_stale: true }
    }

    /// The next rule, in evaluation order, whose trigger, scope and conditions hold for the facts as they are now.
    pub fn next(&mut self, facts: &Facts<'_>) -> Option<&'p Rule> {
        let rule_set = self.rule_set;
        let mut env = Env { facts, settings: &rule_set.settings, scratch: self.scratch };
        if std::mem::take(&mut self.is_stale) {
            rule_set.index.changed(env.scratch);
            self.left = match self.next / 64 {
                word if word < env.scratch.awake.len() => {
                    rule_set.index.ask(word, &mut env) & u64::MAX << (self.next % 64)
                }
                _ => 0,
            };
        }
        loop {
            while self.left == 0 {
                self.next = (self.next / 64 + 1) * 64;
                if self.next / 64 >= env.scratch.awake.len() {
                    return None;
                }
                self.left = rule_set.index.ask(self.next / 64, &mut env);
            }
            let place = self.next / 64 * 64 + self.left.trailing_zeros() as usize;
            self.left &= self.left - 1;
            let rule = &rule_set.rules[place];
            if (!rule.is_scoped() || in_scope(rule, facts)) && rule_set.programs[place].holds(&mut env) {
                self.next = place + 1;
                // The caller may do to the facts what the rule says.
                self.is_stale = true;
                return Some(rule);
            }
        }
    }

    /// As [`Pass::next`], and tells of every rule it asked on the way.
    pub fn next_explained(&mut self, facts: &Facts<'_>, out: &mut Vec<Evaluated>) -> Option<&'p Rule> {
        let rule_set = self.rule_set;
        while let Some(rule) = rule_set.rules.get(self.next) {
            let place = self.next;
            self.next += 1;
            if !rule_set.index.triggers(facts.event.kind, place) {
                continue;
            }
            let only_added = facts.event.kind == EventKind::MessageCreated && rule.message_added_only();
            let first_false = if !sees_sender(rule, facts.event) {
                Some(unseen_sender(rule.senders(), facts))
            } else if only_added && !is_message_added(facts) {
                Some(not_added(facts))
            } else if !sees_chat(rule, facts) {
                Some(FirstFalse {
                    path: "trigger".into(),
                    field: "chat.kind".into(),
                    op: "not_in".into(),
                    expected: serde_json::json!(["broadcast", "status"]),
                    observed: facts.event.chat_kind().map_or(Value::Null, |kind| kind.as_str().into()),
                })
            } else if !in_scope(rule, facts) {
                Some(out_of_scope(rule, facts))
            } else {
                let mut env = Env { facts, settings: &rule_set.settings, scratch: self.scratch };
                first_false(&rule.conditions, "conditions", &mut env)
            };
            let matched = first_false.is_none();
            out.push(Evaluated { rule: rule.id.to_string(), matched, first_false });
            if matched {
                return Some(rule);
            }
        }
        None
    }

    /// Leaves out what is left of the normal rules (D-35); fallback rules still get their turn.
    pub fn skip_normal(&mut self) {
        self.next = self.next.max(self.rule_set.first_fallback);
        self.is_stale = true;
    }

    /// What an action of this rule set comes to for these facts.
    pub fn plan(&mut self, rule: &Rule, action: &RuleAction, facts: &Facts<'_>) -> Planned {
        action.plan(&mut Plan {
            facts,
            settings: &self.rule_set.settings,
            endpoints: &self.rule_set.endpoints,
            rule: (&rule.id, &rule.name),
            regex: &mut self.scratch.regex,
        })
    }
}

fn out_of_scope(rule: &Rule, facts: &Facts<'_>) -> FirstFalse {
    if let Some(since) = rule.begun_since().filter(|_| !is_begun(rule, facts)) {
        return FirstFalse {
            path: "apply_to".into(),
            field: "conversation.created_at".into(),
            op: "gte".into(),
            expected: since.to_string().into(),
            observed: facts.conversation.map_or(Value::Null, |known| known.created_at.to_string().into()),
        };
    }
    let account = channel_account(facts);
    let by_channel = !rule.channels.is_empty()
        && !account.is_some_and(|account| rule.channels.iter().any(|channel| **channel == *account));
    let (field, expected, observed) = if by_channel {
        ("channel.account", &rule.channels, account)
    } else {
        ("channel.source", &rule.sources, channel_source(facts))
    };
    FirstFalse {
        path: "scope".into(),
        field: field.into(),
        op: "in".into(),
        expected: expected.iter().map(|text| Value::from(&**text)).collect(),
        observed: observed.map_or(Value::Null, Value::from),
    }
}

fn unseen_sender(senders: u32, facts: &Facts<'_>) -> FirstFalse {
    let seen = SenderKind::ALL.iter().filter(|kind| senders >> **kind as u32 & 1 != 0);
    FirstFalse {
        path: "trigger".into(),
        field: "sender.kind".into(),
        op: "in".into(),
        expected: seen.map(|kind| Value::from(kind.as_str())).collect(),
        observed: sender(facts.event).map_or(Value::Null, |kind| kind.as_str().into()),
    }
}

fn not_added(facts: &Facts<'_>) -> FirstFalse {
    FirstFalse {
        path: "trigger".into(),
        field: "conversation".into(),
        op: "equals".into(),
        expected: "known before".into(),
        observed: if facts.conversation_is_new { "new" } else { "known before, and the sender is no customer" }.into(),
    }
}

/// The first condition in written order that does not hold.
fn first_false(trees: &[Tree], path: &str, env: &mut Env<'_, '_>) -> Option<FirstFalse> {
    let mut places = trees.iter().enumerate();
    places.find_map(|(index, tree)| why_false(tree, &format!("{path}[{index}]"), env))
}

/// Why a condition or group does not hold; `None` where it does.
fn why_false(tree: &Tree, path: &str, env: &mut Env<'_, '_>) -> Option<FirstFalse> {
    match tree {
        Tree::Leaf(leaf) => (!leaf.holds(env)).then(|| describe(leaf, path, leaf.op.name(), env.facts)),
        Tree::Group(Group::All, members) => first_false(members, &format!("{path}.all"), env),
        Tree::Group(Group::Any, members) => {
            let mut first = None;
            for (index, member) in members.iter().enumerate() {
                let found = why_false(member, &format!("{path}.any[{index}]"), env)?;
                first.get_or_insert(found);
            }
            first
        }
        Tree::Group(Group::None, members) => members.iter().enumerate().find_map(|(index, member)| {
            let path = format!("{path}.none[{index}]");
            why_false(member, &path, env).is_none().then(|| match member {
                Tree::Leaf(leaf) => describe(leaf, &path, &format!("none of {}", leaf.op.name()), env.facts),
                Tree::Group(group, _) => FirstFalse {
                    path: path.clone(),
                    field: String::new(),
                    op: format!("none of {}", group.name()),
                    expected: Value::Null,
                    observed: Value::Null,
                },
            })
        }),
    }
}

fn describe(leaf: &Leaf, path: &str, op: &str, facts: &Facts<'_>) -> FirstFalse {
    FirstFalse {
        path: path.to_owned(),
        field: leaf.field.name(),
        op: op.to_owned(),
        expected: leaf.expected(),
        observed: leaf.observed(facts),
    }
}
