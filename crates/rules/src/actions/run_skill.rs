//! `run_skill`: starts a skill of the chat partner, such as `escalate_to_human`.

use std::sync::Arc;

use kilat_domain::{Command, OnUnknown};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::endpoint::Endpoint;
use crate::shape::{Key, Shape};

pub(crate) const KIND: Kind = Kind {
    name: "run_skill",
    compat: &["trigger_skill"],
    effect: EffectOn::Outside,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[Key::new("value", Shape::Text, "The skill.")],
    needs: &["value"],
    read,
};

#[derive(Debug)]
struct RunSkill(Box<str>);

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let name = reading.main_text(None, "write the skill")?;
    Some(Arc::new(RunSkill(name.trim().into())))
}

impl Action for RunSkill {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), Value::from(&*self.0));
    }

    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome {
        let destination = plan.channel_endpoint().map(Endpoint::destination);
        Outcome::Command(Command::RunSkill { name: self.0.to_string().into() }, destination)
    }
}
