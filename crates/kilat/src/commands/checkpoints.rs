//! `kilat checkpoints`: which copies of state there are, and whether they are whole.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use kilat_checkpoint::{Damage, Kept, Shelf, StoreError};
use serde_json::json;

use crate::config;
use crate::connect;
use crate::failure::Failure;
use crate::output::Output;

/// The exit code where a checkpoint cannot be used.
const UNUSABLE: u8 = 1;

/// List the engine's checkpoints, and look whether they are whole
///
/// Checkpoints are copies of state, kept where engine.checkpoints.place says; docs/recovery.md tells what they are for.
/// Reads the store only: engines may run meanwhile, and nothing is changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat checkpoints list
  kilat checkpoints verify --config kafka.toml   read each to its end; the exit code is 1 where one is damaged
  kilat checkpoints list --json | jq -s 'map(.bytes) | add'")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what there is, newest first in each partition
    List(WhichArgs),
    /// Read every checkpoint to its end and say which cannot be used
    Verify(WhichArgs),
}

#[derive(Debug, clap::Args)]
struct WhichArgs {
    /// The configuration that names the place; ./kilat.toml if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (which, verify) = match &args.action {
        Action::List(which) => (which, false),
        Action::Verify(which) => (which, true),
    };
    let checkpoints = connect::checkpoints(&config::load(which.config.as_deref())?);
    if checkpoints.place.is_empty() {
        return Err(Failure::new("no place for checkpoints is set", "set `engine.checkpoints.place`"));
    }
    let store = kilat_checkpoint::open(&checkpoints.place, checkpoints.properties.0).map_err(store_failure)?;
    let mut output = Output::new();
    let (mut found, mut unusable) = (0, 0);
    for shelf in Shelf::all(&store).map_err(store_failure)? {
        for kept in shelf.list().map_err(store_failure)?.0 {
            let verdict = verify.then(|| entries(&shelf, &kept));
            if found == 0 && !which.json {
                output.line(HEADINGS)?;
            }
            found += 1;
            unusable += usize::from(matches!(verdict, Some(Err(_))));
            if which.json {
                output.json(&as_json(&shelf, &kept, verdict.as_ref()))?;
            } else {
                output.line(&as_line(&shelf, &kept, verdict.as_ref()))?;
            }
        }
    }
    if found == 0 && !which.json {
        output.line(&format!("no checkpoints in {}", store.place()))?;
    }
    output.flush()?;
    Ok(if unusable > 0 { ExitCode::from(UNUSABLE) } else { ExitCode::SUCCESS })
}

const HEADINGS: &str = "PARTITION         BLOCK         BYTES  WRITTEN                   LOG";

fn as_line(shelf: &Shelf, kept: &Kept, verdict: Option<&Result<u64, String>>) -> String {
    let Kept { sequence, bytes, written } = kept;
    let verdict = match verdict {
        None => String::new(),
        Some(Ok(entries)) => format!("  whole, {entries} entries"),
        Some(Err(why)) => format!("  {why}"),
    };
    let origin = shelf.origin();
    format!("{:>9}  {sequence:>12}  {bytes:>12}  {written}  {}{verdict}", origin.partition, origin.log)
}

fn as_json(shelf: &Shelf, kept: &Kept, verdict: Option<&Result<u64, String>>) -> serde_json::Value {
    let origin = shelf.origin();
    let mut line = json!({
        "log": origin.log, "topic": origin.topic, "partition": origin.partition, "block": kept.sequence,
        "bytes": kept.bytes, "written": kept.written.to_string(),
    });
    match verdict {
        None => {}
        Some(Ok(entries)) => (line["whole"], line["entries"]) = (json!(true), json!(entries)),
        Some(Err(why)) => (line["whole"], line["reason"]) = (json!(false), json!(why)),
    }
    line
}

/// Reads a checkpoint to its end; how many entries it has, or why it cannot be used.
fn entries(shelf: &Shelf, kept: &Kept) -> Result<u64, String> {
    let mut reader = shelf.open(kept).map_err(|error| error.to_string())?;
    let mut count = 0;
    loop {
        let at = reader.bytes();
        let damaged = |damage| shelf.damaged(kept, damage).to_string();
        let Some(entries) = reader.entries().map_err(damaged)? else { return Ok(count) };
        count += u64::from(entries.count);
        if let Err(error) = kilat_codec::decode_state_block(entries.record) {
            let what = format!("holds entries that cannot be read: {error}");
            return Err(damaged(Damage::Malformed { at, what }));
        }
    }
}

/// Errors of the store end in their remedy.
fn store_failure(error: StoreError) -> Failure {
    let text = error.to_string();
    match text.split_once(". help: ") {
        Some((what, help)) => Failure::new(what, help),
        None => Failure::new(text, "check `engine.checkpoints.place`"),
    }
}
