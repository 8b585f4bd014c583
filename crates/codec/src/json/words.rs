//! Which text fields hold words of a closed set, and which word may have been meant.

use kilat_domain::{
    ChatKind, Consent, ConversationPriority, ConversationStatus, EventKind, LeadPriority, MessageType, SenderKind,
};

/// A closed set of words: what it names, and its words.
pub(super) type Words = (&'static str, &'static [&'static str]);

/// The words a field may hold; `None` for free text.
pub(super) fn of(record: &str, field: &str) -> Option<Words> {
    Some(match (record, field) {
        ("Event" | "Decision", "type") => ("event type", EventKind::WORDS),
        ("ConversationFacts", "status") => ("conversation status", ConversationStatus::WORDS),
        ("ConversationFacts", "priority") => ("conversation priority", ConversationPriority::WORDS),
        ("ConversationFacts", "started_by") | ("Sender", "kind") | ("Message", "reply_to_from") => {
            ("sender kind", SenderKind::WORDS)
        }
        ("LeadFacts", "priority") => ("lead priority", LeadPriority::WORDS),
        ("LeadFacts", "consent") => ("consent", Consent::WORDS),
        ("Chat", "kind") => ("chat kind", ChatKind::WORDS),
        ("Message", "type") => ("message type", MessageType::WORDS),
        _ => return None,
    })
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
