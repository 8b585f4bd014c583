//! Comments that say which rows a test proves.
//!
//! In: a file. Out: a [`Proof`] for every marked test, and a finding for every marker that is none.

use std::path::{Path, PathBuf};

use super::rows::RowId;

/// The word a marker begins with, behind the comment's own sign.
const WORD: &str = "Proves ";
/// The folder, under a crate, whose files are run by tests of their names.
const GOLDEN: [&str; 2] = ["golden", "features"];

/// A test and the rows it proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    pub(super) file: PathBuf,
    pub(super) line: usize,
    /// The test function.
    pub(super) test: String,
    pub(super) rows: Vec<RowId>,
}

impl Proof {
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }

    /// The test and where it stands.
    pub(super) fn name(&self) -> String {
        format!("{} ({})", self.test, self.place())
    }
}

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Markers {
    pub(super) proofs: Vec<Proof>,
    pub(super) findings: Vec<String>,
}

/// Whether tests stand in this file, or cases that a test of its name runs.
pub(super) fn may_name_rows(file: &Path) -> bool {
    let is_rust = file.extension().is_some_and(|extension| extension == "rs");
    let is_xtask = file.starts_with("xtask");
    (is_rust && !is_xtask) || is_golden(file)
}

fn is_golden(file: &Path) -> bool {
    let parts: Vec<&str> = file.iter().filter_map(|part| part.to_str()).collect();
    matches!(&parts[..], ["crates", _, folder, kind, name] if [*folder, *kind] == GOLDEN && name.ends_with(".yaml"))
}

/// Reads the markers of a file.
pub(super) fn of(file: &Path, text: &str) -> Markers {
    let mut read = Markers::default();
    if is_golden(file) {
        golden(file, text, &mut read);
    } else {
        rust(file, text, &mut read);
    }
    read
}

fn golden(file: &Path, text: &str, read: &mut Markers) {
    let mut rows = Vec::new();
    let mut line = 1;
    for (number, text) in (1..).zip(text.lines()) {
        if let Some(marker) = marker(text, "#") {
            line = number;
            take(file, number, marker, &mut rows, read);
        }
    }
    if rows.is_empty() {
        read.findings.push(format!("{}:1: the file proves no row; begin with `# Proves F-31.`", file.display()));
        return;
    }
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    read.proofs.push(Proof { file: file.to_owned(), line, test: stem.replace('-', "_"), rows });
}

fn rust(file: &Path, text: &str, read: &mut Markers) {
    let mut rows = Vec::new();
    let mut is_test = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if let Some(marker) = marker(line, "//") {
            take(file, number, marker, &mut rows, read);
        } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(name) = function(line) {
            if !rows.is_empty() && is_test {
                let rows = std::mem::take(&mut rows);
                read.proofs.push(Proof { file: file.to_owned(), line: number, test: name.to_owned(), rows });
            } else if !rows.is_empty() {
                rows.clear();
                read.findings.push(format!("{}:{number}: `{name}` proves rows and is no test", file.display()));
            }
            is_test = false;
        }
    }
    if !rows.is_empty() {
        read.findings.push(format!("{}: a marker at the end of the file stands above no test", file.display()));
    }
}

/// What follows the marker's word on a comment line.
fn marker<'t>(line: &'t str, sign: &str) -> Option<&'t str> {
    line.trim().strip_prefix(sign)?.trim_start_matches(['/', '!']).trim().strip_prefix(WORD)
}

/// The function that a line declares.
fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    let name = line.strip_prefix("fn ")?;
    name.split(['(', '<']).next()
}

/// Reads `F-31, D-27 and F-57 to F-68. Anything else.`
fn take(file: &Path, line: usize, marker: &str, rows: &mut Vec<RowId>, read: &mut Markers) {
    let list = marker.split_once(['.', ':']).map_or(marker, |(list, _)| list);
    let mut words = list.split([' ', ',']).filter(|word| !word.is_empty() && *word != "and").peekable();
    while let Some(word) = words.next() {
        let first = RowId::parse(word);
        let last = if words.next_if_eq(&"to").is_some() { words.next().and_then(RowId::parse) } else { first };
        match (first, last) {
            (Some(first), Some(last)) if first.letter == last.letter && first.number <= last.number => {
                rows.extend((first.number..=last.number).map(|number| RowId { number, ..first }));
            }
            _ => {
                let help = "write rows as F-31, D-27 or F-57 to F-68, and end with a full stop";
                read.findings.push(format!("{}:{line}: `{word}` is no row; {help}", file.display()));
                return;
            }
        }
    }
}
