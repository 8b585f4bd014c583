//! Whether conditions can hold together.
//!
//! In: conditions that are to hold, conditions that are not to, and facts. Out: `false` only where no event and no state
//! whatever could be so; whatever cannot be decided is possible. From this one question follow the others: a condition
//! never holds where it is not possible; it always holds where its negation is not; one implies another where it is not
//! possible together with the other's negation.
//!
//! Every field is looked at by itself: it is missing or has one value (a set has members), and a condition on it is a set of
//! values. Numbers are tried at the bounds that conditions name and between them; weeks minute by minute; texts by what one
//! keyword says of another. LO-1: each of these sets may be too large, never too small.

use kilat_domain::Number;
use kilat_matcher::{exact_phrase, fold};
use serde_json::Value;

use crate::calendar::{Days, Local, Window};
use crate::conditions::number::compare as compare_numbers;
use crate::conditions::text::compare as compare_texts;
use crate::conditions::{Compared, Group, Leaf, Spelling, Tree};
use crate::fields::Read;
use crate::operators::Op;
use crate::settings::Settings;
use crate::syntax::number;

/// Branches that are followed at most; a formula with more counts as possible.
const STEPS_MAX: usize = 10_000;
/// Keywords of two conditions that are compared with each other at most.
const WORDS_MAX: usize = 1_000_000;
const DAY_MINUTES: u16 = 24 * 60;

/// What is to be so.
#[derive(Clone)]
pub(super) enum Formula<'t> {
    Leaf(&'t Leaf, bool),
    Fact(Literal),
    All(Vec<Formula<'t>>),
    Any(Vec<Formula<'t>>),
}

/// What one field is to be.
#[derive(Clone)]
pub(super) struct Literal {
    field: String,
    /// Whether it may be missing.
    missing: bool,
    /// Whether it is to be one of the values, or none of them.
    wanted: bool,
    values: Values,
}

/// What numbers of a field there are.
#[derive(Clone, Copy, PartialEq)]
enum Counted {
    /// Any.
    Any,
    /// Whole ones from 0.
    Things,
    /// Amounts of one currency; one in another fulfils no operator.
    Money,
}

#[derive(Clone)]
enum Values {
    Every,
    None,
    /// Members of a closed set of so many words.
    Bits(u32, u32),
    /// Numbers that the operator takes.
    Numbers(Op, Vec<Number>, Counted),
    /// One of these texts.
    Names(Spelling, Vec<String>),
    /// A set with one of these members.
    Members(Spelling, Vec<String>),
    /// A text with one of these needles, folded.
    Text(Op, Vec<String>),
    /// Minutes of the week at which it may hold, and at which it may not.
    Week(Vec<bool>, Vec<bool>),
    /// Something with this spelling.
    Opaque(String),
}

impl<'t> Formula<'t> {
    pub(super) fn of(tree: &'t Tree, holds: bool) -> Formula<'t> {
        match tree {
            Tree::Leaf(leaf) => Formula::Leaf(leaf, holds),
            Tree::Group(group, members) => {
                let inside = holds != (*group == Group::None);
                let members = members.iter().map(|member| Formula::of(member, inside)).collect();
                if (*group == Group::Any) == holds { Formula::Any(members) } else { Formula::All(members) }
            }
        }
    }

    /// All of these conditions.
    pub(super) fn all(trees: &'t [Tree]) -> Formula<'t> {
        Formula::All(trees.iter().map(|tree| Formula::of(tree, true)).collect())
    }

    /// Not all of these conditions.
    pub(super) fn not_all(trees: &'t [Tree]) -> Formula<'t> {
        Formula::Any(trees.iter().map(|tree| Formula::of(tree, false)).collect())
    }
}

impl Literal {
    /// The field is not there.
    pub(super) fn absent(field: &str) -> Literal {
        Literal { field: field.to_owned(), missing: true, wanted: true, values: Values::None }
    }

    /// The text of the field is this one.
    pub(super) fn text(field: &str, text: &str) -> Literal {
        let values = Values::Text(Op::Equals, vec![fold(text)]);
        Literal { field: field.to_owned(), missing: false, wanted: true, values }
    }

    /// The field, an id, is this one.
    pub(super) fn name(field: &str, name: &str) -> Literal {
        let values = Values::Names(Spelling::Exact, vec![name.to_owned()]);
        Literal { field: field.to_owned(), missing: false, wanted: true, values }
    }

    /// The set has, or does not have, this member.
    pub(super) fn member(field: &str, name: &str, has: bool) -> Literal {
        let values = Values::Members(Spelling::Folded, vec![fold(name)]);
        Literal { field: field.to_owned(), missing: !has, wanted: has, values }
    }

    /// The field is this member of its closed set.
    pub(super) fn symbol(field: &str, words: &[&str], word: &str) -> Option<Literal> {
        let at = words.iter().position(|known| *known == word)?;
        let values = Values::Bits(1 << at, (1 << words.len()) - 1);
        Some(Literal { field: field.to_owned(), missing: false, wanted: true, values })
    }

    fn of(leaf: &Leaf, holds: bool, settings: &Settings) -> Literal {
        let is_time = matches!(leaf.field.field.read, Read::Clock);
        let field = if is_time { "time".to_owned() } else { leaf.field.name() };
        if let Some(Compared::Presence(present)) = leaf.condition.compared() {
            let present = present == holds;
            let values = if present { Values::Every } else { Values::None };
            return Literal { field, missing: !present, wanted: true, values };
        }
        Literal {
            field,
            missing: !is_time && leaf.when_missing() == holds,
            wanted: holds != leaf.op.positive().1,
            values: Values::of(leaf, settings),
        }
    }
}

impl Values {
    fn of(leaf: &Leaf, settings: &Settings) -> Values {
        let (op, kind) = (leaf.op.positive().0, leaf.field.field.kind.name);
        let mut keys = serde_json::Map::new();
        leaf.condition.canonical(&mut keys);
        let has_affixes = keys.contains_key("affixes");
        let opaque = || Values::Opaque(format!("{} {} {keys:?}", leaf.case_sensitive, op.name()));
        let texts = || -> Vec<String> {
            let expected = leaf.expected();
            let one = std::slice::from_ref(&expected);
            let items = expected.as_array().map_or(one, Vec::as_slice);
            items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        match kind {
            "text" if op == Op::Matches || leaf.case_sensitive || has_affixes => opaque(),
            "text" => {
                let needle = |text: String| {
                    let folded = fold(&text);
                    if op == Op::ExactPhrase { exact_phrase(&folded).to_owned() } else { folded }
                };
                Values::Text(op, texts().into_iter().map(needle).filter(|needle| !needle.is_empty()).collect())
            }
            "money" => {
                let expected = leaf.expected();
                let one = std::slice::from_ref(&expected);
                let items = expected.as_array().map_or(one, Vec::as_slice);
                let numbers: Option<Vec<Number>> = items.iter().map(|item| number(&item.to_string())).collect();
                numbers.map_or_else(opaque, |numbers| Values::Numbers(op, numbers, Counted::Money))
            }
            "window" | "day_of_week" | "business_hours" => Values::week(leaf, &texts(), settings),
            _ => match leaf.condition.compared() {
                Some(Compared::Symbols(bits)) => match leaf.field.field.read {
                    Read::Symbol { words, .. } => Values::Bits(bits, (1 << words.len()) - 1),
                    _ => opaque(),
                },
                Some(Compared::Flag(flag)) => Values::Bits(1 << u32::from(flag), 0b11),
                Some(Compared::Numbers(op, numbers)) => {
                    let is_count = leaf.field.field.name.starts_with("chat_count");
                    let counts = if is_count { Counted::Things } else { Counted::Any };
                    Values::Numbers(op, numbers.to_vec(), counts)
                }
                Some(Compared::Texts(spelling, names)) if kind == "set" => {
                    Values::Members(spelling, names.iter().map(ToString::to_string).collect())
                }
                Some(Compared::Texts(spelling, names)) => {
                    Values::Names(spelling, names.iter().map(ToString::to_string).collect())
                }
                _ => opaque(),
            },
        }
    }

    fn week(leaf: &Leaf, texts: &[String], settings: &Settings) -> Values {
        let minutes = || (0..7).flat_map(|day| (0..DAY_MINUTES).map(move |minute| Local::of_week(day, minute)));
        let opposite = |week: &[bool]| week.iter().map(|holds| !holds).collect();
        let week: Vec<bool> = match leaf.field.field.kind.name {
            "business_hours" => {
                let inside = texts.iter().any(|side| side == "inside");
                let open: Vec<bool> = minutes().map(|minute| settings.is_open(&minute)).collect();
                let closed = if settings.has_holidays() { vec![true; open.len()] } else { opposite(&open) };
                return if inside { Values::Week(open, closed) } else { Values::Week(closed, open) };
            }
            "day_of_week" => {
                let days: Vec<usize> = texts.iter().filter_map(|name| Days::index(name)).collect();
                minutes().map(|minute| days.contains(&minute.day)).collect()
            }
            _ => {
                let mut canonical = serde_json::Map::new();
                leaf.condition.canonical(&mut canonical);
                let days = canonical.get("days").and_then(Value::as_array).map_or(Days::ALL, |names| {
                    let names = names.iter().filter_map(Value::as_str).filter_map(Days::index);
                    names.fold(Days::NONE, Days::with)
                });
                let windows: Vec<Window> = texts.iter().filter_map(|text| Window::parse(text, days)).collect();
                minutes().map(|minute| windows.iter().any(|window| window.contains(&minute))).collect()
            }
        };
        let rest = opposite(&week);
        Values::Week(week, rest)
    }
}

/// Whether all of this may be so at once.
pub(super) fn possible(formulas: &[Formula<'_>], settings: &Settings) -> bool {
    let mut steps = 0;
    follow(formulas.iter().collect(), &mut Vec::new(), &mut steps, settings)
}

fn follow<'f, 't>(
    mut todo: Vec<&'f Formula<'t>>,
    literals: &mut Vec<Literal>,
    steps: &mut usize,
    settings: &Settings,
) -> bool {
    let before = literals.len();
    let mut possible = true;
    while let Some(formula) = todo.pop() {
        *steps += 1;
        if *steps > STEPS_MAX {
            break;
        }
        let literal = match formula {
            Formula::All(members) => {
                todo.extend(members);
                continue;
            }
            Formula::Any(members) => {
                possible = members.iter().any(|member| {
                    let mut branch = todo.clone();
                    branch.push(member);
                    follow(branch, literals, steps, settings)
                });
                break;
            }
            Formula::Leaf(leaf, holds) => Literal::of(leaf, *holds, settings),
            Formula::Fact(literal) => literal.clone(),
        };
        let field = literal.field.clone();
        literals.push(literal);
        let of_field: Vec<&Literal> = literals.iter().filter(|literal| literal.field == field).collect();
        if !field_possible(&of_field) {
            possible = false;
            break;
        }
    }
    literals.truncate(before);
    possible
}

/// Whether one field can be all of this.
fn field_possible(literals: &[&Literal]) -> bool {
    if literals.iter().all(|literal| literal.missing) {
        return true;
    }
    // Nothing that is there fulfils `None`, and what all values fulfil has no negation.
    let never = |literal: &&&Literal| match literal.values {
        Values::None => literal.wanted,
        Values::Every => !literal.wanted,
        _ => false,
    };
    literals.iter().find(never).is_none()
        && opaque_possible(literals)
        && bits_possible(literals)
        && numbers_possible(literals)
        && names_possible(literals)
        && members_possible(literals)
        && texts_possible(literals)
        && week_possible(literals)
}

fn opaque_possible(literals: &[&Literal]) -> bool {
    let known = |wanted: bool| {
        literals.iter().filter(move |literal| literal.wanted == wanted).filter_map(|literal| match &literal.values {
            Values::Opaque(spelling) => Some(spelling),
            _ => None,
        })
    };
    known(true).all(|spelling| known(false).all(|other| spelling != other))
}

fn bits_possible(literals: &[&Literal]) -> bool {
    let left = literals.iter().fold(u32::MAX, |left, literal| match literal.values {
        Values::Bits(bits, all) => left & all & if literal.wanted { bits } else { !bits },
        _ => left,
    });
    left != 0
}

fn numbers_possible(literals: &[&Literal]) -> bool {
    let of_numbers = || {
        literals.iter().filter_map(|literal| match &literal.values {
            Values::Numbers(op, numbers, counts) => Some((*op, numbers, *counts, literal.wanted)),
            _ => None,
        })
    };
    let mut bounds: Vec<f64> = Vec::new();
    for (_, numbers, ..) in of_numbers() {
        for number in numbers {
            bounds.push(match number {
                Number::Int(whole) => *whole as f64,
                Number::Float(number) => *number,
            });
        }
    }
    // Bounds this large are not told apart by what is tried here.
    const EXACT: f64 = 1e15;
    if bounds.is_empty() || bounds.iter().any(|bound| bound.abs() > EXACT) {
        return true;
    }
    bounds.sort_by(f64::total_cmp);
    let counted = |what: Counted| of_numbers().any(|(_, _, counts, _)| counts == what);
    let counts = counted(Counted::Things);
    let mut tried: Vec<Number> = Vec::new();
    for (at, bound) in bounds.iter().enumerate() {
        let between = bounds.get(at + 1).map_or(bound + 1.0, |next| (bound + next) / 2.0);
        if counts {
            let whole = bound.floor() as i64;
            tried.extend([whole - 1, whole, whole + 1].into_iter().filter(|count| *count >= 0).map(Number::Int));
        } else {
            tried.extend([*bound, between].map(exact));
        }
    }
    if !counts {
        tried.push(exact(bounds[0] - 1.0));
    }
    let holds =
        |number: Number| of_numbers().all(|(op, values, _, wanted)| compare_numbers(number, op, values) == wanted);
    tried.into_iter().any(holds) || counted(Counted::Money) && of_numbers().all(|(.., wanted)| !wanted)
}

fn exact(number: f64) -> Number {
    if number.fract() == 0.0 { Number::Int(number as i64) } else { Number::Float(number) }
}

fn names_possible(literals: &[&Literal]) -> bool {
    let of_names = || {
        literals.iter().filter_map(|literal| match &literal.values {
            Values::Names(spelling, names) => Some((*spelling, names, literal.wanted)),
            _ => None,
        })
    };
    of_names().filter(|(.., wanted)| *wanted).all(|(spelling, names, _)| {
        names
            .iter()
            .any(|name| of_names().all(|(other, names, wanted)| other != spelling || names.contains(name) == wanted))
    })
}

fn members_possible(literals: &[&Literal]) -> bool {
    let of_members = |wanted: bool| {
        literals.iter().filter(move |literal| literal.wanted == wanted).filter_map(|literal| match &literal.values {
            Values::Members(spelling, names) => Some((*spelling, names)),
            _ => None,
        })
    };
    of_members(true).all(|(spelling, names)| {
        names.iter().any(|name| of_members(false).all(|(other, names)| other != spelling || !names.contains(name)))
    })
}

fn texts_possible(literals: &[&Literal]) -> bool {
    let of_texts = |wanted: bool| {
        literals.iter().filter(move |literal| literal.wanted == wanted).filter_map(|literal| match &literal.values {
            Values::Text(op, needles) => Some((*op, needles)),
            _ => None,
        })
    };
    let words: usize = of_texts(true).chain(of_texts(false)).map(|(_, needles)| needles.len()).sum();
    if words.saturating_mul(words) > WORDS_MAX {
        return true;
    }
    of_texts(true).all(|(op, needles)| {
        needles.iter().any(|needle| {
            of_texts(false).all(|(other, excluded)| !excluded.iter().any(|word| implies((op, needle), (other, word))))
                && of_texts(true).all(|(other, wanted)| wanted.iter().any(|word| fit((op, needle), (other, word))))
        })
    })
}

/// Whether a text that fulfils the first certainly fulfils the second.
pub(super) fn implies((op, needle): (Op, &str), (other, word): (Op, &str)) -> bool {
    match (op, other) {
        (Op::Equals | Op::In, other) => compare_texts(other, needle, word),
        (_, Op::Contains) => needle.contains(word),
        (Op::ContainsWord, Op::ContainsWord) => at_spaces(needle, word),
        (Op::StartsWith, Op::StartsWith) => needle.starts_with(word),
        (Op::EndsWith, Op::EndsWith) => needle.ends_with(word),
        (op, other) => op == other && needle == word,
    }
}

/// Whether `word` stands in `text` with nothing but spaces or the ends around it.
pub(super) fn at_spaces(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, found)| {
        let (before, after) = (&text[..at], &text[at + found.len()..]);
        (before.is_empty() || before.ends_with(' ')) && (after.is_empty() || after.starts_with(' '))
    })
}

/// Whether a text can fulfil both.
fn fit((op, needle): (Op, &str), (other, word): (Op, &str)) -> bool {
    let whole = |op: Op| matches!(op, Op::Equals | Op::In);
    match (op, other) {
        (op, other) if whole(op) => compare_texts(other, needle, word),
        (op, other) if whole(other) => compare_texts(op, word, needle),
        (Op::StartsWith, Op::StartsWith) => needle.starts_with(word) || word.starts_with(needle),
        (Op::EndsWith, Op::EndsWith) => needle.ends_with(word) || word.ends_with(needle),
        (Op::ExactPhrase, Op::ExactPhrase) => needle == word,
        _ => true,
    }
}

fn week_possible(literals: &[&Literal]) -> bool {
    let mut left: Option<Vec<bool>> = None;
    for literal in literals {
        let Values::Week(may, may_not) = &literal.values else { continue };
        let week = if literal.wanted { may } else { may_not };
        left = Some(match left {
            None => week.clone(),
            Some(left) => left.iter().zip(week).map(|(left, now)| *left && *now).collect(),
        });
    }
    left.is_none_or(|left| left.contains(&true))
}
