//! The values of one field, cut into cells on each of which every condition of a column says one thing.
//!
//! In: what the conditions compare the field with. Out: the cells; then, for a value, its cell.
//! CE-1: two values of one cell fulfil the same conditions.

use kilat_domain::{Number, Value};
use rustc_hash::FxHashMap;

use crate::conditions::Compared;
use crate::operators::Op;

/// The cell of a missing field.
pub(super) const MISSING: u32 = 0;
/// The cell of a value that no condition names.
const OTHER: u32 = 1;

/// The cells of one field: first the missing and the unnamed, then those of numbers, texts, flags and symbols.
#[derive(Debug)]
pub(super) struct Cells {
    /// Numbers that conditions name, ascending: each is a cell, and so is every gap around them.
    thresholds: Box<[Number]>,
    /// Named texts, in the form their spelling gives them, each with its cell.
    texts: FxHashMap<Box<str>, u32>,
    flags_at: u32,
    symbols_at: u32,
    len: u32,
}

impl Cells {
    /// Cells for what these conditions ask; a closed set has `symbols` members.
    pub(super) fn of<'c>(compared: impl Iterator<Item = Compared<'c>>, symbols: usize) -> Cells {
        let (mut thresholds, mut texts, mut flags) = (Vec::new(), Vec::new(), 0);
        for compared in compared {
            match compared {
                Compared::Symbols(_) | Compared::Presence(_) => {}
                Compared::Flag(_) => flags = 2,
                Compared::Numbers(_, values) => thresholds.extend_from_slice(values),
                Compared::Texts(_, named) => texts.extend(named),
                Compared::Values(_, numbers, named, named_flags) => {
                    thresholds.extend_from_slice(numbers);
                    texts.extend(named);
                    flags = if named_flags.is_empty() { flags } else { 2 };
                }
            }
        }
        thresholds.sort_by(|a, b| a.compare(*b));
        thresholds.dedup_by(|a, b| a.compare(*b).is_eq());
        texts.sort_unstable();
        texts.dedup();
        let numbers_at = OTHER + 1;
        let texts_at = numbers_at + if thresholds.is_empty() { 0 } else { 2 * thresholds.len() as u32 + 1 };
        let flags_at = texts_at + texts.len() as u32;
        let symbols_at = flags_at + flags;
        let texts = texts.into_iter().zip(texts_at..).map(|(text, cell)| (text.clone(), cell)).collect();
        Cells { thresholds: thresholds.into(), texts, flags_at, symbols_at, len: symbols_at + symbols as u32 }
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
        self.texts.get(text).copied().unwrap_or(OTHER)
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

    /// By cell: whether its values fulfil the condition, without the operator's negation; `None` where they are missing.
    pub(super) fn fulfilled(&self, compared: Compared<'_>) -> Vec<Option<bool>> {
        let mut fulfilled = vec![Some(false); self.len()];
        fulfilled[MISSING as usize] = None;
        match compared {
            Compared::Presence(present) => {
                fulfilled.fill(Some(present));
                fulfilled[MISSING as usize] = Some(!present);
            }
            Compared::Symbols(members) => {
                for (symbol, cell) in fulfilled[self.symbols_at as usize..].iter_mut().enumerate() {
                    *cell = Some(members >> symbol & 1 != 0);
                }
            }
            Compared::Flag(flag) => self.mark([self.flag(flag)], &mut fulfilled),
            Compared::Numbers(op, values) => self.mark_numbers(op, values, &mut fulfilled),
            Compared::Texts(_, texts) => self.mark(texts.iter().map(|text| self.text(text)), &mut fulfilled),
            Compared::Values(op, numbers, texts, flags) => {
                self.mark_numbers(op, numbers, &mut fulfilled);
                self.mark(texts.iter().map(|text| self.text(text)), &mut fulfilled);
                self.mark(flags.iter().map(|flag| self.flag(*flag)), &mut fulfilled);
            }
        }
        fulfilled
    }

    fn mark(&self, cells: impl IntoIterator<Item = u32>, fulfilled: &mut [Option<bool>]) {
        for cell in cells {
            fulfilled[cell as usize] = Some(true);
        }
    }

    /// A number lies on the same side of a threshold as its cell does.
    fn mark_numbers(&self, op: Op, values: &[Number], fulfilled: &mut [Option<bool>]) {
        if values.is_empty() {
            return;
        }
        let first = OTHER + 1;
        for cell in first..first + 2 * self.thresholds.len() as u32 + 1 {
            let at = |value: &Number| self.number(*value);
            let holds = match (op, values) {
                (Op::Gt, [value]) => cell > at(value),
                (Op::Gte, [value]) => cell >= at(value),
                (Op::Lt, [value]) => cell < at(value),
                (Op::Lte, [value]) => cell <= at(value),
                (Op::Between, [low, high]) => cell >= at(low) && cell <= at(high),
                _ => values.iter().any(|value| cell == at(value)),
            };
            if holds {
                fulfilled[cell as usize] = Some(true);
            }
        }
    }
}
