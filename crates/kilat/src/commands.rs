//! The commands, one file each. A command takes its arguments and gives the exit code, or the failure that ended it.

mod audit;
mod check;
mod checkpoints;
mod completions;
mod demo;
mod eval;
mod explain;
mod produce;
mod replay;
mod rules;
mod run;
mod schema;
mod tap;
mod test;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use kilat_log::PartitionedLog;

use crate::failure::Failure;
use crate::{config, connect};

/// The exit code of a command that met malformed event lines and went on.
const MALFORMED: u8 = 3;

/// Chat automation that happens exactly once: events in, rules matched, actions out
#[derive(Debug, Parser)]
#[command(
    name = "kilat",
    version,
    disable_help_subcommand = true,
    after_help = "\
Start here:
  kilat demo                                       everything at once, nothing to install
  kilat check rules.yaml                           are my rules right?
  kilat eval --rules rules.yaml --events e.jsonl   what would they do?
  kilat why rules.yaml --events e.jsonl            why did this rule not fire?
  kilat test rules.yaml                            do they still do what I expect?

`kilat COMMAND --help` explains a command and shows how it is used."
)]
pub(crate) struct Kilat {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Eval(eval::Args),
    Check(check::Args),
    Explain(explain::Args),
    Why(why::Args),
    Test(test::Args),
    Rules(rules::Args),
    Produce(produce::Args),
    Tap(tap::Args),
    Run(run::Args),
    Checkpoints(checkpoints::Args),
    Audit(audit::Args),
    Replay(replay::Args),
    Demo(demo::Args),
    Schema(schema::Args),
    Completions(completions::Args),
}

impl Kilat {
    /// Runs the command.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Eval(args) => eval::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Explain(args) => explain::run(&args),
            Command::Why(args) => why::run(&args),
            Command::Test(args) => test::run(&args),
            Command::Rules(args) => rules::run(&args),
            Command::Produce(args) => produce::run(&args),
            Command::Tap(args) => tap::run(&args),
            Command::Run(args) => run::run(&args),
            Command::Checkpoints(args) => checkpoints::run(&args),
            Command::Audit(args) => audit::run(&args),
            Command::Replay(args) => replay::run(&args),
            Command::Demo(args) => demo::run(args),
            Command::Schema(args) => schema::run(&args),
            Command::Completions(args) => completions::run(&args),
        }
    }
}

/// Which log a command works on.
#[derive(Debug, clap::Args)]
struct LogArgs {
    /// The configuration that names the log; ./kilat.toml if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory of an embedded log, instead of the log that the configuration names
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data_dir: Option<PathBuf>,
    /// Create the topics that do not exist yet
    #[arg(long)]
    create_topics: bool,
}

impl LogArgs {
    fn open(&self) -> Result<Arc<dyn PartitionedLog>, Failure> {
        match &self.data_dir {
            Some(dir) => connect::embedded_at(dir),
            None => connect::open(&config::load(self.config.as_deref())?, self.create_topics),
        }
    }
}
