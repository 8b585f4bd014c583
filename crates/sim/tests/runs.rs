//! Runs of the real pipeline: calm ones, and some seeds with everything that may go wrong.

use kilat_sim::{Plan, run};

fn holds(plan: &Plan) {
    let outcome = run(plan);
    assert_eq!(outcome.violation, None, "{plan}");
}

#[test]
fn without_faults_every_invariant_holds() {
    for seed in 1..4 {
        holds(&Plan::of_seed(seed, 500).calm());
    }
}

#[test]
fn a_few_seeds_hold_whatever_happens() {
    for seed in 1..15 {
        holds(&Plan::of_seed(seed, 300));
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 1..4 {
        let [first, second] = [0, 1].map(|_| run(&Plan::of_seed(seed, 300)));
        assert_eq!(first.faults, second.faults, "seed {seed}");
        assert_eq!(first.steps, second.steps, "seed {seed}");
    }
}
