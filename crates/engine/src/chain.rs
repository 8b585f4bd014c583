//! The chain of state blocks: each is numbered, and carries a hash over the one before and its own content.
//!
//! - **CH-1**: a block that is missing, repeated, exchanged or altered is refused, and nothing of it is taken in.
//! - **CH-2**: the hash hangs on the content alone, so that it is the same on every machine and in every run.
//!
//! Blocks of versions that had no chain are outside of it, and can only come before the first that is in it.

use std::fmt;

use kilat_domain::{ChainPosition, StateBlock};
use xxhash_rust::xxh3::xxh3_64;

/// Why a block does not follow on what a partition has taken in.
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
    let StateBlock {
        partition,
        sequence,
        chain: _,
        now,
        clock,
        rule_epoch,
        inputs,
        fates,
        decisions,
        actions,
        leads,
        conversations,
        seen,
        disabled,
    } = block;
    let header = (before, partition, sequence, now, clock, rule_epoch, inputs, fates, decisions, actions);
    let content = postcard::to_stdvec(&(header, leads, conversations, seen, disabled));
    xxh3_64(&content.expect("a block's lists know their lengths")).max(1).cast_signed()
}
