//! What a field may hold beyond its Avro type, and which word may have been meant.

use kilat_domain::{ChatKind, Consent, ConversationPriority, ConversationStatus, EventKind, LeadPriority, SenderKind};

/// What a field may hold beyond its Avro type.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    /// Only these words.
    Words {
        /// What they name.
        what: &'static str,
        /// All of them.
        known: &'static [&'static str],
    },
    /// Only whole numbers up to this one, from 0.
    UpTo(i64),
}

/// The limit of a field; `None` where its type says it all.
pub(super) fn of(record: &str, field: &str) -> Option<Limit> {
    let (what, known) = match (record, field) {
        ("Event" | "Decision" | "Explanation", "type") => ("event type", EventKind::WORDS),
        ("ConversationFacts", "status") => ("conversation status", ConversationStatus::WORDS),
        ("ConversationFacts", "priority") => ("conversation priority", ConversationPriority::WORDS),
        ("ConversationFacts", "started_by") | ("Sender", "kind") | ("Message", "reply_to_from") => {
            ("sender kind", SenderKind::WORDS)
        }
        ("LeadFacts", "priority") => ("lead priority", LeadPriority::WORDS),
        ("LeadFacts", "consent") => ("consent", Consent::WORDS),
        ("Chat", "kind") => ("chat kind", ChatKind::WORDS),
        ("Event", "depth") => return Some(Limit::UpTo(u16::MAX.into())),
        _ => return None,
    };
    Some(Limit::Words { what, known })
}

/// The known word that may have been meant: the nearest one that differs in no more than a third of its letters, or the
/// only one of which it is the part after the dot.
pub(super) fn nearest(word: &str, known: &'static [&'static str]) -> Option<&'static str> {
    // The distance takes time by the product of the lengths; nothing long was meant to be a word.
    const LETTERS_MAX: usize = 64;
    if word.len() > LETTERS_MAX {
        return None;
    }
    let lower = word.to_lowercase();
    let distance = |known: &str| strsim::osa_distance(&lower, known);
    let near =
        known.iter().copied().min_by_key(|known| distance(known)).filter(|known| distance(known) * 3 <= known.len());
    near.or_else(|| {
        let mut after_dot =
            known.iter().copied().filter(|known| known.split_once('.').is_some_and(|(_, last)| last == lower));
        after_dot.next().filter(|_| after_dot.next().is_none())
    })
}
