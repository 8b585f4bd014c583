//! The values of one field, cut into cells on each of which every condition of a column says one thing.
//!
//! In: what the conditions compare the field with. Out: the cells; then, for a value, its cell.
//! CE-1: two values of one cell fulfil the same conditions, but for those that [`Fulfilled::Either`] owns up to: where
//! conditions name very many numbers, only some of them get cells.

use kilat_domain::{Number, Value};

use super::names::Names;
use crate::conditions::{Compared, Leaf};
use crate::fields::Read;
use crate::operators::Op;

/// The cell of a missing field.
pub(super) const MISSING: u32 = 0;
/// The cell of a value that no condition names.
const OTHER: u32 = 1;
/// What the values of a cell say of a condition, without the operator's negation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fulfilled {
    Missing,
    Yes,
    No,
    /// Some may fulfil it and some not.
    Either,
}

/// The cells of one field: first the missing and the unnamed, then those of numbers, texts, flags and symbols.
#[derive(Debug)]
pub(super) struct Cells {
    /// Numbers that conditions name, ascending: each is a cell, and so is every gap around them.
    thresholds: Box<[Number]>,
    /// Named texts, in the form their spelling gives them; each is a cell.
    texts: Names,
    texts_at: u32,
    flags_at: u32,
    symbols_at: u32,
    len: u32,
}

impl Cells {
    /// Cells for what these conditions ask, all of them on one field; only so many of the numbers they name get cells of their
    /// own.
    pub(super) fn for_conditions<'l>(leaves: impl Iterator<Item = &'l Leaf>, thresholds_max: usize) -> Cells {
        let (mut thresholds, mut texts, mut flags, mut symbols) = (Vec::new(), Vec::<&str>::new(), 0, 0);
        for leaf in leaves {
            if let Read::Symbol { words, .. } = leaf.field.field.read {
                symbols = words.len();
            }
            let Some(compared) = leaf.condition.compared() else { continue };
            match compared {
                Compared::Symbols(_) | Compared::Presence(_) => {}
                Compared::Flag(_) => flags = 2,
                Compared::Numbers(_, values) => thresholds.extend_from_slice(values),
                Compared::Texts(_, named) => texts.extend(named.iter().map(|text| &**text)),
                Compared::Values(_, numbers, named, named_flags) => {
                    thresholds.extend_from_slice(numbers);
                    texts.extend(named.iter().map(|text| &**text));
                    flags = if named_flags.is_empty() { flags } else { 2 };
                }
            }
        }
        thresholds.sort_by(|a, b| a.compare(*b));
        thresholds.dedup_by(|a, b| a.compare(*b).is_eq());
        if thresholds.len() > thresholds_max {
            thresholds = (0..thresholds_max).map(|n| thresholds[n * thresholds.len() / thresholds_max]).collect();
        }
        texts.sort_unstable();
        texts.dedup();
        let numbers_at = OTHER + 1;
        let texts_at = numbers_at + if thresholds.is_empty() { 0 } else { 2 * thresholds.len() as u32 + 1 };
        let flags_at = texts_at + texts.len() as u32;
        let symbols_at = flags_at + flags;
        let (texts, len) = (Names::of(&texts), symbols_at + symbols as u32);
        Cells { thresholds: thresholds.into(), texts, texts_at, flags_at, symbols_at, len }
    }

    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) fn symbol(&self, symbol: u8) -> u32 {
        let cell = self.symbols_at + u32::from(symbol);
        if cell < self.len { cell } else { OTHER }
    }

    pub(super) fn flag(&self, flag: bool) -> u32 {
        if self.flags_at == self.symbols_at { OTHER } else { self.flags_at + u32::from(flag) }
    }

    pub(super) fn number(&self, number: Number) -> u32 {
        if self.thresholds.is_empty() {
            return OTHER;
        }
        OTHER
            + 1
            + match self.thresholds.binary_search_by(|threshold| threshold.compare(number)) {
                Ok(at) => 2 * at as u32 + 1,
                Err(at) => 2 * at as u32,
            }
    }

    pub(super) fn text(&self, text: &str) -> u32 {
        self.named(text).unwrap_or(OTHER)
    }

    /// The cell of a text that a condition names.
    pub(super) fn named(&self, text: &str) -> Option<u32> {
        self.texts.number(text).map(|number| self.texts_at + number)
    }

    /// What is read first to find a value's cell.
    pub(super) fn memory(&self) -> (&[Number], &[u8]) {
        (&self.thresholds, self.texts.memory())
    }

    /// The cell of a free-form value that is no list; `text` brings texts into the form they are named in.
    pub(super) fn value(&self, value: &Value<'_>, text: impl FnOnce(&str) -> u32) -> u32 {
        match value {
            Value::Number(number) => self.number(*number),
            Value::Bool(flag) => self.flag(*flag),
            Value::Text(named) => text(named),
            Value::Null | Value::List(_) | Value::Object(_) => OTHER,
        }
    }

    /// Calls `named` with the cell of every number and text that the condition names.
    pub(super) fn each_named(&self, compared: Compared<'_>, mut named: impl FnMut(u32)) {
        let (numbers, texts): (&[Number], &[Box<str>]) = match compared {
            Compared::Texts(_, texts) => (&[], texts),
            Compared::Numbers(_, numbers) => (numbers, &[]),
            Compared::Values(_, numbers, texts, _) => (numbers, texts),
            Compared::Symbols(_) | Compared::Flag(_) | Compared::Presence(_) => (&[], &[]),
        };
        numbers.iter().for_each(|number| named(self.number(*number)));
        texts.iter().for_each(|text| named(self.text(text)));
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.texts.memory_bytes() + size_of_val(&*self.thresholds)
    }

    /// By cell: what its values say of the condition.
    pub(super) fn fulfilled(&self, compared: Compared<'_>) -> Vec<Fulfilled> {
        let mut fulfilled = vec![Fulfilled::No; self.len()];
        match compared {
            Compared::Presence(present) => {
                let (here, missing) =
                    if present { (Fulfilled::Yes, Fulfilled::No) } else { (Fulfilled::No, Fulfilled::Yes) };
                fulfilled.fill(here);
                fulfilled[MISSING as usize] = missing;
                return fulfilled;
            }
            Compared::Symbols(members) => {
                for (symbol, cell) in fulfilled[self.symbols_at as usize..].iter_mut().enumerate() {
                    *cell = if members >> symbol & 1 != 0 { Fulfilled::Yes } else { Fulfilled::No };
                }
            }
            Compared::Flag(flag) => mark([self.flag(flag)], &mut fulfilled),
            Compared::Numbers(op, values) => self.mark_numbers(op, values, &mut fulfilled),
            Compared::Texts(_, texts) => mark(texts.iter().map(|text| self.text(text)), &mut fulfilled),
            Compared::Values(op, numbers, texts, flags) => {
                self.mark_numbers(op, numbers, &mut fulfilled);
                mark(texts.iter().map(|text| self.text(text)), &mut fulfilled);
                mark(flags.iter().map(|flag| self.flag(*flag)), &mut fulfilled);
            }
        }
        fulfilled[MISSING as usize] = Fulfilled::Missing;
        fulfilled
    }

    /// A number lies on the same side of a threshold as its cell does; of a number that has no cell of its own, only the gap
    /// is known that it lies in.
    fn mark_numbers(&self, op: Op, values: &[Number], fulfilled: &mut [Fulfilled]) {
        let (first, numbers) = (OTHER + 1, 2 * self.thresholds.len() as u32 + 1);
        let at: Vec<u32> = values.iter().map(|value| self.number(*value) - first).collect();
        let holds = |cell: u32| match (op, &*at) {
            (Op::Gt, [value]) => cell > *value,
            (Op::Gte, [value]) => cell >= *value,
            (Op::Lt, [value]) => cell < *value,
            (Op::Lte, [value]) => cell <= *value,
            (Op::Between, [low, high]) => cell >= *low && cell <= *high,
            (_, values) => values.contains(&cell),
        };
        for cell in (0..numbers).filter(|cell| holds(*cell)) {
            fulfilled[(first + cell) as usize] = Fulfilled::Yes;
        }
        for gap in at.into_iter().filter(|at| at % 2 == 0) {
            fulfilled[(first + gap) as usize] = Fulfilled::Either;
        }
    }
}

fn mark(cells: impl IntoIterator<Item = u32>, fulfilled: &mut [Fulfilled]) {
    for cell in cells {
        fulfilled[cell as usize] = Fulfilled::Yes;
    }
}
