//! Where the engine's answers go.

use kilat_domain::{Action, Decision, Explanation, SpreadStep};

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

    /// Over how many partitions this workspace can be spread from here; 1 where it cannot.
    fn shares_max(&self, _workspace: &str) -> u32 {
        1
    }

    /// The event is not for this partition: it goes on, as it came, to this share of its workspace, with its anchor.
    fn pass_on(&mut self, _share: u32, _anchor: u32) {}

    /// A step in moving leads, for a share of the step's workspace.
    fn step(&mut self, _share: u32, _step: &SpreadStep<'_>) {}
}
