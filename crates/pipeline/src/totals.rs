//! What has been committed since the start, for progress lines and totals that add up.

use std::sync::atomic::{AtomicU64, Ordering};

use kilat_telemetry::metrics::{self, Counter};

use crate::config::Topics;

macro_rules! totals {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// Committed counts; every field only grows.
        #[derive(Debug, Default)]
        pub struct Totals { $($name: AtomicU64,)+ }

        /// [`Totals`] at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct TotalsSnapshot { $($(#[$doc])* pub $name: u64,)+ }

        impl Totals {
            /// The counts as they are now.
            pub fn snapshot(&self) -> TotalsSnapshot {
                TotalsSnapshot { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }

            pub(crate) fn add(&self, batch: &TotalsSnapshot) {
                $(self.$name.fetch_add(batch.$name, Ordering::Relaxed);)+
            }
        }
    };
}

totals! {
    /// Event records taken. Over all processes: evaluated + duplicates + dead_lettered, once nothing is on its way between them.
    events,
    /// Input events folded and evaluated.
    evaluated,
    /// Input events seen before.
    duplicates,
    /// Input records sent to a dead-letter topic.
    dead_lettered,
    /// Events passed on to another partition, as their workspace is spread; they are evaluated there.
    passed_on,
    /// Events evaluated beside the input: introductions and what rules caused.
    caused,
    /// Decision records.
    decisions,
    /// Rules that fired.
    fired,
    /// Rules that matched and were refused.
    refused,
    /// Actions handed to executors.
    actions,
    /// Transactions.
    transactions,
}

/// The same counts as metrics.
pub(crate) struct Counters {
    received: [Counter; 3],
    evaluated: Counter,
    duplicates: Counter,
    passed_on: Counter,
    caused: Counter,
    decisions: Counter,
    fired: Counter,
}

impl Counters {
    pub(crate) fn new() -> Counters {
        Counters {
            received: Topics::INPUTS.map(|topic| metrics::RECORDS_RECEIVED.with([topic.name()])),
            evaluated: metrics::EVENTS_EVALUATED.with([]),
            duplicates: metrics::EVENTS_DUPLICATE.with([]),
            passed_on: metrics::EVENTS_PASSED_ON.with([]),
            caused: metrics::EVENTS_CAUSED.with([]),
            decisions: metrics::DECISIONS.with([]),
            fired: metrics::RULES_FIRED.with([]),
        }
    }

    pub(crate) fn add(&self, received: [u64; 3], batch: &TotalsSnapshot) {
        for (counter, records) in self.received.iter().zip(received) {
            counter.increment(records);
        }
        self.evaluated.increment(batch.evaluated);
        self.duplicates.increment(batch.duplicates);
        self.passed_on.increment(batch.passed_on);
        self.caused.increment(batch.caused);
        self.decisions.increment(batch.decisions);
        self.fired.increment(batch.fired);
    }
}
