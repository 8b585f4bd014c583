//! CPU time of one thread, as criterion's measurement.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};

use crate::clock::thread_cpu;

/// Measures CPU time of the benchmark's thread, in nanoseconds.
pub struct ThreadCpu;

impl Measurement for ThreadCpu {
    type Intermediate = u64;
    type Value = u64;

    fn start(&self) -> u64 {
        thread_cpu()
    }

    fn end(&self, start: u64) -> u64 {
        thread_cpu() - start
    }

    fn add(&self, a: &u64, b: &u64) -> u64 {
        a + b
    }

    fn zero(&self) -> u64 {
        0
    }

    fn to_f64(&self, value: &u64) -> f64 {
        *value as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}
