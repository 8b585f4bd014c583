//! Writes `src/unicode/tables.rs`: the Unicode data that folding and word boundaries need, and nothing else.
//!
//! Input: ICU4X (normaliser, case map, properties; dev-dependencies). Output: one generated source file, committed, so
//! that neither a build nor the running engine carries a Unicode library.
//! Run: `cargo run -p kilat-matcher --example generate_tables` after raising the ICU4X version.
//! Source: UAX #44 `NFKC_Casefold`, The Unicode Standard 3.13 D-definitions R5, UAX #29 table 3.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use icu_casemap::CaseMapper;
use icu_normalizer::properties::{
    CanonicalCombiningClassMapBorrowed, CanonicalCompositionBorrowed, CanonicalDecompositionBorrowed, Decomposed,
};
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{
    DefaultIgnorableCodePoint, EmojiModifier, ExtendedPictographic, GeneralCategory, RegionalIndicator, WhiteSpace,
    WordBreak,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Mirrors of the flag bits in `src/unicode.rs`.
const BOUNDARY: u8 = 1;
const COMPOSES_BACK: u8 = 2;
const SPACE: u8 = 4;
/// Mirror of the first code point the tries leave out: the unassigned and private planes behind it hold nothing but the
/// default ignorables at U+E0000, which the reader knows.
const TRIE_END: u32 = 0x3_4000;
/// Mirrors of the two special trie values in `src/unicode.rs`.
const SAME: u16 = 0;
const DROPPED: u16 = 1;

const HANGUL_SYLLABLES: std::ops::RangeInclusive<char> = '\u{AC00}'..='\u{D7A3}';

/// NFKC_Casefold of one code point: drop default ignorables, decompose, fold, compose, until nothing changes.
fn nfkc_casefold(c: char) -> String {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let nfd = DecomposingNormalizerBorrowed::new_nfd();
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let fold = CaseMapper::new();
    let mut text = c.to_string();
    loop {
        let kept: String = text.chars().filter(|&c| !ignorable.contains(c)).collect();
        let next = nfkc.normalize(&fold.fold_string(&nfd.normalize(&kept))).into_owned();
        if next == text {
            return text;
        }
        text = next;
    }
}

/// The mapping the engine uses: NFKC_Casefold, and every White_Space that survives it becomes U+0020 (D-10).
fn mapping(c: char) -> String {
    let white = CodePointSetData::new::<WhiteSpace>();
    nfkc_casefold(c).chars().map(|c| if white.contains(c) { ' ' } else { c }).collect()
}

/// Places `text` in `pool`, sharing any occurrence that is already there.
fn intern(pool: &mut String, text: &str) -> usize {
    pool.find(text).unwrap_or_else(|| {
        pool.push_str(text);
        pool.len() - text.len()
    })
}

/// Splits per-code-point values into deduplicated blocks of 64 and an index of them.
fn trie<V: Copy + Eq + std::hash::Hash>(value: impl Fn(u32) -> V) -> (Vec<u16>, Vec<V>) {
    let (mut index, mut blocks, mut seen) = (Vec::new(), Vec::new(), HashMap::new());
    for block in 0..TRIE_END / 64 {
        let values: Vec<V> = (block * 64..block * 64 + 64).map(&value).collect();
        let next = u16::try_from(seen.len()).expect("fewer than 65,536 distinct blocks");
        let id = *seen.entry(values.clone()).or_insert_with(|| {
            blocks.extend(values);
            next
        });
        index.push(id);
    }
    (index, blocks)
}

fn array(out: &mut String, doc: &str, name: &str, ty: &str, values: impl ExactSizeIterator<Item = String>) {
    write!(out, "\n/// {doc}\npub(super) static {name}: [{ty}; {}] = [", values.len()).expect("String");
    let mut column = 121;
    for value in values {
        if column + value.len() + 2 > 120 {
            out.push_str("\n    ");
            column = 4;
        } else {
            out.push(' ');
            column += 1;
        }
        write!(out, "{value},").expect("String");
        column += value.len() + 1;
    }
    out.push_str("\n];\n");
}

fn word_class(c: u32) -> u8 {
    let Some(c) = char::from_u32(c) else { return 0 };
    let class = match CodePointMapData::<WordBreak>::new().get(c) {
        WordBreak::CR => 1,
        WordBreak::LF => 2,
        WordBreak::Newline => 3,
        WordBreak::Extend => 4,
        WordBreak::ZWJ => 5,
        WordBreak::Format => 6,
        WordBreak::RegionalIndicator => 7,
        WordBreak::Katakana => 8,
        WordBreak::HebrewLetter => 9,
        WordBreak::ALetter => 10,
        WordBreak::SingleQuote => 11,
        WordBreak::DoubleQuote => 12,
        WordBreak::MidNumLet => 13,
        WordBreak::MidLetter => 14,
        WordBreak::MidNum => 15,
        WordBreak::Numeric => 16,
        WordBreak::ExtendNumLet => 17,
        WordBreak::WSegSpace => 18,
        _ => 0,
    };
    let pictographic = CodePointSetData::new::<ExtendedPictographic>().contains(c);
    let punctuation = matches!(
        CodePointMapData::<GeneralCategory>::new().get(c),
        GeneralCategory::ConnectorPunctuation
            | GeneralCategory::DashPunctuation
            | GeneralCategory::OpenPunctuation
            | GeneralCategory::ClosePunctuation
            | GeneralCategory::InitialPunctuation
            | GeneralCategory::FinalPunctuation
            | GeneralCategory::OtherPunctuation
    );
    // Digits, # and * are Emoji only together with U+20E3, and are text here.
    let emoji = pictographic
        || CodePointSetData::new::<EmojiModifier>().contains(c)
        || CodePointSetData::new::<RegionalIndicator>().contains(c)
        || c == '\u{20E3}';
    class | (u8::from(pictographic) << 5) | (u8::from(punctuation || emoji) << 6)
}

fn main() {
    let ccc = CanonicalCombiningClassMapBorrowed::new();
    let compose = CanonicalCompositionBorrowed::new();
    let decompose = CanonicalDecompositionBorrowed::new();

    let mapped: BTreeMap<char, String> = ('\0'..=char::MAX).map(|c| (c, mapping(c))).collect();
    let stable = |c: char| mapped[&c].chars().eq([c]);

    // Every pair that composes and whose halves can both stand in folded text.
    let mut pairs = Vec::new();
    let mut composes_back = BTreeSet::new();
    for c in ('\0'..=char::MAX).filter(|c| !HANGUL_SYLLABLES.contains(c)) {
        if let Decomposed::Expansion(first, second) = decompose.decompose(c)
            && compose.compose(first, second) == Some(c)
        {
            composes_back.insert(second);
            if stable(first) && stable(second) {
                assert!(
                    stable(c),
                    "{c:?} is composed of folded halves but not folded: folding would not be idempotent"
                );
                pairs.push((first, second, c));
            }
        }
    }
    composes_back.extend('\u{1161}'..='\u{1175}');
    composes_back.extend('\u{11A8}'..='\u{11C2}');
    // And what begins, decomposed, with one of them: its first half may join what stands before.
    loop {
        let more: Vec<char> = ('\0'..=char::MAX)
            .filter(|c| !HANGUL_SYLLABLES.contains(c) && !composes_back.contains(c))
            .filter(|c| match decompose.decompose(*c) {
                Decomposed::Expansion(first, _) | Decomposed::Singleton(first) => composes_back.contains(&first),
                Decomposed::Default => false,
            })
            .collect();
        if more.is_empty() {
            break;
        }
        composes_back.extend(more);
    }
    for (&c, text) in mapped.range(char::from_u32(TRIE_END).expect("a scalar")..) {
        let in_tail = ('\u{E0000}'..='\u{E0FFF}').contains(&c);
        assert!(if in_tail { text.is_empty() } else { text.chars().eq([c]) }, "{c:?} does not fit the reader's tail");
    }
    pairs.sort();
    let mut by_composite: Vec<(char, char, char)> = pairs.iter().map(|&(a, b, c)| (c, a, b)).collect();
    by_composite.sort();

    let mut pool = String::new();
    let mut by_length: Vec<&String> = mapped.values().collect();
    by_length.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let mut entries: Vec<(usize, usize, u8, u8, u8)> = vec![(0, 0, 0, 0, BOUNDARY); 2];
    let mut entry_of: HashMap<String, u16> = HashMap::new();
    let mut values: HashMap<char, u16> = HashMap::new();
    for (&c, text) in &mapped {
        let Some(first) = text.chars().next() else {
            values.insert(c, DROPPED);
            continue;
        };
        let boundary = ccc.get_u8(first) == 0 && !composes_back.contains(&first);
        if boundary && stable(c) {
            continue;
        }
        let value = *entry_of.entry(text.clone()).or_insert_with(|| {
            let last = text.chars().next_back().expect("not empty");
            let flag = |set: bool, bit: u8| if set { bit } else { 0 };
            let flags = flag(boundary, BOUNDARY)
                | flag(composes_back.contains(&first), COMPOSES_BACK)
                | flag(text.contains(' '), SPACE);
            entries.push((intern(&mut pool, text), text.len(), ccc.get_u8(first), ccc.get_u8(last), flags));
            u16::try_from(entries.len() - 1).expect("fewer than 65,536 distinct mappings")
        });
        values.insert(c, value);
    }
    let (fold_index, fold_blocks) =
        trie(|c| char::from_u32(c).map_or(SAME, |c| values.get(&c).copied().unwrap_or(SAME)));
    let (word_index, word_blocks) = trie(word_class);

    let mut out = String::from(
        "//! Unicode data for folding and word boundaries. Generated by `examples/generate_tables.rs`; do not edit.\n\
         //!\n\
         //! Unicode 18.0, by way of ICU4X 2.4. The shapes are explained where they are read, in `unicode.rs`.\n\n\
         use super::Entry as E;\n",
    );
    eprintln!(
        "{} entries, {} pool bytes, {} pairs, fold trie {}+{}, word trie {}+{}",
        entries.len(),
        pool.len(),
        pairs.len(),
        fold_index.len(),
        fold_blocks.len(),
        word_index.len(),
        word_blocks.len()
    );
    array(
        &mut out,
        "Block number of every 64 code points, for `FOLD_VALUES`.",
        "FOLD_BLOCKS",
        "u16",
        fold_index.iter().map(u16::to_string),
    );
    array(
        &mut out,
        "What folding does with a code point: `SAME`, `DROPPED` or an index into `ENTRIES`.",
        "FOLD_VALUES",
        "u16",
        fold_blocks.iter().map(u16::to_string),
    );
    array(
        &mut out,
        "The distinct mappings.",
        "ENTRIES",
        "E",
        entries.iter().map(|(start, len, first, last, flags)| format!("E({start}, {len}, {first}, {last}, {flags})")),
    );
    let char_literal = |c: char| format!("'\\u{{{:X}}}'", u32::from(c));
    let triple =
        |&(a, b, c): &(char, char, char)| format!("({}, {}, {})", char_literal(a), char_literal(b), char_literal(c));
    array(
        &mut out,
        "`(first, second, composite)`, sorted.",
        "COMPOSITIONS",
        "(char, char, char)",
        pairs.iter().map(triple),
    );
    array(
        &mut out,
        "`(composite, first, second)`, sorted.",
        "DECOMPOSITIONS",
        "(char, char, char)",
        by_composite.iter().map(triple),
    );
    array(
        &mut out,
        "Block number of every 64 code points, for `WORD_VALUES`.",
        "WORD_BLOCKS",
        "u16",
        word_index.iter().map(u16::to_string),
    );
    array(
        &mut out,
        "Word_Break class, Extended_Pictographic and edge bits.",
        "WORD_VALUES",
        "u8",
        word_blocks.iter().map(u8::to_string),
    );

    out.push_str("\n/// The mapped text of every entry, overlaid.\npub(super) static POOL: &str = \"\\\n");
    let mut line = String::new();
    for c in pool.chars() {
        let piece = match c {
            '"' | '\\' => format!("\\{c}"),
            ' '..='~' if !(c == ' ' && line.is_empty()) => c.to_string(),
            _ => format!("\\u{{{:X}}}", u32::from(c)),
        };
        if line.len() + piece.len() > 115 {
            writeln!(out, "    {line}\\").expect("String");
            line.clear();
        }
        let piece = if c == ' ' && line.is_empty() { "\\u{20}".to_owned() } else { piece };
        line.push_str(&piece);
    }
    writeln!(out, "    {line}\";").expect("String");

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/unicode/tables.rs");
    std::fs::write(path, out).expect("the tables file can be written");
}
