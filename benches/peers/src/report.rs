//! Figures: lines on the terminal, JSON, a dated CSV, the table and the chart of `benches/README.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use crate::race::Time;

/// What a ratio must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// Ours takes at most so many times as long as the peer.
    AtMost(f64),
    /// The peer takes at least so many times as long as ours.
    AtLeast(f64),
}

/// One target, measured.
pub(crate) struct Target {
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    pub(crate) workload: &'static str,
    pub(crate) size: usize,
    pub(crate) peer: String,
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    pub(crate) ratio: f64,
    pub(crate) bound: Bound,
}

impl Target {
    fn holds(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.ratio <= bound,
            Bound::AtLeast(bound) => self.ratio >= bound,
        }
    }

    fn wanted(&self) -> String {
        match self.bound {
            Bound::AtMost(bound) => format!("≤ {bound}"),
            Bound::AtLeast(bound) => format!("≥ {bound}"),
        }
    }
}

/// Nanoseconds of one contestant.
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    pub(crate) workload: &'static str,
    pub(crate) size: usize,
    pub(crate) who: &'static str,
    pub(crate) ns: f64,
}

/// Everything a run measured.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) targets: Vec<Target>,
}

impl Report {
    /// Notes what everybody took.
    pub(crate) fn times(
        &mut self,
        id: &'static str,
        what: &'static str,
        workload: &'static str,
        size: usize,
        held: f64,
        times: &[Time],
    ) {
        eprintln!("{id} {what}, {workload}, {size}: {held:.2} found an item");
        for time in times {
            eprintln!("    {:<24} {:>12.0} ns", time.name, time.ns());
            self.rows.push(Row { id, what, workload, size, who: time.name, ns: time.ns() });
        }
    }

    /// Notes a target that is a ratio.
    #[allow(clippy::too_many_arguments, reason = "a row has so many columns")]
    pub(crate) fn compare(
        &mut self,
        id: &'static str,
        what: &'static str,
        workload: &'static str,
        size: usize,
        ours: &Time,
        peer: &Time,
        bound: Bound,
    ) {
        let ratio = match bound {
            Bound::AtMost(_) => ours.over(peer),
            Bound::AtLeast(_) => peer.over(ours),
        };
        let (theirs, ours) = (peer.ns(), ours.ns());
        self.note(Target { id, what, workload, size, peer: peer.name.to_owned(), ours, theirs, ratio, bound });
    }

    /// Notes a target that is a figure of ours and its limit.
    pub(crate) fn figure(&mut self, id: &'static str, what: &'static str, size: usize, figure: f64, limit: f64) {
        let (peer, ratio, bound) = ("limit".to_owned(), figure / limit, Bound::AtMost(1.0));
        self.note(Target { id, what, workload: "generated", size, peer, ours: figure, theirs: limit, ratio, bound });
    }

    fn note(&mut self, target: Target) {
        let mark = if target.holds() { "holds" } else { "MISSED" };
        eprintln!(
            "    {} {} {}: {:.2} against {} {:.2}, ratio {:.2}, wanted {}: {mark}",
            target.id,
            target.what,
            target.size,
            target.ours,
            target.peer,
            target.theirs,
            target.ratio,
            target.wanted()
        );
        self.targets.push(target);
    }

    /// One line of JSON for every target.
    pub(crate) fn json(&self) -> String {
        let mut lines = String::new();
        for target in &self.targets {
            let line = json!({
                "target": target.id, "what": target.what, "workload": target.workload, "size": target.size,
                "ours": hundredths(target.ours), "peer": target.peer, "theirs": hundredths(target.theirs),
                "ratio": hundredths(target.ratio), "wanted": target.wanted(), "holds": target.holds(),
            });
            let _ = writeln!(lines, "{line}");
        }
        lines
    }

    /// Appends the rows to today's file in `folder`.
    pub(crate) fn write_csv(&self, folder: &Path) -> Result<()> {
        let date = output("date", &["-u", "+%F"])?;
        let commit = output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default();
        let machine = machine();
        let path = folder.join(format!("{date}-matching.csv"));
        let mut text = fs::read_to_string(&path)
            .unwrap_or_else(|_| "date,commit,machine,target,what,workload,size,who,figure\n".to_owned());
        let mut row = |id: &str, what: &str, workload: &str, size: usize, who: &str, figure: f64| {
            let _ = writeln!(text, "{date},{commit},{machine},{id},\"{what}\",{workload},{size},\"{who}\",{figure:.2}");
        };
        for r in &self.rows {
            row(r.id, r.what, r.workload, r.size, r.who, r.ns);
        }
        for t in self.targets.iter().filter(|target| target.peer == "limit") {
            row(t.id, t.what, t.workload, t.size, "kilat", t.ours);
        }
        fs::create_dir_all(folder)?;
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        eprintln!("written to {}", path.display());
        Ok(())
    }

    /// Puts the table of targets between the marks of the README.
    pub(crate) fn write_table(&self, readme: &Path) -> Result<()> {
        const BEGIN: &str = "<!-- matching: begin -->\n";
        const END: &str = "<!-- matching: end -->";
        let text = fs::read_to_string(readme).with_context(|| readme.display().to_string())?;
        let (Some(begin), Some(end)) = (text.find(BEGIN), text.find(END)) else {
            anyhow::bail!("{} has no place for the table: {BEGIN}…{END}", readme.display());
        };
        let mut table = format!(
            "{}, commit {}, {}. Nanoseconds of thread CPU unless it says otherwise.\n\n",
            output("date", &["-u", "+%F"])?,
            output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default(),
            machine(),
        );
        table.push_str("| | what | texts | size | Kilat | peer | | ratio | target | |\n|---|---|---|--:|--:|---|--:|--:|--:|---|\n");
        for t in &self.targets {
            let mark = if t.holds() { "✓" } else { "✗" };
            let _ = writeln!(
                table,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {mark} |",
                t.id,
                t.what,
                t.workload,
                t.size,
                short(t.ours),
                t.peer,
                short(t.theirs),
                short(t.ratio),
                t.wanted(),
            );
        }
        let text = format!("{}{table}{}", &text[..begin + BEGIN.len()], &text[end..]);
        fs::write(readme, text)?;
        eprintln!("table in {}", readme.display());
        Ok(())
    }
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    format!("{} ({cores} cores)", model.trim_start_matches(['\t', ' ', ':']))
}

/// Three digits where there are more.
fn short(figure: f64) -> String {
    match figure.abs() {
        0.0..10.0 => format!("{figure:.2}"),
        10.0..100.0 => format!("{figure:.1}"),
        _ => format!("{figure:.0}"),
    }
}

fn hundredths(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| program.to_owned())?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
