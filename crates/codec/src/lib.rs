//! Bytes and lines to domain structures and back, for every topic.
//!
//! *In:* values of records in the Confluent wire format, event lines. *Out:* the structures of `kilat-domain`, borrowing
//! from the bytes where they can; and the reverse. `schemas/*.avsc` is what both sides follow.
//!
//! - **CO-1:** decoding a plain text message allocates nothing.
//! - **CO-2:** bytes from outside never panic, never recurse without bound and never allocate more than a fixed multiple of
//!   their own length.
//! - **CO-3:** every released version of a schema stays readable (`BACKWARD_TRANSITIVE`).
//!
//! A value of the newest version is read and written guided by the types (`reader`, `event_reader`, `writer`), one of an
//! older version by the names in its schema (`by_name`, with `serde_avro_fast`). apache-avro checks both in the tests.
//!
//! Absent by design: Kafka, a registry client, clocks, and any meaning of what is decoded.

mod by_name;
pub mod cloudevents;
mod decode;
mod encode;
mod error;
mod event_reader;
mod framing;
pub mod json;
mod reader;
mod schemas;
mod topics;
pub mod traceparent;
mod writer;

pub use decode::{
    decode_action, decode_action_result, decode_decision, decode_event, decode_event_into, decode_explanation,
    decode_lead, decode_rule_set, decode_rule_status, decode_spread_step, decode_state_block, is_spread_step,
};
pub use encode::Encoder;
pub use error::{DecodeError, EncodeError, WriteError};
pub use schemas::Schema;
pub use topics::{Key, Topic, UnknownTopic, dlq_name};

/// The longest value of an input record, in bytes; longer ones are poison.
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// The longest value of the topics only Kilat itself writes in bulk (rule sets and state blocks), in bytes.
pub const BLOCK_BYTES_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests;
