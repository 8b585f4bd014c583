//! The first field in which two state blocks differ.

use std::fmt::Debug;

use kilat_codec::Topic;
use kilat_domain::{Entries, StateBlock};

use super::Divergence;

/// Characters shown of a value.
const SHOWN_MAX: usize = 400;

/// Where two blocks differ first, field by field in the order of the schema.
pub(super) fn first_difference(committed: &StateBlock<'_>, replayed: &StateBlock<'_>) -> Divergence {
    let scalars = [
        ("sequence", committed.sequence, replayed.sequence),
        ("now", committed.now.0, replayed.now.0),
        ("rule_epoch", committed.rule_epoch, replayed.rule_epoch),
        ("decisions", committed.decisions, replayed.decisions),
        ("actions", committed.actions, replayed.actions),
    ];
    let scalar = scalars.iter().find(|(_, a, b)| a != b).map(|(name, a, b)| ((*name).to_owned(), shown(a), shown(b)));
    let (field, committed_value, replayed_value) = scalar
        .or_else(|| first_of("fates", &committed.fates, &replayed.fates))
        .or_else(|| first_of("inputs", &committed.inputs, &replayed.inputs))
        .or_else(|| first_entry("leads", &committed.lead_entries, &replayed.lead_entries))
        .or_else(|| first_entry("conversations", &committed.conversation_entries, &replayed.conversation_entries))
        .or_else(|| first_of("seen", &committed.seen, &replayed.seen))
        .or_else(|| first_of("disabled", &committed.disabled, &replayed.disabled))
        .unwrap_or_else(|| ("chain".to_owned(), shown(&committed.chain), shown(&replayed.chain)));
    Divergence {
        topic: Topic::State.name(),
        what: format!("block {}, field {field}", committed.sequence),
        committed: committed_value,
        replayed: replayed_value,
    }
}

fn first_of<T: PartialEq + Debug>(field: &str, committed: &[T], replayed: &[T]) -> Option<(String, String, String)> {
    let length = committed.len().max(replayed.len());
    let at = (0..length).find(|at| committed.get(*at) != replayed.get(*at))?;
    let value = |list: &[T]| list.get(at).map_or_else(|| "none".to_owned(), shown);
    Some((format!("{field}[{at}]"), value(committed), value(replayed)))
}

fn first_entry(field: &str, committed: &Entries<'_>, replayed: &Entries<'_>) -> Option<(String, String, String)> {
    let entries = |entries: &Entries<'_>| entries.iter().map(|entry| format!("{entry:?}")).collect::<Vec<_>>();
    first_of(field, &entries(committed), &entries(replayed))
}

fn shown(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}
