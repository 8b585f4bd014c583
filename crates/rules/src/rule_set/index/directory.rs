//! Rules by the text or number that a field must be for them to hold: ids, names of cities and campaigns, tags, counts.
//!
//! In: rules and the condition each is filed under. Out: for an event, the places of the rules to wake. Serves fields that
//! conditions compare with many values, where bits for every value and rule would take much room and each value has few
//! rules.
//! DI-1: a rule that is filed holds only where it is woken.

use kilat_domain::Number;

use super::cells::{Cells, MISSING};
use super::reading::read;
use super::spelling;
use crate::conditions::{Compared, Spelling};
use crate::cost;
use crate::facts::Env;
use crate::fields::FieldRef;
use crate::operators::Op;
use crate::rule_set::program::Literal;

/// The rules filed under one field.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) field: FieldRef,
    spelling: Spelling,
    cells: Cells,
    /// By cell: where its places start; one more than there are cells.
    starts: Box<[u32]>,
    places: Box<[u32]>,
}

/// The texts and numbers that a condition names, where it holds for no others; a rule can be filed under these.
pub(super) fn names<'l>(literal: &Literal<'l>) -> Option<(&'l [Box<str>], &'l [Number])> {
    let equal = |op| matches!(op, Op::Equals | Op::In);
    let compared =
        literal.leaf.condition.compared().filter(|_| !literal.is_negative() && spelling(literal.leaf).is_some());
    match compared? {
        Compared::Texts(_, texts) => Some((texts, &[])),
        Compared::Numbers(op, numbers) if equal(op) => Some((&[], numbers)),
        Compared::Values(op, numbers, texts, []) if equal(op) => Some((texts, numbers)),
        _ => None,
    }
}

impl Directory {
    /// Files the rules of these places, each under its condition; all of them are on one field.
    pub(super) fn of(filed: &[(usize, Literal<'_>)], spelling: Spelling) -> Directory {
        let field = filed[0].1.leaf.field.clone();
        let cells = Cells::for_conditions(filed.iter().map(|(_, literal)| literal.leaf), usize::MAX);
        let mut entries: Vec<(u32, u32)> = Vec::new();
        for (place, literal) in filed {
            if let Some(compared) = literal.leaf.condition.compared() {
                cells.each_named(compared, |cell| entries.push((cell, *place as u32)));
            }
            if literal.decide(None) {
                entries.push((MISSING, *place as u32));
            }
        }
        entries.sort_unstable();
        entries.dedup();
        let mut starts = vec![0; cells.len() + 1];
        for (cell, _) in &entries {
            starts[*cell as usize + 1] += 1;
        }
        for cell in 0..cells.len() {
            starts[cell + 1] += starts[cell];
        }
        let places = entries.into_iter().map(|(_, place)| place).collect();
        Directory { field, spelling, cells, starts: starts.into(), places }
    }

    /// Wakes the rules that are filed under what the event says; whether one of them slept.
    pub(super) fn wake(&self, env: &mut Env<'_, '_>) -> bool {
        let chosen = read(&self.field, self.spelling, &self.cells, env);
        let scratch = &mut *env.scratch;
        let (mut woken, mut slept) = (0, false);
        for cell in chosen.cells(&scratch.cells) {
            let (from, to) = (self.starts[*cell as usize] as usize, self.starts[*cell as usize + 1] as usize);
            woken += to - from;
            for place in &self.places[from..to] {
                slept |= scratch.awake.insert(*place);
            }
        }
        scratch.spend(cost::compare(woken) - 1);
        slept
    }

    pub(super) fn memory_bytes(&self) -> usize {
        (self.starts.len() + self.places.len()) * size_of::<u32>() + self.cells.memory_bytes() + size_of::<Directory>()
    }
}
