//! Which bytes are common in messages, to choose what to look for.
//!
//! In: a gram. Out: how common it is likely to be in folded text; only the order matters.
//! Source: letter frequencies of Indonesian and English as textbooks give them, rounded; anything beyond ASCII is taken
//! for rarer than the common letters, as most texts are Latin, and no rarer than the uncommon ones, as some are not.

/// Letters and the blank, commonest first.
const COMMON: &[u8] = b" aeinortskdulmgpbhycwfjvzqx";

/// How common a gram of up to eight bytes is likely to be.
pub(super) fn commonness(gram: u64) -> u32 {
    gram.to_le_bytes().into_iter().filter(|byte| *byte != 0).map(of_byte).sum()
}

/// About the logarithm of the byte's frequency.
fn of_byte(byte: u8) -> u32 {
    match COMMON.iter().position(|common| *common == byte) {
        Some(place) => (COMMON.len() - place) as u32 + 8,
        None if byte.is_ascii_digit() => 12,
        None if byte.is_ascii() => 6,
        None => 14,
    }
}
