//! Conditions on countries: ISO 3166-1 alpha-2 codes in any case (F-51).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::text::canonical_texts;
use super::{Compared, Condition, Cost, Kind, Reading, Spelling};
use crate::codes;
use crate::cost;
use crate::facts::{Env, Facts};
use crate::fields::{FieldRef, Read, text};
use crate::iso;
use crate::object;
use crate::operators::Op;
use crate::shape::Shape;

pub(crate) const KIND: Kind =
    Kind { name: "country", operators: &[Op::Equals, Op::In], value: Shape::OneOrMany(&Shape::Text), read };

#[derive(Debug)]
struct Countries(Vec<Box<str>>);

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    let codes = reading.each(|value, reading| {
        let word = object::text(value, "`value`", reading.report)?;
        let code = word.trim().to_ascii_uppercase();
        if iso::is_country(&code) {
            return Some(code.into_boxed_str());
        }
        let message = format!("`{word}` is no country code");
        reading.report.add(codes::UNKNOWN_COUNTRY, value.at, message, "write two letters, such as ID or SG");
        None
    })?;
    Some(Arc::new(Countries(codes)))
}

impl Condition for Countries {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let Read::Text(read) = field.field.read else { return None };
        let country = text(read(env.facts))?;
        Some(self.0.iter().any(|code| code.eq_ignore_ascii_case(country.trim())))
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        condition.insert("value".into(), canonical_texts(&self.0));
    }

    fn compared(&self) -> Option<Compared<'_>> {
        Some(Compared::Texts(Spelling::Country, &self.0))
    }

    fn steps(&self, _: &FieldRef, _: &Facts<'_>) -> u32 {
        cost::compare(self.0.len())
    }

    fn cost(&self) -> Cost {
        Cost::Compare
    }
}
