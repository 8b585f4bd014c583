//! Dead letters: records that can never succeed, kept with their cause.
//!
//! The headers are those of Kafka Connect's dead-letter queue, so that the same tools read them, plus our stable code.
//! Source: Apache Kafka, KIP-298.

use kilat_log::{Record, Transaction};

/// Appends `record` to the dead-letter topic at `output` with the cause.
pub(crate) fn append(
    transaction: &mut Transaction,
    output: usize,
    topic: &str,
    record: &Record<'_>,
    code: &str,
    cause: &str,
) {
    let partition = record.partition.to_string();
    let offset = record.offset.to_string();
    let headers = [
        ("__connect.errors.topic", topic.as_bytes()),
        ("__connect.errors.partition", partition.as_bytes()),
        ("__connect.errors.offset", offset.as_bytes()),
        ("__connect.errors.stage", b"VALUE_CONVERTER".as_slice()),
        ("__connect.errors.exception.message", cause.as_bytes()),
        ("kilat.error.code", code.as_bytes()),
    ];
    let key = record.key.unwrap_or_default();
    // A record over the size limit is cut: the offset header finds the whole of it in its own topic.
    let value = record.value.unwrap_or_default();
    let kept = &value[..value.len().min(VALUE_BYTES_KEPT)];
    let appended = transaction.append(output, None, key, &headers, |bytes| {
        bytes.extend_from_slice(kept);
        Ok::<(), std::convert::Infallible>(())
    });
    match appended {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

/// Bytes of a dead letter's value that are kept: under Kafka's default limit of 1 MiB a record, with room for headers.
const VALUE_BYTES_KEPT: usize = 1_000_000;
