//! Makes a failing run small: fewer events, kinds of fault, processes, workers and executors, as long as it still fails.

use crate::fault::Fault;
use crate::plan::Plan;
use crate::run::{Outcome, run};

/// The smallest plan found that still breaks something, and what it breaks.
///
/// *Bounds:* each kind of fault is tried once, events are halved while that helps.
pub fn shrink(plan: &Plan, outcome: Outcome) -> (Plan, Outcome) {
    let broken = outcome.violation.as_ref().map(|violation| violation.invariant);
    let mut best = (plan.clone(), outcome);
    let attempt = |best: &mut (Plan, Outcome), plan: Plan| {
        let outcome = run(&plan);
        let fails = outcome.violation.as_ref().map(|violation| violation.invariant) == broken;
        if fails {
            *best = (plan, outcome);
        }
        fails
    };
    while best.0.events > 10 {
        let events = best.0.events / 2;
        let plan = Plan { events, ..best.0.clone() };
        if !attempt(&mut best, plan) {
            break;
        }
    }
    for (fault, _) in Fault::ALL {
        if best.0.faults.has(fault) {
            let plan = best.0.clone().without(fault);
            attempt(&mut best, plan);
        }
    }
    for processes in 1..best.0.processes {
        let plan = Plan { processes, ..best.0.clone() };
        if attempt(&mut best, plan) {
            break;
        }
    }
    for workers in 1..best.0.workers {
        let plan = Plan { workers, ..best.0.clone() };
        if attempt(&mut best, plan) {
            break;
        }
    }
    for executors in 0..best.0.executors {
        let plan = Plan { executors, ..best.0.clone() };
        if attempt(&mut best, plan) {
            break;
        }
    }
    while best.0.events > 10 {
        let events = best.0.events * 3 / 4;
        let plan = Plan { events, ..best.0.clone() };
        if !attempt(&mut best, plan) {
            break;
        }
    }
    best
}
