//! `kilat eval`: what rules would do with events, offline.
//!
//! Event lines in, decision lines out, in event order, through the engine itself. No broker, and no clock but the events'
//! own time: the same files give the same bytes.

use std::path::PathBuf;
use std::process::ExitCode;

use kilat_codec::{Encoder, Topic, json};
use kilat_domain::{Action, Decision, Explanation, Timestamp};
use kilat_engine::{Applied, Outputs, Partition};

use crate::event_lines::EventLines;
use crate::failure::Failure;
use crate::output::Output;
use crate::rule_files::{Checked, RuleSets};

/// Evaluate events against rules, offline
///
/// Prints one decision line for every event that fired, refused or failed anything, in event order; events that rules
/// cause have their own lines. State is carried from event to event. The document of workspace "*" holds for every
/// workspace without one of its own. A malformed event line is told on standard error with its number, and the rest
/// goes on; the exit code is then 3. A word that Kilat does not know, such as a new type of event, is read as `unknown`
/// and told as well.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat eval --rules rules.yaml --events events.jsonl
  kilat eval --rules rules.yaml --events - --all --explain < e.jsonl      why did it not fire?
  kilat eval --rules acme.yaml beta.yaml --events e.jsonl --actions --state  what would be sent?

An event line:
  {\"id\":\"e1\",\"workspace\":\"acme\",\"type\":\"message.created\",\"occurred_at\":\"2026-11-20T03:00:00.000Z\",
   \"conversation\":{\"id\":\"c1\"},\"lead\":{\"id\":\"l1\",\"status\":\"responded\"},
   \"sender\":{\"kind\":\"customer\"},\"message\":{\"text\":\"mau order dong\"}}   (on one line)")]
pub(crate) struct Args {
    /// Rule files
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    rules: Vec<PathBuf>,
    /// A file of event lines; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// A line for every event, also where nothing fired
    #[arg(long)]
    all: bool,
    /// Add to every line which rules were looked at, and the first condition that did not hold
    #[arg(long)]
    explain: bool,
    /// Print the actions for executors after each decision
    #[arg(long)]
    actions: bool,
    /// End with one line for every lead
    #[arg(long)]
    state: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let rules = RuleSets::of(&Checked::of(&args.rules)?.accept()?)?;
    let mut lines = EventLines::open(&args.events)?;
    let name = lines.name().to_owned();
    let mut partition = Partition::new();
    let mut printer = Printer { output: Output::new(), args, explanation: None, failure: None };
    let (mut now, mut malformed) = (Timestamp::MIN, 0u64);
    loop {
        if lines.may_wait() {
            printer.output.flush()?;
        }
        let Some((number, line)) = lines.next_line()? else { break };
        match line.event() {
            Ok(event) => {
                if event.has_unknown_words() {
                    line.notes().iter().for_each(|note| eprintln!("{name}:{number}: note: {note}"));
                }
                // Records are appended in the order of the file; what an append's clock would say, the events do.
                now = now.max(event.occurred_at);
                let _: Applied = partition.apply(&event, rules.get(&event.workspace), now, &mut printer);
            }
            Err(why) => {
                malformed += 1;
                eprintln!("{name}:{number}: error: {why}");
            }
        }
        if let Some(failure) = printer.failure.take() {
            return Err(failure);
        }
    }
    if args.state {
        printer.leads(&partition)?;
    }
    printer.output.flush()?;
    if malformed == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{malformed} malformed event line{} passed over", if malformed == 1 { "" } else { "s" });
    Ok(ExitCode::from(super::MALFORMED))
}

/// Prints what the engine decides.
struct Printer<'a> {
    output: Output,
    args: &'a Args,
    /// That of the decision that comes next.
    explanation: Option<String>,
    /// The first line that could not be written.
    failure: Option<Failure>,
}

impl Printer<'_> {
    fn line(&mut self, line: &str) {
        if self.failure.is_none() {
            self.failure = self.output.line(line).err();
        }
    }

    fn leads(&mut self, partition: &Partition) -> Result<(), Failure> {
        let (encoder, mut bytes) = (Encoder::new(), Vec::new());
        let mut printed = Ok(());
        partition.for_each_lead(|lead| {
            if printed.is_err() {
                return;
            }
            bytes.clear();
            let line = encoder
                .lead(lead, &mut bytes)
                .map_err(|error| error.to_string())
                .and_then(|()| json::record_to_line(Topic::Leads, &bytes).map_err(|error| error.to_string()));
            let line = line
                .map_err(|why| Failure::new(format!("printing lead `{}`: {why}", lead.lead), "shorten its attributes"));
            printed = line.and_then(|line| self.output.line(&line));
        });
        printed
    }
}

impl Outputs for Printer<'_> {
    fn every_event(&self) -> bool {
        self.args.all
    }

    fn explain(&self) -> bool {
        self.args.explain
    }

    fn explanation(&mut self, explanation: &Explanation<'_>) {
        if self.args.explain {
            self.explanation = Some(json::explanation_to_line(explanation));
        }
    }

    fn decision(&mut self, decision: &Decision<'_>) {
        let line = json::decision_to_line(decision);
        let Some(explanation) = self.explanation.take() else { return self.line(&line) };
        let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("the codec writes JSON");
        let (mut line, mut explanation) = (parse(&line), parse(&explanation));
        line["evaluated"] = explanation["evaluated"].take();
        self.line(&line.to_string());
    }

    fn action(&mut self, action: &Action<'_>) {
        if self.args.actions {
            let line = json::action_to_line(action);
            self.line(&line);
        }
    }
}
