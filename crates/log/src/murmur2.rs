//! Which partition a key belongs to, as Kafka's Java client decides it.
//!
//! Input: key bytes, a partition count. Output: the partition. So every Kafka client lands a record where this log does.
//!
//! Source: Apache Kafka 4.3, `org.apache.kafka.common.utils.Utils.murmur2` (MurmurHash2, 32 bit, seed 0x9747b28c) and
//! `BuiltInPartitioner.partitionForKey` (sign bit cleared, then the remainder).

/// The partition of `key` among `partitions`, which is at least 1.
pub fn partition_of(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions
}

fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    // The Java length is an `int`; keys are far below 2 GiB.
    let mut hash = SEED ^ (bytes.len() as u32);
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (index, &byte) in rest.iter().enumerate() {
            hash ^= u32::from(byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests;
