//! `cargo xtask worst`: looks for the costliest event; the program is `benches/examples/worst`.

use std::time::Duration;

use anyhow::Result;

use crate::stop::Stop;
use crate::{process, workspace};

/// Building, and an hour's search.
const LIMIT: Duration = Duration::from_secs(2 * 3_600);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Arguments for the program, such as `--seconds 60 --seed 1 --json`; `-- --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, stop: &Stop) -> Result<()> {
    let mut search = workspace::cargo();
    search.args(["run", "--quiet", "--release", "-p", "kilat-bench", "--example", "worst", "--"]);
    process::run(search.args(&arguments.arguments), LIMIT, stop)
}
