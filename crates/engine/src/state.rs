//! The leads and conversations of one partition.
//!
//! Idle ones rest packed (see [`Packed`]), a few hundred bytes each; those in use lie unpacked beside, and are packed again when
//! some batches have gone by without them. Which ones are unpacked changes nothing an event can tell. One table a kind finds
//! them by workspace and id. What a batch touched is kept in the order it was first touched, so that the block written from it
//! is the same on every run.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use kilat_domain::{Conversation, DisabledRule, Entries, Entry, Lead, Mark, Packed, Timestamp};
use rustc_hash::FxHashMap;

use crate::chain::BrokenChain;
use crate::identity::Origin;
use crate::parts_hasher::PartsHasher;
use crate::prefetch::{prefetch, prefetch_all};
use crate::resting::Resting;
use crate::slots::Slots;

/// Homes, and cells, in a chunk.
const CHUNK: usize = 1_024;
/// Batches without use after which a cell is packed: some seconds of transactions.
const IDLE_BATCHES: u32 = 256;
/// Most cells of a kind that stay unpacked between two batches, about 1 KB each.
const UNPACKED_MAX: usize = 1 << 18;

/// Which lead or conversation of which workspace, as a keyed hash of 128 bits: two of a billion cells share one with a chance
/// of 10^-21, so that cells are told apart by it alone and their ids, which lie elsewhere, are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity([u64; 2]);

impl Identity {
    fn slot(self) -> u64 {
        self.0[0]
    }
}

/// One lead or conversation in use.
#[derive(Debug)]
pub(crate) struct Cell<T> {
    /// What its events last said of its channel and lead, and of its customer, hashed; 0 where that is not known. Saves
    /// comparing texts that lie all over memory.
    pub(crate) origin: Origin,
    /// Place of its workspace.
    pub(crate) workspace: u32,
    /// Its place among all of its kind.
    place: u32,
    /// The batch it was last used in.
    used: u32,
    /// Touched since the last commit.
    dirty: bool,
    /// Changed, or touched at least, since it was packed into `rest`.
    stale: bool,
    pub(crate) state: T,
    pub(crate) marks: Vec<Mark>,
    pub(crate) id: Box<str>,
    /// Event time of the last change data teams see, where there was one since the last commit.
    pub(crate) published: Option<Timestamp>,
    /// As blocks know it; `None` where none does.
    rest: Option<Resting>,
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

/// Where a lead or conversation is at home.
#[derive(Debug)]
struct Home {
    identity: Identity,
    at: At,
}

#[derive(Debug)]
enum At {
    /// At rest.
    Rest(Resting),
    /// Unpacked, in the cell of this number.
    Cell(u32),
}

/// All leads, or all conversations.
#[derive(Debug)]
pub(crate) struct Cells<T> {
    /// By place: places count from 0 in the order of first sight.
    homes: Vec<Vec<Home>>,
    places: Slots,
    cells: Vec<Vec<Option<Cell<T>>>>,
    free: Vec<u32>,
    /// Cells touched since the last commit, in order.
    dirty: Vec<u32>,
    /// What the blocks written since the last commit say of the dirty cells, in the same order, and where each ends.
    written: Vec<u8>,
    ends: Vec<usize>,
    /// Counts commits.
    batch: u32,
    /// Cells, and the batches they were used in.
    used: VecDeque<(u32, u32)>,
}

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Cells {
            homes: Vec::new(),
            places: Slots::default(),
            cells: Vec::new(),
            free: Vec::new(),
            dirty: Vec::new(),
            written: Vec::new(),
            ends: Vec::new(),
            batch: 0,
            used: VecDeque::new(),
        }
    }
}

impl<T: Packed> Cells<T> {
    fn home(&self, place: u32) -> &Home {
        &self.homes[place as usize / CHUNK][place as usize % CHUNK]
    }

    fn home_mut(&mut self, place: u32) -> &mut Home {
        &mut self.homes[place as usize / CHUNK][place as usize % CHUNK]
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.homes.last().map_or(0, |last| (self.homes.len() - 1) * CHUNK + last.len())
    }

    fn place_of(&self, identity: Identity) -> Option<u32> {
        self.places.find(identity.slot(), |place| self.home(place).identity == identity)
    }

    fn add_home(&mut self, identity: Identity, at: At) -> u32 {
        let place = u32::try_from(self.len()).ok().filter(|place| *place < u32::MAX);
        let place = place.expect("a partition holds fewer than 2^32 - 1 cells");
        if self.homes.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.homes.push(Vec::with_capacity(CHUNK));
        }
        self.homes.last_mut().expect("just made sure").push(Home { identity, at });
        self.places.insert(identity.slot(), place);
        place
    }

    fn add_cell(&mut self, cell: Cell<T>) -> u32 {
        if let Some(at) = self.free.pop() {
            self.cells[at as usize / CHUNK][at as usize % CHUNK] = Some(cell);
            return at;
        }
        if self.cells.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.cells.push(Vec::with_capacity(CHUNK));
        }
        let chunk = self.cells.last_mut().expect("just made sure");
        chunk.push(Some(cell));
        let at = chunk.len() - 1;
        u32::try_from((self.cells.len() - 1) * CHUNK + at).expect("fewer cells than places")
    }

    /// The cell, unpacked where it was at rest, and made with `state` where it is not known; whether it is new.
    fn find_or_make(&mut self, identity: Identity, key: (u32, &str), state: impl FnOnce() -> T) -> (u32, bool) {
        let (at, is_new) = match self.place_of(identity) {
            Some(place) => (self.wake(place), false),
            None => {
                let place = u32::try_from(self.len()).unwrap_or(u32::MAX);
                let at = self.add_cell(Cell {
                    origin: Origin::default(),
                    workspace: key.0,
                    place,
                    used: self.batch.wrapping_sub(1),
                    dirty: false,
                    stale: true,
                    state: state(),
                    marks: Vec::new(),
                    id: key.1.into(),
                    published: None,
                    rest: None,
                });
                self.add_home(identity, At::Cell(at));
                (at, true)
            }
        };
        let batch = self.batch;
        if std::mem::replace(&mut self.get_mut(at).used, batch) != batch {
            self.used.push_back((at, batch));
        }
        (at, is_new)
    }

    /// The cell of a place, unpacked where it was at rest.
    fn wake(&mut self, place: u32) -> u32 {
        let rest = match &self.home(place).at {
            At::Cell(at) => return *at,
            At::Rest(rest) => rest,
        };
        let (workspace, id, value) = rest.parts();
        let (state, marks) = T::unpack(value).expect("what rests was packed here, or unpacked when it was taken in");
        let cell = Cell {
            origin: Origin::default(),
            workspace,
            place,
            used: self.batch.wrapping_sub(1),
            dirty: false,
            stale: false,
            state,
            marks,
            id: id.into(),
            published: None,
            rest: None,
        };
        let at = self.add_cell(cell);
        let home = std::mem::replace(&mut self.home_mut(place).at, At::Cell(at));
        if let At::Rest(rest) = home {
            self.get_mut(at).rest = Some(rest);
        }
        at
    }

    /// Packs the cell of this number, which is not dirty.
    fn put_to_rest(&mut self, at: u32) {
        let cell =
            self.cells[at as usize / CHUNK][at as usize % CHUNK].take().expect("only cells in use are put to rest");
        let rest = match cell.rest {
            Some(rest) if !cell.stale => rest,
            _ => {
                let mut value = Vec::new();
                cell.state.pack(&cell.marks, &mut value);
                Resting::new(cell.workspace, &cell.id, &value)
            }
        };
        self.free.push(at);
        self.home_mut(cell.place).at = At::Rest(rest);
    }

    /// Begins to fetch what tells the place.
    pub(crate) fn prefetch_place(&self, identity: Identity) {
        self.places.prefetch(identity.slot());
    }

    /// The place, told without looking at the home, which would wait for it: the tag alone is wrong once in a hundred at worst.
    fn likely_place(&self, identity: Identity) -> Option<u32> {
        self.places.find(identity.slot(), |_| true)
    }

    /// Begins to fetch the home, where it is known.
    pub(crate) fn prefetch_home(&self, identity: Identity) {
        self.likely_place(identity).inspect(|place| prefetch(self.home(*place)));
    }

    /// Begins to fetch what the home names.
    pub(crate) fn prefetch_cell(&self, identity: Identity) {
        match self.likely_place(identity).map(|place| &self.home(place).at) {
            Some(At::Cell(at)) => prefetch_all(&self.cells[*at as usize / CHUNK][*at as usize % CHUNK]),
            Some(At::Rest(rest)) => rest.prefetch(),
            None => {}
        }
    }

    pub(crate) fn get(&self, at: u32) -> &Cell<T> {
        self.cells[at as usize / CHUNK][at as usize % CHUNK].as_ref().expect("a cell in use")
    }

    /// The cell; whoever changes it notes that with [`Self::touch`].
    pub(crate) fn get_mut(&mut self, at: u32) -> &mut Cell<T> {
        self.cells[at as usize / CHUNK][at as usize % CHUNK].as_mut().expect("a cell in use")
    }

    /// The cell, noted as dirty.
    pub(crate) fn touch(&mut self, at: u32) -> &mut Cell<T> {
        if !self.get(at).dirty {
            let cell = self.get_mut(at);
            (cell.dirty, cell.stale) = (true, true);
            self.dirty.push(at);
        }
        self.get_mut(at)
    }

    /// Dirty cells, in the order they were first touched.
    pub(crate) fn dirty(&self) -> impl ExactSizeIterator<Item = &Cell<T>> {
        self.dirty.iter().map(|at| self.get(*at))
    }

    /// Packs every dirty cell, and hands over what blocks must say of it: its place; its workspace and id with the packed form
    /// where they know nothing of it, else the delta. What is as blocks know it is passed over.
    pub(crate) fn write(&mut self, mut visit: impl FnMut(u32, Option<(u32, &str)>, &[u8])) {
        let Cells { cells, dirty, written, ends, .. } = self;
        written.clear();
        ends.clear();
        let mut delta = Vec::new();
        for at in dirty {
            let cell = cells[*at as usize / CHUNK][*at as usize % CHUNK].as_ref().expect("a dirty cell is in use");
            let start = written.len();
            cell.state.pack(&cell.marks, written);
            ends.push(written.len());
            match &cell.rest {
                None => visit(cell.place, Some((cell.workspace, &cell.id)), &written[start..]),
                Some(rest) => {
                    delta.clear();
                    if T::diff(rest.parts().2, &written[start..], &mut delta).expect("both were packed by an engine") {
                        visit(cell.place, None, &delta);
                    }
                }
            }
        }
    }

    /// What was written is committed; cells that were not in use of late are packed.
    fn settle(&mut self) {
        let (dirty, written) = (std::mem::take(&mut self.dirty), std::mem::take(&mut self.written));
        let ends = std::mem::take(&mut self.ends);
        let mut start = 0;
        for (number, at) in dirty.iter().enumerate() {
            let cell = self.get_mut(*at);
            (cell.dirty, cell.published) = (false, None);
            if let Some(end) = ends.get(number).copied().filter(|_| ends.len() == dirty.len()) {
                let value = &written[std::mem::replace(&mut start, end)..end];
                match &mut cell.rest {
                    Some(rest) => rest.set(value),
                    None => cell.rest = Some(Resting::new(cell.workspace, &cell.id, value)),
                }
                cell.stale = false;
            }
        }
        // Their room is used again.
        (self.dirty, self.written, self.ends) = (dirty, written, ends);
        self.dirty.clear();
        self.written.clear();
        self.ends.clear();
        self.batch = self.batch.wrapping_add(1);
        while let Some((at, batch)) = self.used.front().copied() {
            let is_idle = self.batch.wrapping_sub(batch) > IDLE_BATCHES;
            if !is_idle && self.used.len() <= UNPACKED_MAX {
                break;
            }
            self.used.pop_front();
            let cell = &self.cells[at as usize / CHUNK][at as usize % CHUNK];
            if cell.as_ref().is_some_and(|cell| cell.used == batch) {
                self.put_to_rest(at);
            }
        }
    }

    /// Packs every cell; nothing is dirty.
    fn rest(&mut self) {
        self.used.clear();
        for at in 0..self.cells.last().map_or(0, |last| (self.cells.len() - 1) * CHUNK + last.len()) {
            if self.cells[at / CHUNK][at % CHUNK].is_some() {
                self.put_to_rest(at as u32);
            }
        }
        (self.cells, self.free) = (Vec::new(), Vec::new());
    }

    /// Every one of them by place, from `from` on: workspace, id and packed form.
    pub(crate) fn packed(&self, from: usize, mut visit: impl FnMut(u32, u32, &str, &[u8]) -> bool) {
        let mut packed = Vec::new();
        for place in (from..self.len()).filter_map(|place| u32::try_from(place).ok()) {
            let rest = match &self.home(place).at {
                At::Rest(rest) => Some(rest),
                At::Cell(at) => self.get(*at).rest.as_ref().filter(|_| !self.get(*at).stale),
            };
            let goes_on = match (rest, &self.home(place).at) {
                (Some(rest), _) => {
                    let (workspace, id, value) = rest.parts();
                    visit(place, workspace, id, value)
                }
                (None, At::Cell(at)) => {
                    let cell = self.get(*at);
                    packed.clear();
                    cell.state.pack(&cell.marks, &mut packed);
                    visit(place, cell.workspace, &cell.id, &packed)
                }
                (None, At::Rest(_)) => true,
            };
            if !goes_on {
                break;
            }
        }
    }

    /// Takes in a whole value.
    fn put(&mut self, identity: Identity, place: Option<u32>, rest: Resting) -> Result<(), BrokenChain> {
        let known = match place {
            Some(place) if place as usize == self.len() => None,
            Some(place) if (place as usize) < self.len() && self.home(place).identity == identity => Some(place),
            Some(_) => return Err(BrokenChain::Misplaced),
            None => self.place_of(identity),
        };
        match known {
            Some(place) => self.replace(place, rest),
            None => {
                self.add_home(identity, At::Rest(rest));
            }
        }
        Ok(())
    }

    /// Takes in what changed.
    fn change(&mut self, place: u32, delta: &[u8], packed: &mut Vec<u8>) -> Result<(), BrokenChain> {
        if place as usize >= self.len() {
            return Err(BrokenChain::Misplaced);
        }
        if let At::Cell(at) = self.home(place).at {
            self.put_to_rest(at);
        }
        let At::Rest(rest) = &self.home(place).at else { return Ok(()) };
        let (workspace, id, value) = rest.parts();
        packed.clear();
        T::merge(value, delta, packed).and_then(|()| T::unpack(packed)).map_err(|_| BrokenChain::Unreadable)?;
        let rest = Resting::new(workspace, id, packed);
        self.replace(place, rest);
        Ok(())
    }

    fn replace(&mut self, place: u32, rest: Resting) {
        if let At::Cell(at) = std::mem::replace(&mut self.home_mut(place).at, At::Rest(rest)) {
            self.cells[at as usize / CHUNK][at as usize % CHUNK] = None;
            self.free.push(at);
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
        let hash = hasher.identity(self.seed, workspace, id);
        Identity([(hash >> 64) as u64, hash as u64])
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

    /// What changed of leads, then of conversations, for blocks: see [`Cells::write`].
    pub(crate) fn write(&mut self, mut lead: impl FnMut(&Entry<'_>), mut conversation: impl FnMut(&Entry<'_>)) {
        let State { workspaces, leads, conversations, .. } = self;
        leads.write(|place, whole, bytes| lead(&entry(workspaces, place, whole, bytes)));
        conversations.write(|place, whole, bytes| conversation(&entry(workspaces, place, whole, bytes)));
    }

    /// Takes in the leads of a block.
    pub(crate) fn take_in_leads(&mut self, entries: &Entries<'_>, hasher: &mut PartsHasher) -> Result<(), BrokenChain> {
        take_in(self, entries, hasher, |state| &mut state.leads)
    }

    /// Takes in the conversations of a block.
    pub(crate) fn take_in_conversations(
        &mut self,
        entries: &Entries<'_>,
        hasher: &mut PartsHasher,
    ) -> Result<(), BrokenChain> {
        take_in(self, entries, hasher, |state| &mut state.conversations)
    }

    /// What is dirty is committed.
    pub(crate) fn settle(&mut self) {
        self.leads.settle();
        self.conversations.settle();
        for workspace in &mut self.workspaces {
            workspace.loops_dirty = false;
        }
    }

    /// Packs everything.
    pub(crate) fn rest(&mut self) {
        self.leads.rest();
        self.conversations.rest();
    }
}

fn entry<'e>(workspaces: &'e [Workspace], place: u32, whole: Option<(u32, &'e str)>, bytes: &'e [u8]) -> Entry<'e> {
    match whole {
        Some((workspace, id)) => {
            Entry::Whole { place: Some(place), workspace: &workspaces[workspace as usize].name, id, value: bytes }
        }
        None => Entry::Delta { place, delta: bytes },
    }
}

fn take_in<T: Packed>(
    state: &mut State,
    entries: &Entries<'_>,
    hasher: &mut PartsHasher,
    cells: impl Fn(&mut State) -> &mut Cells<T>,
) -> Result<(), BrokenChain> {
    let mut packed = Vec::new();
    for entry in entries.iter() {
        match entry.map_err(|_| BrokenChain::Unreadable)? {
            Entry::Whole { place, workspace, id, value } => {
                let workspace = state.find(workspace);
                let identity = state.identity(workspace, id, hasher);
                T::unpack(value).map_err(|_| BrokenChain::Unreadable)?;
                let rest = Resting::of(workspace, id, value).ok_or(BrokenChain::Unreadable)?;
                cells(state).put(identity, place, rest)?;
            }
            Entry::Delta { place, delta } => cells(state).change(place, delta, &mut packed)?,
        }
    }
    Ok(())
}
