//! Conditions on numbers.
//!
//! Comparison is exact: 79.9 is less than 80, and large whole numbers do not lose digits. A number may be written in
//! quotes, as forms send it.

use std::sync::Arc;

use kilat_domain::Number;
use serde_json::{Map, Value};

use super::{Compared, Condition, Cost, Kind, Reading};
use crate::codes;
use crate::cost;
use crate::diagnostic::{Position, Report};
use crate::facts::{Env, Facts};
use crate::fields::FieldRef;
use crate::operators::Op;
use crate::shape::Shape;
use crate::syntax::{Content, Node, json_number, number};

pub(crate) const KIND: Kind = Kind {
    name: "number",
    operators: &[Op::Equals, Op::In, Op::Gt, Op::Gte, Op::Lt, Op::Lte, Op::Between],
    value: Shape::OneOrMany(&Shape::Any),
    read,
};

#[derive(Debug)]
struct Numbers {
    op: Op,
    values: Vec<Number>,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    let values = reading.each(read_number)?;
    check_count(&values, reading)?;
    Some(Arc::new(Numbers { op: reading.op, values }))
}

/// Reads one number.
pub(super) fn read_number(node: &Node, reading: &mut Reading<'_>) -> Option<Number> {
    let read = match &node.content {
        Content::Number(number, _) => Some(*number),
        Content::Text(text) => number(text.trim()),
        _ => None,
    };
    if read.is_none() {
        let message = format!("`{}` is a number, the value is {}", reading.field.name(), node.describe());
        reading.wrong_value(node.at, message, "write a number");
    }
    read
}

/// Checks that the operator has as many numbers as it takes.
pub(super) fn check_count(values: &[Number], reading: &mut Reading<'_>) -> Option<()> {
    check_numbers(reading.op, values, reading.value.at, reading.report)
}

/// As [`check_count`], for numbers that stand elsewhere.
pub(super) fn check_numbers(op: Op, values: &[Number], at: Position, report: &mut Report) -> Option<()> {
    let fits = match op {
        Op::Equals | Op::In => true,
        Op::Between => values.len() == 2,
        _ => values.len() == 1,
    };
    if !fits {
        let help = if op == Op::Between { "write [lowest, highest]" } else { "write one number" };
        let message = format!("`{}` does not take {} numbers", op.name(), values.len());
        report.add(codes::WRONG_VALUE, at, message, help);
        return None;
    }
    Some(())
}

/// Whether `number` fulfils the operator.
pub(crate) fn compare(number: Number, op: Op, values: &[Number]) -> bool {
    let against = |value: &Number| number.compare(*value);
    match (op, values) {
        (Op::Gt, [value]) => against(value).is_gt(),
        (Op::Gte, [value]) => against(value).is_ge(),
        (Op::Lt, [value]) => against(value).is_lt(),
        (Op::Lte, [value]) => against(value).is_le(),
        (Op::Between, [low, high]) => against(low).is_ge() && against(high).is_le(),
        _ => values.iter().any(|value| against(value).is_eq()),
    }
}

/// Numbers in canonical form: one as it is, several as a list.
pub(super) fn canonical_numbers(values: &[Number]) -> Value {
    match values {
        [value] => json_number(*value),
        values => values.iter().map(|value| json_number(*value)).collect(),
    }
}

impl Condition for Numbers {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        Some(compare(field.number(env.facts)?, self.op, &self.values))
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        condition.insert("value".into(), canonical_numbers(&self.values));
    }

    fn compared(&self) -> Option<Compared<'_>> {
        Some(Compared::Numbers(self.op, &self.values))
    }

    fn steps(&self, _: &FieldRef, _: &Facts<'_>) -> u32 {
        cost::compare(self.values.len())
    }

    fn cost(&self) -> Cost {
        Cost::Compare
    }
}
