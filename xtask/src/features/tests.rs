//! Markers read from text.

use std::path::Path;

use super::markers::of;
use super::rows::{RowId, committed, exists};

/// `test: rows` of every proof in a file.
fn proofs(file: &str, text: &str) -> Vec<String> {
    let read = of(Path::new(file), text);
    assert_eq!(read.findings, Vec::<String>::new());
    let shown = |row: &RowId| row.to_string();
    read.proofs
        .iter()
        .map(|proof| format!("{}: {}", proof.test, proof.rows.iter().map(shown).collect::<Vec<_>>().join(" ")))
        .collect()
}

fn findings(file: &str, text: &str) -> Vec<String> {
    of(Path::new(file), text).findings
}

#[test]
fn a_comment_above_a_test_names_its_rows() {
    let text = "
/// Proves F-31, D-27 and F-57 to F-60. Both sides are normalised.
#[test]
fn one() {}
fn bystander() {}
// Proves D-1.
// Proves D-2: the table.
#[test]
#[cfg(unix)]
fn two() {}
";
    assert_eq!(proofs("crates/a/src/x.rs", text), ["one: F-31 D-27 F-57 F-58 F-59 F-60", "two: D-1 D-2"]);
}

#[test]
fn a_golden_file_is_run_by_the_test_of_its_name() {
    let text = "# Proves F-31.\n# The sender.\nworkspace: a\n# Proves D-27.\n";
    assert_eq!(proofs("crates/kilat/golden/features/f31-sender-id.yaml", text), ["f31_sender_id: F-31 D-27"]);
}

#[test]
fn a_marker_that_proves_nothing_is_found() {
    assert_eq!(findings("crates/a/src/x.rs", "// Proves F-1.\nfn no_test() {}\n").len(), 1);
    assert_eq!(findings("crates/a/src/x.rs", "// Proves F-1.\n").len(), 1);
    assert_eq!(findings("crates/a/src/x.rs", "// Proves X-1.\n#[test]\nfn t() {}\n").len(), 1);
    assert_eq!(findings("crates/a/src/x.rs", "// Proves F-9 to F-1.\n#[test]\nfn t() {}\n").len(), 1);
    assert_eq!(findings("crates/a/golden/features/x.yaml", "workspace: a\n").len(), 1);
}

#[test]
fn the_committed_rows_are_those_of_the_scope() {
    let rows = committed().unwrap();
    assert_eq!(rows.iter().filter(|row| row.id.letter == 'F').count(), 111);
    assert_eq!(rows.iter().filter(|row| row.id.letter == 'D').count(), 51);
    assert!(rows.iter().all(|row| exists(row.id)));
    assert!(!exists(RowId { letter: 'F', number: 324 }));
}
