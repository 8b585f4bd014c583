//! Texts made to deceive or to cost: what they hide is found, and they fold like any other.

use kilat_matcher::{Boundary, HitSet, KeywordSetBuilder, OffsetMap, fold, fold_into, fold_with_offsets};

#[test]
fn what_is_hidden_from_the_eye_does_not_hide_a_word() {
    for text in [
        "or\u{200b}der",
        "o\u{200d}r\u{200c}d\u{2060}e\u{feff}r",
        "\u{202e}order\u{202c}",
        "\u{2066}order\u{2069}",
        "o\u{ad}rder",
        "ｏｒｄｅｒ",
        "𝐨𝐫𝐝𝐞𝐫",
        "ⓞⓡⓓⓔⓡ",
        "order\u{fe0f}",
        "o\u{e0041}rder",
        "\u{200f}ORDER\u{200e}",
    ] {
        assert_eq!(fold(text), "order", "{text:?}");
    }
    // What merely looks alike is another letter: Cyrillic о and е.
    assert_ne!(fold("оrdеr"), "order");
}

#[test]
fn a_megabyte_of_anything_folds_and_leads_back() {
    const MEGABYTE: usize = 1 << 20;
    for piece in ["e\u{301}", "\u{301}\u{323}", "👩\u{200d}💻"] {
        let text = piece.repeat(MEGABYTE / piece.len());
        let (mut folded, mut offsets) = (String::new(), OffsetMap::default());
        fold_with_offsets(&text, &mut folded, &mut offsets);
        let mut again = String::new();
        fold_into(&folded, &mut again);
        assert_eq!(folded, again, "{piece:?}");
        assert!(offsets.original(0..folded.len()).end <= text.len());
        let mut builder = KeywordSetBuilder::new();
        let id = builder.add("order", Boundary::WholeWord).expect("a keyword");
        let (set, mut hits) = (builder.build(), HitSet::new());
        set.fold_and_scan(&format!("{text} order"), &mut folded, &mut hits);
        assert!(hits.contains(id), "{piece:?}");
    }
}
