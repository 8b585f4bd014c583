//! The templates that ship, and their installation (F-23, F-221).
//!
//! In: a template (a rule document with `params` and `texts`), values for its params, a language. Out: a rule file to keep
//! and edit, with its corpora and cases; or why not. A template is a rule file: `kilat check` and `kilat test` take it as
//! it is, with its defaults.
//! TM-1: a template that has a finding with its own defaults is not installed, whatever the values: its corpus or a rule of
//! it is broken (A 4).
//! Absent: running the cases, which takes the engine.

use std::collections::HashSet;

use serde::Serialize;

use crate::codes;
use crate::diagnostic::{Diagnostic, Position, Report};
use crate::document::Document;
use crate::params::{self, Filled, Language, Param};
use crate::syntax::{self, Content, Entry, Node};

/// A template that ships.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its name, which is its file's.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        /// Every template that ships, by name.
        pub const ALL: &[Shipped] = &[$(Shipped {
            name: $name,
            text: include_str!(concat!("../../../rules/templates/", $name, ".yaml")),
        }),+];
    };
}

shipped![
    "ad-conversions",
    "after-hours-reply",
    "auto-closing-with-value",
    "escalate-frustrated-customer",
    "identify-hot-lead",
    "lead-captured",
    "mark-active-lead",
    "refund-routing",
    "resolve-after-thanks",
    "scanned-check-in",
    "urgent-after-hours",
    "vip-routing",
    "voucher-validation",
];

/// What a template is and takes.
#[derive(Clone, Debug, Serialize)]
pub struct Described {
    /// Its name.
    pub template: String,
    /// What people call it.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What can be set, in the order of the file.
    pub params: Vec<Param>,
}

/// A template with its values filled in.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The rule file.
    pub text: String,
    /// What is to be known about it; no errors.
    pub warnings: Vec<Diagnostic>,
}

/// The template of this name.
pub fn find(name: &str) -> Option<&'static Shipped> {
    ALL.iter().find(|shipped| shipped.name == name)
}

/// What a template is and takes. `name` stands in for its file in findings.
///
/// *Errors:* every finding that keeps it from being used.
pub fn describe(name: &str, text: &str, language: Language) -> Result<Described, Vec<Diagnostic>> {
    let mut report = Report::new(name);
    let filled = read(text, &[], language, &mut report);
    let Some(filled) = filled.filter(|_| report.errors() == 0) else { return Err(report.finish()) };
    let text = |key: &str| filled.texts.iter().find(|(known, _)| **known == *key).map(|(_, text)| text.to_string());
    let (shown, description) = (text("name"), text("description"));
    Ok(Described {
        template: name.to_owned(),
        name: shown.unwrap_or_else(|| name.to_owned()),
        description: description.unwrap_or_default(),
        params: filled.params,
    })
}

/// Fills a template in: `set` holds params with their values, `workspace` whose rules they become, where it is said.
///
/// *Errors:* every finding in the template, and every value that does not fit.
pub fn install(
    name: &str,
    text: &str,
    set: &[(&str, &str)],
    language: Language,
    workspace: Option<&str>,
) -> Result<Installed, Vec<Diagnostic>> {
    let mut report = Report::new(name);
    if let Some(filled) = read(text, &[], language, &mut report) {
        Document::read(name, &filled.root, &mut HashSet::new(), &|| false, &mut report);
    }
    if report.errors() > 0 {
        return Err(report.finish());
    }
    let mut report = Report::new(name);
    let Some(mut filled) = read(text, set, language, &mut report) else { return Err(report.finish()) };
    if let Some(workspace) = workspace {
        put_workspace(&mut filled.root, workspace);
    }
    let read = Document::read(name, &filled.root, &mut HashSet::new(), &|| false, &mut report);
    let failed = read.is_none() || report.errors() > 0;
    let mut findings = report.finish();
    findings.iter_mut().for_each(|finding| name_param(finding, &filled));
    if failed {
        return Err(findings);
    }
    let header = header(name, set, language, workspace, &filled);
    Ok(Installed { text: syntax::write(&filled.root, &header, &|_, _| Vec::new()), warnings: findings })
}

/// Reads the one document of a template.
fn read(text: &str, set: &[(&str, &str)], language: Language, report: &mut Report) -> Option<Filled> {
    let roots = syntax::read(text, report);
    if report.errors() > 0 {
        return None;
    }
    let mut roots = roots.into_iter().filter(|root| root.content != Content::Null);
    match (roots.next(), roots.next()) {
        (Some(root), None) if matches!(root.content, Content::Map(_)) => params::fill(&root, set, language, report),
        (root, _) => {
            let at = root.map_or(Position { line: 1, column: 1 }, |root| root.at);
            report.add(codes::WRONG_TYPE, at, "a template is one document", "write one rule document to a file");
            None
        }
    }
}

/// Says in a finding about a place that a param fills which param that is.
fn name_param(finding: &mut Diagnostic, filled: &Filled) {
    let here = |at: &Position| (at.line as usize, at.column as usize) == (finding.line, finding.column);
    if let Some((_, param)) = filled.places.iter().find(|(at, _)| here(at)) {
        let param = &filled.params[*param].name;
        finding.message = format!("the value of the param `{param}` cannot be used: {}", finding.message);
    }
}

fn put_workspace(root: &mut Node, workspace: &str) {
    let Content::Map(entries) = &mut root.content else { return };
    let value = Node { at: root.at, content: Content::Text(workspace.into()) };
    match entries.iter_mut().find(|entry| &*entry.key == "workspace") {
        Some(entry) => entry.value = value,
        None => entries.insert(0, Entry { key: "workspace".into(), at: root.at, value }),
    }
}

/// What stands above the rules: what they are, and how they were made.
fn header(
    name: &str,
    set: &[(&str, &str)],
    language: Language,
    workspace: Option<&str>,
    filled: &Filled,
) -> Vec<String> {
    let text = |key: &str| filled.texts.iter().find(|(known, _)| **known == *key).map(|(_, text)| text.to_string());
    let mut lines: Vec<String> = Vec::new();
    let about: Vec<String> = [text("name"), text("description")].into_iter().flatten().collect();
    if !about.is_empty() {
        lines.push(about.join(": "));
    }
    let mut made = format!("Made by: kilat rules install {}", shell(name));
    if language != Language::default() {
        made.push_str(&format!(" --lang {}", language.code()));
    }
    if let Some(workspace) = workspace {
        made.push_str(&format!(" --workspace {}", shell(workspace)));
    }
    for (param, value) in set {
        made.push_str(&format!(" --set {}", shell(&format!("{param}={value}"))));
    }
    lines.push(made);
    lines
}

/// A word as a shell takes it for one.
fn shell(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests;
