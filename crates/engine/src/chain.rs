//! The chain of state blocks: each is numbered, and carries a hash over the one before and its own content.
//!
//! - **CH-1**: a block that is missing, repeated, exchanged or altered is refused, and nothing of it is taken in.
//! - **CH-2**: the hash hangs on the content alone, so that it is the same on every machine and in every run.
//!
//! Blocks of versions that had no chain are outside of it, and can only come before the first that is in it.

use std::fmt;

use kilat_domain::{ChainPosition, StateBlock};
use xxhash_rust::xxh3::Xxh3;

/// Why a block, or a slice of a scan, does not follow on what a partition has taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenChain {
    /// One or more blocks before it are missing.
    Missing {
        /// The sequence number that comes next.
        expected: i64,
        /// The block's.
        found: i64,
    },
    /// It was taken in before: committed blocks come once.
    Repeated {
        /// The sequence number that comes next.
        expected: i64,
        /// The block's.
        found: i64,
    },
    /// Its content, or what came before it, is not what its writer had.
    Altered {
        /// The block's sequence number.
        sequence: i64,
    },
    /// It holds what cannot be read.
    Unreadable,
    /// It tells of a lead or conversation that is not known, or is another one.
    Misplaced,
    /// It has no place in the chain, and comes after blocks that have.
    Unchained {
        /// The sequence number that comes next.
        expected: i64,
    },
}

impl fmt::Display for BrokenChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BrokenChain::Missing { expected, found } => {
                write!(f, "it is number {found} and number {expected} comes next: blocks between them are missing")
            }
            BrokenChain::Repeated { expected, found } => {
                write!(f, "it is number {found} and number {expected} comes next: it was there before")
            }
            BrokenChain::Altered { sequence } => {
                write!(
                    f,
                    "number {sequence} does not hold what was written, or follows on other blocks than it was written after"
                )
            }
            BrokenChain::Unreadable => f.write_str("what it says of a lead or conversation cannot be read"),
            BrokenChain::Misplaced => {
                f.write_str("it changes a lead or conversation that is not known, or is another one than it was")
            }
            BrokenChain::Unchained { expected } => {
                write!(f, "it has no number, and number {expected} comes next")
            }
        }
    }
}

impl std::error::Error for BrokenChain {}

/// Gives `block` its place after `position`, and moves on to it.
pub(crate) fn append(position: &mut ChainPosition, block: &mut StateBlock<'_>) {
    block.sequence = position.sequence + 1;
    block.chain = link(position.chain, block);
    *position = ChainPosition { sequence: block.sequence, chain: block.chain };
}

/// Where the chain stands after `block`, where it follows on `position`; *errors* where it does not.
pub fn follow(position: ChainPosition, block: &StateBlock<'_>) -> Result<ChainPosition, BrokenChain> {
    let (expected, found) = (position.sequence + 1, block.sequence);
    if found == 0 {
        return if position.sequence == 0 { Ok(position) } else { Err(BrokenChain::Unchained { expected }) };
    }
    if found > expected {
        return Err(BrokenChain::Missing { expected, found });
    }
    if found < expected {
        return Err(BrokenChain::Repeated { expected, found });
    }
    if block.chain != link(position.chain, block) {
        return Err(BrokenChain::Altered { sequence: found });
    }
    Ok(ChainPosition { sequence: found, chain: block.chain })
}

/// The hash over `before` and everything in the block but its own hash; never 0, which is outside the chain.
fn link(before: i64, block: &StateBlock<'_>) -> i64 {
    let StateBlock { inputs, fates, decisions, actions, lead_entries, conversation_entries, seen, disabled, .. } =
        block;
    let mut numbers = vec![before, block.partition.into(), block.sequence, block.now.0, block.rule_epoch];
    numbers.extend([block.clock.is_some().into(), block.clock.unwrap_or_default().0]);
    numbers.extend([*decisions, *actions]);
    let counts =
        [inputs.len(), fates.len(), lead_entries.as_bytes().len(), conversation_entries.as_bytes().len(), seen.len()];
    numbers.extend(counts.map(|count| count as i64));
    numbers.extend(inputs.iter().flat_map(|range| [range.input.into(), range.from, range.next]));
    numbers.extend(seen.iter().flat_map(|day| [day.day.into(), day.keys.len() as i64]));
    let mut hash = Xxh3::new();
    for number in numbers.iter().chain(fates).chain(seen.iter().flat_map(|day| &day.keys)) {
        hash.update(&number.to_le_bytes());
    }
    hash.update(lead_entries.as_bytes());
    hash.update(conversation_entries.as_bytes());
    if !disabled.is_empty() {
        hash.update(&serde_json::to_vec(disabled).expect("these records are all texts and numbers"));
    }
    hash.digest().max(1).cast_signed()
}
