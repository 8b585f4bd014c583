//! Settings of the engine role.

use std::time::Duration;

use kilat_codec::Topic;
use serde::Deserialize;

use crate::checkpoints::CheckpointConfig;
use crate::memory::{MIB, Queues, least_ceiling};

/// More threads than any machine has use for.
const THREADS_MAX: usize = 1024;

/// Settings of the engine role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Consumer group of the engines.
    pub group: String,
    /// Names this process in the group across restarts; unique within it.
    pub instance: String,
    /// Worker threads, each with a consumer, a producer and the state of its partitions.
    pub threads: usize,
    /// Ceiling of the process's resident memory, in MiB. Buffers are as large as it leaves room for; state is never dropped for
    /// it.
    pub memory_mb: usize,
    /// How far apart transactions begin while the worker keeps up with its input, in milliseconds. What comes after a
    /// longer pause is committed at once.
    pub transaction_interval_ms: u64,
    /// How long a transaction gathers at most while more input waits, in milliseconds; no less than the interval.
    pub batch_ms_max: u64,
    /// Input records a transaction answers at most.
    pub batch_records_max: usize,
    /// Output bytes a transaction holds at most.
    pub batch_bytes_max: usize,
    /// Every so many input records one is timed from append to commit.
    pub latency_sample: u32,
    /// Partitions that a process restores at once; 0 for as many as there are processors.
    pub restore_threads: usize,
    /// Whether the state of partitions that other processes own is kept in memory.
    pub standby: StandbyCopies,
    /// Copies of state outside the log.
    pub checkpoints: CheckpointConfig,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            group: "kilat-engine".to_owned(),
            instance: "engine-1".to_owned(),
            threads: 2,
            memory_mb: 2048,
            transaction_interval_ms: 25,
            batch_ms_max: 200,
            batch_records_max: 50_000,
            batch_bytes_max: 16 << 20,
            latency_sample: 16,
            restore_threads: 0,
            standby: StandbyCopies::None,
            checkpoints: CheckpointConfig::default(),
        }
    }
}

/// Of which partitions a process keeps the state beside those it owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StandbyCopies {
    /// Of none.
    None,
    /// Of all that other processes own.
    All,
}

impl Config {
    /// What cannot be used, each with its remedy after a colon, the setting in backquotes.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.threads > THREADS_MAX {
            problems.push(format!("`threads` is {}: lower it to {THREADS_MAX} or less", self.threads));
            return problems;
        }
        let least = least_ceiling(self.workers()).div_ceil(MIB);
        if self.memory_mb < least {
            let (memory_mb, workers) = (self.memory_mb, self.workers());
            let s = if workers == 1 { "" } else { "s" };
            problems.push(format!(
                "`memory_mb` is {memory_mb}, less than {workers} worker thread{s} can work with, before any state: raise it to \
                 {least} or more, or lower `threads`"
            ));
        }
        problems
    }

    /// Bounds of the queues of the log's clients in this process.
    pub fn queues(&self) -> Queues {
        Queues::of(self.memory_bytes(), self.workers())
    }

    /// How many workers there are.
    pub(crate) fn workers(&self) -> usize {
        self.threads.max(1)
    }

    /// The ceiling of the process's resident memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_mb.saturating_mul(MIB)
    }

    pub(crate) fn interval(&self) -> Duration {
        Duration::from_millis(self.transaction_interval_ms)
    }

    pub(crate) fn batch_max(&self) -> Duration {
        Duration::from_millis(self.batch_ms_max).max(self.interval())
    }

    /// Partitions that one worker restores at once.
    pub(crate) fn restore_threads_each(&self) -> usize {
        let all = match self.restore_threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        all.div_ceil(self.threads.max(1))
    }
}

/// The topics the engine reads and writes, in the order the workers index them.
pub struct Topics;

impl Topics {
    /// What a worker reads.
    pub const INPUTS: [Topic; 3] = [Topic::Messages, Topic::LeadChanges, Topic::Spread];

    /// Of these, what brings events from outside; the rest is for the engines among themselves.
    pub(crate) const EVENTS: usize = 2;

    /// What a worker writes; dead letters of the inputs follow after these.
    pub const OUTPUTS: [Topic; 8] = [
        Topic::Decisions,
        Topic::Explain,
        Topic::ActionsPartner,
        Topic::ActionsMeta,
        Topic::ActionsWebhook,
        Topic::Leads,
        Topic::State,
        Topic::Spread,
    ];

    pub(crate) fn inputs() -> Vec<String> {
        Self::INPUTS.iter().map(|topic| topic.name().to_owned()).collect()
    }

    pub(crate) fn outputs() -> Vec<String> {
        let dead_letters = Self::INPUTS.iter().map(|topic| topic.dlq_name().to_owned());
        Self::OUTPUTS.iter().map(|topic| topic.name().to_owned()).chain(dead_letters).collect()
    }

    pub(crate) fn output(topic: Topic) -> usize {
        Self::OUTPUTS.iter().position(|output| *output == topic).expect("every topic a worker writes is listed")
    }

    pub(crate) fn dead_letters_of(input: usize) -> usize {
        Self::OUTPUTS.len() + input
    }
}
