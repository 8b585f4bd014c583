//! Conditions on text: contained words and phrases, whole texts, patterns (D-10 to D-14).
//!
//! Both sides are folded unless `case_sensitive` asks for the spelling; patterns search the text as received, without
//! regard to case unless asked (D-6). The message text is folded and scanned once per event, whatever the number of rules;
//! other fields are folded where they are asked for.

use std::sync::Arc;

use kilat_matcher::{
    Affixes, Boundary, Case, KEYWORD_BYTES_MAX, Regex, exact_phrase, fold, haystack, is_word_boundary,
};
use serde_json::{Map, Value};

use super::change::Changed;
use super::{Compared, Condition, Cost, Kind, Reading, Scan, Spelling};
use crate::codes;
use crate::cost;
use crate::facts::{Env, Facts, Scratch, head};
use crate::fields::{self, FieldRef, Read, message_text};
use crate::object;
use crate::operators::Op;
use crate::pattern;
use crate::shape::Shape;
use crate::syntax::Node;

pub(crate) const KIND: Kind = Kind {
    name: "text",
    operators: &[
        Op::Equals,
        Op::Contains,
        Op::ContainsWord,
        Op::In,
        Op::StartsWith,
        Op::EndsWith,
        Op::Matches,
        Op::ExactPhrase,
    ],
    value: Shape::OneOrMany(&Shape::Text),
    read,
};

/// Texts to be found, equal, at the start …
#[derive(Debug)]
pub(super) struct Texts {
    op: Op,
    /// As written.
    texts: Arc<[Box<str>]>,
    /// What is compared: folded, and for exact phrases without edge punctuation; or as written where case matters. Most
    /// authors write small letters, so that both are the same ones.
    needles: Arc<[Box<str>]>,
    case_sensitive: bool,
    /// The language whose affixes a word may have.
    affixes: Option<Affixes>,
    /// Whether the field is the message text, which is folded already.
    is_message: bool,
}

/// Patterns, of which one must match.
#[derive(Debug)]
struct Patterns {
    patterns: Vec<Regex>,
    is_message: bool,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    let is_message = matches!(reading.field.field.read, Read::MessageText);
    if reading.op == Op::Matches {
        let case = if reading.case_sensitive { Case::Sensitive } else { Case::Insensitive };
        let patterns = reading.each(|value, reading| {
            let text = object::text(value, "`value`", reading.report)?;
            pattern::compile(&text, case, value.at, reading.report)
        })?;
        return Some(Arc::new(Patterns { patterns, is_message }));
    }
    let texts = read_texts(reading)?;
    let affixes = read_affixes(reading)?;
    let texts = Texts::new(reading.op, texts, reading.case_sensitive, is_message);
    Some(Arc::new(match affixes {
        Some(affixes) => texts.with_affixes(affixes),
        None => match Changed::of(texts, reading.field, reading.settings) {
            Ok(changed) => return Some(Arc::new(changed)),
            Err(texts) => texts,
        },
    }))
}

/// Reads the texts of a condition; a single text is split at its commas where `split` asks for it (D-11).
fn read_texts(reading: &mut Reading<'_>) -> Option<Vec<Box<str>>> {
    let split = reading.object.flag("split", reading.report).unwrap_or(false);
    let texts: Vec<String> = reading.each(|value, reading| object::text(value, "`value`", reading.report))?;
    let texts = match &*texts {
        [text] if split => split_at_commas(text),
        _ => texts,
    };
    for text in &texts {
        check_length(text, reading);
    }
    Some(texts.into_iter().map(Into::into).collect())
}

/// Reads the language whose affixes words may have; `Some(None)` where the author asks for none.
fn read_affixes(reading: &mut Reading<'_>) -> Option<Option<Affixes>> {
    let Some(node) = reading.object.get("affixes") else { return Some(None) };
    let code = object::text(node, "`affixes`", reading.report)?;
    if reading.op != Op::ContainsWord || reading.case_sensitive {
        let message = "affixes are only for contains_word, and not with case_sensitive";
        reading.wrong_value(node.at, message, "leave `affixes` out, or use contains_word");
        return None;
    }
    let affixes = Affixes::parse(&code);
    if affixes.is_none() {
        reading.wrong_value(node.at, format!("no affixes of `{code}` are known"), "write `affixes: id` for Indonesian");
    }
    affixes.map(Some)
}

/// Reports a text that is too long to be looked for.
fn check_length(text: &str, reading: &mut Reading<'_>) {
    // What is ASCII gets no longer by folding.
    if text.is_ascii() && text.len() <= KEYWORD_BYTES_MAX {
        return;
    }
    let folded = fold(text);
    if folded.len() > KEYWORD_BYTES_MAX {
        let message = format!("the text has {} bytes, the limit is {KEYWORD_BYTES_MAX}", folded.len());
        reading.report.add(codes::TOO_LONG, reading.value.at, message, "look for a part of it");
    }
}

/// Splits at commas outside double quotes, trims, and drops what is empty.
pub(crate) fn split_at_commas(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => items.push(String::new()),
            c => items.last_mut().expect("the list starts with one item and only grows").push(c),
        }
    }
    items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

impl Texts {
    pub(super) fn new(op: Op, texts: Vec<Box<str>>, case_sensitive: bool, is_message: bool) -> Texts {
        let needle = |text: &str| -> Box<str> {
            let folded = fold(text);
            if op == Op::ExactPhrase { exact_phrase(&folded).into() } else { folded.into() }
        };
        let texts: Arc<[Box<str>]> = texts.into();
        let needles = if case_sensitive { texts.clone() } else { texts.iter().map(|text| needle(text)).collect() };
        let needles = if needles == texts { texts.clone() } else { needles };
        Texts { op, texts, needles, case_sensitive, affixes: None, is_message }
    }

    /// Looks for the forms of its words too.
    fn with_affixes(mut self, affixes: Affixes) -> Texts {
        let forms = self.needles.iter().flat_map(|needle| affixes.forms(needle));
        self.needles = forms.map(Into::into).collect();
        self.affixes = Some(affixes);
        self
    }

    /// The texts as written, where a text that equals one of them however it is spelled is all that is asked for.
    pub(super) fn whole_written(&self) -> Option<&[Box<str>]> {
        self.whole_folded().map(|_| &*self.texts)
    }

    /// The folded texts, where a text that equals one of them is all that is asked for.
    pub(super) fn whole_folded(&self) -> Option<&[Box<str>]> {
        (matches!(self.op, Op::Equals | Op::In) && !self.case_sensitive).then_some(&*self.needles)
    }

    /// How many steps asking for the texts in `text` takes.
    pub(super) fn steps_on(&self, text: &str) -> u32 {
        // What is equal is so to its end.
        let seen = if matches!(self.op, Op::Equals | Op::In) { text } else { head(text) };
        cost::search(seen.len(), self.needles.len())
    }

    /// Whether one of the texts fulfils the operator on `text`; folding it, and finding where its words end, is paid for here.
    pub(super) fn hold_on(&self, text: &str, scratch: &mut Scratch) -> bool {
        if matches!(self.op, Op::Equals | Op::In) && !self.case_sensitive && !self.is_message {
            let Some((folded, _)) = scratch.fold(text) else { return false };
            return self.needles.iter().any(|needle| **needle == *folded);
        }
        scratch.saw(head(text), text);
        let (text, steps_left) = if self.case_sensitive {
            (head(text), &mut scratch.steps_left)
        } else if self.is_message {
            (&*scratch.folded, &mut scratch.steps_left)
        } else if let Some(folded) = scratch.fold(head(text)) {
            folded
        } else {
            return false;
        };
        self.needles.iter().any(|needle| match self.op {
            Op::ContainsWord => contains_word(text, needle, || cost::spend(steps_left, cost::word(needle.len()))),
            op => compare(op, text, needle),
        })
    }
}

/// Whether the needle is a word of the text or several, however findings overlap ("order order" in "border order order");
/// `go_on` is asked before each finding is looked at. An empty needle is no word.
fn contains_word(text: &str, needle: &str, mut go_on: impl FnMut() -> bool) -> bool {
    let Some(first) = needle.chars().next() else { return false };
    let mut from = 0;
    while let Some(at) = text[from..].find(needle) {
        let start = from + at;
        if !go_on() {
            return false;
        }
        if is_word_boundary(text, start) && is_word_boundary(text, start + needle.len()) {
            return true;
        }
        from = start + first.len_utf8();
    }
    false
}

/// Compares a text with a needle that was prepared the same way; an empty needle fulfils nothing.
pub(crate) fn compare(op: Op, text: &str, needle: &str) -> bool {
    if needle.is_empty() {
        return false;
    }
    match op {
        Op::Contains => text.contains(needle),
        Op::ContainsWord => contains_word(text, needle, || true),
        Op::StartsWith => text.starts_with(needle),
        Op::EndsWith => text.ends_with(needle),
        Op::ExactPhrase => exact_phrase(text) == needle,
        _ => text == needle,
    }
}

/// Texts in canonical form: one as it is, several as a list.
pub(super) fn canonical_texts(texts: &[Box<str>]) -> Value {
    match texts {
        [text] => Value::from(&**text),
        texts => texts.iter().map(|text| Value::from(&**text)).collect(),
    }
}

/// The text of a field, where there is one.
fn text_of<'f>(field: &FieldRef, facts: &Facts<'f>) -> Option<&'f str> {
    match field.field.read {
        Read::MessageText => message_text(facts),
        Read::Text(read) => fields::text(read(facts)),
        _ => None,
    }
}

impl Condition for Texts {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let text = text_of(field, env.facts)?;
        Some(self.hold_on(text, env.scratch))
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        condition.insert("value".into(), canonical_texts(&self.texts));
        if let Some(affixes) = self.affixes {
            condition.insert("affixes".into(), affixes.code().into());
        }
    }

    fn compared(&self) -> Option<Compared<'_>> {
        let spelling = if self.case_sensitive { Spelling::Exact } else { Spelling::Folded };
        let whole = matches!(self.op, Op::Equals | Op::In) && !self.is_message;
        whole.then_some(Compared::Texts(spelling, &self.needles))
    }

    fn steps(&self, field: &FieldRef, facts: &Facts<'_>) -> u32 {
        self.steps_on(text_of(field, facts).unwrap_or_default())
    }

    fn cost(&self) -> Cost {
        match self.op {
            Op::Contains | Op::ContainsWord => Cost::Search,
            Op::Equals | Op::In if !self.is_message => Cost::Equal,
            _ if self.is_message => Cost::Text,
            _ => Cost::Search,
        }
    }

    fn scan(&self) -> Option<Scan<'_>> {
        let texts = || self.needles.iter().map(|text| &**text).collect();
        match self.op {
            // The scan sees folded text, where a letter may have joined the mark behind it: it cannot speak for the spelling.
            _ if !self.is_message || self.case_sensitive => None,
            Op::Contains => Some(Scan::Decides(texts(), Boundary::Anywhere)),
            Op::ContainsWord => Some(Scan::Decides(texts(), Boundary::WholeWord)),
            // Whatever the operator, a text that fulfils it holds the needle.
            _ => Some(Scan::Needs(texts())),
        }
    }
}

impl Condition for Patterns {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let text = text_of(field, env.facts)?;
        env.scratch.saw(haystack(text), text);
        let scratch = &mut env.scratch.regex;
        Some(self.patterns.iter().any(|pattern| pattern.is_match(text, scratch)))
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        let patterns: Vec<Box<str>> = self.patterns.iter().map(|pattern| pattern.as_str().into()).collect();
        condition.insert("value".into(), canonical_texts(&patterns));
    }

    fn steps(&self, field: &FieldRef, facts: &Facts<'_>) -> u32 {
        let text = text_of(field, facts).unwrap_or_default();
        self.patterns.iter().fold(0, |steps, pattern| steps.saturating_add(cost::pattern_in(pattern, text)))
    }

    fn patterns(&self) -> &[Regex] {
        &self.patterns
    }

    fn cost(&self) -> Cost {
        Cost::Pattern
    }

    fn scan(&self) -> Option<Scan<'_>> {
        self.is_message.then_some(Scan::Patterns(&self.patterns))
    }
}

/// Reads texts for a kind that takes them beside others.
pub(super) fn is_text(node: &Node) -> bool {
    matches!(node.content, crate::syntax::Content::Text(_))
}
