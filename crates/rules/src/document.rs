//! A rule document: the settings, endpoints, rules and test cases of one workspace.
//!
//! In: a file. Out: [`Loaded`], its documents without errors and every finding in it.
//! DO-1: [`Document::canonical_json`] spells every default out, loads back to the same document, and is what is hashed.
//! Absent: where files come from and go; `kilat check`, `publish` and the engine share this one way in.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use kilat_domain::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::codes;
use crate::diagnostic::{Diagnostic, Position, Report};
use crate::endpoint::{self, Endpoint};
use crate::fingerprint::{self, Fingerprint};
use crate::known::Known;
use crate::object::{self, Object};
use crate::params::{self, Language, PARAMS, TEXTS, WITH_DEFAULT};
use crate::rule::Rule;
use crate::settings::{SETTINGS_KEYS, Settings};
use crate::shape::{Key, Shape};
use crate::syntax::{self, Content, Node};

/// The workspace whose rules hold for every workspace that has no document of its own.
const EVERY_WORKSPACE: &str = "*";
/// Most rules of one document.
pub(crate) const RULES_MAX: usize = 20_000;
/// Most test cases of one document, and most events of one case.
const CASES_MAX: usize = 1_000;
const WORKSPACE_BYTES_MAX: usize = 128;

pub(crate) const CASE_KEYS: &[Key] = &[
    Key::new("name", Shape::Text, "What the case shows."),
    Key::new("events", Shape::List(&Shape::Map(&Shape::Any)), "Event lines, in order."),
    Key::new(
        "expect",
        Shape::List(&Shape::Map(&Shape::Any)),
        "Decisions, in order; every key that is given must match.",
    ),
    WITH_DEFAULT,
];

pub(crate) const DOCUMENT_KEYS: &[Key] = &[
    PARAMS,
    TEXTS,
    Key::new("workspace", Shape::Text, "Whose rules these are; \"*\" is every workspace without rules of its own."),
    Key::new("settings", Shape::Object(SETTINGS_KEYS, &[]), "Clock, money, statuses, business hours."),
    Key::new("endpoints", Shape::Map(&Shape::Named("endpoint")), "Where actions go, by name."),
    Key::new("rules", Shape::List(&Shape::Named("rule")), "The rules."),
    Key::new("tests", Shape::List(&Shape::Object(CASE_KEYS, &["events", "expect"])), "Cases that `kilat test` runs."),
];

/// What a file holds.
#[derive(Debug)]
pub struct Loaded {
    /// Its documents, without those that have errors.
    pub documents: Vec<Document>,
    /// Every finding, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// The rules of one workspace.
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) file: Box<str>,
    workspace: Box<str>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) endpoints: Vec<Arc<Endpoint>>,
    pub(crate) rules: Vec<Arc<Rule>>,
    tests: Vec<Case>,
    fingerprint: Option<Fingerprint>,
}

/// A test case beside the rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Event lines, in order, as written.
    pub events: Vec<Value>,
    /// Expected decisions, in order, as written.
    pub expect: Vec<Value>,
    /// Where it stands in the file, from 1.
    pub line: usize,
}

/// Reads a rule file: YAML or JSON, one workspace per document. Never panics; all findings come at once. Params have their
/// defaults.
pub fn load(file: &str, text: &str) -> Loaded {
    load_until(file, text, &|| false)
}

/// As [`load`], but given up between two rules once `given_up` says so: `None`.
pub fn load_unless(file: &str, text: &str, given_up: &dyn Fn() -> bool) -> Option<Loaded> {
    // Who changes their mind gets no half of a file: what was given up once stays so.
    let is_given_up = Cell::new(false);
    let loaded = load_until(file, text, &|| {
        is_given_up.set(is_given_up.get() || given_up());
        is_given_up.get()
    });
    (!is_given_up.get()).then_some(loaded)
}

/// Reads the rules that come before `given_up` says so.
fn load_until(file: &str, text: &str, given_up: &dyn Fn() -> bool) -> Loaded {
    let mut report = Report::new(file);
    let mut roots = syntax::read(text, &mut report);
    let mut documents: Vec<Document> = Vec::new();
    let mut single_rules: Vec<&Node> = Vec::new();
    let mut workspaces: HashSet<Box<str>> = HashSet::new();
    let only_syntax = report.errors() > 0;
    for root in roots.iter_mut().filter(|root| params::has_any(root)) {
        let filled = params::fill(root, &[], Language::default(), &mut report);
        *root = filled.map_or(Node { at: root.at, content: Content::Null }, |filled| filled.root);
    }
    for root in &roots {
        match &root.content {
            Content::Null => {}
            // The source systems' form: a rule without a wrapper, or a list of them.
            Content::Map(_) if root.get("trigger").is_some() && root.get("rules").is_none() => single_rules.push(root),
            Content::List(items) => single_rules.extend(items),
            _ => {
                let before = report.errors();
                let document = Document::read(file, root, &mut workspaces, given_up, &mut report);
                documents.extend(document.filter(|_| report.errors() == before));
            }
        }
    }
    if !single_rules.is_empty() {
        let before = report.errors();
        let document = Document::of_rules(file, &single_rules, given_up, &mut report);
        documents.extend(Some(document).filter(|_| report.errors() == before));
    }
    if only_syntax {
        // What stands behind unreadable text is missing: the documents before it are not the file.
        documents.clear();
    }
    Loaded { documents, diagnostics: report.finish() }
}

impl Document {
    /// Whose rules these are; `*` is every workspace without rules of its own.
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// The file it was read from, as the caller named it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The rules, disabled ones included, as written.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The test cases.
    pub fn tests(&self) -> &[Case] {
        &self.tests
    }

    /// The document as canonical JSON, test cases left out.
    pub fn canonical_json(&self) -> String {
        let mut json = String::new();
        self.write_canonical(|part| json.push_str(part));
        json
    }

    /// Writes the canonical JSON, a rule at a time: a large document's tree is never whole in memory.
    fn write_canonical(&self, mut out: impl FnMut(&str)) {
        let endpoints = self.endpoints.iter().map(|endpoint| (endpoint.name.to_string(), endpoint.canonical()));
        let mut root = Map::new();
        root.insert("workspace".into(), Value::from(&*self.workspace));
        root.insert("settings".into(), self.settings.canonical());
        root.insert("endpoints".into(), Value::Object(endpoints.collect()));
        let head = Value::Object(root).to_string();
        // The rules come last, before the brace that closes the document.
        out(&head[..head.len() - 1]);
        out(",\"rules\":[");
        for (place, rule) in self.rules.iter().enumerate() {
            let mut object = rule.canonical();
            object.insert("version".into(), rule.version.into());
            object.insert("live_since".into(), rule.live_since.map_or(Value::Null, |at| at.to_string().into()));
            if place > 0 {
                out(",");
            }
            out(&Value::Object(object).to_string());
        }
        out("]}");
    }

    /// The content hash of the canonical JSON: `sha256:` and 64 hexadecimal digits.
    pub fn hash(&self) -> String {
        let mut digest = Sha256::new();
        self.write_canonical(|part| digest.update(part));
        spelled(digest)
    }

    /// What tells whether another document decides alike; `None` where it was not read as a whole, or was changed since.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// The document with the versions its rules get when they replace those of `previous` at `now`: a rule that is as it
    /// was keeps its version and since when it is live, one that was edited gets the next, a new one keeps the version it
    /// says (1 by default). When a version went live stands in the rule set, so that a replay sees it, too (D-41).
    #[must_use]
    pub fn published(mut self, previous: Option<&Document>, now: Timestamp) -> Document {
        self.fingerprint = None;
        for rule in self.rules.iter_mut().map(Arc::make_mut) {
            let before = previous.and_then(|document| document.rules.iter().find(|before| before.id == rule.id));
            match before {
                Some(before) if before.canonical() == rule.canonical() => {
                    (rule.version, rule.live_since) = (before.version, before.live_since);
                }
                Some(before) => (rule.version, rule.live_since) = (before.version.saturating_add(1), Some(now)),
                None => rule.live_since = Some(now),
            }
        }
        self
    }

    pub(crate) fn read(
        file: &str,
        root: &Node,
        workspaces: &mut HashSet<Box<str>>,
        given_up: &dyn Fn() -> bool,
        report: &mut Report,
    ) -> Option<Document> {
        let object = Object::of(root, "a rule document", DOCUMENT_KEYS, report)?;
        let settings = match object.get("settings") {
            Some(node) => Settings::read(node, report),
            None => Settings::default(),
        };
        let mut endpoints = match object.get("endpoints") {
            Some(node) => endpoint::read_all(node, report),
            None => Vec::new(),
        };
        let rules: &[Node] = match object.get("rules") {
            Some(node) => object::list(node, "rules", report).unwrap_or_default(),
            None => &[],
        };
        let tests = match object.get("tests") {
            Some(node) => read_cases(node, report),
            None => Vec::new(),
        };
        let only_tests = object.get("rules").or(object.get("settings")).or(object.get("endpoints")).is_none();
        let workspace = read_workspace(object, only_tests, report);
        if !only_tests && !workspaces.insert(workspace.clone()) {
            let at = object.get("workspace").map_or(object.at, |node| node.at);
            let message = format!("the file has two documents for the workspace `{workspace}`");
            report.add(codes::DUPLICATE_WORKSPACE, at, message, "put the rules of one workspace into one document");
        }
        let rules = read_rules(rules, &settings, &mut endpoints, object.at, given_up, report);
        let (settings, fingerprint) = (Arc::new(settings), Some(fingerprint::of(root)));
        Some(Document { file: file.into(), workspace, settings, endpoints, rules, tests, fingerprint })
    }

    /// A document of rules that stand alone.
    fn of_rules(file: &str, nodes: &[&Node], given_up: &dyn Fn() -> bool, report: &mut Report) -> Document {
        let settings = Settings::default();
        let mut endpoints = Vec::new();
        let at = nodes.first().map_or(Position::default(), |node| node.at);
        let rules = read_rules(nodes.iter().copied(), &settings, &mut endpoints, at, given_up, report);
        Document {
            file: file.into(),
            workspace: EVERY_WORKSPACE.into(),
            settings: Arc::new(settings),
            endpoints,
            rules,
            tests: Vec::new(),
            fingerprint: None,
        }
    }
}

/// The hash of the document whose canonical JSON this is.
pub fn hash_of(canonical_json: &str) -> String {
    spelled(Sha256::new_with_prefix(canonical_json))
}

fn spelled(digest: Sha256) -> String {
    digest.finalize().iter().fold("sha256:".to_owned(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}

fn read_rules<'n>(
    nodes: impl IntoIterator<Item = &'n Node, IntoIter: ExactSizeIterator>,
    settings: &Settings,
    endpoints: &mut Vec<Arc<Endpoint>>,
    at: Position,
    given_up: &dyn Fn() -> bool,
    report: &mut Report,
) -> Vec<Arc<Rule>> {
    let nodes = nodes.into_iter();
    if nodes.len() > RULES_MAX {
        let message = format!("the document has {} rules, the limit is {RULES_MAX}", nodes.len());
        report.add(codes::TOO_LONG, at, message, "merge rules that differ only in a keyword");
        return Vec::new();
    }
    let (mut taken, mut known) = (HashSet::new(), Known::default());
    let nodes = nodes.take_while(|_| !given_up());
    let read = nodes.filter_map(|node| Rule::read(node, settings, endpoints, &mut taken, &mut known, report));
    read.map(Arc::new).collect()
}

fn read_workspace(object: Object<'_>, only_tests: bool, report: &mut Report) -> Box<str> {
    let Some(node) = object.get("workspace") else {
        if !only_tests {
            report.add(
                codes::EVERY_WORKSPACE,
                object.at,
                "the document names no workspace, so its rules hold for every workspace that has none of its own",
                "write `workspace: \"*\"` if that is meant, else the workspace's id",
            );
        }
        return EVERY_WORKSPACE.into();
    };
    let Some(name) = object::text(node, "`workspace`", report) else { return EVERY_WORKSPACE.into() };
    let name = name.trim();
    if name.is_empty() || name.len() > WORKSPACE_BYTES_MAX || name.contains(|c: char| c.is_control() || c == '/') {
        let help = format!("write 1 to {WORKSPACE_BYTES_MAX} bytes without slashes");
        report.add(codes::WRONG_VALUE, node.at, "this is no workspace id", help);
    }
    name.into()
}

fn read_cases(node: &Node, report: &mut Report) -> Vec<Case> {
    let Some(nodes) = object::list(node, "tests", report) else { return Vec::new() };
    if nodes.len() > CASES_MAX {
        let message = format!("the document has {} test cases, the limit is {CASES_MAX}", nodes.len());
        report.add(codes::TOO_LONG, node.at, message, "put some of them into another file");
        return Vec::new();
    }
    nodes.iter().enumerate().filter_map(|(index, node)| read_case(index, node, report)).collect()
}

fn read_case(index: usize, node: &Node, report: &mut Report) -> Option<Case> {
    let object = Object::of(node, "a test case", CASE_KEYS, report)?;
    let mut lines = |key: &'static str, help: &str| -> Option<Vec<Value>> {
        let node = object.require(key, help, report)?;
        Some(object::list(node, key, report)?.iter().map(Node::to_json).collect())
    };
    let events = lines("events", "write the event lines the case is about");
    let expect = lines("expect", "write the decisions that are expected, or an empty list");
    let name = object.text("name", report).unwrap_or_else(|| format!("case {}", index + 1));
    Some(Case { name, events: events?, expect: expect?, line: node.at.line as usize })
}

#[cfg(test)]
mod tests;
