//! `update_value`: reads an amount or a text out of the message and writes it to a field of the lead (D-1 to D-7).
//!
//! `preset` names one of the five ways to find an amount; `pattern` is a pattern of the author's own, of which group 1 or
//! the group `value` is taken; `value` is a fixed amount. Required by default: without an amount the rest of the rule does
//! not happen (D-7). Presets prove themselves by their own corpus, patterns by the one their author puts beside them.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use kilat_domain::{Extracted, Money, Number, OnUnknown, Patch, Str, Value as Domain, ValueTarget};
use kilat_matcher::{Case, HAYSTACK_CHARS_MAX, Regex, RegexMatch, RegexScratch};
use serde_json::{Map, Value};

use super::set_field::Target as FieldTarget;
use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::codes;
use crate::corpus::{CORPUS, Corpus};
use crate::cost;
use crate::facts::Facts;
use crate::fields::{FieldRef, message_text};
use crate::money::{self, Found, NotFound, Notation, Policy, Preset, preset};
use crate::object;
use crate::pattern;
use crate::settings::Settings;
use crate::shape::{Key, Shape};
use crate::syntax::{Content, json_number};

pub(crate) const KIND: Kind = Kind {
    name: "update_value",
    compat: &["update_lead_value", "extract_value"],
    effect: EffectOn::Either,
    required: true,
    on_unknown: OnUnknown::Hold,
    keys: &[
        Key::new(
            "target",
            Shape::Text,
            "actual (default), estimated, or a field such as lead.notes or lead.attrs.budget.",
        ),
        Key::new("preset", Shape::Word(preset::NAMES), "How the amount is found."),
        Key::new("pattern", Shape::Text, "An own pattern; its group 1 or `value` is taken."),
        Key::new("policy", Shape::Word(Policy::NAMES), "Which of several amounts is meant; `only` by default."),
        CORPUS,
        Key::new("case_sensitive", Shape::Flag, "Whether the pattern minds upper and lower case."),
        Key::new("value", Shape::Any, "A fixed amount in major units, instead of preset and pattern."),
    ],
    needs: &[],
    read,
};

/// Most candidates an explanation names.
const CANDIDATES_MAX: usize = 20;

#[derive(Debug)]
struct UpdateValue {
    target: Target,
    target_name: Box<str>,
    source: Source,
    policy: Policy,
}

#[derive(Debug)]
enum Target {
    Money(ValueTarget),
    Field(FieldTarget),
}

#[derive(Debug)]
enum Source {
    Preset(&'static Preset),
    Pattern(Regex, Case),
    Fixed(Number, Money),
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let target = read_target(reading);
    let policy = reading.object.word("policy", Policy::NAMES, reading.report).map(|at| Policy::ALL[at]);
    let source = read_source(reading);
    let corpus = reading.object.get("corpus").and_then(|node| Corpus::read(node, reading.report));
    let ((target, target_name), source) = (target?, source?);
    let default = if let Source::Preset(preset) = source { preset.policy } else { Policy::Only };
    let action = UpdateValue { target, target_name, source, policy: policy.unwrap_or(default) };
    if let Some(corpus) = corpus {
        action.prove(&corpus, reading);
    }
    Some(Arc::new(action))
}

fn read_target(reading: &mut Reading<'_>) -> Option<(Target, Box<str>)> {
    let Some(node) = reading.object.get("target") else {
        return Some((Target::Money(ValueTarget::Actual), "actual".into()));
    };
    let name = object::text(node, "`target`", reading.report)?;
    match name.trim() {
        "actual" | "actual_value" | "lead.value.actual" => {
            return Some((Target::Money(ValueTarget::Actual), "actual".into()));
        }
        "estimated" | "estimated_value" | "lead.value.estimated" => {
            return Some((Target::Money(ValueTarget::Estimated), "estimated".into()));
        }
        _ => {}
    }
    let field = FieldRef::parse(&name).and_then(|field| Some((field.name(), FieldTarget::of(&field)?)));
    match field {
        Some((name, target)) => Some((Target::Field(target), name.into())),
        None => {
            let message = format!("`{name}` cannot take what is extracted");
            let help = "write actual, estimated, a text field of the lead, or an attribute such as lead.attrs.budget";
            reading.report.add(codes::BAD_TARGET, node.at, message, help);
            None
        }
    }
}

fn read_source(reading: &mut Reading<'_>) -> Option<Source> {
    let object = reading.object;
    let given: Vec<&'static str> =
        ["preset", "pattern", "value"].into_iter().filter(|key| object.get(key).is_some()).collect();
    match &*given {
        ["preset"] => {
            let at = object.word("preset", preset::NAMES, reading.report)?;
            if let Err(why) = preset::proof(at) {
                let message = format!("the preset `{}` breaks its own corpus: {why}", preset::NAMES[at]);
                let help = "use another preset or a pattern of your own until Kilat is mended";
                reading.report.add(codes::CORPUS_BROKEN, object.at, message, help);
                return None;
            }
            Some(Source::Preset(&preset::ALL[at]))
        }
        ["pattern"] => {
            let node = object.get("pattern")?;
            let text = object::text(node, "`pattern`", reading.report)?;
            let sensitive = object.flag("case_sensitive", reading.report).unwrap_or(false);
            let case = if sensitive { Case::Sensitive } else { Case::Insensitive };
            Some(Source::Pattern(pattern::compile_with_group(&text, case, node.at, reading.report)?, case))
        }
        ["value"] => {
            let node = object.get("value")?;
            let number = match &node.content {
                Content::Number(number, _) => Some(*number),
                Content::Text(text) => crate::syntax::number(text),
                _ => None,
            };
            let money =
                number.and_then(|number| Some((number, money::from_major(number, &reading.settings.currency)?)));
            if money.is_none() {
                let message = "the value is no amount in major units";
                reading.report.add(codes::WRONG_VALUE, node.at, message, "write a number such as 1500000");
            }
            money.map(|(number, money)| Source::Fixed(number, money))
        }
        _ => {
            let message = match given.len() {
                0 => "the action says nowhere what the amount is",
                _ => "the action says more than once what the amount is",
            };
            let help = "write one of preset, pattern and value; preset: flexible_rupiah is a good start";
            let code = if given.is_empty() { codes::MISSING_KEY } else { codes::WRONG_VALUE };
            reading.report.add(code, object.at, message, help);
            None
        }
    }
}

/// Searches that are paid for as they go.
struct Search<'s> {
    regex: &'s mut RegexScratch,
    /// `None` once a search needed more.
    steps_left: &'s mut Option<u32>,
}

impl Search<'_> {
    /// Calls `found` with each match there are steps to search for.
    fn each_match(&mut self, pattern: &Regex, text: &str, mut found: impl FnMut(RegexMatch)) {
        let left = &mut *self.steps_left;
        let mut spend = |from: usize| {
            *left = left.and_then(|left| left.checked_sub(cost::pattern_from(pattern, text, from)));
            if left.is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        if spend(0).is_continue() {
            pattern.each_match(text, self.regex, |one| {
                let end = one.span.end;
                found(one);
                spend(end)
            });
        }
    }
}

fn notation(settings: &Settings) -> Notation<'_> {
    Notation { locale: &settings.locale, currency: &settings.currency }
}

impl UpdateValue {
    /// The amount that is meant, with the text it was read from.
    fn amount(&self, text: &str, settings: &Settings, search: &mut Search<'_>) -> Result<(Money, String), NotFound> {
        let notation = notation(settings);
        let found = match &self.source {
            Source::Fixed(number, money) => return Ok((money.clone(), number.to_string())),
            Source::Preset(preset) => money::extract(text, preset, self.policy, notation)?,
            Source::Pattern(regex, _) => {
                let mut amounts = Vec::new();
                search.each_match(regex, text, |found| {
                    let Some(group) = found.value else { return };
                    let amount = money::read_capture(&text[group.clone()], notation);
                    amounts.push(amount.map(|amount| Found { raw: group, ..amount }));
                });
                // A capture without a digit is no match (D-3), and none beside others that have one.
                amounts.retain(|amount| *amount != Err(NotFound::NoMatch));
                money::decide(amounts.into_iter(), self.policy)?
            }
        };
        let raw = text.get(found.raw).unwrap_or_default().trim().to_owned();
        Ok((found.money, raw))
    }

    /// The text that is meant, for targets that are not money.
    fn text(&self, text: &str, settings: &Settings, search: &mut Search<'_>) -> Result<Domain<'static>, NotFound> {
        let Source::Pattern(regex, _) = &self.source else {
            let (money, _) = self.amount(text, settings, search)?;
            let major = money::print_major(&money);
            return Ok(crate::syntax::number(&major).map_or_else(|| Domain::Text(major.into()), Domain::Number));
        };
        let mut captured: Vec<&str> = Vec::new();
        search.each_match(regex, text, |found| {
            captured.extend(found.value.map(|group| text[group].trim()).filter(|text| !text.is_empty()));
        });
        let chosen = match self.policy {
            Policy::Last => captured.last(),
            Policy::First => captured.first(),
            Policy::Only if captured.iter().any(|text| Some(text) != captured.first()) => {
                return Err(NotFound::Ambiguous);
            }
            Policy::Only => captured.first(),
            Policy::Max | Policy::Sum => {
                let (money, _) = self.amount(text, settings, search)?;
                return Ok(Domain::Text(money::print_major(&money).into()));
            }
        };
        chosen.map(|text| Domain::Text((*text).to_owned().into())).ok_or(NotFound::NoMatch)
    }

    /// Reports where the author's corpus does not hold.
    fn prove(&self, corpus: &Corpus, reading: &mut Reading<'_>) {
        let what = match self.source {
            Source::Preset(_) => "the preset",
            Source::Pattern(..) => "the pattern",
            Source::Fixed(..) => "the amount",
        };
        let (settings, report) = (reading.settings, &mut *reading.report);
        let search = &mut Search { regex: &mut RegexScratch::default(), steps_left: &mut Some(u32::MAX) };
        match self.target {
            Target::Money(_) => corpus.check_amounts(what, notation(settings), report, |text| {
                self.amount(text, settings, search).map(|(money, _)| money)
            }),
            Target::Field(_) => corpus
                .check_texts(what, report, |text| self.text(text, settings, search).map(|value| value.to_string())),
        }
    }
}

impl Action for UpdateValue {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("target".into(), Value::from(&*self.target_name));
        match &self.source {
            Source::Preset(preset) => {
                action.insert("preset".into(), preset.name.into());
            }
            Source::Pattern(regex, case) => {
                action.insert("pattern".into(), regex.as_str().into());
                action.insert("case_sensitive".into(), (*case == Case::Sensitive).into());
            }
            Source::Fixed(number, _) => {
                action.insert("value".into(), json_number(*number));
            }
        }
        action.insert("policy".into(), self.policy.name().into());
    }

    fn steps(&self, facts: &Facts<'_>) -> u32 {
        let text = message_text(facts).unwrap_or_default();
        let target = match &self.target {
            Target::Money(_) => 0,
            Target::Field(field) => field.bytes(facts) + text.len().min(4 * HAYSTACK_CHARS_MAX),
        };
        let searched = if let Source::Preset(_) = self.source { cost::extract(text) } else { 0 };
        cost::copy(target) + searched
    }

    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome {
        let text = message_text(plan.facts).unwrap_or_default();
        let settings = plan.settings;
        let search = &mut Search { regex: plan.regex, steps_left: plan.steps_left };
        let patch = match &self.target {
            Target::Money(target) => self.amount(text, settings, search).map(|(money, raw)| Patch::Value {
                target: *target,
                money,
                raw: raw.into(),
            }),
            Target::Field(FieldTarget::Text(field)) => self
                .text(text, settings, search)
                .map(|value| Patch::LeadText { field: (*field).into(), text: value.to_string().into() }),
            Target::Field(FieldTarget::Attribute(on, path)) => {
                self.text(text, settings, search).map(|value| Patch::Attribute { on: *on, path: path.clone(), value })
            }
            Target::Field(FieldTarget::Score) => {
                match self.text(text, settings, search).map(|value| value.to_string()) {
                    Ok(text) => match crate::syntax::number(&text) {
                        Some(score) => Ok(Patch::Score(score)),
                        None => return Outcome::Failed("not_a_number"),
                    },
                    Err(not_found) => Err(not_found),
                }
            }
        };
        patch.map_or_else(|not_found| Outcome::Failed(not_found.reason()), Outcome::Patch)
    }

    fn searches(&self) -> bool {
        !matches!(self.source, Source::Fixed(..))
    }

    fn extracted(&self, plan: &mut Plan<'_, '_>) -> Option<Extracted<'static>> {
        let text = message_text(plan.facts).unwrap_or_default();
        let search = &mut Search { regex: plan.regex, steps_left: plan.steps_left };
        let candidates = match &self.source {
            Source::Fixed(..) => return None,
            Source::Preset(preset) => money::candidates(text, preset, notation(plan.settings)),
            Source::Pattern(regex, _) => {
                let mut groups = Vec::new();
                search.each_match(regex, text, |found| groups.extend(found.value));
                groups
            }
        };
        let shown = |at: Range<usize>| Str::from(text.get(at).unwrap_or_default().trim().to_owned());
        let value = match &self.target {
            Target::Money(_) => self.amount(text, plan.settings, search).map(|(money, _)| money::print(&money)),
            Target::Field(_) => self.text(text, plan.settings, search).map(|value| value.to_string()),
        };
        let (value, reason) = match value {
            Ok(value) => (Some(value.into()), None),
            Err(not_found) => (None, Some(not_found.reason().into())),
        };
        Some(Extracted {
            index: 0,
            target: self.target_name.to_string().into(),
            candidates: candidates.into_iter().take(CANDIDATES_MAX).map(shown).collect(),
            value,
            reason,
        })
    }

    fn changes_lead(&self) -> bool {
        match &self.target {
            Target::Money(_) => true,
            Target::Field(field) => field.is_of_lead(),
        }
    }
}
