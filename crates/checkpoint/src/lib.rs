//! Checkpoints: copies of a partition's state outside the log, so that a start reads what came after instead of everything.
//!
//! A checkpoint is one object in a store: a directory, or a bucket of S3, GCS or Azure. It holds state blocks with the whole
//! values of every entry ([`Writer`], [`Reader`]) and says which block of the state topic it covers ([`Header`]). What was
//! written while it was being taken may be newer than that block: restoring goes on with the blocks after the covered one,
//! and they end in the same state.
//!
//! - **CP-1**: an object is used only if all of it is what was written: magic, version, origin, checksums, totals, end.
//! - **CP-2**: an object appears under its name once it is whole: the store publishes an upload at its end. Names sort by the
//!   block they cover.
//! - **CP-3**: the blocks after every checkpoint that is kept stay in the state topic: [`Shelf::retire`] says up to where it
//!   may be trimmed.
//! - **CP-4**: nothing that is no checkpoint of this log, topic and partition is ever changed or removed.
//!
//! Absent: what entries mean, and when to take a checkpoint.

mod format;
mod frame;
mod header;
mod shelf;
mod store;

pub use format::{ENTRIES_BYTES_MAX, Entries, Reader, VERSION, Writer};
pub use frame::Damage;
pub use header::{Footer, Header, InputOffset, Origin};
pub use shelf::{KEPT_MIN, Keep, Kept, Shelf, Unusable};
pub use store::{Found, Store, StoreError, Upload, open};
