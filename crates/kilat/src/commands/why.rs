//! `kilat why`: what became of each rule for each event, told so that people can read it.
//!
//! The same as `kilat eval --explain` says in JSON: event lines in, through the engine itself, and of every rule that was
//! looked at, in that order, whether it fired, and if not, what did not hold and what was there instead.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use kilat_codec::json;
use kilat_domain::{Action, Decision, Explanation, Timestamp};
use kilat_engine::{Applied, Outputs, Partition};
use serde_json::Value;

use crate::event_lines::EventLines;
use crate::failure::Failure;
use crate::output::Output;
use crate::rule_files::{Checked, RuleSets};
use crate::unfulfilled;

/// Tell why each rule fired or did not, for people
///
/// Takes events through the rules offline, as `kilat eval` does, and tells of every rule that was looked at, in order:
/// whether it fired and what its actions came to, or the first condition that did not hold and what was there instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat why rules.yaml --events events.jsonl
  kilat why rules.yaml --events events.jsonl --rule hot-lead     only this rule, with each condition
  kilat tap kilat.messages.v1 -n 100 | kilat why rules.yaml --events - --event e7")]
pub(crate) struct Args {
    /// Rule files
    #[arg(value_name = "RULES", required = true, num_args = 1..)]
    rules: Vec<PathBuf>,
    /// A file of event lines; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Only this rule, with each of its conditions
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Only this event and those it caused; the ones before it are still folded
    #[arg(long, value_name = "ID")]
    event: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let documents = Checked::of(&args.rules)?.accept()?;
    let rules = RuleSets::of(&documents)?;
    if let Some(rule) = &args.rule {
        let known: Vec<&str> = documents.iter().flat_map(|document| document.rules()).map(|rule| rule.id()).collect();
        if !known.contains(&rule.as_str()) {
            let near =
                known.iter().max_by(|a, b| strsim::jaro_winkler(rule, a).total_cmp(&strsim::jaro_winkler(rule, b)));
            let help = near.map_or("write rules first".to_owned(), |near| format!("did you mean `{near}`?"));
            return Err(Failure::new(format!("there is no rule `{rule}`"), help));
        }
    }
    let mut lines = EventLines::open(&args.events)?;
    let name = lines.name().to_owned();
    let is_coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let mut teller = Teller { output: Output::new(), args, is_coloured, explanation: None, told: 0, failure: None };
    let mut partition = Partition::new();
    let (mut now, mut malformed) = (Timestamp::MIN, false);
    while let Some((number, line)) = lines.next_line()? {
        let event = match line.event() {
            Ok(event) => event,
            Err(why) => {
                malformed = true;
                eprintln!("{name}:{number}: error: {why}");
                continue;
            }
        };
        if event.has_unknown_words() {
            line.notes().iter().for_each(|note| eprintln!("{name}:{number}: note: {note}"));
        }
        now = now.max(event.occurred_at);
        let set = rules.get(&event.workspace);
        let applied = partition.apply(&event, set, now, &mut teller);
        if teller.is_asked_for(&event.id) {
            if applied == Applied::Duplicate {
                teller.heading(&event.id, event.kind.as_str(), "seen before, so nothing was done");
            } else if event.is_history() {
                teller.heading(&event.id, event.kind.as_str(), "history, which triggers nothing");
            } else if set.is_none() {
                let why = format!("there are no rules for workspace `{}`", event.workspace.as_str());
                teller.heading(&event.id, event.kind.as_str(), &why);
            }
        }
        if let Some(failure) = teller.failure.take() {
            return Err(failure);
        }
    }
    teller.output.flush()?;
    if let Some(event) = args.event.as_ref().filter(|_| teller.told == 0) {
        let help = "give its `id`, as it stands on its line";
        return Err(Failure::new(format!("there is no event `{event}` in {name}"), help));
    }
    Ok(if malformed { ExitCode::from(super::MALFORMED) } else { ExitCode::SUCCESS })
}

/// What became of a rule, for colours.
#[derive(Clone, Copy)]
enum Fate {
    Fired,
    /// It matched, and a required action failed, so that all it did was undone (D-7).
    Failed,
    Refused,
    NotFired,
}

/// Tells people what the engine decides.
struct Teller<'a> {
    output: Output,
    args: &'a Args,
    is_coloured: bool,
    /// That of the decision that comes next.
    explanation: Option<Value>,
    /// Events told of.
    told: usize,
    /// The first line that could not be written.
    failure: Option<Failure>,
}

impl Teller<'_> {
    /// Whether this event, or the one at the root of its chain, is to be told of.
    fn is_asked_for(&self, root: &str) -> bool {
        self.args.event.as_ref().is_none_or(|event| event == root)
    }

    fn line(&mut self, line: &str) {
        if self.failure.is_none() {
            self.failure = self.output.line(line).err();
        }
    }

    fn heading(&mut self, id: &str, kind: &str, note: &str) {
        if self.told > 0 {
            self.line("");
        }
        self.told += 1;
        let note = if note.is_empty() { String::new() } else { format!(": {note}") };
        let id = self.painted("1", id);
        self.line(&format!("{id} {kind}{note}"));
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.is_coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// The line of a rule: its fate, its id and why.
    fn rule(&mut self, fate: Fate, rule: &str, why: &str) {
        let (word, code) = match fate {
            Fate::Fired => ("fired", "32"),
            Fate::Failed => ("failed", "31"),
            Fate::Refused => ("refused", "33"),
            Fate::NotFired => ("no", "2"),
        };
        let word = self.painted(code, &format!("{word:<7}"));
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        self.line(&format!("  {word} {rule}{why}"));
    }

    /// Tells of one rule that was looked at.
    fn evaluated(&mut self, evaluated: &Value, decision: &Value) {
        let rule = evaluated["rule"].as_str().unwrap_or_default();
        let of = |key: &str| decision[key].as_array().into_iter().flatten().find(|entry| entry["rule"] == rule);
        if let Some(fired) = of("fired") {
            let effects: Vec<String> = fired["actions"].as_array().into_iter().flatten().map(effect).collect();
            let is_undone =
                effects.iter().any(|effect| effect.contains("required_failed") || effect.contains("rolled_back"));
            self.rule(if is_undone { Fate::Failed } else { Fate::Fired }, rule, &effects.join(", "));
        } else if evaluated["matched"] == Value::Bool(true) {
            self.rule(Fate::Refused, rule, refusal(evaluated["refused"].as_str().unwrap_or_default()));
        } else {
            self.rule(Fate::NotFired, rule, &unfulfilled::told(&evaluated["first_false"]));
        }
        for extracted in evaluated["extracted"].as_array().into_iter().flatten() {
            self.line(&format!("          {}", extraction(extracted)));
        }
        if self.args.rule.is_some() {
            for held in evaluated["conditions"].as_array().into_iter().flatten() {
                let holds = match held["holds"].as_bool() {
                    Some(true) => "holds",
                    Some(false) => "does not hold",
                    None => "not reached",
                };
                self.line(&format!("          {} {holds}", held["path"].as_str().unwrap_or_default()));
            }
        }
    }
}

/// What an action came to.
fn effect(action: &Value) -> String {
    let word = |key: &str| action[key].as_str();
    let mut told = word("type").unwrap_or_default().to_owned();
    match (word("from"), word("to")) {
        // Decisions hold amounts in minor units; what was read is told beside it as people write it.
        _ if told == "update_value" => told.push_str(&format!(" {}", word("result").unwrap_or_default())),
        (Some(from), Some(to)) if word("result") == Some("applied") => told.push_str(&format!(" {from} → {to}")),
        (None, Some(to)) if word("result") == Some("applied") => told.push_str(&format!(" → {to}")),
        _ => told.push_str(&format!(" {}", word("result").unwrap_or_default())),
    }
    if let Some(reason) = word("reason") {
        told.push_str(&format!(" ({reason})"));
    }
    told
}

/// What an action read out of the message.
fn extraction(extracted: &Value) -> String {
    let target = extracted["target"].as_str().unwrap_or_default();
    let candidates: Vec<String> =
        extracted["candidates"].as_array().into_iter().flatten().map(ToString::to_string).collect();
    let of = if candidates.is_empty() { "nothing".to_owned() } else { candidates.join(", ") };
    match (extracted["value"].as_str(), extracted["reason"].as_str()) {
        (Some(value), _) => format!("read {value} for {target}, from {of}"),
        (None, Some("ambiguous")) => format!("read no {target}: {of} could each be meant"),
        (None, _) => format!("read no {target}: found {of}"),
    }
}

/// Why a rule that matched was refused.
fn refusal(reason: &str) -> &str {
    match reason {
        "once" => "it matches, and `once_per` says that it had its turn",
        "dedupe" => "it matches, and another rule of its `dedupe_group` fired on this event",
        "replied" => "it matches, and as a fallback it is silent where another rule answers",
        "loop" => "it matches, and fired too often in the chain of this event: a loop",
        "depth" => "it matches, and the chain of this event is as long as one may be",
        "quarantined" => "it matches, and was taken out of service for this conversation after a loop",
        "disabled" => "it matches, and was taken out of service after loops; publish it anew",
        "budget_exceeded" => "the event costs more than an event may, and the rest was not looked at",
        other => other,
    }
}

impl Outputs for Teller<'_> {
    fn every_event(&self) -> bool {
        true
    }

    fn explain(&self) -> bool {
        true
    }

    fn explanation(&mut self, explanation: &Explanation<'_>) {
        let parsed = serde_json::from_str(&json::explanation_to_line(explanation)).expect("the codec writes JSON");
        self.explanation = Some(parsed);
    }

    fn decision(&mut self, decision: &Decision<'_>) {
        let Some(explanation) = self.explanation.take().filter(|_| self.is_asked_for(&decision.root_id)) else {
            return;
        };
        let line: Value = serde_json::from_str(&json::decision_to_line(decision)).expect("the codec writes JSON");
        let mut evaluated: Vec<&Value> = explanation["evaluated"].as_array().into_iter().flatten().collect();
        if let Some(rule) = &self.args.rule {
            evaluated.retain(|evaluated| evaluated["rule"].as_str() == Some(rule));
        }
        // What introduces a lead or a conversation, or is caused, is told of where a rule looks at it.
        let is_input = decision.event_id == decision.root_id;
        if evaluated.is_empty() && !is_input {
            return;
        }
        let note = match &decision.causation_id {
            Some(cause) => format!("caused by {}", cause.as_str()),
            None => String::new(),
        };
        self.heading(&decision.event_id, decision.kind.as_str(), &note);
        if let Some(bytes) = decision.scanned_bytes {
            self.line(&format!("  of a longer text, only the first {bytes} bytes were looked at"));
        }
        for evaluated in &evaluated {
            self.evaluated(evaluated, &line);
        }
        if let Some(unasked) = decision.refused.iter().find(|refused| refused.reason == *"budget_exceeded") {
            self.rule(Fate::Refused, &unasked.rule, refusal("budget_exceeded"));
        }
        match (&decision.stopped_by, &self.args.rule) {
            (Some(by), None) => {
                self.line(&format!("  `{}` stopped the pass: rules behind it were not looked at", by.as_str()))
            }
            (Some(by), Some(rule)) if evaluated.is_empty() => {
                self.line(&format!("  `{rule}` was not looked at: `{}` stopped the pass before it", by.as_str()));
            }
            (None, Some(rule)) if evaluated.is_empty() => {
                self.line(&format!("  `{rule}` was not looked at: it has no trigger for {}", decision.kind.as_str()));
            }
            (None, None) if evaluated.is_empty() => {
                self.line(&format!("  no rule has a trigger for {}", decision.kind.as_str()));
            }
            _ => {}
        }
    }

    fn action(&mut self, _: &Action<'_>) {}
}
