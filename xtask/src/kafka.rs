//! A real Apache Kafka on loopback, for tests, benches and work by hand.
//!
//! In: number of nodes, optionally a port. Out: a `Cluster` that answers, and its bootstrap addresses.
//!
//! - `jars` fetches the release from Maven Central, once.
//! - `run_dir` gives every run its own folder under `target/kafka/runs/` and sweeps those whose owner died.
//! - `node` is one JVM: its settings, start, stop, log. `probe` asks it whether it serves.
//! - `cluster` puts them together; dropping it ends its nodes. `by_hand` is `cargo xtask kafka …`.
//!
//! Invariants: loopback only; processes are ended by id, after a look at their command line.

pub(crate) mod by_hand;
mod cluster;
mod jars;
mod node;
mod probe;
mod run_dir;

pub(crate) use cluster::{Cluster, Settings};
pub(crate) use jars::{Jars, ToolMissing};
pub(crate) use node::Jvm;
