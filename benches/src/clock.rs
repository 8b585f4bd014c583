//! CPU time, of one thread or of the whole process.
//!
//! The machines are small and shared, and a wall clock counts the neighbours too.

/// CPU nanoseconds this thread has used.
pub fn thread_cpu() -> u64 {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// CPU nanoseconds this process has used, all threads together.
pub fn process_cpu() -> u64 {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> u64 {
    // SAFETY: an all-zero timespec is a valid value of a plain C struct.
    let mut now: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live local; both clocks exist on every Linux.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut now) };
    assert_eq!(failed, 0, "CPU clocks can be read");
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
