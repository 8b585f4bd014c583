//! 64-bit hashes over several texts.
//!
//! The length of each part is hashed with it, so that (`ab`, `c`) is not (`a`, `bc`) and an empty part is not an absent
//! one. The parts are gathered in a buffer that is used again: for a hundred bytes, starting a streaming hasher costs more
//! than the hash.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

/// Hashes texts that belong together.
#[derive(Debug, Default)]
pub(crate) struct PartsHasher {
    bytes: Vec<u8>,
}

impl PartsHasher {
    pub(crate) fn hash<'a>(&mut self, parts: impl IntoIterator<Item = Option<&'a str>>) -> u64 {
        self.bytes.clear();
        for part in parts {
            let length = part.map_or(u32::MAX, |part| part.len() as u32);
            self.bytes.extend_from_slice(&length.to_le_bytes());
            self.bytes.extend_from_slice(part.unwrap_or_default().as_bytes());
        }
        xxh3_64(&self.bytes)
    }
}

/// A keyed hash of an id within a workspace: each workspace has a key of its own.
pub(crate) fn identity(seed: u64, workspace: u32, id: &str) -> u128 {
    xxh3_128_with_seed(id.as_bytes(), seed.wrapping_add(u64::from(workspace).wrapping_mul(ODD)))
}

/// Odd, and otherwise arbitrary.
const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let mut hasher = PartsHasher::default();
        let mut hash = |parts: &[Option<&str>]| hasher.hash(parts.iter().copied());
        assert_ne!(hash(&[Some("ab"), Some("c")]), hash(&[Some("a"), Some("bc")]));
        assert_ne!(hash(&[Some("a"), None]), hash(&[Some("a"), Some("")]));
        assert_eq!(hash(&[Some("ab"), Some("c")]), hash(&[Some("ab"), Some("c")]));
    }
}
