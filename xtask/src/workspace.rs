//! Where things are in this checkout.
//!
//! Paths only: the root comes from where xtask was compiled, not from the current directory, so the finished binary works
//! from any test's directory too.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the root manifest.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root folder")
}

/// Cargo's target folder; a relative `CARGO_TARGET_DIR` counts from the root, where cargo is run.
pub(crate) fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Whether this is a CI run, where nothing may be skipped for want of a tool.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "0" && value != "false")
}

/// Names of the crates (folders under `crates/`) that hold `path`, sorted.
pub(crate) fn crates_with(path: &str) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("crates"))? {
        let entry = entry?;
        if entry.path().join(path).exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Package name of the crate in `crates/<folder>`.
pub(crate) fn package(folder: &str) -> String {
    if folder == "kilat" { folder.to_owned() } else { format!("kilat-{folder}") }
}

/// A `cargo` command at the root, whose output reads well in a log.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).env("CARGO_TERM_PROGRESS_WHEN", "never");
    cargo
}
