//! The wish to stop, as one flag that every wait in xtask looks at.
//!
//! In: SIGINT, SIGTERM, SIGHUP, or a failed step that calls off its background work. Out: `asked`.
//! Because every wait returns on it, stopping is ordinary unwinding: the drop guards end what was started. A second
//! signal ends xtask at once; what it leaves behind is swept by the next run (`kafka::run_dir`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

#[derive(Clone)]
pub(crate) struct Stop {
    by_signal: Arc<AtomicBool>,
    by_caller: Arc<AtomicBool>,
}

impl Stop {
    /// Catches the terminating signals from here on.
    pub(crate) fn on_signals() -> Result<Stop> {
        let stop = Stop { by_signal: Arc::default(), by_caller: Arc::default() };
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // Order matters: the shutdown looks at the flag before this same signal sets it.
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop.by_signal))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop.by_signal)))
                .context("signal handlers")?;
        }
        Ok(stop)
    }

    /// A flag that follows the same signals but can be called off on its own.
    pub(crate) fn child(&self) -> Stop {
        Stop { by_signal: Arc::clone(&self.by_signal), by_caller: Arc::default() }
    }

    pub(crate) fn ask(&self) {
        self.by_caller.store(true, Ordering::Relaxed);
    }

    pub(crate) fn asked(&self) -> bool {
        self.signalled() || self.by_caller.load(Ordering::Relaxed)
    }

    pub(crate) fn signalled(&self) -> bool {
        self.by_signal.load(Ordering::Relaxed)
    }

    /// Fails once stopping was asked for, so that waits can end with `?`.
    pub(crate) fn check(&self) -> Result<()> {
        if self.asked() {
            bail!("stopped");
        }
        Ok(())
    }
}
