//! The leads and conversations of one partition.
//!
//! Cells lie in chunks that never move, so that growing copies nothing; one table a kind finds them by workspace and id.
//! A batch's dirty cells are kept in the order they were first touched, so that the block written from them is the same on
//! every run.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use kilat_domain::{Conversation, DisabledRule, Lead, Mark, Timestamp};
use rustc_hash::FxHashMap;

/// Cells in a chunk.
const CHUNK: usize = 1_024;

/// One lead or conversation.
#[derive(Debug)]
pub(crate) struct Cell<T> {
    /// Place of its workspace.
    pub(crate) workspace: u32,
    pub(crate) id: Box<str>,
    pub(crate) state: T,
    pub(crate) marks: Vec<Mark>,
    /// What its last event said of who wrote and through which channel, hashed; 0 where that is not known. Saves comparing
    /// texts that lie all over memory.
    pub(crate) origin: u64,
    /// Touched since the last commit.
    dirty: bool,
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
    places: HashTable<Place>,
    /// Keyed at random, as ids come from outside; nothing depends on the order of the table.
    hasher: RandomState,
    dirty: Vec<u32>,
}

/// A cell's place, with its whole hash, so that the table grows without looking at cells.
#[derive(Debug)]
struct Place {
    hash: u64,
    at: u32,
}

impl<T> Default for Cells<T> {
    fn default() -> Self {
        let (chunks, dirty) = (Vec::new(), Vec::new());
        Cells { chunks, places: HashTable::new(), hasher: RandomState::new(), dirty }
    }
}

impl<T> Cells<T> {
    /// The place of the cell, made with `state` where it is not known; whether it is new.
    fn find(&mut self, workspace: u32, id: &str, state: impl FnOnce() -> T) -> (u32, bool) {
        let hash = self.hasher.hash_one((workspace, id));
        let known = self.places.find(hash, |place| {
            let cell = &self.chunks[place.at as usize / CHUNK][place.at as usize % CHUNK];
            place.hash == hash && cell.workspace == workspace && *cell.id == *id
        });
        if let Some(place) = known {
            return (place.at, false);
        }
        let at = u32::try_from(self.len()).expect("a partition holds fewer than 2^32 cells");
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let (state, marks) = (state(), Vec::new());
        let cell = Cell { workspace, id: id.into(), state, marks, origin: 0, dirty: false, published: None };
        self.chunks.last_mut().expect("just made sure").push(cell);
        self.places.insert_unique(hash, Place { hash, at }, |place| place.hash);
        (at, true)
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
#[derive(Debug, Default)]
pub(crate) struct State {
    names: FxHashMap<Box<str>, u32>,
    workspaces: Vec<Workspace>,
    pub(crate) leads: Cells<Lead>,
    pub(crate) conversations: Cells<Conversation>,
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

    /// The workspace at this place.
    pub(crate) fn workspace_mut(&mut self, at: u32) -> &mut Workspace {
        &mut self.workspaces[at as usize]
    }

    /// The lead, made new with `status` where it is not known; whether it is new.
    pub(crate) fn lead(&mut self, workspace: u32, id: &str, status: &str) -> (u32, bool) {
        self.leads.find(workspace, id, || Lead::new(status))
    }

    /// The conversation, made new where it is not known; whether it is new.
    pub(crate) fn conversation(&mut self, workspace: u32, id: &str, first_seen: Timestamp) -> (u32, bool) {
        self.conversations.find(workspace, id, || Conversation::new(first_seen))
    }

    /// Rules the loop guard has met since the last commit, as they are now; workspaces in the order they were first seen.
    pub(crate) fn dirty_loops(&self) -> Vec<DisabledRule<'static>> {
        let dirty = self.workspaces.iter().filter(|workspace| workspace.loops_dirty);
        dirty.flat_map(|workspace| workspace.loops.iter().cloned()).collect()
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
