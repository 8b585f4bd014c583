//! The rows in scope: those of features.md 1A and 1C that the rule engine owns, and those of semantics.md about rules.
//!
//! `rows.txt` holds a row a line: its id, its owners, and for one that is proven by another part of Kilat the reason. A row
//! whose feature is not there yet ends in `awaited: ` and what is awaited, until a test names the row.
//! Titles are the specification's and only shown where it can be read.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use anyhow::{Context as _, Result, bail};

use super::spec;

/// Where the specification lies, seen from the root.
pub(super) const SPEC: &str = "../shared/spec";
const ROWS: &str = include_str!("rows.txt");
/// Highest numbers in features.md and semantics.md.
const LAST: [(char, u16); 2] = [('D', 85), ('F', 323)];

/// A row's letter and number: `F-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowId {
    pub(super) letter: char,
    pub(super) number: u16,
}

impl RowId {
    pub(super) fn parse(text: &str) -> Option<RowId> {
        let (letter, number) = text.split_once('-')?;
        let letter = ['D', 'F'].into_iter().find(|known| letter == known.to_string())?;
        Some(RowId { letter, number: number.parse().ok()? })
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.letter, self.number))
    }
}

/// A row in scope.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: RowId,
    pub(super) owner: String,
    /// Why its test is not one of the rule engine's.
    pub(super) elsewhere: Option<String>,
    /// What its test waits for.
    pub(super) awaited: Option<String>,
    pub(super) title: String,
}

/// The rows of `rows.txt`.
pub(super) fn committed() -> Result<Vec<Row>> {
    ROWS.lines().map(|line| row(line).with_context(|| format!("rows.txt: `{line}`"))).collect()
}

fn row(line: &str) -> Option<Row> {
    let (id, rest) = line.split_once(' ')?;
    let (rest, awaited) =
        rest.split_once(" awaited: ").map_or((rest, None), |(rest, what)| (rest, Some(what.to_owned())));
    let elsewhere = rest.strip_prefix("elsewhere: ").map(str::to_owned);
    let owner = if elsewhere.is_some() { "" } else { rest };
    Some(Row { id: RowId::parse(id)?, owner: owner.to_owned(), elsewhere, awaited, title: String::new() })
}

/// Whether the specification has such a row.
pub(super) fn exists(id: RowId) -> bool {
    LAST.iter().any(|(letter, last)| *letter == id.letter && (1..=*last).contains(&id.number))
}

/// Owners and titles of the specification's rows: the F rows in scope, and every D row. `None` where it is not there.
pub(super) fn titles() -> Result<Option<BTreeMap<RowId, (String, String)>>> {
    let mut titles = BTreeMap::new();
    for (name, letter) in [("features.md", 'F'), ("semantics.md", 'D')] {
        let path = spec(name);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        titles.extend(if letter == 'F' { features(&text) } else { semantics(&text) });
    }
    if titles.is_empty() {
        bail!("{SPEC} has no rows; has its form changed?");
    }
    Ok(Some(titles))
}

/// Rows of sections 1A and 1C with `RE` among their owners.
fn features(text: &str) -> BTreeMap<RowId, (String, String)> {
    let mut section = "";
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading.split('.').next().unwrap_or_default();
        }
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [number, title, _, owner, ..] = &cells[..] else { continue };
        let Ok(number) = number.parse() else { continue };
        if matches!(section, "1A" | "1C") && owner.split('+').any(|owner| owner == "RE") {
            rows.insert(RowId { letter: 'F', number }, ((*owner).to_owned(), (*title).to_owned()));
        }
    }
    rows
}

/// Rows of tables (`| D-8 | …`) and paragraphs (`**D-1 …**`).
fn semantics(text: &str) -> BTreeMap<RowId, (String, String)> {
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("| D-").or_else(|| line.strip_prefix("**D-")) else { continue };
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let Ok(number) = rest[..digits].parse() else { continue };
        let title = rest[digits..].trim_start_matches([' ', '|']);
        let title = title.split('|').next().unwrap_or_default().split("**").next().unwrap_or_default().trim();
        rows.insert(RowId { letter: 'D', number }, ("RE".to_owned(), title.to_owned()));
    }
    rows
}

/// Gives rows their titles; what differs between them and the specification.
pub(super) fn compare(rows: &mut [Row], spec: &BTreeMap<RowId, (String, String)>) -> Vec<String> {
    let mut findings = Vec::new();
    for row in rows.iter_mut() {
        match spec.get(&row.id) {
            Some((owner, title)) => {
                row.title.clone_from(title);
                if row.elsewhere.is_none() && row.owner != *owner {
                    findings
                        .push(format!("rows.txt says {} belongs to {}, the specification {owner}", row.id, row.owner));
                }
            }
            None => findings.push(format!("rows.txt names {}, which is not the rule engine's", row.id)),
        }
    }
    for id in spec.keys().filter(|id| id.letter == 'F' && rows.iter().all(|row| row.id != **id)) {
        findings.push(format!("rows.txt lacks {id}, which is the rule engine's"));
    }
    findings
}
