//! `kilat tap`: the records of any topic as JSON lines.

use std::process::ExitCode;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use kilat_codec::{Topic, json as codec};
use kilat_log::{Record, Start};
use serde_json::{Map, Value, json};

use super::LogArgs;
use crate::failure::Failure;
use crate::output::Output;

/// How long to wait for records before what was printed is handed on.
const POLL: Duration = Duration::from_millis(200);

/// Print the records of a topic as JSON lines
///
/// Reads committed records without joining a group, so that nobody is disturbed. Without -n it follows the topic until
/// it is interrupted; with `--until-end` it stops at what was committed when it began. Records of a `.dlq` topic are
/// printed with their headers, and with the value as text where it is no readable record.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat tap kilat.decisions.v1                             every decision, as it comes
  kilat tap kilat.decisions.v1 --workspace acme -n 10      the first ten of one workspace
  kilat tap kilat.action-results.v1 --until-end | jq -r .outcome | sort | uniq -c
  kilat tap kilat.messages.v1.dlq --until-end              what could not be read, and why")]
pub(crate) struct Args {
    /// The topic
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// Only records of this workspace
    #[arg(long, value_name = "WORKSPACE")]
    workspace: Option<String>,
    /// Stop after this many records
    #[arg(short = 'n', value_name = "COUNT")]
    count: Option<u64>,
    /// Begin with the earliest record, or with the next one to come
    #[arg(long, value_name = "WHERE", default_value = "start")]
    from: From,
    /// Stop at the end of what was committed when it began
    #[arg(long)]
    until_end: bool,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum From {
    Start,
    End,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let kind = Kind::of(&args.topic)?;
    let log = args.log.open()?;
    let start = match args.from {
        From::Start => Start::Earliest,
        From::End => Start::Latest,
    };
    let mut follower = log.follow(&args.topic, None, start)?;
    let mut output = Output::new();
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        let mut failure = None;
        let followed = follower.poll(POLL, &mut |record| {
            if left == 0 || failure.is_some() {
                return;
            }
            let line = kind.line(&record);
            if args.workspace.as_ref().is_none_or(|workspace| is_of(&line, workspace)) {
                left -= 1;
                failure = output.line(&line).err();
            }
        })?;
        failure.map_or(Ok(()), Err)?;
        output.flush()?;
        if args.until_end && followed.caught_up {
            break;
        }
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// How the records of a topic are printed.
enum Kind {
    Known(Topic),
    /// Dead letters of this topic.
    DeadLetters(Topic),
}

impl Kind {
    fn of(name: &str) -> Result<Kind, Failure> {
        let topic = name.strip_suffix(".dlq").unwrap_or(name);
        let topic: Topic = topic.parse().map_err(|_| {
            let known = Topic::ALL.map(Topic::name);
            let nearest = known.iter().map(|known| (strsim::normalized_damerau_levenshtein(known, topic), known));
            let nearest = nearest.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(similarity, _)| *similarity > 0.6);
            let help = match nearest {
                Some((_, name)) => format!("did you mean `{name}`?"),
                None => format!("one of {}, or one of them with .dlq", known.join(", ")),
            };
            Failure::new(format!("`{name}` is no topic of Kilat"), help)
        })?;
        Ok(if name.ends_with(".dlq") { Kind::DeadLetters(topic) } else { Kind::Known(topic) })
    }

    fn line(&self, record: &Record<'_>) -> String {
        let key = || String::from_utf8_lossy(record.key.unwrap_or_default()).into_owned();
        let Some(value) = record.value else { return json!({"key": key(), "value": null}).to_string() };
        match self {
            Kind::Known(topic) => codec::record_to_line(*topic, value).unwrap_or_else(|error| {
                json!({"key": key(), "unreadable": error.to_string(), "value": printable(value)}).to_string()
            }),
            Kind::DeadLetters(topic) => {
                let mut headers = Map::new();
                record.headers.for_each(&mut |name, value| {
                    headers.insert(name.to_owned(), String::from_utf8_lossy(value).into());
                });
                let line = codec::record_to_line(*topic, value).ok();
                let value = line.and_then(|line| serde_json::from_str(&line).ok()).unwrap_or_else(|| printable(value));
                json!({"key": key(), "headers": headers, "value": value}).to_string()
            }
        }
    }
}

/// Bytes as text, or in base64 where they are none.
fn printable(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({"base64": STANDARD.encode(bytes)}),
    }
}

/// Whether a line is about `workspace`: by its own word, or by its key.
fn is_of(line: &str, workspace: &str) -> bool {
    let Ok(line) = serde_json::from_str::<Value>(line) else { return false };
    let named = line["workspace"].as_str().or_else(|| line["key"].as_str()?.split('/').next());
    named == Some(workspace)
}
