//! The cell of what an event says of a field; several where the field has several values.

use kilat_domain::Value;

use super::cells::{Cells, MISSING};
use crate::conditions::Spelling;
use crate::conditions::set::with_folded;
use crate::cost;
use crate::facts::{Chosen, Env, Scratch};
use crate::fields::{FieldRef, Read, text, value};
use crate::phone;

/// Reads the field.
pub(super) fn read(field: &FieldRef, spelling: Spelling, cells: &Cells, env: &mut Env<'_, '_>) -> Chosen {
    let facts = env.facts;
    Chosen::Cell(match field.field.read {
        Read::Symbol { read, .. } => read(facts).map_or(MISSING, |symbol| cells.symbol(symbol)),
        Read::Flag(read) => read(facts).map_or(MISSING, |flag| cells.flag(flag)),
        Read::Number(_) | Read::Split => field.number(facts).map_or(MISSING, |number| cells.number(number)),
        Read::Text(read) => text(read(facts)).map_or(MISSING, |text| named(cells, spelling, text, env)),
        Read::Set(read) => {
            let start = env.scratch.cells.len();
            for member in read(facts) {
                let cell = named(cells, spelling, member, env);
                env.scratch.cells.push(cell);
            }
            return several(start, env.scratch);
        }
        Read::Words(read) => {
            let start = env.scratch.cells.len();
            for member in read(facts) {
                let cell = named(cells, spelling, member, env);
                env.scratch.cells.push(cell);
            }
            return several(start, env.scratch);
        }
        Read::Path(read) => match value(read(facts, &field.path)) {
            None => MISSING,
            Some(Value::List(members)) => {
                let start = env.scratch.cells.len();
                for member in members {
                    let cell = cells.value(member, |text| named(cells, spelling, text, env));
                    env.scratch.cells.push(cell);
                }
                return several(start, env.scratch);
            }
            Some(value) => cells.value(value, |text| named(cells, spelling, text, env)),
        },
        Read::MessageText | Read::Money(_) | Read::Clock | Read::History => MISSING,
    })
}

/// What is chosen where a field has as many values as were put behind `start`.
fn several(start: usize, scratch: &mut Scratch) -> Chosen {
    scratch.spend(cost::look_up(scratch.cells.len() - start));
    match scratch.cells[start..] {
        [] => Chosen::Cell(MISSING),
        [cell] => Chosen::Cell(cell),
        _ => {
            let cells = &mut scratch.cells;
            cells[start..].sort_unstable();
            let mut kept = start + 1;
            for at in start + 1..cells.len() {
                if cells[at] != cells[kept - 1] {
                    cells[kept] = cells[at];
                    kept += 1;
                }
            }
            cells.truncate(kept);
            Chosen::Several(start as u32, (kept - start) as u32)
        }
    }
}

/// The cell of a text.
fn named(cells: &Cells, spelling: Spelling, text: &str, env: &mut Env<'_, '_>) -> u32 {
    env.scratch.spend(cost::search(text.len(), 1) - 1);
    match spelling {
        Spelling::Exact => cells.text(text),
        Spelling::Folded => {
            env.scratch.spend(cost::fold(text));
            // What is named as it stands is folded already.
            let folded = || with_folded(text, &mut env.scratch.other, |folded| cells.text(folded));
            cells.named(text).unwrap_or_else(folded)
        }
        Spelling::Country => {
            let upper = &mut env.scratch.other;
            upper.clear();
            upper.push_str(text.trim());
            upper.make_ascii_uppercase();
            cells.text(upper)
        }
        Spelling::Phone => cells.text(&phone::canonical(text, env.settings.calling_code())),
    }
}
