//! House rules that the compiler does not check.
//!
//! In: the files git knows or would add. Out: every finding at once, each with `file:line`, its rule and the remedy.
//! `manifests` checks which crate may use what; its tables are below, because they are the architecture. `sources` checks
//! Rust files and file names, on the text that `code` leaves once comments and literals are blanked.
//!
//! A rule about one line is waived by `tidy: allow <rule>, <reason>` in a comment on it or on the line above.

mod code;
mod manifests;
mod sources;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::workspace;

/// One crate of the architecture: the folder under `crates/` and the folders its production code may use.
///
/// Development dependencies may go to any crate above it in the list, and to `sim`.
struct Crate {
    folder: &'static str,
    kind: Kind,
    may_use: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// No I/O, no async, no clock, no globals.
    Pure,
    /// Async and I/O.
    Effects,
    /// Only ever a development dependency.
    Dev,
}

/// What the crates that move records share: the pure crates, the port and the metrics.
const MOVERS_USE: &[&str] =
    &["domain", "matcher", "rules", "flows", "engine", "codec", "delivery", "partners", "telemetry", "log"];

/// What the engine uses beside: it alone keeps state.
const MOVERS_AND_CHECKPOINTS: &[&str] = &[
    "domain",
    "matcher",
    "rules",
    "flows",
    "engine",
    "codec",
    "delivery",
    "partners",
    "telemetry",
    "log",
    "checkpoint",
];

/// Top to bottom: arrows go from later to earlier only.
#[rustfmt::skip]
const CRATES: &[Crate] = &[
    Crate { folder: "domain", kind: Kind::Pure, may_use: &[] },
    Crate { folder: "matcher", kind: Kind::Pure, may_use: &[] },
    Crate { folder: "codec", kind: Kind::Pure, may_use: &["domain"] },
    Crate { folder: "delivery", kind: Kind::Pure, may_use: &["domain"] },
    Crate { folder: "partners", kind: Kind::Pure, may_use: &["domain"] },
    Crate { folder: "rules", kind: Kind::Pure, may_use: &["domain", "matcher"] },
    Crate { folder: "flows", kind: Kind::Pure, may_use: &["domain", "rules"] },
    Crate { folder: "engine", kind: Kind::Pure, may_use: &["domain", "rules", "flows"] },
    Crate { folder: "telemetry", kind: Kind::Effects, may_use: &["domain"] },
    Crate { folder: "log", kind: Kind::Effects, may_use: &["domain", "codec", "telemetry"] },
    Crate { folder: "checkpoint", kind: Kind::Effects, may_use: &["domain"] },
    Crate { folder: "pipeline", kind: Kind::Effects, may_use: MOVERS_AND_CHECKPOINTS },
    Crate { folder: "executor", kind: Kind::Effects, may_use: MOVERS_USE },
    Crate { folder: "gateway", kind: Kind::Effects, may_use: MOVERS_USE },
    Crate { folder: "rotator", kind: Kind::Effects, may_use: MOVERS_USE },
    Crate { folder: "control", kind: Kind::Effects, may_use: MOVERS_USE },
    Crate { folder: "kilat", kind: Kind::Effects, may_use: &[
        "domain", "matcher", "rules", "flows", "engine", "codec", "delivery", "partners", "telemetry", "log", "checkpoint",
        "pipeline", "executor", "gateway", "rotator", "control",
    ] },
    Crate { folder: "sim", kind: Kind::Dev, may_use: &[
        "domain", "matcher", "rules", "flows", "engine", "codec", "delivery", "partners", "telemetry", "log", "checkpoint",
        "pipeline", "executor",
    ] },
];

/// Each heavy dependency and the one crate whose production manifest names it.
const OWNERS: &[(&str, &str)] = &[
    ("aho-corasick", "matcher"),
    ("regex-automata", "matcher"),
    ("apache-avro", "codec"),
    ("serde_avro_fast", "codec"),
    ("metrics", "telemetry"),
    ("metrics-exporter-prometheus", "telemetry"),
    ("tracing-subscriber", "telemetry"),
    ("rdkafka", "log"),
    ("redb", "log"),
    ("object_store", "checkpoint"),
    ("arc-swap", "pipeline"),
    ("dashmap", "pipeline"),
    ("reqwest", "executor"),
    ("clap", "kilat"),
    ("clap_complete", "kilat"),
    ("crossterm", "kilat"),
    ("mimalloc", "kilat"),
    ("ratatui", "kilat"),
];

/// Crates that name a heavy dependency of another's for the features that something else of theirs needs.
const FOR_FEATURES: &[(&str, &str)] = &[("reqwest", "checkpoint")];

/// Outside crates that pure crates may use: each was looked at and does no I/O, reads no clock and keeps no globals.
const PURE_MAY_USE: &[&str] = &[
    "aho-corasick",
    "apache-avro",
    "base64",
    "compact_str",
    "crc32fast",
    "flate2",
    "hex",
    "hmac",
    "itoa",
    "jiff",
    "memchr",
    "percent-encoding",
    "regex-automata",
    "regex-syntax",
    "rustc-hash",
    "ryu",
    "saphyr-parser",
    "serde",
    "serde_avro_fast",
    "serde_json",
    "sha1",
    "sha2",
    "smallvec",
    "strsim",
    "subtle",
    "thiserror",
    "toml",
    "unicode-normalization",
    "unicode-segmentation",
    "url",
    "xxhash-rust",
];

/// A breach of a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: PathBuf,
    /// From 1; 1 too where the whole file or its name is meant.
    line: usize,
    rule: Rule,
    what: String,
    remedy: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// Only the arrows of the table.
    Arrow,
    /// Heavy dependencies stand in one production manifest.
    Owner,
    /// Versions and features stand in the root manifest.
    Version,
    /// Pure crates hold no clock, I/O or async.
    Pure,
    /// Every Rust file says what it is for.
    Header,
    /// Names say what a thing is.
    Name,
    /// Nothing is left for later in code.
    Todo,
    /// No test is switched off.
    Ignore,
    /// Tests wait for events, not for time.
    Sleep,
    /// The repository knows no machine.
    Path,
}

impl Rule {
    fn id(self) -> &'static str {
        match self {
            Rule::Arrow => "arrow",
            Rule::Owner => "owner",
            Rule::Version => "version",
            Rule::Pure => "pure",
            Rule::Header => "header",
            Rule::Name => "name",
            Rule::Todo => "todo",
            Rule::Ignore => "ignore",
            Rule::Sleep => "sleep",
            Rule::Path => "path",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { file, line, rule, what, remedy } = self;
        write!(formatter, "{}:{line}: [{}] {what}; {remedy}", file.display(), rule.id())
    }
}

/// Checks this repository and prints what it finds.
pub(crate) fn run() -> Result<()> {
    let files = tracked(workspace::root())?;
    let findings = check(workspace::root(), &files)?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} files, no findings", files.len());
            Ok(())
        }
        count => bail!("tidy: {count} findings"),
    }
}

/// Files of the repository, relative to `root`: those git tracks, and new ones it would add.
pub(crate) fn tracked(root: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("git lists the files to check")?;
    if !output.status.success() {
        bail!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout).context("file names in UTF-8")?;
    let mut files: Vec<PathBuf> = names.split_terminator('\0').map(PathBuf::from).collect();
    // Merge conflicts list a file several times; a deleted file is listed until the deletion is committed.
    files.dedup();
    files.retain(|file| root.join(file).is_file());
    Ok(files)
}

/// All findings in `files` (relative to `root`), sorted by file and line.
fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in files {
        let bytes = fs::read(root.join(file)).with_context(|| format!("reading {}", file.display()))?;
        let Ok(text) = String::from_utf8(bytes) else { continue }; // Binary.
        findings.extend(manifests::check(file, &text)?);
        findings.extend(sources::check(file, &text));
    }
    findings.sort();
    Ok(findings)
}

/// The folder under `crates/` that `file` belongs to.
fn crate_of(file: &Path) -> Option<&str> {
    file.strip_prefix("crates").ok()?.components().next()?.as_os_str().to_str()
}

/// The row of the crate in `folder`, with its place in the list.
fn row(folder: &str) -> Option<(usize, &'static Crate)> {
    CRATES.iter().enumerate().find(|(_, row)| row.folder == folder)
}

#[cfg(test)]
mod tests;
