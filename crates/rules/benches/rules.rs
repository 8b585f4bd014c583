//! Loading, compiling and evaluating rules, by the number of rules.
//!
//! The workload is that of a busy workspace: 60 % any-of 1 to 8 keywords, 8 % starts, ends and equals, 12 % patterns, 20 %
//! attributes only, each with further predicates (mean 2.7), over messages of Zipf-distributed words, some with amounts,
//! emoji and full-width letters. Every message is new: a small set would be learnt by heart. Each benchmark asserts its
//! answer against reading the conditions one by one before it times anything.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kilat_domain::{Conversation, Event, Lead, Timestamp};
use kilat_rules::{Facts, RuleSet, Scratch, compile, load};
use serde_json::{Value, json};

const VOCABULARY: usize = 200_000;
const MESSAGES: usize = 20_000;
const SIZES: [usize; 3] = [10, 100, 1_000];

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn roll(&mut self, sides: usize) -> usize {
        (self.next() % sides as u64) as usize
    }

    /// A rank with probability falling as 1/rank.
    fn zipf(&mut self) -> usize {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((VOCABULARY as f64).powf(uniform) as usize).min(VOCABULARY - 1)
    }

    /// The word of a rank: two to five syllables, the commonest words the shortest.
    fn word(rank: usize) -> String {
        let mut dice = Dice(rank as u64);
        let syllables = if rank < 500 { 2 } else { 3 + dice.roll(3) };
        let letter = |dice: &mut Dice, of: &str| char::from(of.as_bytes()[dice.roll(of.len())]);
        (0..syllables).flat_map(|_| [letter(&mut dice, "bcdghjklmnprstwy"), letter(&mut dice, "aeiou")]).collect()
    }

    fn message(&mut self) -> String {
        let words = 3 + self.roll(10) + self.roll(10);
        let mut text: Vec<String> = (0..words).map(|_| Self::word(self.zipf())).collect();
        match self.roll(16) {
            0 => text.push(format!("Rp {}.000", 1 + self.roll(900))),
            1 => text.push("👍🏽".into()),
            2 => text.push("ＯＫ".into()),
            3 => text.push(format!("inv-{}", self.roll(100_000))),
            _ => {}
        }
        text.join(" ")
    }

    fn rule(&mut self, n: usize) -> Value {
        // Authors choose telling words, which are rare ones: about one event in ten fires something.
        let keyword = |dice: &mut Dice| Self::word(2_000 + dice.roll(VOCABULARY - 2_000));
        let mut conditions = Vec::new();
        match self.roll(100) {
            0..60 => {
                let words: Vec<String> = (0..1 + self.roll(8)).map(|_| keyword(self)).collect();
                conditions.push(json!({"field": "message.text", "op": "contains", "value": words}));
            }
            60..68 => {
                let op = ["starts_with", "ends_with", "equals"][self.roll(3)];
                conditions.push(json!({"field": "message.text", "op": op, "value": keyword(self)}));
            }
            68..80 => {
                let pattern = format!("{}\\s+(?:{}|\\d+)", keyword(self), keyword(self));
                conditions.push(json!({"field": "message.text", "op": "matches", "value": pattern}));
            }
            _ => conditions.push(
                json!({"field": "lead.city", "op": "equals", "value": Self::word(self.roll(500)), "missing": false}),
            ),
        }
        let further = [0, 1, 2, 2, 3, 3, 4, 4, 5][self.roll(9)];
        for _ in 0..further {
            conditions.push(match self.roll(6) {
                0 => json!({"field": "lead.status", "op": "in", "value": ["new", "responded"]}),
                1 => json!({"field": "lead.score", "op": "gte", "value": self.roll(100)}),
                2 => json!({"field": "channel.kind", "op": "equals", "value": "whatsapp"}),
                3 => json!({"field": "lead.tags", "op": "not_contains", "value": Self::word(self.roll(100))}),
                4 => json!({"field": "time.window", "op": "in", "value": "08:00-20:00"}),
                _ => json!({"field": "conversation.priority", "op": "lte", "value": "high"}),
            });
        }
        json!({"id": format!("r{n}"), "priority": 1 + self.roll(100), "trigger": "message.created",
               "conditions": conditions, "actions": [{"type": "add_tag", "value": "x"}]})
    }
}

fn document(rules: usize) -> String {
    let mut dice = Dice(42);
    let rules: Vec<Value> = (0..rules).map(|n| dice.rule(n)).collect();
    json!({"workspace": "acme", "rules": rules}).to_string()
}

fn lines() -> Vec<String> {
    let mut dice = Dice(7);
    let line = |n: usize| {
        json!({"id": format!("e{n}"), "workspace": "acme", "type": "message.created", "occurred_at": 1_795_143_600_000_i64,
            "channel": {"kind": "whatsapp", "account": "6281110001"}, "chat": {"kind": "direct"},
            "sender": {"kind": "customer", "id": "628123456789"}, "message": {"id": format!("m{n}"), "text": dice.message()}})
        .to_string()
    };
    (0..MESSAGES).map(line).collect()
}

fn facts<'a>(event: &'a Event<'a>, lead: &'a Lead, conversation: &'a Conversation) -> Facts<'a> {
    Facts {
        event,
        lead: Some(lead),
        conversation: Some(conversation),
        first_contact: false,
        conversation_is_new: false,
    }
}

fn lead() -> Lead {
    let mut lead = Lead::new("responded");
    lead.score = Some(kilat_domain::Number::Int(50));
    lead.tags = vec!["vip".into()];
    lead.profile = Some(Box::new(kilat_domain::Profile { city: Some("bandung".into()), ..Default::default() }));
    lead
}

/// How many rules fire on all events; compiled and naive must agree.
fn check(rules: &RuleSet, events: &[Event<'_>], lead: &Lead, conversation: &Conversation) {
    let (mut scratch, mut compiled, mut naive) = (Scratch::new(), 0, 0);
    for event in events {
        let facts = facts(event, lead, conversation);
        let mut pass = rules.pass(event, &mut scratch);
        compiled += std::iter::from_fn(|| pass.next(&facts)).count();
        let (mut pass, mut out) = (rules.pass(event, &mut scratch), Vec::new());
        while pass.next_explained(&facts, &mut out).is_some() {}
        naive += out.iter().filter(|rule| rule.matched).count();
    }
    assert_eq!(compiled, naive);
    println!("{} rules, {} events: {compiled} fires", rules.rules().len(), events.len());
}

fn evaluate(criterion: &mut Criterion) {
    let lines = lines();
    let events: Vec<Event<'_>> = lines.iter().map(|line| serde_json::from_str(line).expect("an event")).collect();
    let (lead, conversation) = (lead(), Conversation::new(Timestamp(0)));
    let mut group = criterion.benchmark_group("rules/evaluate");
    group.throughput(Throughput::Elements(1));
    for size in SIZES {
        let rules = compile(&load("bench", &document(size)).documents[0]).expect("compiles");
        check(&rules, &events[..2_000], &lead, &conversation);
        let (mut scratch, mut next) = (Scratch::new(), 0);
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                let event = &events[next % MESSAGES];
                next += 1;
                let facts = facts(event, &lead, &conversation);
                let mut pass = rules.pass(event, &mut scratch);
                while let Some(rule) = pass.next(&facts) {
                    black_box(rule);
                }
            });
        });
    }
    group.finish();
}

fn build(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rules/build");
    group.sample_size(10);
    for size in SIZES {
        let text = document(size);
        let loaded = load("bench", &text);
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        let canonical = loaded.documents[0].canonical_json();
        group.bench_function(BenchmarkId::new("load", size), |bencher| {
            bencher.iter(|| load("bench", black_box(&canonical)))
        });
        group.bench_function(BenchmarkId::new("compile", size), |bencher| {
            bencher.iter(|| compile(black_box(&loaded.documents[0])));
        });
    }
    group.finish();
}

criterion_group!(benches, evaluate, build);
criterion_main!(benches);
