//! Plain JSON to the form serde reads the structures from, checked against the schema on the way.
//!
//! Every error names its field. Nulls of optional fields are dropped, instants become milliseconds, free-form values are
//! wrapped in the record `Json`.

use std::fmt;

use apache_avro::Schema as Avro;
use apache_avro::schema::RecordSchema;
use kilat_domain::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::LineError;
use super::limits::{self, UpTo};
use super::shape::{self, JSON, Shape};
use crate::Schema;

/// Reads a structure from plain JSON.
pub(super) fn structure<T: Deserialize<'static>>(schema: Schema, plain: Value) -> Result<T, LineError> {
    let shape = shape::of(schema);
    let checked = value(shape, shape.root, None, plain, &Path::Line)?;
    T::deserialize(checked).map_err(|error| LineError {
        code: "K2103",
        path: String::new(),
        problem: format!("the line is no {schema}: {error}"),
        remedy: "correct the value it names".to_owned(),
    })
}

/// Where in the line a value stands.
#[derive(Clone, Copy)]
enum Path<'p> {
    Line,
    Field(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Line => Ok(()),
            Path::Field(Path::Line, name) => f.write_str(name),
            Path::Field(parent, name) => write!(f, "{parent}.{name}"),
            Path::Item(parent, at) => write!(f, "{parent}[{at}]"),
        }
    }
}

fn value(
    shape: &Shape,
    schema: &'static Avro,
    limit: Option<UpTo>,
    plain: Value,
    path: &Path<'_>,
) -> Result<Value, LineError> {
    if let Some(record) = shape.record(schema) {
        return if record.name.name == JSON { Ok(free_form(plain)) } else { fields(shape, record, plain, path) };
    }
    match schema {
        Avro::Boolean if plain.is_boolean() => Ok(plain),
        Avro::Boolean => Err(wrong_type(path, &plain, "true or false")),
        Avro::Int => match limit {
            Some(UpTo(max)) => whole(plain, 0, max, path),
            _ => whole(plain, i32::MIN.into(), i32::MAX.into(), path),
        },
        Avro::Long => whole(plain, i64::MIN, i64::MAX, path),
        Avro::Double if plain.is_number() => Ok(plain),
        Avro::Double => Err(wrong_type(path, &plain, "a number")),
        Avro::TimestampMillis => instant(&plain, path),
        Avro::String => text(plain, path),
        Avro::Array(array) => match plain {
            Value::Array(items) => {
                let item = |(at, item)| value(shape, &array.items, limit, item, &Path::Item(path, at));
                Ok(Value::Array(items.into_iter().enumerate().map(item).collect::<Result<_, _>>()?))
            }
            other => Err(wrong_type(path, &other, "a list")),
        },
        Avro::Map(map) => match plain {
            Value::Object(entries) => {
                let entry = |(key, plain): (String, Value)| {
                    let read = value(shape, &map.types, None, plain, &Path::Field(path, &key))?;
                    Ok((key, read))
                };
                Ok(Value::Object(entries.into_iter().map(entry).collect::<Result<_, LineError>>()?))
            }
            other => Err(wrong_type(path, &other, "an object")),
        },
        Avro::Union(union) => {
            let mut branches = shape::something(union.variants());
            match (branches.next(), branches.next()) {
                (Some(_), _) if plain.is_null() => Ok(Value::Null),
                (Some(only), None) => value(shape, only, limit, plain, path),
                _ => branch(shape, union.variants(), plain, path),
            }
        }
        _ => Ok(plain),
    }
}

/// A record of fixed fields.
fn fields(shape: &Shape, record: &'static RecordSchema, plain: Value, path: &Path<'_>) -> Result<Value, LineError> {
    let Value::Object(mut plain) = plain else { return Err(wrong_type(path, &plain, "an object")) };
    let mut read = Map::new();
    for field in &record.fields {
        let path = Path::Field(path, &field.name);
        match plain.remove(&field.name).filter(|value| !value.is_null()) {
            Some(plain) => {
                let limit = limits::of(&record.name.name, &field.name);
                read.insert(field.name.clone(), value(shape, &field.schema, limit, plain, &path)?);
            }
            None if is_optional(&field.schema) => {}
            None => {
                return Err(LineError {
                    code: "K2102",
                    path: path.to_string(),
                    problem: "is missing".to_owned(),
                    remedy: match &field.doc {
                        Some(doc) => {
                            format!("add it: {}", doc.split_inclusive('.').next().unwrap_or(doc).trim_end_matches('.'))
                        }
                        None => "add it".to_owned(),
                    },
                });
            }
        }
    }
    Ok(Value::Object(read))
}

fn is_optional(schema: &Avro) -> bool {
    matches!(schema, Avro::Union(union) if union.variants().contains(&Avro::Null))
}

/// One of several records: an object with one key, the record's name.
fn branch(shape: &Shape, variants: &'static [Avro], plain: Value, path: &Path<'_>) -> Result<Value, LineError> {
    let named = |name: &str| {
        variants.iter().filter_map(|variant| shape.record(variant)).find(|record| record.name.name == name)
    };
    match plain {
        Value::Object(object) if object.len() == 1 => {
            let mut read = Map::new();
            for (name, plain) in object {
                let record = named(&name).ok_or_else(|| {
                    let known: Vec<&str> = variants
                        .iter()
                        .filter_map(|variant| shape.record(variant))
                        .map(|record| &*record.name.name)
                        .collect();
                    LineError {
                        code: "K2104",
                        path: path.to_string(),
                        problem: format!("has no kind `{name}`"),
                        remedy: format!("use one of {}", known.join(", ")),
                    }
                })?;
                let inside = fields(shape, record, plain, &Path::Field(path, &name))?;
                read.insert(name, inside);
            }
            Ok(Value::Object(read))
        }
        other => Err(wrong_type(path, &other, "an object with one key, its kind")),
    }
}

fn free_form(plain: Value) -> Value {
    let inside = match plain {
        Value::Array(items) => Value::Array(items.into_iter().map(free_form).collect()),
        Value::Object(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (key, free_form(value))).collect())
        }
        scalar => scalar,
    };
    Value::Object(Map::from_iter([("value".to_owned(), inside)]))
}

fn whole(plain: Value, min: i64, max: i64, path: &Path<'_>) -> Result<Value, LineError> {
    match plain.as_i64() {
        Some(number) if (min..=max).contains(&number) => Ok(plain),
        Some(_) => Err(LineError {
            code: "K2105",
            path: path.to_string(),
            problem: format!("is {plain}, which does not fit"),
            remedy: format!("use a whole number from {min} to {max}"),
        }),
        None => Err(wrong_type(path, &plain, "a whole number")),
    }
}

fn instant(plain: &Value, path: &Path<'_>) -> Result<Value, LineError> {
    let wrong = |problem| LineError {
        code: "K2103",
        path: path.to_string(),
        problem,
        remedy: "write it like \"2026-11-20T03:00:00.000Z\"".to_owned(),
    };
    match plain {
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(at) => Ok(Value::from(at.0)),
            Err(_) => Err(wrong(format!("is \"{}\", which is not an instant", shortened(text)))),
        },
        other => Err(wrong(format!("is {}, not an instant", described(other)))),
    }
}

fn text(plain: Value, path: &Path<'_>) -> Result<Value, LineError> {
    if plain.is_string() { Ok(plain) } else { Err(wrong_type(path, &plain, "a text")) }
}

fn wrong_type(path: &Path<'_>, found: &Value, expected: &str) -> LineError {
    let remedy = match (found, expected) {
        (Value::Number(_) | Value::Bool(_), "a text") => format!("put it in quotes: \"{found}\""),
        (Value::String(text), "a list") => format!("put it in brackets: [\"{}\"]", shortened(text)),
        (Value::String(_), "a number" | "a whole number" | "true or false") => "write it without quotes".to_owned(),
        _ => format!("write {expected}"),
    };
    LineError {
        code: "K2103",
        path: path.to_string(),
        problem: format!(
            "{}is {}, not {expected}",
            if matches!(path, Path::Line) { "the line " } else { "" },
            described(found)
        ),
        remedy,
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => format!("the text \"{}\"", shortened(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Enough of a text to find it again.
pub(super) fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
