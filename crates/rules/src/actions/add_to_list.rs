//! `add_to_list`: puts the lead on a list.

use std::sync::Arc;

use kilat_domain::{OnUnknown, Patch};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::cost;
use crate::facts::Facts;
use crate::shape::{Key, Shape};

pub(crate) const KIND: Kind = Kind {
    name: "add_to_list",
    compat: &[],
    effect: EffectOn::Lead,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: KEYS,
    needs: &["value"],
    read: |reading| read(reading, true),
};

pub(super) const KEYS: &[Key] = &[Key::new("value", Shape::Text, "The list.")];

#[derive(Debug)]
struct List {
    name: Box<str>,
    add: bool,
}

pub(super) fn read(reading: &mut Reading<'_>, add: bool) -> Option<Arc<dyn Action>> {
    let name = reading.main_text(None, "write the list")?;
    Some(Arc::new(List { name: name.trim().into(), add }))
}

impl Action for List {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), Value::from(&*self.name));
    }

    fn steps(&self, facts: &Facts<'_>) -> u32 {
        cost::compare(facts.lead.and_then(|lead| lead.profile.as_deref()).map_or(0, |profile| profile.lists.len()))
    }

    fn plan(&self, _: &mut Plan<'_, '_>) -> Outcome {
        Outcome::Patch(Patch::List { name: self.name.clone(), add: self.add })
    }
}
