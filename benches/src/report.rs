//! Figures for people, for the dated CSV and for machines.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use crate::Bench;
use crate::child::Measured;
use crate::latency::{Latency, Swap};
use crate::rounds::median;

/// One round, as soon as it is over.
pub(crate) fn round(number: Option<usize>, copy: &Measured, engine: &Measured) {
    let name = number.map_or_else(|| "warm-up".to_owned(), |number| format!("round {number}"));
    for (what, run) in [("copy", copy), ("kilat", engine)] {
        eprintln!(
            "{name:8} {what:6} {:>9.0} events/s  {:5.2} CPU-s per million{}  {:>6} transactions  {:>8} decisions  {:5.0} MB",
            run.events_per_s,
            run.cpu_s_per_million,
            run.warm_cpu_s_per_million.map_or_else(String::new, |warm| format!(" ({warm:.2} warm)")),
            run.transactions,
            run.decisions,
            run.peak_rss_mb
        );
    }
}

/// Latencies at one rate, as soon as they are known.
pub(crate) fn latency(latency: &Latency) {
    if latency.samples == 0 {
        eprintln!("latency at {:.0} events/s: no decision was read after the warm-up", latency.rate);
        return;
    }
    eprintln!(
        "latency at {:.0} events/s: p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms over {} decisions",
        latency.rate, latency.p50_ms, latency.p99_ms, latency.p999_ms, latency.samples
    );
}

/// All that was measured.
pub(crate) struct Figures {
    /// The copy, round by round.
    pub(crate) copies: Vec<Measured>,
    /// The engine, round by round.
    pub(crate) engines: Vec<Measured>,
    /// At each rate that was asked for.
    pub(crate) latencies: Vec<Latency>,
    pub(crate) swap: Option<Swap>,
}

/// Medians over all rounds, and the first of the latencies; the ratio is the median of the rounds' own ratios.
pub(crate) fn finish(bench: &Bench, figures: &Figures) -> Result<()> {
    let Figures { copies, engines, latencies, swap } = figures;
    let latency = latencies.first().copied().unwrap_or_default();
    let mut ratios: Vec<f64> =
        copies.iter().zip(engines).map(|(copy, engine)| engine.events_per_s / copy.events_per_s).collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    let line = json!({
        "copy_events_per_s": median(copies, |run| run.events_per_s).round(),
        "kilat_events_per_s": median(engines, |run| run.events_per_s).round(),
        "ratio": hundredths(ratio),
        "copy_cpu_s_per_million": hundredths(median(copies, |run| run.cpu_s_per_million)),
        "kilat_cpu_s_per_million": hundredths(median(engines, |run| run.cpu_s_per_million)),
        "p50_ms": hundredths(latency.p50_ms),
        "p99_ms": hundredths(latency.p99_ms),
    });
    eprintln!("ratio {ratio:.2} (rounds {ratios:.2?})");
    if let Some(Swap { steady, during, longest_ms, swaps }) = swap {
        eprintln!(
            "{swaps} swaps of {} rules at {:.0} events/s, live after {longest_ms:.0} ms at most: p99 {:.1} ms during them over {} \
             decisions, {:.1} ms otherwise over {}; no event on two versions",
            bench.swap_rules, steady.rate, during.p99_ms, during.samples, steady.p99_ms, steady.samples
        );
    }
    write_csv(bench, figures)?;
    if bench.json {
        println!("{line}");
    }
    Ok(())
}

/// Appends one row a run to today's file.
fn write_csv(bench: &Bench, figures: &Figures) -> Result<()> {
    let Figures { copies, engines, latencies, swap } = figures;
    let (date, commit) = today()?;
    let machine = format!("{} cores", std::thread::available_parallelism()?);
    let path = bench.results.join(format!("{date}-kafka.csv"));
    let mut text = if path.exists() { fs::read_to_string(&path)? } else { HEADER.to_owned() };
    let workload = match (&bench.rule_file, &bench.event_file, &bench.peer_rules) {
        (None, None, None) => format!("generated {} rules / {} events", bench.rules, bench.events),
        (_, _, Some(file)) => format!("peer {}", file.file_stem().unwrap_or_default().to_string_lossy()),
        _ => "files".to_owned(),
    };
    let mut row = |what: &str, figures: String| {
        let _ = writeln!(text, "{date},{commit},{machine},{workload},{},{what},{figures}", bench.interval_ms);
    };
    for (copy, engine) in copies.iter().zip(engines) {
        for (what, run) in [("copy", copy), ("kilat", engine)] {
            row(
                what,
                format!(
                    "{:.0},{:.3},{},{},{:.0},,,,{}",
                    run.events_per_s,
                    run.cpu_s_per_million,
                    run.transactions,
                    run.decisions,
                    run.peak_rss_mb,
                    run.warm_cpu_s_per_million.map_or_else(String::new, |warm| format!("{warm:.3}"))
                ),
            );
        }
    }
    let swapped = swap.as_ref().map(|swap| [("swap-steady", swap.steady), ("swap-during", swap.during)]);
    let latencies = latencies.iter().map(|latency| ("latency", *latency));
    // Without samples there is nothing to say: zeros would be the best of latencies.
    for (what, latency) in latencies.chain(swapped.into_iter().flatten()).filter(|(_, latency)| latency.samples > 0) {
        row(
            what,
            format!(
                "{:.0},,,{},,{:.1},{:.1},{:.1},",
                latency.rate, latency.samples, latency.p50_ms, latency.p99_ms, latency.p999_ms
            ),
        );
    }
    fs::create_dir_all(&bench.results)?;
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    eprintln!("written to {}", path.display());
    Ok(())
}

const HEADER: &str = "date,commit,machine,workload,interval_ms,what,events_per_s,cpu_s_per_million,transactions,decisions,peak_rss_mb,p50_ms,p99_ms,p999_ms,warm_cpu_s_per_million\n";

/// The date and the commit.
pub(crate) fn today() -> Result<(String, String)> {
    let commit = output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    Ok((output("date", &["-u", "+%F"])?, commit))
}

fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| program.to_owned())?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn hundredths(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
