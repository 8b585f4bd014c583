//! What has been committed since the start, for progress lines and totals that add up.

use std::sync::atomic::{AtomicU64, Ordering};

use kilat_codec::Topic;
use kilat_telemetry::metrics::{self, Counter};

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
    /// Input records taken: evaluated + duplicates + dead_lettered.
    events,
    /// Input events folded and evaluated.
    evaluated,
    /// Input events seen before.
    duplicates,
    /// Input records sent to a dead-letter topic.
    dead_lettered,
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
    received: [Counter; 2],
    evaluated: Counter,
    duplicates: Counter,
    caused: Counter,
    decisions: Counter,
    fired: Counter,
}

impl Counters {
    pub(crate) fn new() -> Counters {
        Counters {
            received: [Topic::Messages, Topic::LeadChanges].map(|topic| metrics::RECORDS_RECEIVED.with([topic.name()])),
            evaluated: metrics::EVENTS_EVALUATED.with([]),
            duplicates: metrics::EVENTS_DUPLICATE.with([]),
            caused: metrics::EVENTS_CAUSED.with([]),
            decisions: metrics::DECISIONS.with([]),
            fired: metrics::RULES_FIRED.with([]),
        }
    }

    pub(crate) fn add(&self, received: [u64; 2], batch: &TotalsSnapshot) {
        for (counter, records) in self.received.iter().zip(received) {
            counter.increment(records);
        }
        self.evaluated.increment(batch.evaluated);
        self.duplicates.increment(batch.duplicates);
        self.caused.increment(batch.caused);
        self.decisions.increment(batch.decisions);
        self.fired.increment(batch.fired);
    }
}
