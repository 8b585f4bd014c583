//! What is wrong with a rule file, said so that its author can mend it.
//!
//! In: findings of every reader and check. Out: [`Diagnostic`]s in the order of the file, each with place and remedy.
//! Absent: where they are shown; `kilat check` prints them, the engine records them.

use std::fmt;

use serde::Serialize;

use crate::codes::Code;

/// Most diagnostics reported for one file; the rest is counted.
pub(crate) const DIAGNOSTICS_MAX: usize = 500;

/// Whether a file can be used at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The document is not loaded.
    Error,
    /// The document is loaded, and probably does not do what its author means.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The stable code, such as `K0102`; [`crate::codes`] explains each.
    pub code: &'static str,
    /// The file, as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Diagnostic {
    /// Whether it keeps the document from being used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let Diagnostic { file, line, column, code, message, help, .. } = self;
        write!(f, "{file}:{line}:{column}: {severity}[{code}]: {message}. help: {help}")
    }
}

/// A place in a file; both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// Collects the findings of one file.
#[derive(Debug)]
pub(crate) struct Report {
    file: String,
    found: Vec<Diagnostic>,
    errors: usize,
    left_out: usize,
}

impl Report {
    pub(crate) fn new(file: &str) -> Report {
        Report { file: file.to_owned(), found: Vec::new(), errors: 0, left_out: 0 }
    }

    /// Adds a finding.
    pub(crate) fn add(&mut self, code: &Code, at: Position, message: impl Into<String>, help: impl Into<String>) {
        self.errors += usize::from(code.severity == Severity::Error);
        if self.found.len() >= DIAGNOSTICS_MAX {
            self.left_out += 1;
            return;
        }
        self.found.push(Diagnostic {
            severity: code.severity,
            code: code.code,
            file: self.file.clone(),
            line: at.line.max(1) as usize,
            column: at.column.max(1) as usize,
            message: message.into(),
            help: help.into(),
        });
    }

    /// How many errors were added so far; a reader that raises it has failed.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// How many findings were added so far.
    pub(crate) fn findings(&self) -> usize {
        self.found.len() + self.left_out
    }

    /// Every finding, in the order of the file.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|found| (found.line, found.column));
        if self.left_out > 0
            && let Some(last) = self.found.last_mut()
        {
            last.help.push_str(&format!("; {} further findings are not shown", self.left_out));
        }
        self.found
    }
}

/// The known name closest to `word`, where one is close enough to be what was meant.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const SIMILAR: f64 = 0.72;
    let word = word.to_ascii_lowercase();
    let scored = known.into_iter().map(|name| (strsim::jaro_winkler(&word, name), name));
    scored.filter(|(score, _)| *score >= SIMILAR).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// The remedy for an unknown name: the nearest known one, or all of them.
pub(crate) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known are {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}
