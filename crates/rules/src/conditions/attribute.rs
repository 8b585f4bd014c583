//! Conditions on free-form values: custom attributes, webhook bodies, facts of tickets, orders and calls.
//!
//! The value of the condition says what is compared: a number compares with numbers, a boolean with booleans, a text with
//! texts. A list attribute fulfils a condition where one of its members does. A value of another type fulfils no positive
//! operator, so that no event can be a type error (D-16).

use std::sync::Arc;

use kilat_domain::{Number, Value as Domain};
use kilat_matcher::{Case, Regex, haystack};
use serde_json::{Map, Value};

use super::number::compare as compare_number;
use super::text::{Texts, is_text};
use super::{Compared, Condition, Cost, Kind, Reading};
use crate::codes;
use crate::cost;
use crate::facts::{Env, Facts, Scratch};
use crate::fields::{FieldRef, Read, value};
use crate::object;
use crate::operators::Op;
use crate::pattern;
use crate::shape::Shape;
use crate::syntax::{Content, Node};

pub(crate) const KIND: Kind = Kind {
    name: "attribute",
    operators: &[
        Op::Equals,
        Op::Contains,
        Op::ContainsWord,
        Op::In,
        Op::Gt,
        Op::Gte,
        Op::Lt,
        Op::Lte,
        Op::StartsWith,
        Op::EndsWith,
        Op::Matches,
        Op::ExactPhrase,
        Op::Between,
    ],
    value: Shape::OneOrMany(&Shape::Any),
    read,
};

#[derive(Debug)]
struct Attribute {
    op: Op,
    numbers: Vec<Number>,
    flags: Vec<bool>,
    texts: Option<Texts>,
    patterns: Vec<Regex>,
    value: Value,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    let op = reading.op;
    let values = reading.values()?;
    let mut numbers = Vec::new();
    let mut flags = Vec::new();
    let mut texts: Vec<Box<str>> = Vec::new();
    for value in values {
        match &value.content {
            Content::Number(number, _) => numbers.push(*number),
            Content::Bool(flag) => flags.push(*flag),
            Content::Text(text) => {
                object::text(value, "`value`", reading.report)?;
                texts.push((&**text).into());
            }
            _ => {
                let message =
                    format!("a condition compares with text, numbers or booleans, this is {}", value.describe());
                reading.wrong_value(value.at, message, "compare with one value or a flat list of values");
                return None;
            }
        }
    }
    check_types(op, values, reading)?;
    let patterns = if op == Op::Matches { std::mem::take(&mut texts) } else { Vec::new() };
    let case = if reading.case_sensitive { Case::Sensitive } else { Case::Insensitive };
    let at = reading.value.at;
    let patterns: Option<Vec<Regex>> =
        patterns.iter().map(|text| pattern::compile(text, case, at, reading.report)).collect();
    Some(Arc::new(Attribute {
        op,
        numbers,
        flags,
        texts: (!texts.is_empty()).then(|| Texts::new(op, texts, reading.case_sensitive, false)),
        patterns: patterns?,
        value: reading.value.to_json(),
    }))
}

/// Checks that the operator works on what the condition compares with.
fn check_types(op: Op, values: &[Node], reading: &mut Reading<'_>) -> Option<()> {
    let is_number = |node: &Node| matches!(node.content, Content::Number(..));
    let (fits, help) = match op {
        Op::Gt | Op::Gte | Op::Lt | Op::Lte => (values.len() == 1 && values.iter().all(is_number), "write one number"),
        Op::Between => (values.len() == 2 && values.iter().all(is_number), "write [lowest, highest]"),
        Op::StartsWith | Op::EndsWith | Op::Matches | Op::ExactPhrase | Op::ContainsWord => {
            (values.iter().all(is_text), "write text")
        }
        _ => (true, ""),
    };
    if !fits {
        reading.report.add(
            codes::WRONG_VALUE,
            reading.value.at,
            format!("`{}` does not work on {}", op.name(), reading.value.describe()),
            help,
        );
        return None;
    }
    Some(())
}

impl Attribute {
    fn holds_on(&self, value: &Domain<'_>, scratch: &mut Scratch) -> bool {
        match value {
            Domain::Number(number) => !self.numbers.is_empty() && compare_number(*number, self.op, &self.numbers),
            Domain::Bool(flag) => self.flags.contains(flag),
            Domain::Text(text) => {
                if !self.patterns.is_empty() {
                    scratch.saw(haystack(text), text);
                }
                self.texts.as_ref().is_some_and(|texts| texts.hold_on(text, scratch))
                    || self.patterns.iter().any(|pattern| pattern.is_match(text, &mut scratch.regex))
            }
            Domain::List(members) => members.iter().any(|member| match member {
                // Members of members are not looked at: a flat list is what the language promises.
                Domain::List(_) | Domain::Object(_) => false,
                member => self.holds_on(member, scratch),
            }),
            Domain::Null | Domain::Object(_) => false,
        }
    }
}

impl Condition for Attribute {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let Read::Path(read) = field.field.read else { return None };
        let value = value(read(env.facts, &field.path))?;
        Some(self.holds_on(value, env.scratch))
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        condition.insert("value".into(), self.value.clone());
    }

    fn compared(&self) -> Option<Compared<'_>> {
        if !self.patterns.is_empty() {
            return None;
        }
        let texts = match &self.texts {
            None => &[],
            Some(texts) => texts.whole_folded()?,
        };
        Some(Compared::Values(self.op, &self.numbers, texts, &self.flags))
    }

    fn steps(&self, field: &FieldRef, facts: &Facts<'_>) -> u32 {
        let Read::Path(read) = field.field.read else { return 1 };
        let one = |value: &Domain<'_>| match value {
            Domain::Text(text) => {
                let texts = self.texts.as_ref().map_or(1, |texts| texts.steps_on(text));
                self.patterns.iter().fold(texts, |steps, pattern| steps.saturating_add(cost::pattern_in(pattern, text)))
            }
            _ => cost::compare(self.numbers.len() + self.flags.len()),
        };
        match value(read(facts, &field.path)) {
            Some(Domain::List(members)) => members.iter().map(one).fold(1, u32::saturating_add),
            value => value.map_or(1, one),
        }
    }

    fn patterns(&self) -> &[Regex] {
        &self.patterns
    }

    fn cost(&self) -> Cost {
        if self.patterns.is_empty() { Cost::Search } else { Cost::Pattern }
    }
}
