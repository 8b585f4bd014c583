//! The `traceparent` header: which trace a record belongs to, carried from the input record to the HTTP call.
//!
//! Source: W3C Trace Context, Recommendation of 2021-11-23, section 3.2; version 00 only.

use std::fmt;

/// The header's name, in Kafka and in HTTP.
pub const NAME: &str = "traceparent";

/// The length of the header's value.
pub const BYTES: usize = 55;

/// A place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Traceparent {
    /// The trace; never 0.
    trace_id: u128,
    /// The span that caused what carries the header; never 0.
    span_id: u64,
    /// The lowest bit says whether the trace is recorded.
    flags: u8,
}

/// A value that is no `traceparent` of version 00; the record is processed without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent of version 00")]
pub struct TraceparentError;

/// Reads a header's value.
pub fn parse(value: &[u8]) -> Result<Traceparent, TraceparentError> {
    let [b'0', b'0', b'-', rest @ ..] = value else { return Err(TraceparentError) };
    let (trace_id, rest) = hex(rest, 32)?;
    let (span_id, rest) = hex(after_dash(rest)?, 16)?;
    let (flags, rest) = hex(after_dash(rest)?, 2)?;
    if trace_id == 0 || span_id == 0 || !rest.is_empty() {
        return Err(TraceparentError);
    }
    // Sixteen digits fit in 64 bits, two in 8.
    Ok(Traceparent { trace_id, span_id: span_id as u64, flags: flags as u8 })
}

/// The place one step below `parent` in the same trace; `span_id` is this step's own. The format has no span 0: it
/// becomes 1.
pub fn child(parent: Traceparent, span_id: u64) -> Traceparent {
    Traceparent { span_id: span_id.max(1), ..parent }
}

impl Traceparent {
    /// The trace's id.
    pub fn trace_id(self) -> u128 {
        self.trace_id
    }

    /// The span's id.
    pub fn span_id(self) -> u64 {
        self.span_id
    }

    /// Whether the trace is recorded.
    pub fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

fn after_dash(text: &[u8]) -> Result<&[u8], TraceparentError> {
    text.strip_prefix(b"-").ok_or(TraceparentError)
}

/// The number in the first `digits` lower-case hexadecimal digits, and what follows.
fn hex(text: &[u8], digits: usize) -> Result<(u128, &[u8]), TraceparentError> {
    let (number, rest) = text.split_at_checked(digits).ok_or(TraceparentError)?;
    let mut value = 0_u128;
    for digit in number {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return Err(TraceparentError),
        };
        value = value << 4 | u128::from(digit);
    }
    Ok((value, rest))
}
