//! `time.day_of_week`: the weekday on the workspace's clock (F-157).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::window::read_days;
use super::{Condition, Cost, Kind, Reading};
use crate::calendar::Days;
use crate::facts::Env;
use crate::fields::FieldRef;
use crate::object;
use crate::operators::Op;
use crate::shape::Shape;

pub(crate) const KIND: Kind =
    Kind { name: "day_of_week", operators: &[Op::Equals, Op::In], value: Shape::OneOrMany(&Shape::Text), read };

#[derive(Debug)]
struct Weekdays(Days);

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    let names = reading.each(|value, reading| object::text(value, "`value`", reading.report))?;
    Some(Arc::new(Weekdays(read_days(&names, reading.value.at, reading)?)))
}

impl Condition for Weekdays {
    fn holds(&self, _: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let local = env.local();
        Some(self.0.has(local.day))
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        condition.insert("value".into(), self.0.names().map(Value::from).collect());
    }

    fn cost(&self) -> Cost {
        Cost::Text
    }
}
