//! Conditions on sets: tags, lists, room tags.
//!
//! `contains`, `equals` and `in` all mean "has one of these" (D-46, D-12). Members are compared folded, so that a tag
//! somebody typed as `VIP` is the tag `vip`, unless `case_sensitive` asks for the spelling.

use std::sync::Arc;

use kilat_domain::Str;
use kilat_matcher::{fold, fold_into};
use serde_json::{Map, Value};

use super::text::canonical_texts;
use super::{Compared, Condition, Cost, Kind, Reading, Spelling};
use crate::cost;
use crate::facts::{Env, Facts};
use crate::fields::{FieldRef, Read};
use crate::object;
use crate::operators::Op;
use crate::shape::Shape;

pub(crate) const KIND: Kind =
    Kind { name: "set", operators: &[Op::Contains, Op::Equals, Op::In], value: Shape::OneOrMany(&Shape::Text), read };

#[derive(Debug)]
struct Members {
    /// As written.
    names: Vec<Box<str>>,
    /// Folded; empty where case matters.
    folded: Vec<Box<str>>,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    let names: Vec<Box<str>> =
        reading.each(|value, reading| object::text(value, "`value`", reading.report).map(Into::into))?;
    let folded = if reading.case_sensitive { Vec::new() } else { names.iter().map(|name| fold(name).into()).collect() };
    Some(Arc::new(Members { names, folded }))
}

impl Members {
    /// Whether one of the members is named; `None` where there are none.
    fn any<'m>(&self, mut members: impl ExactSizeIterator<Item = &'m str>, buffer: &mut String) -> Option<bool> {
        if members.len() == 0 {
            return None;
        }
        Some(members.any(|member| {
            if self.folded.is_empty() {
                self.names.iter().any(|name| **name == *member)
            } else {
                with_folded(member, buffer, |folded| self.folded.iter().any(|name| **name == *folded))
            }
        }))
    }
}

impl Condition for Members {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let buffer = &mut env.scratch.other;
        match field.field.read {
            Read::Set(read) => self.any(read(env.facts).iter().map(|member| &**member), buffer),
            Read::Words(read) => self.any(read(env.facts).iter().map(Str::as_str), buffer),
            _ => None,
        }
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        condition.insert("value".into(), canonical_texts(&self.names));
    }

    fn compared(&self) -> Option<Compared<'_>> {
        Some(match self.folded.is_empty() {
            true => Compared::Texts(Spelling::Exact, &self.names),
            false => Compared::Texts(Spelling::Folded, &self.folded),
        })
    }

    fn steps(&self, field: &FieldRef, facts: &Facts<'_>) -> u32 {
        let (members, bytes) = field.members(facts);
        cost::search(bytes + 64 * members, self.names.len())
    }

    fn cost(&self) -> Cost {
        Cost::Text
    }
}

/// Asks for the folded text; texts that are folded already, as most names are, are not copied.
pub(crate) fn with_folded<T>(text: &str, buffer: &mut String, ask: impl FnOnce(&str) -> T) -> T {
    if text.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()) {
        return ask(text);
    }
    fold_into(text, buffer);
    ask(buffer)
}
