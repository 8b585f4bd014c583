//! Settings from three layers: the file over the defaults, the environment over both.
//!
//! Input: the text of the defaults, the text of a file, environment variables `KILAT__SECTION__KEY`. Output: one table, or
//! every [`Problem`] at once, each with its place and remedy.
//!
//! The defaults are the vocabulary: a key they do not have is unknown, and a value of another type than theirs is wrong.
//! A key that is commented out there (`#key = value`, without a space) has no default, and its value is an example. A table that ends in `.properties` takes any key and texts only. What the types alone do not tell (a range, a closed
//! set of words) is found by trying each setting alone on top of the defaults, so that an error has exactly one place.
//!
//! Absent: what the settings mean.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// What an environment variable must start with to be a setting.
const PREFIX: &str = "KILAT__";

/// A setting that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    place: Place,
    what: String,
    help: String,
}

/// Where a setting was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file.
    File {
        /// Its name.
        file: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// In an environment variable.
    Variable(String),
}

/// As in `kilat check --json`.
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("severity", "error")?;
        match &self.place {
            Place::File { file, line, column } => {
                object.serialize_entry("file", file)?;
                object.serialize_entry("line", line)?;
                object.serialize_entry("column", column)?;
            }
            Place::Variable(name) => object.serialize_entry("variable", name)?,
        }
        object.serialize_entry("message", &self.what)?;
        object.serialize_entry("help", &self.help)?;
        object.end()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File { file, line, column } => write!(f, "{file}:{line}:{column}: ")?,
            Place::Variable(name) => write!(f, "{name}: ")?,
        }
        write!(f, "error: {}. help: {}", self.what, self.help)
    }
}

/// The settings made on top of the defaults, by their path.
type Made = BTreeMap<Vec<String>, (Value, Place)>;

/// Where each setting was made.
pub(crate) struct Places(Made);

impl Places {
    /// A problem that only several settings together make, told where `path` was made, or the first setting beside it.
    /// `None` where all of them are defaults.
    pub(crate) fn problem(&self, path: &str, what: String, help: String) -> Option<Problem> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let beside = || self.0.range(vec![path[0].clone()]..).find(|(other, _)| other[0] == path[0]);
        let (_, place) = self.0.get(&path).or_else(|| beside().map(|(_, made)| made))?;
        Some(Problem { place: place.clone(), what, help })
    }
}

/// Reads the layers into `T`.
///
/// *Panics:* never on what a file or the environment says; the defaults must be whole, which a test checks.
pub(crate) fn read<T: DeserializeOwned>(
    defaults: &str,
    file: Option<(&str, &str)>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<(T, Places), Vec<Problem>> {
    let vocabulary = vocabulary(defaults);
    let defaults: Table = defaults.parse().expect("the defaults are TOML");
    let mut made = Made::new();
    let mut problems = Vec::new();
    if let Some((name, text)) = file {
        read_file(&vocabulary, name, text, &mut made, &mut problems);
    }
    read_environment(&vocabulary, environment, &mut made, &mut problems);

    for (path, (value, place)) in &made {
        let mut alone = defaults.clone();
        set(&mut alone, path, value.clone());
        if let Err(error) = alone.try_into::<T>() {
            let what = format!("`{}`: {}", path.join("."), first_line(error.message()));
            let default = get(&defaults, path).map(|value| format!("; the default is {value}"));
            let help = format!("see the comment on it in default.toml{}", default.unwrap_or_default());
            problems.push(Problem { place: place.clone(), what, help });
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut merged = defaults;
    for (path, (value, _)) in &made {
        set(&mut merged, path, value.clone());
    }
    Ok((merged.try_into().expect("every setting was tried on the defaults"), Places(made)))
}

/// The defaults together with the examples of keys that have none.
pub(crate) fn vocabulary(defaults: &str) -> Table {
    let with_examples: String = defaults
        .lines()
        .map(|line| {
            line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase())).unwrap_or(line)
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    with_examples.parse().expect("the defaults with their examples are TOML")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn read_file(defaults: &Table, name: &str, text: &str, made: &mut Made, problems: &mut Vec<Problem>) {
    let place = |at: usize| {
        let (line, column) = position(text, at);
        Place::File { file: name.to_owned(), line, column }
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        problems.extend(errors.iter().map(|error| Problem {
            place: place(error.span().map_or(0, |span| span.start)),
            what: format!("not TOML: {}", first_line(error.message())),
            help: "write `key = value` under a [section]; texts stand in quotes".to_owned(),
        }));
        return;
    }
    walk(defaults, table.get_ref(), &mut Vec::new(), &mut |path, at, value| match value {
        Ok(value) => {
            made.insert(path.to_vec(), (value, place(at)));
        }
        Err((what, help)) => problems.push(Problem { place: place(at), what, help }),
    });
}

type Found<'a> = &'a mut dyn FnMut(&[String], usize, Result<Value, (String, String)>);

fn walk(defaults: &Table, table: &DeTable<'_>, path: &mut Vec<String>, found: Found<'_>) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        let (key_at, value_at) = (key.span().start, value.span().start);
        match (expected(defaults, path), value.get_ref()) {
            (Err((what, help)), _) => found(path, key_at, Err((what, help))),
            (Ok(Value::Table(_)), DeValue::Table(inner)) => walk(defaults, inner, path, found),
            (Ok(expected), value) => found(path, value_at, typed(path, &expected, plain(value))),
        }
        path.pop();
    }
}

/// The default at `path`, whose type a setting must have; an error where there is no such key.
fn expected(defaults: &Table, path: &[String]) -> Result<Value, (String, String)> {
    if let Some(value) = get(defaults, path) {
        return Ok(value.clone());
    }
    let (key, parent) = path.split_last().expect("a path has at least one key");
    let known: Vec<&String> = match get(defaults, parent) {
        _ if parent.last().is_some_and(|key| key == "properties") => return Ok(Value::String(String::new())),
        Some(Value::Table(table)) => table.keys().collect(),
        _ => defaults.keys().collect(),
    };
    let nearest = known
        .iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(name, key), name))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let where_ = if parent.is_empty() { "at the top".to_owned() } else { format!("in [{}]", parent.join(".")) };
    let help = match nearest {
        Some((similarity, name)) if similarity > 0.6 => format!("did you mean `{name}`?"),
        _ => format!("{where_} stand {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    };
    Err((format!("unknown key `{key}` {where_}"), help))
}

fn typed(path: &[String], expected: &Value, value: Value) -> Result<Value, (String, String)> {
    match (expected, value) {
        (Value::Float(_), Value::Integer(n)) => Ok(Value::Float(n as f64)),
        (expected, value) if std::mem::discriminant(expected) == std::mem::discriminant(&value) => Ok(value),
        (expected, value) => {
            let what = format!("`{}` is {}, not {}", path.join("."), a(expected), a(&value));
            let help = match expected {
                Value::String(_) => format!("put it in quotes: {} = \"{}\"", path[path.len() - 1], bare(&value)),
                Value::Table(_) => format!("make it a section: [{}]", path.join(".")),
                default => format!("write it like the default: {} = {default}", path[path.len() - 1]),
            };
            Err((what, help))
        }
    }
}

fn a(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn read_environment(
    defaults: &Table,
    environment: impl Iterator<Item = (String, String)>,
    made: &mut Made,
    problems: &mut Vec<Problem>,
) {
    for (name, text) in environment {
        let Some(path) = name.strip_prefix(PREFIX) else { continue };
        let path = variable_path(path);
        let place = Place::Variable(name.clone());
        let value = expected(defaults, &path).and_then(|expected| {
            if matches!(expected, Value::Table(_)) {
                let help = format!("name a key of it: {name}__KEY");
                return Err((format!("`{}` is a section", path.join(".")), help));
            }
            let parsed = match &expected {
                Value::String(_) => Value::String(text.clone()),
                Value::Integer(_) => text.trim().parse().map_or(Value::String(text.clone()), Value::Integer),
                Value::Float(_) => text.trim().parse().map_or(Value::String(text.clone()), Value::Float),
                Value::Boolean(_) => text.trim().parse().map_or(Value::String(text.clone()), Value::Boolean),
                Value::Array(_) => Value::Array(
                    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect(),
                ),
                Value::Datetime(_) | Value::Table(_) => Value::String(text.clone()),
            };
            typed(&path, &expected, parsed).map_err(|(_, _)| {
                let what = format!("`{}` is {}, not `{text}`", path.join("."), a(&expected));
                (what, format!("the default is {name}={}", bare(&expected)))
            })
        });
        match value {
            Ok(value) => {
                made.insert(path, (value, place));
            }
            Err((what, help)) => problems.push(Problem { place, what, help }),
        }
    }
}

/// `LOG__PROPERTIES__LINGER_MS` → `log`, `properties`, `linger.ms`: librdkafka's names are words with dots.
fn variable_path(name: &str) -> Vec<String> {
    let mut path: Vec<String> = name.split("__").map(str::to_ascii_lowercase).collect();
    if let [section, parent, key] = path.as_mut_slice()
        && section == "log"
        && parent == "properties"
    {
        *key = key.replace('_', ".");
    }
    path
}

fn get<'a>(table: &'a Table, path: &[String]) -> Option<&'a Value> {
    let (key, parents) = path.split_last()?;
    let mut table = table;
    for parent in parents {
        table = table.get(parent)?.as_table()?;
    }
    table.get(key)
}

fn set(table: &mut Table, path: &[String], value: Value) {
    let Some((key, parents)) = path.split_last() else { return };
    let mut table = table;
    for parent in parents {
        let Value::Table(inner) = table.entry(parent).or_insert_with(|| Value::Table(Table::new())) else { return };
        table = inner;
    }
    table.insert(key.clone(), value);
}

fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::String(number.as_str().to_owned()), Value::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or_else(|_| Value::String(number.as_str().to_owned()), Value::Float)
        }
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(value) => Value::Datetime(*value),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| plain(item.get_ref())).collect()),
        DeValue::Table(table) => {
            Value::Table(table.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref()))).collect())
        }
    }
}

/// Line and column, from 1, of a byte offset.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at.min(text.len()))];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests;
