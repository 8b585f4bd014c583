//! The rules crate from outside.

mod allocation;
mod bad_files;
