//! The table of metrics.
//!
//! A row is a constant: name, kind, help and label names. Code that measures takes a handle from the row once and keeps it,
//! so that name, kind and labels cannot drift from their declaration. Label values are closed and bounded: topic,
//! partition, lane, partner, verdict, outcome, reason. Workspaces, rules and conversations are never labels.
//!
//! Source of the naming rules: Prometheus, "Metric and label naming" (base units, `_total` for counters).

use std::sync::OnceLock;

use ::metrics::{Key, Label, Level, Metadata};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub use ::metrics::{Counter, Gauge, Histogram};

/// What kind of metric a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Distribution; seconds unless the name says otherwise.
    Histogram,
}

/// One row of the table; `N` labels.
#[derive(Clone, Copy, Debug)]
pub struct Metric<H, const N: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; N],
    handle: fn(&Key) -> H,
}

impl<H, const N: usize> Metric<H, N> {
    /// The handle for these label values, in the order of the row's label names.
    pub fn with(&self, values: [&str; N]) -> H {
        let labels: Vec<Label> =
            self.labels.iter().zip(values).map(|(name, value)| Label::new(*name, value.to_owned())).collect();
        (self.handle)(&Key::from_parts(self.name, labels))
    }
}

static METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

fn counter(key: &Key) -> Counter {
    ::metrics::with_recorder(|recorder| recorder.register_counter(key, &METADATA))
}

fn gauge(key: &Key) -> Gauge {
    ::metrics::with_recorder(|recorder| recorder.register_gauge(key, &METADATA))
}

fn histogram(key: &Key) -> Histogram {
    ::metrics::with_recorder(|recorder| recorder.register_histogram(key, &METADATA))
}

macro_rules! table {
    ($($name:ident: $kind:ident $register:ident [$($label:literal),*] = $metric:literal, $help:literal;)+) => {
        $(
            #[doc = concat!("`", $metric, "`: ", $help)]
            pub const $name: Metric<$kind, { <[&str]>::len(&[$($label),*]) }> =
                Metric { name: $metric, help: $help, labels: [$($label),*], handle: $register };
        )+

        /// Every row: name, kind, help.
        pub const ALL: &[(&str, Kind, &str)] = &[$(($name.name, Kind::$kind, $name.help)),+];
    };
}

table! {
    RECORDS_RECEIVED: Counter counter ["topic"] = "kilat_records_received_total", "Records taken from an input topic.";
    RECORDS_DEAD_LETTERED: Counter counter ["topic", "code"] = "kilat_records_dead_lettered_total", "Records sent to a dead-letter topic, by error code.";
    EVENTS_EVALUATED: Counter counter [] = "kilat_events_evaluated_total", "Input events that went through a pass.";
    EVENTS_DUPLICATE: Counter counter [] = "kilat_events_duplicate_total", "Input events already seen.";
    EVENTS_PASSED_ON: Counter counter [] = "kilat_events_passed_on_total", "Input events passed on to another partition, where they are evaluated, as their workspace is spread.";
    EVENTS_CAUSED: Counter counter [] = "kilat_events_caused_total", "Events that rules caused.";
    DECISIONS: Counter counter [] = "kilat_decisions_total", "Decision records committed.";
    RULES_FIRED: Counter counter [] = "kilat_rules_fired_total", "Rules that fired.";
    RULES_REFUSED: Counter counter ["reason"] = "kilat_rules_refused_total", "Rules that matched and were refused.";
    ACTIONS_QUEUED: Counter counter ["lane"] = "kilat_actions_queued_total", "Actions handed to executors.";
    TRANSACTION_SECONDS: Histogram histogram [] = "kilat_transaction_seconds", "Time to commit a transaction.";
    TRANSACTION_RECORDS: Histogram histogram [] = "kilat_transaction_records", "Input records a transaction answers.";
    TRANSACTIONS_FAILED: Counter counter ["class"] = "kilat_transactions_failed_total", "Transactions that did not commit.";
    BATCH_SECONDS: Histogram histogram [] = "kilat_batch_seconds", "Time to decode, fold, match and encode a batch.";
    EVENT_TO_COMMIT_SECONDS: Histogram histogram [] = "kilat_event_to_commit_seconds", "From the append of an input record to the commit of its outputs.";
    LAG_RECORDS: Gauge gauge ["group", "topic", "partition"] = "kilat_lag_records", "Records of an input partition not yet taken.";
    DRAIN_RATE: Gauge gauge ["group", "worker"] = "kilat_drain_records_per_second", "Records a second by which a worker's lag shrinks, over the last ten seconds; below 0 where it grows.";
    CATCH_UP_SECONDS: Gauge gauge ["group", "worker"] = "kilat_catch_up_seconds", "Time until a worker's lag is 0 at the rate it shrinks at; infinite where it does not.";
    PARTITIONS_OWNED: Gauge gauge ["group", "worker"] = "kilat_partitions_owned", "Partitions assigned to a worker.";
    MEMORY_CEILING_BYTES: Gauge gauge [] = "kilat_memory_ceiling_bytes", "Memory that the process may take: engine.memory_mb.";
    MEMORY_RESIDENT_BYTES: Gauge gauge [] = "kilat_memory_resident_bytes", "Memory that the process takes, as the system tells.";
    MEMORY_STATE_BYTES: Gauge gauge [] = "kilat_memory_state_bytes", "Of it what the state of its partitions takes, copies of others included: leads, conversations, idempotency keys. It is never dropped to keep the ceiling.";
    MEMORY_SHORT_BYTES: Gauge gauge [] = "kilat_memory_short_bytes", "By how much the ceiling is too low for the state with the smallest buffers. Alarm on anything but 0: raise engine.memory_mb or add processes.";
    RESTORE_SECONDS: Histogram histogram [] = "kilat_restore_seconds", "Time to restore the state of a partition.";
    RESTORE_PARTITIONS_LEFT: Gauge gauge [] = "kilat_restore_partitions_left", "Partitions assigned and not restored yet.";
    RESTORE_ENTRIES: Counter counter [] = "kilat_restore_entries_total", "Entries of checkpoints taken in while restoring.";
    RESTORE_BLOCKS: Counter counter [] = "kilat_restore_blocks_total", "State blocks taken in while restoring.";
    STANDBY_PARTITIONS: Gauge gauge [] = "kilat_standby_partitions", "Partitions that another process owns and whose state is kept in memory, to take over from.";
    STANDBY_LAG_RECORDS: Gauge gauge [] = "kilat_standby_lag_records", "Offsets of the state topic that standby copies have not come past, over their partitions; on Kafka the mark at the end of a transaction is one.";
    STANDBY_DROPPED: Counter counter [] = "kilat_standby_dropped_total", "Copies of state that did not fit the state topic and were given up: the next take-over of that partition restores.";
    CHECKPOINTS_WRITTEN: Counter counter [] = "kilat_checkpoints_written_total", "Checkpoints of partitions written.";
    CHECKPOINTS_FAILED: Counter counter ["doing"] = "kilat_checkpoints_failed_total", "Checkpoints not written (write), not usable at a restore (read), or old ones not cleared away (retire). Alarm on any increase.";
    CHECKPOINT_SECONDS: Histogram histogram [] = "kilat_checkpoint_seconds", "From the first to the last byte of a checkpoint.";
    CHECKPOINT_BYTES: Gauge gauge ["partition"] = "kilat_checkpoint_bytes", "Size of the newest checkpoint of a partition.";
    CHECKPOINT_WRITTEN_AT: Gauge gauge ["partition"] = "kilat_checkpoint_written_timestamp_seconds", "When the newest checkpoint of a partition was written; its age is time() less this.";
    RULE_SETS_LIVE: Gauge gauge [] = "kilat_rule_sets_live", "Workspaces with a live rule set.";
    RULE_SETS_REFUSED: Counter counter [] = "kilat_rule_sets_refused_total", "Published rule sets that did not compile; the old one stays live. Alarm on any increase.";
    RULE_SET_COMPILE_SECONDS: Histogram histogram [] = "kilat_rule_set_compile_seconds", "Time to compile a rule set.";
    RULES_DISABLED: Counter counter [] = "kilat_rules_disabled_total", "Rules taken out of service by the loop guard. Alarm on any increase.";
    ACTIONS_RECEIVED: Counter counter ["lane"] = "kilat_actions_received_total", "Actions taken by executors.";
    ACTIONS_REPEATED: Counter counter ["lane"] = "kilat_actions_repeated_total", "Actions already in the ledger, skipped.";
    ACTION_OUTCOMES: Counter counter ["lane", "outcome", "reason"] = "kilat_action_outcomes_total", "Actions settled, by outcome and reason.";
    ATTEMPTS: Counter counter ["partner", "verdict"] = "kilat_attempts_total", "HTTP requests to partners, by verdict.";
    ATTEMPT_SECONDS: Histogram histogram ["partner"] = "kilat_attempt_seconds", "Time of one HTTP request to a partner.";
    ATTEMPTS_IN_FLIGHT: Gauge gauge ["lane"] = "kilat_attempts_in_flight", "HTTP requests under way.";
    KEYS_PARKED: Gauge gauge ["lane"] = "kilat_keys_parked", "Conversations or endpoints waiting for a retry.";
    OFFSETS_UNFINISHED: Gauge gauge ["lane"] = "kilat_offsets_unfinished", "Actions taken and not yet settled.";
    AUDIT_EVENTS: Gauge gauge [] = "kilat_audit_events", "Input records the audit has held against the topics.";
    AUDIT_DIFFERENCE: Gauge gauge ["law"] = "kilat_audit_difference", "What the audit found that does not add up, by law. Alarm on anything but 0.";
    LEDGER_ENTRIES: Gauge gauge ["lane"] = "kilat_ledger_entries", "Action ids the deduplication ledger holds.";
}

/// Upper bounds of the buckets of every histogram in seconds.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Upper bounds of the buckets of histograms that count records.
const RECORDS: &[f64] = &[1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0];

/// The page Prometheus reads.
#[derive(Clone, Debug)]
pub struct Exposition(PrometheusHandle);

impl Exposition {
    /// The page in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

/// Starts recording. The first call in a process decides; later ones give the same page.
///
/// *Errors:* another recorder was installed before.
pub fn start_recording() -> Result<Exposition, BuildError> {
    static PAGE: OnceLock<Exposition> = OnceLock::new();
    if let Some(page) = PAGE.get() {
        return Ok(page.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_records".to_owned()), RECORDS)?
        .install_recorder()?;
    ::metrics::with_recorder(|recorder| {
        for (name, kind, help) in ALL {
            let (name, help) = ((*name).into(), (*help).into());
            match kind {
                Kind::Counter => recorder.describe_counter(name, None, help),
                Kind::Gauge => recorder.describe_gauge(name, None, help),
                Kind::Histogram => recorder.describe_histogram(name, None, help),
            }
        }
    });
    Ok(PAGE.get_or_init(|| Exposition(handle)).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_prometheus_and_are_unique() {
        let mut names: Vec<_> = ALL.iter().map(|(name, ..)| *name).collect();
        for (name, kind, help) in ALL {
            assert!(name.starts_with("kilat_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert!(help.ends_with('.'), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn a_handle_counts_under_its_declared_name_and_labels() {
        let page = start_recording().unwrap();
        RECORDS_RECEIVED.with(["kilat.messages.v1"]).increment(3);
        let page = page.render();
        assert!(page.contains(r#"kilat_records_received_total{topic="kilat.messages.v1"} 3"#), "{page}");
        assert!(page.contains("# TYPE kilat_records_received_total counter"), "{page}");
    }
}
