//! `block`: suppresses every message to the lead from now on.

use std::sync::Arc;

use kilat_domain::{OnUnknown, Patch};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan};

pub(crate) const KIND: Kind = Kind {
    name: "block",
    compat: &["block_contact"],
    effect: EffectOn::Lead,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[],
    needs: &[],
    read: |_| Some(Arc::new(Block(true))),
};

/// Whether the lead is blocked or unblocked.
#[derive(Debug)]
pub(super) struct Block(pub(super) bool);

impl Action for Block {
    fn canonical(&self, _: &mut Map<String, Value>) {}

    fn plan(&self, _: &mut Plan<'_, '_>) -> Outcome {
        Outcome::Patch(Patch::Blocked(self.0))
    }
}
