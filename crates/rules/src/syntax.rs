//! The text of a rule file as a tree whose every value knows its place.
//!
//! In: YAML or JSON. Out: one [`Node`] per document, or findings; never both for one document.
//! SY-1: no input panics, recurses without bound or makes more than [`NODES_MAX`] nodes, aliases counted as copies.
//! SY-2: numbers keep their spelling, and what starts with a plus or a needless zero is text, so that a phone number
//! written without quotes keeps its digits.
//! Absent: what the values mean; tags, merge keys and YAML 1.1's extra booleans.
//! Source: YAML 1.2.2 core schema; RFC 8259.

mod json;
mod write;
mod yaml;

pub(crate) use write::write;
pub(crate) use yaml::REPEATED;

use std::sync::Arc;

use kilat_domain::Number;

use crate::codes;
use crate::diagnostic::{Position, Report};

/// Largest file, in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 16 << 20;
/// Most values in one file.
pub(crate) const NODES_MAX: usize = 2_000_000;
/// Most keys in one object; each new key is compared with those before it.
pub(crate) const KEYS_MAX: usize = 4_096;
/// Deepest nesting of lists and objects.
pub(crate) const DEPTH_MAX: usize = 32;

/// A value and where it starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) content: Content,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    /// The number, and its spelling.
    Number(Number, Arc<str>),
    Text(Arc<str>),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of an object with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    pub(crate) at: Position,
    pub(crate) value: Node,
}

impl Node {
    /// What the value is, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match self.content {
            Content::Null => "nothing",
            Content::Bool(_) => "a boolean",
            Content::Number(..) => "a number",
            Content::Text(_) => "text",
            Content::List(_) => "a list",
            Content::Map(_) => "an object",
        }
    }

    /// The value under `key`, where this is an object that has it and it is not null.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let Content::Map(entries) = &self.content else { return None };
        let entry = entries.iter().find(|entry| &*entry.key == key)?;
        (entry.value.content != Content::Null).then_some(&entry.value)
    }

    /// The value as plain JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(b) => Value::Bool(*b),
            Content::Number(number, _) => json_number(*number),
            Content::Text(text) => Value::String(text.to_string()),
            Content::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Content::Map(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_json())).collect())
            }
        }
    }
}

/// A number as plain JSON.
pub(crate) fn json_number(number: Number) -> serde_json::Value {
    match number {
        Number::Int(n) => n.into(),
        Number::Float(n) => n.into(),
    }
}

/// Reads a number as JSON spells it, and without a digit before the point, as YAML may. Infinities and NaN are text, and so
/// are numbers with a plus or a leading zero: they are phone numbers and codes.
pub(crate) fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit() {
        return None;
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.parse() {
            Ok(int) => Some(Number::Int(int)),
            Err(_) => text.parse().ok().filter(|float: &f64| float.is_finite()).map(Number::Float),
        };
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte)) {
        return None;
    }
    text.parse().ok().filter(|float: &f64| float.is_finite()).map(Number::Float)
}

/// Reads every document of a file.
pub(crate) fn read(text: &str, report: &mut Report) -> Vec<Node> {
    let start = Position { line: 1, column: 1 };
    if text.len() > FILE_BYTES_MAX {
        report.add(
            codes::FILE_TOO_LARGE,
            start,
            format!("the file has {} bytes, the limit is {FILE_BYTES_MAX}", text.len()),
            "split it by workspace",
        );
        return Vec::new();
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // JSON is YAML but for surrogate pairs and very long keys, and its own reader is several times as fast. What is no
    // JSON may still be YAML in braces, so YAML's reader has the last word on errors.
    match text.trim_start().starts_with(['{', '[']).then(|| json::read(text)).flatten() {
        Some(node) => vec![node],
        None => yaml::read(text, report),
    }
}

#[cfg(test)]
mod tests;
