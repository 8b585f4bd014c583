//! The rules crate from outside.

mod allocation;
