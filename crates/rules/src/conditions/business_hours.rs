//! `time.business_hours`: inside or outside the hours and holidays of the settings (F-156).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Condition, Cost, Kind, Reading};
use crate::codes;
use crate::facts::Env;
use crate::fields::FieldRef;
use crate::object;
use crate::operators::Op;
use crate::shape::Shape;

const SIDES: &[&str] = &["outside", "inside"];

pub(crate) const KIND: Kind =
    Kind { name: "business_hours", operators: &[Op::Equals], value: Shape::Word(SIDES), read };

/// Whether inside is meant.
#[derive(Debug)]
struct Inside(bool);

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    if !reading.settings.has_business_hours() {
        let help = "write settings.business_hours, such as {mon: [[\"09:00\", \"17:00\"]]}";
        let message = "the condition asks for business hours and the settings have none";
        reading.report.add(codes::NO_BUSINESS_HOURS, reading.value.at, message, help);
        return None;
    }
    let side = object::word(reading.value, "side of business hours", SIDES, reading.report)?;
    Some(Arc::new(Inside(side == 1)))
}

impl Condition for Inside {
    fn holds(&self, _: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let local = env.local();
        Some(env.settings.is_open(&local) == self.0)
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        condition.insert("value".into(), SIDES[usize::from(self.0)].into());
    }

    fn cost(&self) -> Cost {
        Cost::Text
    }
}
