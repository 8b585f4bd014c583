//! `kilat checkpoints`: what is there, and what of it can be used.

use crate::support::Place;

/// A checkpoint of partition 3 that covers block 10, whole, with entries that are no records: of the format's own tests.
const CHECKPOINT: &[u8] = include_bytes!("../../../checkpoint/golden/v1.checkpoint");
const FOLDER: &str = "kilat-data/checkpoints/embedded-00/kilat.state.v1/00003";

#[test]
fn checkpoints_are_listed_and_those_that_cannot_be_used_are_named_with_the_reason() {
    let place = Place::new();
    let ran = place.run(&["checkpoints", "list"]);
    assert!(ran.code == 0 && ran.out.starts_with("no checkpoints in "), "{}", ran.out);

    let folder = place.path().join(FOLDER);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("00000000000000000010.checkpoint"), CHECKPOINT).unwrap();
    std::fs::write(folder.join("00000000000000000020.checkpoint"), &CHECKPOINT[..100]).unwrap();
    std::fs::write(folder.join("notes.txt"), "not a checkpoint").unwrap();
    let ran = place.run(&["checkpoints", "list", "--json"]);
    let found: Vec<_> = ran.lines().iter().map(|line| (line["partition"].clone(), line["block"].clone())).collect();
    assert_eq!((ran.code, found), (0, vec![(3.into(), 20.into()), (3.into(), 10.into())]));

    let ran = place.run(&["checkpoints", "verify"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!((ran.code, lines.len()), (1, 3), "{}", ran.out);
    assert!(
        lines[1].contains("00000000000000000020.checkpoint is damaged: it ends after 100 bytes, in the middle"),
        "{}",
        lines[1]
    );
    assert!(lines[2].contains("holds entries that cannot be read"), "{}", lines[2]);
}

#[test]
fn where_no_place_is_set_the_command_says_which_setting_it_misses() {
    let place = Place::new();
    place.file("kilat.toml", "[log]\nkind = \"kafka\"\n");
    let ran = place.run(&["checkpoints", "list"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("no place for checkpoints is set") && ran.err.contains("engine.checkpoints.place"),
        "{}",
        ran.err
    );
}
