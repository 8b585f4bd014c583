//! `kill -9` at random, again and again, on the embedded log; the same on Kafka is in `tests/kafka`.
//!
//! How often is set by `KILAT_KILLS` and `KILAT_EVENTS`; `cargo xtask test` does a few, a sitting at the machine hundreds.

mod harness;

use harness::{Log, engine, executor};

#[test]
fn a_killed_engine_loses_nothing_and_doubles_nothing() {
    engine::kill_and_compare(&Log::Embedded);
}

#[test]
fn a_killed_executor_delivers_every_action_under_one_key() {
    executor::kill_and_compare(&Log::Embedded);
}
