//! Texts with `{{field|fallback}}` in them.
//!
//! In: a text as written. Out: a [`Template`]; in: facts, out: the text for them.
//! TE-1: values are put in as they are and never looked at again: a customer's `{{…}}` stays text.
//! Absent: conditions and loops; escaping, which belongs to whoever sends the text.

use crate::codes;
use crate::diagnostic::{Position, Report, nearest};
use crate::facts::Facts;
use crate::fields::{self, FieldRef};

/// Longest rendered text, in bytes; what is longer is cut at a character.
const RENDERED_BYTES_MAX: usize = 16 << 10;

/// A text with places for values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    source: Box<str>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(Box<str>),
    /// A field and what stands in its place where it is missing.
    Field(FieldRef, Box<str>),
}

impl Template {
    /// Reads a template. A token that names no field is a warning and renders as its fallback, or nothing (D-70).
    pub(crate) fn parse(source: &str, at: Position, report: &mut Report) -> Template {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(start) = rest.find("{{") {
            let Some(length) = rest[start..].find("}}") else { break };
            push_text(&mut parts, &rest[..start]);
            let token = &rest[start + 2..start + length];
            let (name, fallback) = token.split_once('|').unwrap_or((token, ""));
            match FieldRef::parse(name) {
                Some(field) => parts.push(Part::Field(field, fallback.trim().into())),
                None => {
                    let name = name.trim();
                    let help = match nearest(name, fields::names()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "see `kilat schema rules` for every field".to_owned(),
                    };
                    report.add(codes::UNKNOWN_TOKEN, at, format!("the text names no field with `{name}`"), help);
                    push_text(&mut parts, fallback.trim());
                }
            }
            rest = &rest[start + length + 2..];
        }
        push_text(&mut parts, rest);
        Template { source: source.into(), parts }
    }

    /// The text as it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// How many bytes rendering it takes.
    pub(crate) fn bytes(&self, facts: &Facts<'_>) -> usize {
        let mut bytes = 0;
        for part in &self.parts {
            bytes += match part {
                Part::Text(text) => text.len(),
                Part::Field(field, fallback) => fallback.len() + field.bytes(facts),
            };
            if bytes > RENDERED_BYTES_MAX {
                break;
            }
        }
        bytes
    }

    /// The text for these facts.
    pub(crate) fn render(&self, facts: &Facts<'_>) -> String {
        let mut rendered = String::with_capacity(self.source.len());
        for part in &self.parts {
            if rendered.len() > RENDERED_BYTES_MAX {
                break;
            }
            match part {
                Part::Text(text) => rendered.push_str(text),
                Part::Field(field, fallback) => match field.print(facts) {
                    Some(value) => rendered.push_str(&value),
                    None => rendered.push_str(fallback),
                },
            }
        }
        rendered.truncate(rendered.floor_char_boundary(RENDERED_BYTES_MAX));
        rendered
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.into()));
    }
}

#[cfg(test)]
mod tests;
