//! Rule sets as they were live at an epoch, read back from the rules topic.
//!
//! The topic is compacted: the newest version of a workspace stays for good, older ones may go. Which of them are gone
//! nobody can see on the topic; decisions tell it by the hash of the rule set they were made under.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kilat_codec::Topic;
use kilat_log::{LogError, PartitionedLog, Record};
use kilat_rules::RuleSet;

use crate::recorded::{Entry, Recorded};
use crate::registry::Registry;
use crate::rules_follower::{self, compile};

/// A version of a workspace's rules that the topic still has; `None` is a withdrawal.
struct Version {
    offset: i64,
    workspace: Box<str>,
    rules: Option<Arc<RuleSet>>,
}

/// A record of the rules topic.
struct Published {
    offset: i64,
    workspace: Box<str>,
    value: Option<Box<[u8]>>,
}

impl Entry for Published {
    type Reading = ();

    fn of(record: &Record<'_>, (): &mut ()) -> Option<Published> {
        let workspace = String::from_utf8_lossy(record.key.unwrap_or_default()).into();
        Some(Published { offset: record.offset, workspace, value: record.value.map(Into::into) })
    }

    fn offset(&self) -> i64 {
        self.offset
    }
}

/// The versions there are, compiled up to the epoch that was last asked for.
pub(super) struct RuleHistory {
    published: Recorded<Published>,
    versions: Vec<Version>,
    /// How many of the versions are published to the registry.
    live: usize,
    registry: Arc<Registry>,
    epoch: i64,
}

impl RuleHistory {
    pub(super) fn new(log: &Arc<dyn PartitionedLog>) -> RuleHistory {
        RuleHistory {
            published: Recorded::new(log, Topic::Rules.name(), 0, 0),
            versions: Vec::new(),
            live: 0,
            registry: Arc::new(Registry::new()),
            epoch: 0,
        }
    }

    pub(super) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// Makes `epoch` the registry's; gives a new registry where it went back, as it does where a partition moves to a
    /// process that has not read as far.
    pub(super) fn reach(&mut self, epoch: i64) -> Result<Option<Arc<Registry>>, LogError> {
        let goes_back = epoch < self.epoch;
        if goes_back {
            (self.registry, self.live) = (Arc::new(Registry::new()), 0);
        }
        while self.published.front()?.is_some_and(|front| front.offset < epoch) {
            let Some(Published { offset, workspace, value }) = self.published.take_front() else { break };
            // One that does not compile leaves the old one live, as it did then.
            let rules = match &value {
                None => None,
                Some(value) => {
                    let Some(rules) = compiled(value, &self.registry) else { continue };
                    Some(Arc::new(rules))
                }
            };
            self.versions.push(Version { offset, workspace, rules });
        }
        while let Some(version) = self.versions.get(self.live).filter(|version| version.offset < epoch) {
            self.registry.publish(&version.workspace, version.rules.clone(), version.offset);
            self.live += 1;
        }
        self.registry.reach(epoch);
        self.epoch = epoch;
        Ok(goes_back.then(|| self.registry()))
    }

    /// Whether a rule set of this content hash is on the topic.
    pub(super) fn knows(&mut self, hash: &str) -> Result<bool, LogError> {
        let has = |version: &Version| version.rules.as_deref().is_some_and(|rules| rules.hash() == hash);
        if self.versions.iter().any(has) {
            return Ok(true);
        }
        self.published.read_to_end()?;
        let is_of_hash =
            |published: &Published| Some(compiled(published.value.as_deref()?, &self.registry)?.hash() == hash);
        Ok(self.published.ahead().filter_map(is_of_hash).any(|is_it| is_it))
    }
}

/// The rule set of a record; `None` where it cannot be read or does not compile.
fn compiled(value: &[u8], registry: &Registry) -> Option<RuleSet> {
    let record = kilat_codec::decode_rule_set(value).ok()?;
    let published = rules_follower::Published {
        workspace: record.workspace.to_string(),
        hash: record.hash.to_string(),
        source: record.source.to_string(),
    };
    compile(&published, registry, &AtomicBool::new(false))?.ok()
}
