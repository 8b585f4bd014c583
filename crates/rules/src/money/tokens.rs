//! Finds numbers in chat text, with what stands around them.
//!
//! In: a text. Out: every number with its currency marker, sign and multiplier, in order.
//! A number glued to other letters (`INV1234`, `3pcs`), a percentage, and the parts of dates and times of day are no
//! amounts and are left out, unless a currency stands in front of them.

use std::ops::Range;

use super::Locale;
use super::normalise::digit;

/// Code points of a text that are looked at (D-6).
const SCAN_CHARS_MAX: usize = 4_096;
/// Numbers looked at in one text.
const TOKENS_MAX: usize = 64;

/// A currency as chat text names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// `Rp`, `Rp.` or `IDR`
    Rupiah,
    /// `$`: the workspace's own dollar, else the American one.
    Dollar,
    /// Any other, by its code.
    Code(&'static str),
}

impl Marker {
    /// The ISO 4217 code, given the workspace's.
    pub(super) fn currency(self, workspace: &str) -> &str {
        const DOLLARS: &[&str] = &["USD", "SGD", "AUD", "NZD", "CAD", "HKD", "TWD", "MXN", "BND"];
        match self {
            Marker::Rupiah => "IDR",
            Marker::Dollar if DOLLARS.contains(&workspace) => workspace,
            Marker::Dollar => "USD",
            Marker::Code(code) => code,
        }
    }
}

/// Spellings of currencies, lower case; longer ones first where one is the end of another.
const MARKERS: &[(&str, Marker)] = &[
    ("rp.", Marker::Rupiah),
    ("rp", Marker::Rupiah),
    ("idr", Marker::Rupiah),
    ("us$", Marker::Code("USD")),
    ("s$", Marker::Code("SGD")),
    ("a$", Marker::Code("AUD")),
    ("r$", Marker::Code("BRL")),
    ("$", Marker::Dollar),
    ("€", Marker::Code("EUR")),
    ("£", Marker::Code("GBP")),
    ("₹", Marker::Code("INR")),
    ("¥", Marker::Code("JPY")),
    ("₩", Marker::Code("KRW")),
    ("₫", Marker::Code("VND")),
    ("฿", Marker::Code("THB")),
    ("₱", Marker::Code("PHP")),
    ("rm", Marker::Code("MYR")),
    ("usd", Marker::Code("USD")),
    ("sgd", Marker::Code("SGD")),
    ("myr", Marker::Code("MYR")),
    ("eur", Marker::Code("EUR")),
    ("gbp", Marker::Code("GBP")),
    ("aud", Marker::Code("AUD")),
    ("brl", Marker::Code("BRL")),
    ("inr", Marker::Code("INR")),
    ("jpy", Marker::Code("JPY")),
    ("chf", Marker::Code("CHF")),
    ("thb", Marker::Code("THB")),
    ("php", Marker::Code("PHP")),
    ("vnd", Marker::Code("VND")),
    ("egp", Marker::Code("EGP")),
    ("cny", Marker::Code("CNY")),
    ("hkd", Marker::Code("HKD")),
];

/// Words that name a currency only behind a number.
const SUFFIXES: &[(&str, Marker)] = &[
    ("rupiah", Marker::Rupiah),
    ("ringgit", Marker::Code("MYR")),
    ("dollars", Marker::Dollar),
    ("dollar", Marker::Dollar),
    ("euros", Marker::Code("EUR")),
    ("euro", Marker::Code("EUR")),
];

/// A number and what stands around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    /// Digits and the marks between them.
    pub(super) spelling: &'t str,
    /// The currency in front.
    pub(super) marker: Option<Marker>,
    /// The currency behind.
    pub(super) suffix: Option<Marker>,
    /// The power of ten of the multiplier word behind.
    pub(super) multiplier: Option<u32>,
    /// Whether a minus sign is glued to it.
    pub(super) negative: bool,
    /// Whether letters go on where it ends, such as a multiplier nobody knows.
    pub(super) glued: bool,
    /// Whether `Total :` stands before it.
    pub(super) after_total: bool,
    /// From the currency to the end of the multiplier.
    pub(super) raw: Range<usize>,
}

impl Token<'_> {
    /// Whether a group of three digits follows a mark: such a number is never cut at the mark (D-4).
    pub(super) fn is_grouped(&self) -> bool {
        let pieces = self.spelling.split(|c: char| digit(c).is_none());
        pieces.skip(1).any(|piece| piece.chars().count() >= 3)
    }

    /// Whether its groups are separated by `mark`, and it has some.
    pub(super) fn has_only_groups_of(&self, mark: char) -> bool {
        let first = self.spelling.chars().find(|c| digit(*c).is_none());
        let group = self.spelling.split(|c: char| digit(c).is_none()).nth(1);
        first == Some(mark) && group.is_some_and(|group| group.chars().count() == 3)
    }

    /// Whether it looks like a phone number: a leading 0 or 62 and 9 to 15 digits.
    pub(super) fn is_phone_like(&self) -> bool {
        let length = self.spelling.chars().count();
        (9..=15).contains(&length)
            && self.spelling.chars().all(|c| digit(c).is_some())
            && (self.spelling.starts_with('0') || self.spelling.starts_with("62"))
            && self.multiplier.is_none()
    }
}

/// Every number of `text` that may be an amount.
pub(super) fn find<'t>(text: &'t str, locale: &Locale) -> Vec<Token<'t>> {
    let text = match text.char_indices().nth(SCAN_CHARS_MAX) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(|c| digit(c).is_some()).map(|offset| at + offset) {
        let end = number_end(text, start, locale);
        if let Some(token) = token(text, start..end, locale) {
            found.push(token);
        }
        if found.len() >= TOKENS_MAX {
            break;
        }
        at = end;
    }
    found
}

/// Where the number that starts at `start` ends: marks belong to it where a digit follows.
fn number_end(text: &str, start: usize, locale: &Locale) -> usize {
    let mut end = start;
    let mut rest = text[start..].chars().peekable();
    while let Some(c) = rest.next() {
        let next_is_digit = rest.peek().is_some_and(|next| digit(*next).is_some());
        let is_mark = matches!(c, '.' | ',' | '\'' | '’') || (locale.spaces && matches!(c, '\u{a0}' | '\u{202f}'));
        if digit(c).is_none() && !(is_mark && next_is_digit) {
            break;
        }
        end += c.len_utf8();
    }
    end
}

fn token<'t>(text: &'t str, number: Range<usize>, locale: &Locale) -> Option<Token<'t>> {
    let (before, after) = (&text[..number.start], &text[number.end..]);
    // A minus sign may stand before the currency or between it and the number.
    let unsigned = before.strip_suffix(SIGNS);
    let (marker, marker_start) = marker_before(unsigned.unwrap_or(before));
    let front = if marker.is_some() { &text[..marker_start] } else { before };
    let negative = has_sign(front) || (marker.is_some() && unsigned.is_some());
    let (multiplier, after_multiplier) = multiplier_after(after, locale);
    let (suffix, after_suffix) = suffix_after(after_multiplier);
    let end = if suffix.is_some() { after_suffix } else { after_multiplier };
    let glued = end.starts_with(is_wordy);
    if marker.is_none() && (glued || is_glued_left(before) || is_part_of_other(before, after)) {
        return None;
    }
    Some(Token {
        spelling: &text[number.clone()],
        marker,
        suffix,
        multiplier,
        negative,
        glued,
        after_total: is_after_total(front),
        raw: if marker.is_some() { marker_start } else { number.start }..text.len() - end.len(),
    })
}

const SIGNS: [char; 2] = ['-', '−'];

/// The currency at the end of `before`, blanks aside, and where it starts.
fn marker_before(before: &str) -> (Option<Marker>, usize) {
    let trimmed = before.trim_end();
    for (spelling, marker) in MARKERS {
        let Some(start) = trimmed.len().checked_sub(spelling.len()) else { continue };
        let Some(tail) = trimmed.get(start..) else { continue };
        let glued = || trimmed[..start].ends_with(char::is_alphanumeric) && spelling.starts_with(char::is_alphabetic);
        if tail.eq_ignore_ascii_case(spelling) && !glued() {
            return (Some(*marker), start);
        }
    }
    (None, before.len())
}

/// The power of ten of the multiplier at the start of `after`, one blank aside, and what follows it. The longest wins:
/// two words before one.
fn multiplier_after<'t>(after: &'t str, locale: &Locale) -> (Option<u32>, &'t str) {
    let body = after.strip_prefix(BLANKS).unwrap_or(after);
    let word_end = |text: &str| text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let first = word_end(body);
    let rest = &body[first..];
    if let Some(second) = rest.strip_prefix(BLANKS) {
        let words = format!("{} {}", &body[..first], &second[..word_end(second)]);
        if let Some(power) = locale.multiplier(&words) {
            return (Some(power), &second[word_end(second)..]);
        }
    }
    match locale.multiplier(&body[..first]) {
        Some(power) => (Some(power), rest),
        None => (None, after),
    }
}

const BLANKS: [char; 3] = [' ', '\u{a0}', '\u{202f}'];

/// The currency at the start of `after`, one blank aside, and what follows it.
fn suffix_after(after: &str) -> (Option<Marker>, &str) {
    let body = after.strip_prefix(BLANKS).unwrap_or(after);
    for (spelling, marker) in SUFFIXES.iter().chain(MARKERS) {
        let Some(head) = body.get(..spelling.len()) else { continue };
        let glued =
            || body[spelling.len()..].starts_with(char::is_alphanumeric) && spelling.ends_with(char::is_alphabetic);
        if head.eq_ignore_ascii_case(spelling) && !glued() {
            return (Some(*marker), &body[spelling.len()..]);
        }
    }
    (None, after)
}

/// Whether a minus sign at the end of `front` belongs to the number: a dash between words does not.
fn has_sign(front: &str) -> bool {
    let Some(rest) = front.strip_suffix(SIGNS) else { return false };
    rest.is_empty() || rest.ends_with(|c: char| c.is_whitespace() || matches!(c, '(' | '\u{200e}' | '\u{200f}'))
}

fn is_wordy(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether the number goes on to the left: `INV1234`, `INV-1234`, `#1234`, `.5`.
fn is_glued_left(before: &str) -> bool {
    let mut chars = before.chars().rev();
    match (chars.next(), chars.next()) {
        (Some('#'), _) => true,
        (Some('-' | '−'), Some(beyond)) => is_wordy(beyond),
        (Some('.' | ','), beyond) => beyond.is_none_or(char::is_whitespace),
        (Some(last), _) => is_wordy(last),
        (None, _) => false,
    }
}

/// Whether the number is part of a percentage, a date or a time of day.
fn is_part_of_other(before: &str, after: &str) -> bool {
    let joins = |mark: Option<char>, beyond: Option<char>| {
        matches!(mark, Some('/' | ':' | '-')) && beyond.is_some_and(|c| digit(c).is_some())
    };
    let (mut left, mut right) = (before.chars().rev(), after.chars());
    after.trim_start().starts_with('%') || joins(left.next(), left.next()) || joins(right.next(), right.next())
}

/// Whether `Total :` ends here, a currency aside.
fn is_after_total(front: &str) -> bool {
    let Some(label) = front.trim_end().strip_suffix(':') else { return false };
    let label = label.trim_end();
    let Some(start) = label.len().checked_sub("total".len()) else { return false };
    label.get(start..).is_some_and(|word| word.eq_ignore_ascii_case("total"))
        && !label[..start].ends_with(char::is_alphanumeric)
}
