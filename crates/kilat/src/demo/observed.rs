//! What the topics say: everything the demo reports about outputs is counted by reading them back.
//!
//! Input: committed records of the output topics, followed from their beginning. Output: [`Observed`]: counts, rules by
//! fires, the latest decisions. One thread a topic.
//!
//! Invariant: an action counts as settled once both it and a final result of it were read, whichever came first, and once
//! only, however many results it has. Absent: the engine's own counters; the totals hold both against each other.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kilat_codec::{Topic, decode_action, decode_action_result, decode_decision, decode_rule_status};
use kilat_domain::{ActionResult, Decision, Effect, Outcome, Timestamp};
use kilat_log::{LogError, PartitionedLog, Start};

use crate::output::grouped;

/// How long a follower waits for records before it looks whether to stop.
const POLL: Duration = Duration::from_millis(50);
/// How many of the latest decisions are kept to be shown.
const LATEST_MAX: usize = 64;

/// What is followed.
const FOLLOWED: [Topic; 6] = [
    Topic::Decisions,
    Topic::ActionsPartner,
    Topic::ActionsMeta,
    Topic::ActionsWebhook,
    Topic::ActionResults,
    Topic::RuleStatus,
];

/// Counts of the output topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Decision records.
    pub(super) decisions: u64,
    /// Rules that fired in them.
    pub(super) fired: u64,
    /// Action records.
    pub(super) actions: u64,
    /// Actions whose outcome is final, by outcome.
    pub(super) delivered: u64,
    pub(super) failed: u64,
    pub(super) unknown: u64,
    pub(super) suppressed: u64,
    /// Records that could not be decoded: a defect.
    pub(super) unreadable: u64,
}

impl Counts {
    /// Actions whose outcome is final.
    pub(super) fn settled(&self) -> u64 {
        self.delivered + self.failed + self.unknown + self.suppressed
    }

    /// What was added since `earlier`.
    pub(super) fn since(&self, earlier: &Counts) -> Counts {
        Counts {
            decisions: self.decisions - earlier.decisions,
            fired: self.fired - earlier.fired,
            // What was queued before and not settled is settled by whoever runs now.
            actions: self.actions - earlier.settled(),
            delivered: self.delivered - earlier.delivered,
            failed: self.failed - earlier.failed,
            unknown: self.unknown - earlier.unknown,
            suppressed: self.suppressed - earlier.suppressed,
            unreadable: self.unreadable - earlier.unreadable,
        }
    }
}

/// A decision, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) at: Timestamp,
    pub(super) workspace: String,
    pub(super) conversation: String,
    /// The type of the event.
    pub(super) event: &'static str,
    /// What fired and what came of it, or what was refused and why.
    pub(super) what: String,
}

/// What became of the newest rule sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RulesShown {
    pub(super) live: String,
    pub(super) refused: Option<String>,
}

#[derive(Debug, Default)]
struct Seen {
    counts: Counts,
    rules: BTreeMap<String, u64>,
    reasons: BTreeMap<String, u64>,
    latest: VecDeque<Shown>,
    rule_sets: RulesShown,
    /// Actions of which only one side was read: the action, or its outcome.
    open: HashMap<String, Option<Outcome>>,
}

/// Followers of the output topics and what they have read.
pub(super) struct Observed {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    caught_up: Arc<AtomicUsize>,
    failure: Arc<Mutex<Option<LogError>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Observed {
    /// Follows the output topics of `log` from their beginning, and waits until what is there already has been read.
    pub(super) fn start(log: &Arc<dyn PartitionedLog>) -> Result<Observed, LogError> {
        let mut observed = Observed {
            seen: Arc::default(),
            stop: Arc::default(),
            caught_up: Arc::default(),
            failure: Arc::default(),
            threads: Vec::new(),
        };
        for topic in FOLLOWED {
            let mut follower = log.follow(topic.name(), None, Start::Earliest)?;
            let (seen, stop) = (Arc::clone(&observed.seen), Arc::clone(&observed.stop));
            let (caught_up, failure) = (Arc::clone(&observed.caught_up), Arc::clone(&observed.failure));
            let body = move || {
                let mut told = false;
                while !stop.load(Ordering::Relaxed) {
                    let polled = follower.poll(POLL, &mut |record| {
                        if let Some(value) = record.value {
                            lock(&seen).read(topic, value);
                        }
                    });
                    match polled {
                        Ok(followed) if followed.caught_up && !told => {
                            told = true;
                            caught_up.fetch_add(1, Ordering::Release);
                        }
                        Ok(_) => {}
                        Err(error) => {
                            *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                            return;
                        }
                    }
                }
            };
            let name = format!("demo-{}", topic.name());
            observed
                .threads
                .push(thread::Builder::new().name(name).spawn(body).expect("the system can start a thread"));
        }
        while observed.caught_up.load(Ordering::Acquire) < FOLLOWED.len() {
            if let Some(error) = observed.failure() {
                return Err(error);
            }
            thread::park_timeout(Duration::from_millis(1));
        }
        Ok(observed)
    }

    /// Why a follower ended, if one did.
    pub(super) fn failure(&self) -> Option<LogError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The counts now.
    pub(super) fn counts(&self) -> Counts {
        lock(&self.seen).counts
    }

    /// Rules by fires, the most frequent first.
    pub(super) fn rules(&self) -> Vec<(String, u64)> {
        let mut rules: Vec<_> = lock(&self.seen).rules.iter().map(|(rule, fires)| (rule.clone(), *fires)).collect();
        rules.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        rules
    }

    /// Why actions were not delivered, the most frequent first.
    pub(super) fn reasons(&self) -> Vec<(String, u64)> {
        let mut reasons: Vec<_> = lock(&self.seen).reasons.iter().map(|(why, count)| (why.clone(), *count)).collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        reasons
    }

    /// The latest decisions, newest first.
    pub(super) fn latest(&self, count: usize) -> Vec<Shown> {
        lock(&self.seen).latest.iter().rev().take(count).cloned().collect()
    }

    /// What became of the newest rule sets.
    pub(super) fn rule_sets(&self) -> RulesShown {
        lock(&self.seen).rule_sets.clone()
    }

    /// Stops following.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            // A follower that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn read(&mut self, topic: Topic, value: &[u8]) {
        let read = match topic {
            Topic::Decisions => decode_decision(value).map(|decision| self.decision(&decision)),
            Topic::ActionsPartner | Topic::ActionsMeta | Topic::ActionsWebhook => {
                decode_action(value).map(|action| self.action(&action.id))
            }
            Topic::ActionResults => decode_action_result(value).map(|result| self.result(&result)),
            Topic::RuleStatus => decode_rule_status(value).map(|status| {
                let hash = if status.live { Some(&status.hash) } else { status.live_hash.as_ref() };
                self.rule_sets = RulesShown {
                    live: hash.map(|hash| hash.to_string()).unwrap_or_default(),
                    refused: status.error.map(|error| error.to_string()),
                };
            }),
            Topic::Messages
            | Topic::LeadChanges
            | Topic::Rules
            | Topic::Leads
            | Topic::Explain
            | Topic::State
            | Topic::Spread => Ok(()),
        };
        if read.is_err() {
            self.counts.unreadable += 1;
        }
    }

    fn decision(&mut self, decision: &Decision<'_>) {
        self.counts.decisions += 1;
        self.counts.fired += decision.fired.len() as u64;
        for fired in &decision.fired {
            match self.rules.get_mut(fired.rule.as_str()) {
                Some(fires) => *fires += 1,
                None => {
                    self.rules.insert(fired.rule.to_string(), 1);
                }
            }
        }
        // That a rule is not repeated is the daily bread, and would be all there is to see.
        let tells_something = decision.refused.iter().any(|refused| refused.reason != "once");
        if decision.fired.is_empty() && !tells_something {
            return;
        }
        if self.latest.len() == LATEST_MAX {
            self.latest.pop_front();
        }
        self.latest.push_back(Shown {
            at: decision.at,
            workspace: decision.workspace.to_string(),
            conversation: decision.conversation.as_ref().map(ToString::to_string).unwrap_or_default(),
            event: decision.kind.as_str(),
            what: told(decision),
        });
    }

    fn action(&mut self, id: &str) {
        self.counts.actions += 1;
        match self.open.remove(id) {
            Some(Some(outcome)) => self.settle(outcome),
            Some(None) | None => {
                self.open.insert(id.to_owned(), None);
            }
        }
    }

    fn result(&mut self, result: &ActionResult<'_>) {
        if !result.outcome.is_final() {
            return;
        }
        if let Some(reason) = &result.reason {
            let why = format!("{} {reason}", result.action);
            *self.reasons.entry(why).or_default() += 1;
        }
        match self.open.remove(result.action_id.as_str()) {
            Some(None) => self.settle(result.outcome),
            Some(Some(_)) | None => {
                self.open.insert(result.action_id.to_string(), Some(result.outcome));
            }
        }
    }

    fn settle(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Sending => {}
            Outcome::Delivered => self.counts.delivered += 1,
            Outcome::Failed => self.counts.failed += 1,
            Outcome::Unknown => self.counts.unknown += 1,
            Outcome::Suppressed => self.counts.suppressed += 1,
        }
    }
}

/// A decision in a few words: `hot-lead → set_status responded→hot, send_webhook`.
fn told(decision: &Decision<'_>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for fired in &decision.fired {
        let actions: Vec<String> = fired
            .actions
            .iter()
            .map(|action| {
                let change = match (&action.from, &action.to) {
                    (Some(from), Some(to)) if from != to => format!(" {}→{}", amount(from), amount(to)),
                    (_, Some(to)) => format!(" {}", amount(to)),
                    _ => String::new(),
                };
                match (action.result, &action.reason) {
                    (Effect::Applied | Effect::Queued, _) => format!("{}{change}", action.action),
                    (Effect::Unchanged, _) => format!("{} unchanged", action.action),
                    (Effect::Failed, why) => format!("{} failed: {}", action.action, why.as_deref().unwrap_or("?")),
                    (Effect::Suppressed, why) => {
                        format!("{} suppressed: {}", action.action, why.as_deref().unwrap_or("?"))
                    }
                }
            })
            .collect();
        parts.push(format!("{} → {}", fired.rule, actions.join(", ")));
    }
    for refused in decision.refused.iter().filter(|refused| refused.reason != "once") {
        parts.push(format!("{} refused: {}", refused.rule, refused.reason));
    }
    parts.join("; ")
}

/// `150000000 IDR`, which is in minor units, as `IDR 1,500,000`; anything else as it is.
fn amount(text: &str) -> Cow<'_, str> {
    let money = text.split_once(' ').and_then(|(minor, currency)| Some((minor.parse::<u64>().ok()?, currency)));
    match money {
        Some((minor, currency)) if currency.len() == 3 => format!("{currency} {}", grouped(minor / 100)).into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests;
