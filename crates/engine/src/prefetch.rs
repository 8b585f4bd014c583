//! A hint to the processor that memory will be read soon. The only unsafe code of the crate.

/// Bytes in a cache line.
const LINE: usize = 64;

/// Begins to fetch the line in which `value` starts.
#[inline]
pub(crate) fn prefetch<T>(value: &T) {
    line(std::ptr::from_ref(value).cast());
}

/// Begins to fetch every line of `value`, without what it points to.
#[inline]
pub(crate) fn prefetch_all<T>(value: &T) {
    let start: *const u8 = std::ptr::from_ref(value).cast();
    for offset in (0..size_of::<T>()).step_by(LINE) {
        line(start.wrapping_add(offset));
    }
}

/// Begins to fetch the line of an address.
#[inline]
pub(crate) fn line(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint that reads nothing the program can see and faults on no address; SSE is part of x86_64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
