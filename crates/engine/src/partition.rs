//! The state machine of one partition: event in, state changed, decisions out; and its state blocks.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;

use kilat_domain::{
    ChainPosition, Event, EventKind, InputRange, Lead, LeadRecord, Packed, SeenDay, StateBlock, Str, Timestamp,
};
use kilat_rules::{Memory, RuleSet, STEPS_MAX, Scratch, Settings};

use crate::anchors::Anchors;
use crate::chain::{self, BrokenChain};
use crate::cutter::{BLOCK_BYTES, Cutter};
use crate::fold;
use crate::guard::Chain;
use crate::identity;
use crate::outputs::Outputs;
use crate::parts_hasher::PartsHasher;
use crate::pass::{self, Caused, Subject};
use crate::prefetch;
use crate::seen::{Key, Seen};
use crate::state::{Sought, State, UNPUBLISHED};

/// Most bytes an anchor takes in a block, and a spread beside its workspace.
const ANCHOR_BYTES: usize = 15;
const SPREAD_BYTES: usize = 24;

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Folded, and evaluated together with the events it caused.
    Evaluated {
        /// Events evaluated beside it: introductions of a new lead or conversation where a rule listens to them, and events
        /// that rules caused.
        caused: u32,
    },
    /// Seen before; nothing was done (D-33).
    Duplicate,
    /// Remembered, and passed on to the partition of its lead.
    PassedOn,
}

/// What an event will be looked up by, known before its turn: [`Partition::foresee`].
///
/// Memory answers in the time of a hundred comparisons, and an event needs it in a dozen places. Those who hold several
/// events foresee them all, approach them all, reach for them all, then apply them in order: most of what an event needs is there when its
/// turn comes.
#[derive(Clone, Copy, Debug)]
pub struct Foreseen {
    by_event: Key,
    by_message: Option<Key>,
    pub(crate) workspace: u32,
    conversation: Option<Sought>,
    /// Unknown where the lead is the one its conversation is known to have.
    lead: Option<Sought>,
}

/// What a batch knows and its block says, so that the batch can be run again.
#[derive(Clone, Debug, Default)]
pub struct BatchHeader {
    /// The input partition.
    pub partition: u32,
    /// What was read, in the order it was interleaved.
    pub inputs: Vec<InputRange>,
    /// What became of each record, as [`kilat_domain::Fate::runs`].
    pub fates: Vec<i64>,
    /// Decisions.
    pub decisions: i64,
    /// Actions these queued.
    pub actions: i64,
    /// Offset of the rules topic up to which rule sets were live.
    pub rule_epoch: i64,
    /// The wall clock that append times were held against, where one was.
    pub clock: Option<Timestamp>,
}

/// Everything the engine remembers of one partition.
#[derive(Debug, Default)]
pub struct Partition {
    pub(crate) state: State,
    pub(crate) seen: Seen,
    pub(crate) anchors: Anchors,
    /// Workspaces whose leads have to move since this batch.
    pub(crate) begun: Vec<u32>,
    /// The last block that is committed.
    pub(crate) position: ChainPosition,
    /// The last block that was written.
    pub(crate) written: ChainPosition,
    pub(crate) now: Timestamp,
    /// Settings of a workspace that has no rule set.
    pub(crate) bare: Settings,
    scratch: Scratch,
    chain: Chain,
    queue: VecDeque<Caused>,
    pub(crate) hasher: PartsHasher,
    /// The wall clock, where one was asked.
    clock: Option<Timestamp>,
    /// What the latest event took.
    steps: u32,
}

impl Partition {
    /// An empty partition.
    pub fn new() -> Partition {
        Partition::default()
    }

    /// Works out what `event` will be looked up by, and begins to fetch where that is written. Changes nothing an event can
    /// tell.
    pub fn foresee(&mut self, event: &Event<'_>, rules: Option<&RuleSet>) -> Foreseen {
        rules.inspect(|rules| rules.lines(0, &mut prefetch::line));
        let settings = rules.map_or(&self.bare, RuleSet::settings);
        let workspace = self.state.find(&event.workspace);
        let hasher = &mut self.hasher;
        let sought = |id: Cow<'_, str>| self.state.sought(workspace, &id);
        let conversation = identity::conversation_id(event, settings).map(sought);
        let lead = identity::lead_id(event, settings).map(sought);
        let by_event = Key::of(&[&event.workspace, "id", &event.id], hasher);
        let by_message = message_key(event, hasher);
        self.seen.prefetch_segment(by_event);
        by_message.inspect(|key| self.seen.prefetch_segment(*key));
        conversation.inspect(|sought| self.state.conversations.prefetch_place(sought));
        lead.inspect(|sought| self.state.leads.prefetch_place(sought));
        Foreseen { by_event, by_message, workspace, conversation, lead }
    }

    /// Begins to fetch the idempotency keys of an event that was foreseen some time ago, where its lead and conversation are, and
    /// `rules` that may be far: those it was foreseen with, unless the event before has the same.
    pub fn approach(&self, event: &mut Foreseen, rules: Option<&RuleSet>) {
        rules.inspect(|rules| rules.lines(1, &mut prefetch::line));
        self.seen.prefetch_line(event.by_event);
        event.by_message.inspect(|key| self.seen.prefetch_line(*key));
        event.conversation.iter_mut().for_each(|sought| self.state.conversations.prefetch_home(sought));
        event.lead.iter_mut().for_each(|sought| self.state.leads.prefetch_home(sought));
    }

    /// Begins to fetch the lead and the conversation of an event that was approached some time ago, and the rest of its rules.
    pub fn reach(&self, event: &Foreseen, rules: Option<&RuleSet>) {
        rules.inspect(|rules| rules.lines(2, &mut prefetch::line));
        event.conversation.inspect(|sought| self.state.conversations.prefetch_cell(sought));
        event.lead.inspect(|sought| self.state.leads.prefetch_cell(sought));
    }

    /// Applies one event: folds it, runs the pass of `rules`, then the passes of everything that pass caused.
    ///
    /// `now` is when the record was appended; it moves the window of idempotency keys and nothing else. Rules read the
    /// event's own time.
    pub fn apply(
        &mut self,
        event: &Event<'_>,
        rules: Option<&RuleSet>,
        now: Timestamp,
        outputs: &mut dyn Outputs,
    ) -> Applied {
        let foreseen = self.foresee(event, rules);
        self.apply_foreseen(event, &foreseen, rules, now, outputs)
    }

    /// As [`Self::apply`], for an event that was foreseen with the same rule set.
    pub fn apply_foreseen(
        &mut self,
        event: &Event<'_>,
        foreseen: &Foreseen,
        rules: Option<&RuleSet>,
        now: Timestamp,
        outputs: &mut dyn Outputs,
    ) -> Applied {
        self.seen.advance(now);
        if !self.is_first_seen(foreseen) {
            return Applied::Duplicate;
        }
        if let Some(route) = self.route(event, foreseen, rules, outputs)
            && route.share != 0
        {
            outputs.pass_on(route.share, route.anchor);
            return Applied::PassedOn;
        }
        self.evaluate_event(event, foreseen, rules, outputs)
    }

    /// As [`Self::apply_foreseen`], for an event that the partition of its workspace has passed on to this one, with its
    /// anchor. Whether it was seen before is known there.
    pub fn apply_passed_on(
        &mut self,
        event: &Event<'_>,
        foreseen: &Foreseen,
        rules: Option<&RuleSet>,
        anchor: u32,
        outputs: &mut dyn Outputs,
    ) -> Applied {
        match rules {
            Some(rules) => self.note_anchor(event, rules.settings(), anchor),
            None => self.note_anchor(event, &Settings::default(), anchor),
        }
        self.evaluate_event(event, foreseen, rules, outputs)
    }

    fn evaluate_event(
        &mut self,
        event: &Event<'_>,
        foreseen: &Foreseen,
        rules: Option<&RuleSet>,
        outputs: &mut dyn Outputs,
    ) -> Applied {
        self.now = self.now.max(event.occurred_at);

        let settings = rules.map_or(&self.bare, RuleSet::settings);
        let memory = rules.map_or(&Memory::NONE, RuleSet::memory);
        let subject = fold_into(&mut self.state, event, foreseen, settings, memory);
        // What introduces a lead or a conversation has the same root, and counts in the same chain (D-38).
        self.chain.clear();
        let (mut caused, mut steps_left) = (0, STEPS_MAX);
        if let Some(rules) = rules.filter(|_| !event.is_history()) {
            for (_, kind) in subject.first_seen().iter().filter(|(is_new, _)| *is_new) {
                if event.kind != *kind && (rules.listens_to(*kind) || outputs.every_event()) {
                    let (more, left) = self.introduce(event, *kind, &subject, rules, steps_left, outputs);
                    caused += 1 + more;
                    steps_left = left;
                }
            }
            let (more, left) = self.evaluate(event, &subject, rules, steps_left, outputs);
            caused += more;
            self.steps = STEPS_MAX - left;
        }
        Applied::Evaluated { caused }
    }

    /// Says what time it is by the wall clock: outbound actions whose `ttl` has passed by then, counted from their event's
    /// time, are suppressed as `expired` and not queued, so that what a stopped engine catches up with disturbs nobody.
    /// It is part of the input, and belongs in the block's header. Without it nothing expires here; executors hold every
    /// action against their own clock again.
    pub fn tell_time(&mut self, clock: Option<Timestamp>) {
        self.clock = clock;
    }

    /// The steps of its budget that the latest evaluated event took with everything it caused (D-43).
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// The last block that was taken in or settled.
    pub fn position(&self) -> ChainPosition {
        self.position
    }

    /// Whether everything it holds is in the blocks up to [`Self::position`].
    pub fn is_settled(&self) -> bool {
        self.position == self.written && self.state.is_settled() && self.seen.is_settled() && self.anchors.is_settled()
    }

    /// What was read and what changed since the last [`Self::settle`], for the state topic: no block where that is nothing,
    /// several where one record would not hold it. They go into one transaction, in order.
    pub fn blocks(&mut self, header: BatchHeader) -> Vec<StateBlock<'static>> {
        let blocks = RefCell::new(Cutter::new(header, self.now));
        self.state.write(|lead| blocks.borrow_mut().lead(lead), |other| blocks.borrow_mut().conversation(other));
        let mut blocks = blocks.into_inner();
        for day in self.seen.fresh() {
            let whole = day.keys.chunks(BLOCK_BYTES / SeenDay::KEY_BYTES_MAX);
            for keys in whole.chain(day.keys.is_empty().then_some(&[][..])) {
                let bytes = keys.len() * SeenDay::KEY_BYTES_MAX;
                blocks.room_for(bytes).seen.push(SeenDay { day: day.day, keys: keys.to_vec() });
            }
        }
        for disabled in self.state.dirty_loops() {
            let bytes = disabled.hits.iter().map(|hit| hit.conversation.len()).sum::<usize>() + disabled.rule.len();
            blocks.room_for(bytes).disabled.push(disabled);
        }
        for anchor in self.anchors.fresh() {
            blocks.room_for(ANCHOR_BYTES).anchors.push(anchor);
        }
        for spread in self.state.dirty_spreads() {
            blocks.room_for(spread.workspace.len() + SPREAD_BYTES).spreads.push(spread);
        }
        let mut blocks = blocks.done();
        self.written = self.position;
        blocks.iter_mut().for_each(|block| chain::append(&mut self.written, block));
        blocks
    }

    /// Leads that changed since the last [`Self::settle`] in a way data teams see.
    pub fn published(&self) -> impl Iterator<Item = LeadRecord<'_>> {
        let published = self.state.leads.dirty().filter(|cell| cell.published != UNPUBLISHED);
        published.map(|cell| LeadRecord::of(self.state.name_of(cell), &cell.id, &cell.state, cell.published))
    }

    /// What changed is committed, as [`Self::blocks`] last told it.
    pub fn settle(&mut self) {
        self.position = self.written;
        self.state.settle();
        self.seen.settle();
        self.anchors.settle();
    }

    /// Takes in the next block of the state topic.
    ///
    /// *Errors:* the block does not follow on those taken in before, or holds what cannot be read; the partition is of no more
    /// use then.
    pub fn restore(&mut self, block: StateBlock<'_>) -> Result<(), BrokenChain> {
        let position = chain::follow(self.position, &block)?;
        self.take_in(block)?;
        (self.position, self.written) = (position, position);
        Ok(())
    }

    /// Takes in values and changes, whatever place they have in the chain.
    pub(crate) fn take_in(&mut self, block: StateBlock<'_>) -> Result<(), BrokenChain> {
        self.now = self.now.max(block.now);
        self.state.take_in_leads(&block.lead_entries)?;
        self.state.take_in_conversations(&block.conversation_entries)?;
        self.seen.restore(&block.seen);
        for disabled in block.disabled {
            let workspace = self.state.find(&disabled.workspace);
            let loops = &mut self.state.workspace_mut(workspace).loops;
            loops.retain(|known| known.rule != disabled.rule);
            loops.push(kilat_domain::DisabledRule {
                workspace: disabled.workspace.into_owned(),
                rule: disabled.rule.into_owned(),
                ..disabled
            });
        }
        self.anchors.restore(&block.anchors);
        self.state.take_in_spreads(&block.spreads);
        self.state.settle();
        self.seen.settle();
        self.anchors.settle();
        Ok(())
    }

    /// Packs everything that is not at rest, as if it had not been in use for long. To be called after [`Self::settle`].
    pub fn rest(&mut self) {
        self.state.rest();
    }

    /// Hands over every lead, in the order they were first seen.
    pub fn for_each_lead(&self, mut visit: impl FnMut(&LeadRecord<'_>)) {
        self.state.leads.packed(0, |_, workspace, id, packed| {
            if packed.is_empty() {
                return true;
            }
            let (lead, _) = Lead::unpack(packed).expect("what rests was packed here, or unpacked when it was taken in");
            visit(&LeadRecord::of(&self.state.workspace(workspace).name, id, &lead, self.now));
            true
        });
    }

    /// About how many bytes of memory everything takes that is remembered, as it rests: leads, conversations, idempotency keys,
    /// anchors. What lies unpacked beside is bounded by [`Self::limit_unpacked`].
    pub fn bytes(&self) -> usize {
        self.state.bytes() + self.seen.bytes() + self.anchors.bytes()
    }

    /// Keeps about so many bytes of leads and conversations unpacked between two batches, those used last. What is unpacked
    /// saves work when it is used again and changes nothing an event can tell.
    pub fn limit_unpacked(&mut self, bytes: usize) {
        self.state.limit_unpacked(bytes);
    }

    /// How many leads and conversations are remembered.
    pub fn len(&self) -> (usize, usize) {
        (self.state.leads.present(), self.state.conversations.present())
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }

    /// Remembers the event's idempotency keys; whether both are new. Only a new message counts by its provider id: edits,
    /// deletions and receipts carry the id of the message they are about.
    fn is_first_seen(&mut self, event: &Foreseen) -> bool {
        self.seen.insert(event.by_event) && event.by_message.is_none_or(|key| self.seen.insert(key))
    }

    /// As [`Self::evaluate`], of the event that introduces a lead or conversation first seen with `event`. Apart, because most
    /// have been seen, and an event is large.
    #[inline(never)]
    fn introduce(
        &mut self,
        event: &Event<'_>,
        kind: EventKind,
        subject: &Subject,
        rules: &RuleSet,
        steps_left: u32,
        outputs: &mut dyn Outputs,
    ) -> (u32, u32) {
        self.evaluate(&introduction(event, kind), subject, rules, steps_left, outputs)
    }

    /// Runs the pass of `event` and of everything it causes, first in, first out, with so many steps. How many it caused,
    /// and how many steps are left.
    fn evaluate(
        &mut self,
        event: &Event<'_>,
        subject: &Subject,
        rules: &RuleSet,
        steps_left: u32,
        outputs: &mut dyn Outputs,
    ) -> (u32, u32) {
        let explained = outputs.explain() || rules.settings().explains(event.root());
        let mut chain = pass::ChainOf {
            state: &mut self.state,
            fires: &mut self.chain,
            queue: &mut self.queue,
            subject,
            rules,
            input_id: &event.id,
            numbered: 0,
            steps_left,
            explain_steps_left: STEPS_MAX,
            clock: self.clock,
            closed: OnceCell::new(),
            explained,
            told: explained || outputs.every_event(),
        };
        chain.pass(event, &mut self.scratch, outputs);
        let mut caused = 0;
        while let Some(next) = chain.queue.pop_front() {
            caused += 1;
            chain.pass_caused(next, &mut self.scratch, outputs);
        }
        (caused, chain.steps_left)
    }
}

/// Finds or makes the event's lead and conversation, and folds the event into them.
fn fold_into(
    state: &mut State,
    event: &Event<'_>,
    foreseen: &Foreseen,
    settings: &Settings,
    memory: &Memory,
) -> Subject {
    let workspace = foreseen.workspace;
    let mut subject = Subject { workspace, ..Subject::default() };
    if let (Some(sought), Some(id)) = (foreseen.conversation, identity::conversation_id(event, settings)) {
        let (at, new) = state.conversation(sought, workspace, &id, event.occurred_at);
        (subject.conversation, subject.conversation_is_new) = (Some(at), new);
    }
    let lead_id = identity::lead_id(event, settings).or_else(|| {
        let conversation = state.conversations.get(subject.conversation?);
        conversation.state.lead.as_deref().map(|id| Cow::Owned(id.to_owned()))
    });
    let lead = lead_id.as_deref().map(|id| foreseen.lead.unwrap_or_else(|| state.sought(workspace, id)));
    if let (Some(sought), Some(id)) = (lead, &lead_id) {
        let (at, new) = state.lead(sought, workspace, id, settings.first_status());
        (subject.lead, subject.lead_is_new) = (Some(at), new);
    }

    if let Some(at) = subject.conversation {
        let (known, lead) = (&state.conversations.get(at).state, lead_id.as_deref());
        if fold::only_counts(known, event, lead, settings, memory) {
            let folded = cfg!(debug_assertions).then(|| {
                let mut folded = known.clone();
                fold::conversation(&mut folded, event, lead, settings, memory);
                folded
            });
            fold::count(state.conversations.count(at), event);
            debug_assert_eq!(folded.as_ref(), Some(&state.conversations.get(at).state), "more than counts is folded");
        } else {
            fold::conversation(&mut state.conversations.touch(at).state, event, lead, settings, memory);
        }
    }
    if let Some(at) = subject.lead {
        let cell = state.leads.get_mut(at);
        let folded = fold::lead(&mut cell.state, event, settings);
        if folded.visible || subject.lead_is_new {
            cell.published = event.occurred_at;
        }
        if folded.any || subject.lead_is_new {
            state.leads.touch(at);
        }
        subject.first_contact = folded.first_message;
    }
    subject
}

fn message_key(event: &Event<'_>, hasher: &mut PartsHasher) -> Option<Key> {
    let id = event.message.as_ref()?.id.as_deref()?;
    let account = event.channel.as_ref().and_then(|channel| channel.account.as_deref()).unwrap_or_default();
    (event.kind == EventKind::MessageCreated).then(|| Key::of(&[&event.workspace, "message", account, id], hasher))
}

/// The event that introduces a lead or conversation first seen with `event`: everything the sender knew, under an id of
/// its own.
fn introduction<'e>(event: &'e Event<'_>, kind: EventKind) -> Event<'e> {
    let suffix = if kind == EventKind::LeadCreated { "lead" } else { "conversation" };
    Event {
        id: format!("{}/{suffix}", event.id).into(),
        workspace: Str::from(&*event.workspace),
        kind,
        message: None,
        sender: None,
        root_id: Some(Str::from(event.root())),
        ..event.clone()
    }
}
