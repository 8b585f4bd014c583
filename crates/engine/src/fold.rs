//! Folding: what an event says about its lead and conversation becomes state before rules run.

use std::time::Duration;

use kilat_domain::{
    ChatKind, CompactString, Conversation, ConversationFacts, ConversationPriority, ConversationStatus, Counters,
    Event, EventKind, Lead, LeadFacts, MessageType, On, Patch, SenderKind, Str, Timestamp,
};
use kilat_rules::{Memory, Settings};

use crate::identity;
use crate::memory;

/// A pause this long ends a session (D-20).
const SESSION_PAUSE: Duration = Duration::from_secs(30 * 60);

/// What folding an event changed in its lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Anything at all.
    pub(crate) any: bool,
    /// Something data teams see.
    pub(crate) visible: bool,
    /// This was the lead's first customer message (D-22).
    pub(crate) first_message: bool,
}

/// Folds what the event says of its lead.
pub(crate) fn lead(lead: &mut Lead, event: &Event<'_>, settings: &Settings) -> Changed {
    let stated = event.lead.as_ref().and_then(|facts| facts.status.as_deref());
    let stated = stated.or_else(|| changed_to(event, EventKind::LeadStatusChanged));
    let status = stated.map(|status| settings.status(status).unwrap_or(status));
    let mut changed = match &event.lead {
        Some(facts) => lead.fold(facts, status),
        None => status.is_some() && lead.fold(&LeadFacts::default(), status),
    };
    match event.kind {
        EventKind::TagAdded | EventKind::TagRemoved => changed |= tag(event, On::Lead, |patch| lead.apply(patch)),
        EventKind::ListJoined | EventKind::ListLeft => {
            if let Some(list) = &event.list {
                let add = event.kind == EventKind::ListJoined;
                changed |= applied(lead.apply(&Patch::List { name: list.name.as_str().into(), add }));
            }
        }
        EventKind::ConsentGiven => changed |= applied(lead.apply(&Patch::Consent(kilat_domain::Consent::Given))),
        EventKind::ConsentWithdrawn => {
            changed |= applied(lead.apply(&Patch::Consent(kilat_domain::Consent::Withdrawn)));
        }
        _ => {}
    }
    changed |= origin(lead, event);
    let counted = counts(event) == Some(SenderKind::Customer) && lead.messages < Lead::MESSAGES_MAX;
    lead.messages += u32::from(counted);
    Changed { any: changed || counted, visible: changed, first_message: counted && lead.messages == 1 }
}

/// Folds what the event says of its conversation, whose lead is `lead`.
pub(crate) fn conversation(
    conversation: &mut Conversation,
    event: &Event<'_>,
    lead: Option<&str>,
    settings: &Settings,
    memory: &Memory,
) {
    if let Some(facts) = &event.conversation {
        conversation.fold(facts);
    }
    if let Some(channel) = &event.channel {
        let [kind, account, source] = &mut conversation.channel;
        keep(kind, Some(&channel.kind));
        keep(account, channel.account.as_ref());
        keep(source, channel.source.as_ref());
    }
    match event.kind {
        EventKind::TagAdded | EventKind::TagRemoved => {
            tag(event, On::Conversation, |patch| conversation.apply(patch));
        }
        EventKind::ConversationStatusChanged => {
            if let Some(status) = changed_to(event, event.kind).map(ConversationStatus::read)
                && conversation.status != status
            {
                conversation.set_status(status, None);
            }
        }
        EventKind::ConversationPriorityChanged => {
            if let Some(priority) = changed_to(event, event.kind).map(ConversationPriority::read) {
                conversation.priority = priority;
            }
        }
        EventKind::ConversationAssigned => {
            conversation.assignee = changed_to(event, event.kind).map(CompactString::from);
        }
        _ => {}
    }
    if event.kind == EventKind::MessageCreated {
        conversation.started_by = conversation.started_by.or(event.sender.as_ref().map(|sender| sender.kind));
    }
    let is_customers = counts(event) == Some(SenderKind::Customer);
    memory::remember(conversation, event, is_customers, memory);
    count(conversation.counters(), event);
    if is_customers && let Some(customer) = identity::customer_id(event, settings) {
        keep(&mut conversation.customer, Some(&Str::from(&*customer)));
    }
    // Whole, as it is looked up by it.
    if let Some(lead) = lead.filter(|lead| conversation.lead.as_deref() != Some(*lead)) {
        conversation.lead = Some(lead.into());
    }
}

/// Whether [`conversation`] would change nothing but what [`count`] does: a message, as most are, in a conversation of which
/// everything else it says is known.
pub(crate) fn only_counts(
    conversation: &Conversation,
    event: &Event<'_>,
    lead: Option<&str>,
    settings: &Settings,
    memory: &Memory,
) -> bool {
    let says_more = event.conversation.as_ref().is_some_and(|facts| {
        let ConversationFacts { id: _, status, priority, tags, assignee, started_by, room_tags, attrs } = facts;
        let words = status.is_some() || priority.is_some() || started_by.is_some() || assignee.is_some();
        words || tags.is_some() || room_tags.is_some() || attrs.is_some()
    });
    let has_no_past = *memory == Memory::NONE && conversation.details.is_none();
    if event.kind != EventKind::MessageCreated || says_more || !has_no_past || conversation.started_by.is_none() {
        return false;
    }
    let knows_channel = event.channel.as_ref().is_none_or(|channel| {
        let [kind, account, source] = &conversation.channel;
        is_known(kind, Some(&channel.kind))
            && is_known(account, channel.account.as_deref())
            && is_known(source, channel.source.as_deref())
    });
    let is_customers = counts(event) == Some(SenderKind::Customer);
    let customer = if is_customers { identity::customer_id(event, settings) } else { None };
    knows_channel && is_known(&conversation.lead, lead) && is_known(&conversation.customer, customer.as_deref())
}

/// Whether nothing is stated that differs from what is known.
fn is_known(known: &Option<CompactString>, fact: Option<&str>) -> bool {
    fact.is_none_or(|fact| known.as_deref() == Some(fact))
}

/// Counts the event.
pub(crate) fn count(counters: Counters<'_>, event: &Event<'_>) {
    let Counters { customer_messages, team_messages, session_messages, last_customer_at } = counters;
    match counts(event) {
        Some(SenderKind::Customer) => {
            let paused = last_customer_at.is_none_or(|last| event.occurred_at.since(last) > SESSION_PAUSE);
            *session_messages = if paused { 1 } else { session_messages.saturating_add(1) };
            *customer_messages = customer_messages.saturating_add(1);
            *last_customer_at = (*last_customer_at).max(Some(event.occurred_at));
        }
        Some(SenderKind::Team) => *team_messages = team_messages.saturating_add(1),
        _ => {}
    }
}

/// Whose message this event counts as (D-20): a new message in a chat that is not a group, and no reaction or note (D-17).
pub(crate) fn counts(event: &Event<'_>) -> Option<SenderKind> {
    let message = event.message.as_ref()?;
    let counted = event.kind == EventKind::MessageCreated
        && event.chat_kind() != Some(ChatKind::Group)
        && message.kind != Some(MessageType::Reaction)
        && message.private != Some(true);
    event.sender.as_ref().filter(|_| counted).map(|sender| sender.kind)
}

/// Whether the event changes nothing although its type says so: `from` equals `to` (F-16).
pub(crate) fn is_no_change(event: &Event<'_>) -> bool {
    event.change.as_ref().is_some_and(|change| is_same(event.kind, change.from.as_deref(), change.to.as_deref()))
}

/// As [`is_no_change`], for an event of this type that says this of the change.
pub(crate) fn is_same(kind: EventKind, from: Option<&str>, to: Option<&str>) -> bool {
    let changes = matches!(
        kind,
        EventKind::LeadStatusChanged | EventKind::ConversationStatusChanged | EventKind::ConversationPriorityChanged
    );
    changes && to.is_some() && from == to
}

/// The time after which a free-form reply no longer reaches the customer (D-58).
pub(crate) fn window_closes_at(conversation: &Conversation) -> Option<Timestamp> {
    const WINDOW: Duration = Duration::from_secs(24 * 3600 - 60);
    conversation.last_customer_at.map(|last| last.after(WINDOW))
}

fn changed_to<'e>(event: &'e Event<'_>, kind: EventKind) -> Option<&'e str> {
    (event.kind == kind).then(|| event.change.as_ref()?.to.as_deref()).flatten()
}

fn tag(event: &Event<'_>, on: On, apply: impl FnOnce(&Patch) -> Option<kilat_domain::Applied>) -> bool {
    let Some(tag) = &event.tag else { return false };
    let carried_by = if tag.on.as_deref() == Some("lead") { On::Lead } else { On::Conversation };
    let add = event.kind == EventKind::TagAdded;
    carried_by == on && applied(apply(&Patch::Tag { on, name: tag.name.as_str().into(), add }))
}

fn applied(applied: Option<kilat_domain::Applied>) -> bool {
    applied.is_some_and(|applied| applied.changed)
}

/// Folds where the lead came from: campaign, ad, country, and the name the channel gives a customer we have no name for.
fn origin(lead: &mut Lead, event: &Event<'_>) -> bool {
    let named = event.is_customer_message().then(|| event.sender.as_ref()?.name.as_ref()).flatten();
    if event.utm.is_none() && event.ctwa.is_none() && event.geo.is_none() && named.is_none() {
        return false;
    }
    let profile = lead.profile.get_or_insert_default();
    let mut changed = false;
    if let Some(utm) = &event.utm {
        let facts = [&utm.source, &utm.medium, &utm.campaign, &utm.term, &utm.content];
        for (known, fact) in profile.utm.iter_mut().zip(facts) {
            changed |= keep(known, fact.as_ref());
        }
    }
    if let Some(ctwa) = &event.ctwa {
        for (known, fact) in profile.ctwa.iter_mut().zip([&ctwa.clid, &ctwa.source_id]) {
            changed |= keep(known, fact.as_ref());
        }
    }
    if let Some(country) = event.geo.as_ref().and_then(|geo| geo.country.as_ref()) {
        changed |= keep(&mut profile.geo_country, Some(&Str::from(country.to_ascii_uppercase())));
    }
    if profile.name.is_none() {
        changed |= keep(&mut profile.name, named);
    }
    changed
}

/// Replaces `known` by a stated fact that differs.
fn keep(known: &mut Option<CompactString>, fact: Option<&Str<'_>>) -> bool {
    kilat_domain::replace_text(known, fact.map(Str::as_str))
}
