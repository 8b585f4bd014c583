//! The chain of state blocks: each is numbered, and carries a hash over the one before and its own content.
//!
//! - **CH-1**: a block that is missing, repeated, exchanged or altered is refused, and nothing of it is taken in.
//! - **CH-2**: the hash hangs on the content alone, so that it is the same on every machine and in every run.
//!
//! Blocks of versions that had no chain are outside of it, and can only come before the first that is in it. Blocks of versions
//! whose content had another form keep their place in it, and nothing but their order is checked.

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
    // What the hash of an older block was taken over is no longer there: its order is checked, and its hash believed.
    if !block.is_older && block.chain != link(position.chain, block) {
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
        is_older: _,
        now,
        clock,
        rule_epoch,
        inputs,
        fates,
        decisions,
        actions,
        lead_entries,
        conversation_entries,
        seen,
        disabled,
        anchors,
        spreads,
    } = block;
    let mut feed = Feed::default();
    feed.numbers([before, i64::from(*partition), *sequence, now.0]);
    feed.numbers([i64::from(clock.is_some()), clock.unwrap_or_default().0, *rule_epoch, *decisions, *actions]);
    feed.list(inputs, |feed, range| feed.numbers([i64::from(range.input), range.from, range.next]));
    feed.list(fates, |feed, run| feed.numbers([*run]));
    feed.list(seen, |feed, day| {
        feed.numbers([i64::from(day.day)]);
        feed.list(&day.keys, |feed, key| feed.numbers([*key]));
    });
    feed.list(disabled, |feed, rule| {
        feed.bytes(rule.workspace.as_bytes());
        feed.bytes(rule.rule.as_bytes());
        feed.numbers([rule.version, i64::from(rule.disabled)]);
        feed.list(&rule.hits, |feed, hit| {
            feed.bytes(hit.conversation.as_bytes());
            feed.numbers([hit.at.0]);
        });
    });
    feed.bytes(lead_entries.as_bytes());
    feed.bytes(conversation_entries.as_bytes());
    // Blocks of a version that had neither have the hash of blocks that have none.
    if !anchors.is_empty() || !spreads.is_empty() {
        feed.list(anchors, |feed, anchor| feed.numbers([anchor.key, i64::from(anchor.anchor)]));
        feed.list(spreads, |feed, spread| {
            feed.bytes(spread.workspace.as_bytes());
            feed.numbers([i64::from(spread.shares), i64::from(spread.to), spread.waiting]);
        });
    }
    feed.0.digest().max(1).cast_signed()
}

/// What is hashed: fields in a fixed order, texts and lists behind their lengths, so that no two contents are fed alike. Packed
/// entries carry the type of every value.
#[derive(Default)]
struct Feed(Xxh3);

impl Feed {
    fn numbers<const N: usize>(&mut self, numbers: [i64; N]) {
        numbers.iter().for_each(|number| self.0.update(&number.to_le_bytes()));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.numbers([bytes.len() as i64]);
        self.0.update(bytes);
    }

    fn list<T>(&mut self, items: &[T], each: impl Fn(&mut Feed, &T)) {
        self.numbers([items.len() as i64]);
        items.iter().for_each(|item| each(self, item));
    }
}
