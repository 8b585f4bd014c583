//! The rule sets that were published and are not settled yet, in the order of their offsets.
//!
//! In: published versions as they arrive, and what compiling them came to, in any order. Out: which to compile next, which
//! compiles to give up, and what is settled, in order.
//! LI-1: what settles is what compiling one version after the other comes to, as every epoch that is reached sees it: a
//! version is passed over only for a newer one of its workspace that compiled, and both settle at once, so that no epoch
//! between them is ever reached.
//! LI-2: of one workspace at most [`GIVEN_UP_MAX`] compiles in a row are given up, so that who publishes faster than compiling
//! goes holds nobody up for good.
//! Absent: threads, the log and the registry; those are the follower's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::FxHashMap;

/// Most compiles of one workspace that are given up in a row.
const GIVEN_UP_MAX: u32 = 8;

/// Published versions of type `V`, of which a compile makes an `S`.
#[derive(Debug)]
pub(super) struct Line<V, S> {
    entries: BTreeMap<i64, Entry<V, S>>,
    workspaces: FxHashMap<Arc<str>, Workspace>,
    /// The offsets to compile next.
    wanted: BTreeSet<i64>,
}

#[derive(Debug)]
struct Entry<V, S> {
    workspace: Arc<str>,
    /// The content hash that was published.
    hash: Box<str>,
    state: State<V, S>,
}

#[derive(Debug)]
enum State<V, S> {
    Waiting(Arc<V>),
    Compiling(Arc<V>, Arc<AtomicBool>),
    Done(Outcome<S>),
}

#[derive(Debug, Default)]
struct Workspace {
    /// Its unsettled offsets, ascending.
    offsets: Vec<i64>,
    /// Compiles given up in a row.
    given_up: u32,
}

/// What became of a version: live, or refused and why.
pub(super) type Outcome<S> = Result<S, String>;

/// A version to compile.
#[derive(Debug)]
pub(super) struct Job<V> {
    pub(super) offset: i64,
    pub(super) version: Arc<V>,
    /// Set once nobody waits for it any more.
    pub(super) given_up: Arc<AtomicBool>,
}

/// What became of the versions below an epoch.
#[derive(Debug)]
pub(super) struct Settled<S> {
    pub(super) epoch: i64,
    /// By offset, ascending; those that were passed over are left out.
    pub(super) outcomes: Vec<Told<S>>,
}

/// What became of one version.
#[derive(Debug)]
pub(super) struct Told<S> {
    pub(super) offset: i64,
    pub(super) workspace: Arc<str>,
    pub(super) hash: Box<str>,
    pub(super) outcome: Outcome<S>,
}

impl<V, S> Line<V, S> {
    pub(super) fn new() -> Line<V, S> {
        Line { entries: BTreeMap::new(), workspaces: FxHashMap::default(), wanted: BTreeSet::new() }
    }

    /// How many versions are not settled.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// A version was published.
    pub(super) fn arrive(&mut self, offset: i64, workspace: &str, hash: &str, version: V) {
        self.insert(offset, workspace, hash, State::Waiting(Arc::new(version)));
    }

    /// Something was published that needs no compiling.
    pub(super) fn arrive_done(&mut self, offset: i64, workspace: &str, hash: &str, outcome: Outcome<S>) {
        self.insert(offset, workspace, hash, State::Done(outcome));
    }

    fn insert(&mut self, offset: i64, workspace: &str, hash: &str, state: State<V, S>) {
        let workspace: Arc<str> = match self.workspaces.get_key_value(workspace) {
            Some((name, _)) => name.clone(),
            None => workspace.into(),
        };
        self.workspaces.entry(workspace.clone()).or_default().offsets.push(offset);
        self.entries.insert(offset, Entry { workspace: workspace.clone(), hash: hash.into(), state });
        self.choose(&workspace);
    }

    /// The next version to compile.
    pub(super) fn next(&mut self) -> Option<Job<V>> {
        let offset = self.wanted.pop_first()?;
        let entry = self.entries.get_mut(&offset)?;
        let State::Waiting(version) = &entry.state else { return None };
        let (version, given_up) = (version.clone(), Arc::new(AtomicBool::new(false)));
        entry.state = State::Compiling(version.clone(), given_up.clone());
        Some(Job { offset, version, given_up })
    }

    /// Whether there is a version to compile.
    pub(super) fn has_next(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// A compile ended; `None` where it was given up.
    pub(super) fn finish(&mut self, offset: i64, outcome: Option<Outcome<S>>) {
        // What was passed over has settled already.
        let Some(entry) = self.entries.get_mut(&offset) else { return };
        let State::Compiling(version, _) = &entry.state else { return };
        let workspace = entry.workspace.clone();
        let of_workspace = self.workspaces.get_mut(&workspace);
        entry.state = match outcome {
            Some(outcome) => {
                of_workspace.into_iter().for_each(|workspace| workspace.given_up = 0);
                State::Done(outcome)
            }
            None => {
                of_workspace.into_iter().for_each(|workspace| workspace.given_up += 1);
                State::Waiting(version.clone())
            }
        };
        self.choose(&workspace);
    }

    /// Decides anew which version of a workspace is wanted: the newest that is not refused. A refused one leaves the one
    /// before it live, which is then wanted after all.
    fn choose(&mut self, workspace: &str) {
        let Some(of_workspace) = self.workspaces.get(workspace) else { return };
        let mut is_wanted = true;
        for offset in of_workspace.offsets.iter().rev() {
            match self.entries.get(offset).map(|entry| &entry.state) {
                Some(State::Done(Err(_))) | None => {}
                Some(State::Done(Ok(_))) => is_wanted = false,
                Some(State::Waiting(_)) => {
                    if is_wanted {
                        self.wanted.insert(*offset);
                    } else {
                        self.wanted.remove(offset);
                    }
                    is_wanted = false;
                }
                Some(State::Compiling(_, given_up)) => {
                    let is_given_up = !is_wanted && of_workspace.given_up < GIVEN_UP_MAX;
                    // One that is wanted again goes on, if it has not stopped yet.
                    given_up.store(is_given_up, Ordering::Relaxed);
                    is_wanted = false;
                }
            }
        }
    }

    /// Nobody waits for anything any more.
    pub(super) fn give_up(&mut self) {
        for entry in self.entries.values() {
            if let State::Compiling(_, given_up) = &entry.state {
                given_up.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Takes out what is settled, where that is anything.
    pub(super) fn settle(&mut self) -> Option<Settled<S>> {
        let (mut last, mut with) = (None, i64::MIN);
        for (offset, entry) in &self.entries {
            if !matches!(entry.state, State::Done(_)) {
                match self.superseding(&entry.workspace, *offset) {
                    Some(newer) => with = with.max(newer),
                    None => break,
                }
            }
            if *offset >= with {
                last = Some(*offset);
            }
        }
        let last = last?;
        let left = self.entries.split_off(&(last + 1));
        let mut outcomes = Vec::new();
        for (offset, entry) in std::mem::replace(&mut self.entries, left) {
            self.wanted.remove(&offset);
            if let Some(workspace) = self.workspaces.get_mut(&entry.workspace) {
                workspace.offsets.retain(|unsettled| *unsettled != offset);
                if workspace.offsets.is_empty() {
                    self.workspaces.remove(&entry.workspace);
                }
            }
            match entry.state {
                State::Done(outcome) => {
                    outcomes.push(Told { offset, workspace: entry.workspace, hash: entry.hash, outcome });
                }
                State::Compiling(_, given_up) => given_up.store(true, Ordering::Relaxed),
                State::Waiting(_) => {}
            }
        }
        Some(Settled { epoch: last + 1, outcomes })
    }

    /// The oldest version of the workspace that compiled and is newer than this one.
    fn superseding(&self, workspace: &str, offset: i64) -> Option<i64> {
        let offsets = &self.workspaces.get(workspace)?.offsets;
        let mut newer = offsets.iter().copied().filter(|newer| *newer > offset);
        let compiled =
            |newer: &i64| self.entries.get(newer).is_some_and(|entry| matches!(entry.state, State::Done(Ok(_))));
        newer.find(compiled)
    }
}

#[cfg(test)]
mod tests;
