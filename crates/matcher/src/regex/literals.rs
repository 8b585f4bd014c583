//! Derives literals that a mapped text must hold for a pattern to match the original text.
//!
//! Input: a parsed pattern. Output: literals, one of which is in the mapped text of every text that the pattern matches.
//! Folding maps every code point on its own, then normalises, then squeezes whitespace. So the pattern's literals are
//! mapped too: `(?i)k` is k, K and the Kelvin sign, all of which map to `k`. Normalising is left out of the text they are
//! looked for in: in "cafe\u{301}" the pattern `cafe` matches, and the folded text holds no "cafe".
//! Absent: assertions; they only rule matches out.
//! Source: the idea is that of RE2's prefilters; `regex_syntax::hir::literal` knows nothing of folding.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use crate::unicode::{self, Folding};

/// Most alternatives a set of literals may have.
const LITERALS_MAX: usize = 64;
/// Most bytes of one literal; the rest of a longer one selects nothing more.
const LITERAL_BYTES_MAX: usize = 128;
/// Fewest bytes of one literal; shorter ones are in nearly every text.
const LITERAL_BYTES_MIN: usize = 2;
/// Most code points of a class that are looked at one by one. `\d` has 770.
const CLASS_CHARS_MAX: usize = 2_048;

/// Most sets of literals a pattern is asked for. A third rarely rules anything out that two let through.
const SETS_MAX: usize = 2;
/// Dearest second set: one that is expected in many texts, such as `an`, costs more in the scan than it rules out.
const SECOND_COST_MAX: f64 = 1.0 / 128.0;

/// Literals of which a folded text must hold one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Required {
    pub(super) literals: Vec<String>,
    pub(super) reach: Reach,
}

/// How far before a literal, in the original text, the match begins that it is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The match begins where the literal does.
    Start,
    /// At most so many bytes before.
    Bytes(usize),
    /// Nobody knows.
    Unknown,
}

/// Returns up to [`SETS_MAX`] sets of literals, each required, the most selective one first.
pub(super) fn required(hir: &Hir) -> Vec<Required> {
    let mut candidates = Vec::new();
    candidates_of(hir, Some(0), &mut candidates);
    // Of those that cost the same the last one, which is the longest of its run.
    candidates.reverse();
    candidates.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let mut chosen: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        // A literal that holds another, or is held by one, says little that the other does not.
        let overlaps = |other: &Candidate| {
            let held = |a: &[String], b: &[String]| a.iter().any(|a| b.iter().any(|b| a.contains(b.as_str())));
            held(&candidate.literals, &other.literals) || held(&other.literals, &candidate.literals)
        };
        let pays = chosen.is_empty() || candidate.cost <= SECOND_COST_MAX;
        if pays && chosen.len() < SETS_MAX && !chosen.iter().any(overlaps) {
            chosen.push(candidate);
        }
    }
    chosen.into_iter().map(|candidate| Required { literals: candidate.literals, reach: candidate.reach }).collect()
}

/// Literals of which one is required, and how rarely they are expected in text (less is rarer).
struct Candidate {
    literals: Vec<String>,
    cost: f64,
    reach: Reach,
}

impl Candidate {
    /// The candidate that the mapped texts `texts` of `parts` make, with at most `before` bytes of the match before them.
    fn new(texts: &[String], parts: &[Hir], before: Option<usize>) -> Option<Self> {
        let mut cores: Vec<String> = texts.iter().map(|text| squeezed(text)).collect();
        let is_whole = !texts.iter().any(|text| text.is_empty() || text.starts_with(' '));
        let reach = match before {
            Some(0) if is_whole && opens(parts) => Reach::Start,
            // The code points that a literal leaves out are still the match's.
            Some(before) => match parts.iter().map(|part| part.properties().maximum_len()).sum::<Option<usize>>() {
                Some(own) => Reach::Bytes(before + own),
                None => Reach::Unknown,
            },
            None => Reach::Unknown,
        };
        cores.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        let mut literals: Vec<String> = Vec::new();
        for core in cores {
            if core.len() < LITERAL_BYTES_MIN {
                return None;
            }
            // A text that holds the longer one holds the shorter one too; but not where the longer one begins.
            let is_held = |shorter: &String| match reach {
                Reach::Start => core.starts_with(shorter.as_str()),
                _ => core.contains(shorter.as_str()),
            };
            if !literals.iter().any(is_held) {
                literals.push(core);
            }
        }
        Self::of(literals, reach)
    }

    fn of(literals: Vec<String>, reach: Reach) -> Option<Self> {
        if literals.is_empty() || literals.len() > LITERALS_MAX {
            return None;
        }
        // About one byte in eight is as expected; beyond twelve bytes a literal is as rare as it gets, and every literal
        // costs something in the scan.
        let rarity = |literal: &String| 0.125_f64.powi(literal.len().min(12) as i32) + 1e-6;
        Some(Self { cost: literals.iter().map(rarity).sum(), literals, reach })
    }
}

/// Whether the pattern has no case and no assertions, and all that it matches maps to ASCII that it matches too: where one
/// of its texts stands in ASCII, whatever the case of its letters, the pattern matches.
fn is_plain(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.iter().all(|byte| byte.is_ascii() && !byte.is_ascii_alphabetic()),
        HirKind::Class(class) => members(class).is_some_and(|members| {
            members.iter().all(|&c| {
                let mut mapped = String::new();
                push_mapped(c, &mut mapped);
                let is_member = |c: u8| members.contains(&char::from(c));
                matches!(mapped.as_bytes(), &[byte] if is_member(byte) && is_member(byte.to_ascii_uppercase()))
            })
        }),
        HirKind::Capture(capture) => is_plain(&capture.sub),
        HirKind::Repetition(repetition) => is_plain(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(is_plain),
    }
}

/// Whether `literals` are whole texts of `hir`, each of which is enough for it to match.
pub(super) fn are_enough(hir: &Hir, literals: &[String]) -> bool {
    is_plain(hir)
        && exact(hir).is_some_and(|texts| {
            literals.iter().all(|literal| !literal.contains(' ') && texts.binary_search(literal).is_ok())
        })
}

/// Every candidate within `hir`, which a match has at most `before` bytes before.
fn candidates_of(hir: &Hir, before: Option<usize>, candidates: &mut Vec<Candidate>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(_) | HirKind::Class(_) => {
            let texts = exact(hir);
            candidates.extend(texts.and_then(|texts| Candidate::new(&texts, std::slice::from_ref(hir), before)));
        }
        HirKind::Capture(capture) => candidates_of(&capture.sub, before, candidates),
        // The first turn has `before` before it.
        HirKind::Repetition(repetition) if repetition.min > 0 => candidates_of(&repetition.sub, before, candidates),
        HirKind::Repetition(_) => {}
        HirKind::Concat(parts) => candidates_of_concat(parts, before, candidates),
        HirKind::Alternation(branches) => candidates.extend(best_of_branches(branches, before)),
    }
}

/// Every run of neighbours with few texts, every part by itself.
fn candidates_of_concat(parts: &[Hir], before: Option<usize>, candidates: &mut Vec<Candidate>) {
    let unrolled: Vec<Hir>;
    let parts = if parts.iter().any(is_unrolled) {
        unrolled = parts.iter().flat_map(unroll).collect();
        &unrolled
    } else {
        parts
    };
    // How many bytes of the match part i has before it.
    let mut befores = vec![before; parts.len()];
    for i in 1..parts.len() {
        let part = parts[i - 1].properties().maximum_len();
        befores[i] = befores[i - 1].zip(part).map(|(before, part)| before + part);
    }
    let mut run: Vec<String> = Vec::new();
    let mut first = 0;
    for (i, part) in parts.iter().enumerate() {
        let longer = match (exact(part), run.is_empty()) {
            (Some(texts), true) => Some((texts, i)),
            (Some(texts), false) => Some(product(&run, &texts).map_or((texts, i), |texts| (texts, first))),
            (None, _) => None,
        };
        match longer {
            Some((texts, from)) => {
                (run, first) = (texts, from);
                candidates.extend(Candidate::new(&run, &parts[first..=i], befores[first]));
            }
            None => {
                run.clear();
                candidates_of(part, befores[i], candidates);
            }
        }
    }
}

/// Whether the first and the last turn of a repetition are parts of their own: it may have many texts, but they have few, and
/// stand beside its neighbours.
fn is_unrolled(part: &Hir) -> bool {
    let HirKind::Repetition(repetition) = part.kind() else { return false };
    repetition.min > 0 && exact(&repetition.sub).is_some() && exact(part).is_none()
}

/// The parts that a repetition is in its place, as [`is_unrolled`] says.
fn unroll(part: &Hir) -> Vec<Hir> {
    match part.kind() {
        HirKind::Repetition(repetition) if is_unrolled(part) => {
            let turn = (*repetition.sub).clone();
            // A single turn that there must be is the first.
            let taken = repetition.min.min(2);
            let (min, max) = (repetition.min - taken, repetition.max.map(|max| max - taken));
            let rest = Hir::repetition(Repetition { min, max, ..repetition.clone() });
            let last = (taken == 2).then(|| turn.clone());
            [turn, rest].into_iter().chain(last).collect()
        }
        _ => vec![part.clone()],
    }
}

/// The best candidates of all branches together.
fn best_of_branches(branches: &[Hir], before: Option<usize>) -> Option<Candidate> {
    let mut literals = Vec::new();
    let mut reach = Reach::Start;
    for branch in branches {
        let mut candidates = Vec::new();
        candidates_of(branch, before, &mut candidates);
        let best = candidates.into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost))?;
        literals.extend(best.literals);
        reach = match (reach, best.reach) {
            (Reach::Unknown, _) | (_, Reach::Unknown) => Reach::Unknown,
            (Reach::Start, reach) | (reach, Reach::Start) => reach,
            (Reach::Bytes(a), Reach::Bytes(b)) => Reach::Bytes(a.max(b)),
        };
    }
    literals.sort();
    literals.dedup();
    Candidate::of(literals, reach)
}

/// Whether the first code point of every match of `parts` maps to something.
fn opens(parts: &[Hir]) -> bool {
    let is_kept = |c: char| c.is_ascii() || !matches!(unicode::folding(c), Folding::Dropped);
    let is_width = |part: &&Hir| !matches!(part.kind(), HirKind::Empty | HirKind::Look(_));
    parts.iter().find(is_width).is_some_and(|part| match part.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => {
            std::str::from_utf8(&literal.0).is_ok_and(|text| text.chars().next().is_some_and(is_kept))
        }
        HirKind::Class(class) => members(class).is_some_and(|members| members.into_iter().all(is_kept)),
        HirKind::Capture(capture) => opens(std::slice::from_ref(&*capture.sub)),
        HirKind::Repetition(repetition) => repetition.min > 0 && opens(std::slice::from_ref(&*repetition.sub)),
        HirKind::Concat(parts) => opens(parts),
        HirKind::Alternation(branches) => branches.iter().all(|branch| opens(std::slice::from_ref(branch))),
    })
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

/// Mapped text with blanks as a mapped message has them: none at the ends, which a message may begin or end with, and no
/// two side by side.
fn squeezed(text: &str) -> String {
    text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
