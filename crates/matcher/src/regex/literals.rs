//! Derives literals that a folded text must hold for a pattern to match the original text.
//!
//! Input: a parsed pattern. Output: folded literals, one of which is in `fold(t)` for every `t` that the pattern matches.
//! Folding maps every code point on its own, then normalises, then squeezes whitespace. So the pattern's literals are
//! mapped first (`(?i)k` is k, K and the Kelvin sign, all of which map to `k`), which gives text that the mapped message
//! must hold; then each is cut to its **core**, which normalising and squeezing leave alone whatever stands around it.
//! The last letter mostly goes: in "cafe\u{301}" the pattern `cafe` matches, and the folded text holds no "cafe". It stays
//! where the pattern itself says that nothing combining follows (`rp\s*\d`).
//! Absent: anything clever with assertions: `\b` does not keep a mark away that follows a soft hyphen.
//! Source: the idea is that of RE2's prefilters; `regex_syntax::hir::literal` knows nothing of folding.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use crate::fold::fold;
use crate::unicode::{self, Folding};

/// Most alternatives a set of literals may have.
const LITERALS_MAX: usize = 64;
/// Most bytes of one literal; the rest of a longer one selects nothing more.
const LITERAL_BYTES_MAX: usize = 128;
/// Fewest bytes of one literal; shorter ones are in nearly every text.
const LITERAL_BYTES_MIN: usize = 2;
/// Most code points of a class that are looked at one by one. `\d` has 770.
const CLASS_CHARS_MAX: usize = 2_048;

/// Returns the most selective literals of which one is required, if there are any.
pub(super) fn required(hir: &Hir) -> Option<Vec<String>> {
    best_of(hir, After::Unknown).map(|candidate| candidate.literals)
}

/// What stands behind a piece of mapped text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// A code point that starts a normalisation segment.
    Boundary,
    /// Perhaps something that combines with what is before it.
    Unknown,
}

/// How the mapped text of an expression starts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// With a code point that starts a normalisation segment.
    Boundary,
    /// So, or the mapped text is empty.
    BoundaryOrEmpty,
    /// Perhaps otherwise.
    Unknown,
}

/// Literals of which one is required, and how rarely they are expected in text (less is rarer).
struct Candidate {
    literals: Vec<String>,
    cost: f64,
}

impl Candidate {
    /// The candidate that the mapped texts `texts` make, one of which is in the mapped message with `after` behind it.
    fn new(texts: &[String], after: After) -> Option<Self> {
        let mut cores: Vec<String> = texts.iter().map(|text| core(text, after)).collect();
        cores.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        let mut literals: Vec<String> = Vec::new();
        for core in cores {
            if core.len() < LITERAL_BYTES_MIN {
                return None;
            }
            // A text that holds the longer one holds the shorter one too.
            if !literals.iter().any(|shorter| core.contains(shorter.as_str())) {
                literals.push(core);
            }
        }
        Self::of(literals)
    }

    fn of(literals: Vec<String>) -> Option<Self> {
        if literals.is_empty() || literals.len() > LITERALS_MAX {
            return None;
        }
        // About one byte in eight is as expected; beyond twelve bytes a literal is as rare as it gets, and every literal
        // costs something in the scan.
        let rarity = |literal: &String| 0.125_f64.powi(literal.len().min(12) as i32) + 1e-6;
        Some(Self { cost: literals.iter().map(rarity).sum(), literals })
    }
}

fn keep_better(best: &mut Option<Candidate>, candidate: Option<Candidate>) {
    if let Some(candidate) = candidate
        && best.as_ref().is_none_or(|best| candidate.cost <= best.cost)
    {
        *best = Some(candidate);
    }
}

/// The best candidate within `hir`.
fn best_of(hir: &Hir, after: After) -> Option<Candidate> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(_) | HirKind::Class(_) => Candidate::new(&exact(hir)?, after),
        HirKind::Capture(capture) => best_of(&capture.sub, after),
        HirKind::Repetition(repetition) => best_of_repetition(repetition, after),
        HirKind::Concat(parts) => best_of_concat(parts, after),
        HirKind::Alternation(branches) => {
            let mut literals = Vec::new();
            for branch in branches {
                literals.extend(best_of(branch, after)?.literals);
            }
            literals.sort();
            literals.dedup();
            Candidate::of(literals)
        }
    }
}

fn best_of_repetition(repetition: &Repetition, after: After) -> Option<Candidate> {
    if repetition.min == 0 {
        return None;
    }
    // Behind one turn comes another or what comes behind all of them.
    let last = repetition.max == Some(1);
    let after = if last || start(&repetition.sub) != Start::Unknown { after } else { After::Unknown };
    best_of(&repetition.sub, after)
}

/// The best of: every run of neighbours with few texts, every part by itself.
fn best_of_concat(parts: &[Hir], after: After) -> Option<Candidate> {
    // What stands behind part i, from right to left.
    let mut afters = vec![after; parts.len()];
    for i in (1..parts.len()).rev() {
        afters[i - 1] = match start(&parts[i]) {
            Start::Boundary => After::Boundary,
            Start::BoundaryOrEmpty => afters[i],
            Start::Unknown => After::Unknown,
        };
    }
    let mut best = None;
    let mut run: Vec<String> = Vec::new();
    for (part, &after) in parts.iter().zip(&afters) {
        let texts = exact(part);
        run = match &texts {
            Some(texts) if run.is_empty() => texts.clone(),
            Some(texts) => product(&run, texts).unwrap_or_else(|| texts.clone()),
            None => Vec::new(),
        };
        if run.is_empty() {
            keep_better(&mut best, best_of(part, after));
        } else {
            keep_better(&mut best, Candidate::new(&run, after));
        }
    }
    best
}

/// All mapped texts that `hir` can match, if they are few and short; at least one.
fn exact(hir: &Hir) -> Option<Vec<String>> {
    let mut texts = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        HirKind::Literal(literal) => {
            let mut mapped = String::new();
            std::str::from_utf8(&literal.0).ok()?.chars().for_each(|c| push_mapped(c, &mut mapped));
            vec![mapped]
        }
        HirKind::Class(class) => {
            let mut texts = Vec::new();
            for c in members(class)? {
                let mut mapped = String::new();
                push_mapped(c, &mut mapped);
                if !texts.contains(&mapped) {
                    if texts.len() == LITERALS_MAX {
                        return None;
                    }
                    texts.push(mapped);
                }
            }
            texts
        }
        HirKind::Capture(capture) => exact(&capture.sub)?,
        HirKind::Repetition(repetition) => {
            let turn = exact(&repetition.sub)?;
            let mut texts = Vec::new();
            let mut turns = vec![String::new()];
            for count in 0..=repetition.max? {
                if count > 0 {
                    turns = product(&turns, &turn)?;
                }
                if count >= repetition.min {
                    texts.extend(turns.iter().cloned());
                }
                if texts.len() > LITERALS_MAX {
                    return None;
                }
            }
            texts
        }
        HirKind::Concat(parts) => {
            let mut texts = vec![String::new()];
            for part in parts {
                texts = product(&texts, &exact(part)?)?;
            }
            texts
        }
        HirKind::Alternation(branches) => {
            let mut texts = Vec::new();
            for branch in branches {
                texts.extend(exact(branch)?);
            }
            texts
        }
    };
    texts.sort();
    texts.dedup();
    let fits = (1..=LITERALS_MAX).contains(&texts.len()) && texts.iter().all(|text| text.len() <= LITERAL_BYTES_MAX);
    fits.then_some(texts)
}

/// Every text of `left` followed by every text of `right`, if they are few and short.
fn product(left: &[String], right: &[String]) -> Option<Vec<String>> {
    if left.len() * right.len() > LITERALS_MAX {
        return None;
    }
    let texts: Vec<String> =
        left.iter().flat_map(|left| right.iter().map(move |right| format!("{left}{right}"))).collect();
    texts.iter().all(|text| text.len() <= LITERAL_BYTES_MAX).then_some(texts)
}

fn push_mapped(c: char, mapped: &mut String) {
    match c {
        '\t'..='\r' => mapped.push(' '),
        _ if c.is_ascii() => mapped.push(c.to_ascii_lowercase()),
        _ => match unicode::folding(c) {
            Folding::Same => mapped.push(c),
            Folding::Dropped => {}
            Folding::Mapped(text) => mapped.push_str(text.text()),
        },
    }
}

/// The members of a class, if they are few enough to look at.
fn members(class: &Class) -> Option<Vec<char>> {
    let mut members = Vec::new();
    let mut extend = |start: char, end: char| {
        let free = CLASS_CHARS_MAX - members.len();
        members.extend((start..=end).take(free));
        members.len() < CLASS_CHARS_MAX
    };
    let complete = match class {
        Class::Unicode(class) => class.ranges().iter().all(|range| extend(range.start(), range.end())),
        Class::Bytes(class) => {
            class.is_ascii()
                && class.ranges().iter().all(|range| extend(char::from(range.start()), char::from(range.end())))
        }
    };
    complete.then_some(members)
}

/// How the mapped text of `hir` starts.
fn start(hir: &Hir) -> Start {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Start::BoundaryOrEmpty,
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => in_sequence(text.chars().map(start_of_char)),
            Err(_) => Start::Unknown,
        },
        HirKind::Class(class) => match members(class) {
            Some(members) => any_of(members.into_iter().map(start_of_char)),
            None => Start::Unknown,
        },
        HirKind::Capture(capture) => start(&capture.sub),
        HirKind::Repetition(repetition) => match start(&repetition.sub) {
            Start::Boundary if repetition.min == 0 => Start::BoundaryOrEmpty,
            start => start,
        },
        HirKind::Concat(parts) => in_sequence(parts.iter().map(start)),
        HirKind::Alternation(branches) => any_of(branches.iter().map(start)),
    }
}

fn start_of_char(c: char) -> Start {
    match unicode::folding(c) {
        Folding::Same => Start::Boundary,
        Folding::Dropped => Start::BoundaryOrEmpty,
        Folding::Mapped(mapped) if mapped.is_boundary() => Start::Boundary,
        Folding::Mapped(_) => Start::Unknown,
    }
}

/// The start of one thing after another.
fn in_sequence(starts: impl Iterator<Item = Start>) -> Start {
    starts.into_iter().find(|&start| start != Start::BoundaryOrEmpty).unwrap_or(Start::BoundaryOrEmpty)
}

/// The start of one thing or another.
fn any_of(mut starts: impl Iterator<Item = Start>) -> Start {
    let Some(first) = starts.next() else { return Start::Unknown };
    starts.fold(first, |all, start| match (all, start) {
        (Start::Unknown, _) | (_, Start::Unknown) => Start::Unknown,
        (Start::Boundary, Start::Boundary) => Start::Boundary,
        _ => Start::BoundaryOrEmpty,
    })
}

/// The part of the mapped text `text` that is in the folded text wherever `text` is in the mapped one, folded.
fn core(text: &str, after: After) -> String {
    let starts_segment = |c: char| start_of_char(c) == Start::Boundary;
    let Some(start) = text.find(starts_segment) else { return String::new() };
    let last = text.rfind(starts_segment).unwrap_or(start);
    let mut tail = text[last..].chars();
    // The last segment is whole if nothing can join it: by what follows, or because it is one code point behind which
    // marks can only line up.
    let whole = after == After::Boundary
        || (tail.next().is_some_and(|c| !unicode::changes_before_marks(c)) && tail.next().is_none());
    fold(&text[start..if whole { text.len() } else { last }])
}
