//! `assign`: gives the conversation to an agent or a pool, or to nobody.

use std::sync::Arc;

use kilat_domain::{OnUnknown, Patch};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::shape::{Key, Shape};

/// The word for nobody, and what other systems call it.
const NOBODY: &[&str] = &["unclaimed", "unassigned", "nobody", "none"];

pub(crate) const KIND: Kind = Kind {
    name: "assign",
    compat: &["assign_agent"],
    effect: EffectOn::Conversation,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[Key::new("value", Shape::Text, "The agent or pool, or `unclaimed`.")],
    needs: &["value"],
    read,
};

/// Whom the conversation is given to; `None` is nobody.
#[derive(Debug)]
struct Assign(Option<Box<str>>);

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let name = reading.main_text(None, "write an agent, a pool or `unclaimed`")?;
    let name = name.trim();
    let nobody = NOBODY.iter().any(|word| word.eq_ignore_ascii_case(name));
    Some(Arc::new(Assign((!nobody).then(|| name.into()))))
}

impl Action for Assign {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), self.0.as_deref().unwrap_or(NOBODY[0]).into());
    }

    fn plan(&self, _: &mut Plan<'_, '_>) -> Outcome {
        Outcome::Patch(Patch::Assignee(self.0.clone()))
    }
}
