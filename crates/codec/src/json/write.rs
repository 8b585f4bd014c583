//! Structures to plain JSON: instants as RFC 3339, free-form values unwrapped, whole numbers without a fraction.
//!
//! Which nulls are written is the structures' own business: they skip the others.

use apache_avro::Schema as Avro;
use kilat_domain::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::shape::{self, JSON, Shape};
use crate::Schema;

/// The plain JSON of a structure.
pub(super) fn plain<T: Serialize>(schema: Schema, structure: &T) -> Value {
    let shape = shape::of(schema);
    // Only maps with keys that are no text can fail here, and the structures have none.
    value(shape, shape.root, serde_json::to_value(structure).unwrap_or_default())
}

fn value(shape: &Shape, schema: &'static Avro, written: Value) -> Value {
    if let Some(record) = shape.record(schema) {
        let Value::Object(object) = written else { return written };
        if record.name.name == JSON {
            return unwrapped(object);
        }
        let field = |(name, written): (String, Value)| {
            let schema = record.lookup.get(&name).map(|at| &record.fields[*at].schema);
            let plain = schema.map_or(Value::Null, |schema| value(shape, schema, written));
            (name, plain)
        };
        return Value::Object(object.into_iter().map(field).collect());
    }
    match (schema, written) {
        (_, Value::Null) => Value::Null,
        (Avro::TimestampMillis, Value::Number(at)) => match at.as_i64() {
            Some(at) => Value::String(Timestamp(at).to_string()),
            None => Value::Number(at),
        },
        (Avro::Double, Value::Number(number)) => whole_if_exact(number),
        (Avro::Array(array), Value::Array(items)) => {
            Value::Array(items.into_iter().map(|item| value(shape, &array.items, item)).collect())
        }
        (Avro::Map(map), Value::Object(entries)) => {
            let entry = |(key, written)| (key, value(shape, &map.types, written));
            Value::Object(entries.into_iter().map(entry).collect())
        }
        (Avro::Union(union), written) => {
            let mut branches = shape::something(union.variants());
            match (branches.next(), branches.next()) {
                (Some(only), None) => value(shape, only, written),
                _ => branch(shape, union.variants(), written),
            }
        }
        (_, written) => written,
    }
}

fn branch(shape: &Shape, variants: &'static [Avro], written: Value) -> Value {
    let Value::Object(object) = written else { return written };
    let inside = |(name, written): (String, Value)| {
        let named = |variant: &&Avro| shape_name(variant) == Some(&name);
        let plain = match variants.iter().find(named) {
            Some(variant) => value(shape, variant, written),
            None => written,
        };
        (name, plain)
    };
    Value::Object(object.into_iter().map(inside).collect())
}

fn shape_name(variant: &Avro) -> Option<&String> {
    match variant {
        Avro::Record(record) => Some(&record.name.name),
        Avro::Ref { name } => Some(&name.name),
        _ => None,
    }
}

fn unwrapped(mut json: Map<String, Value>) -> Value {
    let inside = |value| match value {
        Value::Object(json) => unwrapped(json),
        other => other,
    };
    match json.remove("value").unwrap_or_default() {
        Value::Array(items) => Value::Array(items.into_iter().map(inside).collect()),
        Value::Object(entries) => Value::Object(entries.into_iter().map(|(key, value)| (key, inside(value))).collect()),
        scalar => scalar,
    }
}

fn whole_if_exact(number: serde_json::Number) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if float.fract() == 0.0 && float.abs() <= EXACT => Value::from(float as i64),
        _ => Value::Number(number),
    }
}
