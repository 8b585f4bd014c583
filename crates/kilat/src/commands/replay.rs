//! `kilat replay`: recorded input through the engine once more.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use kilat_codec::{Topic, json as codec};
use kilat_log::PartitionedLog;
use kilat_pipeline::replay::{Divergence, Produced, Replay, ReplayError};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::LogArgs;
use crate::failure::Failure;
use crate::output::{Output, grouped};
use crate::{clock, verdict};

/// Run recorded input through the engine again and compare
///
/// Takes the input of a partition exactly as it was recorded, under the rule sets and at the times that the state blocks
/// name, and compares every decision, every action and, by its chain, every state block with what was committed then.
/// Nothing is written to the log and nothing is sent. It stops at the first difference and names it. Exit code 0: equal;
/// 1: different.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat replay                                         every partition, from the first block to the last
  kilat replay --partition 2 --from 100 --to 120       these blocks of one partition; the state before them is restored
  kilat replay --data-dir kept/log --out first.jsonl   and write down what it gave; two runs give the same bytes")]
pub(crate) struct Args {
    /// The partition; all of them without it
    #[arg(long, value_name = "PARTITION")]
    partition: Option<u32>,
    /// The first block, by its sequence number in the partition
    #[arg(long, value_name = "SEQUENCE", default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..))]
    from: i64,
    /// The last block; to the end without it
    #[arg(long, value_name = "SEQUENCE")]
    to: Option<i64>,
    /// Write every record the replay gives to this file, as lines of JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the verdict as a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    log: LogArgs,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let log = args.log.open()?;
    if args.to.is_some_and(|to| to < args.from) {
        return Err(Failure::new("--to is before --from", "name blocks in their order"));
    }
    let partitions = match args.partition {
        Some(partition) => partition..partition + 1,
        None => 0..log.partitions(Topic::State.name())?,
    };
    let mut run = Run::new(args.out.as_deref())?;
    let begun = clock::instant();
    for partition in partitions {
        run.partition(&log, partition, args)?;
        if run.difference.is_some() {
            break;
        }
    }
    run.end(args.json, begun.elapsed().as_secs_f64())
}

/// What a run has come to.
#[derive(Default)]
struct Run {
    blocks: u64,
    records: u64,
    decisions: u64,
    actions: u64,
    /// Over topic, key and value of every record, in order.
    digest: Sha256,
    out: Option<BufWriter<File>>,
    difference: Option<Difference>,
}

impl Run {
    fn new(out: Option<&Path>) -> Result<Run, Failure> {
        let out = out.map(|path| {
            File::create(path).map(BufWriter::new).map_err(|error| {
                let help = "name a file in a directory you may write to";
                Failure::because(format!("writing `{}`", path.display()), error, help)
            })
        });
        Ok(Run { out: out.transpose()?, ..Run::default() })
    }

    /// Replays a partition, to the first difference.
    fn partition(&mut self, log: &Arc<dyn PartitionedLog>, partition: u32, args: &Args) -> Result<(), Failure> {
        let mut replay = Replay::open(log, partition, args.from).map_err(failure)?;
        loop {
            let mut failed = None;
            let (digest, out) = (&mut self.digest, &mut self.out);
            let mut each = |produced: Produced<'_>| {
                for part in [produced.topic.name().as_bytes(), produced.key, produced.value] {
                    digest.update((part.len() as u64).to_be_bytes());
                    digest.update(part);
                }
                if let Some(out) = out
                    && let Err(error) = write_line(out, partition, &produced)
                {
                    failed.get_or_insert(error);
                }
            };
            let Some(block) = replay.next(&mut each).map_err(failure)? else { return Ok(()) };
            if let Some(error) = failed {
                return Err(Failure::because("writing the replay's records", error, "check the disk"));
            }
            self.blocks += 1;
            self.records += block.records;
            self.decisions += block.decisions;
            self.actions += block.actions;
            if let Some(divergence) = block.divergence {
                self.difference = Some(Difference { partition, block: block.sequence, divergence });
                return Ok(());
            }
            if args.to.is_some_and(|to| block.sequence >= to) {
                return Ok(());
            }
        }
    }

    fn end(mut self, as_json: bool, seconds: f64) -> Result<ExitCode, Failure> {
        if let Some(out) = &mut self.out {
            out.flush().map_err(|error| Failure::because("writing the replay's records", error, "check the disk"))?;
        }
        let digest: String = self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut output = Output::new();
        if as_json {
            output.json(&json!({
                "blocks": self.blocks, "records": self.records, "decisions": self.decisions, "actions": self.actions,
                "sha256": digest, "difference": self.difference, "seconds": (seconds * 1000.0).round() / 1000.0,
            }))?;
        } else {
            output.line(&format!(
                "replay of {} blocks in {seconds:.1} s: {} records, {} decisions, {} actions; sha256 of what it gave: {digest}",
                grouped(self.blocks),
                grouped(self.records),
                grouped(self.decisions),
                grouped(self.actions),
            ))?;
            output.line(match &self.difference {
                None => "It equals what was committed.",
                Some(_) => "It differs from what was committed:",
            })?;
            if let Some(difference) = &self.difference {
                output.line(&difference.to_string())?;
            }
        }
        output.flush()?;
        Ok(if self.difference.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The first difference, and where it is.
#[derive(Serialize)]
struct Difference {
    partition: u32,
    block: i64,
    #[serde(flatten)]
    divergence: Divergence,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { partition, block, divergence: Divergence { topic, what, committed, replayed } } = self;
        writeln!(f, "  {topic}, input partition {partition}, block {block}: {what}")?;
        writeln!(f, "  committed: {committed}")?;
        write!(f, "  replayed:  {replayed}")
    }
}

/// One record, as a line. State blocks are told by their chain, which stands for all they hold.
fn write_line(out: &mut impl Write, partition: u32, produced: &Produced<'_>) -> std::io::Result<()> {
    let Produced { sequence, topic, key, value } = *produced;
    let key = String::from_utf8_lossy(key);
    let value: Value = if topic == Topic::State {
        let chain = kilat_codec::decode_state_block(value).map(|block| block.chain);
        json!({ "chain": chain.unwrap_or_default() })
    } else {
        let line = codec::record_to_line(topic, value).map_err(std::io::Error::other)?;
        serde_json::from_str(&line)?
    };
    let line = json!({
        "partition": partition, "block": sequence, "topic": topic.name(), "key": key, "value": value,
    });
    writeln!(out, "{line}")
}

fn failure(error: ReplayError) -> Failure {
    match error {
        ReplayError::Log(error) => Failure::Log(error),
        ReplayError::Pipeline(error) => verdict::failure(error),
        error => verdict::told(&error),
    }
}
