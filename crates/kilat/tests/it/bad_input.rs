//! Input that no producer should send, at the command: told by line, and the rest goes on.

use std::io::Write as _;
use std::process::Stdio;

use crate::eval::{RULES, message};
use crate::support::Place;

#[test]
fn broken_bytes_between_good_lines_are_told_by_number() {
    let place = Place::new();
    place.file("rules.yaml", RULES);
    let mut input = Vec::new();
    let good = |input: &mut Vec<u8>, id: &str| {
        input.extend(message(id, "order").to_string().bytes());
        input.push(b'\n');
    };
    good(&mut input, "e1");
    input.extend(b"{\"id\":\"\xff\xfe\"}\n");
    good(&mut input, "e3");
    input.extend(b"\xc3\n");
    input.extend(b"\xed\xa0\x80\n");
    input.extend(format!("{}\n", message("e6", "x").to_string().replace("\"x\"", "\"\\ud800\"")).bytes());
    input.extend(b"\0\0\0\n");
    input.extend(vec![b'x'; 3 << 20]);
    input.push(b'\n');
    input.extend(b"[".repeat(500_000));
    input.push(b'\n');
    good(&mut input, "e10");
    // The last line has no end, and half a character.
    input.extend(b"\xe2\x82");

    let mut command = place.command(&["eval", "--rules", "rules.yaml", "--events", "-", "--all"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(3), "{err}");
    for id in ["e1", "e3", "e10"] {
        assert!(out.contains(&format!("\"event_id\":\"{id}\"")), "{id}: {out}");
    }
    for number in [2, 4, 5, 6, 7, 8, 9, 11] {
        assert!(err.contains(&format!("standard input:{number}: error: ")), "{number}: {err}");
    }
    assert!(err.contains("8 malformed event lines"), "{err}");
    assert!(err.lines().all(|line| line.len() < 400), "what is told quotes no more than fits a screen: {err}");
}

#[test]
fn a_rule_file_of_broken_bytes_is_an_error_and_no_panic() {
    let place = Place::new();
    std::fs::write(place.path().join("rules.yaml"), b"workspace: \xff\xfe\n").unwrap();
    for arguments in
        [&["check", "rules.yaml"][..], &["test", "rules.yaml"], &["eval", "--rules", "rules.yaml", "--events", "-"]]
    {
        let ran = place.run(arguments);
        assert!([1, 2].contains(&ran.code), "{arguments:?}: {ran:#?}");
        assert!(ran.err.contains("rules.yaml") && ran.err.contains("help: "), "{arguments:?}: {ran:#?}");
    }
}
