//! Patterns of rule authors: compiled once at load, refused with a reason they can act on.
//!
//! In: a pattern as written. Out: a compiled [`Regex`], or a finding.
//! Absent: matching; look-around and back-references, which no linear engine has (D-6).

use std::error::Error as _;

use kilat_matcher::{Case, Regex, RegexError};

use crate::codes;
use crate::diagnostic::{Position, Report};

/// Compiles a pattern.
pub(crate) fn compile(pattern: &str, case: Case, at: Position, report: &mut Report) -> Option<Regex> {
    if lost_its_brackets(pattern) {
        report.add(
            codes::BROKEN_PRESET,
            at,
            "the pattern asks for the very characters `0-9`: it is a preset whose brackets were lost in print",
            "use `preset: flexible_rupiah`",
        );
        return None;
    }
    match Regex::new(pattern, case) {
        Ok(regex) => Some(regex),
        Err(error) => {
            let reason = match (&error, error.source()) {
                // The parser draws the pattern with a caret under it; its last line is the reason.
                (RegexError::Syntax(_), Some(source)) => {
                    let drawn = source.to_string();
                    let reason = drawn.lines().last().unwrap_or_default().trim();
                    format!("the pattern is not valid: {}", reason.strip_prefix("error: ").unwrap_or(reason))
                }
                _ => error.to_string(),
            };
            let help = match &error {
                RegexError::Syntax(_) => "use Rust's regex syntax, without look-around or back-references",
                RegexError::TooLong { .. } => "write several shorter ones as a list",
                _ => "use smaller repetition counts, or [a-z0-9] in place of \\w",
            };
            report.add(codes::BAD_PATTERN, at, reason, help);
            None
        }
    }
}

/// Compiles a pattern that extracts, which needs a group (F-73).
pub(crate) fn compile_with_group(pattern: &str, case: Case, at: Position, report: &mut Report) -> Option<Regex> {
    let regex = compile(pattern, case, at, report)?;
    if !regex.has_capture() {
        report.add(
            codes::PATTERN_WITHOUT_GROUP,
            at,
            "the pattern has no group, so there is nothing to extract",
            "put round brackets around what is meant, or name a group `value`",
        );
        return None;
    }
    Some(regex)
}

/// Whether a class such as `[0-9]` stands in the pattern without its brackets (D-1).
fn lost_its_brackets(pattern: &str) -> bool {
    pattern.match_indices("0-9").any(|(at, found)| {
        let before = pattern[..at].rfind(['[', ']']).map(|bracket| pattern.as_bytes()[bracket]);
        before != Some(b'[') && pattern[at + found.len()..].starts_with(['{', '+', '*'])
    })
}
