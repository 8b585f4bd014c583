//! Dead letters: records that can never succeed, kept with their cause.
//!
//! In: a record and why it is refused. Out: a record of `<topic>.dlq` with the same key and value, its own headers, and
//! those of Kafka Connect's dead-letter queue, so that the same tools read them, plus our stable code.
//! Source: Apache Kafka, KIP-298.

use std::convert::Infallible;

use crate::Transaction;

/// Bytes of a value that are kept: under Kafka's default limit of 1 MiB a record, with room for headers. What is cut is
/// found whole at the offset the headers name.
const VALUE_BYTES_KEPT: usize = 1_000_000;

/// A record that can never succeed, and why.
#[derive(Clone, Copy, Debug)]
pub struct DeadLetter<'a> {
    /// Who refuses it, such as `kilat-engine`.
    pub by: &'a str,
    /// Its topic.
    pub topic: &'a str,
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
    /// Its own headers.
    pub headers: &'a [(String, Vec<u8>)],
    /// Our stable code of the cause.
    pub code: &'a str,
    /// The cause in words.
    pub cause: &'a str,
}

impl DeadLetter<'_> {
    /// Appends it to the dead-letter topic at `output`.
    pub fn append(&self, transaction: &mut Transaction, output: usize) {
        let (partition, offset) = (self.partition.to_string(), self.offset.to_string());
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let cause: [(&str, &[u8]); 7] = [
            ("__connect.errors.topic", self.topic.as_bytes()),
            ("__connect.errors.partition", partition.as_bytes()),
            ("__connect.errors.offset", offset.as_bytes()),
            ("__connect.errors.connector.name", self.by.as_bytes()),
            ("__connect.errors.stage", b"VALUE_CONVERTER"),
            ("__connect.errors.exception.message", self.cause.as_bytes()),
            ("kilat.error.code", self.code.as_bytes()),
        ];
        let headers: Vec<(&str, &[u8])> = own.chain(cause).collect();
        let kept = &self.value[..self.value.len().min(VALUE_BYTES_KEPT)];
        let appended = transaction.append(output, None, self.key, &headers, |bytes| {
            bytes.extend_from_slice(kept);
            Ok::<(), Infallible>(())
        });
        match appended {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
}
