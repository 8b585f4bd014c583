//! What can go wrong with the directory of an embedded log. Every message names the directory and the remedy.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kilat_domain::Class;

/// What can go wrong with an embedded log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The directory cannot be made or used.
    #[error("cannot keep a log in {}: name a directory that can be written", dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// Another process, or another [`Embedded`](crate::Embedded) of this one, has the directory open.
    #[error("another process has the log in {} open: stop it, or name another directory", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory holds a log of another format, or something else.
    #[error("{} holds {found}, and this version reads {expected}: name another directory, or use the version that wrote it", dir.display())]
    Format {
        /// The directory.
        dir: PathBuf,
        /// What was found.
        found: String,
        /// What can be read.
        expected: &'static str,
    },
    /// The disk is full. The log takes no more commits until it is opened again.
    #[error("the disk that holds the log in {} is full: free space and start again; nothing acknowledged is lost", dir.display())]
    DiskFull {
        /// The directory.
        dir: PathBuf,
        /// What the store says.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The store failed. The log takes no more commits until it is opened again.
    #[error("the store of the log in {} failed: check the disk and start again", dir.display())]
    Store {
        /// The directory.
        dir: PathBuf,
        /// What the store says.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// What was read is not what was written.
    #[error(
        "the log in {} is damaged at topic `{topic}`, partition {partition}, offset {offset}: check the disk, restore the directory from a copy",
        dir.display()
    )]
    Damaged {
        /// The directory.
        dir: PathBuf,
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The first offset of the damaged batch.
        offset: i64,
    },
    /// Two members of one group consume different inputs.
    #[error("group `{group}` consumes {joined}, and `{instance}` wants {wanted}: give it a group of its own")]
    GroupInputs {
        /// The group.
        group: String,
        /// The member that was refused.
        instance: String,
        /// The inputs of the group.
        joined: String,
        /// The inputs of the refused member.
        wanted: String,
    },
    /// A transaction is larger than the log takes.
    #[error("a transaction of {bytes} bytes is over the {bytes_max} a transaction may have: commit more often")]
    TransactionTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// There is no such output, or no such partition of a topic.
    #[error("there is no partition {partition} of `{topic}`: it has {partitions}")]
    NoSuchPartition {
        /// The topic.
        topic: String,
        /// The partition asked for.
        partition: u32,
        /// How many there are.
        partitions: u32,
    },
    /// The transaction names an output or input the writer was not opened with.
    #[error("`{name}` was opened with {count} {what}, and the transaction names number {index}")]
    NoSuchTopic {
        /// The writer or member.
        name: String,
        /// Inputs or outputs.
        what: &'static str,
        /// The index used.
        index: usize,
        /// How many there are.
        count: usize,
    },
}

impl EmbeddedError {
    /// Who has to act.
    pub fn class(&self) -> Class {
        match self {
            EmbeddedError::Directory { .. }
            | EmbeddedError::Locked { .. }
            | EmbeddedError::Format { .. }
            | EmbeddedError::DiskFull { .. }
            | EmbeddedError::Store { .. }
            | EmbeddedError::Damaged { .. }
            | EmbeddedError::GroupInputs { .. }
            | EmbeddedError::TransactionTooLarge { .. }
            | EmbeddedError::NoSuchPartition { .. }
            | EmbeddedError::NoSuchTopic { .. } => Class::Fatal,
        }
    }

    /// The error of a store operation, told apart by what a reader can do about it.
    pub(super) fn of_store(dir: &Path, error: impl Into<redb::Error>) -> EmbeddedError {
        let dir = dir.to_owned();
        match error.into() {
            redb::Error::DatabaseAlreadyOpen => EmbeddedError::Locked { dir },
            redb::Error::Io(error) if is_full(&error) => EmbeddedError::DiskFull { dir, source: Arc::new(error) },
            error => EmbeddedError::Store { dir, source: Arc::new(error) },
        }
    }

    /// The error of making the directory, or a file in it.
    pub(super) fn of_directory(dir: &Path, error: io::Error) -> EmbeddedError {
        let dir = dir.to_owned();
        if is_full(&error) {
            EmbeddedError::DiskFull { dir, source: Arc::new(error) }
        } else {
            EmbeddedError::Directory { dir, source: Arc::new(error) }
        }
    }
}

/// No space, no quota, or the largest file the process may write.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}
