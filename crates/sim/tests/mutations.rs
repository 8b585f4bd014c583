//! Deliberate bugs are found: each makes one of a few seeds break something.

use kilat_sim::{Plan, Sabotage, Violation, run};

/// Events of a run.
const EVENTS: u64 = 300;
/// Seeds that are tried where the known one finds nothing, as the product goes other ways than it did.
const SEEDS: u64 = 200;
/// A seed that finds it.
const FOUND_BY: [(Sabotage, u64); 16] = [
    (Sabotage::NoFencing, 1),
    (Sabotage::StateAheadOfLog, 7),
    (Sabotage::BlockSkipped, 1),
    (Sabotage::OffsetsApart, 7),
    (Sabotage::OutputsApart, 1),
    (Sabotage::EndTooEarly, 2),
    (Sabotage::WindowLost, 1),
    (Sabotage::RecordMissed, 1),
    (Sabotage::ActionIdReused, 3),
    (Sabotage::StateOfAnother, 4),
    (Sabotage::PauseIgnored, 10),
    (Sabotage::LedgerNotRead, 2),
    (Sabotage::AnnouncementLost, 2),
    (Sabotage::ResultsApart, 8),
    (Sabotage::KeyChanged, 2),
    (Sabotage::ResultBeforeAnswer, 2),
];

fn breaks(sabotage: Option<Sabotage>, seed: u64) -> Option<Violation> {
    let mut plan = Plan::of_seed(seed, EVENTS);
    plan.sabotage = sabotage;
    run(&plan).violation
}

#[test]
fn every_deliberate_bug_breaks_something() {
    for (sabotage, name) in Sabotage::ALL {
        let known = FOUND_BY.iter().find(|(of, _)| *of == sabotage).map(|(_, seed)| *seed);
        let mut seeds = known.into_iter().chain(1..=SEEDS);
        let found = seeds.find_map(|seed| Some((seed, breaks(Some(sabotage), seed)?)));
        let Some((seed, violation)) = found else { panic!("{name} is not found within {SEEDS} seeds") };
        println!("| `{name}` | {seed} | `{}` |", violation.invariant);
        assert_eq!(breaks(None, seed), None, "{name}: seed {seed} holds without the bug");
    }
}
