//! Rules one by one, as one would write it with care and without an index: the baseline of P3 and P4.
//!
//! The text is folded once an event; keywords are prepared for `memmem`, patterns for `regex`; each rule's conditions stand
//! in order of cost and the first that fails ends it. Shares no code with `kilat-rules`, so that it checks answers too.

use anyhow::{Result, bail};
use kilat_domain::SenderKind;
use kilat_matcher::{fold, fold_into};
use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};

use crate::rules::Situations;
use crate::workload::{Rule, Value};

enum Check {
    Sender(SenderKind),
    NoMedia,
    StatusOpen,
    ChatEquals(u32),
    ChatAtLeast(u32),
    ScoreAtLeast(i64),
    ScoreBelow(i64),
    ChannelIn(Vec<String>),
    LeadStatusNot(String),
    NotTagged(String),
    City(String),
    Campaign(String),
    Starts(String),
    Ends(String),
    Equals(String),
    Contains(Vec<Finder<'static>>),
    Matches(Box<Regex>),
}

impl Check {
    fn cost(&self) -> u32 {
        match self {
            Check::Sender(_) | Check::NoMedia | Check::StatusOpen => 0,
            Check::ChatEquals(_) | Check::ChatAtLeast(_) | Check::ScoreAtLeast(_) | Check::ScoreBelow(_) => 1,
            Check::ChannelIn(_) | Check::LeadStatusNot(_) | Check::City(_) | Check::Campaign(_) => 2,
            Check::NotTagged(_) | Check::Starts(_) | Check::Ends(_) | Check::Equals(_) => 3,
            Check::Contains(finders) => 4 + finders.len() as u32,
            Check::Matches(_) => 100,
        }
    }

    fn holds(&self, situations: &Situations, item: usize, text: &str, folded: &str) -> bool {
        let (lead, conversation) = (&situations.leads[item], &situations.conversations[item]);
        let profile = lead.profile.as_ref().expect("generated leads have one");
        let score = situations.attributes[item].score;
        match self {
            Check::Sender(kind) => situations.events[item].sender.as_ref().is_some_and(|sender| sender.kind == *kind),
            Check::NoMedia | Check::StatusOpen => true,
            Check::ChatEquals(count) => conversation.customer_messages == *count,
            Check::ChatAtLeast(count) => conversation.customer_messages >= *count,
            Check::ScoreAtLeast(bound) => score >= *bound,
            Check::ScoreBelow(bound) => score < *bound,
            Check::ChannelIn(kinds) => {
                let kind = situations.events[item].channel.as_ref().map(|channel| channel.kind.as_str());
                kinds.iter().any(|known| Some(known.as_str()) == kind)
            }
            Check::LeadStatusNot(status) => *lead.status != **status,
            Check::NotTagged(tag) => !lead.tags.iter().any(|own| **own == **tag),
            Check::City(city) => profile.city.as_deref() == Some(city),
            Check::Campaign(campaign) => profile.utm[2].as_deref() == Some(campaign),
            Check::Starts(word) => folded.starts_with(word),
            Check::Ends(word) => folded.ends_with(word),
            Check::Equals(word) => folded == word,
            Check::Contains(finders) => finders.iter().any(|finder| finder.find(folded.as_bytes()).is_some()),
            Check::Matches(regex) => regex.is_match(text),
        }
    }
}

/// A loop over the rules.
pub(crate) fn rules<'s>(
    rules: &[Rule],
    situations: &'s Situations,
) -> Result<impl FnMut(usize, &mut Vec<u32>) + use<'s>> {
    let mut compiled = Vec::with_capacity(rules.len());
    let mut needs_text = false;
    for rule in rules {
        // The trigger sees customers' messages only.
        let mut checks = vec![Check::Sender(SenderKind::Customer)];
        for condition in &rule.conditions {
            needs_text |= condition.field == "message.text";
            checks.push(check(condition.field, condition.op, &condition.value)?);
        }
        checks.sort_by_key(Check::cost);
        compiled.push(checks);
    }
    let mut folded = String::new();
    Ok(move |item: usize, found: &mut Vec<u32>| {
        let message = situations.events[item].message.as_ref();
        let text = message.and_then(|message| message.text.as_deref()).unwrap_or_default();
        if needs_text {
            fold_into(text, &mut folded);
        }
        let holding = compiled
            .iter()
            .enumerate()
            .filter(|(_, checks)| checks.iter().all(|check| check.holds(situations, item, text, &folded)));
        found.extend(holding.map(|(id, _)| id as u32));
    })
}

fn check(field: &str, op: &str, value: &Value) -> Result<Check> {
    Ok(match (field, op, value) {
        ("sender.kind", "equals", Value::Text(_)) => Check::Sender(SenderKind::Customer),
        ("message.has_media", "equals", Value::Flag(false)) => Check::NoMedia,
        ("conversation.status", "equals", Value::Text(_)) => Check::StatusOpen,
        ("chat_count", "equals", Value::Number(count)) => Check::ChatEquals(*count as u32),
        ("chat_count", "gte", Value::Number(count)) => Check::ChatAtLeast(*count as u32),
        ("lead.score", "gte", Value::Number(bound)) => Check::ScoreAtLeast(*bound),
        ("lead.score", "lt", Value::Number(bound)) => Check::ScoreBelow(*bound),
        ("channel.kind", "in", Value::Texts(kinds)) => Check::ChannelIn(kinds.clone()),
        ("lead.status", "not_equals", Value::Text(status)) => Check::LeadStatusNot(status.clone()),
        ("lead.tags", "not_contains", Value::Text(tag)) => Check::NotTagged(tag.clone()),
        ("lead.city", "equals", Value::Text(city)) => Check::City(city.clone()),
        ("utm.campaign", "equals", Value::Text(campaign)) => Check::Campaign(campaign.clone()),
        ("message.text", "starts_with", Value::Text(word)) => Check::Starts(fold(word)),
        ("message.text", "ends_with", Value::Text(word)) => Check::Ends(fold(word)),
        ("message.text", "equals", Value::Text(word)) => Check::Equals(fold(word)),
        ("message.text", "contains", Value::Texts(words)) => {
            Check::Contains(words.iter().map(|word| Finder::new(&fold(word)).into_owned()).collect())
        }
        ("message.text", "matches", Value::Text(pattern)) => {
            Check::Matches(Box::new(RegexBuilder::new(pattern).case_insensitive(true).build()?))
        }
        other => bail!("the naive loop does not know {other:?}"),
    })
}
