//! Reads one JSON value, with places.
//!
//! In: text. Out: the node, or nothing where the text is not JSON, is too deep, or repeats a key; the caller then asks the
//! YAML reader, which finds words for what is wrong.
//! Source: RFC 8259. Lone surrogates are refused, as they are no text.

use std::sync::Arc;

use kilat_domain::Number;
use rustc_hash::FxHashMap;

use super::{Content, DEPTH_MAX, Entry, KEYS_MAX, NODES_MAX, Node};
use crate::diagnostic::Position;

/// Longest text that is kept once however often it is written: keys, operators, names of fields.
const SHARED_BYTES_MAX: usize = 32;
/// Most texts that are.
const SHARED_MAX: usize = 4_096;

/// The value that `text` is.
pub(super) fn read(text: &str) -> Option<Node> {
    let mut reader = Reader {
        text,
        at: 0,
        nodes: 0,
        is_ascii: text.is_ascii(),
        line: 1,
        line_ends: line_end(text, 0),
        known: (0, 1),
        entries: Vec::new(),
        items: Vec::new(),
        shared: FxHashMap::default(),
    };
    let node = reader.value(0)?;
    reader.blanks();
    (reader.at == text.len()).then_some(node)
}

/// Where the line ends that `from` is in.
fn line_end(text: &str, from: usize) -> usize {
    text.as_bytes()[from..].iter().position(|byte| *byte == b'\n').map_or(usize::MAX, |end| from + end)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    nodes: usize,
    /// Whether every byte is a character.
    is_ascii: bool,
    /// The line, and where it ends.
    line: u32,
    line_ends: usize,
    /// An earlier offset in this line, and its column: places are asked for in order, so each byte is looked at once.
    known: (usize, u32),
    /// What was read of the objects and lists that are open: each takes its own once it is closed, and knows how many.
    entries: Vec<Entry>,
    items: Vec<Node>,
    /// Short texts, as they are kept.
    shared: FxHashMap<&'t str, Arc<str>>,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn position(&mut self) -> Position {
        while self.at > self.line_ends {
            self.known = (self.line_ends + 1, 1);
            self.line += 1;
            self.line_ends = line_end(self.text, self.line_ends + 1);
        }
        let (from, column) = self.known;
        let passed = if self.is_ascii {
            self.at - from
        } else {
            // Every code point has one byte that continues none.
            self.text.as_bytes()[from..self.at].iter().filter(|byte| **byte & 0xc0 != 0x80).count()
        };
        self.known = (self.at, column + passed as u32);
        Position { line: self.line, column: self.known.1 }
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        self.nodes += 1;
        if depth > DEPTH_MAX || self.nodes > NODES_MAX {
            return None;
        }
        self.blanks();
        let at = self.position();
        let content = match self.peek()? {
            b'{' => self.object(depth)?,
            b'[' => self.list(depth)?,
            b'"' => Content::Text(self.string()?),
            b't' => self.word("true", Content::Bool(true))?,
            b'f' => self.word("false", Content::Bool(false))?,
            b'n' => self.word("null", Content::Null)?,
            _ => self.number()?,
        };
        Some(Node { at, content })
    }

    fn word(&mut self, word: &str, content: Content) -> Option<Content> {
        self.text[self.at..].starts_with(word).then(|| {
            self.at += word.len();
            content
        })
    }

    fn number(&mut self) -> Option<Content> {
        let rest = &self.text[self.at..];
        let spelling = &rest[..rest.find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c)).unwrap_or(rest.len())];
        let digits = spelling.strip_prefix('-').unwrap_or(spelling);
        let leading_zero = digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit());
        if leading_zero || !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let number: Number = super::number(spelling)?;
        self.at += spelling.len();
        Some(Content::Number(number, spelling.into()))
    }

    fn list(&mut self, depth: usize) -> Option<Content> {
        let first = self.items.len();
        self.at += 1;
        self.blanks();
        if self.take(b']').is_some() {
            return Some(Content::List(Vec::new()));
        }
        loop {
            let item = self.value(depth + 1)?;
            self.items.push(item);
            self.blanks();
            if self.take(b']').is_some() {
                return Some(Content::List(self.items.drain(first..).collect()));
            }
            self.take(b',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Content> {
        let first = self.entries.len();
        self.at += 1;
        self.blanks();
        if self.take(b'}').is_some() {
            return Some(Content::Map(Vec::new()));
        }
        loop {
            self.blanks();
            let at = self.position();
            let key = self.string()?;
            let earlier = &self.entries[first..];
            if earlier.len() >= KEYS_MAX || earlier.iter().any(|entry| *entry.key == *key) {
                return None;
            }
            self.blanks();
            self.take(b':')?;
            let value = self.value(depth + 1)?;
            self.entries.push(Entry { key, at, value });
            self.blanks();
            if self.take(b'}').is_some() {
                return Some(Content::Map(self.entries.drain(first..).collect()));
            }
            self.take(b',')?;
        }
    }

    fn string(&mut self) -> Option<Arc<str>> {
        self.take(b'"')?;
        let plain = self.plain()?;
        if self.take(b'"').is_some() {
            return Some(self.share(plain));
        }
        let mut read = plain.to_owned();
        loop {
            self.take(b'\\')?;
            read.push(self.escape()?);
            read.push_str(self.plain()?);
            if self.take(b'"').is_some() {
                return Some(read.into());
            }
        }
    }

    /// What stands before the next quote, backslash or control character.
    fn plain(&mut self) -> Option<&'t str> {
        let rest = &self.text[self.at..];
        let plain = &rest[..rest.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ')?];
        self.at += plain.len();
        Some(plain)
    }

    /// The text, kept once if it is short.
    fn share(&mut self, text: &'t str) -> Arc<str> {
        if text.len() > SHARED_BYTES_MAX {
            return text.into();
        }
        if let Some(known) = self.shared.get(text) {
            return known.clone();
        }
        let kept: Arc<str> = text.into();
        if self.shared.len() < SHARED_MAX {
            self.shared.insert(text, kept.clone());
        }
        kept
    }

    fn escape(&mut self) -> Option<char> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.four_digits()?;
                if !(0xd800..0xdc00).contains(&high) {
                    return char::from_u32(high);
                }
                self.take(b'\\')?;
                self.take(b'u')?;
                let low = self.four_digits()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                return char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low);
            }
            _ => return None,
        })
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    }
}
