//! The totals a demo ends with, and whether they add up.
//!
//! Input: what the engine counted, and what the output topics say. Output: [`Totals`], one JSON object. The two sources are
//! held against each other: a decision or an action that one of them knows and the other does not is a defect.

use kilat_pipeline::TotalsSnapshot;
use serde::Serialize;

use super::observed::Counts;
use super::partners::Tally;
use crate::output::grouped;

/// What a run did; the names are fixed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Totals {
    /// Records taken from the input topics: evaluated + duplicates + dead_lettered.
    pub(super) events: u64,
    /// Seen before, without effect.
    pub(super) duplicates: u64,
    /// Could not be read.
    pub(super) dead_lettered: u64,
    /// Folded and evaluated.
    pub(super) evaluated: u64,
    /// Events that rules caused and introductions, beside the above.
    pub(super) caused: u64,
    /// Decision records.
    pub(super) decisions: u64,
    /// Rules that fired.
    pub(super) fired: u64,
    /// Actions whose outcome is known: delivered + failed + unknown + suppressed.
    pub(super) actions: u64,
    pub(super) delivered: u64,
    pub(super) failed: u64,
    pub(super) unknown: u64,
    pub(super) suppressed: u64,
    /// From the first record to the last outcome.
    pub(super) seconds: f64,
}

/// What a run found when it began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Baseline {
    /// Records on the input topics that no transaction had answered.
    pub(super) unanswered: u64,
    /// What the output topics said.
    pub(super) counts: Counts,
}

impl Totals {
    pub(super) fn new(engine: &TotalsSnapshot, counts: &Counts, baseline: &Baseline, seconds: f64) -> Totals {
        let counts = counts.since(&baseline.counts);
        Totals {
            events: engine.events,
            duplicates: engine.duplicates,
            dead_lettered: engine.dead_lettered,
            evaluated: engine.evaluated,
            caused: engine.caused,
            decisions: counts.decisions,
            fired: counts.fired,
            actions: counts.actions,
            delivered: counts.delivered,
            failed: counts.failed,
            unknown: counts.unknown,
            suppressed: counts.suppressed,
            seconds: (seconds * 1000.0).round() / 1000.0,
        }
    }

    /// Everything that does not add up, in words; nothing when all is well. `written` is what this run wrote.
    pub(super) fn gaps(&self, engine: &TotalsSnapshot, baseline: &Baseline, written: u64) -> Vec<String> {
        let unsettled_before = baseline.counts.actions - baseline.counts.settled();
        let mut gaps = Vec::new();
        let mut equal = |what: &str, a: u64, b: u64| {
            if a != b {
                gaps.push(format!("{what}: {a} is not {b}"));
            }
        };
        equal("events taken and events written", self.events, written + baseline.unanswered);
        equal(
            "events and evaluated + duplicates + dead_lettered",
            self.events,
            self.evaluated + self.duplicates + self.dead_lettered,
        );
        equal("decisions read and decisions committed", self.decisions, engine.decisions);
        equal("fires read and fires committed", self.fired, engine.fired);
        equal("actions read and actions committed", self.actions, engine.actions + unsettled_before);
        equal(
            "actions and delivered + failed + unknown + suppressed",
            self.actions,
            self.delivered + self.failed + self.unknown + self.suppressed,
        );
        gaps
    }
}

/// Prints what happened, for people, on standard error.
pub(super) fn report(
    totals: &Totals,
    rules: &[(String, u64)],
    reasons: &[(String, u64)],
    tallies: &[(&'static str, Tally)],
) {
    let Totals { events, evaluated, duplicates, dead_lettered, caused, decisions, fired, seconds, .. } = totals;
    eprintln!();
    eprintln!(
        "{} events = {} evaluated + {} seen before + {} unreadable, in {seconds:.1} s",
        grouped(*events),
        grouped(*evaluated),
        grouped(*duplicates),
        grouped(*dead_lettered),
    );
    eprintln!("{} events caused, {} decisions, {} fires:", grouped(*caused), grouped(*decisions), grouped(*fired));
    for (rule, fires) in rules {
        eprintln!("  {:>10}  {rule}", grouped(*fires));
    }
    eprintln!(
        "{} actions = {} delivered + {} failed + {} unknown + {} suppressed",
        grouped(totals.actions),
        grouped(totals.delivered),
        grouped(totals.failed),
        grouped(totals.unknown),
        grouped(totals.suppressed),
    );
    for (why, count) in reasons {
        eprintln!("  {:>10}  {why}", grouped(*count));
    }
    for (partner, tally) in tallies.iter().filter(|(_, tally)| tally.requests > 0) {
        eprintln!(
            "{partner}: {} requests, {} taken once, {} repeated under the same key, {} × 429, {} × 500, {} never answered, \
             {} refused, {} wrong",
            grouped(tally.requests),
            grouped(tally.taken),
            grouped(tally.repeated),
            grouped(tally.throttled),
            grouped(tally.broken),
            grouped(tally.silent),
            grouped(tally.rejected),
            grouped(tally.wrong),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_goes_on_with_a_directory_adds_up_by_itself() {
        let before = Counts { decisions: 10, fired: 12, actions: 9, delivered: 5, failed: 1, ..Counts::default() };
        let after = Counts { decisions: 14, fired: 17, actions: 13, delivered: 11, failed: 1, unknown: 1, ..before };
        let baseline = Baseline { unanswered: 20, counts: before };
        let engine = TotalsSnapshot {
            events: 70,
            evaluated: 65,
            duplicates: 4,
            dead_lettered: 1,
            decisions: 4,
            fired: 5,
            actions: 4,
            ..TotalsSnapshot::default()
        };
        let totals = Totals::new(&engine, &after, &baseline, 1.0);
        assert_eq!((totals.actions, totals.delivered, totals.unknown), (7, 6, 1));
        assert_eq!(totals.gaps(&engine, &baseline, 50), Vec::<String>::new());
        assert_eq!(totals.gaps(&engine, &baseline, 51), ["events taken and events written: 70 is not 71"]);
    }
}
