//! What a lane measures: metric handles, resolved once, and the totals of the process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kilat_domain::{Lane, Outcome, Verdict};
use kilat_log::Lag;
use kilat_telemetry::metrics::{self, Counter, Gauge, Histogram};

/// Counts since the start, over all lanes.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) received: AtomicU64,
    pub(crate) repeated: AtomicU64,
    pub(crate) dead_lettered: AtomicU64,
    pub(crate) attempts: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) unknown: AtomicU64,
    pub(crate) suppressed: AtomicU64,
}

impl Tally {
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts a committed outcome.
    pub(crate) fn settled(&self, outcome: Outcome) {
        match outcome {
            Outcome::Sending => {}
            Outcome::Delivered => Tally::add(&self.delivered, 1),
            Outcome::Failed => Tally::add(&self.failed, 1),
            Outcome::Unknown => Tally::add(&self.unknown, 1),
            Outcome::Suppressed => Tally::add(&self.suppressed, 1),
        }
    }
}

/// The handles of one lane.
pub(crate) struct Measures {
    lane: &'static str,
    topic: &'static str,
    group: String,
    pub(crate) received: Counter,
    pub(crate) repeated: Counter,
    pub(crate) in_flight: Gauge,
    pub(crate) parked: Gauge,
    pub(crate) unfinished: Gauge,
    pub(crate) ledger_entries: Gauge,
    pub(crate) partitions_owned: Gauge,
    lag: HashMap<u32, Gauge>,
    outcomes: HashMap<(Outcome, &'static str), Counter>,
    attempts: HashMap<(&'static str, &'static str), (Counter, Histogram)>,
}

pub(crate) fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Partner => "partner",
        Lane::Meta => "meta",
        Lane::Webhook => "webhook",
    }
}

pub(crate) fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Sending => "sending",
        Outcome::Delivered => "delivered",
        Outcome::Failed => "failed",
        Outcome::Unknown => "unknown",
        Outcome::Suppressed => "suppressed",
    }
}

impl Measures {
    pub(crate) fn new(lane: Lane, topic: &'static str, group: &str, instance: &str) -> Self {
        let lane = lane_name(lane);
        Measures {
            lane,
            topic,
            group: group.to_owned(),
            partitions_owned: metrics::PARTITIONS_OWNED.with([group, instance]),
            lag: HashMap::new(),
            received: metrics::ACTIONS_RECEIVED.with([lane]),
            repeated: metrics::ACTIONS_REPEATED.with([lane]),
            in_flight: metrics::ATTEMPTS_IN_FLIGHT.with([lane]),
            parked: metrics::KEYS_PARKED.with([lane]),
            unfinished: metrics::OFFSETS_UNFINISHED.with([lane]),
            ledger_entries: metrics::LEDGER_ENTRIES.with([lane]),
            outcomes: HashMap::new(),
            attempts: HashMap::new(),
        }
    }

    /// Counts a settled action. Reasons are constants of this workspace, so the label is bounded.
    pub(crate) fn outcome(&mut self, outcome: Outcome, reason: &'static str) {
        let lane = self.lane;
        self.outcomes
            .entry((outcome, reason))
            .or_insert_with(|| metrics::ACTION_OUTCOMES.with([lane, outcome_name(outcome), reason]))
            .increment(1);
    }

    /// Counts a dead letter.
    pub(crate) fn dead_letter(&self, code: &str) {
        metrics::RECORDS_DEAD_LETTERED.with([self.topic, code]).increment(1);
    }

    /// Shows how far the lane is behind.
    pub(crate) fn lag(&mut self, lags: &[Lag]) {
        for lag in lags {
            let (group, topic) = (self.group.as_str(), self.topic);
            let partition = lag.partition;
            let gauge = self
                .lag
                .entry(partition)
                .or_insert_with(|| metrics::LAG_RECORDS.with([group, topic, &partition.to_string()]));
            gauge.set(lag.records as f64);
        }
    }

    /// Counts and times one HTTP request.
    pub(crate) fn attempt(&mut self, partner: &'static str, verdict: Verdict, took: Duration) {
        let verdict = verdict.name();
        let (count, seconds) = self
            .attempts
            .entry((partner, verdict))
            .or_insert_with(|| (metrics::ATTEMPTS.with([partner, verdict]), metrics::ATTEMPT_SECONDS.with([partner])));
        count.increment(1);
        seconds.record(took);
    }
}
