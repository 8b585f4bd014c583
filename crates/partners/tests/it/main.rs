//! Every partner against its golden cases and against what others computed.

#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is not there")]

mod golden;
mod normalisation;
mod samples;

use std::path::{Path, PathBuf};

/// A file of the shared test data; `None`, said aloud, where the folder is absent.
fn shared(path: &str) -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("SKIPPED: {} is absent", file.display());
    None
}
