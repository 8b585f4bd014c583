//! `cargo xtask worst`: looks for the costliest event; the program is `benches/examples/worst`.

use std::time::Duration;

use anyhow::Result;

use crate::stop::Stop;
use crate::{process, workspace};

/// Building, beside the seconds that are asked for.
const BUILD_LIMIT: Duration = Duration::from_secs(3_600);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long to search
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Decides which rules and events are tried
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments, stop: &Stop) -> Result<()> {
    let mut search = workspace::cargo();
    search.args(["run", "--quiet", "--release", "-p", "kilat-bench", "--example", "worst", "--"]);
    search.args(["--seconds", &arguments.seconds.to_string(), "--seed", &arguments.seed.to_string()]);
    if arguments.json {
        search.arg("--json");
    }
    process::run(&mut search, BUILD_LIMIT + Duration::from_secs(arguments.seconds), stop)
}
