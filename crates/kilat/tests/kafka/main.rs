//! The service on a real Apache Kafka: needs `KILAT_KAFKA`, which `cargo xtask test` sets.

#[path = "../kill/harness/mod.rs"]
mod harness;

use harness::{Log, engine, executor};

/// The cluster; `None`, said loudly, where there is none.
fn cluster(test: &str) -> Option<Log> {
    let brokers = std::env::var("KILAT_KAFKA").ok();
    if brokers.is_none() {
        eprintln!("SKIPPED {test}: KILAT_KAFKA is not set; `cargo xtask test` starts a broker and sets it");
    }
    brokers.map(Log::Kafka)
}

// One test, as both use the topics of the one cluster.
#[test]
fn killed_processes_lose_nothing_and_double_nothing() {
    let Some(log) = cluster("killed_processes_lose_nothing_and_double_nothing") else { return };
    engine::kill_and_compare(&log);
    executor::kill_and_compare(&log);
}
