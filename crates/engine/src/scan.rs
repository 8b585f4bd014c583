//! A partition written out as it stands, a slice at a time, while it goes on changing: for checkpoints and standby copies.
//!
//! Whoever wants a copy notes [`Partition::position`] and the offset of the next block, then asks for one slice after the other,
//! each right after a [`Partition::settle`], when everything the partition remembers is committed. The copy is an empty
//! partition that takes in the slices ([`Partition::load`]), is told the noted position ([`Partition::resume_at`]), and restores
//! the blocks from the noted offset on.
//!
//! - **SC-1**: the slices hold everything that was remembered when the first was taken; of what came later they hold some, and
//!   newer values of some. Blocks set values and never add to them, so those from the noted offset on lead to the same state.
//! - **SC-2**: a cursor stays valid whatever happens between two slices.

use kilat_domain::{ChainPosition, Entries, Entry, Packed, SeenDay, StateBlock};

use crate::chain::BrokenChain;
use crate::cutter::Cutter;
use crate::partition::{BatchHeader, Partition};
use crate::state::Cells;

/// Anchors of a slice: about 15 bytes each.
const ANCHORS_MAX: usize = 1 << 15;

/// How far a scan has come; [`Default`] is the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScanCursor(Next);

/// What comes next.
#[derive(Clone, Copy, Debug, Default)]
enum Next {
    /// Rules the loop guard has met, and how workspaces are spread: few.
    #[default]
    Disabled,
    /// The lead at this place.
    Lead(usize),
    /// The conversation at this place.
    Conversation(usize),
    /// Idempotency keys that belong at this hash.
    Seen(u64),
    /// Anchors from this place on.
    Anchors(usize),
    Nothing,
}

impl Partition {
    /// The next slice of everything the partition remembers: whole values of about so many bytes, in a block outside the chain.
    /// `None` after the last one.
    pub fn scan(&self, partition: u32, cursor: &mut ScanCursor, bytes: usize) -> Option<StateBlock<'static>> {
        let mut slice = Cutter::empty(&BatchHeader { partition, ..BatchHeader::default() }, self.now);
        match cursor.0 {
            Next::Disabled => {
                let loops = (0..).map_while(|workspace| self.state.loops_at(workspace));
                slice.disabled = loops.flatten().cloned().collect();
                slice.spreads = self.state.spreads().collect();
                cursor.0 = Next::Lead(0);
            }
            Next::Lead(from) => {
                let next = self.fill(&mut slice.lead_entries, &self.state.leads, from, bytes);
                cursor.0 = if next == from { Next::Conversation(0) } else { Next::Lead(next) };
            }
            Next::Conversation(from) => {
                let next = self.fill(&mut slice.conversation_entries, &self.state.conversations, from, bytes);
                cursor.0 = if next == from { Next::Seen(0) } else { Next::Conversation(next) };
            }
            Next::Seen(from) => {
                let (days, next): (Vec<SeenDay>, _) = self.seen.scan(from, bytes);
                slice.seen = days;
                cursor.0 = next.map_or(Next::Anchors(0), Next::Seen);
            }
            Next::Anchors(from) => {
                slice.anchors = self.anchors.scan(from, ANCHORS_MAX);
                let next = from + slice.anchors.len();
                cursor.0 = if next == from { Next::Nothing } else { Next::Anchors(next) };
            }
            Next::Nothing => return None,
        }
        Some(slice)
    }

    /// Appends what lies at `from` and after it, until `bytes` are full; where the next lies.
    fn fill<T: Packed>(&self, entries: &mut Entries<'_>, cells: &Cells<T>, from: usize, bytes: usize) -> usize {
        let mut next = from;
        cells.packed(from, |place, workspace, id, value| {
            let workspace = &self.state.workspace(workspace).name;
            entries.push(&Entry::Whole { place: Some(place), workspace, id, value });
            next += 1;
            entries.as_bytes().len() < bytes
        });
        next
    }

    /// Takes in a slice of [`Self::scan`]. Slices come in the order they were taken; one taken in twice changes nothing.
    ///
    /// *Errors:* the slice is none of those, or not the next; the partition is of no more use then.
    pub fn load(&mut self, slice: StateBlock<'_>) -> Result<(), BrokenChain> {
        self.take_in(slice)
    }

    /// Says where the chain stood when the scan began that was loaded: the next block to be restored is the one after it.
    pub fn resume_at(&mut self, position: ChainPosition) {
        self.position = position;
        self.written = position;
    }
}
