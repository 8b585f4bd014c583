//! The Confluent wire format: `0x00`, the schema id as four bytes big-endian, then Avro binary.
//!
//! Source: Confluent Schema Registry documentation, "Wire format".

use crate::DecodeError;

const MAGIC: u8 = 0x00;

/// How many bytes stand before the Avro part.
pub(crate) const HEADER_BYTES: usize = 5;

/// The schema id and the Avro part of a framed value.
pub(crate) fn split(bytes: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
    match bytes {
        [MAGIC, a, b, c, d, avro @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), avro)),
        [MAGIC, ..] | [] => Err(DecodeError::NoHeader { bytes: bytes.len() }),
        [found, ..] => Err(DecodeError::Magic { found: *found }),
    }
}

/// What stands before the Avro part of a value of this schema id.
pub(crate) fn header(id: u32) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = id.to_be_bytes();
    [MAGIC, a, b, c, d]
}
