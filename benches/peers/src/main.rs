//! `kilat-peers`: Kilat's matching against what it could be built from, in one run and on the same messages.
//!
//! Input: a seeded workload (`benches/src/workload.rs`) and the real texts of `../shared/data`, where they are there.
//! Output: times and targets P1 to P6, a table, a chart, a dated CSV; with `--json` one line a target.
//! Every contestant's answers are compared before anything is timed, and nobody is timed on a text it saw before.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod chart;
#[path = "../../src/clock.rs"]
mod clock;
mod found;
mod heap;
mod hyperscan;
mod keywords;
mod naive;
mod race;
mod real;
mod regexes;
mod report;
mod rules;
#[path = "../../src/workload.rs"]
#[allow(dead_code, reason = "the load tests use the rest of it")]
mod workload;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use kilat_matcher::fold;

use crate::hyperscan::Library;
use crate::report::{Bound, Report};
use crate::rules::Situations;
use crate::workload::Random;

#[global_allocator]
static ALLOCATOR: heap::Counting = heap::Counting;

/// Messages of the generated workload.
const MESSAGES: usize = 120_000;
/// Events with their state.
const EVENTS: usize = 40_000;

/// Kilat's matching against its peers: targets P1 to P6.
#[derive(Parser)]
struct Cli {
    /// Only these targets: P1, P2 …
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these sizes
    #[arg(long, value_delimiter = ',')]
    sizes: Vec<usize>,
    /// End with one line of JSON a target
    #[arg(long)]
    json: bool,
    /// Measure only: leave CSV, table and chart as they are
    #[arg(long)]
    dry: bool,
    /// The folder of `README.md`, the chart and `results`
    #[arg(long, default_value = "benches")]
    folder: PathBuf,
    /// Real texts, in place of the ones beside the repository
    #[arg(long, default_value = "../shared/data/messages.jsonl.gz")]
    texts: PathBuf,
}

impl Cli {
    fn wants(&self, target: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only.eq_ignore_ascii_case(target))
    }

    fn sizes(&self, all: &[usize]) -> Vec<usize> {
        all.iter().copied().filter(|size| self.sizes.is_empty() || self.sizes.contains(size)).collect()
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let library = match Library::open() {
        Ok(library) => {
            eprintln!("Hyperscan {}", library.version()?);
            Some(library)
        }
        Err(error) => {
            eprintln!("{error}; its rows are left out");
            None
        }
    };
    let library = library.as_ref();
    let mut report = Report::default();
    texts(&cli, library, &mut report)?;
    whole_rules(&cli, &mut report)?;
    if !cli.dry {
        report.write_csv(&cli.folder.join("results"))?;
        report.write_table(&cli.folder.join("README.md"))?;
        chart::write(&report, &cli.folder.join("matching.svg"))?;
    }
    if cli.json {
        print!("{}", report.json());
    }
    Ok(())
}

/// P1 and P2, on generated and on real texts.
fn texts(cli: &Cli, library: Option<&Library>, report: &mut Report) -> Result<()> {
    if !cli.wants("P1") && !cli.wants("P2") {
        return Ok(());
    }
    let mut random = Random::new(2026);
    let generated: Vec<String> = (0..MESSAGES)
        .map(|_| {
            let mut text = String::new();
            workload::text(&mut random, &mut text);
            text
        })
        .collect();
    let real = real::texts(&cli.texts)?;
    let fold_all = |texts: &[String]| -> Vec<String> { texts.iter().map(|text| fold(text)).collect() };
    if cli.wants("P1") {
        let folded = fold_all(&generated);
        for size in cli.sizes(&[10, 100, 1_000, 10_000, 100_000]) {
            keywords::run("generated", &folded, &workload::keywords(11, size), library, report)?;
        }
        if let Some(real) = &real {
            let folded = fold_all(real);
            for size in cli.sizes(&[100, 1_000, 10_000]) {
                keywords::run("real", &folded, &real::keywords(&folded, size), library, report)?;
            }
        }
    }
    if cli.wants("P2") {
        for size in cli.sizes(&[10, 100, 1_000]) {
            regexes::run("generated", &generated, &workload::patterns(13, size), library, report)?;
        }
        if let Some(real) = &real {
            for size in cli.sizes(&[100, 1_000]) {
                regexes::run("real", real, &real::patterns(real, size), library, report)?;
            }
        }
    }
    Ok(())
}

/// P3 to P6.
fn whole_rules(cli: &Cli, report: &mut Report) -> Result<()> {
    let situations = Situations::new(17, EVENTS);
    if cli.wants("P3") {
        for size in cli.sizes(&[100, 1_000, 10_000]) {
            rules::attributes(size, &situations, report)?;
        }
    }
    if cli.wants("P4") || cli.wants("P5") {
        let mut ours = Vec::new();
        for size in cli.sizes(&[10, 100, 1_000, 10_000]) {
            ours.push((size, rules::whole(size, &situations, report)?));
        }
        let of = |size: usize| ours.iter().find(|(of, _)| *of == size).map(|(_, time)| time);
        if let (Some(thousand), Some(ten)) = (of(1_000), of(10_000)) {
            let what = "10,000 rules against 1,000";
            report.compare("P5", what, "generated", 10_000, ten, thousand, Bound::AtMost(8.0));
        }
    }
    if cli.wants("P5") {
        rules::cold(&situations, report)?;
    }
    if cli.wants("P6") {
        for size in cli.sizes(&[100, 1_000, 10_000]) {
            rules::compiling(size, report)?;
        }
        rules::regex_heap(report)?;
    }
    Ok(())
}
