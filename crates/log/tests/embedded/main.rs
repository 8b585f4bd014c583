//! The embedded log: the conformance suite, and what only a log in a directory has to stand.

#[path = "../conformance/mod.rs"]
mod conformance;

use std::sync::Arc;

use kilat_log::{Embedded, EmbeddedOptions};

fn open() -> Option<conformance::Subject> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = Embedded::open(directory.path(), EmbeddedOptions::default()).expect("the log opens");
    Some(conformance::Subject { log: Arc::new(log), directory: Some(directory) })
}

conformance::suite!(open);
