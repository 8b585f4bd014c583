//! The engine on event lines and rule files, as a user writes both.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod allocations;
mod blocks;
mod identity;
mod lookahead;
mod order;
mod scenarios;
mod support;
