//! The leads and conversations of one partition.
//!
//! Cells live in vectors that only grow within a process; maps find them by workspace and id. A batch's dirty cells are
//! kept in the order they were first touched, so that the block written from them is the same on every run.

use std::collections::HashMap;

use kilat_domain::{Conversation, DisabledRule, Lead, Mark, Timestamp};

/// One lead or conversation.
#[derive(Debug)]
pub(crate) struct Cell<T> {
    pub(crate) workspace: Box<str>,
    pub(crate) id: Box<str>,
    pub(crate) state: T,
    pub(crate) marks: Vec<Mark>,
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
    cells: Vec<Cell<T>>,
    dirty: Vec<u32>,
}

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Cells { cells: Vec::new(), dirty: Vec::new() }
    }
}

impl<T> Cells<T> {
    pub(crate) fn add(&mut self, workspace: &str, id: &str, state: T) -> u32 {
        let at = u32::try_from(self.cells.len()).expect("a partition holds fewer than 2^32 cells");
        let (workspace, id) = (workspace.into(), id.into());
        self.cells.push(Cell { workspace, id, state, marks: Vec::new(), dirty: false, published: None });
        at
    }

    pub(crate) fn get(&self, at: u32) -> &Cell<T> {
        &self.cells[at as usize]
    }

    /// The cell, noted as dirty.
    pub(crate) fn touch(&mut self, at: u32) -> &mut Cell<T> {
        let cell = &mut self.cells[at as usize];
        if !cell.dirty {
            cell.dirty = true;
            self.dirty.push(at);
        }
        cell
    }

    /// Dirty cells, in the order they were first touched.
    pub(crate) fn dirty(&self) -> impl ExactSizeIterator<Item = &Cell<T>> {
        self.dirty.iter().map(|at| &self.cells[*at as usize])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Cell<T>> {
        self.cells.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    fn settle(&mut self) {
        for at in self.dirty.drain(..) {
            let cell = &mut self.cells[at as usize];
            cell.dirty = false;
            cell.published = None;
        }
    }
}

/// Where the cells of one workspace are.
#[derive(Debug)]
pub(crate) struct Workspace {
    name: Box<str>,
    pub(crate) leads: HashMap<Box<str>, u32>,
    pub(crate) conversations: HashMap<Box<str>, u32>,
    /// Rules the loop guard has met, by id.
    pub(crate) loops: Vec<DisabledRule<'static>>,
    pub(crate) loops_dirty: bool,
}

/// Everything a partition remembers but its idempotency keys.
#[derive(Debug, Default)]
pub(crate) struct State {
    names: HashMap<Box<str>, u32>,
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
        let (leads, conversations) = (HashMap::new(), HashMap::new());
        let name: Box<str> = name.into();
        self.names.insert(name.clone(), at);
        self.workspaces.push(Workspace { name, leads, conversations, loops: Vec::new(), loops_dirty: false });
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
        let workspace = &mut self.workspaces[workspace as usize];
        if let Some(at) = workspace.leads.get(id) {
            return (*at, false);
        }
        let at = self.leads.add(&workspace.name, id, Lead::new(status));
        workspace.leads.insert(id.into(), at);
        (at, true)
    }

    /// The conversation, made new where it is not known; whether it is new.
    pub(crate) fn conversation(&mut self, workspace: u32, id: &str, first_seen: Timestamp) -> (u32, bool) {
        let workspace = &mut self.workspaces[workspace as usize];
        if let Some(at) = workspace.conversations.get(id) {
            return (*at, false);
        }
        let at = self.conversations.add(&workspace.name, id, Conversation::new(first_seen));
        workspace.conversations.insert(id.into(), at);
        (at, true)
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
