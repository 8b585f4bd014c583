//! Folding and word boundaries against Unicode's own test data, which packages we depend on for tests carry along:
//! `NormalizationTest.txt` in icu_normalizer, `CaseFolding.txt` in caseless, `WordBreakTest.txt` as a table in
//! unicode-segmentation's tests. They are read where cargo unpacked them.

use std::path::PathBuf;
use std::process::Command;

use kilat_matcher::{fold, is_word_boundary};
use serde_json::Value;
use unicode_normalization::is_nfkc;

/// A file of a package this crate's tests depend on.
fn file_of(package: &str, path: &str) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let version = Command::new(&cargo).arg("-vV").output().expect("cargo is there").stdout;
    let version = String::from_utf8(version).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo names its host");
    let mut metadata = Command::new(cargo);
    // Packages for other platforms are in the lock file and were never unpacked here.
    metadata.args(["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", host]);
    let output = metadata.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let manifest = packages.iter().find(|row| row["name"] == package).map(|row| &row["manifest_path"]);
    let manifest = PathBuf::from(manifest.and_then(Value::as_str).expect("a dependency of this crate's tests"));
    let file = manifest.with_file_name(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Code points in hexadecimal, with blanks between.
fn code_points(field: &str) -> String {
    let code_point = |hex| char::from_u32(u32::from_str_radix(hex, 16).expect("hexadecimal")).expect("a code point");
    field.split_whitespace().map(code_point).collect()
}

#[test]
fn every_form_of_a_normalisation_test_folds_to_one() {
    let file = file_of("icu_normalizer", "tests/data/NormalizationTest.txt");
    let (mut rows, mut with_iota) = (0, 0);
    for line in file.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let fields: Vec<&str> = line.split(';').collect();
        let [source, nfc, nfd, nfkc, nfkd, _] = fields[..] else { continue };
        let source = code_points(source);
        // The iota subscript folds to a letter, so that its place among other marks counts: the Standard has text put in
        // order first where that matters (3.13, D145), which toNFKC_Casefold does not.
        if code_points(nfd).contains('\u{345}') {
            with_iota += 1;
            continue;
        }
        let folded = fold(&source);
        for form in [nfc, nfd, nfkc, nfkd] {
            let form = code_points(form);
            assert_eq!(fold(&form), folded, "{form:?}, a form of {source:?}");
        }
        assert!(is_nfkc(&folded), "{source:?} folds to {folded:?}");
        rows += 1;
    }
    assert!(rows > 19_000, "{rows} rows");
    println!("{rows} rows fold to one, {with_iota} hold an iota subscript among other marks");
}

#[test]
fn what_case_folding_makes_equal_folds_to_one() {
    let file = file_of("caseless", "CaseFolding.txt");
    let mut rows = 0;
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(';').map(str::trim).collect();
        let [code, status, mapping, _] = fields[..] else { continue };
        // T is for Turkish only; S maps to one code point where F maps to several.
        if matches!(status, "C" | "F" | "S") {
            assert_eq!(fold(&code_points(code)), fold(&code_points(mapping)), "{line}");
            rows += 1;
        }
    }
    assert!(rows > 1_500, "{rows} rows");
}

/// The texts of a table of `(&str, &[&str])` in Rust source, each with its words.
fn table_of_words(source: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut chars = source.chars();
    let mut row: Option<Vec<String>> = None;
    while let Some(c) = chars.next() {
        match c {
            // The list of words; the text before it is what they make together.
            '[' => row = Some(Vec::new()),
            ']' => rows.extend(row.take()),
            '"' => {
                let mut text = String::new();
                loop {
                    match chars.next().expect("a literal ends") {
                        '"' => break,
                        '\\' => match chars.next().expect("an escape ends") {
                            'u' => {
                                let hex: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                                text.push_str(&code_points(&hex));
                            }
                            c => text.push(c),
                        },
                        c => text.push(c),
                    }
                }
                if let Some(row) = &mut row {
                    row.push(text);
                }
            }
            _ => {}
        }
    }
    rows
}

#[test]
fn words_break_where_unicodes_word_break_test_says() {
    let file = file_of("unicode-segmentation", "tests/testdata/mod.rs");
    let start = file.find("TEST_WORD: &[(&str, &[&str])] = &[").expect("the table of words");
    let table = &file[start + "TEST_WORD: &[(&str, &[&str])] = &[".len()..];
    let table = &table[..table.find("];").expect("the end of the table")];
    let (mut rows, mut with_colon) = (0, 0);
    for words in table_of_words(table) {
        let text = words.concat();
        // A colon is no part of a word here: CLDR's tailoring, which `word.rs` names.
        if text.contains(':') {
            with_colon += 1;
            continue;
        }
        let mut expected = vec![0];
        for word in &words {
            expected.push(expected[expected.len() - 1] + word.len());
        }
        let ends = (0..=text.len()).filter(|at| text.is_char_boundary(*at));
        let ours: Vec<usize> = ends.filter(|at| is_word_boundary(&text, *at)).collect();
        assert_eq!(ours, expected, "{text:?}");
        rows += 1;
    }
    assert!(rows > 1_000, "{rows} rows");
    println!("{rows} rows agree, {with_colon} hold a colon");
}
