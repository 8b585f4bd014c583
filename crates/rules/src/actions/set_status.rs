//! `set_status`: sets the lead's status to an id of the registry, or an alias of one (D-8).

use std::sync::Arc;

use kilat_domain::{OnUnknown, Patch};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::settings::unknown_status;
use crate::shape::{Key, Shape};

pub(crate) const KIND: Kind = Kind {
    name: "set_status",
    compat: &["set_lead_status"],
    effect: EffectOn::Lead,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[Key::new("value", Shape::Text, "The status, by id or alias.")],
    needs: &["value"],
    read,
};

#[derive(Debug)]
struct SetStatus(Box<str>);

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let at = reading.object.get("value").map_or(reading.object.at, |node| node.at);
    let word = reading.main_text(None, "write the status the lead gets")?;
    match reading.settings.status(word.trim()) {
        Some(id) => Some(Arc::new(SetStatus(id.into()))),
        None => {
            unknown_status(&word, at, reading.settings, reading.report);
            None
        }
    }
}

impl Action for SetStatus {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), Value::from(&*self.0));
    }

    fn plan(&self, _: &mut Plan<'_, '_>) -> Outcome {
        Outcome::Patch(Patch::LeadStatus(self.0.clone()))
    }
}
