//! `set_audience`: sets the lead's audience tag.

use std::sync::Arc;

use kilat_domain::{OnUnknown, Patch};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::shape::{Key, Shape};

pub(crate) const KIND: Kind = Kind {
    name: "set_audience",
    compat: &["set_audience_tag"],
    effect: EffectOn::Lead,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[Key::new("value", Shape::Text, "The audience.")],
    needs: &["value"],
    read,
};

#[derive(Debug)]
struct SetAudience(Box<str>);

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let audience = reading.main_text(None, "write the audience")?;
    Some(Arc::new(SetAudience(audience.trim().into())))
}

impl Action for SetAudience {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), Value::from(&*self.0));
    }

    fn plan(&self, _: &mut Plan<'_, '_>) -> Outcome {
        Outcome::Patch(Patch::Audience(self.0.clone()))
    }
}
