//! Why each rule of a pass did or did not hold.
//!
//! In: facts. Out: what [`Pass::next`] answers, and beside it one [`Evaluated`] for every rule it went past, worked out
//! anew, condition by condition as they are written.
//! EX-1: explaining changes no answer: the rule that fires is the one the compiled pass found.
//! EX-2: explaining has a budget of its own, as large as that of the event; rules that find none of it left are not told of.
//! Absent: refusals, which the engine knows; rules of other triggers, and those behind a Stop Processing.

use kilat_domain::{Evaluated, EventKind, Extracted, FirstFalse, Held, SenderKind, Str, Value};

use super::Pass;
use super::standing::{in_scope, is_begun, is_message_added, sees_chat, sees_sender, sender};
use crate::actions::{RuleAction, json_bytes};
use crate::conditions::{Group, Leaf, Tree};
use crate::cost;
use crate::facts::{Env, Facts};
use crate::fields::{channel_account, channel_source};
use crate::free_form;
use crate::rule::Rule;

/// What telling of one rule takes, beside its conditions.
const EXPLAINED: u32 = 4;

impl<'p> Pass<'p> {
    /// As [`Pass::next`], and tells of every rule it went past.
    pub fn next_explained(&mut self, facts: &Facts<'_>, out: &mut Vec<Evaluated<'p>>) -> Option<&'p Rule> {
        let from = self.next;
        let found = self.next(facts);
        let left = std::mem::replace(&mut self.scratch.steps_left, self.explain_left);
        let until = if found.is_some() { self.next } else { self.unasked.unwrap_or(self.rule_set.rules.len()) };
        for place in from..until {
            if !self.spend(EXPLAINED) {
                break;
            }
            let evaluated = self.evaluated(place, facts);
            // What was found out with no steps left means nothing.
            if self.scratch.steps_left.is_some() {
                out.extend(evaluated);
            }
        }
        self.explain_left = std::mem::replace(&mut self.scratch.steps_left, left);
        found
    }

    /// As [`Pass::next`], by reading the conditions of one rule after the other as they are written: what the compiled
    /// pass is held to.
    pub fn next_naive(&mut self, facts: &Facts<'_>) -> Option<&'p Rule> {
        self.is_stale = true;
        self.scratch.steps_left = Some(u32::MAX);
        while let Some(rule) = self.rule_set.rules.get(self.next) {
            self.next += 1;
            if self.evaluated(self.next - 1, facts).is_some_and(|rule| rule.matched) {
                return Some(rule);
            }
        }
        None
    }

    /// What becomes of the rule at this place; `None` where the event does not trigger it.
    fn evaluated(&mut self, place: usize, facts: &Facts<'_>) -> Option<Evaluated<'p>> {
        let rule_set = self.rule_set;
        // Explaining looks at more than the pass did, and the decision must not tell.
        let scanned = self.scratch.scanned;
        let env = &mut Env { facts, settings: &rule_set.settings, scratch: self.scratch };
        let triggered = rule_set.index.triggers(facts.event.kind, place);
        let evaluated = triggered.then(|| evaluated(&rule_set.rules[place], env));
        self.scratch.scanned = scanned;
        evaluated
    }

    /// What an action that reads the message finds in it; `None` for any other.
    pub fn extracted(&mut self, rule: &Rule, action: &RuleAction, facts: &Facts<'_>) -> Option<Extracted<'static>> {
        let left = std::mem::replace(&mut self.scratch.steps_left, self.explain_left);
        let paid = self.spend(action.steps(facts));
        let extracted = if paid { action.extracted(&mut self.plan_of(rule, facts)) } else { None };
        self.explain_left = std::mem::replace(&mut self.scratch.steps_left, left);
        extracted
    }
}

fn evaluated<'p>(rule: &'p Rule, env: &mut Env<'_, '_>) -> Evaluated<'p> {
    let mut conditions = Vec::new();
    let unseen = unseen(rule, env.facts);
    let mut reached = unseen.is_none();
    for (index, tree) in rule.conditions.iter().enumerate() {
        reached &= hold(tree, &format!("conditions[{index}]"), reached, env, &mut conditions);
    }
    let first_false = unseen.or_else(|| first_false(&rule.conditions, "conditions", env));
    Evaluated {
        rule: rule.id().into(),
        version: rule.version(),
        matched: first_false.is_none(),
        first_false,
        conditions,
        extracted: Vec::new(),
        refused: None,
    }
}

/// Why the rule does not see the event at all: sender, chat, a conversation that is new, or scope.
fn unseen(rule: &Rule, facts: &Facts<'_>) -> Option<FirstFalse<'static>> {
    let only_added = facts.event.kind == EventKind::MessageCreated && rule.message_added_only();
    if !sees_sender(rule, facts.event) {
        Some(unseen_sender(rule.senders(), facts))
    } else if only_added && !is_message_added(facts) {
        Some(not_added(facts))
    } else if !sees_chat(rule, facts) {
        Some(FirstFalse {
            path: "trigger".into(),
            field: "chat.kind".into(),
            op: "not_in".into(),
            expected: Value::List(vec![text("broadcast"), text("status")]),
            observed: facts.event.chat_kind().map_or(Value::Null, |kind| text(kind.as_str())),
        })
    } else if !in_scope(rule, facts) {
        Some(out_of_scope(rule, facts))
    } else {
        None
    }
}

/// Whether a condition or group holds, noting every condition in it; those that are not reached hold for all anyone knows.
fn hold(tree: &Tree, path: &str, reached: bool, env: &mut Env<'_, '_>, out: &mut Vec<Held<'static>>) -> bool {
    let (group, members) = match tree {
        Tree::Leaf(leaf) => {
            let holds = reached.then(|| leaf.check(env));
            out.push(Held { path: path.to_owned().into(), holds });
            return holds.unwrap_or(true);
        }
        Tree::Group(group, members) => (*group, members),
    };
    let mut decided = false;
    for (index, member) in members.iter().enumerate() {
        let path = format!("{path}.{}[{index}]", group.name());
        let holds = hold(member, &path, reached && !decided, env, out);
        decided |= holds == (group != Group::All);
    }
    decided == (group == Group::Any)
}

fn text(text: &str) -> Value<'static> {
    Value::Text(text.to_owned().into())
}

fn out_of_scope(rule: &Rule, facts: &Facts<'_>) -> FirstFalse<'static> {
    if let Some(since) = rule.begun_since().filter(|_| !is_begun(rule, facts)) {
        return FirstFalse {
            path: "apply_to".into(),
            field: "conversation.created_at".into(),
            op: "gte".into(),
            expected: text(&since.to_string()),
            observed: facts.conversation.map_or(Value::Null, |known| text(&known.created_at.to_string())),
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
        expected: Value::List(expected.iter().map(|name| text(name)).collect()),
        observed: observed.map_or(Value::Null, text),
    }
}

fn unseen_sender(senders: u32, facts: &Facts<'_>) -> FirstFalse<'static> {
    let seen = SenderKind::ALL.iter().filter(|kind| senders >> **kind as u32 & 1 != 0);
    FirstFalse {
        path: "trigger".into(),
        field: "sender.kind".into(),
        op: "in".into(),
        expected: Value::List(seen.map(|kind| text(kind.as_str())).collect()),
        observed: sender(facts.event).map_or(Value::Null, |kind| text(kind.as_str())),
    }
}

fn not_added(facts: &Facts<'_>) -> FirstFalse<'static> {
    FirstFalse {
        path: "trigger".into(),
        field: "conversation".into(),
        op: "equals".into(),
        expected: text("known before"),
        observed: text(match facts.conversation_is_new {
            true => "new",
            false => "known before, and the sender is no customer",
        }),
    }
}

/// The first condition in written order that does not hold.
fn first_false(trees: &[Tree], path: &str, env: &mut Env<'_, '_>) -> Option<FirstFalse<'static>> {
    let mut places = trees.iter().enumerate();
    places.find_map(|(index, tree)| why_false(tree, &format!("{path}[{index}]"), env))
}

/// Why a condition or group does not hold; `None` where it does.
fn why_false(tree: &Tree, path: &str, env: &mut Env<'_, '_>) -> Option<FirstFalse<'static>> {
    match tree {
        Tree::Leaf(leaf) => (!leaf.check(env)).then(|| describe(leaf, path, leaf.op.name(), env)),
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
                Tree::Leaf(leaf) => describe(leaf, &path, &format!("none of {}", leaf.op.name()), env),
                Tree::Group(group, _) => FirstFalse {
                    path: path.clone().into(),
                    field: Str::default(),
                    op: format!("none of {}", group.name()).into(),
                    expected: Value::Null,
                    observed: Value::Null,
                },
            })
        }),
    }
}

fn describe(leaf: &Leaf, path: &str, op: &str, env: &mut Env<'_, '_>) -> FirstFalse<'static> {
    let expected = leaf.expected();
    if !env.scratch.spend(cost::copy(leaf.field.bytes(env.facts) + json_bytes(&expected))) {
        return FirstFalse {
            path: path.to_owned().into(),
            field: leaf.field.name().into(),
            op: op.to_owned().into(),
            expected: Value::Null,
            observed: Value::Null,
        };
    }
    let seen = leaf.condition.observe(env).map(|seen| free_form::from_json(&seen));
    FirstFalse {
        path: path.to_owned().into(),
        field: leaf.field.name().into(),
        op: op.to_owned().into(),
        expected: free_form::from_json(&expected),
        observed: seen.or_else(|| leaf.field.observe(env.facts)).unwrap_or(Value::Null),
    }
}
