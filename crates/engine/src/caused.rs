//! Events that rules cause.

use kilat_domain::{
    Applied, Change, Chat, ConversationFacts, Event, EventKind, LeadFacts, Membership, On, Patch, Str, TagFact,
};

/// What a new event of the chain inherits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// The event whose pass causes it.
    pub(crate) event: &'a Event<'a>,
    /// Its number in the chain of the input event, from 1.
    pub(crate) number: usize,
    /// The input event the chain began with here; ids of caused events are `<input event id>#<number>`.
    pub(crate) input_id: &'a str,
    /// Conversation and lead of the input event.
    pub(crate) conversation: Option<&'a str>,
    pub(crate) lead: Option<&'a str>,
}

impl Origin<'_> {
    /// The event for a patch that changed something.
    pub(crate) fn event(&self, patch: &Patch, applied: &Applied) -> Event<'static> {
        let mut event = self.bare(kind_of(patch));
        event.change = Some(Change {
            field: Some(applied.field.into()),
            from: applied.from.clone().map(Str::from),
            to: applied.to.clone().map(Str::from),
        });
        match patch {
            Patch::Tag { on, name, .. } => {
                let on = if *on == On::Lead { "lead" } else { "conversation" };
                event.tag = Some(TagFact { name: name.to_string().into(), on: Some(on.into()) });
            }
            Patch::List { name, .. } => event.list = Some(Membership { name: name.to_string().into() }),
            _ => {}
        }
        event
    }

    /// The alarm that a rule was taken out of service.
    pub(crate) fn rule_disabled(&self, rule: &str, scope: &'static str) -> Event<'static> {
        let mut event = self.bare(EventKind::RuleDisabled);
        let field = Some(Str::from(rule.to_owned()));
        event.change = Some(Change { field, from: Some("enabled".into()), to: Some(scope.into()) });
        event
    }

    fn bare(&self, kind: EventKind) -> Event<'static> {
        let cause = self.event;
        let owned = |text: &str| Str::from(text.to_owned());
        Event {
            conversation: self
                .conversation
                .map(|id| ConversationFacts { id: Some(owned(id)), ..ConversationFacts::default() }),
            lead: self.lead.map(|id| LeadFacts { id: Some(owned(id)), ..LeadFacts::default() }),
            channel: cause.channel.as_ref().map(|channel| kilat_domain::Channel {
                kind: owned(&channel.kind),
                account: channel.account.as_deref().map(owned),
                source: channel.source.as_deref().map(owned),
            }),
            chat: cause.chat_kind().map(|kind| Chat { kind }),
            causation_id: Some(owned(&cause.id)),
            root_id: Some(owned(cause.root())),
            depth: Some(cause.depth.unwrap_or(0) + 1),
            ..Event::new(format!("{}#{}", self.input_id, self.number), owned(&cause.workspace), kind, cause.occurred_at)
        }
    }
}

/// The type of event a patch causes.
pub(crate) fn kind_of(patch: &Patch) -> EventKind {
    match patch {
        Patch::LeadStatus(_) => EventKind::LeadStatusChanged,
        Patch::Value { .. } => EventKind::LeadValueChanged,
        Patch::Tag { add: true, .. } => EventKind::TagAdded,
        Patch::Tag { add: false, .. } => EventKind::TagRemoved,
        Patch::List { add: true, .. } => EventKind::ListJoined,
        Patch::List { add: false, .. } => EventKind::ListLeft,
        Patch::Consent(kilat_domain::Consent::Given) => EventKind::ConsentGiven,
        // Rules cannot record any other.
        Patch::Consent(_) => EventKind::ConsentWithdrawn,
        Patch::ConversationStatus(_) | Patch::Snooze(_) => EventKind::ConversationStatusChanged,
        Patch::ConversationPriority(_) => EventKind::ConversationPriorityChanged,
        Patch::Assignee(_) => EventKind::ConversationAssigned,
        Patch::Attribute { on: On::Conversation, .. } | Patch::Note { on: On::Conversation, .. } => {
            EventKind::ConversationUpdated
        }
        Patch::LeadPriority(_)
        | Patch::Score(_)
        | Patch::Audience(_)
        | Patch::Blocked(_)
        | Patch::LeadText { .. }
        | Patch::Note { on: On::Lead, .. }
        | Patch::Attribute { on: On::Lead, .. } => EventKind::LeadUpdated,
    }
}
