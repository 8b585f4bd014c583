//! `kilat test`: the cases written beside the rules, run through the engine.
//!
//! Input: `tests:` of rule documents: events in, decisions expected. Output: what differs, readably.

mod expectation;
#[cfg(test)]
mod features;
mod junit;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;

use kilat_codec::json;
use kilat_domain::{Action, Decision, Explanation, Timestamp};
use kilat_engine::{Outputs, Partition};
use kilat_rules::{Case, Document};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::output::Output;
use crate::rule_files::{Checked, EVERY_WORKSPACE, RuleSets, has_rules};

/// When the first event of a case happens, unless it says otherwise.
const START: &str = "2026-11-20T03:00:00Z";
/// Milliseconds between two events of a case, unless they say otherwise.
const STEP_MS: i64 = 60_000;
/// The workspace of cases that stand beside rules for every workspace.
const WORKSPACE: &str = "test";

/// Run the test cases that stand beside the rules
///
/// A document may hold `tests`: events in, decisions expected. Each case starts with an empty state and is about the rules
/// of its own file; cases in a file without rules are about those of all files given. Where a case fails, it is told what
/// was expected, what came, and which condition kept a rule from firing; the exit code is then 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat test rules.yaml
  kilat test rules/*.yaml
  kilat test rules.yaml rules.tests.yaml
  kilat test rules/*.yaml --junit report.xml      for continuous integration

A case, in the document of the rules or in one of its own (`---` separates documents):
  workspace: acme
  tests:
    - name: an order makes a responded lead hot
      events:
        - {lead: {status: responded}, message: {text: mau order dong}}
        - {message: {text: halo lagi}}
      expect:
        - {event_id: e1, fired: [{rule: hot-lead, actions: [{result: applied, to: hot}]}]}

An event is an event line of which most may be left out. Filled in are: workspace (the document's), id (e1, e2, …), \
type (message.created), occurred_at (a minute apart from 2026-11-20T03:00:00Z on, 10:00 in Jakarta, a Friday), \
conversation.id (c1), lead.id (l1, unless sender.id and channel.kind tell who it is), sender.kind (customer) and message.id for messages.

An expected decision matches when every key it gives matches: objects by the keys given, lists element by element at \
the same length, null also where nothing is. Decisions come in order, and every decision must be expected: write \
`expect: []` where nothing may happen.")]
pub(crate) struct Args {
    /// Rule files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// One JSON object a case, and one with the totals at the end
    #[arg(long)]
    json: bool,
    /// Write a report in JUnit's XML to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let documents = Checked::of(&args.files)?.accept()?;
    let verdicts = run_cases(&documents)?;
    let failed = verdicts.iter().filter(|verdict| !verdict.gaps.is_empty()).count();
    let (cases, passed) = (verdicts.len(), verdicts.len() - failed);
    let mut output = Output::new();
    if args.json {
        verdicts.iter().try_for_each(|verdict| output.json(verdict))?;
        output.json(&json!({"cases": cases, "passed": passed, "failed": failed}))?;
    } else {
        verdicts.iter().try_for_each(|verdict| verdict.lines().try_for_each(|line| output.line(&line)))?;
        output.line(&format!("{cases} case{}, {passed} passed, {failed} failed", if cases == 1 { "" } else { "s" }))?;
    }
    output.flush()?;
    if let Some(path) = &args.junit {
        std::fs::write(path, junit::report(&verdicts)).map_err(|error| {
            let help = "name a file in a directory that exists and may be written";
            Failure::because(format!("writing `{}`", path.display()), error, help)
        })?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What came of one case.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    file: String,
    line: usize,
    name: String,
    /// What differs from what is expected, a line each, and below it why; none where the case passed.
    gaps: Vec<String>,
}

impl Verdict {
    /// Whether everything came as expected.
    pub(crate) fn passed(&self) -> bool {
        self.gaps.is_empty()
    }

    /// The verdict as people read it.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let word = if self.passed() { "ok   " } else { "FAIL " };
        let first = format!("{word} {}:{}: {}", self.file, self.line, self.name);
        std::iter::once(first).chain(self.gaps.iter().map(|gap| format!("      {gap}")))
    }
}

/// Runs every case of these documents.
///
/// *Errors:* two documents have rules for one workspace.
pub(crate) fn run_cases(documents: &[Document]) -> Result<Vec<Verdict>, Failure> {
    let mut verdicts = Vec::new();
    for document in documents.iter().filter(|document| !document.tests().is_empty()) {
        let workspace = if document.workspace() == EVERY_WORKSPACE { WORKSPACE } else { document.workspace() };
        let rules = rules_for(document, documents)?;
        verdicts.extend(document.tests().iter().map(|case| Verdict {
            file: document.file().to_owned(),
            line: case.line,
            name: case.name.clone(),
            gaps: gaps(case, workspace, &rules),
        }));
    }
    Ok(verdicts)
}

/// Everything that differs from what a case expects.
fn gaps(case: &Case, workspace: &str, rules: &RuleSets) -> Vec<String> {
    match play(case, workspace, rules) {
        Ok(played) => expectation::gaps(&case.expect, &played, rules.get(workspace)),
        Err(why) => vec![why],
    }
}

/// The rules that the cases of a document are about: those of its file, and of all files where its own has none.
fn rules_for(document: &Document, all: &[Document]) -> Result<RuleSets, Failure> {
    let same_file = || all.iter().filter(|other| other.file() == document.file());
    if same_file().any(has_rules) { RuleSets::of(same_file()) } else { RuleSets::of(all) }
}

/// What became of a case's events, as the contract writes it.
#[derive(Debug, Default)]
struct Played {
    /// The decisions that say something: these are what a case expects.
    decisions: Vec<Value>,
    /// Every event with its type and the rules that were looked at.
    looked: Vec<Looked>,
}

/// The rules that were looked at for one event.
#[derive(Debug)]
struct Looked {
    event_id: String,
    kind: String,
    stopped_by: Option<String>,
    /// As `kilat eval --explain` shows them.
    evaluated: Vec<Value>,
}

impl Looked {
    /// Whether the rule's turn came.
    fn evaluates(&self, rule: &str) -> bool {
        self.evaluated.iter().any(|evaluated| evaluated["rule"] == rule)
    }
}

impl Outputs for Played {
    fn every_event(&self) -> bool {
        true
    }

    fn explain(&self) -> bool {
        true
    }

    fn explanation(&mut self, explanation: &Explanation<'_>) {
        let mut line: Value =
            serde_json::from_str(&json::explanation_to_line(explanation)).expect("the codec writes JSON");
        let Value::Array(evaluated) = line["evaluated"].take() else { return };
        self.looked.push(Looked {
            event_id: explanation.event_id.to_string(),
            kind: explanation.kind.to_string(),
            stopped_by: explanation.stopped_by.as_deref().map(str::to_owned),
            evaluated,
        });
    }

    fn decision(&mut self, decision: &Decision<'_>) {
        let line: Value = serde_json::from_str(&json::decision_to_line(decision)).expect("the codec writes JSON");
        let is_empty = |key: &str| line[key].as_array().is_none_or(Vec::is_empty);
        if !(is_empty("fired") && is_empty("refused")) {
            self.decisions.push(line);
        }
    }

    fn action(&mut self, _: &Action<'_>) {}
}

/// Takes the events of a case through the engine.
fn play(case: &Case, workspace: &str, rules: &RuleSets) -> Result<Played, String> {
    let mut partition = Partition::new();
    let mut played = Played::default();
    let mut now = Timestamp::MIN;
    for (index, event) in case.events.iter().enumerate() {
        let number = index + 1;
        let line =
            filled(event, number, workspace).ok_or(format!("event {number}: an event is an object"))?.to_string();
        // A service keeps an event with a word it does not know; whoever writes a case has slipped.
        if let Some(slip) = json::unknown_words(&line).first() {
            return Err(format!("event {number}: {slip}"));
        }
        let event = json::event_from_line(&line).map_err(|error| format!("event {number}: {error}"))?;
        now = now.max(event.occurred_at);
        partition.apply(&event, rules.get(&event.workspace), now, &mut played);
    }
    Ok(played)
}

/// The event with everything filled in that a case may leave out; `None` where it is no object.
fn filled(event: &Value, number: usize, workspace: &str) -> Option<Value> {
    let mut event = event.as_object()?.clone();
    let start: Timestamp = START.parse().expect("the start is an instant");
    let at = Timestamp(start.0 + (number as i64 - 1) * STEP_MS);
    fill(&mut event, "workspace", json!(workspace));
    fill(&mut event, "id", json!(format!("e{number}")));
    fill(&mut event, "type", json!("message.created"));
    fill(&mut event, "occurred_at", json!(at.to_string()));
    fill_in(&mut event, "conversation", "id", json!("c1"));
    let said = |key: &str, part: &str| event.get(key).is_some_and(|facts| !facts[part].is_null());
    let known_by_sender = said("sender", "id") && said("channel", "kind");
    if !known_by_sender {
        fill_in(&mut event, "lead", "id", json!("l1"));
    }
    if event["type"].as_str().is_some_and(|kind| kind.contains("message")) {
        fill_in(&mut event, "sender", "kind", json!("customer"));
        fill_in(&mut event, "message", "id", json!(format!("m{number}")));
    }
    Some(Value::Object(event))
}

fn fill(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.entry(key).or_insert(value);
}

fn fill_in(object: &mut Map<String, Value>, outer: &str, key: &str, value: Value) {
    if let Value::Object(inner) = object.entry(outer).or_insert_with(|| json!({})) {
        fill(inner, key, value);
    }
}
