//! What became of an input record, as a state block's header tells it for every record of its ranges.
//!
//! *Shape:* runs of records with the same fate, in the order of the ranges, each as one number: `length × 4 + fate`. So a
//! reader of the topics can hold every record against what is on them, and tell a record that was lost from one that had
//! nothing to say.

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
}

impl Fate {
    const ALL: [Fate; 4] = [Fate::Quiet, Fate::Decided, Fate::Duplicate, Fate::DeadLettered];

    /// The fates of records, as runs.
    pub fn runs(fates: &[Fate]) -> Vec<i64> {
        let runs = fates.chunk_by(|a, b| a == b);
        runs.map(|run| i64::try_from(run.len()).unwrap_or(i64::MAX >> 2) * 4 + run[0] as i64).collect()
    }

    /// How many records the runs are about.
    pub fn count(runs: &[i64]) -> u64 {
        runs.iter().map(|run| (run.max(&0) / 4).unsigned_abs()).fold(0, u64::saturating_add)
    }

    /// The fates that runs stand for, in order.
    pub fn of_runs(runs: &[i64]) -> impl Iterator<Item = Fate> {
        runs.iter().flat_map(|run| {
            let length = usize::try_from(run / 4).unwrap_or(0);
            std::iter::repeat_n(Fate::ALL[(run & 3) as usize], length)
        })
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
    fn numbers_that_are_no_runs_stand_for_nothing() {
        assert_eq!(Fate::of_runs(&[0, 3, -1, -400]).count(), 0);
        assert_eq!(Fate::count(&[0, 3, -1, -400]), 0);
    }
}
