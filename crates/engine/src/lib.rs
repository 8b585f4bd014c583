//! One partition's deterministic state machine: `(state, event, rule set, now) → (state', decisions)`.
//!
//! Input: events of one partition in order, each with the rule set of its workspace and the time its record was appended.
//! Output: decisions and actions through [`Outputs`], and one [state block](kilat_domain::StateBlock) per batch.
//!
//! - **ENG-1**: the same events, rule sets and times give the same outputs and the same blocks, byte for byte.
//! - **ENG-2**: a state restored from its blocks goes on exactly as the one that wrote them.
//! - **ENG-3**: an event whose id, or account and message id, was seen within eight days has no effect (D-33).
//! - **ENG-4**: an event that matches nothing costs no heap allocation, once buffers have grown.
//! - **ENG-6**: blocks form a chain, and one that does not follow on what was restored is refused ([`BrokenChain`]).
//! - **ENG-5**: a chain of caused events ends: depth is bounded, and a rule in a cycle is refused (D-38).
//!
//! Absent: clocks, I/O, and how the bytes of the topics look.

mod action_id;
mod anchors;
mod caused;
mod chain;
mod cutter;
mod directory;
mod fold;
mod guard;
mod identity;
mod memory;
mod outputs;
mod partition;
mod parts_hasher;
mod pass;
mod prefetch;
mod resting;
mod scan;
mod seen;
mod slots;
mod spread;
mod state;

pub use chain::{BrokenChain, follow};
pub use outputs::Outputs;
pub use partition::{Applied, BatchHeader, Foreseen, Partition};
pub use scan::ScanCursor;
