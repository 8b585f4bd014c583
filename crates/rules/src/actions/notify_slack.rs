//! `notify_slack`: posts to a Slack channel.

use std::sync::Arc;

use kilat_domain::{Command, DestinationKind, OnUnknown};
use serde_json::{Map, Value};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::cost;
use crate::endpoint::Endpoint;
use crate::facts::Facts;
use crate::fields::message_text;
use crate::shape::{Key, Shape};
use crate::template::Template;

pub(crate) const KIND: Kind = Kind {
    name: "notify_slack",
    compat: &["slack"],
    effect: EffectOn::Outside,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[
        Key::new("value", Shape::Text, "The channel."),
        Key::new("channel", Shape::Text, "Another name of `value`."),
        Key::new("text", Shape::Text, "The text; by default the rule's name, the lead and the message."),
        Key::new("to", Shape::Text, "The Slack endpoint; needed where there are several."),
    ],
    needs: &[],
    read,
};

#[derive(Debug)]
struct NotifySlack {
    channel: Box<str>,
    text: Option<Template>,
    to: Option<Arc<Endpoint>>,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let to = reading.endpoint_or_only(DestinationKind::Slack);
    let text = reading.template("text");
    let channel = reading.main_text(Some("channel"), "write the channel, such as \"#sales\"")?;
    let to = to.ok()?;
    if to.is_none() {
        reading.warn_no_destination("the Slack message", DestinationKind::Slack);
    }
    Some(Arc::new(NotifySlack { channel: channel.trim().into(), text, to }))
}

impl Action for NotifySlack {
    fn canonical(&self, action: &mut Map<String, Value>) {
        action.insert("value".into(), Value::from(&*self.channel));
        if let Some(text) = &self.text {
            action.insert("text".into(), text.source().into());
        }
        if let Some(to) = &self.to {
            action.insert("to".into(), Value::from(&*to.name));
        }
    }

    fn steps(&self, facts: &Facts<'_>) -> u32 {
        cost::copy(self.text.as_ref().map_or(0, |text| text.bytes(facts)))
    }

    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome {
        let text = match &self.text {
            Some(text) => text.render(plan.facts),
            None => default_text(plan),
        };
        let command = Command::NotifySlack { channel: self.channel.to_string().into(), text: text.into() };
        Outcome::Command(command, self.to.as_deref().map(Endpoint::destination))
    }
}

/// The rule's name, who it is about, where, and what was written.
fn default_text(plan: &Plan<'_, '_>) -> String {
    let facts = plan.facts;
    let name = facts.lead.and_then(|lead| lead.profile.as_deref()?.name.as_deref());
    let id = facts.event.lead.as_ref().and_then(|lead| lead.id.as_deref());
    let sender = facts.event.sender.as_ref().and_then(|sender| sender.name.as_deref());
    let who = name.or(sender).or(id).unwrap_or("a lead");
    let conversation = facts.event.conversation.as_ref().and_then(|conversation| conversation.id.as_deref());
    let mut text = format!("{}: {who}", plan.rule.1);
    if let Some(conversation) = conversation {
        text.push_str(&format!(" ({conversation})"));
    }
    if let Some(message) = message_text(facts) {
        const QUOTED_BYTES_MAX: usize = 500;
        text.push_str(&format!("\n> {}", &message[..message.floor_char_boundary(QUOTED_BYTES_MAX)]));
    }
    text
}
