//! Directories that hold no log, cannot hold one, or hold another's.

use std::fs;
use std::path::Path;

use kilat_domain::Class;
use kilat_log::{Embedded, EmbeddedError, EmbeddedOptions, LogError, PartitionedLog as _, Start};

use super::conformance::{Stage, Subject};
use super::open_in;

/// Opening fails, names the directory, and asks a person to act.
fn refused(directory: &Path) -> EmbeddedError {
    let error = Embedded::open(directory, EmbeddedOptions::default()).err().expect("refused");
    assert!(error.to_string().contains(&directory.display().to_string()), "{error}");
    assert_eq!(error.class(), Class::Fatal);
    match error {
        LogError::Embedded(error) => error,
        error => panic!("{error}"),
    }
}

#[test]
fn a_missing_directory_is_made() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let directory = parent.path().join("some/where/new");
    drop(open_in(&directory));
    drop(open_in(&directory));
}

#[test]
fn a_log_keeps_its_id_when_it_is_opened_anew_and_another_has_another() {
    let (one, other) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let id = |directory: &Path| open_in(directory).identity().expect("known");
    assert_eq!(id(one.path()), id(one.path()));
    assert_ne!(id(one.path()), id(other.path()));
}

#[test]
fn a_file_in_its_place_is_refused_and_left_alone() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let file = parent.path().join("file");
    fs::write(&file, "mine").expect("written");
    assert!(matches!(refused(&file), EmbeddedError::Directory { .. }));
    assert!(matches!(refused(&file.join("below")), EmbeddedError::Directory { .. }));
    assert_eq!(fs::read(&file).expect("still there"), b"mine");
}

#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).expect("made read-only");
    if fs::write(directory.path().join("probe"), "").is_ok() {
        eprintln!("skipped: permissions do not bind this user");
        return;
    }
    assert!(matches!(refused(directory.path()), EmbeddedError::Directory { .. }));
}

#[test]
fn a_directory_of_another_format_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("FORMAT"), "kilat embedded log 2\n").expect("written");
    let error = refused(directory.path());
    assert!(matches!(&error, EmbeddedError::Format { .. }), "{error}");
    assert!(error.to_string().contains("kilat embedded log 2"), "{error}");
    assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 1, "nothing was created");
}

#[test]
fn a_file_that_is_not_a_log_or_has_been_cut_short_is_an_error() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("log.redb");
    fs::write(&file, vec![7; 10_000]).expect("written");
    assert!(matches!(refused(directory.path()), EmbeddedError::Store { .. }));

    fs::remove_file(&file).expect("removed");
    {
        let subject = Subject { log: std::sync::Arc::new(open_in(directory.path())), directory: None };
        let stage = Stage::new("cut", &subject);
        let topic = stage.topic("topic", 1);
        stage.feed(&topic, 0, &vec!["x".repeat(1000); 2000], 100);
    }
    let whole = fs::read(&file).expect("the store's file");
    fs::write(&file, &whole[..whole.len() / 2]).expect("cut");
    refused(directory.path());
}

#[test]
fn a_log_reopens_with_its_topics_records_and_offsets() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let topic = {
        let subject = Subject { log: std::sync::Arc::new(open_in(directory.path())), directory: None };
        let stage = Stage::new("reopened", &subject);
        let topic = stage.topic("topic", 3);
        stage.feed(&topic, 2, &["before".to_owned()], 1);
        topic
    };
    let subject = Subject { log: std::sync::Arc::new(open_in(directory.path())), directory: None };
    let stage = Stage::new("reopened", &subject);
    assert_eq!(subject.log.partitions(&topic).expect("there"), 3);
    stage.feed(&topic, 2, &["after".to_owned()], 1);
    let seen = stage.read(&topic);
    let found: Vec<(i64, String)> = seen.iter().map(|record| (record.offset, record.text())).collect();
    assert_eq!(found, [(0, "before".to_owned()), (1, "after".to_owned())]);
}

#[test]
fn one_process_cannot_open_a_directory_twice() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = open_in(directory.path());
    assert!(matches!(refused(directory.path()), EmbeddedError::Locked { .. }));
    // Handles are shared instead, and the last one closes the log.
    let other = log.clone();
    drop(log);
    assert!(matches!(refused(directory.path()), EmbeddedError::Locked { .. }));
    assert!(other.follow("missing", None, Start::Earliest).is_err());
    drop(other);
    drop(open_in(directory.path()));
}
