//! Rule files as the commands use them: read, checked, compiled.
//!
//! Input: paths. Output: [`Checked`], every document without errors and every finding in every file; or [`RuleSets`], for
//! commands that go on only if there is no error. Absent: what the rules mean.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use kilat_rules::{Diagnostic, Document, RuleSet, compile, load};

use crate::failure::Failure;

/// The workspace whose rules hold for every workspace without rules of its own.
pub(crate) const EVERY_WORKSPACE: &str = "*";

/// Every document and finding of some files.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// Documents without errors, those of test cases only included.
    pub(crate) documents: Vec<Document>,
    /// Findings, by file in the order given.
    pub(crate) diagnostics: Vec<Diagnostic>,
    sets: Vec<RuleSet>,
    /// Workspaces that several files have rules for.
    clashes: Vec<String>,
}

impl Checked {
    /// Reads, checks and compiles.
    ///
    /// *Errors:* a file cannot be read.
    pub(crate) fn of(paths: &[PathBuf]) -> Result<Checked, Failure> {
        let mut checked = Checked::default();
        for path in paths {
            checked.add(&path.display().to_string(), &read(path)?);
        }
        Ok(checked)
    }

    /// Checks and compiles the text of one file.
    pub(crate) fn add(&mut self, name: &str, text: &str) {
        let loaded = load(name, text);
        self.diagnostics.extend(loaded.diagnostics);
        for document in loaded.documents {
            if has_rules(&document) {
                match compile(&document) {
                    Ok(set) => {
                        if let Some(other) = self.sets.iter().find(|other| other.workspace() == set.workspace()) {
                            self.clashes.push(format!("two files have rules for workspace `{}`", other.workspace()));
                        }
                        self.sets.push(set);
                    }
                    Err(diagnostics) => self.diagnostics.extend(diagnostics),
                }
            }
            self.documents.push(document);
        }
    }

    /// How many of the findings are errors.
    pub(crate) fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count() + self.clashes.len()
    }

    /// The compiled rule sets, with every finding on standard error.
    ///
    /// *Errors:* one of the findings is an error.
    pub(crate) fn into_sets(self) -> Result<RuleSets, Failure> {
        for diagnostic in &self.diagnostics {
            eprintln!("{diagnostic}");
        }
        let errors = self.errors();
        if let Some(clash) = self.clashes.into_iter().next() {
            return Err(Failure::new(clash, "keep the rules of a workspace in one document, or leave one file out"));
        }
        if errors > 0 {
            let s = if errors == 1 { "" } else { "s" };
            return Err(Failure::new(
                format!("the rules have {errors} error{s}"),
                "mend them as told above; `kilat check` tells them again",
            ));
        }
        let sets = self.sets.into_iter().map(|set| (set.workspace().to_owned(), set)).collect();
        Ok(RuleSets { sets })
    }

    /// What several files say about one workspace.
    pub(crate) fn clashes(&self) -> &[String] {
        &self.clashes
    }
}

/// Whether a document holds rules, and not only test cases.
pub(crate) fn has_rules(document: &Document) -> bool {
    !document.rules().is_empty() || document.tests().is_empty()
}

/// Reads a rule file.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::because(format!("reading `{}`", path.display()), error, "name a rule file in YAML or JSON, in UTF-8")
    })
}

/// Compiled rule sets by workspace.
#[derive(Debug)]
pub(crate) struct RuleSets {
    sets: HashMap<String, RuleSet>,
}

impl RuleSets {
    /// Reads, checks and compiles; findings go to standard error.
    ///
    /// *Errors:* a file cannot be read or has an error.
    pub(crate) fn load(paths: &[PathBuf]) -> Result<RuleSets, Failure> {
        Checked::of(paths)?.into_sets()
    }

    /// The rules that hold for `workspace`: its own, else those for every workspace.
    pub(crate) fn of(&self, workspace: &str) -> Option<&RuleSet> {
        self.sets.get(workspace).or_else(|| self.sets.get(EVERY_WORKSPACE))
    }
}
