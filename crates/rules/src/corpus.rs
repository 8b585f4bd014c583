//! Texts beside a preset, a pattern or a list of keywords that prove it (beyond the source systems: A 4).
//!
//! In: `{matches: […], rejects: […]}`, where a match is a text, or a text with the value that is to be found in it. Out:
//! whether all of it holds, else the first line that breaks, said so that its author can mend it.
//! CR-1: a corpus decides nothing and is left out of the canonical form: what loads with it behaves as without.
//! Absent: cases of several events; those are a document's `tests`.

use kilat_domain::{Event, Message, Money, Str};

use crate::codes;
use crate::conditions::Leaf;
use crate::cost;
use crate::diagnostic::{Position, Report};
use crate::facts::{Env, Facts, Scratch};
use crate::money::{self, NotFound, Notation};
use crate::object::{self, Object};
use crate::params::WITH_DEFAULT;
use crate::settings::Settings;
use crate::shape::{Key, Shape};
use crate::syntax::{self, Content, Node};

/// Most texts of one corpus: it is run at every load.
const TEXTS_MAX: usize = 500;

const MATCH_KEYS: &[Key] = &[
    Key::new("text", Shape::Text, "What is written."),
    Key::new("value", Shape::Text, "What is to be found in it: an amount in major units, or a text."),
];

/// Why nothing is found in a text, in the words of decisions.
const REASONS: &[&str] = &["no_match", "ambiguous"];

const REJECT_KEYS: &[Key] = &[
    Key::new("text", Shape::Text, "What is written."),
    Key::new("reason", Shape::Word(REASONS), "Why nothing is to be found in it."),
];

pub(crate) const CORPUS_KEYS: &[Key] = &[
    Key::new(
        "matches",
        Shape::List(&Shape::Either(&[Shape::Text, Shape::Object(MATCH_KEYS, &["text"])])),
        "Texts that must be found.",
    ),
    Key::new(
        "rejects",
        Shape::List(&Shape::Either(&[Shape::Text, Shape::Object(REJECT_KEYS, &["text"])])),
        "Texts that must not.",
    ),
    WITH_DEFAULT,
];

/// The key under which a corpus stands.
pub(crate) const CORPUS: Key =
    Key::new("corpus", Shape::Object(CORPUS_KEYS, &[]), "Texts that prove it whenever the file is loaded.");

/// Texts with what is to be found in them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Corpus {
    pub(crate) lines: Vec<Line>,
}

/// One text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) text: Box<str>,
    pub(crate) expected: Expected,
    at: Position,
}

/// What is to be found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expected {
    /// Something; exactly this, where it is said.
    Found(Option<Box<str>>),
    /// Nothing; for this reason, where it is said.
    Nothing(Option<&'static str>),
}

impl Corpus {
    /// Reads a corpus.
    pub(crate) fn read(node: &Node, report: &mut Report) -> Option<Corpus> {
        let before = report.errors();
        let object = Object::of(node, "a corpus", CORPUS_KEYS, report)?;
        let mut lines = Vec::new();
        for node in list(object, "matches", report) {
            if let Content::Map(_) = node.content {
                let Some(line) = Object::of(node, "a match of a corpus", MATCH_KEYS, report) else { continue };
                let value = line.text("value", report).map(Into::into);
                lines.extend(read_line(line, Expected::Found(value), report));
            } else if let Some(text) = object::text(node, "a match of a corpus", report) {
                lines.push(Line { text: text.into(), expected: Expected::Found(None), at: node.at });
            }
        }
        for node in list(object, "rejects", report) {
            if let Content::Map(_) = node.content {
                let Some(line) = Object::of(node, "a reject of a corpus", REJECT_KEYS, report) else { continue };
                let reason = line.word("reason", REASONS, report).map(|reason| REASONS[reason]);
                lines.extend(read_line(line, Expected::Nothing(reason), report));
            } else if let Some(text) = object::text(node, "a reject of a corpus", report) {
                lines.push(Line { text: text.into(), expected: Expected::Nothing(None), at: node.at });
            }
        }
        if lines.len() > TEXTS_MAX {
            let message = format!("the corpus has {} texts, the limit is {TEXTS_MAX}", lines.len());
            report.add(codes::TOO_LONG, node.at, message, "keep those that tell cases apart");
        }
        (report.errors() == before).then_some(Corpus { lines })
    }

    /// A corpus that is part of the binary; unreadable, it has one line that nothing fulfils.
    pub(crate) fn built_in(name: &str, text: &str) -> Corpus {
        let mut report = Report::new(name);
        let corpus = syntax::read(text, &mut report).first().and_then(|root| Corpus::read(root, &mut report));
        corpus.unwrap_or_else(|| {
            let why = report.finish().first().map_or_else(|| "it is empty".to_owned(), ToString::to_string);
            let expected = Expected::Found(Some("a readable corpus".into()));
            Corpus { lines: vec![Line { text: why.into(), expected, at: Position::default() }] }
        })
    }

    /// Whether `find` finds the amounts that the corpus says; else the first line that breaks.
    pub(crate) fn prove_amounts(
        &self,
        notation: Notation<'_>,
        find: impl FnMut(&str) -> Result<Money, NotFound>,
    ) -> Result<(), String> {
        self.broken_amount(notation, find).map_or(Ok(()), |(_, why)| Err(why))
    }

    fn broken_amount(
        &self,
        notation: Notation<'_>,
        mut find: impl FnMut(&str) -> Result<Money, NotFound>,
    ) -> Option<(Position, String)> {
        self.first_broken(|text, expected| match find(text) {
            Ok(found) => {
                let number = expected.and_then(syntax::number);
                let same = match number.map(|number| money::from_major(number, notation.currency)) {
                    Some(amount) => amount.as_ref() == Some(&found),
                    None => expected.is_some_and(|expected| expected == money::print(&found)),
                };
                (Ok(money::print(&found)), same)
            }
            Err(why) => (Err(why.reason()), false),
        })
    }

    /// Reports the first line on which `find` does not find the amount that the corpus says.
    pub(crate) fn check_amounts(
        &self,
        what: &str,
        notation: Notation<'_>,
        report: &mut Report,
        find: impl FnMut(&str) -> Result<Money, NotFound>,
    ) {
        add(self.broken_amount(notation, find), what, report);
    }

    /// Reports the first line on which `find` does not find the text that the corpus says.
    pub(crate) fn check_texts(
        &self,
        what: &str,
        report: &mut Report,
        mut find: impl FnMut(&str) -> Result<String, NotFound>,
    ) {
        let broken = self.first_broken(|text, expected| match find(text) {
            Ok(found) => {
                let same = expected == Some(&*found);
                (Ok(found), same)
            }
            Err(why) => (Err(why.reason()), false),
        });
        add(broken, what, report);
    }

    /// Reports the first text that a condition on the message text does not hold on as the corpus says.
    pub(crate) fn check_condition(&self, leaf: &Leaf, settings: &Settings, report: &mut Report) {
        let mut scratch = Scratch::new();
        for line in &self.lines {
            let holds = holds(leaf, &line.text, settings, &mut scratch);
            let meant = match &line.expected {
                Expected::Found(Some(_)) | Expected::Nothing(Some(_)) => {
                    let help = "a condition holds or does not: write the text alone";
                    report.add(codes::WRONG_VALUE, line.at, "the corpus of a condition finds no values", help);
                    return;
                }
                Expected::Found(None) => true,
                Expected::Nothing(None) => false,
            };
            if holds != meant {
                let (must, does) = if meant { ("hold", "does not") } else { ("not hold", "does") };
                let why = format!("on {:?} the condition must {must}, and {does}", line.text);
                add(Some((line.at, why)), "the condition", report);
                return;
            }
        }
    }

    /// The first line that breaks: `find` gives what is found and whether it is what was expected.
    fn first_broken(
        &self,
        mut find: impl FnMut(&str, Option<&str>) -> (Result<String, &'static str>, bool),
    ) -> Option<(Position, String)> {
        self.lines.iter().find_map(|line| {
            let value = match &line.expected {
                Expected::Found(value) => value.as_deref(),
                Expected::Nothing(_) => None,
            };
            let (found, same) = find(&line.text, value);
            let holds = match (&line.expected, &found) {
                (Expected::Found(None), Ok(_)) => true,
                (Expected::Found(Some(_)), Ok(_)) => same,
                (Expected::Nothing(None), Err(_)) => true,
                (Expected::Nothing(Some(reason)), Err(why)) => reason == why,
                _ => false,
            };
            let must = match &line.expected {
                Expected::Found(None) => "something".to_owned(),
                Expected::Found(Some(value)) => value.to_string(),
                Expected::Nothing(None) => "nothing".to_owned(),
                Expected::Nothing(Some(reason)) => format!("nothing ({reason})"),
            };
            let came = found.unwrap_or_else(|why| format!("nothing ({why})"));
            (!holds).then(|| (line.at, format!("in {:?} it must find {must}, and finds {came}", line.text)))
        })
    }
}

fn list<'n>(object: Object<'n>, key: &'static str, report: &mut Report) -> &'n [Node] {
    object.get(key).and_then(|node| object::list(node, key, report)).unwrap_or_default()
}

fn read_line(line: Object<'_>, expected: Expected, report: &mut Report) -> Option<Line> {
    let node = line.require("text", "write the text", report)?;
    let text = object::text(node, "`text`", report)?;
    Some(Line { text: text.into(), expected, at: line.at })
}

fn add(broken: Option<(Position, String)>, what: &str, report: &mut Report) {
    if let Some((at, why)) = broken {
        let message = format!("{what} breaks its corpus: {why}");
        report.add(codes::CORPUS_BROKEN, at, message, format!("mend {what}, or this line if it is wrong"));
    }
}

/// Whether a condition on the message text holds on a customer's message with this text.
fn holds(leaf: &Leaf, text: &str, settings: &Settings, scratch: &mut Scratch) -> bool {
    const WRITTEN: &str = r#"{"id":"corpus","workspace":"corpus","type":"message.created","occurred_at":0}"#;
    let mut event: Event<'_> = serde_json::from_str(WRITTEN).expect("an event with everything it needs");
    event.message = Some(Message { text: Some(Str::from(text)), ..Message::default() });
    let facts =
        Facts { event: &event, lead: None, conversation: None, first_contact: false, conversation_is_new: false };
    scratch.begin();
    scratch.steps_left = Some(cost::STEPS_MAX);
    scratch.fold_message(text);
    leaf.holds(&mut Env { facts: &facts, settings, scratch })
}

#[cfg(test)]
mod tests;
