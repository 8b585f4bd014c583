//! `is_missing` and `is_present`, on every field (D-15).
//!
//! An empty text, list or set counts as missing. `missing:` has no say here: the question is about missing itself.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Compared, Condition, Cost, Kind, Reading};
use crate::facts::Env;
use crate::fields::FieldRef;
use crate::operators::Op;
use crate::shape::Shape;

pub(crate) const KIND: Kind =
    Kind { name: "presence", operators: &[Op::IsMissing, Op::IsPresent], value: Shape::Any, read };

/// Whether the field is to be there.
#[derive(Debug)]
pub(crate) struct Presence {
    pub(crate) present: bool,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    Some(Arc::new(Presence { present: reading.op == Op::IsPresent }))
}

impl Condition for Presence {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        Some(field.is_present(env.facts) == self.present)
    }

    fn canonical(&self, _: &mut Map<String, Value>) {}

    fn compared(&self) -> Option<Compared<'_>> {
        Some(Compared::Presence(self.present))
    }

    fn cost(&self) -> Cost {
        Cost::Compare
    }
}
