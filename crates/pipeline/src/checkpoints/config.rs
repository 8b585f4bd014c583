//! Settings of checkpoints.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use kilat_checkpoint::Keep;
use serde::Deserialize;

/// Settings of checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointConfig {
    /// The directory, or the URL of a bucket, that holds them; empty for none.
    pub place: String,
    /// Seconds from one checkpoint of a partition to the next; 0 takes none.
    pub interval_s: u64,
    /// Blocks after which the next is taken earlier.
    pub interval_blocks: u64,
    /// Checkpoints kept of each partition.
    pub keep: usize,
    /// Hours after which one goes earlier.
    pub keep_hours: u64,
    /// Whether the state topic is trimmed behind the oldest that is kept.
    pub trim: bool,
    /// Options of the store, such as `aws_region`.
    pub properties: StoreProperties,
}

/// Options of the store. They may hold keys, which are never shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct StoreProperties(pub BTreeMap<String, String>);

impl fmt::Debug for StoreProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        CheckpointConfig {
            place: String::new(),
            interval_s: 300,
            interval_blocks: 50_000,
            keep: 3,
            keep_hours: 168,
            trim: true,
            properties: StoreProperties::default(),
        }
    }
}

impl CheckpointConfig {
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_s)
    }

    pub(crate) fn kept(&self) -> Keep {
        Keep { count: self.keep, age: Duration::from_secs(self.keep_hours.saturating_mul(3_600)) }
    }
}
