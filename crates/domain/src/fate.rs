//! What became of an input record, as a state block's header tells it for every record of its ranges.
//!
//! *Shape:* runs of records with the same fate, in the order of the ranges, each as one number: `length × 4 + fate`, and
//! `-(length × 4 + fate)` for the fates that only spread workspaces have. So a reader of the topics can hold every record
//! against what is on them, and tell a record that was lost from one that had nothing to say.

/// What became of an input record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Evaluated, and nothing to say: no decision.
    Quiet,
    /// Evaluated, with at least one decision.
    Decided,
    /// Seen before; without effect (D-33).
    Duplicate,
    /// Could not be read; on the dead-letter topic.
    DeadLettered,
    /// Passed on to the partition that its lead is at home in: it has another fate there.
    PassedOn,
    /// No event: a step of moving leads from one partition to another.
    Step,
}

/// What a run's number holds beside its length.
const PLACES: u64 = 4;

impl Fate {
    /// By place; those that stand in negative runs.
    const COMMON: [Fate; 4] = [Fate::Quiet, Fate::Decided, Fate::Duplicate, Fate::DeadLettered];
    const SPREAD: [Fate; 2] = [Fate::PassedOn, Fate::Step];

    /// The fates of records, as runs.
    pub fn runs(fates: &[Fate]) -> Vec<i64> {
        let run = |run: &[Fate]| {
            let length = i64::try_from(run.len()).unwrap_or(i64::MAX >> 2) * 4;
            match run[0] {
                Fate::PassedOn => -length,
                Fate::Step => -length - 1,
                common => length + common as i64,
            }
        };
        fates.chunk_by(|a, b| a == b).map(run).collect()
    }

    /// How many records the runs are about.
    pub fn count(runs: &[i64]) -> u64 {
        runs.iter().filter_map(|run| Fate::of_run(*run)).map(|(_, length)| length).fold(0, u64::saturating_add)
    }

    /// The fates that runs stand for, in order.
    pub fn of_runs(runs: &[i64]) -> impl Iterator<Item = Fate> {
        runs.iter()
            .filter_map(|run| Fate::of_run(*run))
            .flat_map(|(fate, length)| std::iter::repeat_n(fate, usize::try_from(length).unwrap_or(usize::MAX)))
    }

    fn of_run(run: i64) -> Option<(Fate, u64)> {
        let (place, length) = ((run.unsigned_abs() % PLACES) as usize, run.unsigned_abs() / PLACES);
        let fate = if run < 0 { Fate::SPREAD.get(place) } else { Fate::COMMON.get(place) };
        Some((*fate?, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_stand_for_the_fates_they_were_made_of() {
        let fates = [Fate::Quiet, Fate::Quiet, Fate::Decided, Fate::DeadLettered, Fate::Duplicate, Fate::Duplicate];
        let runs = Fate::runs(&fates);
        assert_eq!(runs, [8, 5, 7, 10], "length times four and the fate's place");
        assert_eq!(Fate::of_runs(&runs).collect::<Vec<_>>(), fates);
        assert_eq!(Fate::count(&runs), 6);
        assert!(Fate::runs(&[]).is_empty());
    }

    #[test]
    fn fates_of_spread_workspaces_stand_in_negative_runs() {
        let fates = [Fate::PassedOn, Fate::PassedOn, Fate::PassedOn, Fate::Step, Fate::Quiet, Fate::PassedOn];
        let runs = Fate::runs(&fates);
        assert_eq!(runs, [-12, -5, 4, -4]);
        assert_eq!(Fate::of_runs(&runs).collect::<Vec<_>>(), fates);
        assert_eq!(Fate::count(&runs), 6);
    }

    #[test]
    fn numbers_that_are_no_runs_stand_for_nothing() {
        assert_eq!(Fate::of_runs(&[0, 3, -1, -402, -403]).count(), 0);
        assert_eq!(Fate::count(&[0, 3, -1, -402, -403]), 0);
    }
}
