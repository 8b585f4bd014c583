//! `kilat demo`: everything in one process, to look at.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::demo::{self, Options};
use crate::failure::Failure;

/// Run everything in one process and watch it: traffic, engine, executors, partners
///
/// Nothing needs to be installed and nothing outside this machine is called: the log is the embedded one in a temporary
/// directory, and stand-in partners on loopback take the HTTP requests, check signatures and tokens, and misbehave now
/// and then. The chats are invented, from a seed. On a terminal a live view is shown, otherwise progress lines. It ends
/// with totals that are counted from the topics and have to add up.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat demo                                      watch it; q quits
  kilat demo --events 20000 --exit-when-done      as fast as it goes, then the totals
  kilat demo --rules my-rules.yaml                your rules; edit the file and see it go live
  kilat demo --messages messages.jsonl.gz --exit-when-done --json | tail -1 | jq .fired
  kilat demo --dir ./kept                         keep the log; started again, it goes on
  KILAT__LOG__DIR=kept/log kilat tap kilat.decisions.v1 --until-end

--messages takes rows {id, source, role, conversation, text}: workspace = source, event id = id, role agent is the \
team and any other the customer, times run from a fixed start in file order.

--json ends with one line: events, duplicates, dead_lettered, evaluated, caused, decisions, fired, actions, delivered, \
failed, unknown, suppressed, seconds. events = evaluated + duplicates + dead_lettered (caused events counted apart); \
actions = delivered + failed + unknown + suppressed.")]
pub(crate) struct Args {
    /// Recorded conversations instead of invented ones; gzipped where the name ends in .gz
    #[arg(long, value_name = "FILE")]
    messages: Option<PathBuf>,
    /// How many records to write; without it the traffic does not end
    #[arg(long, value_name = "N")]
    events: Option<u64>,
    /// Records a second [default: 250, and no limit with --exit-when-done]
    #[arg(long, value_name = "R", value_parser = rate)]
    rate: Option<f64>,
    /// Stop once everything written is answered and every action has its outcome
    #[arg(long)]
    exit_when_done: bool,
    /// Print the totals as the last line, in JSON
    #[arg(long)]
    json: bool,
    /// A rule file instead of the built-in recipes; watched, and live when it changes
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Seed of the chats and of the partners' moods [default: 7]
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Keep the log in this directory instead of a temporary one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && f64::is_finite(rate) => Ok(rate),
        _ => Err("a rate is a number of records a second above 0".to_owned()),
    }
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Failure> {
    let Args { messages, events, rate, exit_when_done, json, rules, seed, dir } = args;
    demo::run(&Options { messages, events, rate, exit_when_done, json, rules, seed, dir })
}
