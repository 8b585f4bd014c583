//! What a seed decides before a run begins: how much, how many, and which faults.

use std::fmt;
use std::time::Duration;

use crate::fault::{Fault, Faults};
use crate::random::Random;
use crate::sabotage::Sabotage;

/// Input partitions of a run, at most.
const PARTITIONS_MAX: u64 = 5;

/// A run to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Decides everything that is not said here.
    pub seed: u64,
    /// Input records.
    pub events: u64,
    /// Engine processes.
    pub processes: u64,
    /// Input records that come at once, at most.
    pub burst: u64,
    /// The longest between two bursts.
    pub pause: Duration,
    /// Worker threads of each.
    pub workers: u64,
    /// Partitions of the inputs.
    pub partitions: u32,
    /// How long a transaction gathers, in milliseconds.
    pub interval_ms: u64,
    /// Input records a transaction answers at most.
    pub records_max: usize,
    /// A member that is not heard of for so long is out of its group.
    pub session: Duration,
    /// A transaction is aborted after this time.
    pub transaction: Duration,
    /// Whether checkpoints are taken, and the state topic trimmed behind them.
    pub checkpoints: bool,
    /// Whether processes keep copies of the state that others work on.
    pub standby: bool,
    /// Shares that a workspace is spread over at most; each version of its rules draws how many. 1 in half of the runs.
    pub shares_max: u64,
    /// Executor processes; none in a third of the runs.
    pub executors: u64,
    /// Requests a session of an executor has under way at most.
    pub requests_max: usize,
    /// Actions it holds at most.
    pub held_max: usize,
    /// What may go wrong.
    pub faults: Faults,
    /// Kinds of fault left out, for the command that repeats this run.
    pub(crate) left_out: Vec<Fault>,
    /// A deliberate bug.
    pub sabotage: Option<Sabotage>,
}

impl Plan {
    /// What this seed decides, for so many events.
    pub fn of_seed(seed: u64, events: u64) -> Plan {
        let mut random = Random::new(seed, 4);
        Plan {
            seed,
            events,
            processes: random.between(1, 3),
            workers: random.between(1, 3),
            partitions: random.between(1, PARTITIONS_MAX) as u32,
            interval_ms: *random.pick(&[1, 5, 25, 100]),
            records_max: *random.pick(&[7, 50, 300, 1_000, 50_000]),
            session: Duration::from_secs(*random.pick(&[2, 6, 10])),
            transaction: Duration::from_secs(*random.pick(&[5, 10, 60])),
            checkpoints: random.chance(0.5),
            standby: random.chance(0.5),
            burst: *random.pick(&[8, 30, 120]),
            pause: Duration::from_millis(*random.pick(&[20, 100, 500])),
            executors: random.below(3),
            requests_max: *random.pick(&[1, 4, 64]),
            held_max: *random.pick(&[3, 50, 10_000]),
            shares_max: if random.chance(0.5) { random.between(2, PARTITIONS_MAX + 1) } else { 1 },
            faults: Faults::of_seed(seed),
            left_out: Vec::new(),
            sabotage: None,
        }
    }

    /// … of one workspace.
    pub(crate) fn workspace_requests_max(&self) -> usize {
        self.requests_max.div_ceil(2)
    }

    /// … to one endpoint.
    pub(crate) fn destination_requests_max(&self) -> usize {
        self.requests_max.div_ceil(8)
    }

    /// The same without faults.
    pub fn calm(mut self) -> Plan {
        self.faults = Faults::none();
        self
    }

    /// The same without this kind of fault.
    pub fn without(mut self, fault: Fault) -> Plan {
        self.faults = self.faults.without(fault);
        self.left_out.push(fault);
        self
    }
}

/// The command that runs it.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, events, processes, workers, executors, .. } = self;
        write!(
            f,
            "cargo xtask sim --from {seed} --seeds 1 --events {events} --processes {processes} --workers {workers} \
             --executors {executors}"
        )?;
        if !self.left_out.is_empty() {
            let names: Vec<&str> = self.left_out.iter().map(|fault| fault.name()).collect();
            write!(f, " --without {}", names.join(","))?;
        }
        if let Some(sabotage) = self.sabotage {
            write!(f, " --sabotage {}", sabotage.name())?;
        }
        Ok(())
    }
}
