//! Configuration, as far as it shows without starting anything, and what a start refuses.

use std::net::TcpListener;

use crate::support::Place;

#[test]
fn a_configuration_is_checked_offline() {
    let place = Place::new();
    place.file("kilat.toml", "[log]\nkind = \"kafka\"\nbroker = \"b:1\"\n\n[engine]\nthreads = \"two\"\n");
    let ran = place.run(&["check", "kilat.toml"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.out.lines().collect::<Vec<_>>(),
        [
            "kilat.toml:6:11: error: `engine.threads` is a whole number, not a text. help: write it like the default: \
             threads = 2",
            "kilat.toml:3:1: error: unknown key `broker` in [log]. help: did you mean `brokers`?",
        ]
    );
    let ran = place.run(&["check", "kilat.toml", "--json"]);
    assert_eq!(ran.lines()[1]["line"], 3);
}

#[test]
fn the_printed_configuration_is_a_configuration() {
    let place = Place::new();
    let text = place.run(&["schema", "config"]).ok();
    place.file("kilat.toml", &text);
    assert_eq!(place.run(&["check", "kilat.toml"]).code, 0);
}

#[test]
fn a_setting_in_the_environment_is_checked_like_one_in_the_file() {
    let place = Place::new();
    let output = place.command(&["rules", "list"]).env("KILAT__LOG__BROKER", "b:1").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.contains("KILAT__LOG__BROKER: error: unknown key `broker` in [log]. help: did you mean `brokers`?"),
        "{err}"
    );
}

#[test]
fn a_port_in_use_ends_the_start_with_the_address_and_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = Place::new();
    let output = place.command(&["run", "--create-topics"]).env("KILAT__HTTP__LISTEN", &address).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains(&format!("error: listening on {address}: ")) && err.contains("help: "), "{err}");
}

#[test]
fn a_directory_that_cannot_be_used_ends_the_start() {
    let place = Place::new();
    place.file("occupied", "a file");
    let ran = Place::run(&place, &["rules", "list"]);
    assert_eq!(ran.code, 1, "a log without topics: {ran:#?}");
    assert!(ran.err.contains("--create-topics"), "{}", ran.err);
    let output = place.command(&["rules", "list"]).env("KILAT__LOG__DIR", "occupied").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("error: ") && err.contains("occupied"), "{err}");
}
