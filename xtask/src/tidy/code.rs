//! The code of a Rust file without its comments and literals.
//!
//! In: source text. Out: the same text, line for line, in which every character of a comment, string or character literal
//! is a space; so a rule that looks for a word does not stumble over prose, and a rule can be written
//! about in its own source. Absent: parsing; a broken file gives some text, never a failure.
//! Source: The Rust Reference, "Tokens" and "Comments" (nested block comments, raw strings, lifetimes).

/// Blanks comments and literals.
pub(super) fn blank(source: &str) -> String {
    let mut rest = source;
    let mut code = String::with_capacity(source.len());
    let mut last = ' ';
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' | 'b' | 'c' if !is_word(last) => prefixed(rest).unwrap_or(0),
            '\'' => character(rest).unwrap_or(0),
            _ => 0,
        };
        if length == 0 {
            code.push(first);
            last = first;
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            last = ' ';
            rest = &rest[length..];
        }
    }
    code
}

/// Whether `c` can be part of an identifier.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of the string literal that `text` starts with.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of a literal with a prefix (`r#"…"#`, `b"…"`, `br"…"`, `c"…"`, `b'…'`), if `text` starts with one.
fn prefixed(text: &str) -> Option<usize> {
    let after = text.trim_start_matches(['r', 'b', 'c']);
    let prefix = text.len() - after.len();
    let raw = text[..prefix].contains('r');
    if raw {
        let quote = after.trim_start_matches('#');
        let hashes = after.len() - quote.len();
        let body = quote.strip_prefix('"')?;
        let end = format!("\"{}", &after[..hashes]);
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(prefix + hashes + 1 + length);
    }
    match after.chars().next()? {
        '"' => Some(prefix + string(after)),
        '\'' => Some(prefix + character(after)?),
        _ => None,
    }
}

/// Length of the character literal that `text` starts with; `None` for a lifetime or label.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next()?; // Whatever is escaped, a quote included.
        return chars.find(|&(_, c)| c == '\'' || c == '\n').map(|(at, _)| at + 1);
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(at + 1)
}
