//! Runs the tests that prove rows, and reads how each ended.
//!
//! In: proofs. Out: the state of each, from what libtest prints: `test engine::order::name ... ok`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::markers::Proof;
use crate::stop::Stop;
use crate::{process, workspace};

const LIMIT: Duration = Duration::from_secs(45 * 60);

/// How tests ended, by package and name; empty where none were run.
#[derive(Debug, Default)]
pub(super) struct Results {
    ran: bool,
    ended: BTreeMap<(String, String), bool>,
}

impl Results {
    /// The state of a test, in a word.
    pub(super) fn word(&self, proof: &Proof) -> &'static str {
        match self.ended.get(&key(proof)) {
            Some(true) => "passed",
            Some(false) => "FAILED",
            None if self.ran => "NOT RUN",
            None => "present",
        }
    }

    pub(super) fn failed(&self, proof: &Proof) -> bool {
        self.ran && self.ended.get(&key(proof)) != Some(&true)
    }

    /// Takes in what libtest printed for the tests of a package. A test that stands in several modules has passed where
    /// all of them have.
    fn read(&mut self, package: &str, printed: &str) {
        for line in printed.lines() {
            let Some((path, end)) = line.strip_prefix("test ").and_then(|line| line.split_once(" ... ")) else {
                continue;
            };
            let name = path.rsplit("::").next().unwrap_or(path);
            let passed = end.trim() == "ok";
            let ended = self.ended.entry((package.to_owned(), name.to_owned())).or_insert(true);
            *ended &= passed;
        }
    }
}

fn key(proof: &Proof) -> (String, String) {
    (package(&proof.file), proof.test.clone())
}

/// The package a file belongs to.
fn package(file: &Path) -> String {
    let mut parts = file.iter().filter_map(|part| part.to_str());
    match (parts.next(), parts.next()) {
        (Some("crates"), Some(folder)) => workspace::package(folder),
        (Some("benches"), _) => "kilat-bench".to_owned(),
        (first, _) => first.unwrap_or_default().to_owned(),
    }
}

/// Runs every test that proves a row, a package at a time.
pub(super) fn run(proofs: &[Proof], stop: &Stop) -> Result<Results> {
    let mut by_package: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for proof in proofs {
        by_package.entry(package(&proof.file)).or_default().insert(&proof.test);
    }
    let mut results = Results { ran: true, ..Results::default() };
    for (package, tests) in by_package {
        println!("==> {package}: {} tests", tests.len());
        let path = workspace::target_dir().join(format!("features-{package}.log"));
        let log = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        let mut cargo = workspace::cargo();
        cargo.args(["test", "--no-fail-fast", "--package", &package, "--"]).args(tests).stdout(log);
        let ended = process::run(&mut cargo, LIMIT, stop);
        let before = results.ended.len();
        results.read(&package, &fs::read_to_string(&path)?);
        match ended {
            // A test that failed is told in the table.
            Err(error) if stop.asked() || results.ended.len() == before => return Err(error),
            _ => {}
        }
    }
    Ok(results)
}
