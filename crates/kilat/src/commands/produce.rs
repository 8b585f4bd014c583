//! `kilat produce`: event lines onto the input topics.

use std::path::PathBuf;
use std::process::ExitCode;

use super::LogArgs;
use crate::clock;
use crate::event_lines::EventLines;
use crate::failure::{self, Failure};
use crate::intake::Intake;

/// Write event lines to kilat.messages.v1 and kilat.lead-changes.v1
///
/// `message.*` events go to the first, all others to the second, keyed by workspace, with CloudEvents headers, in
/// transactions. A malformed line is told with its number, and the rest goes on; the exit code is then 3. Writing the
/// same file twice does no harm: events are known by their id.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat produce --events events.jsonl
  kilat produce --events - --create-topics < events.jsonl
  zcat week.jsonl.gz | kilat produce --events - --config kafka.toml")]
pub(crate) struct Args {
    /// A file of event lines; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    #[command(flatten)]
    log: LogArgs,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut lines = EventLines::open(&args.events)?;
    // Of no other process, on whatever machine: one that has the same name would be fenced.
    let id = format!("kilat-produce-{}-{}", std::process::id(), clock::now().0);
    let mut intake = Intake::open(args.log.open()?, id);
    let name = lines.name().to_owned();
    let (mut written, mut malformed) = (0, 0u64);
    let mut commit = |intake: &mut Intake| -> Result<(), Failure> {
        written += intake.commit(&|| false, &mut |error| eprintln!("{}, trying again", failure::told(error)))?;
        Ok(())
    };
    while let Some((number, line)) = lines.next_line()? {
        let appended = line.event().and_then(|event| {
            if event.has_unknown_words() {
                line.notes().iter().for_each(|note| eprintln!("{name}:{number}: note: {note}"));
            }
            intake.event(&event).map_err(|error| format!("{error}. help: shorten it"))
        });
        if let Err(why) = appended {
            malformed += 1;
            eprintln!("{name}:{number}: error: {why}");
        }
        if intake.is_full() || lines.may_wait() {
            commit(&mut intake)?;
        }
    }
    commit(&mut intake)?;
    eprintln!("{written} events written, {malformed} malformed lines");
    Ok(if malformed == 0 { ExitCode::SUCCESS } else { ExitCode::from(super::MALFORMED) })
}
