//! The pipeline on the embedded log: rule sets that go live, records that cannot be read, stops and starts.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod ahead;
mod audit;
mod checkpoints;
mod hiding;
mod house;
mod memory;
mod partition_counts;
mod poison;
mod replay;
mod restart;
mod rule_sets;
mod spread;
mod stale;
mod standby;
