//! The executor role on the embedded log against HTTP endpoints on loopback, with faults of the log in between.

#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is not there")]

mod endpoint;
mod faulty;
mod house;

mod deliveries;
mod refusals;
mod restarts;
