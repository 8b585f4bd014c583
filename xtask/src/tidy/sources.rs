//! What may stand in a file, and what it may be called.
//!
//! In: one file's path and text. Out: findings of the rules `header`, `name`, `todo`, `ignore`, `sleep`, `pure`, `path`.
//! Test code is a file under `tests/`, one named `tests.rs`, and everything from `#[cfg(test)]` before a `mod … {` on.

use std::path::Path;

use super::code::{blank, is_word};
use super::{Finding, Kind, Rule, crate_of, row};

/// Names that say nothing about what a thing is.
const NAMES_BANNED: [&str; 7] = ["manager", "helper", "helpers", "util", "utils", "common", "data"];

/// First folders of absolute paths on somebody's machine.
const MACHINE_FOLDERS: [&str; 4] = ["home", "root", "work", "Users"];

/// Parts of the standard library that reach outside; pure code is handed what it needs instead.
const IMPURE_MODULES: [&str; 5] = ["env", "fs", "net", "process", "thread"];

pub(super) fn check(file: &Path, text: &str) -> Vec<Finding> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut add = |line: usize, rule: Rule, what: String, remedy: &str| {
        if !waived(&lines, line, rule) {
            found.push(Finding { file: file.to_owned(), line, rule, what, remedy: remedy.to_owned() });
        }
    };
    for (number, line) in (1..).zip(&lines) {
        if let Some(path) = machine_path(line) {
            add(number, Rule::Path, format!("`{path}` is a path on one machine"), "make it relative, or a setting");
        }
    }
    if file.extension().is_none_or(|extension| extension != "rs") {
        return found;
    }

    if !text.starts_with("//!") {
        let remedy = "start with `//!`: what it is, input → output, invariants, what is deliberately absent";
        add(1, Rule::Header, "no header".to_owned(), remedy);
    }
    for part in file.iter().filter_map(|part| part.to_str()) {
        if let Some(word) = banned_word(part) {
            add(1, Rule::Name, format!("`{part}` contains `{word}`"), "name it after what it is");
        }
    }

    let code = blank(text);
    let pure = crate_of(file).and_then(row).is_some_and(|(_, row)| row.kind == Kind::Pure);
    let in_src = file.iter().any(|part| part == "src");
    let test_file = file.iter().any(|part| part == "tests" || part == "tests.rs");
    let tests_from = if test_file { 1 } else { inline_tests(&code) };

    for (number, line) in (1..).zip(code.lines()) {
        if let Some(name) = declared_module(line)
            && let Some(word) = banned_word(name)
        {
            add(number, Rule::Name, format!("module `{name}` contains `{word}`"), "name it after what it is");
        }
        for unfinished in ["todo!", "unimplemented!"] {
            if has_word(line, unfinished) {
                add(number, Rule::Todo, format!("`{unfinished}`"), "finish it, or leave the feature out");
            }
        }
        if line.contains("#[ignore") {
            add(number, Rule::Ignore, "a test is switched off".to_owned(), "make it fast and reliable, or delete it");
        }
        if number >= tests_from && (line.contains("thread::sleep") || line.contains("time::sleep")) {
            add(number, Rule::Sleep, "a test sleeps".to_owned(), "wait for the event itself, or pass the time in");
        }
    }
    if pure && in_src {
        let plain = (1..).zip(code.lines()).filter_map(|(number, line)| Some((number, impure(line)?)));
        let grouped = grouped_std_imports(&code).into_iter().map(|(number, name)| (number, format!("std::{{{name}}}")));
        for (number, reach) in plain.chain(grouped).filter(|&(number, _)| number < tests_from) {
            let remedy = "pass it in as a value, or move it to a crate with effects";
            add(number, Rule::Pure, format!("`{reach}` in a pure crate"), remedy);
        }
    }
    found
}

/// Whether a comment on this line, or on the one above, allows the breach and says why.
fn waived(lines: &[&str], line: usize, rule: Rule) -> bool {
    let waiver = format!("tidy: allow {},", rule.id());
    let on = |index: Option<usize>| index.and_then(|index| lines.get(index));
    [on(line.checked_sub(1)), on(line.checked_sub(2))].into_iter().flatten().any(|text| {
        text.split_once(&waiver)
            .is_some_and(|(before, reason)| before.contains(['/', '#']) && !reason.trim().is_empty())
    })
}

/// An absolute path under a `MACHINE_FOLDERS` folder, where it starts a word.
fn machine_path(line: &str) -> Option<&str> {
    for (at, _) in line.match_indices('/') {
        let before = line[..at].chars().next_back();
        let inside = before.is_some_and(|c| is_word(c) || matches!(c, '/' | '.' | '-' | '~' | '}' | ')' | '>' | '*'));
        // `file:///home/…` is one too.
        if inside && !line[..at].ends_with("file://") {
            continue;
        }
        let path = &line[at..];
        let length = path.find(|c: char| !is_word(c) && !matches!(c, '/' | '.' | '-')).unwrap_or(path.len());
        let path = &path[..length];
        let mut parts = path[1..].splitn(2, '/');
        if parts.next().is_some_and(|folder| MACHINE_FOLDERS.contains(&folder))
            && parts.next().is_some_and(|rest| !rest.is_empty())
        {
            return Some(path);
        }
    }
    None
}

fn banned_word(name: &str) -> Option<&'static str> {
    let mut words = name.split(['_', '-', '.']);
    words.find_map(|word| NAMES_BANNED.into_iter().find(|banned| *banned == word))
}

/// The name in `mod name` of a line.
fn declared_module(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("mod ")?;
    let begins = before.is_empty() || before.ends_with(' ');
    let name = after.trim_start().split(|c: char| !is_word(c)).next()?;
    (begins && !name.is_empty()).then_some(name)
}

/// First line of the inline test module; past every line when there is none.
fn inline_tests(code: &str) -> usize {
    let lines: Vec<&str> = code.lines().collect();
    let starts = |index: usize| {
        lines[index].trim() == "#[cfg(test)]"
            && lines[index + 1..]
                .iter()
                .find(|line| !line.trim_start().starts_with("#["))
                .is_some_and(|line| declared_module(line).is_some() && line.contains('{'))
    };
    (0..lines.len()).find(|&index| starts(index)).map_or(usize::MAX, |index| index + 1)
}

/// `word` where it is not the tail of a longer identifier.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].chars().next_back().is_some_and(is_word))
}

fn has_whole_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(is_word)
            && !line[at + word.len()..].chars().next().is_some_and(is_word)
    })
}

/// What on this line reaches outside the crate.
fn impure(line: &str) -> Option<String> {
    let module =
        IMPURE_MODULES.into_iter().map(|module| format!("std::{module}")).find(|path| has_whole_word(line, path));
    let name = || {
        let mut names = ["time::Instant", "Instant::now", "SystemTime", "tokio"].into_iter();
        names.find(|name| has_whole_word(line, name)).map(str::to_owned)
    };
    module.or_else(name)
}

/// What `use std::{…}` brings in from outside, with the line on which each stands.
fn grouped_std_imports(code: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("use std::{") {
        let end = code[start..].find(';').map_or(code.len(), |length| start + length);
        let first_line = code[..start].matches('\n').count() + 1;
        for (number, line) in (first_line..).zip(code[start..end].lines()) {
            let names = IMPURE_MODULES.into_iter().chain(["Instant"]);
            found.extend(names.filter(|name| has_whole_word(line, name)).map(|name| (number, name)));
        }
    }
    found
}
