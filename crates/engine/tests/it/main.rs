//! The engine on event lines and rule files, as a user writes both.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod allocations;
mod bad_events;
mod blocks;
mod budget;
mod explain;
mod firing;
mod foreign_blocks;
mod history;
mod identity;
mod lookahead;
mod operators;
mod order;
mod refused;
mod scan;
mod scanned;
mod scenarios;
mod spread;
mod support;
