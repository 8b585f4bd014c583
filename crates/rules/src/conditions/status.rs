//! Conditions on the lead's status: ids of the workspace's registry, compared exactly (D-8, D-9).
//!
//! An alias in a rule stands for its status. An unknown status is an error (F-44).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::text::canonical_texts;
use super::{Compared, Condition, Cost, Kind, Reading, Spelling};
use crate::cost;
use crate::facts::{Env, Facts};
use crate::fields::{FieldRef, Read, text};
use crate::object;
use crate::operators::Op;
use crate::settings::unknown_status;
use crate::shape::Shape;

pub(crate) const KIND: Kind =
    Kind { name: "status", operators: &[Op::Equals, Op::In], value: Shape::OneOrMany(&Shape::Text), read };

#[derive(Debug)]
struct Statuses(Vec<Box<str>>);

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    let ids = reading.each(|value, reading| {
        let word = object::text(value, "`value`", reading.report)?;
        let id = reading.settings.status(word.trim());
        if id.is_none() {
            unknown_status(&word, value.at, reading.settings, reading.report);
        }
        Some(Box::from(id?))
    })?;
    Some(Arc::new(Statuses(ids)))
}

impl Condition for Statuses {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let Read::Text(read) = field.field.read else { return None };
        let status = text(read(env.facts))?;
        Some(self.0.iter().any(|id| **id == *status))
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        condition.insert("value".into(), canonical_texts(&self.0));
    }

    fn compared(&self) -> Option<Compared<'_>> {
        Some(Compared::Texts(Spelling::Exact, &self.0))
    }

    fn steps(&self, _: &FieldRef, _: &Facts<'_>) -> u32 {
        cost::compare(self.0.len())
    }

    fn cost(&self) -> Cost {
        Cost::Compare
    }
}
