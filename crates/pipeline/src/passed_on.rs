//! Where an event came from that was passed on to another partition: a header of its record on `kilat.spread.v1`.
//!
//! *Shape:* `input/partition/offset/anchor`, decimal: index of the topic among the engine's inputs, the record's place there,
//! and the anchor of its conversation (see `kilat_engine`, spread). The record is otherwise as it came.

use std::fmt;

use kilat_log::Record;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PassedOn {
    pub(crate) input: usize,
    pub(crate) partition: u32,
    pub(crate) offset: i64,
    pub(crate) anchor: u32,
}

impl PassedOn {
    /// The header's name.
    pub(crate) const HEADER: &'static str = "kilat-passed-on";

    /// What the record says; the last such header, as it may have come with one.
    pub(crate) fn of(record: &Record<'_>) -> Option<PassedOn> {
        let mut last = None;
        record.headers.for_each(&mut |name, value| {
            if name == PassedOn::HEADER {
                last = std::str::from_utf8(value).ok().and_then(PassedOn::read);
            }
        });
        last
    }

    fn read(text: &str) -> Option<PassedOn> {
        let mut parts = text.split('/');
        let read = PassedOn {
            input: parts.next()?.parse().ok()?,
            partition: parts.next()?.parse().ok()?,
            offset: parts.next()?.parse().ok()?,
            anchor: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(read)
    }
}

impl fmt::Display for PassedOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PassedOn { input, partition, offset, anchor } = self;
        write!(f, "{input}/{partition}/{offset}/{anchor}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_where_its_event_came_from_and_others_say_nothing() {
        let passed_on = PassedOn { input: 1, partition: 7, offset: 1 << 40, anchor: u32::MAX };
        assert_eq!(PassedOn::read(&passed_on.to_string()), Some(passed_on));
        for text in ["", "1/7/9", "1/7/9/4/2", "1/7/9/-4", "a/7/9/4"] {
            assert_eq!(PassedOn::read(text), None, "{text}");
        }
    }
}
