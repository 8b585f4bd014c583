//! Rule files as the commands use them: read, checked, compiled.
//!
//! Input: paths. Output: [`Checked`], every document without errors and every finding in every file; of these, where there
//! is no error, [`RuleSets`] by workspace. Absent: what the rules mean.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use kilat_rules::{Diagnostic, Document, RuleSet, compile, lint, load};

use crate::failure::Failure;

/// The workspace whose rules hold for every workspace without rules of its own.
pub(crate) const EVERY_WORKSPACE: &str = "*";

/// Every document and finding of some files.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// Their names, in the order given.
    files: Vec<String>,
    documents: Vec<Document>,
    diagnostics: Vec<Diagnostic>,
}

impl Checked {
    /// Reads and checks; each file stands for itself.
    ///
    /// *Errors:* a file cannot be read.
    pub(crate) fn of(paths: &[PathBuf]) -> Result<Checked, Failure> {
        let mut checked = Checked::default();
        for path in paths {
            checked.add(&path.display().to_string(), &read(path)?);
        }
        Ok(checked)
    }

    /// Checks the text of one file.
    pub(crate) fn add(&mut self, name: &str, text: &str) {
        self.files.push(name.to_owned());
        let loaded = load(name, text);
        self.diagnostics.extend(loaded.diagnostics);
        for document in loaded.documents {
            self.diagnostics.extend(compile(&document).err().into_iter().flatten());
            self.documents.push(document);
        }
    }

    /// Adds what lints find in the documents.
    pub(crate) fn lint(&mut self) {
        self.diagnostics.extend(self.documents.iter().flat_map(lint));
        let files = &self.files;
        let place = |file: &str| files.iter().position(|known| known == file);
        self.diagnostics.sort_by_cached_key(|found| (place(&found.file), found.line, found.column));
    }

    /// Findings, by file in the order given.
    pub(crate) fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The first finding that is an error.
    pub(crate) fn first_error(&self) -> Option<&Diagnostic> {
        self.diagnostics.iter().find(|diagnostic| diagnostic.is_error())
    }

    /// The documents, with every finding on standard error.
    ///
    /// *Errors:* one of the findings is an error.
    pub(crate) fn accept(self) -> Result<Vec<Document>, Failure> {
        for diagnostic in &self.diagnostics {
            eprintln!("{diagnostic}");
        }
        let errors = self.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
        if errors > 0 {
            let s = if errors == 1 { "" } else { "s" };
            let help = "mend them as told above; `kilat check` tells them again";
            return Err(Failure::new(format!("the rules have {errors} error{s}"), help));
        }
        Ok(self.documents)
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

/// Writes a rule file that a command has made.
pub(crate) fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    if path.exists() && !force {
        let help = "name another file, or write over it with --force";
        return Err(Failure::new(format!("`{}` exists", path.display()), help));
    }
    std::fs::write(path, text).map_err(|error| {
        let help = "name a file in a directory that exists and may be written";
        Failure::because(format!("writing `{}`", path.display()), error, help)
    })
}

/// Compiled rule sets by workspace.
#[derive(Debug)]
pub(crate) struct RuleSets {
    sets: HashMap<String, RuleSet>,
}

impl RuleSets {
    /// Compiles documents that were accepted; those of test cases only are left out.
    ///
    /// *Errors:* two of them have rules for one workspace.
    pub(crate) fn of<'d>(documents: impl IntoIterator<Item = &'d Document>) -> Result<RuleSets, Failure> {
        let mut sets = HashMap::new();
        for document in documents.into_iter().filter(|document| has_rules(document)) {
            let set = compile(document).map_err(|diagnostics| {
                let why = diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                Failure::new(why, "`kilat check` tells more")
            })?;
            if sets.insert(document.workspace().to_owned(), set).is_some() {
                let help = "keep the rules of a workspace in one document, or leave one file out";
                return Err(Failure::new(
                    format!("two files have rules for workspace `{}`", document.workspace()),
                    help,
                ));
            }
        }
        Ok(RuleSets { sets })
    }

    /// The rules that hold for `workspace`: its own, else those for every workspace.
    pub(crate) fn get(&self, workspace: &str) -> Option<&RuleSet> {
        self.sets.get(workspace).or_else(|| self.sets.get(EVERY_WORKSPACE))
    }
}
