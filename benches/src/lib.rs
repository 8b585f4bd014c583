//! Workloads and measurements for the benchmarks.

pub mod clock;
pub mod cpu;
pub mod leads;
pub mod workload;
