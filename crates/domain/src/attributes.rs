//! Custom attributes as the engine remembers them: a small map, sorted by key.

use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};

use crate::{ATTRIBUTES_BYTES_MAX, Applied, Object, Str, Value};

/// Custom attributes of a lead or a conversation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(Box<str>, Value<'static>)>);

impl Attributes {
    /// The value under a dotted path of keys.
    pub fn at(&self, path: &str) -> Option<&Value<'static>> {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let found = self.0.binary_search_by(|(key, _)| (**key).cmp(first)).ok()?;
        let value = &self.0[found].1;
        match rest {
            None => Some(value),
            Some(rest) => value.at(rest),
        }
    }

    /// Every attribute, by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value<'static>)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// Merges facts key by key; whether anything differs now. What finds no room is left out.
    pub(crate) fn merge(&mut self, facts: Option<&Object<'_>>) -> bool {
        let Some(facts) = facts.filter(|facts| !facts.0.is_empty()) else { return false };
        let mut bytes = self.bytes();
        let mut changed = false;
        for (key, value) in &facts.0 {
            let known = self.0.binary_search_by(|(name, _)| (**name).cmp(key)).map(|at| &self.0[at].1);
            let freed = known.map_or(0, |known| size(key, known));
            if bytes - freed + size(key, value) <= ATTRIBUTES_BYTES_MAX {
                bytes = bytes - freed + size(key, value);
                changed |= self.replace(key, value.clone().into_owned()).as_ref() != Some(value);
            }
        }
        changed
    }

    /// How much the attributes take, in bytes, near enough.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(key, value)| size(key, value)).sum()
    }

    /// Sets the attribute under a dotted path, for a patch; objects on the way are made, and take the place of what is none.
    /// What finds no room changes nothing.
    pub(crate) fn set(&mut self, field: &'static str, path: &str, value: &Value<'static>) -> Applied {
        let known = self.at(path);
        let freed = known.map_or(0, |known| size(path, known));
        if self.bytes().saturating_sub(freed) + size(path, value) > ATTRIBUTES_BYTES_MAX {
            let known = known.map(Value::to_string);
            return Applied::of(field, false, known.clone(), known);
        }
        let from = match path.split_once('.') {
            None => self.replace(path, value.clone()),
            Some((key, rest)) => {
                let at = self.0.binary_search_by(|(name, _)| (**name).cmp(key)).unwrap_or_else(|at| {
                    self.0.insert(at, (key.into(), Value::Object(Vec::new())));
                    at
                });
                put(&mut self.0[at].1, rest, value.clone())
            }
        };
        Applied::of(field, from.as_ref() != Some(value), from.as_ref().map(Value::to_string), Some(value.to_string()))
    }

    /// Attributes in the order of their keys; `None` where they are not.
    pub(crate) fn of_sorted(entries: Vec<(Box<str>, Value<'static>)>) -> Option<Attributes> {
        entries.is_sorted_by(|a, b| a.0 < b.0).then_some(Attributes(entries))
    }

    fn replace(&mut self, key: &str, value: Value<'static>) -> Option<Value<'static>> {
        match self.0.binary_search_by(|(name, _)| (**name).cmp(key)) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key.into(), value));
                None
            }
        }
    }

    /// The attributes as facts; `None` where there are none.
    pub(crate) fn facts(&self) -> Option<Object<'_>> {
        let facts = || self.0.iter().map(|(key, value)| (Str::from(&**key), value.clone())).collect();
        (!self.0.is_empty()).then(|| Object(facts()))
    }
}

/// Puts a value under a dotted path inside another; gives what stood there.
fn put(inside: &mut Value<'static>, path: &str, value: Value<'static>) -> Option<Value<'static>> {
    let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
    if !matches!(inside, Value::Object(_)) {
        *inside = Value::Object(Vec::new());
    }
    let Value::Object(entries) = inside else { return None };
    let at = entries.iter().position(|(name, _)| *name == key);
    match (at, rest) {
        (Some(at), None) => Some(std::mem::replace(&mut entries[at].1, value)),
        (Some(at), Some(rest)) => put(&mut entries[at].1, rest, value),
        (None, rest) => {
            let mut made = Value::Null;
            match rest {
                None => made = value,
                Some(rest) => drop(put(&mut made, rest, value)),
            }
            entries.push((Str::from(key.to_owned()), made));
            None
        }
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(entries) = Object::deserialize(deserializer)?;
        let mut attributes = Attributes::default();
        for (key, value) in entries {
            attributes.replace(&key, value.into_owned());
        }
        Ok(attributes)
    }
}

/// How much an entry takes, in bytes, near enough.
fn size(key: &str, value: &Value<'_>) -> usize {
    const OVERHEAD: usize = 8;
    let inside = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(|item| size("", item)).sum(),
        Value::Object(entries) => entries.iter().map(|(key, value)| size(key, value)).sum(),
    };
    OVERHEAD + key.len() + inside
}
