//! The faults: each is one way to disturb engines or brokers while events flow.
//!
//! A fault is a row in [`FAULTS`] and an arm of [`Stage::inject`]. When `inject` returns, the disturbance is over and as
//! many engines run as before; whether they recovered is for the caller to see.

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::frame::Api;
use crate::proxy::{Fate, Proxies, Trap};
use crate::scene::{Engine, SESSION, Scene, TRANSACTION};
use crate::workload::{self, Random};

/// How long a trap waits for its request.
const TRAP_LIMIT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Kill,
    KillAt(Api, At),
    Terminate,
    Zombie,
    CommitCutBefore,
    CommitCutAfter,
    CommitDelayed,
    CutOff,
    BrokerHard,
    BrokerClean,
    RebalanceStorm,
    Spread,
    SpreadKill,
}

/// When a process dies, seen from the request it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Before,
    Sent,
    Answered,
}

/// Name, how often by default, what it is.
pub(crate) const FAULTS: &[(&str, u64, Fault)] = &[
    ("kill", 100, Fault::Kill),
    ("kill-at-begin", 60, Fault::KillAt(Api::AddPartitionsToTxn, At::Sent)),
    ("kill-at-produce", 60, Fault::KillAt(Api::Produce, At::Sent)),
    ("kill-at-offsets", 60, Fault::KillAt(Api::TxnOffsetCommit, At::Sent)),
    ("kill-before-commit", 60, Fault::KillAt(Api::EndTxn, At::Before)),
    ("kill-at-commit", 80, Fault::KillAt(Api::EndTxn, At::Sent)),
    ("kill-after-commit", 80, Fault::KillAt(Api::EndTxn, At::Answered)),
    ("terminate", 40, Fault::Terminate),
    ("zombie", 20, Fault::Zombie),
    ("commit-cut-before", 60, Fault::CommitCutBefore),
    ("commit-cut-after", 60, Fault::CommitCutAfter),
    ("commit-delayed", 30, Fault::CommitDelayed),
    ("cut-off", 20, Fault::CutOff),
    ("broker-hard", 50, Fault::BrokerHard),
    ("broker-clean", 50, Fault::BrokerClean),
    ("rebalance-storm", 40, Fault::RebalanceStorm),
    ("spread", 30, Fault::Spread),
    ("spread-kill", 30, Fault::SpreadKill),
];

/// What faults act on.
pub(crate) struct Stage<'s> {
    pub(crate) scene: &'s Scene,
    pub(crate) engines: Vec<Engine>,
    pub(crate) proxies: Proxies,
    pub(crate) random: Random,
    /// `xtask`, which bounces brokers, and the first port of the cluster.
    pub(crate) xtask: PathBuf,
    pub(crate) port: u16,
    pub(crate) brokers: u64,
    pub(crate) partitions: u64,
}

impl Stage<'_> {
    /// Injects the fault once, while what `feed` sends is under way; `false` where there was no occasion.
    pub(crate) fn inject(&mut self, fault: Fault, feed: &mut dyn FnMut() -> Result<()>) -> Result<bool> {
        let chosen = usize::try_from(self.random.below(self.engines.len() as u64))?;
        if let Some((api, fate)) = self.aimed(fault, chosen)? {
            let client = self.engines[chosen].name.clone();
            let caught = self.proxies.set(Trap { client, api, fate });
            feed()?;
            // The engine may have had no part in what was sent: then it had no such request to make.
            if caught.recv_timeout(TRAP_LIMIT).is_err() {
                self.proxies.unset();
                return Ok(false);
            }
            if matches!(fault, Fault::KillAt(..)) {
                self.engines[chosen].wait()?;
                self.restart(chosen)?;
            }
            return Ok(true);
        }
        if matches!(fault, Fault::Spread | Fault::SpreadKill) {
            self.spread()?;
        }
        feed()?;
        match fault {
            Fault::Kill | Fault::SpreadKill => {
                self.engines[chosen].kill()?;
                self.restart(chosen)?;
            }
            Fault::Terminate => {
                self.engines[chosen].terminate()?;
                self.restart(chosen)?;
            }
            Fault::Zombie => {
                self.engines[chosen].signal(Signal::STOP)?;
                thread::park_timeout(SESSION + Duration::from_millis(self.random.below(4_000)));
                self.engines[chosen].signal(Signal::CONT)?;
            }
            Fault::CutOff => {
                let time = Duration::from_millis(500 + self.random.below(6_000));
                self.proxies.cut_off(&self.engines[chosen].name, time);
                thread::park_timeout(time);
            }
            Fault::BrokerHard => self.bounce(true)?,
            Fault::BrokerClean => self.bounce(false)?,
            Fault::RebalanceStorm => {
                let mut guest = self.scene.start("guest")?;
                thread::park_timeout(Duration::from_millis(200 + self.random.below(1_500)));
                if self.random.below(2) == 0 { guest.kill()? } else { guest.terminate()? }
            }
            Fault::KillAt(..)
            | Fault::CommitCutBefore
            | Fault::CommitCutAfter
            | Fault::CommitDelayed
            | Fault::Spread => {}
        }
        Ok(true)
    }

    /// The request a fault waits for, and what happens to it then; `None` for faults that wait for none.
    fn aimed(&mut self, fault: Fault, chosen: usize) -> Result<Option<(Api, Fate)>> {
        let pid = self.engines[chosen].pid()?;
        Ok(match fault {
            Fault::KillAt(api, At::Before) => Some((api, Fate::KillBefore(pid))),
            Fault::KillAt(api, At::Sent) => Some((api, Fate::KillAfter(pid))),
            Fault::KillAt(api, At::Answered) => Some((api, Fate::KillOnAnswer(pid))),
            Fault::CommitCutBefore => Some((Api::EndTxn, Fate::CutBefore)),
            Fault::CommitCutAfter => Some((Api::EndTxn, Fate::CutAfter)),
            Fault::CommitDelayed => {
                // Some arrive while the client still waits, some after the broker has given the transaction up.
                let most = u64::try_from((TRANSACTION * 2).as_millis())?;
                Some((Api::EndTxn, Fate::Delay(Duration::from_millis(100 + self.random.below(most)))))
            }
            _ => None,
        })
    }

    /// An engine that ended of itself is a finding, unless a fault ended it.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        for engine in &mut self.engines {
            if let Some(status) = engine.ended()? {
                bail!("{} ended of itself with {status}", engine.name);
            }
        }
        Ok(())
    }

    fn restart(&mut self, chosen: usize) -> Result<()> {
        let pause = self.random.below(300);
        thread::park_timeout(Duration::from_millis(pause));
        let name = self.engines[chosen].name.clone();
        self.engines[chosen] = self.scene.start(&name)?;
        Ok(())
    }

    /// Shares every workspace's leads out over a number of partitions: they move at the workspace's next event.
    fn spread(&mut self) -> Result<()> {
        let rules = workload::rules(1 + self.random.below(self.partitions));
        let file = self.scene.write("spread.yaml", &rules)?;
        self.scene.run(&["rules", "publish", file.to_str().context("a path in UTF-8")?])?;
        Ok(())
    }

    fn bounce(&mut self, hard: bool) -> Result<()> {
        let mut bounce = Command::new(&self.xtask);
        bounce.args(["kafka", "bounce", "--port", &self.port.to_string()]);
        bounce.args(["--node", &(1 + self.random.below(self.brokers)).to_string()]);
        bounce.args(["--down-ms", &self.random.below(1_500).to_string()]);
        if hard {
            bounce.arg("--hard");
        }
        let status = bounce.status().context("xtask does not start")?;
        if !status.success() {
            bail!("a broker did not come back");
        }
        Ok(())
    }
}
