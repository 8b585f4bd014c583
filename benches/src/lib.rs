//! Workloads and measurements for the benchmarks.

pub mod workload;
