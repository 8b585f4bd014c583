//! `record_consent`: records that the lead gave or withdrew marketing consent.

use std::sync::Arc;

use kilat_domain::{Consent, OnUnknown, Patch};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::object;
use crate::shape::{Key, Shape};

pub(crate) const KIND: Kind = Kind {
    name: "record_consent",
    compat: &[],
    effect: EffectOn::Lead,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[Key::new("value", Shape::Word(Consent::KNOWN), "given or withdrawn.")],
    needs: &["value"],
    read,
};

#[derive(Debug)]
struct RecordConsent(Consent);

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let node = reading.main(None, "write given or withdrawn")?;
    let at = object::word(node, "consent", Consent::KNOWN, reading.report)?;
    Some(Arc::new(RecordConsent(Consent::ALL[at])))
}

impl Action for RecordConsent {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), self.0.as_str().into());
    }

    fn plan(&self, _: &mut Plan<'_, '_>) -> Outcome {
        Outcome::Patch(Patch::Consent(self.0))
    }
}
