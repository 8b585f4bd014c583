//! The pipeline: from records on the input topics to committed decisions, actions and state.
//!
//! Read `worker.rs` top to bottom: it is a record's way from bytes to commit.
//!
//! - **PIPE-1**: an event is evaluated under one rule-set snapshot; a batch takes its snapshot once.
//! - **PIPE-2**: outputs, state block and input offsets of a batch are one transaction.
//! - **PIPE-3**: no record of a partition is evaluated before the partition's state is restored.
//! - **PIPE-4**: state in memory is dropped with the member whose commit failed; it is never ahead of the log.
//! - **PIPE-5**: a record that cannot be read goes to the dead-letter topic of its topic, and the partition goes on.
//!
//! Absent: HTTP, and what rules mean.

pub mod audit;
mod catch_up;
mod checkpoints;
mod config;
mod memory;
mod outputs;
mod passed_on;
mod recorded;
mod registry;
pub mod replay;
mod restore;
mod rules_follower;
mod service;
mod standby;
mod totals;
mod worker;

pub use checkpoints::{CheckpointConfig, StoreProperties};
pub use config::{Config, StandbyCopies, Topics};
pub use memory::Queues;
pub use registry::{Registry, Snapshot};
pub use restore::{RestoreError, RestoreStatus};
pub use service::{Health, PipelineError, Service, Task};
pub use totals::{Totals, TotalsSnapshot};
