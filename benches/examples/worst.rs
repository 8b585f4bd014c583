//! Looks for the rules and the event that cost an engine most CPU, and tells how far that is from the budget (D-43).
//!
//! `cargo run --release -p kilat-bench --example worst -- SECONDS SEED`. Every genome is a rule set, a state and a text made
//! of what is known to hurt; the costliest ones are mutated. Ends with code 1 where an event cost more than the budget.

#![allow(clippy::disallowed_methods, reason = "a search for costly events reads the clock")]

use std::time::{Duration, Instant};

use kilat_bench::clock::thread_cpu;
use kilat_domain::{Action, Decision, Event};
use kilat_engine::{Outputs, Partition};
use kilat_rules::{compile, load};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// CPU an event and everything it causes may take.
const BUDGET: Duration = Duration::from_millis(50);
/// Genomes that are kept to be mutated.
const KEPT: usize = 12;
/// Times a genome's event is applied; the cheapest counts, so that an interrupted one does not.
const TIMES: usize = 3;

const PATTERNS: &[&str] = &[
    "[0-9]{4,}",
    "(a*)*b",
    "(a|aa)+$",
    "(?:a?){30}a{30}",
    "[a-z]{1,200}[0-9]",
    "(?:.{0,60}x){3}",
    "\\w{1,10}\\d",
    "(\\w+\\s*)+!",
    "\\b\\w+\\b.*\\b\\d",
    "[^a]{1,100}[^b]{1,100}[^c]",
    "(x+x+)+y",
    "\\p{L}{1,6}\\p{N}",
];
const PIECES: &[&str] =
    &["a", "aaaaaaaa", "x", "ab ", "é", "e\u{301}", "\u{200b}", "ﬁ", "ＡＢ", "1", "😀", "\n ", "ß", "가", "kata "];
const GENES: usize = 14;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn roll(&mut self, sides: usize) -> usize {
        (self.bits() % sides as u64) as usize
    }
}

/// What a rule set, a state and an event are made from.
#[derive(Clone, Debug)]
struct Genome([u64; GENES]);

impl Genome {
    fn random(dice: &mut Dice) -> Genome {
        Genome(std::array::from_fn(|_| dice.bits()))
    }

    fn mutated(&self, dice: &mut Dice) -> Genome {
        let mut genome = self.clone();
        for _ in 0..=dice.roll(3) {
            genome.0[dice.roll(GENES)] = dice.bits();
        }
        genome
    }

    /// A number up to `n`, spread over magnitudes.
    fn size(&self, gene: usize, n: f64) -> usize {
        n.powf((self.0[gene] % 1_000) as f64 / 1_000.0) as usize
    }

    fn pick<'t>(&self, gene: usize, nth: usize, from: &[&'t str]) -> &'t str {
        from[((self.0[gene] >> (nth * 5 % 50)) % from.len() as u64) as usize]
    }

    fn text(&self) -> String {
        let (pieces, bytes) = (1 + self.0[1] as usize % 3, self.size(0, 70_000.0));
        let mut text = String::new();
        while text.len() < bytes {
            for nth in 0..pieces {
                text.push_str(self.pick(1, nth + 1, PIECES));
            }
        }
        text
    }

    fn condition(&self, rule: usize, nth: usize) -> Value {
        let names = |count: usize| -> Vec<String> { (0..count).map(|n| format!("ｎame {n}")).collect() };
        let (piece, pattern) = (self.pick(1, 1, PIECES), self.pick(3, nth, PATTERNS));
        match (self.0[2] >> (nth * 3)) % 8 {
            0 => {
                let own: Vec<String> = (0..=self.size(4, 8.0)).map(|n| format!("{pattern}|{rule}q{n}\\d")).collect();
                json!({"field": "message.text", "op": "not_matches", "value": own})
            }
            1 => json!({"field": "message.text", "op": "matches", "value": format!("(?:{pattern})|{}", rule % 7)}),
            2 => {
                let words: Vec<String> = (0..=self.size(5, 2_000.0)).map(|n| format!("{piece}{}", n % 40)).collect();
                json!({"field": "message.text", "op": "not_contains", "value": words})
            }
            3 => json!({"field": "lead.tags", "op": "not_contains", "value": names(1 + self.size(6, 3_000.0))}),
            4 => {
                let words = names(1 + self.size(6, 1_000.0));
                json!({"field": "lead.notes", "op": "not_contains", "value": words, "case_sensitive": rule.is_multiple_of(2)})
            }
            5 => json!({"field": "lead.attrs.list", "op": "not_in", "value": names(1 + self.size(6, 1_000.0))}),
            6 => json!({"any": [
                {"field": "message.text", "op": "contains", "value": format!("{piece}1")},
                {"field": "lead.attrs.list", "op": "not_matches", "value": pattern},
            ]}),
            _ => {
                let word = format!("{piece}{rule}");
                json!({"field": "message.text", "op": "not_equals", "value": word, "case_sensitive": true})
            }
        }
    }

    fn action(&self, rule: usize, nth: usize) -> Value {
        match (self.0[10] >> (3 * nth)) % 6 {
            0 => {
                let pattern = format!("({})", self.pick(3, nth, PATTERNS));
                json!({"type": "update_value", "target": "lead.notes", "pattern": pattern, "required": false})
            }
            1 => json!({"type": "update_value", "preset": "flexible_rupiah", "required": false}),
            2 => json!({"type": "add_tag", "value": format!("t{rule}-{nth}"), "on": "lead"}),
            3 => json!({"type": "send_message", "value": "halo {{lead.name|kak}} {{message.text}}"}),
            4 => json!({"type": "set_field", "field": "lead.notes", "value": "{{message.text}}"}),
            _ => json!({"type": "set_status", "value": if rule.is_multiple_of(2) { "hot" } else { "won" }}),
        }
    }

    fn rules(&self) -> String {
        let rule = |rule: usize| {
            let conditions: Vec<Value> = (0..self.0[8] as usize % 5).map(|nth| self.condition(rule, nth)).collect();
            let actions: Vec<Value> = (0..=self.0[9] as usize % 6).map(|nth| self.action(rule, nth)).collect();
            let caused = self.0[11].is_multiple_of(3);
            let trigger = if caused {
                &["message.created", "tag.added", "lead.status_changed"][..]
            } else {
                &["message.created"]
            };
            json!({"id": format!("r{rule}"), "trigger": trigger, "conditions": conditions, "actions": actions})
        };
        let rules: Vec<Value> = (0..=self.size(7, 3_000.0)).map(rule).collect();
        json!({"workspace": "acme", "rules": rules}).to_string()
    }

    fn event(&self, number: usize) -> String {
        let tags: Vec<String> = (0..self.size(12, 3_000.0)).map(|n| format!("ｔag {n}")).collect();
        json!({"id": format!("e{number}"), "workspace": "acme", "type": "message.created", "occurred_at": 1_795_143_600_000_i64,
            "channel": {"kind": "whatsapp", "account": "6281110001"}, "chat": {"kind": "direct"},
            "sender": {"kind": "customer", "id": format!("62812{number:08}")},
            "lead": {"tags": tags, "notes": self.text()},
            "message": {"id": format!("m{number}"), "text": self.text()}})
        .to_string()
    }
}

/// Counts what comes out.
#[derive(Debug, Default)]
struct Counted {
    decisions: usize,
    actions: usize,
    exceeded: bool,
}

impl Outputs for Counted {
    fn decision(&mut self, decision: &Decision<'_>) {
        self.decisions += 1;
        self.exceeded |= decision.refused.iter().any(|refused| refused.reason == "budget_exceeded");
    }

    fn action(&mut self, _: &Action<'_>) {
        self.actions += 1;
    }
}

/// CPU nanoseconds that the genome's event takes, with what came of it; `None` where the rules are refused.
fn cost(genome: &Genome) -> Option<(u64, Counted)> {
    let loaded = load("worst", &genome.rules());
    let rules = compile(loaded.documents.first()?).ok()?;
    let mut partition = Partition::new();
    let runs = (0..TIMES).map(|number| {
        let line = genome.event(number);
        let event: Event<'_> = serde_json::from_str(&line).expect("an event");
        let mut counted = Counted::default();
        let before = thread_cpu();
        partition.apply(&event, Some(&rules), event.occurred_at, &mut counted);
        (thread_cpu() - before, counted)
    });
    runs.min_by_key(|(took, _)| *took)
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let (seconds, seed) = (arguments.next().unwrap_or(60), arguments.next().unwrap_or(1));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut dice = Dice(seed);
    let mut kept: Vec<(u64, Genome)> = Vec::new();
    let (mut tried, mut refused) = (0_u64, 0_u64);
    while Instant::now() < until {
        let genome = if kept.len() < KEPT || dice.roll(4) == 0 {
            Genome::random(&mut dice)
        } else {
            kept[dice.roll(kept.len())].1.mutated(&mut dice)
        };
        tried += 1;
        let Some((took, counted)) = cost(&genome) else {
            refused += 1;
            continue;
        };
        if kept.first().is_none_or(|(most, _)| took > *most) {
            let (rules, bytes) = (1 + genome.size(7, 3_000.0), genome.text().len());
            let took = took as f64 / 1e6;
            println!("{took:.1} ms after {tried} genomes: {rules} rules, {bytes} bytes, {counted:?}, {genome:?}");
        }
        kept.push((took, genome));
        kept.sort_by_key(|(took, _)| std::cmp::Reverse(*took));
        kept.truncate(KEPT);
    }
    let most = kept.first().map_or(0, |(took, _)| *took);
    println!(
        "{tried} genomes, {refused} refused at load; the costliest event took {:.1} ms of {BUDGET:?}",
        most as f64 / 1e6
    );
    if Duration::from_nanos(most) > BUDGET {
        std::process::exit(1);
    }
}
