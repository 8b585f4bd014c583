//! What a rule asks of an event beside its conditions: who wrote, in what kind of chat, through which channel.

use kilat_domain::{ChatKind, Event, SenderKind};

use crate::facts::Facts;
use crate::fields::{channel_account, channel_source};
use crate::phone;
use crate::rule::{Rule, is_message};

/// Whether the rule sees whoever wrote; who causes other events than messages is not asked.
pub(super) fn sees_sender(rule: &Rule, event: &Event<'_>) -> bool {
    !is_message(event.kind) || sender(event).is_some_and(|sender| rule.senders() >> sender as u32 & 1 != 0)
}

/// Whether the rule sees this kind of chat.
pub(super) fn sees_chat(rule: &Rule, facts: &Facts<'_>) -> bool {
    facts.event.chat_kind().is_none_or(|chat| chats(rule) >> chat as u32 & 1 != 0)
}

/// The kinds of chat a rule sees, one bit each: broadcasts and statuses only where it names the chat (D-25).
pub(super) fn chats(rule: &Rule) -> u32 {
    let every = (1 << ChatKind::WORDS.len()) - 1;
    let shouted = 1 << ChatKind::Broadcast as u32 | 1 << ChatKind::Status as u32;
    if rule.has_condition_on(&["chat.is_group", "chat.kind"]) { every } else { every & !shouted }
}

/// Who wrote a message.
pub(super) fn sender(event: &Event<'_>) -> Option<SenderKind> {
    event.sender.as_ref().map(|sender| sender.kind)
}

/// Whether this is a customer's message in a conversation that was known before (D-23).
pub(super) fn is_message_added(facts: &Facts<'_>) -> bool {
    facts.event.is_customer_message() && !facts.conversation_is_new
}

/// Whether the rule is for the channel the event came through (D-29), and for the conversation.
pub(super) fn in_scope(rule: &Rule, facts: &Facts<'_>) -> bool {
    let channels = rule.channels.is_empty()
        || channel_account(facts).is_some_and(|account| {
            let account = phone::canonical(account, None);
            rule.channels.iter().any(|channel| phone::canonical(channel, None) == account)
        });
    let sources = rule.sources.is_empty()
        || channel_source(facts)
            .is_some_and(|source| rule.sources.iter().any(|known| known.eq_ignore_ascii_case(source)));
    channels && sources && is_begun(rule, facts)
}

/// Whether the conversation began when the rule was live, where the rule asks for that (D-41).
pub(super) fn is_begun(rule: &Rule, facts: &Facts<'_>) -> bool {
    let begun = facts.conversation.map(|conversation| conversation.created_at);
    rule.begun_since().is_none_or(|since| begun.is_none_or(|begun| begun >= since))
}
