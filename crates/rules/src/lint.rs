//! Lints: rules that load and probably do not do what their author means.
//!
//! In: a document without errors. Out: warnings, each with the place of the rule, condition or action and a remedy.
//! A lint is one file of this folder, one line of [`ALL`], a code in `codes.rs` and a fixture under `golden/codes/`. What
//! conditions imply and exclude is worked out in [`logic`]; what actions change, in [`writes`].
//! LI-1: a lint speaks only where it is sure: what the logic cannot decide counts as possible, and is not reported.
//! LI-2: lints cost a bounded number of steps; engines do not run them.
//! Absent: errors, which the readers report where they read.

mod actions;
mod conditions;
mod conflicts;
mod cycles;
mod duplicates;
mod groups;
mod keywords;
mod limits;
mod logic;
mod reach;
mod senders;
mod sources;
#[cfg(test)]
mod tests;
mod triggers;
mod words;
mod writes;

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Report};
use crate::document::{Document, Loaded, load};
use crate::rule::Rule;
use crate::settings::Settings;

/// Looks at a document and reports what it finds.
type Lint = fn(&Subject<'_>, &mut Report);

/// Every lint.
const ALL: &[Lint] = &[
    actions::lint,
    conditions::lint,
    conflicts::lint,
    cycles::lint,
    duplicates::lint,
    groups::lint,
    keywords::lint,
    limits::lint,
    reach::lint,
    senders::lint,
    sources::lint,
    triggers::lint,
];

/// Pairs of rules that one lint compares at most; what lies beyond is not looked at.
const PAIRS_MAX: usize = 200_000;

/// What lints look at.
struct Subject<'d> {
    settings: &'d Settings,
    /// As written, disabled ones included.
    rules: &'d [Arc<Rule>],
    /// The enabled ones, in evaluation order.
    ordered: Vec<&'d Rule>,
}

/// The findings of every lint in one document.
pub fn lint(document: &Document) -> Vec<Diagnostic> {
    let enabled = document.rules.iter().filter(|rule| rule.enabled);
    let mut ordered: Vec<&Rule> = enabled.map(|rule| &**rule).collect();
    ordered.sort_by(|a, b| a.order(b));
    let subject = Subject { settings: &document.settings, rules: &document.rules, ordered };
    let mut report = Report::new(&document.file);
    ALL.iter().for_each(|lint| lint(&subject, &mut report));
    report.finish()
}

/// As [`load`], with the findings of every lint: what `kilat check` tells.
pub fn check(file: &str, text: &str) -> Loaded {
    let mut loaded = load(file, text);
    loaded.diagnostics.extend(loaded.documents.iter().flat_map(lint));
    loaded.diagnostics.sort_by_key(|found| (found.line, found.column));
    loaded
}
