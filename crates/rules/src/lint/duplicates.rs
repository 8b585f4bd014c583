//! Rules that are there twice.

use std::collections::HashMap;

use super::Subject;
use crate::codes;
use crate::diagnostic::Report;

/// What two rules may differ in and still be the same.
const NAMES: &[&str] = &["id", "name", "description", "created_at", "priority", "live_since"];

pub(super) fn lint(subject: &Subject<'_>, report: &mut Report) {
    let mut known: HashMap<String, &str> = HashMap::new();
    for rule in subject.rules.iter().filter(|rule| rule.enabled) {
        let mut canonical = rule.canonical();
        canonical.retain(|key, _| !NAMES.contains(&&**key));
        let spelling = serde_json::Value::Object(canonical).to_string();
        if let Some(first) = known.get(&*spelling) {
            let message = format!("`{}` is the same rule as `{first}`, so everything happens twice", rule.id);
            report.add(codes::DUPLICATE_RULE, rule.at, message, "remove or disable one of the two");
        } else {
            known.insert(spelling, &rule.id);
        }
    }
}
