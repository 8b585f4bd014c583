//! Compiled rules fire as reading them one by one does: on random rule sets, texts and states, with what each rule that
//! fired changed before the next is asked.
//!
//! Three readings are compared: indexed; without scan and index; condition by condition in written order. `KILAT_PAIRS`
//! says how many pairs of rule set and event are tried; a failure prints its seed, and `KILAT_SEED` tries that one alone.

mod random;

use crate::facts::Scratch;
use crate::rule_set::compile_unindexed;
use crate::tests::Staged;
use crate::{Facts, Pass, Planned, Rule, RuleSet, Settings, Stop, compile, load};
use random::Dice;

/// Events that every rule set is tried on.
const EVENTS_PER_RULE_SET: u64 = 50;
/// Different events, of which each rule set gets its share.
const EVENTS: u64 = 2_000;
/// Pairs where `KILAT_PAIRS` does not say.
const PAIRS: u64 = 8_000;

/// One step of a pass.
type Next = for<'p> fn(&mut Pass<'p>, &Facts<'_>) -> Option<&'p Rule>;

fn compiled<'p>(pass: &mut Pass<'p>, facts: &Facts<'_>) -> Option<&'p Rule> {
    pass.next(facts)
}

fn naive<'p>(pass: &mut Pass<'p>, facts: &Facts<'_>) -> Option<&'p Rule> {
    pass.next_naive(facts)
}

/// The rules that fire, in order, and what becomes of lead and conversation.
fn fires(rules: &RuleSet, staged: &Staged, scratch: &mut Scratch, next: Next) -> (Vec<String>, String) {
    let (mut lead, mut conversation) = (staged.lead.clone(), staged.conversation.clone());
    let mut pass = rules.pass(&staged.event, scratch);
    let (mut fired, mut groups) = (Vec::new(), Vec::new());
    loop {
        let facts = Facts { lead: lead.as_ref(), conversation: conversation.as_ref(), ..staged.facts() };
        let Some(rule) = next(&mut pass, &facts) else { break };
        // As the engine refuses: a rule of a group that had its turn, and one that fired before, here for who is known.
        let had_its_turn = rule.once_per().is_some() && !staged.facts().first_contact;
        if had_its_turn || rule.dedupe_group().is_some_and(|group| groups.contains(&group)) {
            fired.push(format!("({})", rule.id()));
            continue;
        }
        groups.extend(rule.dedupe_group());
        fired.push(rule.id().to_owned());
        for action in rule.actions() {
            let facts = Facts { lead: lead.as_ref(), conversation: conversation.as_ref(), ..staged.facts() };
            if let Planned::Patch(patch) = pass.plan(rule, action, &facts) {
                let applied = lead.as_mut().and_then(|lead| lead.apply(&patch));
                applied.or_else(|| conversation.as_mut()?.apply(&patch));
            }
        }
        match rule.stop() {
            Stop::No => {}
            Stop::Pass => pass.skip_normal(),
            Stop::All => break,
        }
    }
    (fired, format!("{lead:?} {conversation:?}"))
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|number| number.parse().expect("a number"))
}

/// Tells the seed where anything panics, whoever notices.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("KILAT_SEED={} tries this rule set alone", self.0);
        }
    }
}

#[test]
fn compiled_rules_fire_as_reading_them_one_by_one_does() {
    let rule_sets = number("KILAT_PAIRS").unwrap_or(PAIRS) / EVENTS_PER_RULE_SET;
    let seeds = number("KILAT_SEED").map_or(0..rule_sets, |seed| seed..seed + 1);
    let staged: Vec<Staged> = (0..EVENTS).map(|seed| Staged::of(&Dice(seed).event(), &Settings::default())).collect();
    let (mut scratch, mut other) = (Scratch::new(), Scratch::new());
    let (mut pairs, mut held) = (0_u64, 0);
    for seed in seeds {
        let _told = Told(seed);
        let mut dice = Dice(seed);
        let loaded = load("random", &dice.document());
        let Some(document) = loaded.documents.first() else { panic!("seed {seed}: {:#?}", loaded.diagnostics) };
        let (indexed, unindexed) = (compile(document).expect("compiles"), compile_unindexed(document));
        for _ in 0..EVENTS_PER_RULE_SET {
            let at = dice.roll(staged.len());
            let staged = &staged[at];
            let expected = fires(&unindexed, staged, &mut other, naive);
            let context = || format!("seed {seed}, event {at}: {:?}\n{}", staged.event, document.canonical_json());
            assert_eq!(fires(&indexed, staged, &mut scratch, compiled), expected, "indexed, {}", context());
            assert_eq!(fires(&unindexed, staged, &mut other, compiled), expected, "unindexed, {}", context());
            pairs += 1;
            held += expected.0.len();
        }
    }
    println!("{pairs} pairs, {held} fires");
    assert!(held as u64 > pairs / 4, "{held} fires of {pairs} pairs: the rules are not worth the comparison");
}
