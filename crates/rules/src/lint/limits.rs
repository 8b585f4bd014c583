//! What is close to a limit, before it is over it.

use serde_json::Value;

use super::Subject;
use crate::codes;
use crate::diagnostic::{Position, Report};
use crate::document::RULES_MAX;
use crate::object::LIST_MAX;
use crate::operators::Op;

/// Share of a limit from which on it is named, in percent.
const NEAR: usize = 90;

pub(super) fn lint(subject: &Subject<'_>, report: &mut Report) {
    let at = subject.rules.first().map_or(Position::default(), |rule| rule.at);
    let help = "merge rules that differ only in a keyword";
    near("the document has", subject.rules.len(), RULES_MAX, "rules", at, help, report);
    for rule in subject.rules {
        rule.each_leaf(&mut |leaf| {
            let expected = leaf.expected();
            let one = std::slice::from_ref(&expected);
            let values = expected.as_array().map_or(one, Vec::as_slice);
            let what = format!("`{}` compares with", leaf.field.name());
            near(&what, values.len(), LIST_MAX, "values", leaf.at, "split them over several rules", report);
            if leaf.op.positive().0 == Op::Matches {
                for pattern in values.iter().filter_map(Value::as_str) {
                    let (chars, help) = (pattern.chars().count(), "write two shorter ones as a list");
                    near(
                        "the pattern has",
                        chars,
                        kilat_matcher::PATTERN_CHARS_MAX,
                        "characters",
                        leaf.at,
                        help,
                        report,
                    );
                }
            }
        });
    }
}

fn near(what: &str, count: usize, limit: usize, unit: &str, at: Position, help: &str, report: &mut Report) {
    // What is at its limit is allowed, and its author counted.
    if count * 100 >= limit * NEAR && count < limit {
        report.add(codes::NEAR_LIMIT, at, format!("{what} {count} {unit}, the limit is {limit}"), help);
    }
}
