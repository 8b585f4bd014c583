//! `kilat run`: the service.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::config;
use crate::failure::Failure;
use crate::service::{self, Role};

/// Run the service: consume events, decide, execute actions
///
/// Reads kilat.toml in the current directory, or the file named; `kilat schema config` prints one with every key
/// explained, and environment variables such as KILAT__LOG__BROKERS go over it. Probes and metrics are served on
/// http.listen: /healthz, /readyz, /metrics. SIGTERM and SIGINT finish the batch, commit and leave the group; a second
/// signal ends the process at once, and nothing is lost either way.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat run --create-topics                          embedded log in ./kilat-data, all roles
  kilat run --config production.toml --role engine   only the engine; executors run elsewhere
  KILAT__LOG__KIND=kafka KILAT__LOG__BROKERS=broker:9092 kilat run --create-topics")]
pub(crate) struct Args {
    /// The configuration; ./kilat.toml if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What this process does
    #[arg(long, value_name = "ROLES", value_delimiter = ',', default_values = ["engine", "executor"])]
    role: Vec<Role>,
    /// Create the topics that do not exist yet
    #[arg(long)]
    create_topics: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let config = config::load(args.config.as_deref())?;
    service::run(&config, &args.role, args.create_topics)?;
    Ok(ExitCode::SUCCESS)
}
