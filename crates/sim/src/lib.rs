//! Simulation: the real pipeline and executors over a simulated log, internet and clock, where one seed decides everything.
//!
//! Input: a [`Plan`], which a seed makes. Output: what was broken, if anything ([`Violation`]), and how often each
//! [`Fault`] happened. The same plan gives the same run on every machine.
//!
//! Read `run.rs` first: it schedules the product's threads as fibers. `log/` is the cluster, `internet.rs` what executors
//! talk to, `invariants.rs` what must hold after a run, `shrink.rs` makes a failing run small.
//! Absent: the product's own code. Nothing here is part of it, and no fault has a hook in it.

mod clock;
mod fault;
mod fiber;
mod internet;
mod invariants;
mod log;
mod objects;
mod plan;
mod random;
mod run;
mod sabotage;
mod shrink;
mod workload;

pub use clock::SimClock;
pub use fault::{Fault, Faults};
pub use invariants::Violation;
pub use log::{Settings, SimLog};
pub use plan::Plan;
pub use random::Random;
pub use run::{Outcome, run};
pub use sabotage::Sabotage;
pub use shrink::shrink;
