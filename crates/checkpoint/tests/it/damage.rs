//! Objects that are not what was written.

use kilat_checkpoint::{Damage, Unusable};

use crate::support::{ENTRIES, file, header, origin, put, read, shelf, shelf_of};

/// The bytes of a whole checkpoint.
fn whole() -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a directory");
    put(&shelf(dir.path()), 10);
    std::fs::read(file(dir.path(), 10)).expect("written")
}

#[test]
fn what_is_written_is_read() {
    let (found, entries, footer) = read(&*whole()).unwrap();
    assert_eq!(found, header(10));
    assert_eq!(entries, ENTRIES.map(|(count, record)| (count, record.to_vec())));
    assert_eq!((footer.sequence, footer.chain, footer.frames, footer.entries), (11, 9, 3, 10));
}

#[test]
fn a_checkpoint_that_is_cut_anywhere_is_torn() {
    let whole = whole();
    for end in 0..whole.len() {
        let damage = read(&whole[..end]).expect_err("cut");
        assert!(matches!(damage, Damage::Torn { at } if at == end as u64), "{end}: {damage}");
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let whole = whole();
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        read(&*flipped).expect_err("flipped");
    }
}

#[test]
fn a_frame_that_is_missing_or_stands_twice_is_noticed_though_each_is_whole() {
    let whole = whole();
    let record = ENTRIES[0].1;
    let at = whole.windows(record.len()).position(|bytes| bytes == record).unwrap();
    // Kind, length, checksum and count stand before the record.
    let frame = at - 13..at + record.len();
    let mut missing = whole.clone();
    missing.drain(frame.clone());
    assert!(matches!(read(&*missing), Err(Damage::Totals { .. })));
    let mut twice = whole.clone();
    twice.splice(frame.start..frame.start, whole[frame].iter().copied());
    assert!(matches!(read(&*twice), Err(Damage::Totals { .. })));
}

#[test]
fn other_files_newer_formats_and_what_follows_the_end_are_refused() {
    assert!(matches!(read(&b"Read me first, please.\n"[..]), Err(Damage::Foreign)));
    let mut newer = whole();
    newer[8] = 2;
    assert!(matches!(read(&*newer), Err(Damage::Version { found: 2, known: 1 })));
    let mut longer = whole();
    longer.push(0);
    assert!(matches!(read(&*longer), Err(Damage::Trailing { .. })));
}

#[test]
fn a_checkpoint_of_another_log_group_or_name_is_refused_with_whose_it_is() {
    let dir = tempfile::tempdir().unwrap();
    put(&shelf(dir.path()), 10);
    let mut other = origin();
    other.group = "another".to_owned();
    let other = shelf_of(dir.path(), other);
    let (kept, _) = other.list().unwrap();
    let error = other.open(&kept[0]).err().expect("another's");
    assert!(matches!(&error, Unusable::Origin { found, .. } if found.group == "kilat-engine"), "{error}");
    assert!(error.to_string().contains("group kilat-engine, and this is log embedded-00"), "{error}");

    std::fs::rename(file(dir.path(), 10), file(dir.path(), 99)).unwrap();
    let ours = shelf(dir.path());
    let error = ours.open(&ours.list().unwrap().0[0]).err().expect("renamed");
    assert!(matches!(error, Unusable::Renamed { sequence: 10, .. }), "{error}");
}
