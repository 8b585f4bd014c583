//! Twelve agencies' rule files, each with one defect that happens: `kilat check` finds all of them and nothing else, and
//! nothing in what Kilat ships.

use std::path::{Path, PathBuf};

use crate::support::Place;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_defect_is_found_and_nothing_else() {
    let files = files("tests/defects");
    assert_eq!(files.len(), 12);
    let mut found = 0;
    for file in &files {
        let ran = Place::new().run(&["check", "--json", "--deny-warnings", file.to_str().unwrap()]);
        let name = file.file_name().unwrap().to_str().unwrap();
        let codes: Vec<String> = ran.lines().iter().map(|line| line["code"].as_str().unwrap().to_owned()).collect();
        assert_eq!(codes, [&name[..5]], "{name}: {}", ran.out);
        let error = ran.lines()[0]["severity"] == "error";
        assert_eq!(ran.code, if error { 2 } else { 1 }, "{name}");
        found += codes.len();
    }
    assert_eq!(found, 12);
}

#[test]
fn nothing_is_found_in_the_templates() {
    let templates = files("../../rules/templates");
    assert!(!templates.is_empty());
    let mut arguments = vec!["check", "--deny-warnings"];
    arguments.extend(templates.iter().map(|file| file.to_str().unwrap()));
    let ran = Place::new().run(&arguments);
    assert_eq!((ran.code, &*ran.out), (0, ""), "{ran:#?}");
}

/// The required structure of SARIF 2.1.0, by the official schema: what its `required` lists and its enumerations say of the
/// objects that we write.
#[test]
fn the_sarif_log_has_the_structure_that_the_schema_requires() {
    let place = Place::new();
    let file = place.file("rule file.yaml", &std::fs::read_to_string(&files("tests/defects")[0]).unwrap());
    let ran = place.run(
        &["check", "--sarif", "rule file.yaml", "nowhere/../rule file.yaml"]
            .map(|argument| if argument.starts_with("nowhere") { file.to_str().unwrap() } else { argument }),
    );
    assert_eq!(ran.code, 2);
    let log: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-schema-2.1.0.json"));
    let run = &log["runs"][0];
    assert!(["utf16CodeUnits", "unicodeCodePoints"].contains(&run["columnKind"].as_str().unwrap()));
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "kilat");
    let rules = driver["rules"].as_array().unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for rule in rules {
        assert!(ids.insert(rule["id"].as_str().unwrap()), "{}", rule["id"]);
        for text in [&rule["shortDescription"]["text"], &rule["help"]["text"], &rule["help"]["markdown"]] {
            assert!(!text.as_str().unwrap().is_empty(), "{}", rule["id"]);
        }
        assert!(["error", "warning"].contains(&rule["defaultConfiguration"]["level"].as_str().unwrap()));
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
        assert!(place["region"]["startColumn"].as_u64().unwrap() >= 1);
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.ends_with("rule%20file.yaml"), "{uri}");
    }
}

#[test]
fn a_page_tells_meaning_example_and_remedy() {
    let page = Place::new().run(&["explain", "K0617"]).ok();
    for part in
        ["K0617 conflicting_writes, a warning", "For example:\n\n    workspace: acme", "\nIn line ", "\nTo mend it: "]
    {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
}
