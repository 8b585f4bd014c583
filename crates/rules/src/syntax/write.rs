//! Writes a tree as YAML that people read and edit.
//!
//! In: a tree, a header and notes. Out: YAML that reads back as the same tree.
//! WR-1: whatever the values are, what is written reads back equal: a text that could be taken for anything else, or that
//! holds a mark of YAML, is quoted: as JSON quotes it, or in single quotes where it holds what JSON would escape.
//! The document, what stands right under it and the members of its lists take a line a key; what is smaller stands on one
//! line where it fits.

use super::{Content, Entry, Node};

/// Longest line, where it can be helped.
const LINE_CHARS_MAX: usize = 120;

/// What is said above the members of a list right under the document: the list's key and the member's place.
pub(crate) type Notes<'n> = &'n dyn Fn(&str, usize) -> Vec<String>;

/// Writes a document, with a header above it; both are without `#`.
pub(crate) fn write(root: &Node, header: &[String], notes: Notes<'_>) -> String {
    let mut out = String::new();
    for line in header {
        comment(line, 0, &mut out);
    }
    match &root.content {
        Content::Map(entries) if !entries.is_empty() => {
            for entry in entries {
                top(entry, notes, &mut out);
            }
        }
        _ => {
            out.push_str(&flow(root));
            out.push('\n');
        }
    }
    out
}

/// A comment over as many lines as it needs.
fn comment(text: &str, indent: usize, out: &mut String) {
    let start = format!("{:indent$}#", "");
    let mut line = start.clone();
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > LINE_CHARS_MAX && line.len() > start.len() {
            out.push_str(&line);
            out.push('\n');
            line.clone_from(&start);
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}

/// A key of the document itself.
fn top(entry: &Entry, notes: Notes<'_>, out: &mut String) {
    match &entry.value.content {
        Content::Map(entries) if !entries.is_empty() => {
            line(&format!("{}:", name(&entry.key)), out);
            entries.iter().for_each(|entry| key(entry, 2, false, out));
        }
        Content::List(items) if items.iter().any(|item| matches!(item.content, Content::Map(_))) => {
            line(&format!("{}:", name(&entry.key)), out);
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push('\n');
                }
                for note in notes(&entry.key, place) {
                    comment(&note, 2, out);
                }
                member(item, 2, true, out);
            }
        }
        _ => key(entry, 0, false, out),
    }
}

fn line(text: &str, out: &mut String) {
    out.push_str(text);
    out.push('\n');
}

/// A key with its value, on one line where it fits and may be.
fn key(entry: &Entry, indent: usize, block: bool, out: &mut String) {
    let name = name(&entry.key);
    let one_line = format!("{:indent$}{name}: {}", "", flow(&entry.value));
    let is_empty = match &entry.value.content {
        Content::Map(entries) => entries.is_empty(),
        Content::List(items) => items.is_empty(),
        _ => true,
    };
    let has_objects = match &entry.value.content {
        Content::List(items) => items.iter().any(|item| matches!(item.content, Content::Map(_))),
        _ => false,
    };
    if is_empty || (!block && !has_objects && one_line.chars().count() <= LINE_CHARS_MAX) {
        return line(&one_line, out);
    }
    line(&format!("{:indent$}{name}:", ""), out);
    match &entry.value.content {
        Content::Map(entries) => entries.iter().for_each(|entry| key(entry, indent + 2, false, out)),
        Content::List(items) => items.iter().for_each(|item| member(item, indent + 2, false, out)),
        _ => {}
    }
}

/// A member of a list; `block` asks for a line a key.
fn member(node: &Node, indent: usize, block: bool, out: &mut String) {
    let one_line = format!("{:indent$}- {}", "", flow(node));
    match &node.content {
        Content::Map(entries) if !entries.is_empty() && (block || one_line.chars().count() > LINE_CHARS_MAX) => {
            let start = out.len();
            entries.iter().for_each(|entry| key(entry, indent + 2, false, out));
            // The first key stands behind the dash.
            out.replace_range(start + indent..start + indent + 1, "-");
        }
        Content::List(items) if !items.is_empty() && one_line.chars().count() > LINE_CHARS_MAX => {
            let start = out.len();
            items.iter().for_each(|item| member(item, indent + 2, false, out));
            out.replace_range(start + indent..start + indent + 1, "-");
        }
        _ => line(&one_line, out),
    }
}

/// A value on one line.
fn flow(node: &Node) -> String {
    match &node.content {
        Content::Null => "null".to_owned(),
        Content::Bool(flag) => flag.to_string(),
        Content::Number(_, spelling) => spelling.to_string(),
        Content::Text(text) => scalar(text),
        Content::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Content::Map(entries) => {
            let entry = |entry: &Entry| format!("{}: {}", name(&entry.key), flow(&entry.value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Whether a text is a duration such as `15m`, which nobody takes for a number.
fn is_duration(text: &str) -> bool {
    let count = text.trim_end_matches(['s', 'm', 'h', 'd', 'w']);
    count.len() + 1 == text.len() && !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit())
}

/// A key: some of the language's own are words that YAML 1.1 takes for booleans, and stand bare all the same.
fn name(key: &str) -> String {
    if key == "on" { key.to_owned() } else { scalar(key) }
}

/// A text, bare where it can be nothing else.
fn scalar(text: &str) -> String {
    let starts = text.starts_with(char::is_alphabetic);
    let bare = |c: char| {
        c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/' | '(' | ')' | '+' | '=' | ';' | '\'' | '!')
    };
    // What YAML 1.1 takes for a boolean is quoted too: other tools read these files.
    const TAKEN: &[&str] = &["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let taken = TAKEN.iter().any(|word| word.eq_ignore_ascii_case(text));
    if (starts && text.chars().all(bare) && !text.ends_with(' ') && !taken) || is_duration(text) {
        return text.to_owned();
    }
    // Patterns and quotations read better where nothing has to be escaped.
    if text.contains(['\\', '"']) && text.chars().all(|c| matches!(c, ' '..='~')) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let quoted = serde_json::Value::from(text).to_string();
    // JSON leaves these as they are; YAML takes some for line breaks, and refuses others.
    let mut safe = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                safe.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests;
