//! P3 to P6: whole rules, through the public interface of `kilat-rules`.
//!
//! P3, attribute rules: a-tree and wirefilter evaluate the same conditions; their events are made ready beforehand and not
//! timed. Kilat's are in no cache; the engine fetches what it needs of eight before the first is evaluated, and so they are
//! timed a second time. P4, all kinds of rules: a naive loop, each rule's conditions in order of cost. P5: growth from
//! 1,000 to 10,000 rules, and workspaces met at random. P6: compiling, and the heap a compiled set keeps.

use std::collections::HashMap;
use std::hint::black_box;
use std::slice::from_ref;
use std::sync::Arc;

use a_tree::{ATree, AttributeDefinition};
use anyhow::{Context, Result, anyhow, bail};
use kilat_domain::{Conversation, Event, Lead, Number, SenderKind, Timestamp};
use kilat_matcher::lines;
use kilat_rules::{Document, Facts, RuleSet, Scratch, compile, compile_unless, hash_of, load};
use wirefilter::{ExecutionContext, Scheme};

use crate::clock::thread_cpu;
use crate::heap;
use crate::naive;
use crate::race::{Contestant, Time, race};
use crate::report::{Bound, Report};
use crate::workload::{self, Attributes, Condition, Rule, Value};

/// Workspaces met at random in P5, each with rules of its own.
const WORKSPACES: usize = 10_000;
/// Rules of each.
const WORKSPACE_RULES: usize = 20;

/// Events with the state they meet.
pub(crate) struct Situations {
    pub(crate) events: Vec<Event<'static>>,
    pub(crate) attributes: Vec<Attributes>,
    pub(crate) leads: Vec<Lead>,
    pub(crate) conversations: Vec<Conversation>,
}

impl Situations {
    pub(crate) fn new(seed: u64, count: usize) -> Situations {
        let attributes: Vec<Attributes> = (0..count as u64).map(|number| workload::attributes(seed, number)).collect();
        let event = |(number, attributes): (usize, &Attributes)| {
            let mut event = workload::event(seed, number as u64);
            event.lead = None;
            if let Some(sender) = &mut event.sender {
                sender.kind = attributes.sender;
            }
            if let Some(channel) = &mut event.channel {
                channel.kind = attributes.channel.into();
            }
            event
        };
        let lead = |attributes: &Attributes| {
            let mut lead = Lead::new(attributes.status);
            lead.score = Some(Number::Int(attributes.score));
            lead.tags = vec![format!("tag{}", attributes.score % 20).into()];
            let profile = lead.profile.get_or_insert_default();
            profile.city = Some(attributes.city.as_str().into());
            profile.utm[2] = Some(attributes.campaign.as_str().into());
            lead
        };
        let conversation = |attributes: &Attributes| {
            let mut conversation = Conversation::new(Timestamp(0));
            conversation.customer_messages = attributes.chat_count as u32;
            conversation
        };
        Situations {
            events: attributes.iter().enumerate().map(event).collect(),
            leads: attributes.iter().map(lead).collect(),
            conversations: attributes.iter().map(conversation).collect(),
            attributes,
        }
    }

    pub(crate) fn facts(&self, item: usize) -> Facts<'_> {
        Facts {
            event: &self.events[item],
            lead: Some(&self.leads[item]),
            conversation: Some(&self.conversations[item]),
            first_contact: false,
            conversation_is_new: false,
        }
    }

    /// Begins to fetch what attribute rules look at of eight events, where this is the first of them.
    fn reach(&self, item: usize) {
        if !item.is_multiple_of(WINDOW) {
            return;
        }
        for depth in 0..3 {
            for item in item..(item + WINDOW).min(self.events.len()) {
                let (event, lead) = (&self.events[item], &self.leads[item]);
                let profile = lead.profile.as_deref().filter(|_| depth > 0);
                match depth {
                    0 => {
                        lines(from_ref(&event.kind), &mut fetch);
                        lines(from_ref(&event.sender), &mut fetch);
                        lines(from_ref(&event.channel), &mut fetch);
                        lines(from_ref(&event.message), &mut fetch);
                        lines(from_ref(lead), &mut fetch);
                        lines(from_ref(&self.conversations[item]), &mut fetch);
                    }
                    1 => {
                        lines(lead.status.as_bytes(), &mut fetch);
                        lines(event.channel.as_ref().map_or(&[], |channel| channel.kind.as_bytes()), &mut fetch);
                        profile.inspect(|profile| lines(from_ref(*profile), &mut fetch));
                    }
                    _ => {
                        let texts = profile.iter().flat_map(|profile| [&profile.city, &profile.utm[2]]);
                        texts.flatten().for_each(|text| lines(text.as_bytes(), &mut fetch));
                    }
                }
            }
        }
    }
}

fn compiled(rules: &[Rule]) -> Result<RuleSet> {
    let text = workload::document("*", rules);
    let loaded = load("bench.yaml", &text);
    let document = loaded.documents.first().with_context(|| format!("{:?}", loaded.diagnostics.first()))?;
    compile(document).map_err(|problems| anyhow!("{problems:?}"))
}

/// Kilat answers with rules, not with numbers: a rule is told by where it lies, which is looked up where answers are compared.
fn ours<'s>(name: &'static str, rules: &'s RuleSet, situations: &'s Situations, ahead: bool) -> Contestant<'s> {
    let told = |rule: &kilat_rules::Rule| (std::ptr::from_ref(rule).addr() / align_of::<kilat_rules::Rule>()) as u32;
    let place = |id: &str| id.trim_start_matches('r').parse().expect("ids of generated rules are numbers");
    let places: HashMap<u32, u32> = rules.rules().iter().map(|rule| (told(rule), place(rule.id()))).collect();
    assert_eq!(places.len(), rules.rules().len(), "rules lie too far apart");
    let mut scratch = Scratch::new();
    let find = move |item: usize, found: &mut Vec<u32>| {
        if ahead {
            situations.reach(item);
        }
        let facts = situations.facts(item);
        let mut pass = rules.pass(facts.event, &mut scratch);
        while let Some(rule) = pass.next(&facts) {
            found.push(told(rule));
        }
    };
    Contestant::new(name, find).told_by(move |told| places[&told])
}

/// P3.
pub(crate) fn attributes(size: usize, situations: &Situations, report: &mut Report) -> Result<()> {
    let rules = workload::attribute_rules(3, size);
    let set = compiled(&rules)?;
    let tree = a_tree(&rules)?;
    let events = situations.attributes.iter().map(|attributes| a_tree_event(&tree, attributes));
    let events = events.collect::<Result<Vec<_>>>()?;
    let scheme = scheme();
    let filters = rules.iter().map(|rule| {
        let text = expression(rule, "in {", " ", "}", "==", "!=")?;
        Ok(scheme.parse(&text).map_err(|error| anyhow!("wirefilter: {error}"))?.compile())
    });
    let filters = filters.collect::<Result<Vec<_>>>()?;
    let contexts = situations.attributes.iter().map(|attributes| wirefilter_context(&scheme, attributes));
    let contexts = contexts.collect::<Result<Vec<_>>>()?;
    let mut contestants = vec![
        ours("kilat", &set, situations, false),
        ours("kilat, eight at a time", &set, situations, true),
        Contestant::new("a-tree", |item: usize, found: &mut Vec<u32>| {
            let matching = tree.search(&events[item]).expect("an event of this tree");
            found.extend(matching.matches().iter().map(|id| **id));
        }),
        Contestant::new("wirefilter", |item: usize, found: &mut Vec<u32>| {
            let context = &contexts[item];
            let matching =
                filters.iter().enumerate().filter(|(_, filter)| filter.execute(context).expect("one scheme"));
            found.extend(matching.map(|(id, _)| id as u32));
        }),
        Contestant::new("naive loop", naive::rules(&rules, situations)?),
    ];
    let (held, times) = race(situations.events.len(), 1_000, &mut contestants);
    let what = "attribute rules";
    report.times("P3", what, "generated", size, held, &times);
    let bound = match size {
        1_000 => 40.0,
        10_000 => 80.0,
        _ => return Ok(()),
    };
    for (what, ours) in [(what, &times[0]), ("attribute rules, eight events at a time", &times[1])] {
        for peer in &times[2..4] {
            report.compare("P3", what, "generated", size, ours, peer, Bound::AtLeast(bound));
        }
    }
    Ok(())
}

/// P4; returns what an event costs us.
pub(crate) fn whole(size: usize, situations: &Situations, report: &mut Report) -> Result<Time> {
    let rules = workload::mixed_rules(7, size);
    let set = compiled(&rules)?;
    let mut contestants =
        vec![ours("kilat", &set, situations, false), Contestant::new("naive loop", naive::rules(&rules, situations)?)];
    let (held, times) = race(situations.events.len(), 2_000, &mut contestants);
    let what = "whole rules";
    report.times("P4", what, "generated", size, held, &times);
    let bound = match size {
        10 => 1.0,
        100 => 5.0,
        1_000 => 25.0,
        _ => 60.0,
    };
    report.compare("P4", what, "generated", size, &times[0], &times[1], Bound::AtLeast(bound));
    Ok(times[0].clone())
}

/// Events that are looked at together before the first is evaluated, as the engine does.
const WINDOW: usize = 8;

/// Begins to fetch a line of memory.
fn fetch(line: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint that reads nothing the program can see and faults on no address; SSE is part of x86_64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// P5: workspaces met at random against one that is always the same. The engine decodes some events before it evaluates the
/// first, and begins to fetch their rule sets then; so it is timed, and without, an event at a time, too.
pub(crate) fn cold(situations: &Situations, report: &mut Report) -> Result<()> {
    let sets: Vec<RuleSet> = (0..WORKSPACES as u64)
        .map(|seed| compiled(&workload::mixed_rules(seed, WORKSPACE_RULES)))
        .collect::<Result<_>>()?;
    let finder = |pick: fn(usize) -> usize, window: usize| {
        let (sets, mut scratch) = (&sets, Scratch::new());
        move |item: usize, found: &mut Vec<u32>| {
            if window > 1 && item.is_multiple_of(window) {
                for depth in 0..3 {
                    (item..item + window).for_each(|item| sets[pick(item)].lines(depth, &mut fetch));
                }
            }
            let facts = situations.facts(item);
            let mut pass = sets[pick(item)].pass(facts.event, &mut scratch);
            while let Some(rule) = pass.next(&facts) {
                found.push(black_box(rule).priority().into());
            }
        }
    };
    let scattered: fn(usize) -> usize = |item| (item as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) as usize % WORKSPACES;
    let mut contestants = vec![
        Contestant::new("kilat, random workspace, eight at a time", finder(scattered, WINDOW)),
        Contestant::new("kilat, random workspace", finder(scattered, 1)),
        Contestant::new("kilat, one workspace", finder(|_| 0, 1)),
    ];
    // Nothing to agree on: these are different rules.
    let (_, times) = race(situations.events.len(), 0, &mut contestants);
    let what = "10,000 workspaces";
    report.times("P5", what, "generated", WORKSPACE_RULES, 0.0, &times);
    let mut compare = |what, random: &Time| {
        report.compare("P5", what, "generated", WORKSPACE_RULES, random, &times[2], Bound::AtMost(3.0));
    };
    compare("10,000 workspaces, eight events at a time", &times[0]);
    compare("10,000 workspaces, one event at a time", &times[1]);
    Ok(())
}

/// P6: what compiling costs, and what a rule set keeps.
pub(crate) fn compiling(size: usize, report: &mut Report) -> Result<()> {
    let text = workload::document("*", &workload::mixed_rules(7, size));
    let canonical = load("bench.yaml", &text).documents[0].canonical_json();
    let mut times = Vec::new();
    for _ in 0..(3_000 / size).clamp(3, 30) {
        let before = thread_cpu();
        let loaded = load("bench.json", &canonical);
        let loading = thread_cpu() - before;
        let before = thread_cpu();
        let set = compile_published(&loaded.documents[0], &canonical)?;
        let compiling = thread_cpu() - before;
        if set.rules().len() != size {
            bail!("{} rules of {size}", set.rules().len());
        }
        times.push((loading as f64, compiling as f64));
    }
    times.sort_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1)));
    let (loading, compiling) = times[times.len() / 2];
    let limit_ms = size as f64 * 0.03;
    report.figure("P6", "load and compile, ms", size, (loading + compiling) / 1e6, limit_ms);
    report.figure("P6", "of it compile, ms", size, compiling / 1e6, limit_ms);
    report.figure("P6", "heap of a compiled rule, bytes", size, heap_of_a_rule(size)?, 300.0);
    Ok(())
}

/// Compiles as the pipeline does what was published: the hash is that of the text.
fn compile_published(document: &Document, canonical: &str) -> Result<RuleSet> {
    let compiled = compile_unless(document, &|| false).context("given up")?;
    let compiled = compiled.map_err(|problems| anyhow!("{problems:?}"))?;
    Ok(RuleSet::new(Arc::new(compiled), &hash_of(canonical)))
}

/// What is left of a rule once the document it was compiled from is gone. Patterns have a figure of their own.
fn heap_of_a_rule(size: usize) -> Result<f64> {
    let mut rules = workload::mixed_rules(7, size);
    rules.retain(|rule| rule.conditions.iter().all(|condition| condition.op != "matches"));
    let canonical = load("bench.yaml", &workload::document("*", &rules)).documents[0].canonical_json();
    let heap = heap::live();
    let loaded = load("bench.json", &canonical);
    let set = compile(&loaded.documents[0]).map_err(|problems| anyhow!("{problems:?}"))?;
    drop(loaded);
    let kept = heap::live() - heap;
    Ok(kept as f64 / set.rules().len() as f64)
}

/// P6: what a compiled pattern keeps.
pub(crate) fn regex_heap(report: &mut Report) -> Result<()> {
    let patterns = workload::patterns(7, 1_000);
    let heap = heap::live();
    let regexes = patterns
        .iter()
        .map(|pattern| kilat_matcher::Regex::new(pattern, kilat_matcher::Case::Insensitive))
        .collect::<Result<Vec<_>, _>>()?;
    let kept = heap::live() - heap;
    report.figure("P6", "heap of a compiled regex, bytes", regexes.len(), kept as f64 / regexes.len() as f64, 2_048.0);
    Ok(())
}

/// A rule as an expression of a peer: `list` and `end` enclose a list, whose items `between` separates.
fn expression(rule: &Rule, list: &str, between: &str, end: &str, equal: &str, unequal: &str) -> Result<String> {
    let text = |Condition { field, op, value }: &Condition| {
        let field = field.replace('.', "_");
        let op = match *op {
            "equals" => equal,
            "not_equals" => unequal,
            "gte" => ">=",
            "lt" => "<",
            "in" => "in",
            other => bail!("{other} is not for peers"),
        };
        Ok(match value {
            Value::Text(text) => format!("{field} {op} {text:?}"),
            Value::Number(number) => format!("{field} {op} {number}"),
            Value::Flag(flag) => format!("{}{field}", if *flag { "" } else { "not " }),
            Value::Texts(texts) => {
                let items: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
                format!("{field} {list}{}{end}", items.join(between))
            }
        })
    };
    // Kilat's trigger sees customers only.
    let customer = format!("sender_kind {equal} \"customer\"");
    let conditions = rule.conditions.iter().map(text).collect::<Result<Vec<_>>>()?;
    Ok(std::iter::once(customer).chain(conditions).collect::<Vec<_>>().join(" and "))
}

fn a_tree(rules: &[Rule]) -> Result<ATree<u32>> {
    let mut tree = ATree::new(&[
        AttributeDefinition::string("lead_city"),
        AttributeDefinition::string("lead_status"),
        AttributeDefinition::integer("lead_score"),
        AttributeDefinition::integer("chat_count"),
        AttributeDefinition::string("utm_campaign"),
        AttributeDefinition::string("channel_kind"),
        AttributeDefinition::string("conversation_status"),
        AttributeDefinition::string("sender_kind"),
        AttributeDefinition::boolean("message_has_media"),
    ])
    .map_err(|error| anyhow!("a-tree: {error}"))?;
    for (id, rule) in rules.iter().enumerate() {
        let text = expression(rule, "in [", ", ", "]", "=", "<>")?;
        tree.insert(&(id as u32), &text).map_err(|error| anyhow!("a-tree: {text}: {error}"))?;
    }
    Ok(tree)
}

fn a_tree_event(tree: &ATree<u32>, attributes: &Attributes) -> Result<a_tree::Event> {
    let mut event = tree.make_event();
    event.with_string("lead_city", &attributes.city)?;
    event.with_string("lead_status", attributes.status)?;
    event.with_integer("lead_score", attributes.score)?;
    event.with_integer("chat_count", attributes.chat_count)?;
    event.with_string("utm_campaign", &attributes.campaign)?;
    event.with_string("channel_kind", attributes.channel)?;
    event.with_string("conversation_status", "open")?;
    event.with_string("sender_kind", sender(attributes))?;
    event.with_boolean("message_has_media", false)?;
    Ok(event.build()?)
}

fn scheme() -> Scheme {
    wirefilter::Scheme! {
        lead_city: Bytes,
        lead_status: Bytes,
        lead_score: Int,
        chat_count: Int,
        utm_campaign: Bytes,
        channel_kind: Bytes,
        conversation_status: Bytes,
        sender_kind: Bytes,
        message_has_media: Bool,
    }
}

fn wirefilter_context<'e>(scheme: &'e Scheme, attributes: &'e Attributes) -> Result<ExecutionContext<'e>> {
    let mut context = ExecutionContext::new(scheme);
    let mismatch = |error: wirefilter::FieldValueTypeMismatchError| anyhow!("wirefilter: {error}");
    context.set_field_value("lead_city", attributes.city.as_str()).map_err(mismatch)?;
    context.set_field_value("lead_status", attributes.status).map_err(mismatch)?;
    context.set_field_value("lead_score", attributes.score as i32).map_err(mismatch)?;
    context.set_field_value("chat_count", attributes.chat_count as i32).map_err(mismatch)?;
    context.set_field_value("utm_campaign", attributes.campaign.as_str()).map_err(mismatch)?;
    context.set_field_value("channel_kind", attributes.channel).map_err(mismatch)?;
    context.set_field_value("conversation_status", "open").map_err(mismatch)?;
    context.set_field_value("sender_kind", sender(attributes)).map_err(mismatch)?;
    context.set_field_value("message_has_media", false).map_err(mismatch)?;
    Ok(context)
}

fn sender(attributes: &Attributes) -> &'static str {
    if attributes.sender == SenderKind::Customer { "customer" } else { "team" }
}
