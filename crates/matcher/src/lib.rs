//! TBD
#![forbid(unsafe_code)]
mod fold;
mod unicode;
pub use fold::{OffsetMap, fold, fold_into, fold_with_offsets};
