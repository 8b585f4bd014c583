//! CPU time of one thread, as criterion's measurement.
//!
//! The machines are small and shared, and a wall clock counts the neighbours too.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};

/// CPU nanoseconds this thread has used.
pub fn thread_cpu() -> u64 {
    // SAFETY: an all-zero timespec is a valid value of a plain C struct.
    let mut now: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live local; the clock exists on every Linux.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    assert_eq!(failed, 0, "the thread's CPU clock can be read");
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

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
