//! F-19, F-74, D-1: presets prove themselves by their own texts.

use super::{ALL, Grouping, NAMES, Preset, proof};
use crate::corpus::Expected;

/// Proves F-76 to F-80.
#[test]
fn every_preset_finds_in_its_corpus_what_the_corpus_says() {
    assert_eq!(ALL.each_ref().map(|preset| preset.name).as_slice(), NAMES);
    for (at, name) in NAMES.iter().enumerate() {
        assert_eq!(proof(at), Ok(()), "{name}");
    }
}

#[test]
fn every_corpus_has_texts_on_both_sides() {
    for preset in &ALL {
        let corpus = preset.corpus();
        let found = corpus.lines.iter().filter(|line| matches!(line.expected, Expected::Found(Some(_)))).count();
        let nothing = corpus.lines.iter().filter(|line| matches!(line.expected, Expected::Nothing(Some(_)))).count();
        assert!(found >= 5 && nothing >= 5, "{}: {found} are found, {nothing} are not", preset.name);
        assert_eq!(
            found + nothing,
            corpus.lines.len(),
            "{}: every text says what is found, or why nothing",
            preset.name
        );
    }
}

#[test]
fn a_preset_that_is_broken_anywhere_fails_on_a_text_of_its_corpus() {
    let change = |preset: &Preset, change: fn(&mut Preset)| {
        let mut changed = *preset;
        change(&mut changed);
        changed.proof().expect_err(preset.name)
    };
    for preset in &ALL {
        change(preset, |preset| preset.locator.after_total = !preset.locator.after_total);
        change(preset, |preset| preset.locator.needs_rupiah = !preset.locator.needs_rupiah);
        change(preset, |preset| {
            preset.locator.grouping =
                if preset.locator.grouping == Grouping::Plain { Grouping::Any } else { Grouping::Plain };
        });
        change(preset, |preset| preset.policy = crate::money::Policy::First);
        change(preset, |preset| preset.normaliser = |_, _| Err(crate::money::NotFound::NoMatch));
        change(preset, |preset| preset.corpus = "matches: [");
    }
    let why = change(&ALL[1], |preset| preset.corpus = "matches: [{text: Rp 1.500.00O, value: 1500000}]");
    assert_eq!(why, "in \"Rp 1.500.00O\" it must find 1500000, and finds nothing (ambiguous)");
}
