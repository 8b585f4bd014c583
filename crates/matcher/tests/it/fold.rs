//! Folding against unicode-normalization, caseless and regex-syntax, none of which shares data with the generator.

use caseless::default_case_fold_str;
use kilat_matcher::{OffsetMap, fold, fold_into, fold_with_offsets};
use proptest::prelude::*;
use regex_syntax::hir::{Class, ClassUnicode, HirKind};
use unicode_normalization::UnicodeNormalization;

/// The Unicode set that a class expression names.
pub(crate) fn set(class: &str) -> ClassUnicode {
    match regex_syntax::parse(class).expect("a class").into_kind() {
        HirKind::Class(Class::Unicode(set)) => set,
        kind => panic!("{class} is {kind:?}"),
    }
}

pub(crate) fn contains(set: &ClassUnicode, c: char) -> bool {
    set.ranges()
        .binary_search_by(|range| {
            if range.end() < c {
                std::cmp::Ordering::Less
            } else if range.start() > c {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        })
        .is_ok()
}

/// The definition, taken literally: strings are rewritten as a whole until nothing changes.
struct Reference {
    ignorable: ClassUnicode,
    space: ClassUnicode,
    /// What caseless and regex-syntax, which know Unicode 16, can judge.
    known: ClassUnicode,
}

impl Reference {
    fn new() -> Self {
        Self {
            ignorable: set(r"\p{Default_Ignorable_Code_Point}"),
            space: set(r"\p{White_Space}"),
            known: set(r"\p{age=16.0}"),
        }
    }

    fn map(&self, c: char) -> String {
        let mut text = c.to_string();
        loop {
            let kept: String = text.chars().filter(|&c| !contains(&self.ignorable, c)).collect();
            let next: String = default_case_fold_str(&kept.nfd().collect::<String>()).nfkc().collect();
            if next == text {
                return text;
            }
            text = next;
        }
    }

    fn fold(&self, text: &str) -> String {
        let mapped: String = text.chars().map(|c| self.map(c)).collect();
        let normal: String = mapped.nfc().collect();
        normal.split(|c| contains(&self.space, c)).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn every_code_point_folds_as_an_independent_library_says() {
    let reference = Reference::new();
    let mut later = Vec::new();
    for c in '\0'..=char::MAX {
        let (ours, theirs) = (fold(&c.to_string()), reference.fold(&c.to_string()));
        if ours != theirs {
            assert!(!contains(&reference.known, c), "{c:?}: {ours:?}, reference {theirs:?}");
            later.push(c);
        }
    }
    for c in later {
        let lower: String = c.to_lowercase().collect();
        assert!(lower == fold(&c.to_string()) || lower.chars().eq([c]), "{c:?} folds to other than its lower case");
    }
}

/// Code points that make folding hard, and plain ones around them.
fn hostile_char() -> impl Strategy<Value = char> {
    prop_oneof![
        4 => prop::sample::select("aAeEoOuUkKsSſqxyz019.,!'_:-  \t\n".chars().collect::<Vec<_>>()),
        3 => prop::sample::select("\u{300}\u{301}\u{302}\u{304}\u{307}\u{308}\u{30a}\u{323}\u{327}\u{328}\u{338}\u{345}\u{346}\u{35c}\u{5b0}\u{64b}\u{93c}\u{94d}\u{9be}\u{9c7}\u{e38}\u{e48}\u{3099}\u{309a}".chars().collect::<Vec<_>>()),
        2 => prop::char::range('\u{1100}', '\u{11ff}'),
        1 => prop::char::range('\u{ac00}', '\u{d7a3}'),
        2 => prop::sample::select("\u{200d}\u{fe0f}\u{200b}\u{ad}\u{34f}\u{feff}\u{a0}\u{3000}\u{1680}\u{2028}\u{85}\u{e0041}👩💻🏽🇮🇩".chars().collect::<Vec<_>>()),
        1 => prop::char::range('\u{ff00}', '\u{ffef}'),
        1 => prop::sample::select("ßẞİıΣςᾳᾴΐΰǰŉﬁﬃﷺ¨´Ⅷ①ǅÅK™ｶﾞ각가がばহিক".chars().collect::<Vec<_>>()),
        1 => prop::char::range('\u{80}', '\u{24f}'),
        1 => prop::char::range('\u{370}', '\u{3ff}'),
        1 => prop::char::range('\u{1f00}', '\u{1fff}'),
        1 => any::<char>(),
    ]
}

pub(crate) fn hostile_text(chars: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(hostile_char(), chars).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn hostile_text_folds_as_the_definition_says(text in hostile_text(0..40)) {
        let (text, expected) = REFERENCE.with(|reference| {
            let text: String = text.chars().filter(|&c| contains(&reference.known, c)).collect();
            let expected = reference.fold(&text);
            (text, expected)
        });
        prop_assert_eq!(fold(&text), expected);
    }

    #[test]
    fn folding_twice_is_folding_once(text in hostile_text(0..40)) {
        let once = fold(&text);
        prop_assert_eq!(fold(&once), once);
    }

    #[test]
    fn a_used_buffer_changes_nothing(text in hostile_text(0..40), before in hostile_text(0..40)) {
        let (mut folded, mut offsets) = (String::new(), OffsetMap::default());
        fold_with_offsets(&before, &mut folded, &mut offsets);
        fold_with_offsets(&text, &mut folded, &mut offsets);
        prop_assert_eq!(&folded, &fold(&text));
        fold_into(&before, &mut folded);
        fold_into(&text, &mut folded);
        prop_assert_eq!(folded, fold(&text));
    }

    #[test]
    fn offsets_lead_back_to_text_that_folds_to_what_was_asked(text in hostile_text(0..40)) {
        let (mut folded, mut offsets) = (String::new(), OffsetMap::default());
        fold_with_offsets(&text, &mut folded, &mut offsets);
        let ends: Vec<usize> = folded.char_indices().map(|(at, _)| at).chain([folded.len()]).collect();
        for (i, &start) in ends.iter().enumerate() {
            for &end in &ends[i + 1..] {
                // The covering text may fold to more, where several code points folded as one, never to less.
                let original = &text[offsets.original(start..end)];
                let around = fold(original);
                prop_assert!(around.contains(folded[start..end].trim()), "{original:?} for {:?}", &folded[start..end]);
            }
        }
    }
}

thread_local! {
    static REFERENCE: Reference = Reference::new();
}

#[test]
fn offsets_are_exact_for_what_messages_hold() {
    fn check(text: &str, folded_piece: &str, original_piece: &str) {
        let (mut folded, mut offsets) = (String::new(), OffsetMap::default());
        fold_with_offsets(text, &mut folded, &mut offsets);
        let start = folded.find(folded_piece).unwrap();
        assert_eq!(&text[offsets.original(start..start + folded_piece.len())], original_piece, "{text:?}");
    }
    check("mau ORDER dong", "order", "ORDER");
    check("  mau\t \nORDER  ", "order", "ORDER");
    check("  mau\t \nORDER  ", "mau order", "mau\t \nORDER");
    check("a \t b", " ", " \t ");
    check("ＯＲＤＥＲ ya", "order", "ＯＲＤＥＲ");
    check("or\u{200b}der", "order", "or\u{200b}der");
    check("\u{200b}order\u{200b}", "order", "order");
    check("cafe\u{301} latte", "café", "cafe\u{301}");
    check("cafe\u{301} latte", "caf", "caf");
    check("cafe\u{301} latte", "latte", "latte");
    check("Straße 5", "ss", "ß");
    check("Straße 5", "5", "5");
    check("ok 👩\u{200d}💻 siap", "siap", "siap");
}
