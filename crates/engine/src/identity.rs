//! Whose event it is: ids of lead and conversation, as sent or derived (D-26, D-27).

use std::borrow::Cow;

use kilat_domain::{Event, SenderKind};
use kilat_rules::{Settings, phone};

use crate::fold;
use crate::parts_hasher::chained;
use crate::state::Identity;

/// The lead's id: as sent, else derived from the channel and the customer who wrote: `wa:628123456789`.
pub(crate) fn lead_id<'e>(event: &'e Event<'_>, settings: &Settings) -> Option<Cow<'e, str>> {
    if let Some(id) = event.lead.as_ref().and_then(|lead| lead.id.as_deref()) {
        return Some(Cow::Borrowed(id));
    }
    let customer = customer_id(event, settings)?;
    let channel = &*event.channel.as_ref()?.kind;
    Some(Cow::Owned(format!("{}:{customer}", prefix(channel))))
}

/// The conversation's id: as sent, else derived from channel, account and the customer who wrote.
pub(crate) fn conversation_id<'e>(event: &'e Event<'_>, settings: &Settings) -> Option<Cow<'e, str>> {
    if let Some(id) = event.conversation.as_ref().and_then(|conversation| conversation.id.as_deref()) {
        return Some(Cow::Borrowed(id));
    }
    let customer = customer_id(event, settings)?;
    let channel = event.channel.as_ref()?;
    let account = channel.account.as_deref().unwrap_or_default();
    Some(Cow::Owned(format!("{}:{account}:{customer}", prefix(&channel.kind))))
}

/// The customer who wrote, by their canonical id on the channel.
pub(crate) fn customer_id<'e>(event: &'e Event<'_>, settings: &Settings) -> Option<Cow<'e, str>> {
    let sender = event.sender.as_ref().filter(|sender| sender.kind == SenderKind::Customer)?;
    Some(phone::canonical(sender.id.as_deref()?, settings.calling_code()))
}

/// Where events come from, as two hashes; 0 is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Of channel and lead.
    channel: u64,
    /// Of the customer who wrote, as their workspace reads numbers; only a message that counts as theirs says anything of it.
    customer: u64,
}

/// What an event says of its origin that is not known yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News {
    /// The channel or the lead may be another one.
    pub(crate) channel: bool,
    /// A customer wrote, who may be another one.
    pub(crate) customer: bool,
}

impl Origin {
    /// Takes in what the event says. What is taken for known here must have been folded: a conversation that was restored
    /// knows no origin, and has to come to the same state.
    pub(crate) fn update(&mut self, event: &Event<'_>, lead: Option<Identity>, settings: &Settings) -> News {
        let lead = lead.map_or(0, Identity::bits);
        let channel = event.channel.as_ref().map_or(lead, |channel| {
            chained(lead, [Some(&*channel.kind), channel.account.as_deref(), channel.source.as_deref()])
        });
        let channel = channel.max(1);
        let sender = event.sender.as_ref().filter(|_| fold::counts(event) == Some(SenderKind::Customer));
        let customer =
            sender.map_or(self.customer, |sender| chained(0, [sender.id.as_deref(), settings.calling_code()]).max(1));
        let news = News { channel: channel != self.channel, customer: customer != self.customer };
        *self = Origin { channel, customer };
        news
    }
}

fn prefix(channel: &str) -> &str {
    if channel == "whatsapp" { "wa" } else { channel }
}
