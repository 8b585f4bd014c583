//! Live rule sets: one [`ArcSwap`] a workspace in a [`DashMap`], written by the follower of the rules topic, read by the
//! workers through a [`Snapshot`] a batch.
//!
//! Every version knows the offset of the rules topic from which it holds. A snapshot is an epoch: the offset up to which
//! everything published was live when the batch began. Looking up a workspace later in the batch gives the version of that
//! epoch even where a newer one has been swapped in meanwhile, which is what makes a replay of the batch exact.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use dashmap::DashMap;
use kilat_rules::{Compiled, Fingerprint, RuleSet};
use rustc_hash::FxHashMap;

/// The workspace whose rules hold for every workspace without rules of its own (tests and demos).
const EVERY_WORKSPACE: &str = "*";
/// Fewest entries of what workspaces share for those that nobody uses any more to be looked for.
const SHARED_MIN: usize = 64;

/// Live rule sets of all workspaces.
#[derive(Debug, Default)]
pub struct Registry {
    workspaces: DashMap<Box<str>, ArcSwap<Vec<Version>>>,
    epoch: AtomicI64,
    /// The epochs that snapshots look up: superseded versions are kept for these, and no others.
    looked_up: Mutex<Vec<Weak<AtomicI64>>>,
    shared: Mutex<Shared>,
}

/// What rule sets are compiled to, for as long as one uses it: workspaces with the same rules share it.
#[derive(Debug, Default)]
struct Shared {
    compiled: FxHashMap<Fingerprint, Weak<Compiled>>,
    /// How many there were after those that nobody uses had last been taken out.
    used: usize,
}

/// A rule set and the epoch from which it holds; `None` is a withdrawn one.
#[derive(Clone, Debug)]
struct Version {
    since: i64,
    rules: Option<Arc<RuleSet>>,
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Registry {
        Registry::default()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What another workspace's rule set of this fingerprint is compiled to, if there is one.
    pub(crate) fn find_compiled(&self, fingerprint: Fingerprint) -> Option<Arc<Compiled>> {
        self.shared().compiled.get(&fingerprint)?.upgrade()
    }

    /// Lets others share what was compiled; the one that is shared already where somebody was faster.
    pub(crate) fn share(&self, fingerprint: Fingerprint, compiled: Compiled) -> Arc<Compiled> {
        let Shared { compiled: known, used } = &mut *self.shared();
        if let Some(known) = known.get(&fingerprint).and_then(Weak::upgrade) {
            return known;
        }
        let compiled = Arc::new(compiled);
        known.insert(fingerprint, Arc::downgrade(&compiled));
        if known.len() >= SHARED_MIN.max(2 * *used) {
            known.retain(|_, compiled| compiled.strong_count() > 0);
            *used = known.len();
        }
        compiled
    }

    /// Makes `rules` the rule set of `workspace` from the epoch after `offset` on, once that is reached; `None` withdraws it.
    /// One thread at a time publishes, in the order of offsets.
    pub fn publish(&self, workspace: &str, rules: Option<Arc<RuleSet>>, offset: i64) {
        let newest = Version { since: offset + 1, rules };
        match self.workspaces.get(workspace) {
            Some(slot) => {
                let known = slot.load();
                // A follower opened anew reads the topic from its start.
                if known.first().is_some_and(|version| version.since >= newest.since) {
                    return;
                }
                let mut versions = vec![newest];
                versions.extend(self.still_looked_up(&known));
                slot.store(Arc::new(versions));
            }
            None => {
                self.workspaces.insert(workspace.into(), ArcSwap::from_pointee(vec![newest]));
            }
        }
    }

    /// Those of a workspace's versions, the newest first, that some snapshot may ask for.
    fn still_looked_up(&self, known: &[Version]) -> Vec<Version> {
        let mut looked_up = self.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
        looked_up.retain(|epoch| epoch.strong_count() > 0);
        // A snapshot moves on from its epoch to the one that is reached then, which is this one or a later one.
        let reached = self.epoch();
        let epochs = looked_up.iter().filter_map(Weak::upgrade).map(|epoch| epoch.load(Ordering::Acquire));
        let epochs: Vec<i64> = epochs.chain([reached]).collect();
        let mut newer = i64::MAX;
        let mut kept = Vec::new();
        for version in known {
            let seen = epochs.iter().any(|epoch| (version.since..newer).contains(epoch));
            if version.since > reached || seen {
                kept.push(version.clone());
            }
            newer = version.since;
        }
        kept
    }

    /// Moves a snapshot's epoch to the one that is reached: under the lock, or the version it is about to look up could be
    /// dropped between its reading the epoch and its saying so.
    fn look_up_at(&self, epoch: &AtomicI64, note: impl FnOnce(&mut Vec<Weak<AtomicI64>>)) {
        let mut looked_up = self.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
        epoch.store(self.epoch(), Ordering::Release);
        note(&mut looked_up);
    }

    /// Everything below offset `epoch` of the rules topic has been dealt with.
    pub fn reach(&self, epoch: i64) {
        self.epoch.fetch_max(epoch, Ordering::Release);
    }

    /// The live rule set of `workspace` now.
    pub fn live(&self, workspace: &str) -> Option<Arc<RuleSet>> {
        self.at(workspace, i64::MAX)
    }

    /// How many workspaces have a live rule set.
    pub fn len(&self) -> usize {
        self.workspaces.iter().filter(|slot| slot.load().first().is_some_and(|version| version.rules.is_some())).count()
    }

    /// Whether no workspace has a live rule set.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The epoch that is reached.
    pub(crate) fn epoch(&self) -> i64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn at(&self, workspace: &str, epoch: i64) -> Option<Arc<RuleSet>> {
        let slot = self.workspaces.get(workspace)?;
        let versions = slot.load();
        versions.iter().find(|version| version.since <= epoch).and_then(|version| version.rules.clone())
    }
}

/// The rule sets of one epoch, as one worker sees them.
#[derive(Debug)]
pub struct Snapshot {
    registry: Arc<Registry>,
    /// As the registry knows it.
    epoch: Arc<AtomicI64>,
    places: FxHashMap<Box<str>, usize>,
    known: Vec<Option<Arc<RuleSet>>>,
}

impl Snapshot {
    /// A snapshot of the registry as it is now.
    pub fn new(registry: Arc<Registry>) -> Snapshot {
        let epoch = Arc::new(AtomicI64::new(0));
        registry.look_up_at(&epoch, |looked_up| looked_up.push(Arc::downgrade(&epoch)));
        Snapshot { epoch, registry, places: FxHashMap::default(), known: Vec::new() }
    }

    /// Moves on to the newest epoch. Called between batches only.
    pub fn refresh(&mut self) {
        if self.registry.epoch() != self.epoch() {
            self.registry.look_up_at(&self.epoch, |_| {});
            self.places.clear();
            self.known.clear();
        }
    }

    /// Offset of the rules topic up to which rule sets are live.
    pub fn epoch(&self) -> i64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Where the rule set of `workspace` is kept until the next refresh, for [`Self::rules`].
    pub fn find(&mut self, workspace: &str) -> usize {
        if let Some(place) = self.places.get(workspace) {
            return *place;
        }
        let epoch = self.epoch();
        let own = self.registry.at(workspace, epoch);
        self.known.push(own.or_else(|| self.registry.at(EVERY_WORKSPACE, epoch)));
        self.places.insert(workspace.into(), self.known.len() - 1);
        self.known.len() - 1
    }

    /// The rule set of the workspace at this place in this epoch.
    pub fn rules(&self, place: usize) -> Option<&RuleSet> {
        self.known[place].as_deref()
    }
}

#[cfg(test)]
mod tests;
