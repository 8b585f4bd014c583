//! Which checkpoints are there, which stay, and up to where the state topic may be trimmed.

use std::time::{Duration, SystemTime};

use kilat_checkpoint::{Keep, Shelf};
use kilat_domain::Timestamp;

use crate::support::{file, origin, put, shelf, shelf_of};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn sequences(shelf: &Shelf) -> Vec<i64> {
    shelf.list().expect("lists").0.iter().map(|kept| kept.sequence).collect()
}

#[allow(clippy::disallowed_methods, reason = "files have the time of the machine")]
fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis() as i64)
}

#[test]
fn checkpoints_are_listed_newest_first_and_everything_else_is_counted_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = shelf(dir.path());
    assert_eq!(shelf.list().unwrap(), (vec![], 0));
    for sequence in [9, 100, 20] {
        put(&shelf, sequence);
    }
    let folder = file(dir.path(), 1).parent().unwrap().to_owned();
    std::fs::write(folder.join("notes.txt"), "mine").unwrap();
    std::fs::write(folder.join("7.checkpoint"), "short name").unwrap();
    std::fs::create_dir(folder.join("folder")).unwrap();
    std::fs::write(folder.join("folder/file"), "below").unwrap();
    assert_eq!(sequences(&shelf), [100, 20, 9]);
    assert_eq!(shelf.list().unwrap().1, 3);

    shelf.retire(Keep { count: 2, age: DAY }, &[], now()).unwrap();
    assert_eq!(sequences(&shelf), [100, 20]);
    assert_eq!(shelf.list().unwrap().1, 3);
}

#[test]
fn an_upload_that_is_given_up_or_killed_is_never_listed() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = shelf(dir.path());
    let mut writer = shelf.begin(&crate::support::header(5)).unwrap();
    writer.entries(1, b"an entry").unwrap();
    assert_eq!(sequences(&shelf), [0_i64; 0]);
    drop(writer);
    let folder = file(dir.path(), 1).parent().unwrap().to_owned();
    let left = || std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(left(), 0, "one that is given up leaves nothing");

    // As a process leaves them that is killed.
    std::fs::write(folder.join("00000000000000000005.checkpoint#1"), "half").unwrap();
    std::fs::write(folder.join("notes#1"), "mine").unwrap();
    assert_eq!(sequences(&shelf), [0_i64; 0]);
    shelf.clear_leftovers();
    assert_eq!(left(), 1, "what is not ours stays");
}

#[test]
fn too_many_and_too_old_ones_go_and_the_topic_is_trimmed_behind_the_oldest_that_stays() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = shelf(dir.path());
    let keep = Keep { count: 3, age: DAY };
    put(&shelf, 10);
    assert_eq!(shelf.retire(keep, &[], now()).unwrap(), None, "the only one may be damaged tomorrow");
    put(&shelf, 20);
    assert_eq!(shelf.retire(keep, &[], now()).unwrap(), Some(20));
    for sequence in [30, 40] {
        put(&shelf, sequence);
    }
    // `header` gives a block the offset of twice its number.
    assert_eq!(shelf.retire(keep, &[], now()).unwrap(), Some(40));
    assert_eq!(sequences(&shelf), [40, 30, 20]);

    let later = now().after(DAY * 2);
    assert_eq!(shelf.retire(keep, &[], later).unwrap(), Some(60));
    assert_eq!(sequences(&shelf), [40, 30], "two stay, however old");
}

#[test]
fn a_damaged_or_foreign_object_never_moves_the_trimming_on() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = shelf(dir.path());
    for sequence in [10, 20] {
        put(&shelf, sequence);
    }
    std::fs::write(file(dir.path(), 30), "no checkpoint").unwrap();
    let keep = Keep { count: 3, age: DAY };
    assert_eq!(shelf.retire(keep, &[], now()).unwrap(), Some(20));
    std::fs::write(file(dir.path(), 10), "no checkpoint").unwrap();
    assert_eq!(shelf.retire(keep, &[], now()).unwrap(), None, "one is left that can be used");
}

#[test]
fn checkpoints_known_to_be_damaged_count_for_nothing_and_go_once_two_newer_ones_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = shelf(dir.path());
    let keep = Keep { count: 2, age: DAY };
    for sequence in [10, 20, 30, 40] {
        put(&shelf, sequence);
    }
    assert_eq!(shelf.retire(keep, &[20, 30], now()).unwrap(), Some(20), "10 is the oldest that can be used");
    assert_eq!(sequences(&shelf), [40, 30, 20, 10]);
    put(&shelf, 50);
    assert_eq!(shelf.retire(keep, &[20, 30], now()).unwrap(), Some(80));
    assert_eq!(sequences(&shelf), [50, 40]);
}

#[test]
fn partitions_and_logs_that_share_a_store_do_not_meet() {
    let dir = tempfile::tempdir().unwrap();
    let ours = shelf(dir.path());
    put(&ours, 10);
    let mut other = origin();
    other.partition = 30;
    assert_eq!(shelf_of(dir.path(), other.clone()).list().unwrap().0, []);
    other.log = "another cluster".to_owned();
    assert_eq!(shelf_of(dir.path(), other).list().unwrap().0, []);
    let store = kilat_checkpoint::open(dir.path().to_str().unwrap(), []).unwrap();
    std::fs::create_dir_all(dir.path().join("embedded-00/kilat.state.v1/not a partition")).unwrap();
    let all = Shelf::all(&store).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].origin().partition, sequences(&all[0])), (3, vec![10]));
    assert!(all[0].open(&all[0].list().unwrap().0[0]).is_ok(), "of whatever group");
}
