//! `cargo xtask chaos`: engines on a real cluster of three brokers while processes, connections and brokers fail.
//!
//! In: what to inject how often; see `load-tests`, whose program does it. Out: its table, rows in `load-tests/results/`.
//! The brokers listen a second time, for clients that come through the program's proxies.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::kafka::{Cluster, Jars, Jvm, Settings};
use crate::stop::Stop;
use crate::{process, workspace};

/// A run of every fault at its default count takes about an hour and a half on two cores.
const LIMIT: Duration = Duration::from_secs(4 * 3600);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The debug build, which compiles sooner
    #[arg(long)]
    debug: bool,
    /// Arguments for the program; `-- --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, stop: &Stop) -> Result<()> {
    let profile = if arguments.debug { "debug" } else { "release" };
    let mut build = workspace::cargo();
    build.args(["build", "--profile", if arguments.debug { "dev" } else { "release" }]);
    build.args(["--package", "kilat", "--package", "kilat-load-tests", "--bins"]);
    process::run(&mut build, LIMIT, stop)?;

    let settings = Settings { nodes: 3, port: None, jvm: Jvm::Small, detached: false, proxied: true };
    let mut cluster = Cluster::start(&Jars::ensure(stop)?, &settings, stop)?;
    let proxies =
        cluster.proxied()?.into_iter().map(|[proxy, listener, broker]| format!("{proxy}:{listener}:{broker}"));
    let binaries = workspace::target_dir().join(profile);
    let mut chaos = Command::new(binaries.join("kilat-chaos"));
    chaos.arg("--kilat").arg(binaries.join("kilat"));
    chaos.arg("--xtask").arg(std::env::current_exe().context("where xtask is")?);
    chaos.arg("--proxies").arg(proxies.collect::<Vec<_>>().join(","));
    chaos.arg("--commit").arg(output("git", &["describe", "--always", "--dirty"])?);
    let file = format!("load-tests/results/{}-chaos.csv", output("date", &["-u", "+%F"])?);
    chaos.arg("--results").arg(workspace::root().join(file));
    let ended = process::run(chaos.args(&arguments.arguments), LIMIT, stop);
    if ended.is_err() && !stop.asked() {
        eprint!("{}", cluster.fail());
    }
    ended
}

fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).current_dir(workspace::root()).output();
    Ok(String::from_utf8(output.with_context(|| format!("{program} does not start"))?.stdout)?.trim().to_owned())
}
