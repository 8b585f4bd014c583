//! Dead letters: a record that can never be an action, as it was, with its cause in the headers.
//!
//! Source: the header names of Kafka Connect's dead letter queue (KIP-298), plus our error code.

use std::error::Error;

use kilat_log::Transaction;

/// A poison record, as it was taken.
pub(crate) struct Poison<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: u32,
    pub(crate) offset: i64,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// Appends a poison record to the dead letter topic at `output`.
pub(crate) fn append(transaction: &mut Transaction, output: usize, poison: &Poison<'_>, code: &str, cause: &dyn Error) {
    let (partition, offset) = (poison.partition.to_string(), poison.offset.to_string());
    let message = cause.to_string();
    let headers: [(&str, &[u8]); 7] = [
        ("__connect.errors.topic", poison.topic.as_bytes()),
        ("__connect.errors.partition", partition.as_bytes()),
        ("__connect.errors.offset", offset.as_bytes()),
        ("__connect.errors.connector.name", b"kilat-executor"),
        ("__connect.errors.stage", b"VALUE_CONVERTER"),
        ("__connect.errors.exception.message", message.as_bytes()),
        ("kilat.error.code", code.as_bytes()),
    ];
    let copied: Result<(), std::convert::Infallible> = transaction.append(output, None, poison.key, &headers, |out| {
        out.extend_from_slice(poison.value);
        Ok(())
    });
    match copied {
        Ok(()) => {}
        Err(never) => match never {},
    }
}
