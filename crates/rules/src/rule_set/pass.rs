//! One event's way through the rules of its trigger.
//!
//! In: facts, as they are each time. Out: the next rule that holds.
//! PA-1: a rule is asked once, in its turn, about the facts as they are then: later rules see what earlier ones changed
//! (D-36).
//! Absent: Stop Processing and fallback's "only if nothing answered", which depend on what the engine did with the rules.

use kilat_domain::{Event, SenderKind};
use serde::Serialize;
use serde_json::Value;

use super::{Candidate, RuleSet};
use crate::actions::{Plan, Planned, RuleAction};
use crate::conditions::{Group, Leaf, Tree};
use crate::facts::{Env, Facts, Scratch};
use crate::fields::{channel_account, channel_source};
use crate::phone;
use crate::rule::{Class, Rule, is_message};

/// The pass of one event.
#[derive(Debug)]
pub struct Pass<'p> {
    rule_set: &'p RuleSet,
    candidates: &'p [Candidate],
    scratch: &'p mut Scratch,
    next: usize,
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
    pub(super) fn new(rule_set: &'p RuleSet, candidates: &'p [Candidate], scratch: &'p mut Scratch) -> Pass<'p> {
        Pass { rule_set, candidates, scratch, next: 0 }
    }

    /// The next rule, in evaluation order, whose trigger, scope and conditions hold for the facts as they are now.
    pub fn next(&mut self, facts: &Facts<'_>) -> Option<&'p Rule> {
        let rule_set = self.rule_set;
        let (sender, chat) = (sender_bit(facts.event), chat_bit(facts));
        while let Some(candidate) = self.next_awake() {
            if candidate.senders & sender == 0
                || candidate.chats & chat == 0
                || candidate.message_added && !is_message_added(facts)
            {
                continue;
            }
            let index = candidate.rule as usize;
            let (rule, program) = (&rule_set.rules[index], &rule_set.programs[index]);
            if candidate.scoped && !in_scope(rule, facts) {
                continue;
            }
            if program.holds(&mut Env { facts, settings: &rule_set.settings, scratch: self.scratch }) {
                return Some(rule);
            }
        }
        None
    }

    /// The next candidate this event has to ask.
    fn next_awake(&mut self) -> Option<&'p Candidate> {
        let mut word = self.next / 64;
        let mut bits = *self.scratch.awake.get(word)? & (u64::MAX << (self.next % 64));
        while bits == 0 {
            word += 1;
            bits = *self.scratch.awake.get(word)?;
        }
        let place = word * 64 + bits.trailing_zeros() as usize;
        self.next = place + 1;
        self.candidates.get(place)
    }

    /// As [`Pass::next`], and tells of every rule it asked on the way.
    pub fn next_explained(&mut self, facts: &Facts<'_>, out: &mut Vec<Evaluated>) -> Option<&'p Rule> {
        let rule_set = self.rule_set;
        while let Some(candidate) = self.candidates.get(self.next) {
            self.next += 1;
            let index = candidate.rule as usize;
            let (rule, program) = (&rule_set.rules[index], &rule_set.programs[index]);
            let first_false = if candidate.senders & sender_bit(facts.event) == 0 {
                Some(unseen_sender(program.senders, facts))
            } else if candidate.message_added && !is_message_added(facts) {
                Some(not_added(facts))
            } else if candidate.chats & chat_bit(facts) == 0 {
                Some(FirstFalse {
                    path: "trigger".into(),
                    field: "chat.kind".into(),
                    op: "not_in".into(),
                    expected: serde_json::json!(["broadcast", "status"]),
                    observed: facts.chat_kind().map_or(Value::Null, |kind| kind.as_str().into()),
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
        let left = self.candidates[self.next..].iter();
        let normal = left.take_while(|candidate| self.rule_set.rules[candidate.rule as usize].class() == Class::Normal);
        self.next += normal.count();
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

/// The bit of a message's sender; every bit for what is no message, none for a message of nobody.
fn sender_bit(event: &Event<'_>) -> u32 {
    if is_message(event.kind) { sender(event).map_or(0, |sender| 1 << sender as u32) } else { u32::MAX }
}

/// The bit of the kind of chat; every bit where there is no chat.
fn chat_bit(facts: &Facts<'_>) -> u32 {
    facts.chat_kind().map_or(u32::MAX, |kind| 1 << kind as u32)
}

fn sender(event: &Event<'_>) -> Option<SenderKind> {
    event.sender.as_ref().map(|sender| sender.kind)
}

/// Whether this is a customer's message in a conversation that was known before (D-23).
fn is_message_added(facts: &Facts<'_>) -> bool {
    facts.event.is_customer_message() && !facts.conversation_is_new
}

/// Whether the rule is for the channel the event came through (D-29).
fn in_scope(rule: &Rule, facts: &Facts<'_>) -> bool {
    let channels = rule.channels.is_empty()
        || channel_account(facts).is_some_and(|account| {
            let account = phone::canonical(account, None);
            rule.channels.iter().any(|channel| phone::canonical(channel, None) == account)
        });
    let sources = rule.sources.is_empty()
        || channel_source(facts)
            .is_some_and(|source| rule.sources.iter().any(|known| known.eq_ignore_ascii_case(source)));
    channels && sources
}

fn out_of_scope(rule: &Rule, facts: &Facts<'_>) -> FirstFalse {
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
