//! The columns of an index as one table of rows: for each cell of each column a row, which has a bit for every rule.
//!
//! In: columns. Out: for an event, what each column says of it, as far as anybody needed to know, and which rules of a word
//! that leaves.
//! Rows that are the same are kept once. A row that lets every rule pass is not kept at all and never looked at: many
//! columns have one for what most events say.
//! TA-1: columns are asked in their order, and a word ends at the first that leaves nobody; columns behind that one are not
//! read. What looking takes of the budget is what it would be if every row were kept and looked at.

use kilat_matcher::lines;
use rustc_hash::FxHashMap;

use super::column::{Column, Source};
use crate::facts::{Chosen, Env, Scratch, Telling};
use crate::fields::FieldRef;

/// Where a row would start that lets every rule pass.
const EVERYBODY: u32 = u32::MAX;
/// Instead of a row: the event has several values.
const SEVERAL: u32 = u32::MAX - 1;

/// The columns of a rule set.
#[derive(Debug)]
pub(super) struct Table {
    columns: Box<[Asked]>,
    /// By column and cell: where its row starts in `bits`.
    rows: Box<[u32]>,
    /// Other bits of the index, then the rows: what passes look at is in few places of memory.
    bits: Box<[u64]>,
}

/// A column of the table.
#[derive(Debug)]
struct Asked {
    source: Source,
    /// Where its cells start in [`Table::rows`].
    cells_at: u32,
    /// Where a field can have several values at once: the row of rules for which one of them is enough; for the others all
    /// must do.
    one_is_enough: u32,
}

impl Table {
    /// A table for so many rules, which keeps other bits before its own.
    pub(super) fn of(columns: Vec<Column>, rules: usize, mut bits: Vec<u64>) -> Table {
        let words = rules.div_ceil(64);
        let mut rows = Vec::new();
        let mut known: FxHashMap<Box<[u64]>, u32> = FxHashMap::default();
        let mut row = |row: &[u64]| {
            if row.iter().all(|word| *word == u64::MAX) {
                return EVERYBODY;
            }
            *known.entry(row.into()).or_insert_with(|| {
                bits.extend_from_slice(row);
                (bits.len() - words) as u32
            })
        };
        let asked = columns.into_iter().map(|column| {
            let cells_at = rows.len() as u32;
            rows.extend(column.bits.chunks_exact(words.max(1)).map(&mut row));
            let one_is_enough = if column.one_is_enough.is_empty() { EVERYBODY } else { row(&column.one_is_enough) };
            Asked { source: column.source, cells_at, one_is_enough }
        });
        let columns = asked.collect();
        Table { columns, rows: rows.into(), bits: bits.into() }
    }

    /// What was given to it to keep.
    pub(super) fn kept(&self) -> &[u64] {
        &self.bits
    }

    /// The lines that reading columns looks at: at depth 0 those that say where the others are, which are at depth 1.
    pub(super) fn lines(&self, depth: usize, line: &mut impl FnMut(*const u8)) {
        if depth == 0 {
            lines(&self.columns, line);
            lines(&self.rows, line);
            lines(&self.bits, line);
        } else {
            for column in &self.columns {
                if let Some((thresholds, names)) = column.source.memory() {
                    lines(thresholds, line);
                    lines(names, line);
                }
            }
        }
    }

    /// How many columns it has.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// The field that each column hangs on, where it is one.
    pub(super) fn fields(&self) -> impl Iterator<Item = Option<&FieldRef>> {
        self.columns.iter().map(|column| column.source.field())
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let sources: usize = self.columns.iter().map(|column| column.source.memory_bytes()).sum();
        sources + size_of_val(&*self.columns) + size_of_val(&*self.rows) + size_of_val(&*self.bits)
    }

    /// Reads those columns again that were read and that `is_stale` says may say something else now; whether one does.
    pub(super) fn read_again(&self, is_stale: impl Fn(usize) -> bool, env: &mut Env<'_, '_>) -> bool {
        let mut is_other = false;
        for at in (0..env.scratch.chosen.len()).filter(|at| is_stale(*at)) {
            let cells = env.scratch.cells.len();
            let (before, now) = (env.scratch.chosen[at], self.columns[at].source.choose(env));
            if before.cells(&env.scratch.cells) == now.cells(&env.scratch.cells) {
                env.scratch.cells.truncate(cells);
            } else {
                env.scratch.chosen[at] = now;
                is_other = true;
            }
        }
        if is_other {
            env.scratch.telling.clear();
            env.scratch.silent = 0;
            for at in 0..env.scratch.chosen.len() {
                self.tell(at, env.scratch);
            }
        }
        is_other
    }

    /// What of a word's rules the event leaves, one bit each.
    #[inline]
    pub(super) fn leave(&self, word: usize, mut rules: u64, env: &mut Env<'_, '_>) -> u64 {
        let mut looked = 1;
        let scratch = &*env.scratch;
        for telling in &scratch.telling {
            if rules == 0 {
                break;
            }
            looked += telling.looks;
            rules &= self.word_of(telling, word, scratch);
        }
        if rules != 0 {
            looked += env.scratch.silent;
        }
        while rules != 0 && env.scratch.chosen.len() < self.columns.len() {
            let at = env.scratch.chosen.len();
            let chosen = self.columns[at].source.choose(env);
            env.scratch.chosen.push(chosen);
            looked += looks(chosen);
            if let Some(telling) = self.tell(at, env.scratch) {
                rules &= self.word_of(&telling, word, env.scratch);
            }
        }
        env.scratch.look(looked);
        rules
    }

    /// Notes what a column that was read says, where it may rule anybody out; those that come before it are noted.
    fn tell(&self, column: usize, scratch: &mut Scratch) -> Option<Telling> {
        let chosen = scratch.chosen[column];
        let row = match chosen {
            Chosen::Cell(cell) => self.row(column, cell),
            Chosen::Several(..) => SEVERAL,
        };
        scratch.silent += looks(chosen);
        if row == EVERYBODY {
            return None;
        }
        let looks = std::mem::take(&mut scratch.silent);
        let telling = Telling { row, column: column as u32, looks };
        scratch.telling.push(telling);
        Some(telling)
    }

    fn row(&self, column: usize, cell: u32) -> u32 {
        self.rows[(self.columns[column].cells_at + cell) as usize]
    }

    #[inline]
    fn word_of(&self, telling: &Telling, word: usize, scratch: &Scratch) -> u64 {
        match telling.row {
            SEVERAL => self.word_of_several(telling, word, scratch),
            row => self.bits[row as usize + word],
        }
    }

    fn word_of_several(&self, telling: &Telling, word: usize, scratch: &Scratch) -> u64 {
        let column = telling.column as usize;
        let (mut one, mut all) = (0, u64::MAX);
        for cell in scratch.chosen[column].cells(&scratch.cells) {
            let bits = self.at(self.row(column, *cell), word);
            one |= bits;
            all &= bits;
        }
        let enough = self.at(self.columns[column].one_is_enough, word);
        one & enough | all & !enough
    }

    #[inline]
    fn at(&self, row: u32, word: usize) -> u64 {
        if row == EVERYBODY { u64::MAX } else { self.bits[row as usize + word] }
    }
}

/// How many rows are looked at in a column.
fn looks(chosen: Chosen) -> usize {
    match chosen {
        Chosen::Cell(_) => 1,
        Chosen::Several(_, cells) => cells as usize,
    }
}
