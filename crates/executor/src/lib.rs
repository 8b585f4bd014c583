//! Executors: take actions from the log, carry them out over HTTP, write down what became of them.
//!
//! Input: the topics `kilat.actions.{partner,meta,webhook}.v1`, one lane each. Output: HTTP requests to partners and the
//! records of `kilat.action-results.v1`. One action's way reads top to bottom in `session.rs`; its policy (order, bounds,
//! retries) is `kilat-delivery`, what partners want is `kilat-partners`.
//!
//! - E-1: an action reaches its endpoint at least once with one idempotency key, or at most once where it says `hold`.
//! - E-2: a result and the input offset it answers are committed together; only the finished prefix is committed.
//! - E-3: the outcome of a request that got no answer is `unknown`, never `delivered`.
//! - E-4: no request goes to an address that is not public, unless the settings allow loopback.
//! - E-5: results of an action stand in the partition of the same number, so that an assignment reads its own ledger only.
//!
//! Absent: rules, and anything that decides whether an action should exist.

mod address;
mod call_report;
mod client;
mod clock;
mod conclusion;
mod config;
mod delivery;
mod gate;
mod ledger;
mod measures;
mod outbox;
mod random;
mod secrets;
mod service;
mod session;
mod wire;
mod worker;

pub use call_report::CallReport;
pub use client::{ExchangeError, Response};
pub use clock::WallClock;
pub use config::{Config, SecretsConfig};
pub use service::{Handle, StartError, Surroundings, Task, Totals, assemble, start};
pub use wire::{Answered, Wire, Wires};
