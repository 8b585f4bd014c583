//! Why state cannot be restored. Every message says what is missing and what would bring it back.

use kilat_domain::Class;

/// Why the state of a partition cannot be restored: blocks are missing, and going on would lose what they held.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The first blocks are gone, and no checkpoint stands in for them.
    #[error(
        "the state of partition {partition} cannot be restored: kilat.state.v1 {begins}, and {why}. \
         help: bring the checkpoints back, at a place that every process of the group reaches \
         (`engine.checkpoints.place`), or restore the topic from a backup"
    )]
    Beginning {
        /// The partition.
        partition: u32,
        /// What is left of the topic.
        begins: String,
        /// Why no checkpoint helps.
        why: String,
        /// Whether the store may give one later.
        may_pass: bool,
    },
    /// The topic ends before what a checkpoint has seen of it.
    #[error(
        "the state of partition {partition} cannot be restored: checkpoint {checkpoint} was taken when kilat.state.v1 had \
         come to block {reached}, and the topic ends before it, at offset {end}: it was deleted, made anew or cut off. \
         help: restore the topic from a backup, or read docs/recovery.md on starting over"
    )]
    Shortened {
        /// The partition.
        partition: u32,
        /// The checkpoint.
        checkpoint: String,
        /// The last block it has seen.
        reached: i64,
        /// The end of the topic.
        end: i64,
    },
    /// The topic holds other blocks than those the checkpoint was taken of.
    #[error(
        "the state of partition {partition} cannot be restored: block {sequence} of kilat.state.v1 is not the one that \
         checkpoint {checkpoint} was taken at: the topic was made anew, or is another's. \
         help: restore the topic from a backup, or read docs/recovery.md on starting over"
    )]
    Exchanged {
        /// The partition.
        partition: u32,
        /// The checkpoint.
        checkpoint: String,
        /// The block.
        sequence: i64,
    },
    /// Each attempt met blocks that were trimmed while it was under way.
    #[error(
        "the state of partition {partition} was not restored in {attempts} attempts: each time, kilat.state.v1 was trimmed \
         behind newer checkpoints before it was read. help: nothing is lost, and it is tried again; should it go on, this \
         process is starved, or reads `engine.checkpoints.place` too slowly"
    )]
    Overtaken {
        /// The partition.
        partition: u32,
        /// How many.
        attempts: u32,
    },
    /// The group has read more of an input than the blocks tell of.
    #[error(
        "the state of partition {partition} cannot be restored: the group has read {input} up to offset {committed}, and the \
         last block of kilat.state.v1, number {sequence}, up to {read}: blocks are missing at its end, or the group's \
         offsets were moved. help: restore the topic from a backup, or set the offset back to {read}; read \
         docs/recovery.md on starting over"
    )]
    Behind {
        /// The partition.
        partition: u32,
        /// The input topic.
        input: &'static str,
        /// Where the group goes on.
        committed: i64,
        /// Where the blocks end.
        read: i64,
        /// The last block.
        sequence: i64,
    },
}

impl RestoreError {
    /// Who has to act.
    pub fn class(&self) -> Class {
        match self {
            RestoreError::Beginning { may_pass: true, .. } | RestoreError::Overtaken { .. } => Class::Transient,
            _ => Class::Fatal,
        }
    }
}

/// Why there is no checkpoint to begin with.
pub(crate) struct Lost {
    /// Why the newest that was found cannot be used, and whether one of those found may be usable later.
    pub(super) refused: Option<(String, bool)>,
    /// Where checkpoints are, if anywhere.
    pub(super) place: Option<String>,
}

impl Lost {
    /// The error of a topic that begins in the middle.
    pub(super) fn beginning(self, partition: u32, first: Option<(i64, i64)>) -> RestoreError {
        let begins = match first {
            Some((sequence, offset)) => format!("begins with block {sequence} (offset {offset})"),
            None => "has had blocks and has none any more".to_owned(),
        };
        let (why, may_pass) = match (self.refused, self.place) {
            (Some((refused, may_pass)), _) => (format!("no checkpoint can be used: {refused}"), may_pass),
            (None, Some(place)) => (format!("there is no checkpoint of it in {place}"), false),
            (None, None) => ("no place for checkpoints is set".to_owned(), false),
        };
        RestoreError::Beginning { partition, begins, why, may_pass }
    }
}
