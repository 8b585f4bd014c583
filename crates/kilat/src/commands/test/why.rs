//! Why a rule that was expected to fire did not.
//!
//! Input: an expected decision, the one that came in its place if there is one, and what was looked at. Output: a line for
//! every rule that is missing, with the first condition that did not hold and what was there instead.

use kilat_rules::RuleSet;
use serde_json::Value;

use super::{Looked, Played};
use crate::unfulfilled;

/// Most events a line is given for, where the expectation names none.
const EVENTS_MAX: usize = 3;

/// The reasons of every rule that was expected and did not fire.
pub(super) fn not_fired(
    expected: &Value,
    came: Option<&Value>,
    played: &Played,
    rules: Option<&RuleSet>,
) -> impl Iterator<Item = String> {
    let fired: Vec<&str> = came.map(|came| ids(came, "fired").collect()).unwrap_or_default();
    let event = expected["event_id"].as_str().or(came.and_then(|came| came["event_id"].as_str()));
    let mut told = Vec::new();
    for rule in ids(expected, "fired").filter(|rule| !fired.contains(rule)) {
        let known = rules.is_none_or(|rules| rules.rules().iter().any(|known| known.id() == rule));
        if !known {
            let near = rules.into_iter().flat_map(RuleSet::rules).map(|rule| rule.id());
            let near = near.max_by(|a, b| strsim::jaro_winkler(rule, a).total_cmp(&strsim::jaro_winkler(rule, b)));
            let near = near.map_or(String::new(), |near| format!("; the nearest is `{near}`"));
            told.push(format!("why: there is no enabled rule `{rule}`{near}"));
            continue;
        }
        let mut looked: Vec<&Looked> = played.looked.iter().collect();
        match event {
            Some(event) => looked.retain(|looked| looked.event_id == event),
            // Of events that nobody named, those the rule is for tell more.
            None if looked.iter().any(|looked| looked.evaluates(rule)) => {
                looked.retain(|looked| looked.evaluates(rule))
            }
            None => {}
        }
        let reasons: Vec<String> =
            looked.into_iter().take(EVENTS_MAX).map(|looked| reason(rule, came, looked)).collect();
        if let (true, Some(event)) = (reasons.is_empty(), event) {
            let ids: Vec<&str> = played.looked.iter().map(|looked| &*looked.event_id).collect();
            told.push(format!("why: no event `{event}` was evaluated; there are {}", ids.join(", ")));
        }
        told.extend(reasons);
    }
    told.into_iter()
}

/// The rules under `key` of a decision.
fn ids<'d>(decision: &'d Value, key: &str) -> impl Iterator<Item = &'d str> {
    decision[key].as_array().into_iter().flatten().filter_map(|rule| rule["rule"].as_str())
}

/// Why `rule` did not fire for an event.
fn reason(rule: &str, came: Option<&Value>, looked: &Looked) -> String {
    let event = &looked.event_id;
    let Some(evaluated) = looked.evaluated.iter().find(|evaluated| evaluated["rule"] == rule) else {
        return match &looked.stopped_by {
            Some(by) => format!("why: `{rule}` was not looked at on {event}: `{by}` stopped the pass before it"),
            None => format!("why: `{rule}` was not looked at on {event}: it has no trigger for {}", looked.kind),
        };
    };
    let first_false = &evaluated["first_false"];
    if first_false.is_null() {
        let refused = came.into_iter().flat_map(|came| came["refused"].as_array()).flatten();
        let reason = refused.filter(|refused| refused["rule"] == rule).find_map(|refused| refused["reason"].as_str());
        return match reason {
            Some(reason) => format!("why: `{rule}` matched on {event} and was refused: {reason}"),
            None => format!("why: `{rule}` matched on {event}, and its decision is not the expected one"),
        };
    }
    format!("why: `{rule}` did not fire on {event}: {}", unfulfilled::told(first_false))
}
