//! A read-committed consumer that watches the output topics while everything around it breaks.
//!
//! Input: the cluster. Output: every decision and action as it became visible, and how many events have been answered.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use kilat_codec::{Topic, json};
use kilat_domain::Timestamp;
use kilat_log::{Followed, Kafka, LogError, PartitionedLog, Record, Start};

const POLL: Duration = Duration::from_millis(50);
/// How long a broken connection of the watcher itself may take to come back.
const PATIENCE: Duration = Duration::from_secs(60);

/// One decision as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) partition: u32,
    pub(crate) offset: i64,
    /// When it was produced: the engines share a clock here.
    pub(crate) at: Timestamp,
    /// The decision's line, without the rule set's hash.
    pub(crate) line: String,
    pub(crate) workspace: String,
}

/// One action as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenAction {
    pub(crate) workspace: String,
    pub(crate) id: String,
}

/// What has become visible so far.
#[derive(Debug, Default)]
pub(crate) struct Visible {
    pub(crate) decisions: Vec<Seen>,
    /// Actions, in the order of their reading.
    pub(crate) actions: Vec<SeenAction>,
    /// Ids of the events that were answered.
    answered: HashSet<String>,
    latest: Option<Instant>,
    broken: Option<String>,
}

/// A watcher; its threads end when it is dropped.
pub(crate) struct Watcher {
    visible: Arc<(Mutex<Visible>, Condvar)>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Watcher {
    pub(crate) fn start(log: &Arc<Kafka>) -> Watcher {
        let visible = Arc::new((Mutex::new(Visible::default()), Condvar::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let threads = [Topic::Decisions, Topic::ActionsWebhook].map(|topic| {
            let (log, visible, stop) = (log.clone(), visible.clone(), stop.clone());
            thread::spawn(move || {
                if let Err(error) = watch(&log, topic, &visible, &stop) {
                    lock(&visible.0).broken = Some(format!("{}: {error:#}", topic.name()));
                    visible.1.notify_all();
                }
            })
        });
        Watcher { visible, stop, threads: threads.into() }
    }

    /// Waits until this many events are answered; `false` where that takes longer than `limit`.
    pub(crate) fn wait_for(&self, events: usize, limit: Duration) -> Result<bool> {
        let (mutex, changed) = &*self.visible;
        let deadline = Instant::now() + limit;
        let mut visible = lock(mutex);
        while visible.answered.len() < events {
            if let Some(why) = &visible.broken {
                return Err(anyhow!("the watcher itself failed: {why}"));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            visible = changed.wait_timeout(visible, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(true)
    }

    /// Waits until nothing new has become visible for `quiet`.
    pub(crate) fn wait_until_quiet(&self, quiet: Duration) {
        loop {
            let since = lock(&self.visible.0).latest.map_or(quiet, |latest| latest.elapsed());
            if since >= quiet {
                return;
            }
            thread::park_timeout(quiet - since);
        }
    }

    /// How many events are answered.
    pub(crate) fn answered(&self) -> usize {
        lock(&self.visible.0).answered.len()
    }

    /// Looks at what is visible.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Visible) -> T) -> T {
        look(&lock(&self.visible.0))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn watch(
    log: &Arc<Kafka>,
    topic: Topic,
    visible: &(Mutex<Visible>, Condvar),
    stop: &AtomicBool,
) -> Result<(), LogError> {
    let mut follower = log.follow(topic.name(), None, Start::Earliest)?;
    let mut failing: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        let mut decisions = Vec::new();
        let mut actions = Vec::new();
        let polled = follower.poll(POLL, &mut |record| {
            let value = record.value.unwrap_or_default();
            match topic {
                Topic::Decisions => decisions.push(decision(record)),
                _ => actions.push(action(value)),
            }
        });
        match polled {
            Ok(_) => failing = None,
            Err(error) => {
                let since = *failing.get_or_insert_with(Instant::now);
                if since.elapsed() > PATIENCE {
                    return Err(error);
                }
            }
        }
        if decisions.is_empty() && actions.is_empty() {
            continue;
        }
        let mut now_visible = lock(&visible.0);
        for seen in &decisions {
            if let Some(event) = event_of(&seen.line) {
                now_visible.answered.insert(event);
            }
        }
        now_visible.decisions.extend(decisions);
        now_visible.actions.extend(actions);
        now_visible.latest = Some(Instant::now());
        visible.1.notify_all();
    }
    Ok(())
}

/// Every decision of the topic, read from its start, and the ids of all actions.
pub(crate) fn read_again(log: &Arc<Kafka>) -> Result<(Vec<Seen>, Vec<SeenAction>)> {
    let mut decisions = Vec::new();
    whole(log, Topic::Decisions, &mut |record| decisions.push(decision(record)))?;
    let mut actions = Vec::new();
    whole(log, Topic::ActionsWebhook, &mut |record| actions.push(action(record.value.unwrap_or_default())))?;
    Ok((decisions, actions))
}

fn whole(log: &Arc<Kafka>, topic: Topic, each: &mut dyn FnMut(Record<'_>)) -> Result<()> {
    let mut follower = log.follow(topic.name(), None, Start::Earliest)?;
    let begun = Instant::now();
    loop {
        let Followed { caught_up, .. } = follower.poll(POLL, each)?;
        if caught_up {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(anyhow!("the end of {} is not reached within {PATIENCE:?}", topic.name()));
        }
    }
}

/// A decision, its line without the rule set's hash: `eval` and a published document spell defaults out differently.
fn decision(record: Record<'_>) -> Seen {
    let (line, workspace) = match kilat_codec::decode_decision(record.value.unwrap_or_default()) {
        Ok(decision) => (without_hash(&json::decision_to_line(&decision)), decision.workspace.to_string()),
        Err(error) => (format!("unreadable: {error}"), String::new()),
    };
    Seen { partition: record.partition, offset: record.offset, at: record.timestamp, line, workspace }
}

pub(crate) fn without_hash(line: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(line) {
        Ok(mut decision) => {
            decision["rule_set"].take();
            decision.to_string()
        }
        Err(error) => format!("not JSON: {error}"),
    }
}

/// The event a decision answers, also where that is one the event caused.
fn event_of(line: &str) -> Option<String> {
    let decision: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(decision["root_id"].as_str()?.to_owned())
}

fn action(value: &[u8]) -> SeenAction {
    match kilat_codec::decode_action(value) {
        Ok(action) => SeenAction { workspace: action.workspace.to_string(), id: action.id.to_string() },
        Err(error) => SeenAction { workspace: String::new(), id: format!("unreadable: {error}") },
    }
}

fn lock(mutex: &Mutex<Visible>) -> MutexGuard<'_, Visible> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
