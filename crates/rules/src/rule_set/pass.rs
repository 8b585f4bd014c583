//! One event's way through the rules of its trigger.
//!
//! In: facts, as they are each time. Out: the next rule that holds.
//! PA-1: a rule is asked once, in its turn, about the facts as they are then: later rules see what earlier ones changed
//! (D-36).
//! Absent: Stop Processing and fallback's "only if nothing answered", which depend on what the engine did with the rules.

use std::io;

use kilat_domain::Command;
use kilat_matcher::haystack;

use super::Compiled;
use super::standing::in_scope;
use crate::actions::{Plan, Planned, RuleAction};
use crate::cost::{self, BUDGET_EXCEEDED, STEPS_MAX};
use crate::facts::{Env, Facts, Scratch};
use crate::fields::message_text;
use crate::rule::Rule;

/// Most bytes of a command, as JSON: an action's record holds 1 MiB, and names and ids of their own.
const COMMAND_BYTES_MAX: usize = 960 << 10;
/// Steps of planning from which on a command may be so large, even where each byte takes six as JSON.
const MEASURED_STEPS: u32 = cost::copy_steps(COMMAND_BYTES_MAX / 6);
/// Why an action is not done whose command is larger.
const TOO_LARGE: &str = "too_large";

/// The pass of one event.
#[derive(Debug)]
pub struct Pass<'p> {
    pub(super) rule_set: &'p Compiled,
    pub(super) scratch: &'p mut Scratch,
    /// The place to go on from; within its word, `left` knows better.
    pub(super) next: usize,
    /// The rules of the word `asked` that are still to be asked, one bit each.
    left: u64,
    /// The word that `left` was worked out for.
    asked: usize,
    /// The place of the rule that fired last.
    fired: Option<usize>,
    /// What the index said may no longer be so.
    pub(super) is_stale: bool,
    /// The place of the rule that there were too few steps left to ask.
    pub(super) unasked: Option<usize>,
    /// Steps that are left for telling of rules.
    pub(super) explain_left: Option<u32>,
}

impl<'p> Pass<'p> {
    pub(super) fn new(rule_set: &'p Compiled, scratch: &'p mut Scratch) -> Pass<'p> {
        Pass {
            rule_set,
            scratch,
            next: 0,
            left: 0,
            asked: 0,
            fired: None,
            is_stale: true,
            unasked: None,
            explain_left: Some(STEPS_MAX),
        }
    }

    /// The next rule, in evaluation order, whose trigger, scope and conditions hold for the facts as they are now. Between two
    /// calls nothing happens to the facts but what [`Pass::plan`] said.
    pub fn next(&mut self, facts: &Facts<'_>) -> Option<&'p Rule> {
        let rule_set = self.rule_set;
        if self.unasked.is_some() {
            return None;
        }
        let mut env = Env { facts, settings: &rule_set.settings, scratch: self.scratch };
        let mut from = self.asked + 1;
        if std::mem::take(&mut self.is_stale) {
            if rule_set.index.look(self.fired, &mut env) || self.next / 64 != self.asked {
                (from, self.left) = (self.next / 64, 0);
            } else {
                self.left &= u64::MAX << (self.next % 64);
            }
        }
        loop {
            while self.left == 0 {
                let Some((word, left)) = rule_set.index.ask(from, &mut env) else {
                    self.next = rule_set.rules.len();
                    return None;
                };
                let done = if word == self.next / 64 { self.next % 64 } else { 0 };
                (self.asked, self.left) = (word, left & u64::MAX << done);
                from = word + 1;
            }
            let place = self.asked * 64 + self.left.trailing_zeros() as usize;
            self.left &= self.left - 1;
            let program = &rule_set.programs[place];
            let holds = env.scratch.spend(1)
                && (!program.is_scoped || in_scope(&rule_set.rules[place], facts))
                && program.holds(&mut env);
            if env.scratch.steps_left.is_none() {
                self.unasked = Some(place);
                return None;
            }
            if holds {
                self.next = place + 1;
                self.fired = Some(place);
                return Some(&rule_set.rules[place]);
            }
        }
    }

    /// Leaves out what is left of the normal rules (D-35); fallback rules still get their turn.
    pub fn skip_normal(&mut self) {
        self.next = self.next.max(self.rule_set.first_fallback);
        self.is_stale = true;
    }

    /// The rule that there were too few steps left to ask, if there is one: the pass ended before it.
    pub fn unasked(&self) -> Option<&'p Rule> {
        self.unasked.map(|place| &*self.rule_set.rules[place])
    }

    /// The steps that are left for the events this one causes.
    pub fn steps_left(&self) -> u32 {
        self.scratch.steps_left.unwrap_or(0)
    }

    /// Bytes that were seen of a text that has more, by its conditions and extractions; of several texts or caps, the
    /// fewest. `None` where all was seen.
    pub fn scanned_bytes(&self) -> Option<i32> {
        self.scratch.scanned.map(|bytes| i32::try_from(bytes).unwrap_or(i32::MAX))
    }

    /// What an action of this rule set comes to for these facts.
    pub fn plan(&mut self, rule: &Rule, action: &RuleAction, facts: &Facts<'_>) -> Planned {
        // An outbound action looks among the endpoints for the one that serves its channel.
        let endpoints = if action.is_outbound() { cost::compare(4 * self.rule_set.endpoints.len()) } else { 0 };
        let exceeded = Planned::Failed { reason: BUDGET_EXCEEDED };
        let steps = action.steps(facts);
        if !self.spend(steps.saturating_add(endpoints)) {
            return exceeded;
        }
        if let Some(text) = message_text(facts).filter(|_| action.searches()) {
            self.scratch.saw(haystack(text), text);
        }
        match action.plan(&mut self.plan_of(rule, facts)) {
            _ if self.scratch.steps_left.is_none() => exceeded,
            // What copies little need not be measured.
            Planned::Command { command, .. } if steps > MEASURED_STEPS && json_bytes(&command) > COMMAND_BYTES_MAX => {
                Planned::Failed { reason: TOO_LARGE }
            }
            planned => {
                // The caller does to the facts what it says.
                self.is_stale |= matches!(planned, Planned::Patch(_));
                planned
            }
        }
    }

    /// Goes on with what telling of earlier passes left of its steps; [`Pass::explain_steps_left`] says what is left after
    /// this one.
    pub fn explain_within(&mut self, steps: u32) {
        self.explain_left = Some(steps);
    }

    /// The steps that are left for telling of the passes this one causes.
    pub fn explain_steps_left(&self) -> u32 {
        self.explain_left.unwrap_or(0)
    }

    /// Takes so many steps for what the engine does between; whether there were so many left.
    pub fn spend(&mut self, steps: u32) -> bool {
        self.scratch.spend(steps)
    }

    /// What the actions of a rule are planned from.
    pub(super) fn plan_of<'s, 'f>(&'s mut self, rule: &'s Rule, facts: &'s Facts<'f>) -> Plan<'s, 'f> {
        Plan {
            facts,
            settings: &self.rule_set.settings,
            endpoints: &self.rule_set.endpoints,
            rule: (&rule.id, &rule.name),
            regex: &mut self.scratch.regex,
            steps_left: &mut self.scratch.steps_left,
        }
    }
}

/// How long a command is as JSON.
fn json_bytes(command: &Command<'_>) -> usize {
    struct Counted(usize);
    impl io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counted = Counted(0);
    match serde_json::to_writer(&mut counted, command) {
        Ok(()) => counted.0,
        Err(_) => usize::MAX,
    }
}
