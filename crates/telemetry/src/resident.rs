//! What the system says this process takes of memory, and in which pages it gives it.

/// From now on the system gives this process, and those it starts, memory in pages of the ordinary size. Huge ones (2 MiB) are
/// resident as a whole once a byte of them is used, and are cleared as a whole each time: a drain under `engine.memory_mb` took
/// 100 MB more with them and no less CPU, a restore more of both (benches/README.md). Source: prctl(2), `PR_SET_THP_DISABLE`.
///
/// *Errors:* the system refuses. Where there is no such thing, nothing happens.
pub fn take_small_pages() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true)?;
    Ok(())
}

/// Bytes of this process that are resident, files it maps included; `None` where the system does not tell. Source: proc(5),
/// `VmRSS` of `/proc/self/status`.
pub fn resident_bytes() -> Option<usize> {
    of_status(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn of_status(status: &str) -> Option<usize> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_proc_is_read_and_anything_else_is_not() {
        assert_eq!(of_status("VmHWM:\t  9000 kB\nVmRSS:\t    4312 kB\nRssAnon:\t 1 kB\n"), Some(4_312 * 1_024));
        for status in ["", "VmRSS:\n", "VmRSS: 12 MB\n", "VmRSS: -1 kB\n", "VmRSS: 99999999999999999999 kB\n"] {
            assert_eq!(of_status(status), None, "{status}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn huge_pages_are_refused() {
        take_small_pages().unwrap();
        assert!(rustix::thread::transparent_huge_pages_are_disabled().unwrap());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_that_is_taken_shows() {
        const TAKEN: usize = 64 << 20;
        let before = resident_bytes().unwrap();
        let bytes = vec![1_u8; TAKEN];
        let after = resident_bytes().unwrap();
        assert!(after > before + TAKEN / 2, "{before} bytes before, {after} with {} more", bytes.len());
    }
}
