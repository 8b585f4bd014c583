//! Rules of other systems, made into Kilat's (A 23).
//!
//! In: what AskVault's or Chatwoot's API gives. Out: a rule file, and a [`Note`] for everything that means something else
//! here or that Kilat does not have.
//! IM-1: nothing is dropped silently: a part that has no counterpart is [`Kind::Unsupported`], with its path and a remedy,
//! and its rule is left out.
//! IM-2: what comes out loads, and reads back as what was meant.
//! Absent: reaching the other system; deciding for the reader which differences matter.

mod askvault;
mod chatwoot;
mod concise;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::codes;
use crate::diagnostic::{Position, Report};
use crate::endpoint::Endpoint;
use crate::known::Known;
use crate::rule::Rule;
use crate::settings::Settings;
use crate::syntax::{self, Content, Entry, Node};

/// Whose rules are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// AskVault's automation rules.
    AskVault,
    /// Chatwoot's automation rules.
    Chatwoot,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The rule is imported, and this part of it means something else here.
    Differs,
    /// Kilat does not have this; the rule is left out.
    Unsupported,
}

/// Something to know about an imported rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// What it is about.
    pub kind: Kind,
    /// The file, as the caller named it.
    pub file: String,
    /// Line in it, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The rule's name; `None` where the note is about all rules.
    pub rule: Option<String>,
    /// The place inside the file, such as `payload[0].conditions[1].values`.
    pub path: String,
    /// What differs, or is not there.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.kind {
            Kind::Differs => "differs",
            Kind::Unsupported => "unsupported",
        };
        let Note { file, line, column, path, message, help, .. } = self;
        write!(f, "{file}:{line}:{column}: {word}: {path}: {message}. help: {help}")
    }
}

/// What came of an import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The rule file; without rules where none could be imported.
    pub text: String,
    /// How many rules it holds.
    pub rules: usize,
    /// How many were left out.
    pub left_out: usize,
    /// Every note, in the order of the file.
    pub notes: Vec<Note>,
}

/// Makes rules of another system into a rule file for `workspace`.
pub fn import(system: System, file: &str, text: &str, workspace: &str) -> Imported {
    let mut report = Report::new(file);
    let roots = syntax::read(text, &mut report);
    let whole = Node { at: Position { line: 1, column: 1 }, content: Content::Null };
    let root = roots.first().unwrap_or(&whole);
    let mut import = Import { file, root, notes: Vec::new() };
    for finding in report.finish() {
        let at = Position { line: finding.line as u32, column: finding.column as u32 };
        import.note(Kind::Unsupported, None, at, &finding.message, &finding.help);
    }
    let settings = system.settings(root);
    let rules = if import.notes.is_empty() { unwrapped(root, system.marks()) } else { Vec::new() };
    if rules.is_empty() && import.notes.is_empty() {
        let message = format!("the file holds no rules: an object with `{}` is wanted", system.marks().join("` and `"));
        import.note(Kind::Unsupported, None, root.at, &message, "export the rules as JSON from the system's API");
    }
    let (mut made, mut endpoints, mut taken) = (Vec::new(), Vec::new(), HashSet::new());
    let mut left_out = 0;
    for node in rules {
        match import.rule(system, node, &settings.0, &mut endpoints, &mut taken) {
            Some(rule) => made.push(rule),
            None => left_out += 1,
        }
    }
    if !made.is_empty() {
        for (message, help) in system.general() {
            import.note(Kind::Differs, None, root.at, message, help);
        }
    }
    import.notes.sort_by_key(|note| (note.rule.is_some(), note.line, note.column));
    let text = import.write(system, workspace, settings.1, &endpoints, &made);
    Imported { text, rules: made.len(), left_out, notes: import.notes }
}

impl System {
    fn name(self) -> &'static str {
        match self {
            System::AskVault => "AskVault",
            System::Chatwoot => "Chatwoot",
        }
    }

    /// The keys by which a rule is known.
    fn marks(self) -> &'static [&'static str] {
        match self {
            System::AskVault => &["trigger", "actions"],
            System::Chatwoot => &["event_name", "actions"],
        }
    }

    /// What differs for every rule.
    fn general(self) -> &'static [(&'static str, &'static str)] {
        match self {
            System::AskVault => askvault::GENERAL,
            System::Chatwoot => chatwoot::GENERAL,
        }
    }

    /// The settings that the rules need, and what of them is written down.
    fn settings(self, root: &Node) -> (Settings, Option<Node>) {
        if !mentions_hours(root) {
            return (Settings::default(), None);
        }
        let text = "business_hours: {mon: [['09:00', '17:00']], tue: [['09:00', '17:00']], wed: [['09:00', '17:00']], \
                    thu: [['09:00', '17:00']], fri: [['09:00', '17:00']]}";
        let mut report = Report::new("settings");
        let node = syntax::read(text, &mut report).remove(0);
        (Settings::read(&node, &mut report), Some(node))
    }
}

/// Whether a condition asks for business hours, which stand in the settings of a workspace.
fn mentions_hours(node: &Node) -> bool {
    match &node.content {
        Content::List(items) => items.iter().any(mentions_hours),
        Content::Map(entries) => entries.iter().any(|entry| mentions_hours(&entry.value)),
        Content::Text(text) => matches!(&**text, "business_hours" | "time.business_hours"),
        _ => false,
    }
}

/// The rules inside whatever the API has put around them.
fn unwrapped<'n>(node: &'n Node, marks: &[&str]) -> Vec<&'n Node> {
    match &node.content {
        Content::List(items) => items.iter().flat_map(|item| unwrapped(item, marks)).collect(),
        Content::Map(_) if marks.iter().all(|mark| node.get(mark).is_some()) => vec![node],
        Content::Map(entries) => {
            let wrappers = ["payload", "data", "rules", "automation_rules", "automations", "items", "results"];
            let inner = entries.iter().filter(|entry| wrappers.contains(&&*entry.key));
            // A list of rules in which one lacks a part is still a list of rules: the part is asked for later.
            let found: Vec<&Node> = inner
                .flat_map(|entry| match &entry.value.content {
                    Content::List(items) => items.iter().collect(),
                    _ => unwrapped(&entry.value, marks),
                })
                .collect();
            if found.is_empty() && marks.iter().any(|mark| node.get(mark).is_some()) { vec![node] } else { found }
        }
        _ => Vec::new(),
    }
}

/// An imported rule.
struct Made {
    rule: Node,
    name: String,
}

/// An import under way.
struct Import<'i> {
    file: &'i str,
    root: &'i Node,
    notes: Vec<Note>,
}

impl Import<'_> {
    fn note(&mut self, kind: Kind, rule: Option<&str>, at: Position, message: &str, help: &str) {
        self.notes.push(Note {
            kind,
            file: self.file.to_owned(),
            line: at.line.max(1) as usize,
            column: at.column.max(1) as usize,
            rule: rule.map(str::to_owned),
            path: path_of(self.root, at).unwrap_or_else(|| "the file".to_owned()),
            message: message.to_owned(),
            help: help.to_owned(),
        });
    }

    /// Makes one rule; `None` where a part of it is not supported.
    fn rule(
        &mut self,
        system: System,
        node: &Node,
        settings: &Settings,
        endpoints: &mut Vec<Arc<Endpoint>>,
        taken: &mut HashSet<Box<str>>,
    ) -> Option<Made> {
        let name = match node.get("name").map(|name| &name.content) {
            Some(Content::Text(name)) => name.to_string(),
            _ => "a rule without a name".to_owned(),
        };
        let mut converting = Converting { import: self, rule: &name, failed: false };
        let converted = match system {
            System::AskVault => askvault::convert(node, &mut converting),
            System::Chatwoot => chatwoot::convert(node, &mut converting),
        };
        let mut failed = converting.failed;
        let mut report = Report::new(self.file);
        let (mut tried, mut ids) = (endpoints.clone(), taken.clone());
        let rule = converted
            .and_then(|node| Rule::read(&node, settings, &mut tried, &mut ids, &mut Known::default(), &mut report));
        // A derived id is written down, and stays as it is from then on.
        for finding in report.finish().into_iter().filter(|finding| finding.code != codes::DERIVED_ID.code) {
            let at = Position { line: finding.line as u32, column: finding.column as u32 };
            let kind = if finding.is_error() { Kind::Unsupported } else { Kind::Differs };
            failed |= finding.is_error();
            self.note(kind, Some(&name), at, &finding.message, &finding.help);
        }
        let rule = rule.filter(|_| !failed)?;
        (*endpoints, *taken) = (tried, ids);
        let rule = concise::rule(&rule, settings, endpoints);
        Some(Made { rule, name })
    }

    fn write(
        &self,
        system: System,
        workspace: &str,
        settings: Option<Node>,
        endpoints: &[Arc<Endpoint>],
        made: &[Made],
    ) -> String {
        let text = |text: &str| node(Content::Text(text.into()));
        let mut entries = vec![entry("workspace", text(workspace))];
        entries.extend(settings.map(|settings| entry("settings", settings)));
        if !endpoints.is_empty() {
            let all = endpoints.iter().map(|endpoint| {
                let mut object = endpoint.canonical();
                if let Value::Object(object) = &mut object
                    && object.get("kind") == Some(&Value::from("webhook"))
                {
                    object.remove("kind");
                }
                entry(&endpoint.name, from_json(&object))
            });
            entries.push(entry("endpoints", node(Content::Map(all.collect()))));
        }
        entries.push(entry("rules", node(Content::List(made.iter().map(|made| made.rule.clone()).collect()))));
        let root = node(Content::Map(entries));
        let mut header = vec![format!("Imported from {}, {}.", system.name(), self.file)];
        header.extend(self.notes.iter().filter(|note| note.rule.is_none()).map(said));
        syntax::write(&root, &header, &|key, place| {
            let name = if key == "rules" { made.get(place).map(|made| &made.name) } else { None };
            self.notes.iter().filter(|note| name.is_some() && note.rule.as_ref() == name).map(said).collect()
        })
    }
}

fn said(note: &Note) -> String {
    let word = if note.kind == Kind::Differs { "differs" } else { "unsupported" };
    format!("{word}: {}. help: {}", note.message, note.help)
}

/// A rule that is being converted, and whether it can be.
struct Converting<'c, 'i> {
    import: &'c mut Import<'i>,
    rule: &'c str,
    failed: bool,
}

impl Converting<'_, '_> {
    fn differs(&mut self, at: Position, message: impl AsRef<str>, help: &str) {
        self.import.note(Kind::Differs, Some(self.rule), at, message.as_ref(), help);
    }

    fn unsupported(&mut self, at: Position, message: impl AsRef<str>, help: &str) {
        self.failed = true;
        self.import.note(Kind::Unsupported, Some(self.rule), at, message.as_ref(), help);
    }
}

/// The path of the innermost value that begins at a place.
fn path_of(root: &Node, at: Position) -> Option<String> {
    let mut found = None;
    let mut path = String::new();
    walk(root, at, &mut path, &mut found);
    found
}

fn walk(node: &Node, at: Position, path: &mut String, found: &mut Option<String>) {
    if node.at == at && !path.is_empty() {
        *found = Some(path.clone());
    }
    let length = path.len();
    match &node.content {
        Content::List(items) => {
            for (place, item) in items.iter().enumerate() {
                path.push_str(&format!("[{place}]"));
                walk(item, at, path, found);
                path.truncate(length);
            }
        }
        Content::Map(entries) => {
            for entry in entries {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(&entry.key);
                if entry.at == at {
                    *found = Some(path.clone());
                }
                walk(&entry.value, at, path, found);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

fn node(content: Content) -> Node {
    Node { at: Position::default(), content }
}

fn entry(key: &str, value: Node) -> Entry {
    Entry { key: key.into(), at: value.at, value }
}

/// Plain JSON as a tree.
fn from_json(json: &Value) -> Node {
    node(match json {
        Value::Null => Content::Null,
        Value::Bool(flag) => Content::Bool(*flag),
        Value::Number(number) => {
            let spelling = number.to_string();
            match syntax::number(&spelling) {
                Some(number) => Content::Number(number, spelling.into()),
                None => Content::Text(spelling.into()),
            }
        }
        Value::String(text) => Content::Text(text.as_str().into()),
        Value::Array(items) => Content::List(items.iter().map(from_json).collect()),
        Value::Object(entries) => Content::Map(object(entries)),
    })
}

fn object(entries: &Map<String, Value>) -> Vec<Entry> {
    entries.iter().map(|(key, value)| entry(key, from_json(value))).collect()
}

#[cfg(test)]
mod tests;
