//! The ceiling of the process's resident memory: `engine.memory_mb`.
//!
//! Input: what the state of each worker takes, now and then, and what the system says the process takes. Output: [`Shares`] for
//! the buffers, metrics, and a warning where the ceiling cannot be kept.
//!
//! What nobody counts, rule sets above all, is measured once: it is what is resident before the first record is taken, beyond the
//! state. Later it is only told. Steering by it was tried, with huge pages still: smaller batches did not make the process smaller, and a
//! drain ended with the smallest ones for nothing.

mod shares;

use std::sync::{Mutex, PoisonError};

use kilat_telemetry::metrics::{self, Gauge};
use tracing::{info, trace, warn};

use crate::config::Config;

pub use shares::Queues;
pub(crate) use shares::{MIB, Shares, least_ceiling, of_batch, output_of_batch};

/// A shortage that was told is over once this part of the ceiling could be spared, so that it is not told again and again.
const EASED_PART: usize = 20;

/// Asks the system what the process takes; `None` where it does not say, or must not decide.
pub(crate) type Resident = fn() -> Option<usize>;

/// See the module.
pub(crate) struct Ceiling {
    bytes: usize,
    workers: usize,
    /// What the explicit bounds of a batch come to.
    batch_max: usize,
    resident: Resident,
    gauges: Gauges,
    inner: Mutex<Inner>,
}

struct Inner {
    /// What the state of each worker takes, and that of copies.
    states: Vec<usize>,
    copies: usize,
    /// Beside state and shares, before the first record was taken.
    process: Option<usize>,
    is_short: bool,
}

struct Gauges {
    state: Gauge,
    resident: Gauge,
    short: Gauge,
}

impl Ceiling {
    pub(crate) fn new(config: &Config, resident: Resident) -> Ceiling {
        let (bytes, workers) = (config.memory_bytes(), config.workers());
        metrics::MEMORY_CEILING_BYTES.with([]).set(bytes as f64);
        Ceiling {
            bytes,
            workers,
            batch_max: of_batch(config.batch_records_max, config.batch_bytes_max),
            resident,
            gauges: Gauges {
                state: metrics::MEMORY_STATE_BYTES.with([]),
                resident: metrics::MEMORY_RESIDENT_BYTES.with([]),
                short: metrics::MEMORY_SHORT_BYTES.with([]),
            },
            inner: Mutex::new(Inner { states: vec![0; workers], copies: 0, process: None, is_short: false }),
        }
    }

    /// What `worker` may take, whose partitions take `state`, while copies of others take `copies`.
    pub(crate) fn share(&self, worker: usize, state: usize, copies: usize) -> Shares {
        let resident = (self.resident)();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.states[worker], inner.copies) = (state, copies);
        let state = inner.state();
        let process = *inner.process.get_or_insert_with(|| resident.unwrap_or(0).saturating_sub(state));
        let shares = Shares::of(self.bytes, self.workers, state, process, self.batch_max);
        trace!(resident, state, process, batch = shares.batch, unpacked = shares.unpacked, "shared out");

        self.gauges.state.set(state as f64);
        self.gauges.short.set(shares.short as f64);
        if let Some(resident) = resident {
            self.gauges.resident.set(resident as f64);
        }
        let with_room = Shares::of(self.bytes - self.bytes / EASED_PART, self.workers, state, process, self.batch_max);
        if shares.short > 0 && !inner.is_short {
            inner.is_short = true;
            tell(self.bytes, state, shares.short);
        } else if inner.is_short && with_room.short == 0 {
            inner.is_short = false;
            info!("memory is enough again: buffers grow as far as engine.memory_mb leaves room");
        }
        shares
    }

    /// What the state in this process takes, as of the last look.
    pub(crate) fn state(&self) -> usize {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).state()
    }

    /// The state of `worker` is gone.
    pub(crate) fn release(&self, worker: usize) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).states[worker] = 0;
    }
}

impl Inner {
    fn state(&self) -> usize {
        self.states.iter().sum::<usize>() + self.copies
    }
}

fn tell(ceiling: usize, state: usize, short: usize) {
    let mb = |bytes: usize| bytes.div_ceil(MIB);
    warn!(
        "engine.memory_mb = {} cannot be kept: state takes {} MB, and with the smallest buffers the process takes {} MB too much. \
         Nothing is dropped, but transactions are small and a backlog takes longer. help: raise engine.memory_mb to {} or more, \
         or add processes, which share the partitions",
        mb(ceiling),
        mb(state),
        mb(short),
        mb((ceiling + short) / 4 * 5),
    );
}
