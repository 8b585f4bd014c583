//! A conversation's past, as far as the rules of its workspace look back.
//!
//! In: a message as it is folded, and what is to be remembered. Out: the conversation's details, changed.
//! ME-1: what is kept hangs on event times and not on when events arrive, but for equal times, which keep their order.
//! ME-2: it stays within what [`Memory`] says; what no rule asks for any more is forgotten with the next event.

use kilat_domain::{Conversation, Event, EventKind, HourCount, MessageType, PastMessage, Str};
use kilat_rules::{Keep, Memory, WEEK_HOURS};

const HOUR_MS: i64 = 3_600_000;

/// Folds the event into the past of its conversation; `counted` where it counts as a customer's message.
pub(crate) fn remember(conversation: &mut Conversation, event: &Event<'_>, counted: bool, memory: &Memory) {
    if let Some(details) = &mut conversation.details {
        if !memory.week && !details.week.is_empty() {
            details.week = Vec::new();
        }
        if memory.history.is_none() && !details.history.is_empty() {
            details.history = Vec::new();
        }
    }
    if memory.week && counted {
        count(&mut conversation.details_mut().week, event);
    }
    if let Some(keep) = &memory.history
        && let Some(message) = past_message(event, keep)
    {
        keep_message(&mut conversation.details_mut().history, message, keep);
    }
}

/// Counts the message in its hour; hours more than a week before the latest are dropped.
fn count(week: &mut Vec<HourCount>, event: &Event<'_>) {
    let hour = i32::try_from(event.occurred_at.0.div_euclid(HOUR_MS)).unwrap_or(i32::MAX);
    match week.binary_search_by_key(&hour, |count| count.hour) {
        Ok(at) => week[at].messages = week[at].messages.saturating_add(1),
        Err(at) => week.insert(at, HourCount { hour, messages: 1 }),
    }
    let latest = week.last().map_or(hour, |count| count.hour);
    week.retain(|count| count.hour > latest.saturating_sub(WEEK_HOURS));
}

/// What is remembered of the event; `None` where it is no message, or a reaction or note (D-17).
fn past_message(event: &Event<'_>, keep: &Keep) -> Option<PastMessage> {
    use MessageType::{Audio, Document, Image, Sticker, Video};
    let message = event.message.as_ref().filter(|message| message.private != Some(true))?;
    let kind = message.kind.unwrap_or(MessageType::Text);
    if event.kind != EventKind::MessageCreated || kind == MessageType::Reaction {
        return None;
    }
    let head = |text: &Str<'_>| Box::from(&text[..text.floor_char_boundary(Keep::TEXT_BYTES_MAX)]);
    Some(PastMessage {
        at: event.occurred_at,
        sender: event.sender.as_ref()?.kind,
        kind,
        has_media: message.has_media.unwrap_or(matches!(kind, Image | Video | Audio | Document | Sticker)),
        is_reply: message.reply_to.is_some() || message.quoted_text.is_some(),
        text: message.text.as_ref().filter(|text| keep.texts && !text.is_empty()).map(head),
    })
}

/// Puts the message where its time is; what is too old or too much is dropped from the old end.
fn keep_message(history: &mut Vec<PastMessage>, message: PastMessage, keep: &Keep) {
    let at = history.partition_point(|known| known.at <= message.at);
    history.insert(at, message);
    let latest = history.last().map(|last| last.at);
    let too_old = latest
        .zip(keep.within)
        .map_or(0, |(latest, within)| history.partition_point(|known| latest.since(known.at) > within));
    let too_many = history.len().saturating_sub(keep.messages);
    history.drain(..too_old.max(too_many));
}
