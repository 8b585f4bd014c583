//! Reading objects key by key, and the scalars that stand under keys.
//!
//! In: a [`Node`] and a table of keys. Out: typed values; every finding goes to the report, and a value that cannot be
//! read is `None`, so that a reader goes on to the next and all findings of a file come at once.

use std::time::Duration;

use kilat_domain::{Number, Timestamp};

use crate::codes;
use crate::diagnostic::{Position, Report, did_you_mean, nearest};
use crate::shape::Key;
use crate::syntax::{Content, Entry, Node, REPEATED};

/// Longest text a rule file may hold in one value, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 8_192;
/// Most values in one list of a condition or an action.
pub(crate) const LIST_MAX: usize = 10_000;

/// An object whose keys are all in its table.
#[derive(Clone, Copy)]
pub(crate) struct Object<'n> {
    entries: &'n [Entry],
    pub(crate) at: Position,
    what: &'static str,
    keys: [&'static [Key]; 2],
}

impl<'n> Object<'n> {
    /// Takes `node` as an object with `keys`; `what` names it in messages, such as `a rule`. Unknown keys are reported.
    pub(crate) fn of(
        node: &'n Node,
        what: &'static str,
        keys: &'static [Key],
        report: &mut Report,
    ) -> Option<Object<'n>> {
        Object::with_common(node, what, [keys, &[]], report)
    }

    /// As [`Object::of`], for objects that share some of their keys with others.
    pub(crate) fn with_common(
        node: &'n Node,
        what: &'static str,
        keys: [&'static [Key]; 2],
        report: &mut Report,
    ) -> Option<Object<'n>> {
        let Content::Map(entries) = &node.content else {
            wrong_type(node, what, "an object", report);
            return None;
        };
        let known = keys.into_iter().flatten().map(|key| key.name);
        // Keys mostly come in the order of the table: each is looked for behind the one before it first.
        let mut behind = known.clone();
        for entry in entries {
            if behind.any(|name| name == &*entry.key) {
                continue;
            }
            behind = known.clone();
            if &*entry.key != REPEATED && !behind.any(|name| name == &*entry.key) {
                let key = &entry.key;
                report.add(
                    codes::UNKNOWN_KEY,
                    entry.at,
                    format!("{what} has no key `{key}`"),
                    did_you_mean(key, known.clone()),
                );
            }
        }
        Some(Object { entries, at: node.at, what, keys })
    }

    /// The value under `key`, where there is one and it is not null.
    pub(crate) fn get(&self, key: &'static str) -> Option<&'n Node> {
        debug_assert!(
            self.keys.into_iter().flatten().any(|known| known.name == key),
            "{key} is not in the table of {}",
            self.what
        );
        let entry = self.entries.iter().find(|entry| &*entry.key == key)?;
        (entry.value.content != Content::Null).then_some(&entry.value)
    }

    /// The value under `key`, which must be there.
    pub(crate) fn require(&self, key: &'static str, help: &str, report: &mut Report) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            report.add(codes::MISSING_KEY, self.at, format!("{} needs `{key}`", self.what), help);
        }
        found
    }

    /// The text under `key`.
    pub(crate) fn text(&self, key: &'static str, report: &mut Report) -> Option<String> {
        text(self.get(key)?, key, report)
    }

    /// The boolean under `key`.
    pub(crate) fn flag(&self, key: &'static str, report: &mut Report) -> Option<bool> {
        let node = self.get(key)?;
        match node.content {
            Content::Bool(flag) => Some(flag),
            _ => {
                wrong_type(node, key, "true or false", report);
                None
            }
        }
    }

    /// The whole number under `key`, within bounds.
    pub(crate) fn integer(&self, key: &'static str, min: i64, max: i64, report: &mut Report) -> Option<i64> {
        let node = self.get(key)?;
        match node.content {
            Content::Number(Number::Int(n), _) if (min..=max).contains(&n) => Some(n),
            Content::Number(..) => {
                let message = format!("`{key}` is out of range");
                report.add(codes::OUT_OF_RANGE, node.at, message, format!("write a whole number from {min} to {max}"));
                None
            }
            _ => {
                wrong_type(node, key, "a whole number", report);
                None
            }
        }
    }

    /// The word under `key`, as its index in `words`.
    pub(crate) fn word(&self, key: &'static str, words: &'static [&'static str], report: &mut Report) -> Option<usize> {
        word(self.get(key)?, key, words, report)
    }

    /// The duration under `key`.
    pub(crate) fn duration(&self, key: &'static str, report: &mut Report) -> Option<Duration> {
        let node = self.get(key)?;
        let read = match &node.content {
            Content::Number(Number::Int(seconds), _) => u64::try_from(*seconds).ok().map(Duration::from_secs),
            Content::Text(text) => parse_duration(text),
            _ => None,
        };
        if read.is_none_or(|duration| duration.is_zero()) {
            let message = format!("`{key}` is no duration");
            report.add(codes::BAD_DURATION, node.at, message, "write it like 30s, 15m, 24h or 7d");
            return None;
        }
        read
    }

    /// The instant under `key`.
    pub(crate) fn instant(&self, key: &'static str, report: &mut Report) -> Option<Timestamp> {
        let node = self.get(key)?;
        let text = text(node, key, report)?;
        match text.parse() {
            Ok(instant) => Some(instant),
            Err(_) => {
                let message = format!("`{key}` is no instant");
                report.add(codes::BAD_TIME, node.at, message, "write it like 2026-11-20T03:00:00.000Z");
                None
            }
        }
    }

    /// The texts under `key`: one, or a list of them.
    pub(crate) fn texts(&self, key: &'static str, report: &mut Report) -> Option<Vec<String>> {
        texts(self.get(key)?, key, report)
    }
}

/// Reports a value of the wrong type.
pub(crate) fn wrong_type(node: &Node, what: &str, expected: &str, report: &mut Report) {
    let message = format!("{what} must be {expected}, this is {}", node.describe());
    report.add(codes::WRONG_TYPE, node.at, message, format!("write {expected}"));
}

/// Reads text; a number counts as its spelling.
pub(crate) fn text(node: &Node, what: &str, report: &mut Report) -> Option<String> {
    read_text(node, what, report).map(str::to_owned)
}

/// As [`text`], for who only looks at it.
pub(crate) fn read_text<'n>(node: &'n Node, what: &str, report: &mut Report) -> Option<&'n str> {
    match &node.content {
        Content::Text(text) | Content::Number(_, text) if text.len() <= TEXT_BYTES_MAX => Some(text),
        Content::Text(text) => {
            let message = format!("{what} has {} bytes, the limit is {TEXT_BYTES_MAX}", text.len());
            report.add(codes::TOO_LONG, node.at, message, "shorten it");
            None
        }
        _ => {
            wrong_type(node, what, "text", report);
            None
        }
    }
}

/// The values of a list, or the one value that stands in its place.
pub(crate) fn one_or_many<'n>(node: &'n Node, what: &str, report: &mut Report) -> Option<&'n [Node]> {
    let Content::List(items) = &node.content else { return Some(std::slice::from_ref(node)) };
    if items.len() > LIST_MAX {
        let message = format!("{what} has {} values, the limit is {LIST_MAX}", items.len());
        report.add(codes::TOO_LONG, node.at, message, "split it over several rules");
        return None;
    }
    Some(items)
}

/// Reads texts: one, or a list of them.
pub(crate) fn texts(node: &Node, what: &str, report: &mut Report) -> Option<Vec<String>> {
    let items = one_or_many(node, what, report)?;
    let before = report.errors();
    let texts = items.iter().filter_map(|item| text(item, what, report)).collect();
    (report.errors() == before).then_some(texts)
}

/// Reads one of `words`, in any case, as its index.
pub(crate) fn word(node: &Node, what: &str, words: &'static [&'static str], report: &mut Report) -> Option<usize> {
    let read = read_text(node, what, report)?;
    let found = words.iter().position(|known| known.eq_ignore_ascii_case(read.trim()));
    if found.is_none() {
        let help = match nearest(read, words.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("write one of {}", words.join(", ")),
        };
        report.add(codes::UNKNOWN_WORD, node.at, format!("`{read}` is no {what}"), help);
    }
    found
}

/// Reads `30s`, `15m`, `24h`, `7d` or several of them together, such as `1h30m`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.chars().next()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(Duration::from_secs(count.checked_mul(seconds)?))?;
        rest = rest[unit.len_utf8()..].trim_start();
    }
    // Longer than a century is a mistake, and would overflow instants.
    const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);
    (total <= LONGEST).then_some(total)
}

/// Prints a duration as [`parse_duration`] reads it, in its largest whole unit.
pub(crate) fn print_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "d"),
        s if s % 3_600 == 0 => (s / 3_600, "h"),
        s if s % 60 == 0 => (s / 60, "m"),
        s => (s, "s"),
    };
    format!("{count}{unit}")
}

/// Reads a list.
pub(crate) fn list<'n>(node: &'n Node, what: &str, report: &mut Report) -> Option<&'n [Node]> {
    match &node.content {
        Content::List(items) => Some(items),
        _ => {
            wrong_type(node, &format!("`{what}`"), "a list", report);
            None
        }
    }
}
