//! A/B splits: which side of a split a lead is on (F-222).
//!
//! In: the name of a split and a lead's id. Out: a number from 0 to 99, the same for ever: it hangs on these two texts and
//! nothing else, so that restarts, edits of rules and the number of workspaces do not move anybody. A half is
//! `split.NAME < 50`; a rollout that grows from 1 to 100 percent keeps those it has; leads fall differently for each name.
//!
//! The number is SHA-256 of `NAME:LEAD`, its first eight bytes as a big-endian number, modulo 100: anybody can work it out
//! again where results are counted.

use sha2::{Digest, Sha256};

/// How many sides there are.
const SIDES: u64 = 100;

/// The side of the split that the lead is on.
pub(crate) fn side(split: &str, lead: &str) -> u8 {
    let mut hash = Sha256::new();
    for part in [split, ":", lead] {
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    u8::try_from(u64::from_be_bytes(head) % SIDES).unwrap_or(0)
}

#[cfg(test)]
mod tests;
