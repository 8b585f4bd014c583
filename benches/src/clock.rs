//! CPU time of one thread.
//!
//! The machines are small and shared, and a wall clock counts the neighbours too.

/// CPU nanoseconds this thread has used.
pub fn thread_cpu() -> u64 {
    // SAFETY: an all-zero timespec is a valid value of a plain C struct.
    let mut now: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live local; the clock exists on every Linux.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    assert_eq!(failed, 0, "the thread's CPU clock can be read");
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
