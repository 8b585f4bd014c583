//! The simulated log passes the suite every log passes.

#[path = "../../log/tests/conformance/mod.rs"]
mod conformance;

use std::sync::Arc;
use std::time::Duration;

use kilat_sim::{Faults, Settings, SimClock, SimLog};

fn open() -> Option<conformance::Subject> {
    // The suite's threads wait by the machine's clock, which this one outruns: nobody is to be timed out.
    let ever = Duration::from_secs(1 << 30);
    let settings = Settings { session: ever, rebalance: ever, transaction: ever, ..Settings::default() };
    let log = SimLog::new(SimClock::new(), settings, 1, Faults::none());
    Some(conformance::Subject { log: Arc::new(log), directory: None })
}

conformance::suite!(open);
