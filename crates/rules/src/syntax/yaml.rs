//! Reads YAML documents, with places.
//!
//! In: text. Out: a node per document that could be read; findings for the rest.
//! The parser gives events; the tree is built on a stack of our own, so that depth costs no call frames, and an alias is a
//! copy that counts against [`NODES_MAX`].

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{Content, DEPTH_MAX, Entry, KEYS_MAX, NODES_MAX, Node};
use crate::codes;
use crate::diagnostic::{Position, Report};

/// Reads every document of `text`; stops at the first place that is no YAML.
pub(super) fn read(text: &str, report: &mut Report) -> Vec<Node> {
    let mut builder = Builder { report, open: Vec::new(), anchors: HashMap::new(), nodes: 0, documents: Vec::new() };
    for event in Parser::new_from_str(text) {
        let more = match event {
            Ok((event, span)) => builder.event(event, position(span.start)),
            Err(error) => {
                builder.report.add(
                    codes::SYNTAX,
                    position(*error.marker()),
                    format!("this is not YAML: {}", error.info()),
                    "check quotes, brackets and indentation at this place",
                );
                None
            }
        };
        if more.is_none() {
            break;
        }
    }
    builder.documents
}

fn position(marker: saphyr_parser::Marker) -> Position {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position { line: number(marker.line()), column: number(marker.col() + 1) }
}

/// A list or object that is not closed yet.
struct Open {
    at: Position,
    anchor: usize,
    content: Content,
    /// The key whose value comes next, in an object.
    key: Option<(Arc<str>, Position)>,
}

struct Builder<'r> {
    report: &'r mut Report,
    open: Vec<Open>,
    /// Anchored nodes with their sizes.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    documents: Vec<Node>,
}

impl Builder<'_> {
    /// Takes one event; `None` after a finding that makes the rest of the file unreadable.
    fn event(&mut self, event: Event<'_>, at: Position) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_string = tag.is_some_and(|tag| tag.suffix == "str");
                let content = match style {
                    ScalarStyle::Plain if !is_string => plain(&text),
                    _ => Content::Text(text.as_ref().into()),
                };
                let spelling = text.into_owned();
                self.close(Node { at, content }, anchor, 1, Some(spelling))
            }
            Event::SequenceStart(anchor, _) => self.start(at, anchor, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.start(at, anchor, Content::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop()?;
                let node = Node { at: open.at, content: open.content };
                let size = if open.anchor > 0 { size(&node) } else { 0 };
                self.close(node, open.anchor, size, None)
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    self.report.add(
                        codes::UNKNOWN_ANCHOR,
                        at,
                        "the alias refers to a value that is not complete here",
                        "put the anchor before the alias, and not around it",
                    );
                    return None;
                };
                self.count(at, size)?;
                self.close(node, 0, 0, None)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Some(())
            }
        }
    }

    fn start(&mut self, at: Position, anchor: usize, content: Content) -> Option<()> {
        self.count(at, 1)?;
        let awaits_key =
            self.open.last().is_some_and(|open| matches!(open.content, Content::Map(_)) && open.key.is_none());
        if awaits_key {
            self.report.add(codes::WRONG_TYPE, at, "a key must be text", "write the key as one word or in quotes");
            return None;
        }
        if self.open.len() >= DEPTH_MAX {
            self.report.add(
                codes::FILE_TOO_LARGE,
                at,
                format!("values nest deeper than {DEPTH_MAX} levels"),
                "flatten this part of the file",
            );
            return None;
        }
        self.open.push(Open { at, anchor, content, key: None });
        Some(())
    }

    /// Puts a finished node where it belongs; `spelling` is there for scalars, which may be keys.
    fn close(&mut self, node: Node, anchor: usize, size: usize, spelling: Option<String>) -> Option<()> {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        if spelling.is_some() {
            self.count(node.at, 1)?;
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Some(());
        };
        match (&mut open.content, open.key.take()) {
            (Content::List(items), _) => items.push(node),
            (Content::Map(entries), Some((key, at))) => entries.push(Entry { key, at, value: node }),
            (Content::Map(entries), None) => {
                let Some(key) = spelling else {
                    self.report.add(codes::WRONG_TYPE, node.at, "a key must be text", "write the key out");
                    return None;
                };
                if entries.len() >= KEYS_MAX {
                    let message = format!("an object has more than {KEYS_MAX} keys");
                    self.report.add(codes::FILE_TOO_LARGE, node.at, message, "make it a list, or several objects");
                    return None;
                }
                // A repeated key is reported and read on under a name nobody asks for.
                let repeats = entries.iter().any(|entry| *entry.key == *key);
                if repeats {
                    let message = format!("`{key}` stands here for the second time");
                    self.report.add(codes::DUPLICATE_KEY, node.at, message, "keep one of the two");
                    open.key = Some((REPEATED.into(), node.at));
                } else {
                    open.key = Some((key.into(), node.at));
                }
            }
            _ => {}
        }
        Some(())
    }

    fn count(&mut self, at: Position, nodes: usize) -> Option<()> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > NODES_MAX {
            self.report.add(
                codes::FILE_TOO_LARGE,
                at,
                format!("the file has more than {NODES_MAX} values, aliases counted as copies"),
                "split it by workspace, or write out what the aliases repeat",
            );
            return None;
        }
        Some(())
    }
}

/// The key a repeated key is kept under: no reader knows it, and none complains about it.
pub(crate) const REPEATED: &str = "\0repeated";

fn size(node: &Node) -> usize {
    match &node.content {
        Content::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Content::Map(entries) => 1 + entries.iter().map(|entry| 1 + size(&entry.value)).sum::<usize>(),
        _ => 1,
    }
}

/// An unquoted scalar by YAML's core schema.
fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "true" | "True" | "TRUE" => Content::Bool(true),
        "false" | "False" | "FALSE" => Content::Bool(false),
        _ => match super::number(text) {
            Some(number) => Content::Number(number, text.into()),
            None => Content::Text(text.into()),
        },
    }
}
