//! CloudEvents in Kafka's binary mode: the attributes of an event as record headers.
//!
//! In: what a record is and where it comes from. Out: its headers, borrowed from a buffer that is used again.
//!
//! - **CE-1:** `ce_source` and `ce_id` together are unique: events and actions keep their ids, all others append what they
//!   are, such as `e7/decision`.
//!
//! Sources: CloudEvents 1.0.2; CloudEvents Kafka protocol binding 1.0.2, section 3.2.

use std::io::Write;

use kilat_domain::{EventKind, Timestamp};

use crate::{Schema, traceparent};

/// The most headers a record gets.
pub const HEADERS_MAX: usize = 7;

/// What a record says, for its `ce_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An event: `kilat.message.created` and so on.
    Event(EventKind),
    /// Any other record: `kilat.decision.v1` and so on.
    Record(Schema),
}

/// What the headers of a record are made of.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    /// What it says.
    pub kind: Kind,
    /// The id of what it is about: event id, action id, lead id, rule set hash …
    pub id: &'a str,
    /// Whose it is.
    pub workspace: &'a str,
    /// When it happened.
    pub at: Timestamp,
    /// The trace it belongs to, passed through as it came.
    pub traceparent: Option<&'a [u8]>,
}

/// The headers of one record; one buffer for all of them, used again for the next record.
#[derive(Debug, Default)]
pub struct Headers {
    buffer: Vec<u8>,
}

/// The headers of one record.
#[derive(Clone, Copy, Debug)]
pub struct List<'h> {
    headers: [(&'static str, &'h [u8]); HEADERS_MAX],
    count: usize,
}

impl Headers {
    /// A buffer that has not been used yet.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// The headers of a record.
    pub fn of<'h>(&'h mut self, attributes: &Attributes<'h>) -> List<'h> {
        self.buffer.clear();
        let id = self.put(|buffer| {
            buffer.extend_from_slice(attributes.id.as_bytes());
            if let Kind::Record(schema) = attributes.kind
                && schema != Schema::Action
            {
                buffer.push(b'/');
                buffer.extend_from_slice(schema.name().as_bytes());
            }
        });
        let kind = self.put(|buffer| {
            buffer.extend_from_slice(b"kilat.");
            match attributes.kind {
                Kind::Event(kind) => buffer.extend_from_slice(kind.as_str().as_bytes()),
                Kind::Record(schema) => {
                    buffer.extend_from_slice(schema.name().as_bytes());
                    buffer.extend_from_slice(b".v1");
                }
            }
        });
        let source = self.put(|buffer| {
            buffer.extend_from_slice(b"kilat/");
            buffer.extend_from_slice(attributes.workspace.as_bytes());
        });
        let time = self.put(|buffer| {
            // Writing to a vector does not fail.
            let _ = write!(buffer, "{}", attributes.at);
        });
        let buffer = &self.buffer;
        let mut list = List {
            headers: [
                ("ce_specversion", b"1.0"),
                ("ce_id", &buffer[id]),
                ("ce_type", &buffer[kind]),
                ("ce_source", &buffer[source]),
                ("ce_time", &buffer[time]),
                ("content-type", b"application/avro"),
                (traceparent::NAME, b""),
            ],
            count: HEADERS_MAX - 1,
        };
        if let Some(value) = attributes.traceparent {
            list.headers[HEADERS_MAX - 1].1 = value;
            list.count = HEADERS_MAX;
        }
        list
    }

    fn put(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> std::ops::Range<usize> {
        let start = self.buffer.len();
        write(&mut self.buffer);
        start..self.buffer.len()
    }
}

impl<'h> std::ops::Deref for List<'h> {
    type Target = [(&'static str, &'h [u8])];

    fn deref(&self) -> &Self::Target {
        &self.headers[..self.count]
    }
}
