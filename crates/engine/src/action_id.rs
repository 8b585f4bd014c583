//! Deterministic action ids.

use sha2::{Digest, Sha256};

/// What an action id is made of. Replaying the event under the same rule gives the same id, and executors and receivers
/// know an action by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActionKey<'a> {
    pub(crate) workspace: &'a str,
    pub(crate) event_id: &'a str,
    pub(crate) rule: &'a str,
    pub(crate) version: i64,
    pub(crate) index: usize,
    /// Start of the episode the rule fired for, in milliseconds; 0 where it has none.
    pub(crate) episode: i64,
}

impl ActionKey<'_> {
    /// 26 characters of Crockford base32: the first 128 bits of SHA-256 over the length-prefixed parts. A cryptographic
    /// hash, because the ledger trusts the id alone and event ids are chosen by whoever produces events.
    pub(crate) fn id(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.workspace, self.event_id, self.rule] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(self.version.to_be_bytes());
        hash.update((self.index as u64).to_be_bytes());
        hash.update(self.episode.to_be_bytes());
        let digest = hash.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        crockford(u128::from_be_bytes(bytes))
    }
}

/// 128 bits as 26 characters, most significant first (the first character carries three bits), as ULIDs are written.
fn crockford(bits: u128) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    (0..26).rev().map(|place| char::from(ALPHABET[(bits >> (5 * place)) as usize & 31])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_crockford_base32() {
        // The vector of the ULID specification's reference: all bits set is 7ZZZ….
        assert_eq!(crockford(u128::MAX), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        assert_eq!(crockford(0), "00000000000000000000000000");
        assert_eq!(crockford(32), "00000000000000000000000010");
    }

    #[test]
    fn every_part_of_the_key_counts() {
        let key = ActionKey { workspace: "acme", event_id: "e1", rule: "hot", version: 1, index: 0, episode: 0 };
        let ids = [
            key.id(),
            ActionKey { workspace: "acm", event_id: "ee1", ..key }.id(),
            ActionKey { event_id: "e2", ..key }.id(),
            ActionKey { rule: "cold", ..key }.id(),
            ActionKey { version: 2, ..key }.id(),
            ActionKey { index: 1, ..key }.id(),
            ActionKey { episode: 1, ..key }.id(),
        ];
        for (i, a) in ids.iter().enumerate() {
            assert!(ids[..i].iter().all(|b| a != b), "{i}");
        }
        assert_eq!(key.id(), ids[0]);
    }
}
