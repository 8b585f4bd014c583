//! Dead letters: a record that can never be an action, as it was, with its cause in the headers.
//!
//! Source: the header names of Kafka Connect's dead letter queue (KIP-298), plus our error code.

use std::error::Error;

/// A poison record, as it was taken.
pub(crate) struct Poison<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: u32,
    pub(crate) offset: i64,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) headers: &'a [(String, Vec<u8>)],
}

/// The headers of a dead letter.
pub(crate) struct Headers<'a> {
    own: &'a [(String, Vec<u8>)],
    topic: &'a str,
    partition: String,
    offset: String,
    message: String,
    code: &'a str,
}

impl<'a> Headers<'a> {
    pub(crate) fn of(poison: &Poison<'a>, code: &'a str, cause: &dyn Error) -> Self {
        let (partition, offset) = (poison.partition.to_string(), poison.offset.to_string());
        Headers { own: poison.headers, topic: poison.topic, partition, offset, message: cause.to_string(), code }
    }

    /// Its own, then the cause.
    pub(crate) fn list(&self) -> Vec<(&str, &[u8])> {
        let own = self.own.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let cause: [(&str, &[u8]); 7] = [
            ("__connect.errors.topic", self.topic.as_bytes()),
            ("__connect.errors.partition", self.partition.as_bytes()),
            ("__connect.errors.offset", self.offset.as_bytes()),
            ("__connect.errors.connector.name", b"kilat-executor"),
            ("__connect.errors.stage", b"VALUE_CONVERTER"),
            ("__connect.errors.exception.message", self.message.as_bytes()),
            ("kilat.error.code", self.code.as_bytes()),
        ];
        own.chain(cause).collect()
    }
}
