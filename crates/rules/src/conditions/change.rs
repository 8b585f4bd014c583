//! Conditions on what a change came from and went to, where it is the lead's status: aliases stand for their status on both
//! sides, as in conditions on the status itself (D-8).
//!
//! The field is text for every other event, and the same words may mean something else there.

use kilat_domain::EventKind;
use serde_json::{Map, Value};

use super::text::Texts;
use super::{Condition, Cost};
use crate::facts::{Env, Facts};
use crate::fields::{FieldRef, Read, text};
use crate::settings::Settings;

/// Texts some of which name statuses.
#[derive(Debug)]
pub(super) struct Changed {
    texts: Texts,
    /// The statuses they name.
    statuses: Vec<Box<str>>,
}

impl Changed {
    /// These texts, where the field holds what changed and they name statuses; else the texts as they are.
    pub(super) fn of(texts: Texts, field: &FieldRef, settings: &Settings) -> Result<Changed, Texts> {
        let written = texts.whole_written().unwrap_or_default().iter();
        let statuses: Vec<Box<str>> = written.filter_map(|text| settings.status(text.trim()).map(Box::from)).collect();
        if statuses.is_empty() || !matches!(field.field.name, "change.from" | "change.to") {
            return Err(texts);
        }
        Ok(Changed { texts, statuses })
    }
}

impl Condition for Changed {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let Read::Text(read) = field.field.read else { return None };
        let value = text(read(env.facts))?;
        if env.facts.event.kind == EventKind::LeadStatusChanged
            && let Some(status) = env.settings.status(value.trim())
        {
            return Some(self.statuses.iter().any(|known| **known == *status));
        }
        Some(self.texts.hold_on(value, env.scratch))
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        self.texts.canonical(condition);
    }

    fn steps(&self, field: &FieldRef, facts: &Facts<'_>) -> u32 {
        self.texts.steps(field, facts)
    }

    fn cost(&self) -> Cost {
        Cost::Compare
    }
}
