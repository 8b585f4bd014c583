//! Workspaces whose leads lie on several partitions: which share an event belongs to, and how leads move when their number
//! changes.
//!
//! Input: events of a workspace at its *router*, the owner of the partition of its key; events that a router passed on; steps
//! of a move. Output: the share of an event; steps for shares.
//!
//! A move, from n shares to m, is a line in the router's order of events. At the end of the batch in which the router sees
//! the new number it tells each of the n shares to *leave*, behind everything it routed there, and takes no more events until
//! all have. A share that reads this has applied all that came before; it hands what will belong elsewhere over to its new
//! shares, to *enter* there, a slice a record, telling itself to go on after each; at last it has *left*. What is routed
//! after that lies behind all that entered. Each step is a record that is read and answered in one transaction, so that
//! neither a crash nor a replay needs to know of any of this.
//!
//! - **SP-1**: the anchor of a conversation never changes, nor that of a lead. It is the hash of the lead it was first seen with, where
//!   there was one.
//! - **SP-2**: all events of a conversation have its anchor. A lead has the anchor of its first conversation.
//! - **SP-3**: while a workspace moves, its router takes none of its events.
//! - **SP-4**: a slice is bounded in bytes and in places looked at.

use kilat_domain::{Anchor, Entries, Entry, Event, Lead, Packed, SpreadStep, StepKind, Str};
use kilat_rules::{RuleSet, Settings};

use crate::cutter::BLOCK_BYTES;
use crate::identity;
use crate::outputs::Outputs;
use crate::partition::{Foreseen, Partition};
use crate::seen::Key;
use crate::state::{Cells, Shares};

/// Packed bytes that a share hands over in one slice, about.
const SLICE_BYTES: usize = 2 << 20;
/// Places a share looks at in one slice: others' leads may lie between.
const SLICE_PLACES: usize = 1 << 16;

/// Where an event belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) share: u32,
    pub(crate) anchor: u32,
}

impl Partition {
    /// Whether a workspace waits for its leads to move: none of the partition's events may be taken then, only what others
    /// passed on (SP-3).
    pub fn is_moving(&self) -> bool {
        self.state.is_moving()
    }

    /// Whether events of this workspace may have to be passed on.
    pub fn is_spread(&self, event: &Foreseen, rules: Option<&RuleSet>) -> bool {
        rules.is_some_and(|rules| rules.settings().spread() > 1)
            || self.state.workspace(event.workspace).shares != Shares::ONE
    }

    /// What shares must be told of the moves that began in this batch, behind everything else: with the share.
    pub fn moves(&mut self) -> Vec<(u32, SpreadStep<'static>)> {
        let begun = std::mem::take(&mut self.begun);
        let mut steps = Vec::new();
        for workspace in begun {
            let Shares { now, to, .. } = self.state.workspace(workspace).shares;
            let name = self.state.workspace(workspace).name.to_string();
            steps.extend((0..now).map(|share| (share, step(name.clone().into(), StepKind::Leave, share, to))));
        }
        steps
    }

    /// Where an event of this partition's own inputs belongs; `None` where its workspace is not spread.
    pub(crate) fn route(
        &mut self,
        event: &Event<'_>,
        foreseen: &Foreseen,
        rules: Option<&RuleSet>,
        outputs: &dyn Outputs,
    ) -> Option<Route> {
        let mut shares = self.state.workspace(foreseen.workspace).shares;
        let wanted = rules.map_or(1, |rules| rules.settings().spread());
        if wanted == shares.now && wanted == 1 {
            return None;
        }
        let most = outputs.shares_max(&event.workspace);
        if most == 1 && shares == Shares::ONE {
            return None;
        }
        let (wanted, now) = (wanted.min(most), shares.now);
        if shares.to == 0 && wanted != now {
            (shares.to, shares.waiting) = (wanted, u64::MAX >> (u64::BITS - now));
            self.state.set_shares(foreseen.workspace, shares);
            self.begun.push(foreseen.workspace);
        }
        if now == 1 {
            return None;
        }
        let bare;
        let settings = match rules {
            Some(rules) => rules.settings(),
            None => {
                bare = Settings::default();
                &bare
            }
        };
        let keys = self.keys_of(event, settings);
        let anchor = self.anchor(keys)?;
        Some(Route { share: anchor % now, anchor })
    }

    /// Notes the anchor that an event has which was passed on to here.
    pub(crate) fn note_anchor(&mut self, event: &Event<'_>, settings: &Settings, anchor: u32) {
        for key in self.keys_of(event, settings).into_iter().flatten() {
            if self.anchors.find(key).is_none() {
                self.anchors.set(key, anchor);
            }
        }
    }

    /// Keys of the event's conversation and lead.
    fn keys_of(&mut self, event: &Event<'_>, settings: &Settings) -> [Option<Key>; 2] {
        let hasher = &mut self.hasher;
        let conversation = identity::conversation_id(event, settings);
        let conversation = conversation.map(|id| Key::of(&[&event.workspace, CONVERSATION, &id], hasher));
        let lead = identity::lead_id(event, settings);
        let lead = lead.map(|id| Key::of(&[&event.workspace, LEAD, &id], hasher));
        [conversation, lead]
    }

    /// The anchor of a conversation and lead that belong together, which both have from now on where they had none;
    /// `None` where there is neither (SP-1, SP-2).
    fn anchor(&mut self, keys: [Option<Key>; 2]) -> Option<u32> {
        let [conversation, lead] = keys;
        let known = keys.into_iter().flatten().find_map(|key| self.anchors.find(key));
        let anchor = known.or_else(|| lead.or(conversation).map(|key| (key.bits() >> 32) as u32))?;
        for key in keys.into_iter().flatten() {
            if self.anchors.find(key).is_none() {
                self.anchors.set(key, anchor);
            }
        }
        Some(anchor)
    }

    /// Carries out a step of a move, which [`SpreadStep::check`] was content with.
    pub fn take_step(&mut self, step: &SpreadStep<'_>, outputs: &mut dyn Outputs) {
        match step.kind {
            StepKind::Leave => self.leave(step, outputs),
            StepKind::Enter => self.enter(step),
            StepKind::Left => self.left(step),
            // Of a version that knows more: nobody writes it while this one runs.
            StepKind::Unknown => {}
        }
    }

    /// Hands over the next slice of what will belong to others.
    fn leave(&mut self, told: &SpreadStep<'_>, outputs: &mut dyn Outputs) {
        let (Ok(to), Ok(share)) = (u32::try_from(told.to), u32::try_from(told.share)) else { return };
        let name = &*told.workspace;
        let workspace = self.state.find(name);
        let mut slice = Slice { told, left: SLICE_PLACES, bytes: 0, leaving: Vec::new() };
        slice.leaving.resize_with(to.max(1) as usize, || None);
        let (from, is_lead) = (usize::try_from(told.next / 2).unwrap_or_default(), told.next % 2 == 1);
        let mut next = None;

        // Conversations first: a lead has the anchor of its conversation where it has none of its own (SP-2).
        if !is_lead {
            let mut found = Vec::new();
            let at = slice.look(&self.state.conversations, workspace, from, &mut found);
            for (place, id, value) in found {
                let lead = kilat_domain::Conversation::unpack(&value).ok().and_then(|(state, _)| state.lead);
                let lead = lead.map(|id| Key::of(&[name, LEAD, &id], &mut self.hasher));
                let key = Key::of(&[name, CONVERSATION, &id], &mut self.hasher);
                let Some(anchor) = self.anchor([Some(key), lead]) else { continue };
                if anchor % to.max(1) != share {
                    slice.push(anchor % to.max(1), Kind::Conversation, (&id, &value), (key, anchor), outputs);
                    self.state.conversations.leave(place);
                }
            }
            next = at.map(|at| 2 * at);
        }
        if next.is_none() {
            let mut found = Vec::new();
            let at = slice.look(&self.state.leads, workspace, if is_lead { from } else { 0 }, &mut found);
            for (place, id, value) in found {
                let key = Key::of(&[name, LEAD, &id], &mut self.hasher);
                let Some(anchor) = self.anchor([None, Some(key)]) else { continue };
                if anchor % to.max(1) != share {
                    slice.push(anchor % to.max(1), Kind::Lead, (&id, &value), (key, anchor), outputs);
                    self.state.leads.leave(place);
                }
            }
            next = at.map(|at| 2 * at + 1);
        }
        slice.finish(outputs);
        match next {
            Some(next) => outputs.step(share, &SpreadStep { next: next as i64, ..of(told, StepKind::Leave) }),
            None => outputs.step(0, &of(told, StepKind::Left)),
        }
    }

    /// Takes in what another share handed over.
    fn enter(&mut self, step: &SpreadStep<'_>) {
        self.anchors.restore(&step.anchors);
        let workspace = self.state.find(&step.workspace);
        for entry in step.conversation_entries.iter().flatten() {
            if let Entry::Whole { id, value, .. } = entry {
                let identity = self.state.identity(workspace, id);
                // A step is checked before it is taken: nothing here fails.
                let _ = self.state.conversations.enter(identity, (workspace, id), value, |_, _| false);
            }
        }
        for entry in step.lead_entries.iter().flatten() {
            if let Entry::Whole { id, value, .. } = entry {
                let identity = self.state.identity(workspace, id);
                // A lead that a group chat knows, too, may lie on two shares that become one: the one who wrote more stays.
                let stays = |known: &Lead, coming: &Lead| known.messages > coming.messages;
                let _ = self.state.leads.enter(identity, (workspace, id), value, stays);
            }
        }
    }

    /// Notes at the router that a share has given away what it must; goes on once all have.
    fn left(&mut self, step: &SpreadStep<'_>) {
        let workspace = self.state.find(&step.workspace);
        let mut shares = self.state.workspace(workspace).shares;
        let bit = u32::try_from(step.share).ok().and_then(|share| 1_u64.checked_shl(share)).unwrap_or_default();
        shares.waiting &= !bit;
        if shares.to != 0 && shares.waiting == 0 {
            shares = Shares { now: shares.to, to: 0, waiting: 0 };
        }
        self.state.set_shares(workspace, shares);
    }
}

const CONVERSATION: &str = "conversation";
const LEAD: &str = "lead";

#[derive(Clone, Copy)]
enum Kind {
    Lead,
    Conversation,
}

/// A lead or conversation as it lies here: place, id and packed form.
type Found = (u32, Box<str>, Box<[u8]>);

/// A slice of what a share hands over.
struct Slice<'s> {
    told: &'s SpreadStep<'s>,
    /// Places that may still be looked at.
    left: usize,
    /// Bytes found so far.
    bytes: usize,
    /// What each share gets, and how many bytes that is.
    leaving: Vec<Option<(SpreadStep<'static>, usize)>>,
}

impl Slice<'_> {
    /// The workspace's leads or conversations from this place on, as far as the slice goes; where the next slice begins.
    fn look<T: Packed>(
        &mut self,
        cells: &Cells<T>,
        workspace: u32,
        from: usize,
        found: &mut Vec<Found>,
    ) -> Option<usize> {
        if self.left == 0 || self.bytes >= SLICE_BYTES {
            return Some(from);
        }
        let mut next = None;
        cells.packed(from, |place, of, id, value| {
            if of == workspace && !value.is_empty() {
                self.bytes += id.len() + value.len();
                found.push((place, id.into(), value.into()));
            }
            self.left -= 1;
            let is_full = self.left == 0 || self.bytes >= SLICE_BYTES;
            if is_full {
                next = Some(place as usize + 1);
            }
            !is_full
        });
        next
    }

    fn push(
        &mut self,
        share: u32,
        kind: Kind,
        (id, value): (&str, &[u8]),
        (key, anchor): (Key, u32),
        outputs: &mut dyn Outputs,
    ) {
        let entry = Entry::Whole { place: None, workspace: &self.told.workspace, id, value };
        let place = &mut self.leaving[share as usize];
        if let Some((full, _)) = place.take_if(|(_, bytes)| *bytes + entry.bytes() > BLOCK_BYTES) {
            outputs.step(share, &full);
        }
        let (step, bytes) = place.get_or_insert_with(|| {
            let step = SpreadStep { share: share.cast_signed(), ..of(self.told, StepKind::Enter) };
            (step, 0)
        });
        match kind {
            Kind::Lead => step.lead_entries.push(&entry),
            Kind::Conversation => step.conversation_entries.push(&entry),
        }
        step.anchors.push(Anchor { key: key.bits().cast_signed(), anchor: anchor.cast_signed() });
        *bytes += entry.bytes() + ANCHOR_BYTES;
    }

    fn finish(self, outputs: &mut dyn Outputs) {
        for (share, step) in (0..).zip(self.leaving) {
            if let Some((step, _)) = step {
                outputs.step(share, &step);
            }
        }
    }
}

/// What an anchor takes in a record at most.
const ANCHOR_BYTES: usize = 15;

/// The next step of a move that was told of.
fn of(told: &SpreadStep<'_>, kind: StepKind) -> SpreadStep<'static> {
    let workspace = Str::from(told.workspace.to_string());
    SpreadStep { router: told.router, ..step(workspace, kind, told.share.unsigned_abs(), told.to.unsigned_abs()) }
}

/// A step of which the router's partition is not known here.
fn step(workspace: Str<'static>, kind: StepKind, share: u32, to: u32) -> SpreadStep<'static> {
    SpreadStep {
        workspace,
        router: 0,
        kind,
        share: share.cast_signed(),
        to: to.cast_signed(),
        next: 0,
        lead_entries: Entries::default(),
        conversation_entries: Entries::default(),
        anchors: Vec::new(),
    }
}
