//! A pass: one event against one rule set, rule by rule, each seeing what the rules before it changed (D-34 … D-39).

use std::cell::OnceCell;
use std::collections::VecDeque;

use kilat_domain::{
    Action, ActionEffect, Applied, ChatKind, CompactString, Conversation, Decision, Effect, Evaluated, Event,
    EventKind, Explanation, Extracted, Fired, Gate, Lead, Patch, Refused, Str, Timestamp,
};
use kilat_rules::{
    BUDGET_EXCEEDED, Class, Facts, OncePer, Pass, Planned, Rule, RuleAction, RuleSet, Scratch, Stop, compare_steps,
    copy_steps,
};

use crate::action_id::ActionKey;
use crate::caused::{Origin, kind_of};
use crate::fold;
use crate::guard::{self, Chain, DEPTH_MAX};
use crate::outputs::Outputs;
use crate::state::State;

/// Whom an event concerns, by their places in the state.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Subject {
    pub(crate) workspace: u32,
    pub(crate) lead: Option<u32>,
    pub(crate) conversation: Option<u32>,
    pub(crate) lead_is_new: bool,
    pub(crate) conversation_is_new: bool,
    /// The event is the lead's first customer message (D-22).
    pub(crate) first_contact: bool,
}

impl Subject {
    /// Whether the event is the first to name whom it concerns, and what kind of event introduces them.
    pub(crate) fn first_seen(&self) -> [(bool, EventKind); 2] {
        [(self.lead_is_new, EventKind::LeadCreated), (self.conversation_is_new, EventKind::ConversationCreated)]
    }
}

/// The chain of one input event: its own pass and those of the events it causes.
pub(crate) struct ChainOf<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) fires: &'a mut Chain,
    pub(crate) queue: &'a mut VecDeque<Caused>,
    pub(crate) subject: &'a Subject,
    pub(crate) rules: &'a RuleSet,
    pub(crate) input_id: &'a str,
    pub(crate) numbered: usize,
    /// Steps that are left for the chain (D-43).
    pub(crate) steps_left: u32,
    /// Steps that are left for telling of it.
    pub(crate) explain_steps_left: u32,
    /// When the closed hours around the event began, once that was asked: its whole chain happens at its time.
    pub(crate) closed: OnceCell<Option<Timestamp>>,
    /// The wall clock, where one was asked: what is not worth doing any more by then is not queued.
    pub(crate) clock: Option<Timestamp>,
    /// Whether somebody wants to know of every rule that was looked at.
    pub(crate) explained: bool,
    /// Whether somebody wants to know of every event, be it that it matched nothing.
    pub(crate) told: bool,
}

/// An event that a rule caused.
#[derive(Debug)]
pub(crate) enum Caused {
    Event(Box<Event<'static>>),
    /// No rule listens to it and nobody wants to know of it: there is but its number, and what its pass takes.
    Unheard,
}

/// What a pass has decided so far.
#[derive(Default)]
struct Decided<'r> {
    fired: Vec<Fired<'r>>,
    refused: Vec<Refused<'r>>,
    actions: Vec<Action<'static>>,
    stopped_by: Option<&'r Rule>,
    replied: bool,
    /// Groups of which a rule fired (D-40).
    groups: Vec<&'r str>,
    /// Bytes that were seen of a text that has more.
    scanned_bytes: Option<i32>,
}

impl ChainOf<'_> {
    /// Runs the pass of `event` and hands what it decided to `outputs`; caused events are queued.
    pub(crate) fn pass(&mut self, event: &Event<'_>, scratch: &mut Scratch, outputs: &mut dyn Outputs) {
        let rules = self.rules;
        let mut decided = Decided::default();
        let mut evaluated = self.explained.then(Vec::new);
        if !fold::is_no_change(event) {
            let mut pass = rules.pass_within(self.steps_left, event, scratch);
            pass.explain_within(self.explain_steps_left);
            loop {
                let facts = facts(self.state, self.subject, event);
                let next = match &mut evaluated {
                    None => pass.next(&facts),
                    Some(evaluated) => pass.next_explained(&facts, evaluated),
                };
                let Some(rule) = next else { break };
                pass.spend(self.remembered());
                // There is none of this rule where telling ran out of steps before it.
                let explained = evaluated.as_mut().and_then(|evaluated| evaluated.last_mut());
                let explained = explained.filter(|explained| *explained.rule == *rule.id());
                if let Some(reason) = self.refusal(rule, event, &decided) {
                    if let Some(explained) = explained {
                        explained.refused = Some(reason.into());
                    }
                    decided.refused.push(Refused { rule: rule.id().into(), reason: reason.into() });
                    continue;
                }
                self.fire(rule, event, &mut pass, &mut decided, explained);
                match rule.stop() {
                    Stop::No => {}
                    Stop::Pass => {
                        decided.stopped_by = decided.stopped_by.or(Some(rule));
                        pass.skip_normal();
                    }
                    Stop::All => {
                        decided.stopped_by = decided.stopped_by.or(Some(rule));
                        break;
                    }
                }
            }
            if let Some(rule) = pass.unasked() {
                decided.refused.push(Refused { rule: rule.id().into(), reason: BUDGET_EXCEEDED.into() });
            }
            self.steps_left = pass.steps_left();
            self.explain_steps_left = pass.explain_steps_left();
            decided.scanned_bytes = pass.scanned_bytes();
        }
        self.report(event, decided, evaluated, outputs);
    }

    /// Runs the pass of an event that was caused.
    pub(crate) fn pass_caused(&mut self, caused: Caused, scratch: &mut Scratch, outputs: &mut dyn Outputs) {
        match caused {
            Caused::Event(event) => self.pass(&event, scratch, outputs),
            Caused::Unheard => self.steps_left = self.rules.steps_left_unheard(self.steps_left),
        }
    }

    /// What looking takes for what the conversation, the lead and the workspace remember of a rule.
    fn remembered(&self) -> u32 {
        let conversation = self.subject.conversation.map_or(0, |at| self.state.conversations.get(at).marks.len());
        let lead = self.subject.lead.map_or(0, |at| self.state.leads.get(at).marks.len());
        compare_steps(conversation + lead + self.state.workspace(self.subject.workspace).loops.len()) - 1
    }

    /// Why a rule that matched may not fire. Notes a loop where it finds one.
    fn refusal(&mut self, rule: &Rule, event: &Event<'_>, decided: &Decided<'_>) -> Option<&'static str> {
        if rule.class() == Class::Fallback && decided.replied {
            return Some("replied");
        }
        if rule.dedupe_group().is_some_and(|group| decided.groups.contains(&group)) {
            return Some("dedupe");
        }
        let conversation = self.subject.conversation.map(|at| self.state.conversations.get(at));
        let mark = conversation.and_then(|cell| cell.mark(rule.id()));
        if mark.is_some_and(|mark| mark.quarantined && mark.version == rule.version()) {
            return Some("quarantined");
        }
        if guard::is_disabled(&self.state.workspace(self.subject.workspace).loops, rule.id(), rule.version()) {
            return Some("disabled");
        }
        if self.fired_before(rule, event) {
            return Some("once");
        }
        if !self.fires.allows(rule.id()) {
            self.take_out_of_service(rule, event);
            return Some("loop");
        }
        None
    }

    /// Whether `once_per` says that the rule has had its turn.
    fn fired_before(&self, rule: &Rule, event: &Event<'_>) -> bool {
        if rule.once_per() == Some(OncePer::Event) {
            return self.fires.has_fired(rule.id());
        }
        let Some(limit) = self.limit(rule, event) else { return false };
        let mark = match limit {
            Limit::Conversation { .. } => {
                self.subject.conversation.and_then(|at| self.state.conversations.get(at).mark(rule.id()))
            }
            Limit::Lead { .. } => self.subject.lead.and_then(|at| self.state.leads.get(at).mark(rule.id())),
        };
        mark.filter(|mark| mark.at > Timestamp::MIN).is_some_and(|mark| match limit {
            Limit::Conversation { since } | Limit::Lead { since } => since.is_none_or(|since| mark.at >= since),
        })
    }

    /// Whom the rule's `once_per` limits, and since when a fire counts. A fallback rule answers once per closed-hours
    /// episode and customer even where it does not say so (D-49).
    fn limit(&self, rule: &Rule, event: &Event<'_>) -> Option<Limit> {
        let closed = || self.closed_since(event);
        let person = |since| {
            if self.subject.lead.is_some() { Limit::Lead { since } } else { Limit::Conversation { since } }
        };
        match rule.once_per() {
            None if rule.class() == Class::Fallback => closed().map(|since| person(Some(since))),
            None | Some(OncePer::Event) => None,
            Some(OncePer::Conversation) => Some(Limit::Conversation { since: None }),
            Some(OncePer::Lead) => Some(Limit::Lead { since: None }),
            Some(OncePer::Window(window)) => {
                let since = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
                let since = Timestamp(event.occurred_at.0.saturating_sub(since).saturating_add(1));
                Some(Limit::Conversation { since: Some(since) })
            }
            Some(OncePer::ClosedHours) => closed().map(|since| person(Some(since))),
        }
    }

    fn take_out_of_service(&mut self, rule: &Rule, event: &Event<'_>) {
        let strict = self.rules.settings().strict_loops;
        let at = event.occurred_at;
        let (conversation_at, conversation) = match self.subject.conversation {
            Some(at) => (Some(at), self.state.conversations.get(at).id.clone()),
            None => (None, CompactString::default()),
        };
        let workspace = self.state.workspace_mut(self.subject.workspace);
        workspace.loops_dirty = true;
        let rule_version = (rule.id(), rule.version());
        let disabled = guard::hit(&mut workspace.loops, &event.workspace, rule_version, &conversation, at, strict);
        if let Some(at) = conversation_at.filter(|_| !disabled) {
            let mark = self.state.conversations.touch(at).mark_mut(rule.id());
            mark.version = rule.version();
            mark.quarantined = true;
        }
        let scope = if disabled { "disabled" } else { "quarantined" };
        self.cause(event, |origin| origin.rule_disabled(rule.id(), scope));
    }

    /// Runs the actions of a rule that matched (D-7, D-36).
    fn fire<'r>(
        &mut self,
        rule: &'r Rule,
        event: &Event<'_>,
        pass: &mut Pass<'_>,
        decided: &mut Decided<'r>,
        mut explained: Option<&mut Evaluated<'_>>,
    ) {
        let last_required = rule.actions().iter().rposition(RuleAction::required);
        let mut before = None;
        let mut firing = Firing::new(rule);
        let episode = self.episode(rule, event);
        for (index, action) in rule.actions().iter().enumerate() {
            let effect = if firing.broken {
                suppressed("required_failed")
            } else {
                let facts = facts(self.state, self.subject, event);
                if let Some(explained) = &mut explained
                    && let Some(extracted) = pass.extracted(rule, action, &facts)
                {
                    let index = i32::try_from(index).unwrap_or(i32::MAX);
                    explained.extracted.push(Extracted { index, ..extracted });
                }
                let mut planned = pass.plan(rule, action, &facts);
                // What a required action further on may undo is kept from before the first change.
                if let Planned::Patch(_) = &planned
                    && before.is_none()
                    && last_required > Some(index)
                {
                    if pass.spend(self.snapshot_steps()) {
                        before = Some(self.snapshot());
                    } else {
                        planned = Planned::Failed { reason: BUDGET_EXCEEDED };
                    }
                }
                self.carry_out(planned, index, action, event, episode, &mut firing)
            };
            firing.broken |= effect.result == Effect::Failed && action.required();
            let index = i32::try_from(index).unwrap_or(i32::MAX);
            firing.effects.push(ActionEffect { index, action: action.type_name().into(), ..effect });
        }
        if firing.broken {
            if let Some(before) = before {
                self.roll_back(before);
            }
            for effect in &mut firing.effects {
                if matches!(effect.result, Effect::Applied | Effect::Unchanged | Effect::Queued) {
                    let (index, action) = (effect.index, effect.action.clone());
                    *effect = ActionEffect { index, action, ..suppressed("rolled_back") };
                }
            }
        } else {
            self.remember_fire(rule, event);
            decided.groups.extend(rule.dedupe_group());
            decided.replied |= firing.actions.iter().any(|action| action.command.reaches_customer());
            decided.actions.append(&mut firing.actions);
            self.cause_changes(rule, event, &firing.changes, decided);
        }
        decided.fired.push(Fired { rule: rule.id().into(), version: rule.version(), actions: firing.effects });
    }

    fn carry_out(
        &mut self,
        planned: Planned,
        index: usize,
        action: &RuleAction,
        event: &Event<'_>,
        episode: i64,
        firing: &mut Firing<'_>,
    ) -> ActionEffect<'static> {
        match planned {
            Planned::Failed { reason } => ActionEffect { result: Effect::Failed, ..suppressed(reason) },
            Planned::Patch(patch) => {
                if event.chat_kind() == Some(ChatKind::Group) && !firing.rule.allow_group() && concerns_lead(&patch) {
                    return suppressed("not_allowed_in_group");
                }
                match self.apply(&patch, event.occurred_at) {
                    None => ActionEffect { result: Effect::Failed, ..suppressed("nobody_concerned") },
                    Some(applied) => {
                        // The timer that ends the snooze is armed from here once there are timers: the state holds the time.
                        let until = if let Patch::Snooze(until) = patch { Some(until) } else { None };
                        let effect = ActionEffect {
                            until,
                            result: if applied.changed { Effect::Applied } else { Effect::Unchanged },
                            from: applied.from.clone().map(Str::from),
                            to: applied.to.clone().map(Str::from),
                            reason: None,
                            ..suppressed("")
                        };
                        if applied.changed {
                            firing.changes.push((patch, applied));
                        }
                        effect
                    }
                }
            }
            Planned::Command { command, destination, on_unknown } => {
                let rule = firing.rule;
                let expires_at = action.ttl().map(|ttl| event.occurred_at.after(ttl));
                if expires_at.zip(self.clock).is_some_and(|(expires, clock)| clock >= expires) {
                    return suppressed("expired");
                }
                let key = ActionKey {
                    workspace: &event.workspace,
                    event_id: &event.id,
                    rule: rule.id(),
                    version: rule.version(),
                    index,
                    episode,
                };
                let id = Str::from(key.id());
                let owned = |text: &str| Str::from(text.to_owned());
                let lead = self.subject.lead.map(|at| self.state.leads.get(at));
                let conversation = self.subject.conversation.map(|at| self.state.conversations.get(at));
                let gate = Gate {
                    blocked: lead.is_some_and(|cell| cell.state.blocked),
                    window_closes_at: conversation.and_then(|cell| fold::window_closes_at(&cell.state)),
                };
                firing.actions.push(Action {
                    id: id.clone(),
                    workspace: owned(&event.workspace),
                    conversation: owned(conversation.map_or("", |cell| &cell.id)),
                    lead: lead.map(|cell| owned(&cell.id)),
                    event_id: owned(&event.id),
                    rule: owned(rule.id()),
                    rule_version: rule.version(),
                    index: i32::try_from(index).unwrap_or(i32::MAX),
                    created_at: event.occurred_at,
                    parallel: action.parallel().then_some(true),
                    expires_at,
                    on_unknown,
                    gate,
                    destination,
                    command,
                });
                ActionEffect { result: Effect::Queued, id: Some(id), reason: None, ..suppressed("") }
            }
        }
    }

    fn apply(&mut self, patch: &Patch, at: Timestamp) -> Option<Applied> {
        if concerns_lead(patch) {
            let cell = self.state.leads.touch(self.subject.lead?);
            let applied = cell.state.apply(patch)?;
            if applied.changed {
                cell.published = at;
            }
            Some(applied)
        } else {
            self.state.conversations.touch(self.subject.conversation?).state.apply(patch)
        }
    }

    /// Notes when the rule fired, for `once_per`.
    fn remember_fire(&mut self, rule: &Rule, event: &Event<'_>) {
        let mark = match self.limit(rule, event) {
            None => None,
            Some(Limit::Conversation { .. }) => {
                self.subject.conversation.map(|at| self.state.conversations.touch(at).mark_mut(rule.id()))
            }
            Some(Limit::Lead { .. }) => self.subject.lead.map(|at| self.state.leads.touch(at).mark_mut(rule.id())),
        };
        if let Some(mark) = mark {
            mark.at = mark.at.max(event.occurred_at);
        }
    }

    /// Start of the episode the rule fires for, which tells its actions from those of another episode.
    fn episode(&self, rule: &Rule, event: &Event<'_>) -> i64 {
        let episodic = rule.class() == Class::Fallback || rule.once_per() == Some(OncePer::ClosedHours);
        let closed = episodic.then(|| self.closed_since(event)).flatten();
        closed.map_or(0, |since| since.0)
    }

    fn closed_since(&self, event: &Event<'_>) -> Option<Timestamp> {
        *self.closed.get_or_init(|| self.rules.settings().closed_since(event.occurred_at))
    }

    fn cause_changes<'r>(
        &mut self,
        rule: &'r Rule,
        event: &Event<'_>,
        changes: &[(Patch, Applied)],
        decided: &mut Decided<'r>,
    ) {
        if changes.is_empty() {
            return;
        }
        if event.depth.unwrap_or(0) >= DEPTH_MAX {
            decided.refused.push(Refused { rule: rule.id().into(), reason: "depth".into() });
            return;
        }
        for (patch, applied) in changes {
            let kind = kind_of(patch);
            let is_heard = self.told || self.rules.listens_to(kind);
            if is_heard || fold::is_same(kind, applied.from.as_deref(), applied.to.as_deref()) {
                self.cause(event, |origin| origin.event(patch, applied));
            } else {
                self.numbered += 1;
                self.queue.push_back(Caused::Unheard);
            }
        }
    }

    fn cause(&mut self, event: &Event<'_>, of: impl FnOnce(&Origin<'_>) -> Event<'static>) {
        self.numbered += 1;
        let origin = Origin {
            event,
            number: self.numbered,
            input_id: self.input_id,
            conversation: self.subject.conversation.map(|at| &*self.state.conversations.get(at).id),
            lead: self.subject.lead.map(|at| &*self.state.leads.get(at).id),
        };
        let caused = Caused::Event(Box::new(of(&origin)));
        self.queue.push_back(caused);
    }

    /// What taking a snapshot and dropping it takes, by how many values there are and how long they are.
    fn snapshot_steps(&self) -> u32 {
        const VALUE: usize = 64;
        let set = |names: &[CompactString]| names.iter().map(|name| VALUE + name.len()).sum::<usize>();
        let lead = self.subject.lead.map_or(0, |at| {
            let lead = &self.state.leads.get(at).state;
            let profile = lead.profile.as_deref();
            set(&lead.tags)
                + profile.map_or(0, |profile| 16 * VALUE + set(&profile.lists) + profile.attrs.bytes() * VALUE / 8)
        });
        let conversation = self.subject.conversation.map_or(0, |at| {
            let conversation = &self.state.conversations.get(at).state;
            let details = conversation.details.as_deref();
            let past = details.map_or(0, |details| {
                let texts = details.history.iter().map(|message| VALUE + message.text.as_ref().map_or(0, |t| t.len()));
                texts.sum::<usize>() + 4 * details.week.len()
            });
            set(&conversation.tags) + set(&conversation.room_tags) + past + conversation.attrs.bytes() * VALUE / 8
        });
        copy_steps(lead + conversation)
    }

    fn snapshot(&self) -> (Option<Lead>, Option<Conversation>) {
        let lead = self.subject.lead.map(|at| self.state.leads.get(at).state.clone());
        let conversation = self.subject.conversation.map(|at| self.state.conversations.get(at).state.clone());
        (lead, conversation)
    }

    fn roll_back(&mut self, (lead, conversation): (Option<Lead>, Option<Conversation>)) {
        if let (Some(at), Some(lead)) = (self.subject.lead, lead) {
            self.state.leads.touch(at).state = lead;
        }
        if let (Some(at), Some(conversation)) = (self.subject.conversation, conversation) {
            self.state.conversations.touch(at).state = conversation;
        }
    }

    fn report(
        &self,
        event: &Event<'_>,
        decided: Decided<'_>,
        evaluated: Option<Vec<Evaluated<'_>>>,
        outputs: &mut dyn Outputs,
    ) {
        let silent = decided.fired.is_empty() && decided.refused.is_empty() && !outputs.every_event();
        if silent && evaluated.is_none() {
            return;
        }
        let decision = Decision {
            event_id: Str::from(&*event.id),
            workspace: Str::from(&*event.workspace),
            conversation: self.subject.conversation.map(|at| Str::from(&*self.state.conversations.get(at).id)),
            lead: self.subject.lead.map(|at| Str::from(&*self.state.leads.get(at).id)),
            at: event.occurred_at,
            kind: event.kind,
            rule_set: self.rules.hash().into(),
            fired: decided.fired,
            refused: decided.refused,
            stopped_by: decided.stopped_by.map(|rule| rule.id().into()),
            causation_id: event.causation_id.as_deref().map(Str::from),
            root_id: event.root().into(),
            depth: i32::from(event.depth.unwrap_or(0)),
            scanned_bytes: decided.scanned_bytes,
        };
        if let Some(evaluated) = evaluated {
            outputs.explanation(&explanation(&decision, evaluated));
        }
        if silent {
            return;
        }
        outputs.decision(&decision);
        for action in &decided.actions {
            outputs.action(action);
        }
    }
}

/// What is known of the pass that came to `decision`.
fn explanation<'a>(decision: &'a Decision<'_>, evaluated: Vec<Evaluated<'a>>) -> Explanation<'a> {
    let text = |text: &'a Str<'_>| Str::from(&**text);
    Explanation {
        event_id: text(&decision.event_id),
        workspace: text(&decision.workspace),
        conversation: decision.conversation.as_ref().map(text),
        lead: decision.lead.as_ref().map(text),
        at: decision.at,
        kind: decision.kind,
        rule_set: text(&decision.rule_set),
        evaluated,
        stopped_by: decision.stopped_by.as_ref().map(text),
        causation_id: decision.causation_id.as_ref().map(text),
        root_id: text(&decision.root_id),
        depth: decision.depth,
        scanned_bytes: decision.scanned_bytes,
    }
}

/// Whom a rule's `once_per` limits, and since when a fire counts; ever, where `None`.
#[derive(Clone, Copy)]
enum Limit {
    Conversation { since: Option<Timestamp> },
    Lead { since: Option<Timestamp> },
}

/// A rule while its actions run.
struct Firing<'r> {
    rule: &'r Rule,
    effects: Vec<ActionEffect<'r>>,
    actions: Vec<Action<'static>>,
    changes: Vec<(Patch, Applied)>,
    /// A required action failed.
    broken: bool,
}

impl<'r> Firing<'r> {
    fn new(rule: &'r Rule) -> Firing<'r> {
        Firing { rule, effects: Vec::new(), actions: Vec::new(), changes: Vec::new(), broken: false }
    }
}

fn facts<'a>(state: &'a State, subject: &Subject, event: &'a Event<'a>) -> Facts<'a> {
    Facts {
        event,
        lead: subject.lead.map(|at| &state.leads.get(at).state),
        conversation: subject.conversation.map(|at| &state.conversations.get(at).state),
        first_contact: subject.first_contact,
        conversation_is_new: subject.conversation_is_new,
    }
}

fn suppressed(reason: &'static str) -> ActionEffect<'static> {
    ActionEffect {
        index: 0,
        action: Str::default(),
        result: Effect::Suppressed,
        from: None,
        to: None,
        until: None,
        id: None,
        reason: Some(reason.into()),
    }
}

fn concerns_lead(patch: &Patch) -> bool {
    use kilat_domain::On;
    match patch {
        Patch::ConversationStatus(_)
        | Patch::Snooze(_)
        | Patch::Note { on: On::Conversation, .. }
        | Patch::ConversationPriority(_)
        | Patch::Assignee(_)
        | Patch::Tag { on: On::Conversation, .. }
        | Patch::Attribute { on: On::Conversation, .. } => false,
        Patch::LeadStatus(_)
        | Patch::LeadPriority(_)
        | Patch::Score(_)
        | Patch::Value { .. }
        | Patch::Audience(_)
        | Patch::List { .. }
        | Patch::Consent(_)
        | Patch::Blocked(_)
        | Patch::LeadText { .. }
        | Patch::Note { on: On::Lead, .. }
        | Patch::Tag { on: On::Lead, .. }
        | Patch::Attribute { on: On::Lead, .. } => true,
    }
}
