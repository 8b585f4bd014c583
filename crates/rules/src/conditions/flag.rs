//! Conditions on yes-or-no fields.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Compared, Condition, Cost, Kind, Reading};
use crate::facts::Env;
use crate::fields::{FieldRef, Read};
use crate::operators::Op;
use crate::shape::Shape;
use crate::syntax::Content;

pub(crate) const KIND: Kind = Kind { name: "flag", operators: &[Op::Equals], value: Shape::Flag, read };

#[derive(Debug)]
struct Flag(bool);

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    match reading.value.content {
        Content::Bool(flag) => Some(Arc::new(Flag(flag))),
        _ => {
            let message = format!("`{}` is yes or no, the value is {}", reading.field.name(), reading.value.describe());
            reading.wrong_value(reading.value.at, message, "write true or false");
            None
        }
    }
}

impl Condition for Flag {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let Read::Flag(read) = field.field.read else { return None };
        Some(read(env.facts)? == self.0)
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        condition.insert("value".into(), self.0.into());
    }

    fn compared(&self) -> Option<Compared<'_>> {
        Some(Compared::Flag(self.0))
    }

    fn cost(&self) -> Cost {
        Cost::Compare
    }
}
