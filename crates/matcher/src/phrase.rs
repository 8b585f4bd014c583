//! Reduces folded text to its phrase: the text without punctuation and emoji at its ends (D-14, exact phrase).
//!
//! Input: folded text. Output: a part of it. "halo!", "halo 👋🏽" and "«halo»" are one phrase; "don't" is itself.
//! Absent: symbols that mean something at an edge, such as `$`, `+` and `<`, which stay; a phrase of nothing but
//! punctuation is that punctuation, so that "?" can be a phrase.

use crate::unicode::is_punctuation_or_emoji;

/// Returns `folded` without punctuation, emoji and the blanks between them at both ends; `folded` if that is all it has.
#[must_use]
pub fn exact_phrase(folded: &str) -> &str {
    match folded.trim_matches(|c| c == ' ' || is_punctuation_or_emoji(c)) {
        "" => folded,
        phrase => phrase,
    }
}

#[cfg(test)]
mod tests {
    use super::exact_phrase;
    use crate::fold;

    #[test]
    fn edge_punctuation_and_emoji_do_not_count() {
        for text in
            ["Halo!", "halo", "  HALO ... ", "halo 👋🏽", "👩\u{200d}💻halo🇮🇩", "«Halo»", "¡halo!", "halo❤\u{fe0f}"]
        {
            assert_eq!(exact_phrase(&fold(text)), "halo", "{text:?}");
        }
        assert_eq!(exact_phrase(&fold("DON'T")), "don't");
        assert_eq!(exact_phrase("rp 50.000,-"), "rp 50.000");
        assert_eq!(exact_phrase("$5"), "$5");
        assert_eq!(exact_phrase("?!"), "?!");
        assert_eq!(exact_phrase(""), "");
    }
}
