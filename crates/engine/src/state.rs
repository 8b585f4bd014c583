//! The leads and conversations of one partition.
//!
//! Cells lie in chunks that never move, so that growing copies nothing; one table a kind finds them by workspace and id.
//! A batch's dirty cells are kept in the order they were first touched, so that the block written from them is the same on
//! every run.

use std::hash::{BuildHasher, RandomState};

use kilat_domain::{Conversation, DisabledRule, Lead, Mark, Timestamp};
use rustc_hash::FxHashMap;

use crate::identity::Origin;
use crate::parts_hasher::PartsHasher;
use crate::prefetch::prefetch_all;
use crate::slots::Slots;

/// Cells in a chunk.
const CHUNK: usize = 1_024;

/// Which lead or conversation of which workspace, as a keyed hash of 128 bits: two of a billion cells share one with a chance
/// of 10^-21, so that cells are told apart by it alone and their ids, which lie elsewhere, are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(u128);

impl Identity {
    fn slot(self) -> u64 {
        (self.0 >> 64) as u64
    }
}

/// One lead or conversation.
#[derive(Debug)]
pub(crate) struct Cell<T> {
    identity: Identity,
    /// What its events last said of its channel and lead, and of its customer, hashed; 0 where that is not known. Saves
    /// comparing texts that lie all over memory.
    pub(crate) origin: Origin,
    /// Place of its workspace.
    pub(crate) workspace: u32,
    /// Touched since the last commit.
    dirty: bool,
    pub(crate) state: T,
    pub(crate) marks: Vec<Mark>,
    pub(crate) id: Box<str>,
    /// Event time of the last change data teams see, where there was one since the last commit.
    pub(crate) published: Option<Timestamp>,
}

impl<T> Cell<T> {
    /// What `rule` remembers of this cell.
    pub(crate) fn mark(&self, rule: &str) -> Option<&Mark> {
        self.marks.iter().find(|mark| *mark.rule == *rule)
    }

    /// What `rule` remembers of this cell, made new where it remembers nothing.
    pub(crate) fn mark_mut(&mut self, rule: &str) -> &mut Mark {
        match self.marks.iter().position(|mark| *mark.rule == *rule) {
            Some(at) => &mut self.marks[at],
            None => {
                self.marks.push(Mark { rule: rule.into(), version: 0, at: Timestamp::MIN, quarantined: false });
                self.marks.last_mut().expect("just pushed")
            }
        }
    }
}

/// All cells of one kind.
#[derive(Debug)]
pub(crate) struct Cells<T> {
    chunks: Vec<Vec<Cell<T>>>,
    places: Slots,
    dirty: Vec<u32>,
}

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Cells { chunks: Vec::new(), places: Slots::default(), dirty: Vec::new() }
    }
}

impl<T> Cells<T> {
    /// The place of the cell, where it is known.
    pub(crate) fn find(&self, identity: Identity) -> Option<u32> {
        self.places.find(identity.slot(), |at| self.get(at).identity == identity)
    }

    /// The place of the cell, made with `state` where it is not known; whether it is new.
    fn find_or_make(&mut self, identity: Identity, key: (u32, &str), state: impl FnOnce() -> T) -> (u32, bool) {
        if let Some(at) = self.find(identity) {
            return (at, false);
        }
        let at = u32::try_from(self.len()).ok().filter(|at| *at < u32::MAX);
        let at = at.expect("a partition holds fewer than 2^32 - 1 cells");
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let ((workspace, id), state, marks) = (key, state(), Vec::new());
        let cell = Cell {
            identity,
            origin: Origin::default(),
            workspace,
            dirty: false,
            state,
            marks,
            id: id.into(),
            published: None,
        };
        self.chunks.last_mut().expect("just made sure").push(cell);
        self.places.insert(identity.slot(), at);
        (at, true)
    }

    /// Begins to fetch what [`Self::find`] will look at.
    pub(crate) fn prefetch_place(&self, identity: Identity) {
        self.places.prefetch(identity.slot());
    }

    /// Begins to fetch the cell, where it is known.
    pub(crate) fn prefetch_cell(&self, identity: Identity) {
        // Without looking into the cell, which would wait for it: the tag alone is wrong once in four billion.
        if let Some(at) = self.places.find(identity.slot(), |_| true) {
            prefetch_all(self.get(at));
        }
    }

    pub(crate) fn get(&self, at: u32) -> &Cell<T> {
        &self.chunks[at as usize / CHUNK][at as usize % CHUNK]
    }

    /// The cell; whoever changes it notes that with [`Self::touch`].
    pub(crate) fn get_mut(&mut self, at: u32) -> &mut Cell<T> {
        &mut self.chunks[at as usize / CHUNK][at as usize % CHUNK]
    }

    /// The cell, noted as dirty.
    pub(crate) fn touch(&mut self, at: u32) -> &mut Cell<T> {
        if !self.get(at).dirty {
            self.get_mut(at).dirty = true;
            self.dirty.push(at);
        }
        self.get_mut(at)
    }

    /// Dirty cells, in the order they were first touched.
    pub(crate) fn dirty(&self) -> impl ExactSizeIterator<Item = &Cell<T>> {
        self.dirty.iter().map(|at| self.get(*at))
    }

    /// The cells from `from` on.
    pub(crate) fn from(&self, from: usize) -> impl Iterator<Item = &Cell<T>> {
        (from..self.len()).map(|at| &self.chunks[at / CHUNK][at % CHUNK])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Cell<T>> {
        self.chunks.iter().flatten()
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    fn settle(&mut self) {
        for at in std::mem::take(&mut self.dirty) {
            let cell = self.get_mut(at);
            cell.dirty = false;
            cell.published = None;
        }
    }
}

/// What a partition remembers of a workspace itself.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) name: Box<str>,
    /// Rules the loop guard has met, by id.
    pub(crate) loops: Vec<DisabledRule<'static>>,
    pub(crate) loops_dirty: bool,
}

/// Everything a partition remembers but its idempotency keys.
#[derive(Debug)]
pub(crate) struct State {
    /// Drawn at random, as ids come from outside; nothing depends on the order it brings about.
    seed: u64,
    names: FxHashMap<Box<str>, u32>,
    workspaces: Vec<Workspace>,
    pub(crate) leads: Cells<Lead>,
    pub(crate) conversations: Cells<Conversation>,
}

impl Default for State {
    fn default() -> Self {
        let (leads, conversations) = (Cells::default(), Cells::default());
        let seed = RandomState::new().hash_one(0);
        State { seed, names: FxHashMap::default(), workspaces: Vec::new(), leads, conversations }
    }
}

impl State {
    /// The place of the workspace of this name, made new where it is not known.
    pub(crate) fn find(&mut self, name: &str) -> u32 {
        if let Some(at) = self.names.get(name) {
            return *at;
        }
        let at = u32::try_from(self.workspaces.len()).expect("a partition holds fewer than 2^32 workspaces");
        let name: Box<str> = name.into();
        self.names.insert(name.clone(), at);
        self.workspaces.push(Workspace { name, loops: Vec::new(), loops_dirty: false });
        at
    }

    /// The workspace at this place.
    pub(crate) fn workspace(&self, at: u32) -> &Workspace {
        &self.workspaces[at as usize]
    }

    /// The name of the cell's workspace.
    pub(crate) fn name_of<T>(&self, cell: &Cell<T>) -> &str {
        &self.workspace(cell.workspace).name
    }

    /// The workspace at this place.
    pub(crate) fn workspace_mut(&mut self, at: u32) -> &mut Workspace {
        &mut self.workspaces[at as usize]
    }

    /// The identity of the lead or conversation of this id.
    pub(crate) fn identity(&self, workspace: u32, id: &str, hasher: &mut PartsHasher) -> Identity {
        Identity(hasher.identity(self.seed, workspace, id))
    }

    /// The lead, made new with `status` where it is not known; whether it is new.
    pub(crate) fn lead(&mut self, identity: Identity, workspace: u32, id: &str, status: &str) -> (u32, bool) {
        self.leads.find_or_make(identity, (workspace, id), || Lead::new(status))
    }

    /// The conversation, made new where it is not known; whether it is new.
    pub(crate) fn conversation(&mut self, identity: Identity, workspace: u32, id: &str, at: Timestamp) -> (u32, bool) {
        self.conversations.find_or_make(identity, (workspace, id), || Conversation::new(at))
    }

    /// Rules the loop guard has met since the last commit, as they are now; workspaces in the order they were first seen.
    pub(crate) fn dirty_loops(&self) -> Vec<DisabledRule<'static>> {
        let dirty = self.workspaces.iter().filter(|workspace| workspace.loops_dirty);
        dirty.flat_map(|workspace| workspace.loops.iter().cloned()).collect()
    }

    /// Rules the loop guard has met, of the workspace at `from`, where there is one.
    pub(crate) fn loops_at(&self, from: usize) -> Option<&[DisabledRule<'static>]> {
        self.workspaces.get(from).map(|workspace| &*workspace.loops)
    }

    /// Whether nothing is dirty.
    pub(crate) fn is_settled(&self) -> bool {
        let cells = self.leads.dirty().len() + self.conversations.dirty().len();
        cells == 0 && !self.workspaces.iter().any(|workspace| workspace.loops_dirty)
    }

    /// What is dirty is committed.
    pub(crate) fn settle(&mut self) {
        self.leads.settle();
        self.conversations.settle();
        for workspace in &mut self.workspaces {
            workspace.loops_dirty = false;
        }
    }
}
