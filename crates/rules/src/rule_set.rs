//! A rule set: a document compiled for evaluation.
//!
//! In: a [`Document`]. Out: [`RuleSet`]; in: an event with its facts, out: the rules that hold, in evaluation order.
//! RS-1: order is total: normal class before fallback, priority high to low, older first, then by id (D-34).
//! RS-2: a rule set never changes; a batch keeps the one it began with.
//! RS-3: evaluation allocates nothing once its buffers are warm, and answers as reading the conditions one by one would.
//! Absent: what firing does, and how often it may; those are the engine's. An index over attributes: rules that no keyword
//! decides are asked one by one, behind [`Pass`].

mod pass;
mod program;

use std::sync::Arc;

use kilat_domain::{Event, EventKind};
use kilat_matcher::{KeywordId, KeywordSet, KeywordSetBuilder};

use crate::codes;
use crate::diagnostic::{Diagnostic, Severity};
use crate::document::Document;
use crate::endpoint::Endpoint;
use crate::facts::Scratch;
use crate::rule::{Rule, Trigger, is_message};
use crate::settings::Settings;

pub use pass::{Evaluated, FirstFalse, Pass};
use program::Program;

/// The compiled rules of one workspace.
#[derive(Debug)]
pub struct RuleSet {
    workspace: Box<str>,
    hash: Box<str>,
    settings: Arc<Settings>,
    endpoints: Vec<Arc<Endpoint>>,
    /// Enabled rules, in evaluation order.
    rules: Vec<Rule>,
    /// As `rules`.
    programs: Vec<Program>,
    keywords: KeywordSet,
    /// By event kind: the rules it triggers, in evaluation order.
    candidates: Vec<Candidates>,
}

/// The rules of one trigger, and which of them an event with these keywords has to ask.
#[derive(Debug, Default)]
struct Candidates {
    rules: Box<[Candidate]>,
    /// Whether any of them looks at the message text.
    needs_text: bool,
    /// Places in `rules` of those that no keyword decides, one bit each.
    ungated: Box<[u64]>,
    /// Keywords, each with the place of a rule that can hold only where one of its keywords is found; sorted.
    gates: Box<[(KeywordId, u32)]>,
}

/// A rule of one trigger, with what can be asked before the rule itself is looked at.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    rule: u32,
    /// Senders it sees, one bit each, where the event is a message.
    senders: u32,
    /// Kinds of chat it sees, one bit each.
    chats: u32,
    /// Only a customer's message, and only in a conversation that was known before.
    message_added: bool,
    /// Narrowed to channels or partners.
    scoped: bool,
}

/// Compiles a document.
///
/// *Errors:* the keywords of all rules together exceed what one scan can hold.
pub fn compile(document: &Document) -> Result<RuleSet, Vec<Diagnostic>> {
    let mut rules: Vec<Rule> = document.rules.iter().filter(|rule| rule.enabled).cloned().collect();
    rules.sort_by(|a, b| {
        let key = |rule: &Rule| (rule.class, std::cmp::Reverse(rule.priority), rule.created_at);
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
    });
    let mut keywords = KeywordSetBuilder::new();
    let mut programs = Vec::with_capacity(rules.len());
    let mut problems = Vec::new();
    for rule in &rules {
        match Program::compile(rule, &mut keywords) {
            Ok(program) => programs.push(program),
            Err(error) => problems.push(Diagnostic {
                severity: Severity::Error,
                code: codes::TOO_LONG.code,
                file: document.file.to_string(),
                line: 1,
                column: 1,
                message: format!("`{}`: {error}", rule.id),
                help: "use fewer or shorter keywords".to_owned(),
            }),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let candidates = EventKind::ALL.iter().map(|kind| Candidates::of(*kind, &rules, &programs)).collect();
    Ok(RuleSet {
        workspace: document.workspace().into(),
        hash: document.hash().into(),
        settings: document.settings.clone(),
        endpoints: document.endpoints.clone(),
        rules,
        programs,
        keywords: keywords.build(),
        candidates,
    })
}

impl Candidates {
    fn of(kind: EventKind, rules: &[Rule], programs: &[Program]) -> Candidates {
        let mut needs_text = false;
        let mut candidates = Vec::new();
        let (mut ungated, mut gates) = (Vec::new(), Vec::new());
        for (index, rule) in rules.iter().enumerate() {
            let mut triggers = rule.triggers.iter().filter(|trigger| trigger.kind == kind).peekable();
            if triggers.peek().is_none() {
                continue;
            }
            let program = &programs[index];
            needs_text |= program.needs_text();
            let place = candidates.len();
            if place % 64 == 0 {
                ungated.push(0);
            }
            match program.gate() {
                Some(keywords) => gates.extend(keywords.iter().map(|keyword| (*keyword, place as u32))),
                None => ungated[place / 64] |= 1 << (place % 64),
            }
            candidates.push(Candidate {
                rule: u32::try_from(index).unwrap_or(u32::MAX),
                senders: if is_message(kind) { program.senders } else { u32::MAX },
                chats: program.chats,
                message_added: triggers.all(|trigger: &Trigger| trigger.message_added),
                scoped: rule.is_scoped(),
            });
        }
        gates.sort_unstable();
        let (rules, ungated, gates) = (candidates.into(), ungated.into(), gates.into());
        Candidates { rules, needs_text, ungated, gates }
    }

    /// Notes in `scratch` which rules the event has to ask: all where it has no text, else those that no keyword decides
    /// and those one of whose keywords was found.
    fn wake(&self, scratch: &mut Scratch) {
        scratch.awake.clear();
        if !scratch.has_text {
            scratch.awake.resize(self.ungated.len(), u64::MAX);
            return;
        }
        scratch.awake.extend_from_slice(&self.ungated);
        for hit in scratch.hits.iter() {
            let first = self.gates.partition_point(|(keyword, _)| *keyword < hit);
            for (_, place) in self.gates[first..].iter().take_while(|(keyword, _)| *keyword == hit) {
                scratch.awake[*place as usize / 64] |= 1 << (place % 64);
            }
        }
    }
}

impl RuleSet {
    /// Whose rules these are; `*` is every workspace without rules of its own.
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// The content hash of the document: `sha256:` and 64 hexadecimal digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The workspace's settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The enabled rules, in evaluation order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The endpoints, as written.
    pub fn endpoints(&self) -> impl ExactSizeIterator<Item = &Endpoint> {
        self.endpoints.iter().map(|endpoint| &**endpoint)
    }

    /// Whether any rule is triggered by events of this kind.
    pub fn listens_to(&self, kind: EventKind) -> bool {
        !self.candidates[kind as usize].rules.is_empty()
    }

    /// Begins the pass of an event: folds its text and scans it for keywords, if a rule for this trigger asks for it.
    pub fn pass<'p>(&'p self, event: &Event<'_>, scratch: &'p mut Scratch) -> Pass<'p> {
        let candidates = &self.candidates[event.kind as usize];
        scratch.begin();
        if candidates.needs_text
            && let Some(text) = event.message.as_ref().and_then(|message| message.text.as_deref())
            && !text.is_empty()
        {
            scratch.fold_message(text);
            self.keywords.scan(&scratch.folded, &mut scratch.hits);
        }
        candidates.wake(scratch);
        Pass::new(self, &candidates.rules, scratch)
    }
}

#[cfg(test)]
mod tests;
