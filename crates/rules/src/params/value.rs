//! Types of params: what a value may be, as it is set on a command line and as it is written in a file.
//!
//! In: a text, or a node. Out: the value as the document takes it, or what is wrong and what to do.

use kilat_domain::Number;

use crate::conditions::text::split_at_commas;
use crate::diagnostic::{Position, Report, did_you_mean};
use crate::endpoint::check_url;
use crate::money::{self, Notation};
use crate::object::{self, Object, parse_duration};
use crate::settings::Settings;
use crate::syntax::{self, Content, Node};

/// Longest value, in bytes.
const VALUE_BYTES_MAX: usize = 8_192;

/// What a param's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Number,
    Flag,
    /// A list of words and phrases, split at commas outside double quotes (D-11).
    Keywords,
    /// A lead status of the workspace.
    Status,
    /// The name of an endpoint.
    Endpoint,
    /// A channel account, such as a business number.
    Channel,
    Duration,
    /// An amount as people write it, in the workspace's currency.
    Money,
    Url,
    /// A reference to a secret.
    Secret,
    /// The opening hours of a day, such as 09:00-12:00,13:00-17:00, or closed.
    Hours,
    /// Dates, split at commas.
    Dates,
}

/// Why a value is none, and what to do.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    /// Goes on from "the value of the param `x`".
    pub(super) what: String,
    pub(super) remedy: String,
}

/// How small and how large a number may be.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    min: Option<f64>,
    max: Option<f64>,
}

impl Bounds {
    pub(super) fn read(object: Object<'_>, report: &mut Report) -> Bounds {
        let mut bound = |key: &'static str| {
            let node = object.get(key)?;
            let Content::Number(number, _) = &node.content else {
                object::wrong_type(node, key, "a number", report);
                return None;
            };
            Some(as_f64(*number))
        };
        Bounds { min: bound("min"), max: bound("max") }
    }
}

fn problem<T>(what: impl Into<String>, remedy: impl Into<String>) -> Result<T, Problem> {
    Err(Problem { what: what.into(), remedy: remedy.into() })
}

fn text(text: &str) -> Content {
    Content::Text(text.into())
}

fn number(number: Number) -> Content {
    Content::Number(number, number.to_string().into())
}

fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> Content {
    let node = |item| Node { at: Position::default(), content: text(item) };
    Content::List(texts.into_iter().map(node).collect())
}

impl Type {
    pub(crate) const ALL: [Type; 13] = [
        Type::Text,
        Type::Number,
        Type::Flag,
        Type::Keywords,
        Type::Status,
        Type::Endpoint,
        Type::Channel,
        Type::Duration,
        Type::Money,
        Type::Url,
        Type::Secret,
        Type::Hours,
        Type::Dates,
    ];
    pub(crate) const NAMES: &'static [&'static str] = &[
        "text", "number", "flag", "keywords", "status", "endpoint", "channel", "duration", "money", "url", "secret",
        "hours", "dates",
    ];

    pub(crate) fn name(self) -> &'static str {
        Type::NAMES[self as usize]
    }

    /// Whether the document's settings say what a value is.
    pub(super) fn needs_settings(self) -> bool {
        matches!(self, Type::Status | Type::Money)
    }

    /// Reads a value as it is set on a command line.
    pub(super) fn read_text(self, given: &str, bounds: &Bounds, settings: &Settings) -> Result<Content, Problem> {
        if given.len() > VALUE_BYTES_MAX {
            return problem(format!("has {} bytes, the limit is {VALUE_BYTES_MAX}", given.len()), "shorten it");
        }
        let trimmed = given.trim();
        if trimmed.is_empty() && self != Type::Dates {
            return problem("is empty", format!("write {}", self.example()));
        }
        let wrong =
            || problem(format!("is `{trimmed}`, which is no {}", self.noun()), format!("write {}", self.example()));
        match self {
            Type::Text => Ok(text(given)),
            Type::Number => match syntax::number(trimmed) {
                Some(read) => in_bounds(read, bounds),
                None => wrong(),
            },
            Type::Flag => match &*trimmed.to_ascii_lowercase() {
                "true" | "yes" | "on" => Ok(Content::Bool(true)),
                "false" | "no" | "off" => Ok(Content::Bool(false)),
                _ => wrong(),
            },
            Type::Keywords => {
                let words = split_at_commas(trimmed);
                if words.is_empty() { wrong() } else { Ok(list(words.iter().map(String::as_str))) }
            }
            Type::Status => match settings.status(trimmed) {
                Some(_) => Ok(text(trimmed)),
                None => {
                    let known = settings.statuses().iter().map(|status| &*status.id);
                    problem(format!("is `{trimmed}`, which is no status"), did_you_mean(trimmed, known))
                }
            },
            Type::Endpoint => {
                let fits = trimmed.len() <= 64
                    && trimmed.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
                if fits { Ok(text(trimmed)) } else { wrong() }
            }
            Type::Channel => {
                let bare: String = trimmed.chars().filter(|c| !matches!(c, ' ' | '-' | '+' | '(' | ')')).collect();
                let is_number = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
                Ok(text(if is_number { &bare } else { trimmed }))
            }
            Type::Duration => match parse_duration(trimmed) {
                Some(duration) if !duration.is_zero() => Ok(text(trimmed)),
                _ => wrong(),
            },
            Type::Money => {
                let notation = Notation { locale: &settings.locale, currency: &settings.currency };
                match money::read_capture(trimmed, notation) {
                    Ok(found) if found.money.currency != settings.currency => {
                        let what = format!(
                            "is in {}, and the workspace counts in {}",
                            found.money.currency, settings.currency
                        );
                        problem(what, format!("write it in {}", settings.currency))
                    }
                    Ok(found) => match syntax::number(&money::print_major(&found.money)) {
                        Some(major) => in_bounds(major, bounds),
                        None => wrong(),
                    },
                    Err(_) => wrong(),
                }
            }
            Type::Url => match check_url(trimmed) {
                Ok(()) => Ok(text(trimmed)),
                // An address may hold a secret: it is not shown.
                Err(why) => problem(format!("cannot be used: {why}"), format!("write {}", self.example())),
            },
            Type::Secret => {
                let named = ["env:", "file:"].iter().find_map(|scheme| trimmed.strip_prefix(scheme));
                match named {
                    Some(name) if !name.trim().is_empty() => Ok(text(trimmed)),
                    // It may be the secret itself: it is not shown.
                    _ => problem(
                        "is no reference to a secret",
                        format!("write {}, and put the secret there", self.example()),
                    ),
                }
            }
            Type::Hours => match hours(trimmed) {
                Some(hours) => Ok(hours),
                None => wrong(),
            },
            Type::Dates => Ok(list(trimmed.split(',').map(str::trim).filter(|date| !date.is_empty()))),
        }
    }

    /// Reads a value as it is written in a file: as on a command line, or as the list it stands for.
    pub(super) fn read_node(self, node: &Node, bounds: &Bounds, settings: &Settings) -> Result<Content, Problem> {
        match (&node.content, self) {
            (Content::Text(given), _) => self.read_text(given, bounds, settings),
            (Content::Number(_, spelling), _) => self.read_text(spelling, bounds, settings),
            (Content::Bool(flag), Type::Flag) => Ok(Content::Bool(*flag)),
            (Content::List(items), Type::Keywords | Type::Dates) => {
                let texts: Option<Vec<&str>> = items
                    .iter()
                    .map(|item| match &item.content {
                        Content::Text(text) | Content::Number(_, text) if !text.trim().is_empty() => Some(&**text),
                        _ => None,
                    })
                    .collect();
                match texts {
                    Some(texts) if !texts.is_empty() || self == Type::Dates => Ok(list(texts)),
                    _ => problem("is no list of texts", "write a list of texts"),
                }
            }
            _ => problem(format!("is {}", node.describe()), format!("write {}", self.example())),
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Type::Text => "text",
            Type::Number => "number",
            Type::Flag => "yes or no",
            Type::Keywords => "list of keywords",
            Type::Status => "status",
            Type::Endpoint => "name of an endpoint",
            Type::Channel => "channel account",
            Type::Duration => "duration",
            Type::Money => "amount of money",
            Type::Url => "address",
            Type::Secret => "reference to a secret",
            Type::Hours => "time of opening",
            Type::Dates => "list of dates",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Type::Text => "a text",
            Type::Number => "a number such as 3",
            Type::Flag => "true or false",
            Type::Keywords => "words between commas, such as order,\"buy one, get one\",booking",
            Type::Status => "the id of a status",
            Type::Endpoint => "letters, digits and -, such as crm",
            Type::Channel => "the account, such as 6281110001",
            Type::Duration => "a duration such as 15m, 24h or 7d",
            Type::Money => "an amount such as 1.500.000 or 1,5jt",
            Type::Url => "an address such as https://crm.example/hook",
            Type::Secret => "env:NAME or file:PATH",
            Type::Hours => "hours such as 09:00-12:00,13:00-17:00, or closed",
            Type::Dates => "dates such as 2026-12-25,2027-01-01",
        }
    }
}

fn as_f64(number: Number) -> f64 {
    match number {
        Number::Int(int) => int as f64,
        Number::Float(float) => float,
    }
}

fn in_bounds(read: Number, bounds: &Bounds) -> Result<Content, Problem> {
    match (bounds.min, bounds.max) {
        (Some(min), _) if as_f64(read) < min => {
            problem(format!("is {read}, which is too little"), format!("write at least {min}"))
        }
        (_, Some(max)) if as_f64(read) > max => {
            problem(format!("is {read}, which is too much"), format!("write at most {max}"))
        }
        _ => Ok(number(read)),
    }
}

/// The intervals of a day: pairs of times; none where it is closed.
fn hours(given: &str) -> Option<Content> {
    if given.eq_ignore_ascii_case("closed") {
        return Some(Content::List(Vec::new()));
    }
    let intervals = given.split(',').map(|interval| {
        let (start, end) = interval.split_once(['-', '–'])?;
        let content = list([start.trim(), end.trim()]);
        let is_time = |time: &str| time.len() == 5 && time.as_bytes()[2] == b':';
        (is_time(start.trim()) && is_time(end.trim())).then_some(Node { at: Position::default(), content })
    });
    intervals.collect::<Option<Vec<_>>>().map(Content::List)
}

/// A value as it stands at some place of a file.
pub(super) fn at(content: &Content, place: Position) -> Content {
    match content {
        Content::List(items) => {
            Content::List(items.iter().map(|item| Node { at: place, content: at(&item.content, place) }).collect())
        }
        other => other.clone(),
    }
}

/// A value as it would be set on a command line.
pub(super) fn print(content: &Content) -> String {
    match content {
        Content::Null => String::new(),
        Content::Bool(flag) => flag.to_string(),
        Content::Number(_, spelling) => spelling.to_string(),
        Content::Text(text) => text.to_string(),
        Content::List(items) if items.iter().any(|item| matches!(item.content, Content::List(_))) => {
            let interval = |item: &Node| match &item.content {
                Content::List(ends) => ends.iter().map(|end| print(&end.content)).collect::<Vec<_>>().join("-"),
                other => print(other),
            };
            items.iter().map(interval).collect::<Vec<_>>().join(",")
        }
        Content::List(items) => {
            let word = |item: &Node| match print(&item.content) {
                word if word.contains(',') => format!("\"{word}\""),
                word => word,
            };
            items.iter().map(word).collect::<Vec<_>>().join(", ")
        }
        Content::Map(_) => String::new(),
    }
}
