//! Conditions on amounts of money.
//!
//! Values are major units of the workspace's currency. An amount in another currency fulfils no positive operator: there
//! are no exchange rates here.

use std::sync::Arc;

use kilat_domain::{Money, Number};
use serde_json::{Map, Value};

use super::number::{canonical_numbers, check_count, compare, read_number};
use super::{Condition, Cost, Kind, Reading};
use crate::cost;
use crate::facts::{Env, Facts};
use crate::fields::{FieldRef, Read};
use crate::money::from_major;
use crate::operators::Op;
use crate::shape::Shape;

pub(crate) const KIND: Kind = Kind {
    name: "money",
    operators: &[Op::Equals, Op::In, Op::Gt, Op::Gte, Op::Lt, Op::Lte, Op::Between],
    value: Shape::OneOrMany(&Shape::Any),
    read,
};

#[derive(Debug)]
struct Amounts {
    op: Op,
    currency: Box<str>,
    /// As written, in major units.
    values: Vec<Number>,
    minor: Vec<Number>,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    let values = reading.each(read_number)?;
    check_count(&values, reading)?;
    let currency = reading.settings.currency.clone();
    let minor: Option<Vec<Money>> = values.iter().map(|value| from_major(*value, &currency)).collect();
    let Some(minor) = minor else {
        let message = format!("the value has no whole minor units of {currency}");
        reading.wrong_value(reading.value.at, message, "write fewer decimals");
        return None;
    };
    let minor = minor.into_iter().map(|money| Number::Int(money.minor)).collect();
    Some(Arc::new(Amounts { op: reading.op, currency, values, minor }))
}

impl Condition for Amounts {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let Read::Money(read) = field.field.read else { return None };
        let money = read(env.facts)?;
        Some(money.currency == self.currency && compare(Number::Int(money.minor), self.op, &self.minor))
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        condition.insert("value".into(), canonical_numbers(&self.values));
    }

    fn steps(&self, _: &FieldRef, _: &Facts<'_>) -> u32 {
        cost::compare(self.minor.len())
    }

    fn cost(&self) -> Cost {
        Cost::Compare
    }
}
