//! `sim`: seeds of the simulation, by the release build of `crates/sim`.
//!
//! In: what `kilat-sim` takes. Out: the commit that is run, and what `kilat-sim` tells. Absent: the simulation.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::stop::Stop;
use crate::{process, workspace};

const LIMIT: Duration = Duration::from_secs(24 * 3600);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// For `kilat-sim`: --seeds N [--from S] [--events M] [--json] [--until-failure] [--calm] [--without FAULT,…]
    /// [--sabotage BUG] [--processes N] [--workers N] [--threads N] [--journal FILE] [--table]
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, stop: &Stop) -> Result<()> {
    process::run(workspace::cargo().args(["build", "--quiet", "--release", "-p", "kilat-sim"]), LIMIT, stop)?;
    eprintln!("sim: commit {}", commit()?);
    let program = workspace::target_dir().join("release").join("kilat-sim");
    process::run(Command::new(program).args(&arguments.arguments), LIMIT, stop)
}

/// The commit of the checkout, and whether files differ from it.
fn commit() -> Result<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
        .current_dir(workspace::root())
        .output()
        .context("git names the commit")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
