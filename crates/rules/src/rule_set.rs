//! A rule set: a document compiled for evaluation.
//!
//! In: a [`Document`]. Out: [`RuleSet`]; in: an event with its facts, out: the rules that hold, in evaluation order.
//! RS-1: order is total: normal class before fallback, priority high to low, older first, then by id (D-34).
//! RS-2: a rule set never changes; a batch keeps the one it began with.
//! RS-3: evaluation allocates nothing once its buffers are warm, and answers as reading the conditions one by one would.
//! Absent: what firing does, and how often it may; those are the engine's.

mod explain;
mod index;
mod pass;
mod program;
mod standing;

use std::sync::Arc;

use kilat_domain::{Event, EventKind};
use kilat_matcher::{KeywordSet, KeywordSetBuilder, Regex, haystack, lines};

use crate::codes;
use crate::cost::{self, STEPS_MAX};
use crate::diagnostic::{Diagnostic, Severity};
use crate::document::Document;
use crate::endpoint::Endpoint;
use crate::facts::{SCAN_BYTES_MAX, Scratch, head};
use crate::memory::Memory;
use crate::rule::{Class, Rule};
use crate::settings::Settings;

use index::Index;
pub use pass::Pass;
use program::{Draft, Program};

/// The compiled rules of one workspace.
#[derive(Clone, Debug)]
pub struct RuleSet {
    hash: Box<str>,
    compiled: Arc<Compiled>,
}

/// What a document was compiled to. Nothing in it says whose rules they are, so that workspaces with the same rules can
/// share it; [`Document::fingerprint`] tells whether they are the same.
#[derive(Debug)]
pub struct Compiled {
    settings: Arc<Settings>,
    memory: Memory,
    endpoints: Vec<Arc<Endpoint>>,
    /// Enabled rules, in evaluation order.
    rules: Box<[Arc<Rule>]>,
    /// As `rules`.
    programs: Box<[Program]>,
    keywords: KeywordSet,
    index: Index,
    /// The place of the first rule of the fallback class.
    first_fallback: usize,
}

/// Most patterns in the conditions of a rule set.
const PATTERNS_MAX: usize = 5_000;
/// Most bytes that their automata may take together; tests have smaller rule sets.
const PATTERNS_BYTES_MAX: usize = if cfg!(test) { 5 << 20 } else { 64 << 20 };

/// Compiles a document.
///
/// *Errors:* the keywords or patterns of all rules together exceed what a rule set may hold.
pub fn compile(document: &Document) -> Result<RuleSet, Vec<Diagnostic>> {
    let compiled = compile_unless(document, &|| false).expect("nobody gives it up")?;
    Ok(RuleSet::new(Arc::new(compiled), &document.hash()))
}

/// As [`compile`], but given up between two rules, or two parts of the work, once `given_up` says so: `None`. The hash,
/// which takes as long as everything else, is left to the caller, who may know it.
pub fn compile_unless(document: &Document, given_up: &dyn Fn() -> bool) -> Option<Result<Compiled, Vec<Diagnostic>>> {
    let rules = in_order(document);
    let mut keywords = KeywordSetBuilder::new();
    let mut drafts = Vec::with_capacity(rules.len());
    let mut problems = Vec::new();
    let mut problem = |message: String, help: &str| {
        problems.push(Diagnostic {
            severity: Severity::Error,
            code: codes::TOO_LONG.code,
            file: document.file.to_string(),
            line: 1,
            column: 1,
            message,
            help: help.to_owned(),
        });
    };
    let (mut patterns, mut bytes) = (0, 0);
    for rule in &rules {
        rule.each_leaf(&mut |leaf| {
            patterns += leaf.condition.patterns().len();
            bytes += leaf.condition.patterns().iter().map(Regex::memory_bytes).sum::<usize>();
        });
    }
    if patterns > PATTERNS_MAX {
        let message = format!("the rule set has {patterns} patterns, the limit is {PATTERNS_MAX}");
        problem(message, "look for keywords where a pattern is not needed, or join patterns with |");
    }
    if bytes > PATTERNS_BYTES_MAX {
        let message = format!("the patterns take {bytes} bytes once compiled, the limit is {PATTERNS_BYTES_MAX}");
        problem(message, "use smaller repetition counts, [a-z0-9] in place of \\w, or fewer patterns");
    }
    for rule in &rules {
        if given_up() {
            return None;
        }
        match Draft::of(rule, &mut keywords) {
            Ok(draft) => drafts.push(draft),
            Err(error) => problem(format!("`{}`: {error}", rule.id), "use fewer or shorter keywords"),
        }
    }
    if !problems.is_empty() {
        return Some(Err(problems));
    }
    let keywords = keywords.build();
    if given_up() {
        return None;
    }
    let index = Index::of(&rules, &mut drafts, keywords.len());
    let programs = drafts.into_iter().map(Draft::finish).collect();
    (!given_up()).then(|| Ok(Compiled::new(document, rules, programs, keywords, index)))
}

/// Compiles a document without keyword scan and index: every rule is asked about every event of its trigger, the cheapest
/// condition first. It decides as [`compile`]'s does, and is what that is measured against and tested with.
pub fn compile_unindexed(document: &Document) -> RuleSet {
    let rules = in_order(document);
    let drafts: Vec<Draft<'_>> = rules.iter().map(|rule| Draft::without_keywords(rule)).collect();
    let index = Index::of_nothing(&rules, &drafts);
    let programs = drafts.into_iter().map(Draft::finish).collect();
    let compiled = Compiled::new(document, rules, programs, KeywordSetBuilder::new().build(), index);
    RuleSet::new(Arc::new(compiled), &document.hash())
}

/// The enabled rules in evaluation order (D-34).
fn in_order(document: &Document) -> Vec<Arc<Rule>> {
    let mut rules: Vec<Arc<Rule>> = document.rules.iter().filter(|rule| rule.enabled).cloned().collect();
    rules.sort_by(|a, b| a.order(b));
    rules
}

impl Compiled {
    fn new(
        document: &Document,
        rules: Vec<Arc<Rule>>,
        programs: Vec<Program>,
        keywords: KeywordSet,
        index: Index,
    ) -> Compiled {
        Compiled {
            settings: document.settings.clone(),
            endpoints: document.endpoints.clone(),
            memory: Memory::of(&rules),
            first_fallback: rules.partition_point(|rule| rule.class() == Class::Normal),
            rules: rules.into(),
            programs: programs.into(),
            keywords,
            index,
        }
    }

    /// Steps that beginning a pass takes.
    fn steps_to_begin(&self) -> u32 {
        cost::PASS + cost::compare(self.index.width())
    }
}

impl RuleSet {
    /// The rule set that a document with this hash was compiled to.
    pub fn new(compiled: Arc<Compiled>, hash: &str) -> RuleSet {
        RuleSet { hash: hash.into(), compiled }
    }

    /// What it may share with rule sets of other workspaces.
    pub fn compiled(&self) -> &Arc<Compiled> {
        &self.compiled
    }

    /// The content hash of the document: `sha256:` and 64 hexadecimal digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What conversations have to remember for these rules.
    pub fn memory(&self) -> &Memory {
        &self.compiled.memory
    }

    /// The workspace's settings.
    pub fn settings(&self) -> &Settings {
        &self.compiled.settings
    }

    /// The enabled rules, in evaluation order.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.compiled.rules
    }

    /// The endpoints, as written.
    pub fn endpoints(&self) -> impl ExactSizeIterator<Item = &Endpoint> {
        self.compiled.endpoints.iter().map(|endpoint| &**endpoint)
    }

    /// Bytes of heap that keyword scan and index hold, for limits and metrics; the rules themselves come on top.
    pub fn memory_bytes(&self) -> usize {
        self.compiled.keywords.memory_bytes() + self.compiled.index.memory_bytes()
    }

    /// Whether any rule is triggered by events of this kind.
    pub fn listens_to(&self, kind: EventKind) -> bool {
        self.compiled.index.listens_to(kind)
    }

    /// Names lines of memory that any pass of these rules looks at, for those who hold events of many workspaces and want
    /// them to be near when a pass begins: first the lines of depth 0 of each rule set, then those of depth 1, of which
    /// depth 0 says where they are, then those of depth 2. There are none where much memory is looked at.
    pub fn lines(&self, depth: usize, line: &mut impl FnMut(*const u8)) {
        let rules = &*self.compiled;
        if let Some(depth) = depth.checked_sub(1) {
            rules.index.lines(depth, line);
            rules.keywords.lines(depth, line);
        } else {
            lines(std::slice::from_ref(rules), line);
        }
    }

    /// What the pass of an event that no rule listens to would leave of so many steps.
    pub fn steps_left_unheard(&self, steps: u32) -> u32 {
        steps.saturating_sub(self.compiled.steps_to_begin())
    }

    /// Begins the pass of an event: folds its text and scans it for keywords, if a rule for this trigger asks for it.
    pub fn pass<'p>(&'p self, event: &Event<'_>, scratch: &'p mut Scratch) -> Pass<'p> {
        self.pass_within(STEPS_MAX, event, scratch)
    }

    /// As [`RuleSet::pass`], with so many steps: what [`Pass::steps_left`] left of those of the event that caused this one.
    pub fn pass_within<'p>(&'p self, steps: u32, event: &Event<'_>, scratch: &'p mut Scratch) -> Pass<'p> {
        let rules = &*self.compiled;
        scratch.begin();
        scratch.steps_left = Some(steps);
        scratch.spend(rules.steps_to_begin());
        if rules.index.needs_text(event.kind)
            && let Some(text) = event.message.as_ref().and_then(|message| message.text.as_deref())
            && !text.is_empty()
            && scratch.spend(cost::scan(text.len().min(SCAN_BYTES_MAX), rules.keywords.comparisons_max()))
        {
            // Said of the text whether or not a rule gets as far as looking: it may not hang on the order of asking.
            scratch.saw(head(text), text);
            if rules.index.searches(event.kind) {
                scratch.saw(haystack(text), text);
            }
            rules.keywords.fold_and_scan(head(text), &mut scratch.folded, &mut scratch.hits);
            scratch.has_text = true;
        }
        rules.index.wake(event.kind, scratch);
        Pass::new(rules, scratch)
    }
}

#[cfg(test)]
mod tests;
