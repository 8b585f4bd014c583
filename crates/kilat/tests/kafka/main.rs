//! The service on a real Apache Kafka: needs `KILAT_KAFKA`, which `cargo xtask test` sets.

#[path = "../kill/harness/mod.rs"]
mod harness;

use std::path::Path;

use harness::{Log, engine, executor};

/// The cluster; `None`, said loudly, where there is none.
fn cluster(test: &str, checkpoints: &Path) -> Option<Log> {
    let brokers = std::env::var("KILAT_KAFKA").ok();
    if brokers.is_none() {
        eprintln!("SKIPPED {test}: KILAT_KAFKA is not set; `cargo xtask test` starts a broker and sets it");
    }
    let checkpoints = checkpoints.to_owned();
    brokers.map(|brokers| Log::Kafka { brokers, checkpoints })
}

// One test, as both use the topics of the one cluster.
#[test]
fn killed_processes_lose_nothing_and_double_nothing() {
    let checkpoints = tempfile::tempdir().expect("a temporary directory");
    let test = "killed_processes_lose_nothing_and_double_nothing";
    let Some(log) = cluster(test, checkpoints.path()) else { return };
    engine::kill_and_compare(&log);
    engine::take_over_and_compare(&log);
    executor::kill_and_compare(&log);
}
