//! What a checkpoint says of itself: whose state it is, which block it covers, and how much it holds.
//!
//! *Shape:* JSON objects, the first and the last frame of the object. Fields may be added: readers pass over those they do
//! not know. A field is taken away only with a new format version.

use serde::{Deserialize, Serialize};

/// Whose state a checkpoint holds. State of another origin is never taken for ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The log: a cluster's id, or an embedded log's.
    pub log: String,
    /// The state topic.
    pub topic: String,
    /// Its partition.
    pub partition: u32,
    /// The consumer group whose input offsets the state goes with.
    pub group: String,
}

/// The first frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Whose state it is.
    #[serde(flatten)]
    pub origin: Origin,
    /// The block it covers: restoring goes on with the one after it. 0 is before the first block.
    pub sequence: i64,
    /// The chain of that block.
    pub chain: i64,
    /// An offset of the state topic at or before the block after the covered one.
    pub offset: i64,
    /// Rule sets up to this offset of the rules topic were live.
    pub rule_epoch: i64,
    /// What the covered blocks had read of the inputs.
    pub inputs: Vec<InputOffset>,
    /// When it was begun: milliseconds since the Unix epoch.
    pub begun_at: i64,
    /// The version of Kilat that wrote it.
    pub written_by: String,
}

/// The next offset to read of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputOffset {
    /// Index of the topic among the engine's inputs.
    pub input: i32,
    /// One past the last offset read.
    pub next: i64,
}

/// The last frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// The last block whose changes the entries may hold: the state topic must go on at least up to it.
    pub sequence: i64,
    /// The chain of that block.
    pub chain: i64,
    /// Frames of entries.
    pub frames: u64,
    /// Entries in them.
    pub entries: u64,
    /// XXH3 (64 bits) of everything before this frame.
    pub checksum: u64,
}
