//! `kilat test`: the cases written beside the rules, run through the engine.
//!
//! Input: `tests:` of rule documents: events in, decisions expected. Output: what differs, readably.

mod expectation;

use std::path::PathBuf;
use std::process::ExitCode;

use kilat_codec::json;
use kilat_domain::{Action, Decision, Timestamp};
use kilat_engine::{Outputs, Partition};
use kilat_rules::{Case, Document, Evaluated};
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
/// of its own file; cases in a file without rules are about those of all files given. The exit code is 1 where a case
/// fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat test rules.yaml
  kilat test rules/*.yaml
  kilat test rules.yaml rules.tests.yaml

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
conversation.id (c1), lead.id (l1, unless sender.id tells who it is), sender.kind (customer) and message.id for messages.

An expected decision matches when every key it gives matches: objects by the keys given, lists element by element at \
the same length, null also where nothing is. Decisions come in order, and every decision must be expected: write \
`expect: []` where nothing may happen.")]
pub(crate) struct Args {
    /// Rule files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let documents = Checked::of(&args.files)?.accept()?;
    let mut output = Output::new();
    let (mut cases, mut failed) = (0, 0);
    for document in &documents {
        let workspace = if document.workspace() == EVERY_WORKSPACE { WORKSPACE } else { document.workspace() };
        if document.tests().is_empty() {
            continue;
        }
        let rules = rules_for(document, &documents)?;
        for case in document.tests() {
            cases += 1;
            let place = format!("{}:{}: {}", document.file(), case.line, case.name);
            match play(case, workspace, &rules).map(|decisions| expectation::gaps(&case.expect, &decisions)) {
                Ok(gaps) if gaps.is_empty() => output.line(&format!("ok    {place}"))?,
                Ok(gaps) => {
                    failed += 1;
                    output.line(&format!("FAIL  {place}"))?;
                    gaps.iter().try_for_each(|gap| output.line(&format!("      {gap}")))?;
                }
                Err(why) => {
                    failed += 1;
                    output.line(&format!("FAIL  {place}"))?;
                    output.line(&format!("      {why}"))?;
                }
            }
        }
    }
    output.line(&format!("{cases} cases, {} passed, {failed} failed", cases - failed))?;
    output.flush()?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The rules that the cases of a document are about: those of its file, and of all files where its own has none.
fn rules_for(document: &Document, all: &[Document]) -> Result<RuleSets, Failure> {
    let same_file = || all.iter().filter(|other| other.file() == document.file());
    if same_file().any(has_rules) { RuleSets::of(same_file()) } else { RuleSets::of(all) }
}

/// The decisions of a case's events, as the contract writes them.
fn play(case: &Case, workspace: &str, rules: &RuleSets) -> Result<Vec<Value>, String> {
    struct Decisions(Vec<Value>);
    impl Outputs for Decisions {
        fn decision(&mut self, decision: &Decision<'_>, _: &[Evaluated]) {
            let line = json::decision_to_line(decision);
            self.0.push(serde_json::from_str(&line).expect("the codec writes JSON"));
        }
        fn action(&mut self, _: &Action<'_>) {}
    }

    let mut partition = Partition::new();
    let mut decisions = Decisions(Vec::new());
    let mut now = Timestamp::MIN;
    for (index, event) in case.events.iter().enumerate() {
        let number = index + 1;
        let line =
            filled(event, number, workspace).ok_or(format!("event {number}: an event is an object"))?.to_string();
        let event = json::event_from_line(&line).map_err(|error| format!("event {number}: {error}"))?;
        now = now.max(event.occurred_at);
        partition.apply(&event, rules.get(&event.workspace), now, &mut decisions);
    }
    Ok(decisions.0)
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
    let known_by_sender = event.get("sender").and_then(|sender| sender.get("id")).is_some_and(|id| !id.is_null());
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

#[cfg(test)]
mod features;
