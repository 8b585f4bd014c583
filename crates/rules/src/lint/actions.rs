//! Rules that do nothing.

use super::Subject;
use crate::codes;
use crate::diagnostic::Report;

pub(super) fn lint(subject: &Subject<'_>, report: &mut Report) {
    for rule in subject.rules.iter().filter(|rule| rule.actions().is_empty()) {
        let message = format!("`{}` does nothing when it fires", rule.id);
        report.add(codes::NO_ACTIONS, rule.at, message, "add an action");
    }
}
