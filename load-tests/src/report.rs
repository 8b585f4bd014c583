//! What a run found, for people and for machines.
//!
//! Output: a table on standard error; with `--json` a line per fault on standard output; a CSV row per fault in
//! `load-tests/results/`.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::verdict::Violations;

/// One fault's figures.
pub(crate) struct Row {
    pub(crate) fault: &'static str,
    pub(crate) injected: u64,
    pub(crate) events: u64,
    pub(crate) violations: Violations,
    /// From the injection until every event sent before it was answered.
    pub(crate) recoveries: Vec<Duration>,
}

impl Row {
    /// With no failure in n tries, the 95 % upper bound of its probability (the rule of three).
    fn bound(&self) -> f64 {
        if self.injected == 0 { 1.0 } else { (3.0 / self.injected as f64).min(1.0) }
    }

    fn recovery(&self, share: f64) -> f64 {
        let mut sorted = self.recoveries.clone();
        sorted.sort_unstable();
        let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
        sorted.get(at).map_or(0.0, Duration::as_secs_f64)
    }

    pub(crate) fn json(&self, seed: u64) -> String {
        let Violations { lost, doubled, foreign, disordered, unstable, actions_doubled, actions_astray } =
            self.violations;
        json!({
            "fault": self.fault, "n": self.injected, "violations": self.violations.total(), "bound": self.bound(),
            "events": self.events, "lost": lost, "doubled": doubled, "foreign": foreign, "disordered": disordered,
            "unstable": unstable, "actions_doubled": actions_doubled, "actions_astray": actions_astray,
            "recovery_p50_s": self.recovery(0.5), "recovery_p99_s": self.recovery(0.99), "seed": seed,
        })
        .to_string()
    }

    pub(crate) fn text(&self) -> String {
        format!(
            "{:<18} n {:>4}  events {:>7}  violations {}  (95 % bound {:.1} %)  recovery p50 {:.2} s, p99 {:.2} s{}",
            self.fault,
            self.injected,
            self.events,
            self.violations.total(),
            self.bound() * 100.0,
            self.recovery(0.5),
            self.recovery(0.99),
            if self.violations.total() == 0 { String::new() } else { format!("\n  {:?}", self.violations) },
        )
    }

    fn csv(&self, commit: &str, seed: u64) -> String {
        format!(
            "{commit},{seed},{},{},{},{},{:.4},{:.3},{:.3}",
            self.fault,
            self.injected,
            self.events,
            self.violations.total(),
            self.bound(),
            self.recovery(0.5),
            self.recovery(0.99),
        )
    }
}

/// Appends the rows to the file, with a heading where it is new.
pub(crate) fn append(file: &Path, rows: &[Row], commit: &str, seed: u64) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = !file.exists();
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    if new {
        writeln!(file, "commit,seed,fault,n,events,violations,bound_95,recovery_p50_s,recovery_p99_s")?;
    }
    for row in rows {
        writeln!(file, "{}", row.csv(commit, seed))?;
    }
    Ok(())
}
