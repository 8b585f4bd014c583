//! Every rule on small trees: one that breaks it, named by file and line, and one beside it that does not.

use std::fs;
use std::path::PathBuf;

use super::{CRATES, Finding, Kind, OWNERS, PURE_MAY_USE, Rule, check, code};

/// Checks a tree of `(path, text)` files.
fn findings(tree: &[(&str, &str)]) -> Vec<Finding> {
    let root = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (path, text) in tree {
        let file = root.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        files.push(PathBuf::from(path));
    }
    check(root.path(), &files).unwrap()
}

/// The place and rule of every finding.
#[track_caller]
fn expect(tree: &[(&str, &str)], expected: &[(&str, usize, Rule)]) {
    let found = findings(tree);
    let places: Vec<_> = found.iter().map(|found| (found.file.to_str().unwrap(), found.line, found.rule)).collect();
    assert_eq!(places, expected, "{found:#?}");
}

fn manifest(folder: &str, rest: &str) -> String {
    format!("[package]\nname = \"{}\"\n\n{rest}", crate::workspace::package(folder))
}

#[test]
fn an_upward_arrow_names_the_manifest_line_and_what_is_allowed() {
    let text = manifest("rules", "[dependencies]\nkilat-domain.workspace = true\nkilat-engine.workspace = true\n");
    let found = findings(&[("crates/rules/Cargo.toml", &text)]);
    assert_eq!(found.len(), 1, "{found:?}");
    let shown = found[0].to_string();
    assert!(shown.starts_with("crates/rules/Cargo.toml:6: [arrow] "), "{shown}");
    assert!(shown.contains("domain, matcher"), "{shown}");
}

#[test]
fn an_arrow_past_the_table_fails_even_when_it_goes_down() {
    let text = manifest("engine", "[dependencies]\nkilat-matcher.workspace = true\n");
    expect(&[("crates/engine/Cargo.toml", &text)], &[("crates/engine/Cargo.toml", 5, Rule::Arrow)]);
}

#[test]
fn development_arrows_may_go_down_or_to_sim_only() {
    let text = manifest(
        "engine",
        "[dev-dependencies]\nkilat-codec.workspace = true\nkilat-sim.workspace = true\nkilat-log.workspace = true\n",
    );
    expect(&[("crates/engine/Cargo.toml", &text)], &[("crates/engine/Cargo.toml", 7, Rule::Arrow)]);
    let text = manifest("kilat", "[dependencies]\nkilat-sim.workspace = true\n");
    expect(&[("crates/kilat/Cargo.toml", &text)], &[("crates/kilat/Cargo.toml", 5, Rule::Arrow)]);
}

#[test]
fn arrows_for_one_target_or_a_build_script_count_too() {
    let text = manifest(
        "domain",
        "[target.'cfg(unix)'.dependencies]\nkilat-log.workspace = true\n\n[build-dependencies]\nkilat-codec.workspace = true\n",
    );
    expect(
        &[("crates/domain/Cargo.toml", &text)],
        &[("crates/domain/Cargo.toml", 5, Rule::Arrow), ("crates/domain/Cargo.toml", 8, Rule::Arrow)],
    );
}

#[test]
fn a_crate_outside_the_architecture_fails() {
    let text = manifest("types", "");
    expect(&[("crates/types/Cargo.toml", &text)], &[("crates/types/Cargo.toml", 1, Rule::Arrow)]);
}

#[test]
fn a_heavy_dependency_stands_only_in_its_owners_manifest() {
    let heavy = "[dependencies]\nrdkafka.workspace = true\n";
    expect(&[("crates/log/Cargo.toml", &manifest("log", heavy))], &[]);
    let text = manifest("pipeline", heavy);
    expect(&[("crates/pipeline/Cargo.toml", &text)], &[("crates/pipeline/Cargo.toml", 5, Rule::Owner)]);
    let text = manifest("pipeline", "[dev-dependencies]\nrdkafka.workspace = true\n");
    expect(&[("crates/pipeline/Cargo.toml", &text)], &[]);
}

#[test]
fn a_renamed_heavy_dependency_is_still_seen() {
    let text = manifest("pipeline", "[dependencies]\nkafka = { package = \"rdkafka\", workspace = true }\n");
    expect(&[("crates/pipeline/Cargo.toml", &text)], &[("crates/pipeline/Cargo.toml", 5, Rule::Owner)]);
}

#[test]
fn a_pure_crate_takes_no_dependency_that_was_not_looked_at() {
    let text = manifest("delivery", "[dependencies]\nserde.workspace = true\ntokio.workspace = true\n");
    expect(&[("crates/delivery/Cargo.toml", &text)], &[("crates/delivery/Cargo.toml", 6, Rule::Pure)]);
    expect(&[("crates/executor/Cargo.toml", &manifest("executor", "[dependencies]\ntokio.workspace = true\n"))], &[]);
}

#[test]
fn versions_stand_in_the_root_manifest() {
    let text = manifest("domain", "[dependencies]\nserde = \"1\"\njiff = { workspace = true, features = [\"std\"] }\n");
    expect(&[("crates/domain/Cargo.toml", &text)], &[("crates/domain/Cargo.toml", 5, Rule::Version)]);
}

#[test]
fn every_rust_file_starts_with_a_header() {
    expect(
        &[("crates/domain/src/a.rs", "use b;\n//! late\n"), ("crates/domain/src/b.rs", "//! Says what.\n")],
        &[("crates/domain/src/a.rs", 1, Rule::Header)],
    );
}

#[test]
fn names_that_say_nothing_are_refused_for_files_folders_and_modules() {
    expect(
        &[
            ("crates/log/src/topic_manager.rs", "//! x\n"),
            ("crates/log/src/utils/mod.rs", "//! x\n"),
            ("crates/log/src/lib.rs", "//! x\nmod database;\npub(crate) mod data;\n"),
        ],
        &[
            ("crates/log/src/lib.rs", 3, Rule::Name),
            ("crates/log/src/topic_manager.rs", 1, Rule::Name),
            ("crates/log/src/utils/mod.rs", 1, Rule::Name),
        ],
    );
}

#[test]
fn unfinished_code_and_switched_off_tests_are_refused() {
    expect(
        &[("crates/log/src/lib.rs", "//! x\nfn a() { todo!() }\n#[ignore = \"slow\"]\nfn b() { unimplemented!() }\n")],
        &[
            ("crates/log/src/lib.rs", 2, Rule::Todo),
            ("crates/log/src/lib.rs", 3, Rule::Ignore),
            ("crates/log/src/lib.rs", 4, Rule::Todo),
        ],
    );
}

#[test]
fn comments_and_strings_may_speak_of_what_code_may_not_do() {
    expect(&[("crates/rules/src/lib.rs", "//! todo!()\n// std::fs\nconst A: &str = \"#[ignore] std::net\";\n")], &[]);
}

#[test]
fn tests_do_not_sleep_but_production_code_may() {
    let sleep = "//! x\nfn a() { std::thread::sleep(D) }\n";
    expect(
        &[
            ("crates/log/src/backoff.rs", sleep),
            ("crates/log/src/backoff/tests.rs", sleep),
            ("crates/log/tests/kafka/main.rs", "//! x\nasync fn a() { tokio::time::sleep(D).await }\n"),
            (
                "crates/log/src/inline.rs",
                "//! x\n#[cfg(test)]\n#[allow(unused)]\nmod tests {\nuse std::thread::sleep;\n}\n",
            ),
        ],
        &[
            ("crates/log/src/backoff/tests.rs", 2, Rule::Sleep),
            ("crates/log/src/inline.rs", 5, Rule::Sleep),
            ("crates/log/tests/kafka/main.rs", 2, Rule::Sleep),
        ],
    );
}

#[test]
fn a_waiver_holds_for_its_rule_and_its_line_and_needs_a_reason() {
    let text = "//! x\n// tidy: allow sleep, the broker has no event for this\nthread::sleep(D);\nthread::sleep(D); // tidy: allow sleep,\n\
                thread::sleep(D); // tidy: allow todo, wrong rule\n";
    expect(
        &[("crates/log/tests/it/main.rs", text)],
        &[("crates/log/tests/it/main.rs", 4, Rule::Sleep), ("crates/log/tests/it/main.rs", 5, Rule::Sleep)],
    );
}

#[test]
fn pure_sources_reach_for_nothing_outside() {
    let text = "//! x\nuse std::{\n    collections::HashMap,\n    fs,\n};\nuse std::time::{Duration, SystemTime};\n\
                fn a() { std::net::lookup() }\nfn b() { std::time::Instant::now() }\nfn c(fs: u8) {}\n";
    expect(
        &[("crates/engine/src/lib.rs", text), ("crates/log/src/lib.rs", text)],
        &[
            ("crates/engine/src/lib.rs", 4, Rule::Pure),
            ("crates/engine/src/lib.rs", 6, Rule::Pure),
            ("crates/engine/src/lib.rs", 7, Rule::Pure),
            ("crates/engine/src/lib.rs", 8, Rule::Pure),
        ],
    );
}

#[test]
fn tests_of_pure_crates_may_read_files() {
    let read = "//! x\nuse std::fs;\n";
    expect(&[("crates/engine/src/fold/tests.rs", read), ("crates/engine/tests/it/main.rs", read)], &[]);
}

#[test]
fn absolute_machine_paths_are_refused_in_every_text_file() {
    // Put together here, so that this file holds none itself.
    let path = |folder: &str| format!("/{folder}/somebody/x");
    let text = format!(
        "a\nx = \"{}\"\nhttps://example.com{}\nfile://{}\n../shared{}\n/home\n",
        path("home"),
        path("home"),
        path("root"),
        path("work"),
    );
    expect(&[("deploy/x.md", &text)], &[("deploy/x.md", 2, Rule::Path), ("deploy/x.md", 4, Rule::Path)]);
}

#[test]
fn files_that_are_not_text_are_passed_over() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("x.bin"), [0xff, 0xfe, 0x00]).unwrap();
    assert_eq!(check(root.path(), &[PathBuf::from("x.bin")]).unwrap(), []);
}

#[test]
fn the_table_has_no_circle_and_no_unknown_name() {
    for (place, row) in CRATES.iter().enumerate() {
        for used in row.may_use {
            let target = CRATES.iter().position(|other| other.folder == *used);
            assert!(target.is_some_and(|target| target < place), "{} → {used}", row.folder);
        }
    }
    for (dependency, owner) in OWNERS {
        assert!(CRATES.iter().any(|row| row.folder == *owner), "{dependency} → {owner}");
        let pure = CRATES.iter().any(|row| row.folder == *owner && row.kind == Kind::Pure);
        assert!(
            !pure || PURE_MAY_USE.contains(dependency),
            "{dependency} is owned by a pure crate that may not use it"
        );
    }
}

#[test]
fn literals_and_comments_are_blanked_and_nothing_else() {
    let check = |source: &str, expected: &str| assert_eq!(code::blank(source), expected, "{source}");
    check("a // b\nc", "a     \nc");
    check("a /* b /* c */ d\n */ e", "a               \n    e");
    check(r#"f("a\"b", c)"#, "f(      , c)");
    check(r##"r#"a"b"# + c"##, "         + c");
    check("br\"a\" + for_r\"\"", "      + for_r  ");
    let characters = "'a' '\\'' '\\u{7f}' 'ü'";
    check(characters, &" ".repeat(characters.chars().count()));
    check("fn f<'a>(x: &'a str) { 'l: loop {} }", "fn f<'a>(x: &'a str) { 'l: loop {} }");
    check("\"never closed", "             ");
}
