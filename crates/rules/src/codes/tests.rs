//! Every code has a fixture that triggers it and nothing else: `golden/codes/K0101.yaml`.

use std::collections::BTreeSet;

use super::{ALL, find};
use crate::check;
use crate::tests::{golden_files, golden_names};

#[test]
fn every_code_has_a_fixture_that_triggers_it_and_nothing_else() {
    for (path, text) in golden_files("codes") {
        let code = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let loaded = check(&path.display().to_string(), &text);
        let codes: BTreeSet<&str> = loaded.diagnostics.iter().map(|found| found.code).collect();
        assert_eq!(codes, BTreeSet::from([&*code]), "{}: {:#?}", path.display(), loaded.diagnostics);
        let is_error = loaded.diagnostics.iter().any(crate::Diagnostic::is_error);
        // The first of two documents for one workspace is in order.
        let kept = usize::from(!is_error || code == "K0106");
        assert_eq!(loaded.documents.len(), kept, "{}", path.display());
        for found in &loaded.diagnostics {
            assert!(found.line > 0 && found.column > 0 && !found.help.is_empty(), "{found}");
            assert!(!found.message.ends_with('.') && !found.help.ends_with('.'), "{found}");
        }
    }
}

#[test]
fn fixtures_and_codes_are_the_same() {
    let codes: Vec<String> = ALL.iter().map(|code| format!("{}.yaml", code.code)).collect();
    let mut sorted = codes.clone();
    sorted.sort();
    assert_eq!(golden_names("codes"), sorted);
}

#[test]
fn no_code_and_no_name_is_used_twice() {
    let codes: BTreeSet<&str> = ALL.iter().map(|code| code.code).collect();
    let names: BTreeSet<&str> = ALL.iter().map(|code| code.name).collect();
    assert_eq!(codes.len(), ALL.len());
    assert_eq!(names.len(), ALL.len());
    assert_eq!(find("k0101").map(|code| code.name), Some("unknown_key"));
    assert_eq!(find("K9999"), None);
}
