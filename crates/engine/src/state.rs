//! The leads and conversations of one partition.
//!
//! Idle ones rest packed (see [`Packed`]), a few hundred bytes each; those in use lie unpacked beside, and are packed again when
//! some batches have gone by without them. Which ones are unpacked changes nothing an event can tell. One table a kind finds
//! them by workspace and id. What a batch touched is kept in the order it was first touched, so that the block written from it
//! is the same on every run.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use kilat_domain::{
    CompactString, Conversation, Counters, DisabledRule, Entries, Entry, Lead, Mark, Packed, Spread, Timestamp,
    Unpackable,
};
use rustc_hash::FxHashMap;

use crate::chain::BrokenChain;
use crate::parts_hasher;
use crate::prefetch::{prefetch, prefetch_all};
use crate::resting::Resting;
use crate::slots::Slots;

#[cfg(test)]
mod tests;

/// Homes, and cells, in a chunk.
const CHUNK: usize = 1_024;
/// No time at which a lead changed.
pub(crate) const UNPUBLISHED: Timestamp = Timestamp(i64::MIN);
/// How many cells before its turn what a cell names is fetched.
const CELLS_AHEAD: usize = 8;
/// Batches without use after which a cell is packed: some seconds of transactions.
const IDLE_BATCHES: u32 = 256;
/// Bytes of cells that stay unpacked between two batches where nobody says otherwise, leads and conversations together.
const UNPACKED_BYTES: usize = 512 << 20;
/// What a value takes unpacked, beside its cell: so many times its packed form, as its longer texts lie apart.
const UNPACKED_TIMES: usize = 2;

/// Which lead or conversation of which workspace, as a keyed hash of 128 bits: two of a billion cells share one with a chance
/// of 10^-21, so that cells are told apart by it alone and their ids, which lie elsewhere, are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity([u64; 2]);

impl Identity {
    fn slot(self) -> u64 {
        self.0[0]
    }
}

/// A lead or conversation that an event names, and where it likely is, once that was looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sought {
    pub(crate) identity: Identity,
    place: Option<u32>,
}

/// One lead or conversation in use; in no more lines of the cache than its size asks for.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Cell<T: Packed> {
    /// Place of its workspace.
    pub(crate) workspace: u32,
    /// Its place among all of its kind.
    place: u32,
    /// The batch it was last used in.
    used: u32,
    /// The batch under which it stands in the queue.
    queued: u32,
    /// The batch it was last noted as dirty in.
    noted: u32,
    /// Changed, or touched at least, since it was packed into `rest`.
    stale: bool,
    /// And not only in what it counts.
    beyond_counts: bool,
    /// What it counted when it was noted, which is what blocks know of it: where nothing else changed, it is not packed.
    counted: T::Counts,
    /// Gone to another partition, once that is committed.
    gone: bool,
    pub(crate) state: T,
    pub(crate) marks: Vec<Mark>,
    pub(crate) id: CompactString,
    /// Event time of the last change data teams see since the last commit; [`UNPUBLISHED`] where there was none.
    pub(crate) published: Timestamp,
    /// As blocks know it, but for what it counts, where it is stale; `None` where none does.
    rest: Option<Resting>,
}

impl<T: Packed> Cell<T> {
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
    /// At rest; without a value where it is gone to another partition.
    Rest(Resting),
    /// Unpacked, in the cell of this number.
    Cell(u32),
}

/// All leads, or all conversations.
#[derive(Debug)]
pub(crate) struct Cells<T: Packed> {
    /// By place: places count from 0 in the order of first sight.
    homes: Vec<Vec<Home>>,
    places: Slots,
    /// Places of those that are gone to another partition.
    gone: usize,
    cells: Vec<Vec<Option<Cell<T>>>>,
    free: Vec<u32>,
    /// Cells touched since the last commit, in order.
    dirty: Vec<u32>,
    /// The packed forms of those that are dirty beyond what they count, as the blocks written since the last commit have them; and
    /// of each its cell and where it ends.
    written: Vec<u8>,
    ends: Vec<(u32, usize)>,
    /// Counts commits.
    batch: u32,
    /// Every cell once, and a batch it was used in: those used longest ago stand at the front, about.
    queue: VecDeque<(u32, u32)>,
    /// Bytes of cells that stay unpacked between two batches.
    unpacked_max: usize,
    /// Bytes of all packed forms.
    resting: usize,
}

impl<T: Packed> Default for Cells<T> {
    fn default() -> Self {
        Cells {
            homes: Vec::new(),
            places: Slots::default(),
            gone: 0,
            cells: Vec::new(),
            free: Vec::new(),
            dirty: Vec::new(),
            written: Vec::new(),
            ends: Vec::new(),
            batch: 0,
            queue: VecDeque::new(),
            unpacked_max: UNPACKED_BYTES / 2,
            resting: 0,
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

    /// How many places there are.
    fn len(&self) -> usize {
        self.homes.last().map_or(0, |last| (self.homes.len() - 1) * CHUNK + last.len())
    }

    /// How many there are.
    pub(crate) fn present(&self) -> usize {
        self.len() - self.gone
    }

    /// Bytes they take at rest: packed forms, homes, and what finds them.
    pub(crate) fn bytes(&self) -> usize {
        self.resting + self.homes.len() * CHUNK * size_of::<Home>() + self.places.bytes()
    }

    /// How many cells stay unpacked between two batches: as many of the mean size as there is room for.
    fn cells_max(&self) -> usize {
        let packed = self.resting / self.len().max(1);
        self.unpacked_max / (size_of::<Option<Cell<T>>>() + UNPACKED_TIMES * packed)
    }

    fn place_of(&self, identity: Identity) -> Option<u32> {
        self.places.find(identity.slot(), |place| self.home(place).identity == identity)
    }

    /// The place of what is sought: mostly the likely one.
    fn place_of_sought(&self, sought: &Sought) -> Option<u32> {
        let is_there = |place: &u32| self.home(*place).identity == sought.identity;
        sought.place.filter(is_there).or_else(|| self.place_of(sought.identity))
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

    /// A cell of its own for what was made or unpacked just now.
    fn add_cell(
        &mut self,
        (workspace, id): (u32, CompactString),
        place: u32,
        (state, marks): (T, Vec<Mark>),
        stale: bool,
    ) -> u32 {
        let cell = Cell {
            workspace,
            place,
            used: self.batch,
            queued: self.batch,
            noted: self.batch.wrapping_sub(1),
            stale,
            beyond_counts: stale,
            counted: state.counts(),
            gone: false,
            state,
            marks,
            id,
            published: UNPUBLISHED,
            rest: None,
        };
        let at = self.take_room(cell);
        self.queue.push_back((at, self.batch));
        at
    }

    fn take_room(&mut self, cell: Cell<T>) -> u32 {
        if let Some(at) = self.free.pop() {
            // Whoever is woken some time after this one finds its room fetched.
            if let Some(next) = self.free.len().checked_sub(CELLS_AHEAD).map(|ahead| self.free[ahead]) {
                prefetch_all(&self.cells[next as usize / CHUNK][next as usize % CHUNK]);
            }
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
    fn find_or_make(&mut self, sought: Sought, key: (u32, &str), state: impl FnOnce() -> T) -> (u32, bool) {
        let place = self.place_of_sought(&sought);
        let (at, is_new) = match place.and_then(|place| self.wake(place)) {
            Some(at) if !self.get(at).gone => (at, false),
            Some(at) => {
                // It went in this batch, and is back.
                let cell = self.get_mut(at);
                (cell.gone, cell.beyond_counts, cell.state) = (false, true, state());
                cell.marks.clear();
                (at, true)
            }
            None => {
                let last = u32::try_from(self.len()).unwrap_or(u32::MAX);
                let at = self.add_cell((key.0, key.1.into()), place.unwrap_or(last), (state(), Vec::new()), true);
                match place {
                    Some(place) => {
                        if let At::Rest(gone) = std::mem::replace(&mut self.home_mut(place).at, At::Cell(at)) {
                            self.resting -= gone.bytes();
                        }
                        self.gone -= 1;
                    }
                    None => drop(self.add_home(sought.identity, At::Cell(at))),
                }
                (at, true)
            }
        };
        self.get_mut(at).used = self.batch;
        (at, is_new)
    }

    /// The cell of a place, unpacked where it was at rest; `None` where it is gone.
    fn wake(&mut self, place: u32) -> Option<u32> {
        let rest = match &self.home(place).at {
            At::Cell(at) => return Some(*at),
            At::Rest(rest) if rest.is_empty() => return None,
            At::Rest(rest) => rest,
        };
        let (workspace, id, value) = rest.parts();
        let value = T::unpack(value).expect("what rests was packed here, or unpacked when it was taken in");
        let id = id.into();
        let at = self.add_cell((workspace, id), place, value, false);
        let home = std::mem::replace(&mut self.home_mut(place).at, At::Cell(at));
        if let At::Rest(rest) = home {
            self.get_mut(at).rest = Some(rest);
        }
        Some(at)
    }

    /// The one at this place is gone to another partition.
    pub(crate) fn leave(&mut self, place: u32) {
        if let Some(at) = self.wake(place) {
            self.touch(at).gone = true;
        }
    }

    /// One comes from another partition; where one of its name is here that `stays`, nothing changes.
    pub(crate) fn enter(
        &mut self,
        identity: Identity,
        key: (u32, &str),
        value: &[u8],
        stays: impl Fn(&T, &T) -> bool,
    ) -> Result<(), Unpackable> {
        let (state, marks) = T::unpack(value)?;
        let mut coming = Some(state);
        let sought = Sought { identity, place: None };
        let (at, _) = self.find_or_make(sought, key, || coming.take().expect("a state is made once"));
        if coming.as_ref().is_some_and(|coming| stays(&self.get(at).state, coming)) {
            return Ok(());
        }
        let cell = self.touch(at);
        if let Some(coming) = coming {
            cell.state = coming;
        }
        cell.marks = marks;
        Ok(())
    }

    /// Packs the cell of this number, which is not dirty.
    fn put_to_rest(&mut self, at: u32) {
        let mut cell =
            self.cells[at as usize / CHUNK][at as usize % CHUNK].take().expect("only cells in use are put to rest");
        self.resting -= cell.rest.as_ref().map_or(0, Resting::bytes);
        let rest = match cell.rest.take() {
            Some(rest) if !cell.stale => rest,
            Some(mut rest) if !cell.beyond_counts => {
                let value = recounted(&cell, &rest);
                debug_assert!(is_packed(&cell, &value), "more than counts has changed");
                rest.set(&value);
                rest
            }
            _ => {
                let mut value = Vec::new();
                cell.state.pack(&cell.marks, &mut value);
                Resting::new(cell.workspace, &cell.id, &value)
            }
        };
        self.resting += rest.bytes();
        self.free.push(at);
        self.home_mut(cell.place).at = At::Rest(rest);
    }

    /// Keeps the place of a cell that is gone, and nothing else.
    fn put_away(&mut self, at: u32) {
        let cell = self.cells[at as usize / CHUNK][at as usize % CHUNK].take().expect("a cell that went was in use");
        self.free.push(at);
        self.gone += 1;
        let rest = Resting::new(cell.workspace, &cell.id, &[]);
        self.resting = self.resting + rest.bytes() - cell.rest.as_ref().map_or(0, Resting::bytes);
        self.home_mut(cell.place).at = At::Rest(rest);
    }

    /// Begins to fetch what tells the place.
    pub(crate) fn prefetch_place(&self, sought: &Sought) {
        self.places.prefetch(sought.identity.slot());
    }

    /// Begins to fetch the home, where it is known; notes the place. It is told without looking at the home, which would wait
    /// for it: the tag alone is wrong once in a hundred at worst.
    pub(crate) fn prefetch_home(&self, sought: &mut Sought) {
        sought.place = self.places.find(sought.identity.slot(), |_| true);
        sought.place.inspect(|place| prefetch(self.home(*place)));
    }

    /// Begins to fetch what the home names.
    pub(crate) fn prefetch_cell(&self, sought: &Sought) {
        match sought.place.map(|place| &self.home(place).at) {
            Some(At::Cell(at)) => prefetch_all(&self.cells[*at as usize / CHUNK][*at as usize % CHUNK]),
            Some(At::Rest(rest)) => rest.prefetch(),
            None => {}
        }
    }

    pub(crate) fn get(&self, at: u32) -> &Cell<T> {
        self.cells[at as usize / CHUNK][at as usize % CHUNK].as_ref().expect("a cell in use")
    }

    /// The cell; whoever changes it notes that with [`Self::touch`], and before that nothing it counts.
    pub(crate) fn get_mut(&mut self, at: u32) -> &mut Cell<T> {
        self.cells[at as usize / CHUNK][at as usize % CHUNK].as_mut().expect("a cell in use")
    }

    /// The cell, noted as dirty.
    pub(crate) fn touch(&mut self, at: u32) -> &mut Cell<T> {
        let cell = self.note(at);
        cell.beyond_counts = true;
        cell
    }

    fn note(&mut self, at: u32) -> &mut Cell<T> {
        let cell = self.cells[at as usize / CHUNK][at as usize % CHUNK].as_mut().expect("a cell in use");
        if cell.noted != self.batch {
            self.dirty.push(at);
            (cell.noted, cell.stale, cell.counted) = (self.batch, true, cell.state.counts());
        }
        cell
    }

    /// Dirty cells, in the order they were first touched.
    pub(crate) fn dirty(&self) -> impl ExactSizeIterator<Item = &Cell<T>> {
        self.dirty.iter().enumerate().map(|(number, at)| {
            approach(&self.cells, |ahead| self.dirty.get(number + ahead).copied());
            self.get(*at)
        })
    }

    /// Hands over what blocks must say of every dirty cell: its place; its workspace and id with the packed form where they know
    /// nothing of it, else the delta. What is as blocks know it is passed over.
    pub(crate) fn write(&mut self, mut visit: impl FnMut(u32, Option<(u32, &str)>, &[u8])) {
        let Cells { cells, dirty, written, ends, .. } = self;
        written.clear();
        ends.clear();
        let mut delta = Vec::new();
        for (number, at) in dirty.iter().enumerate() {
            approach(cells, |ahead| dirty.get(number + ahead).copied());
            let cell = cells[*at as usize / CHUNK][*at as usize % CHUNK].as_ref().expect("a dirty cell is in use");
            delta.clear();
            if let Some(rest) = cell.rest.as_ref().filter(|_| !cell.beyond_counts && !cell.gone) {
                debug_assert!(is_packed(cell, &recounted(cell, rest)), "more than counts has changed");
                if T::diff_counts(cell.counted, cell.state.counts(), &mut delta) {
                    visit(cell.place, None, &delta);
                }
                continue;
            }
            let start = written.len();
            if !cell.gone {
                cell.state.pack(&cell.marks, written);
            }
            ends.push((*at, written.len()));
            match &cell.rest {
                Some(rest) if !cell.gone => {
                    let changed = T::diff(rest.value(), cell.counted, &written[start..], &mut delta);
                    if changed.expect("both were packed by an engine") {
                        visit(cell.place, None, &delta);
                    }
                }
                _ => visit(cell.place, Some((cell.workspace, &cell.id)), &written[start..]),
            }
        }
    }

    /// What [`Self::write`] handed over is committed; cells that were not in use of late are packed.
    fn settle(&mut self) {
        let (written, ends) = (std::mem::take(&mut self.written), std::mem::take(&mut self.ends));
        let mut start = 0;
        for (number, (at, end)) in ends.iter().enumerate() {
            approach(&self.cells, |ahead| Some(ends.get(number + ahead)?.0));
            let value = &written[std::mem::replace(&mut start, *end)..*end];
            let cell = self.get_mut(*at);
            cell.published = UNPUBLISHED;
            if cell.gone {
                self.put_away(*at);
                continue;
            }
            (cell.stale, cell.beyond_counts) = (false, false);
            let (before, after) = match &mut cell.rest {
                Some(rest) => {
                    let before = rest.bytes();
                    rest.set(value);
                    (before, rest.bytes())
                }
                None => (0, cell.rest.insert(Resting::new(cell.workspace, &cell.id, value)).bytes()),
            };
            self.resting = self.resting + after - before;
        }
        // Their room is used again.
        (self.written, self.ends) = (written, ends);
        self.dirty.clear();
        self.written.clear();
        self.ends.clear();
        self.batch = self.batch.wrapping_add(1);
        self.put_idle_to_rest();
    }

    /// Packs cells that were not in use of late, and as many more as are too many.
    fn put_idle_to_rest(&mut self) {
        let cells_max = self.cells_max();
        while let Some((at, batch)) = self.queue.front().copied() {
            let is_idle = self.batch.wrapping_sub(batch) > IDLE_BATCHES;
            if !is_idle && self.queue.len() <= cells_max {
                break;
            }
            self.queue.pop_front();
            self.approach_queued();
            match &mut self.cells[at as usize / CHUNK][at as usize % CHUNK] {
                Some(cell) if cell.queued == batch && cell.used == batch => self.put_to_rest(at),
                // Used since it was queued: it has its turn once more.
                Some(cell) if cell.queued == batch => {
                    cell.queued = cell.used;
                    self.queue.push_back((at, cell.used));
                }
                // The one that was queued went another way.
                _ => {}
            }
        }
    }

    /// Begins to fetch what putting cells to rest will need soon: they were not used for long.
    fn approach_queued(&self) {
        let cell = |ahead: usize| {
            let (at, batch) = self.queue.get(ahead)?;
            Some((&self.cells[*at as usize / CHUNK][*at as usize % CHUNK], *batch))
        };
        if let Some((cell, _)) = cell(2 * CELLS_AHEAD) {
            prefetch_all(cell);
        }
        if let Some((Some(cell), batch)) = cell(CELLS_AHEAD)
            && cell.used == batch
        {
            prefetch(self.home(cell.place));
        }
    }

    /// Packs every cell; nothing is dirty.
    fn rest(&mut self) {
        self.queue.clear();
        for at in 0..self.cells.last().map_or(0, |last| (self.cells.len() - 1) * CHUNK + last.len()) {
            if self.cells[at / CHUNK][at % CHUNK].is_some() {
                self.put_to_rest(at as u32);
            }
        }
        (self.cells, self.free) = (Vec::new(), Vec::new());
    }

    /// Every one of them by place, from `from` on: workspace, id and packed form, which is empty where it is gone.
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
                    if !cell.gone {
                        cell.state.pack(&cell.marks, &mut packed);
                    }
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
                self.gone += usize::from(rest.is_empty());
                self.resting += rest.bytes();
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
        if rest.is_empty() {
            // A scan saw that it is gone; the block that says so comes later.
            return Ok(());
        }
        let (workspace, id, value) = rest.parts();
        packed.clear();
        T::merge(value, delta, packed).and_then(|()| T::unpack(packed)).map_err(|_| BrokenChain::Unreadable)?;
        let rest = Resting::new(workspace, id, packed);
        self.replace(place, rest);
        Ok(())
    }

    fn replace(&mut self, place: u32, rest: Resting) {
        let was_gone = matches!(&self.home(place).at, At::Rest(known) if known.is_empty());
        self.gone = self.gone + usize::from(rest.is_empty()) - usize::from(was_gone);
        self.resting += rest.bytes();
        match std::mem::replace(&mut self.home_mut(place).at, At::Rest(rest)) {
            At::Rest(known) => self.resting -= known.bytes(),
            At::Cell(at) => {
                let cell = self.cells[at as usize / CHUNK][at as usize % CHUNK].take();
                self.resting -= cell.and_then(|cell| cell.rest).map_or(0, |known| known.bytes());
                self.free.push(at);
            }
        }
    }
}

impl Cells<Conversation> {
    /// What the conversation of a cell counts; the cell is noted as dirty.
    pub(crate) fn count(&mut self, at: u32) -> Counters<'_> {
        self.note(at).state.counters()
    }
}

/// The packed form of a cell that changed in what it counts and in nothing else since it was packed into `rest`.
fn recounted<T: Packed>(cell: &Cell<T>, rest: &Resting) -> Vec<u8> {
    let mut packed = Vec::new();
    T::recount(rest.value(), cell.state.counts(), &mut packed).expect("what rests was packed by an engine");
    packed
}

/// Whether this is the packed form of the cell.
fn is_packed<T: Packed>(cell: &Cell<T>, bytes: &[u8]) -> bool {
    let mut packed = Vec::new();
    cell.state.pack(&cell.marks, &mut packed);
    packed == bytes
}

/// Begins to fetch what those who walk through cells will need soon, as others were touched since: `ahead` tells which comes so
/// many later.
fn approach<T: Packed>(cells: &[Vec<Option<Cell<T>>>], ahead: impl Fn(usize) -> Option<u32>) {
    let cell = |number: usize| ahead(number).map(|at| &cells[at as usize / CHUNK][at as usize % CHUNK]);
    if let Some(cell) = cell(2 * CELLS_AHEAD) {
        prefetch_all(cell);
    }
    if let Some(rest) =
        cell(CELLS_AHEAD).and_then(|cell| cell.as_ref().filter(|cell| cell.beyond_counts)?.rest.as_ref())
    {
        rest.prefetch();
    }
}

/// What a partition remembers of a workspace itself.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) name: Box<str>,
    /// Rules the loop guard has met, by id.
    pub(crate) loops: Vec<DisabledRule<'static>>,
    pub(crate) loops_dirty: bool,
    /// How it is spread, where this partition routes its events.
    pub(crate) shares: Shares,
}

/// How a workspace is spread: see [`Spread`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) now: u32,
    /// 0 while nothing moves.
    pub(crate) to: u32,
    pub(crate) waiting: u64,
}

impl Shares {
    /// Of a workspace that is not spread.
    pub(crate) const ONE: Shares = Shares { now: 1, to: 0, waiting: 0 };

    fn of(spread: &Spread<'_>) -> Shares {
        let number = |number: i32| u32::try_from(number).unwrap_or_default().min(Spread::SHARES_MAX);
        let (now, to) = (number(spread.shares).max(1), number(spread.to));
        Shares { now, to, waiting: spread.waiting.cast_unsigned() }
    }
}

/// Everything a partition remembers but its idempotency keys.
#[derive(Debug)]
pub(crate) struct State {
    /// Drawn at random, as ids come from outside; nothing depends on the order it brings about.
    seed: u64,
    names: FxHashMap<Box<str>, u32>,
    workspaces: Vec<Workspace>,
    /// Workspaces whose spread changed since the last commit.
    shares_dirty: Vec<u32>,
    /// How many workspaces wait for leads to move.
    moving: usize,
    pub(crate) leads: Cells<Lead>,
    pub(crate) conversations: Cells<Conversation>,
}

impl Default for State {
    fn default() -> Self {
        let (leads, conversations) = (Cells::default(), Cells::default());
        let seed = RandomState::new().hash_one(0);
        let (names, workspaces) = (FxHashMap::default(), Vec::new());
        State { seed, names, workspaces, shares_dirty: Vec::new(), moving: 0, leads, conversations }
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
        self.workspaces.push(Workspace { name, loops: Vec::new(), loops_dirty: false, shares: Shares::ONE });
        at
    }

    /// The workspace at this place.
    pub(crate) fn workspace(&self, at: u32) -> &Workspace {
        &self.workspaces[at as usize]
    }

    /// The name of the cell's workspace.
    pub(crate) fn name_of<T: Packed>(&self, cell: &Cell<T>) -> &str {
        &self.workspace(cell.workspace).name
    }

    /// The workspace at this place.
    pub(crate) fn workspace_mut(&mut self, at: u32) -> &mut Workspace {
        &mut self.workspaces[at as usize]
    }

    /// The identity of the lead or conversation of this id.
    pub(crate) fn identity(&self, workspace: u32, id: &str) -> Identity {
        let hash = parts_hasher::identity(self.seed, workspace, id);
        Identity([(hash >> 64) as u64, hash as u64])
    }

    /// As [`Self::identity`], to be looked up.
    pub(crate) fn sought(&self, workspace: u32, id: &str) -> Sought {
        Sought { identity: self.identity(workspace, id), place: None }
    }

    /// The lead, made new with `status` where it is not known; whether it is new.
    pub(crate) fn lead(&mut self, sought: Sought, workspace: u32, id: &str, status: &str) -> (u32, bool) {
        self.leads.find_or_make(sought, (workspace, id), || Lead::new(status))
    }

    /// The conversation, made new where it is not known; whether it is new.
    pub(crate) fn conversation(&mut self, sought: Sought, workspace: u32, id: &str, at: Timestamp) -> (u32, bool) {
        self.conversations.find_or_make(sought, (workspace, id), || Conversation::new(at))
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

    /// Spreads the workspace otherwise.
    pub(crate) fn set_shares(&mut self, workspace: u32, shares: Shares) {
        let known = std::mem::replace(&mut self.workspace_mut(workspace).shares, shares);
        self.moving = self.moving + usize::from(shares.to != 0) - usize::from(known.to != 0);
        if !self.shares_dirty.contains(&workspace) {
            self.shares_dirty.push(workspace);
        }
    }

    /// Whether a workspace waits for leads to move.
    pub(crate) fn is_moving(&self) -> bool {
        self.moving > 0
    }

    /// How workspaces are spread that are, or are about to be.
    pub(crate) fn spreads(&self) -> impl Iterator<Item = Spread<'static>> {
        self.workspaces.iter().filter(|workspace| workspace.shares != Shares::ONE).map(spread)
    }

    /// How workspaces are spread whose spread changed since the last commit.
    pub(crate) fn dirty_spreads(&self) -> impl Iterator<Item = Spread<'static>> {
        self.shares_dirty.iter().map(|workspace| spread(self.workspace(*workspace)))
    }

    /// Takes in how workspaces are spread.
    pub(crate) fn take_in_spreads(&mut self, spreads: &[Spread<'_>]) {
        for spread in spreads {
            let workspace = self.find(&spread.workspace);
            self.set_shares(workspace, Shares::of(spread));
        }
    }

    /// Whether nothing is dirty.
    pub(crate) fn is_settled(&self) -> bool {
        let cells = self.leads.dirty().len() + self.conversations.dirty().len() + self.shares_dirty.len();
        cells == 0 && !self.workspaces.iter().any(|workspace| workspace.loops_dirty)
    }

    /// What changed of leads, then of conversations, for blocks: see [`Cells::write`].
    pub(crate) fn write(&mut self, mut lead: impl FnMut(&Entry<'_>), mut conversation: impl FnMut(&Entry<'_>)) {
        let State { workspaces, leads, conversations, .. } = self;
        leads.write(|place, whole, bytes| lead(&entry(workspaces, place, whole, bytes)));
        conversations.write(|place, whole, bytes| conversation(&entry(workspaces, place, whole, bytes)));
    }

    /// Takes in the leads of a block.
    pub(crate) fn take_in_leads(&mut self, entries: &Entries<'_>) -> Result<(), BrokenChain> {
        take_in(self, entries, |state| &mut state.leads)
    }

    /// Takes in the conversations of a block.
    pub(crate) fn take_in_conversations(&mut self, entries: &Entries<'_>) -> Result<(), BrokenChain> {
        take_in(self, entries, |state| &mut state.conversations)
    }

    /// What is dirty is committed.
    pub(crate) fn settle(&mut self) {
        self.leads.settle();
        self.conversations.settle();
        self.shares_dirty.clear();
        for workspace in &mut self.workspaces {
            workspace.loops_dirty = false;
        }
    }

    /// Bytes of leads and conversations at rest.
    pub(crate) fn bytes(&self) -> usize {
        self.leads.bytes() + self.conversations.bytes()
    }

    /// Keeps cells of so many bytes unpacked between two batches, half of them leads.
    pub(crate) fn limit_unpacked(&mut self, bytes: usize) {
        self.leads.unpacked_max = bytes / 2;
        self.conversations.unpacked_max = bytes / 2;
    }

    /// Packs everything.
    pub(crate) fn rest(&mut self) {
        self.leads.rest();
        self.conversations.rest();
    }
}

fn spread(workspace: &Workspace) -> Spread<'static> {
    let Shares { now, to, waiting } = workspace.shares;
    Spread {
        workspace: workspace.name.to_string().into(),
        shares: now.cast_signed(),
        to: to.cast_signed(),
        waiting: waiting.cast_signed(),
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
    cells: impl Fn(&mut State) -> &mut Cells<T>,
) -> Result<(), BrokenChain> {
    let mut packed = Vec::new();
    for entry in entries.iter() {
        match entry.map_err(|_| BrokenChain::Unreadable)? {
            Entry::Whole { place, workspace, id, value } => {
                let workspace = state.find(workspace);
                let identity = state.identity(workspace, id);
                if !value.is_empty() {
                    T::unpack(value).map_err(|_| BrokenChain::Unreadable)?;
                }
                let rest = Resting::of(workspace, id, value).ok_or(BrokenChain::Unreadable)?;
                cells(state).put(identity, place, rest)?;
            }
            Entry::Delta { place, delta } => cells(state).change(place, delta, &mut packed)?,
        }
    }
    Ok(())
}
