//! Where the engine's answers go.

use kilat_domain::{Action, Decision, Explanation};

/// Receives what the engine decides, in order. A decision comes before the actions it queued.
pub trait Outputs {
    /// Whether every evaluated event gets a decision, not only those where a rule fired or was refused.
    fn every_event(&self) -> bool {
        false
    }

    /// Whether [`Self::explanation`] wants to know of every rule that was looked at, whatever the workspace's settings say.
    fn explain(&self) -> bool {
        false
    }

    /// Why the rules did what they did with one event; comes before its decision, and also where there is none.
    fn explanation(&mut self, _: &Explanation<'_>) {}

    /// What the rules did with one event.
    fn decision(&mut self, decision: &Decision<'_>);

    /// Something an executor must do.
    fn action(&mut self, action: &Action<'_>);
}
