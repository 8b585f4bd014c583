//! `cargo xtask features`: which test proves which row of the specification.
//!
//! In: the rows of `features/rows.txt`, and tests that name rows. A Rust test does so in a comment above it, in the words
//! "Proves F-31, D-27." (a span is "F-57 to F-68"); a file `golden/features/f31-sender-id.yaml` does so in a comment of its
//! own and is run by the test `f31_sender_id` of its crate. Out: row → test → state, and exit 1 where a row has no test.
//! FE-1: a row that is named exists, and what names it is a test.
//! FE-2: `rows.txt` agrees with the specification wherever that is there to be read.
//! Absent: whether a test is worth anything. That is read, not counted.

mod markers;
mod results;
mod rows;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use self::markers::Proof;
use self::results::Results;
use self::rows::{Row, RowId};
use crate::stop::Stop;
use crate::{tidy, workspace};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Run the tests, and show how each ended
    #[arg(long)]
    run: bool,
}

/// Every row with the tests that name it.
struct Table {
    rows: Vec<Row>,
    proofs: Vec<Proof>,
    findings: Vec<String>,
}

impl Table {
    fn read() -> Result<Table> {
        let mut rows = rows::committed()?;
        let mut findings = match rows::titles()? {
            Some(spec) => rows::compare(&mut rows, &spec),
            None => {
                println!("features: SKIPPED comparing with {}: it is not there; rows have no titles", rows::SPEC);
                Vec::new()
            }
        };
        let mut proofs = Vec::new();
        for file in tidy::tracked(workspace::root())? {
            let path = workspace::root().join(&file);
            if markers::may_name_rows(&file) {
                let text = fs::read_to_string(&path).with_context(|| format!("reading {}", file.display()))?;
                let read = markers::of(&file, &text);
                proofs.extend(read.proofs);
                findings.extend(read.findings);
            }
        }
        for proof in &proofs {
            for row in &proof.rows {
                if !rows::exists(*row) {
                    findings.push(format!("{}: there is no row {row}", proof.place()));
                }
            }
        }
        Ok(Table { rows, proofs, findings })
    }

    fn of(&self, row: RowId) -> impl Iterator<Item = &Proof> {
        self.proofs.iter().filter(move |proof| proof.rows.contains(&row))
    }

    /// Rows of the scope that no test names.
    fn unproven(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.elsewhere.is_none() && self.of(row.id).next().is_none())
    }

    /// What is wrong; one line each.
    fn wrong(&self) -> Vec<String> {
        let unproven = self.unproven().filter(|row| row.awaited.is_none());
        let unproven = unproven.map(|row| format!("{} has no test: {}", row.id, row.title));
        self.findings.iter().cloned().chain(unproven).collect()
    }

    /// Rows whose feature is not there yet; one line each.
    fn awaited(&self) -> Vec<String> {
        let awaited = |row: &Row| Some(format!("{} has no test yet and awaits {}", row.id, row.awaited.as_ref()?));
        self.unproven().filter_map(awaited).collect()
    }

    /// One line for the end of a log.
    fn summary(&self) -> String {
        let scope = self.rows.iter().filter(|row| row.elsewhere.is_none()).count();
        let elsewhere = self.rows.len() - scope;
        let proven = scope - self.unproven().count();
        format!("features: {proven} of {scope} rows have tests, {elsewhere} belong elsewhere")
    }
}

/// Prints the table.
pub(crate) fn run(arguments: &Arguments, stop: &Stop) -> Result<()> {
    let table = Table::read()?;
    let results = if arguments.run { results::run(&table.proofs, stop)? } else { Results::default() };
    for row in &table.rows {
        println!("{:<5} {:<6} {}", row.id, row.owner, row.title);
        if let Some(reason) = &row.elsewhere {
            println!("      elsewhere: {reason}");
        }
        for proof in table.of(row.id) {
            println!("      {:<7} {}", results.word(proof), proof.name());
        }
        if row.elsewhere.is_none() && table.of(row.id).next().is_none() {
            println!("      MISSING");
        }
    }
    let mut beyond: BTreeMap<RowId, Vec<&Proof>> = BTreeMap::new();
    for proof in &table.proofs {
        for id in proof.rows.iter().filter(|id| table.rows.iter().all(|row| row.id != **id)) {
            beyond.entry(*id).or_default().push(proof);
        }
    }
    println!("\nbeyond the scope:");
    for (id, proofs) in beyond {
        for proof in proofs {
            println!("{id:<5} {:<7} {}", results.word(proof), proof.name());
        }
    }
    println!("\n{}", table.summary());
    let mut wrong = table.wrong();
    wrong.extend(table.awaited());
    wrong.extend(table.proofs.iter().filter(|proof| results.failed(proof)).map(|proof| {
        let state = results.word(proof);
        format!("{} {state}", proof.name())
    }));
    verdict(&wrong)
}

/// The same without the table, for `cargo xtask test`: what is awaited is told and no failure.
pub(crate) fn check() -> Result<()> {
    let table = Table::read()?;
    table.awaited().iter().for_each(|line| println!("{line}"));
    println!("{}", table.summary());
    verdict(&table.wrong())
}

fn verdict(wrong: &[String]) -> Result<()> {
    for line in wrong {
        println!("{line}");
    }
    match wrong.len() {
        0 => Ok(()),
        count => bail!("features: {count} findings"),
    }
}

/// A file of the specification, beside the checkout.
fn spec(name: &str) -> PathBuf {
    workspace::root().join("../shared/spec").join(name)
}

#[cfg(test)]
mod tests;
