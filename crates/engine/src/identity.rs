//! Whose event it is: ids of lead and conversation, as sent or derived (D-26, D-27).

use std::borrow::Cow;

use kilat_domain::{Event, SenderKind};
use kilat_rules::{Settings, phone};

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

fn prefix(channel: &str) -> &str {
    if channel == "whatsapp" { "wa" } else { channel }
}
