//! Figures for people, for the dated CSV and for machines.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use crate::Bench;
use crate::child::Measured;
use crate::latency::Latency;
use crate::rounds::median;

/// One round, as soon as it is over.
pub(crate) fn round(number: usize, copy: &Measured, engine: &Measured) {
    let name = if number == 0 { "warm-up".to_owned() } else { format!("round {number}") };
    for (what, run) in [("copy", copy), ("kilat", engine)] {
        eprintln!(
            "{name:8} {what:6} {:>9.0} events/s  {:5.2} CPU-s per million  {:>6} transactions  {:>8} decisions  {:5.0} MB",
            run.events_per_s, run.cpu_s_per_million, run.transactions, run.decisions, run.peak_rss_mb
        );
    }
}

/// Medians over all rounds; the ratio is the median of the rounds' own ratios.
pub(crate) fn finish(bench: &Bench, copies: &[Measured], engines: &[Measured], latency: &Latency) -> Result<()> {
    let mut ratios: Vec<f64> =
        copies.iter().zip(engines).map(|(copy, engine)| engine.events_per_s / copy.events_per_s).collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    let figures = json!({
        "copy_events_per_s": median(copies, |run| run.events_per_s).round(),
        "kilat_events_per_s": median(engines, |run| run.events_per_s).round(),
        "ratio": hundredths(ratio),
        "copy_cpu_s_per_million": hundredths(median(copies, |run| run.cpu_s_per_million)),
        "kilat_cpu_s_per_million": hundredths(median(engines, |run| run.cpu_s_per_million)),
        "p50_ms": hundredths(latency.p50_ms),
        "p99_ms": hundredths(latency.p99_ms),
    });
    eprintln!("ratio {ratio:.2} (rounds {ratios:.2?})");
    if latency.samples > 0 {
        eprintln!(
            "latency at {:.0} events/s: p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms over {} decisions",
            latency.rate, latency.p50_ms, latency.p99_ms, latency.p999_ms, latency.samples
        );
    }
    write_csv(bench, copies, engines, latency)?;
    if bench.json {
        println!("{figures}");
    }
    Ok(())
}

/// Appends one row a run to today's file.
fn write_csv(bench: &Bench, copies: &[Measured], engines: &[Measured], latency: &Latency) -> Result<()> {
    let date = output("date", &["-u", "+%F"])?;
    let commit = output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let machine = format!("{} cores", std::thread::available_parallelism()?);
    let path = bench.results.join(format!("{date}-kafka.csv"));
    let mut text = if path.exists() { fs::read_to_string(&path)? } else { HEADER.to_owned() };
    let workload = match (&bench.rule_file, &bench.event_file) {
        (None, None) => format!("generated {} rules", bench.rules),
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
                    "{:.0},{:.3},{},{},{:.0},,,",
                    run.events_per_s, run.cpu_s_per_million, run.transactions, run.decisions, run.peak_rss_mb
                ),
            );
        }
    }
    if latency.samples > 0 {
        let figures = format!(
            "{:.0},,,{},,{:.1},{:.1},{:.1}",
            latency.rate, latency.samples, latency.p50_ms, latency.p99_ms, latency.p999_ms
        );
        row("latency", figures);
    }
    fs::create_dir_all(&bench.results)?;
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    eprintln!("written to {}", path.display());
    Ok(())
}

const HEADER: &str = "date,commit,machine,workload,interval_ms,what,events_per_s,cpu_s_per_million,transactions,decisions,peak_rss_mb,p50_ms,p99_ms,p999_ms\n";

fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| program.to_owned())?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn hundredths(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
