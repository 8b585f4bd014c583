//! E-mail addresses and phone numbers as Meta wants them before hashing.
//!
//! Input: what a lead carries. Output: the normal form, or `None` where hashing would only give the hash of nobody.
//! Rules by PARTNERS.md 2.4: values as Meta's Python SDK makes them (`facebook-business` 26.0.3); addresses filtered as its
//! newer library does; phone numbers without a country code refused, although both libraries hash them (trap 1).
//! What is already 32 or 64 hexadecimal digits is taken as hashed and passed through.

use sha2::{Digest, Sha256};

/// A normal form, or a hash that came as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Normal {
    /// Not hashed yet.
    Plain(String),
    /// Hashed by whoever sent it; lower case.
    Hashed(String),
}

impl Normal {
    /// Lower-case hexadecimal SHA-256 of the UTF-8 bytes.
    pub fn hashed(&self) -> String {
        match self {
            Normal::Hashed(hash) => hash.clone(),
            Normal::Plain(text) => {
                Sha256::digest(text.as_bytes()).iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect()
            }
        }
    }
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

/// The normal form of an e-mail address.
pub fn email(raw: &str) -> Option<Normal> {
    let text = match lower_and_trim(raw) {
        Normal::Plain(text) => text,
        hashed => return Some(hashed),
    };
    let (local, domain) = text.split_once('@')?;
    let is_atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-.".contains(&b);
    let dots_fit = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    let labels: Vec<&str> = domain.split('.').collect();
    let is_label = |label: &&str| {
        let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !label.is_empty() && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    let fits = !local.is_empty() && local.bytes().all(is_atom) && dots_fit;
    (fits && labels.len() >= 2 && labels.iter().all(is_label)).then_some(Normal::Plain(text))
}

/// The normal form of a phone number: country code and number, digits only.
pub fn phone(raw: &str) -> Option<Normal> {
    /// A country code, an area code and at least four digits.
    const DIGITS_MIN: usize = 7;

    let text = match lower_and_trim(raw) {
        Normal::Plain(text) => text,
        hashed => return Some(hashed),
    };
    let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let international = bare.strip_prefix('+').or_else(|| bare.strip_prefix("00")).unwrap_or(&bare);
    // No country code starts with 0: this is a number within some country, and hashed it would be somebody else's.
    if international.starts_with('0') {
        return None;
    }
    let digits_only = international.bytes().all(|b| b.is_ascii_digit());
    (digits_only && international.len() >= DIGITS_MIN).then(|| Normal::Plain(international.to_owned()))
}

fn lower_and_trim(raw: &str) -> Normal {
    // As Python's `strip`: U+001C to U+001F count as white space, too.
    let text = raw.to_lowercase();
    let text = text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c));
    let is_hash = matches!(text.len(), 32 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hash { Normal::Hashed(text.to_owned()) } else { Normal::Plain(text.to_owned()) }
}
