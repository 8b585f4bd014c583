//! Words of an event line that their closed set does not know, and which may have been meant.
//!
//! Such a word is no error: it is read as `unknown`, and the event is kept. People who write lines by hand want to know.

use kilat_domain::{
    ChatKind, Consent, ConversationPriority, ConversationStatus, EventKind, LeadPriority, MessageType, SenderKind,
};
use serde_json::Value;

use super::LineError;
use super::read::shortened;

/// What a set names, its words, and those of them that can be meant.
struct Set {
    what: &'static str,
    words: &'static [&'static str],
    known: &'static [&'static str],
}

macro_rules! set {
    ($set:ident) => {
        Set { what: $set::WHAT, words: $set::WORDS, known: $set::KNOWN }
    };
}

/// Where such words stand.
const PLACES: &[(&str, Set)] = &[
    ("type", set!(EventKind)),
    ("conversation.status", set!(ConversationStatus)),
    ("conversation.priority", set!(ConversationPriority)),
    ("conversation.started_by", set!(SenderKind)),
    ("lead.priority", set!(LeadPriority)),
    ("lead.consent", set!(Consent)),
    ("chat.kind", set!(ChatKind)),
    ("sender.kind", set!(SenderKind)),
    ("message.type", set!(MessageType)),
    ("message.reply_to_from", set!(SenderKind)),
];

/// The words of an event that are read as `unknown` without being so.
pub(super) fn unknown(event: &Value) -> Vec<LineError> {
    let at = |path: &str| path.split('.').try_fold(event, |value, key| value.get(key))?.as_str();
    let unknown = |(path, set): &(&str, Set)| {
        let word = at(path).filter(|word| !set.words.contains(word))?;
        Some(LineError {
            code: "K2104",
            path: (*path).to_owned(),
            problem: format!(
                "is \"{}\", which is no {} that is known: it is read as unknown",
                shortened(word),
                set.what
            ),
            remedy: match nearest(word, set.known) {
                Some(nearest) => format!("did you mean \"{nearest}\"?"),
                None => format!("use one of {}", set.known.join(", ")),
            },
        })
    };
    PLACES.iter().filter_map(unknown).collect()
}

/// The known word that may have been meant: the nearest one that differs in no more than a third of its letters, or the
/// only one of which it is the part after the dot.
fn nearest(word: &str, known: &'static [&'static str]) -> Option<&'static str> {
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
