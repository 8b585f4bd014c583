//! The embedded log: the conformance suite, and what only a log in a directory has to stand.

#[path = "../conformance/mod.rs"]
mod conformance;

mod crash;
mod directory;
mod limits;
mod retention;
mod waiting;

use std::path::Path;
use std::sync::Arc;

use kilat_log::{Embedded, EmbeddedOptions};

fn open_in(directory: &Path) -> Embedded {
    Embedded::open(directory, EmbeddedOptions::default()).expect("the log opens")
}

fn open() -> Option<conformance::Subject> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = open_in(directory.path());
    Some(conformance::Subject { log: Arc::new(log), directory: Some(directory) })
}

conformance::suite!(open);
