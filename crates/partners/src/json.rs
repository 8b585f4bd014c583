//! Free-form values as plain JSON.
//!
//! Input: [`Value`], [`Object`]. Output: `serde_json` values, key order kept. Absent: parsing.

use kilat_domain::{Number, Object, Value};
use serde_json::{Map, Value as Json};

pub(crate) fn object(object: &Object<'_>) -> Json {
    entries(&object.0)
}

fn entries(entries: &[(kilat_domain::Str<'_>, Value<'_>)]) -> Json {
    Json::Object(entries.iter().map(|(key, value)| (key.as_str().to_owned(), plain(value))).collect::<Map<_, _>>())
}

// Values nest at most `Value::DEPTH_MAX` deep: the decoder refuses deeper ones.
fn plain(value: &Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Number(Number::Int(n)) => Json::from(*n),
        Value::Number(Number::Float(n)) => Json::from(*n),
        Value::Text(text) => Json::from(text.as_str()),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Object(inner) => entries(inner),
    }
}
