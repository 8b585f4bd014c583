//! Workloads and measurements for the benchmarks.

pub mod cpu;
pub mod workload;
