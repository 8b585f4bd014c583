//! What each buffer may take of the memory under a ceiling.
//!
//! Input: the ceiling, how many workers there are, what state and the rest of the process take. Output: bytes of memory.
//!
//! - **MEM-1**: process + state with its holes + workers × (clients + fetched ahead + batch + unpacked) is at most the ceiling,
//!   unless [`Shares::short`] says by how much the least shares are over it.
//! - **MEM-2**: state is data and has no share: nothing of it is dropped. Shares shrink as it grows, down to their least.
//!
//! Absent: measuring. What a byte or a record costs is a round figure above what benches/README.md, "Memory of a drain", tells.

pub(crate) const MIB: usize = 1 << 20;

/// Least that a process takes beside state and shares: code, threads, clients, rule sets of a few workspaces.
pub(crate) const PROCESS_MIN: usize = 64 * MIB;

/// What state takes beyond its own bytes, as a part of them: leads and conversations grow, and where they lay before, holes stay
/// that others of their size fill in time.
const HOLES_PART: usize = 4;

/// What a worker's clients take whatever it does: threads, requests and responses under way, and what the allocator keeps for them.
const CLIENTS: usize = 32 * MIB;

/// Records fetched ahead, in bytes of records: this part of what a worker has in an empty process …
const FETCHED_PART: usize = 32;
/// … and within these bounds. Beyond the upper one a drain is no faster.
const FETCHED_MIN: usize = MIB;
const FETCHED_MAX: usize = 8 * MIB;
/// Memory of a byte fetched ahead: itself, as much again of the client's own for its record, a fetch under way, and what a
/// record taken last keeps of the response it came in.
const FETCHED_TIMES: usize = 4;

/// Bytes of records that a producer has not sent: this part of what a worker has, and within these bounds. A batch is handed to
/// it as a whole.
const UNSENT_PART: usize = 4;
const UNSENT_MIN: usize = 8 * MIB;
const UNSENT_MAX: usize = 128 * MIB;

/// Least memory of a batch: some 3,000 events.
const BATCH_MIN: usize = 16 * MIB;
/// Open batches together are at most this part of the ceiling, however much is free: between the small blocks of a large batch
/// comes to lie what stays. With 64 MiB a worker, 30,000 events a transaction, a drain took the broker a third more CPU than with
/// 128 and 50,000.
const BATCHES_PART: usize = 8;

/// Leads and conversations that lie unpacked: this part of what a worker has beside what it fetched and the least batch, and
/// within these bounds. A drain of 200,000 conversations took 5 % less CPU with all of them unpacked than with two in three.
const UNPACKED_PART: usize = 4;
const UNPACKED_MIN: usize = 4 * MIB;
const UNPACKED_MAX: usize = 192 * MIB;

/// Memory of a byte of output gathered: in the transaction, in the producer's queue and in a request, and as much again of what
/// is only known at the end, changed leads and state blocks.
const OUTPUT_TIMES: usize = 4;
/// Memory of a record taken, beside its outputs: its lead and its conversation, unpacked, and the producer's own of what it
/// brought about.
const RECORD_BYTES: usize = 2 << 10;

/// Bounds of a member's queues, in bytes of records. They are given when it joins and stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queues {
    /// Fetched ahead of being taken.
    pub fetched_bytes: usize,
    /// Produced and not sent yet.
    pub unsent_bytes: usize,
}

impl Queues {
    pub(crate) fn of(ceiling: usize, workers: usize) -> Queues {
        let each = (ceiling.saturating_sub(PROCESS_MIN) / workers).saturating_sub(CLIENTS);
        Queues {
            fetched_bytes: (each / FETCHED_PART).clamp(FETCHED_MIN, FETCHED_MAX),
            unsent_bytes: (each / UNSENT_PART).clamp(UNSENT_MIN, UNSENT_MAX),
        }
    }

    /// Memory of the clients of so many workers, with what they fetched ahead.
    fn memory(self, workers: usize) -> usize {
        workers * (CLIENTS + self.fetched_bytes * FETCHED_TIMES)
    }
}

/// The least ceiling so many workers can work under, without any state.
pub(crate) fn least_ceiling(workers: usize) -> usize {
    PROCESS_MIN + workers * (CLIENTS + FETCHED_MIN * FETCHED_TIMES + BATCH_MIN + UNPACKED_MIN)
}

/// Memory of a batch that has taken so many records and gathered so many bytes of output.
pub(crate) fn of_batch(records: usize, output_bytes: usize) -> usize {
    output_bytes.saturating_mul(OUTPUT_TIMES).saturating_add(records.saturating_mul(RECORD_BYTES))
}

/// Bytes of output gathered at most in a batch of so much memory.
pub(crate) fn output_of_batch(memory: usize) -> usize {
    memory / OUTPUT_TIMES
}

/// What each worker may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Its open batch, by [`of_batch`].
    pub(crate) batch: usize,
    /// Leads and conversations unpacked between two batches, over all its partitions.
    pub(crate) unpacked: usize,
    /// By how much the least shares are over the ceiling, in all.
    pub(crate) short: usize,
}

impl Shares {
    /// `state` is what the state takes in this process, `process` what everything else does beside shares, and `batch_max` what
    /// the explicit bounds of a batch come to.
    pub(crate) fn of(ceiling: usize, workers: usize, state: usize, process: usize, batch_max: usize) -> Shares {
        let held = state + state / HOLES_PART;
        let taken = held + process.max(PROCESS_MIN) + Queues::of(ceiling, workers).memory(workers);
        let each = ceiling.saturating_sub(taken) / workers;
        let unpacked = (each.saturating_sub(BATCH_MIN) / UNPACKED_PART).clamp(UNPACKED_MIN, UNPACKED_MAX);
        let batches_max = (ceiling / BATCHES_PART / workers).max(BATCH_MIN);
        let batch = each.saturating_sub(unpacked).clamp(BATCH_MIN, batches_max).min(batch_max);
        let least = taken + workers * (BATCH_MIN + UNPACKED_MIN);
        Shares { batch, unpacked, short: least.saturating_sub(ceiling) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1,024 MiB and two workers: (1,024 - 64) / 2 - 32 = 448 each, of which 14 would be fetched ahead and 8 are, 112 unsent. Of
    /// 1,024 - 64 - 2 × (32 + 8 × 4) = 832 each has 416 while there is no state: a quarter of it beside a batch of 16 is unpacked,
    /// and the rest is more than a sixteenth of the ceiling, a worker's batch at most.
    #[test]
    fn a_ceiling_is_shared_out_as_documented() {
        let (ceiling, workers) = (1_024 * MIB, 2);
        assert_eq!(Queues::of(ceiling, workers), Queues { fetched_bytes: 8 * MIB, unsent_bytes: 112 * MIB });
        let empty = Shares::of(ceiling, workers, 0, 0, usize::MAX);
        assert_eq!(empty, Shares { batch: 64 * MIB, unpacked: 100 * MIB, short: 0 });
        // 600 MiB of state take 750 with their holes: 82 are left, 41 each, a quarter of 41 - 16 unpacked.
        let full = Shares::of(ceiling, workers, 600 * MIB, 64 * MIB, usize::MAX);
        let unpacked = 25 * MIB / 4;
        assert_eq!(full, Shares { batch: 41 * MIB - unpacked, unpacked, short: 0 });
        // The explicit bounds stay upper bounds.
        assert_eq!(Shares::of(ceiling, workers, 0, 0, 50 * MIB).batch, 50 * MIB);
    }

    #[test]
    fn what_the_process_takes_beyond_the_least_comes_off_the_shares() {
        let shares = |process| Shares::of(1_024 * MIB, 2, 600 * MIB, process, usize::MAX);
        let both = |shares: Shares| shares.batch + shares.unpacked;
        assert_eq!(shares(0), shares(PROCESS_MIN));
        assert_eq!(both(shares(PROCESS_MIN + 20 * MIB)), both(shares(0)) - 10 * MIB);
    }

    #[test]
    fn shares_shrink_to_their_least_and_what_is_over_is_told() {
        for workers in [1, 2, 7, 64] {
            let ceiling = least_ceiling(workers);
            let least = Shares { batch: 16 * MIB, unpacked: 4 * MIB, short: 0 };
            assert_eq!(Shares::of(ceiling, workers, 0, 0, usize::MAX), least);
            let over = Shares::of(ceiling, workers, 4 * MIB, 0, usize::MAX);
            assert_eq!(over, Shares { short: 5 * MIB, ..least });
        }
        assert_eq!(least_ceiling(2), (64 + 2 * (32 + 4 + 16 + 4)) * MIB);
    }

    #[test]
    fn state_process_and_shares_are_never_more_than_a_ceiling_that_is_not_short() {
        for workers in [1, 2, 3, 8] {
            for ceiling in (least_ceiling(workers) / MIB..3_000).step_by(37).map(|mib| mib * MIB) {
                for state in (0..ceiling).step_by(41 * MIB) {
                    let shares = Shares::of(ceiling, workers, state, 0, usize::MAX);
                    let each =
                        32 * MIB + 4 * Queues::of(ceiling, workers).fetched_bytes + shares.batch + shares.unpacked;
                    let all = state + state / 4 + PROCESS_MIN + workers * each;
                    let over = all.saturating_sub(ceiling);
                    assert_eq!(over, shares.short, "{workers} workers, {ceiling} bytes, {state} of state");
                }
            }
        }
    }

    #[test]
    fn a_batch_costs_its_records_and_its_outputs() {
        assert_eq!(of_batch(0, 0), 0);
        assert_eq!(of_batch(1_000, 500_000), 1_000 * 2_048 + 4 * 500_000);
        assert_eq!(of_batch(0, output_of_batch(64 * MIB)), 64 * MIB);
        assert_eq!(of_batch(usize::MAX, usize::MAX), usize::MAX);
    }
}
