//! One checkpoint of each format version that was ever written: every later version reads them.
//!
//! A new version adds its file, written by the test below with `KILAT_WRITE_GOLDEN=1`; the older ones are never touched.

use kilat_checkpoint::VERSION;

use crate::support::{ENTRIES, file, header, put, read, shelf};

fn golden(version: u32) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/v{version}.checkpoint"))
}

#[test]
fn a_checkpoint_of_every_version_is_read() {
    if std::env::var_os("KILAT_WRITE_GOLDEN").is_some() {
        let dir = tempfile::tempdir().unwrap();
        put(&shelf(dir.path()), 10);
        std::fs::copy(file(dir.path(), 10), golden(VERSION)).unwrap();
    }
    for version in 1..=VERSION {
        let (found, entries, footer) = read(&*std::fs::read(golden(version)).unwrap()).unwrap();
        assert_eq!(found, header(10), "version {version}");
        assert_eq!(entries, ENTRIES.map(|(count, record)| (count, record.to_vec())), "version {version}");
        assert_eq!((footer.sequence, footer.chain, footer.frames, footer.entries), (11, 9, 3, 10), "version {version}");
    }
}
