//! Where the engine's answers go.

use kilat_domain::{Action, Decision};
use kilat_rules::Evaluated;

/// Receives what the engine decides, in order. A decision comes before the actions it queued.
pub trait Outputs {
    /// Whether every evaluated event gets a decision, not only those where a rule fired or was refused.
    fn every_event(&self) -> bool {
        false
    }

    /// Whether [`Self::decision`] wants to know of every rule that was looked at.
    fn explain(&self) -> bool {
        false
    }

    /// What the rules did with one event; `evaluated` is empty unless [`Self::explain`].
    fn decision(&mut self, decision: &Decision<'_>, evaluated: &[Evaluated]);

    /// Something an executor must do.
    fn action(&mut self, action: &Action<'_>);
}
