//! The worker of a lane: one thread that joins the lane's group, works a session, and joins anew after an error of the log.
//!
//! - W-3: a final result whose commit failed is remembered by this process and written by a later session of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use kilat_domain::Lane;
use kilat_log::{Clock, PartitionedLog};

use crate::measures::lane_name;
use crate::random::Random;
use crate::service::Shared;
use crate::session::{Ended, Session};
use crate::wire::Wires;
use crate::{CallReport, Config};

/// Waits between sessions after errors of the log: the first, and the longest.
const REJOIN_PAUSE: Duration = Duration::from_millis(200);
const REJOIN_PAUSE_MAX: Duration = Duration::from_secs(10);
/// The longest rest at a time; bounds how late a stop is noticed.
const REST_MAX: Duration = Duration::from_millis(100);

/// One lane and all it needs.
pub(crate) struct Worker {
    pub(crate) lane: Lane,
    pub(crate) log: Arc<dyn PartitionedLog>,
    pub(crate) config: Arc<Config>,
    pub(crate) wires: Arc<dyn Wires>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What its jitter and span ids are drawn from.
    pub(crate) seed: u64,
    pub(crate) calls: Option<SyncSender<CallReport>>,
    pub(crate) shared: Arc<Shared>,
}

impl Worker {
    /// Runs until it is stopped; after an error of the log it joins anew.
    pub(crate) fn run(&self) {
        let lane = lane_name(self.lane);
        let mut random = Random::new(self.seed);
        let mut carried = HashMap::new();
        let mut pause = REJOIN_PAUSE;
        while !self.stopping() {
            let mut session = match Session::join(self, random.bits()) {
                Ok(session) => session,
                Err(error) => {
                    tracing::error!(lane, error = %error, "executor lane cannot join its group");
                    self.rest(pause);
                    pause = (pause * 2).min(REJOIN_PAUSE_MAX);
                    continue;
                }
            };
            session.carry(std::mem::take(&mut carried));
            self.shared.joined.fetch_add(1, Ordering::Relaxed);
            let ended = session.run();
            self.shared.joined.fetch_sub(1, Ordering::Relaxed);
            match ended {
                Ok(Ended::Stopped) => return,
                Ok(Ended::Lost) => tracing::warn!(lane, "executor lane lost partitions and joins anew"),
                Err(error) => tracing::warn!(lane, error = %error, class = ?error.class(), "executor lane joins anew"),
            }
            pause = if session.has_committed { REJOIN_PAUSE } else { (pause * 2).min(REJOIN_PAUSE_MAX) };
            carried = session.abandon();
            self.rest(pause);
        }
    }

    pub(crate) fn stopping(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Waits, in steps short enough to notice a stop.
    fn rest(&self, pause: Duration) {
        let until = self.clock.monotonic() + pause;
        while !self.stopping() {
            let left = until.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                return;
            }
            self.clock.rest(left.min(REST_MAX));
        }
    }
}
