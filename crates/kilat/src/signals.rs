//! SIGINT and SIGTERM: the first asks for a clean stop, the second ends the process at once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// A request to stop.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// A request that signals make. Needs a runtime to listen on.
    pub(crate) fn on_signals(runtime: &tokio::runtime::Runtime) -> Result<Arc<Stop>, Failure> {
        let stop = Arc::new(Stop::default());
        let _inside = runtime.enter();
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::because("listening for signals", error, "check the process's limits"))
        };
        let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        let asked = Arc::clone(&stop);
        runtime.spawn(async move {
            loop {
                let code = tokio::select! {
                    _ = interrupt.recv() => 130,
                    _ = terminate.recv() => 143,
                };
                if asked.is_asked() {
                    eprintln!("stopped at once, without a clean end");
                    std::process::exit(code);
                }
                asked.ask();
            }
        });
        Ok(stop)
    }

    /// Asks to stop.
    pub(crate) fn ask(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Whether somebody asked to stop.
    pub(crate) fn is_asked(&self) -> bool {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until somebody asks, at most `timeout`; whether somebody did.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        match self.changed.wait_timeout_while(asked, timeout, |asked| !*asked) {
            Ok((asked, _)) => *asked,
            Err(poisoned) => *poisoned.into_inner().0,
        }
    }
}
