//! Free-form values as plain JSON, and back.
//!
//! In: a domain value, whose own JSON is the record that travels in Avro. Out: the JSON people read; and the way back.

use kilat_domain::{Number, Value as Domain};
use serde_json::Value;

use crate::syntax::json_number;

/// A free-form value as plain JSON.
pub(crate) fn to_json(value: &Domain<'_>) -> Value {
    match value {
        Domain::Null => Value::Null,
        Domain::Bool(b) => (*b).into(),
        Domain::Number(number) => json_number(*number),
        Domain::Text(text) => text.as_str().into(),
        Domain::List(items) => items.iter().map(to_json).collect(),
        Domain::Object(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.to_string(), to_json(value))).collect())
        }
    }
}

/// Plain JSON as a free-form value.
pub(crate) fn from_json(json: &Value) -> Domain<'static> {
    match json {
        Value::Null => Domain::Null,
        Value::Bool(flag) => Domain::Bool(*flag),
        Value::Number(n) => {
            let int = n.as_i64().map(Number::Int);
            Domain::Number(int.unwrap_or_else(|| Number::Float(n.as_f64().unwrap_or_default())))
        }
        Value::String(text) => Domain::Text(text.clone().into()),
        Value::Array(items) => Domain::List(items.iter().map(from_json).collect()),
        Value::Object(entries) => {
            Domain::Object(entries.iter().map(|(key, value)| (key.clone().into(), from_json(value))).collect())
        }
    }
}
