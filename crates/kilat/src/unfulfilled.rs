//! The first condition of a rule that did not hold, as a sentence.
//!
//! In: `first_false` of an explanation line. Out: where it stands, what it wants and what was there instead.

use serde_json::Value;

/// Longest text of an event or a rule that is shown whole.
const CHARS_MAX: usize = 120;

/// `conditions[1] wants lead.status equals "responded"; it is "new"`.
pub(crate) fn told(first_false: &Value) -> String {
    let word = |key: &str| first_false[key].as_str().unwrap_or("?");
    let observed = match &first_false["observed"] {
        Value::Null => "missing".to_owned(),
        observed => shown(observed),
    };
    let expected = match &first_false["expected"] {
        Value::Null => String::new(),
        expected => format!(" {}", shown(expected)),
    };
    format!("{} wants {} {}{expected}; it is {observed}", word("path"), word("field"), word("op"))
}

/// A value as JSON; the beginning of a long one.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
