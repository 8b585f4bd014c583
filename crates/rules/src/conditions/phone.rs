//! Conditions on phone numbers and JIDs; both sides are brought into one form first (D-27).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::text::canonical_texts;
use super::{Compared, Condition, Cost, Kind, Reading, Spelling};
use crate::cost;
use crate::facts::{Env, Facts};
use crate::fields::{FieldRef, Read, text};
use crate::object;
use crate::operators::Op;
use crate::phone::canonical;
use crate::shape::Shape;

pub(crate) const KIND: Kind = Kind {
    name: "phone",
    operators: &[Op::Equals, Op::In, Op::StartsWith, Op::EndsWith],
    value: Shape::OneOrMany(&Shape::Text),
    read,
};

#[derive(Debug)]
struct Numbers {
    op: Op,
    /// In canonical form; of parts of numbers, the digits.
    numbers: Vec<Box<str>>,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    let whole = matches!(reading.op, Op::Equals | Op::In);
    let numbers = reading.each(|value, reading| {
        let number = object::text(value, "`value`", reading.report)?;
        if whole {
            return Some(canonical(&number, reading.settings.calling_code()).into());
        }
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        if digits.is_empty() {
            reading.wrong_value(value.at, format!("`{number}` has no digits"), "write the digits the number has there");
            return None;
        }
        Some(digits.into_boxed_str())
    })?;
    Some(Arc::new(Numbers { op: reading.op, numbers }))
}

impl Condition for Numbers {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let Read::Text(read) = field.field.read else { return None };
        let number = canonical(text(read(env.facts))?, env.settings.calling_code());
        Some(self.numbers.iter().any(|known| match self.op {
            Op::StartsWith => number.starts_with(&**known),
            Op::EndsWith => number.ends_with(&**known),
            _ => *number == **known,
        }))
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        condition.insert("value".into(), canonical_texts(&self.numbers));
    }

    fn compared(&self) -> Option<Compared<'_>> {
        matches!(self.op, Op::Equals | Op::In).then_some(Compared::Texts(Spelling::Phone, &self.numbers))
    }

    fn steps(&self, _: &FieldRef, _: &Facts<'_>) -> u32 {
        cost::compare(self.numbers.len())
    }

    fn cost(&self) -> Cost {
        Cost::Text
    }
}
