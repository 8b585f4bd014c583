//! What can go wrong with a store. Every message names the place and the remedy.

use std::error::Error as _;
use std::io;

use object_store::Error;

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The place cannot be understood.
    #[error(
        "`{place}` is no place for checkpoints: {reason}. \
         help: name a directory, or a URL such as s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
    )]
    Place {
        /// The path or URL.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// The store refused or failed.
    #[error("cannot {doing} {object} in {place}: {}. help: {}", words(source), help(source))]
    Failed {
        /// What was tried.
        doing: &'static str,
        /// The object or folder.
        object: String,
        /// The store.
        place: String,
        /// In the store's words.
        source: Box<Error>,
    },
    /// The store did not answer in time.
    #[error(
        "cannot {doing} {object} in {place}: no answer within {seconds} s. help: check that it can be reached from here"
    )]
    Slow {
        /// What was tried.
        doing: &'static str,
        /// The object or folder.
        object: String,
        /// The store.
        place: String,
        /// How long was waited.
        seconds: u64,
    },
}

/// The deepest cause, which is the one that says something.
fn words(error: &Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string().trim_end_matches([':', ' ', '.']).to_owned()
}

fn help(error: &Error) -> &'static str {
    if let Some(kind) = io_kind(error) {
        return match kind {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space, or keep fewer checkpoints",
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "let this process write there, or name another directory"
            }
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "name a directory, not a file",
            _ => "check that it can be reached and written",
        };
    }
    match error {
        Error::NotFound { .. } => "check the name of the bucket",
        // A bucket's refusal to list comes as an error of no kind.
        _ => {
            "check the address, the network, and the credentials: they must allow to list, read, write and delete there"
        }
    }
}

fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    let mut cause: Option<&dyn std::error::Error> = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}
