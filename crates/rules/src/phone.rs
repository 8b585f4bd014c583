//! Phone numbers and WhatsApp's JIDs in one form (D-27).
//!
//! In: whatever a partner, a phone book or a rule author writes. Out: the digits of the E.164 number, or the id as it is
//! where it is no phone number (`@lid`, `@g.us`, ids of other channels).
//! PH-1: two spellings of one number have one canonical form.
//! Absent: which numbers exist; linking a hidden number (`@lid`) to its phone number, which the engine learns.
//! Source: ITU-T E.164 (at most 15 digits); WhatsApp's `user:device@server` ids.

use std::borrow::Cow;

/// Fewest and most digits of what is taken for a phone number.
const DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

/// The canonical form of a phone number or JID; anything else is itself, trimmed.
///
/// `628123456789`, `+62 812-3456-789`, `628123456789:12@s.whatsapp.net` and `wa:628123456789` are all `628123456789`.
/// `national` is the calling code that a leading 0 stands for, such as `62`; without it such a number stays as it is.
/// Borrows where the text is canonical already.
pub fn canonical<'t>(text: &'t str, national: Option<&str>) -> Cow<'t, str> {
    if is_canonical(text) {
        return Cow::Borrowed(text);
    }
    let text = text.trim();
    let bare = ["wa:", "whatsapp:", "tel:"].iter().find_map(|scheme| strip_scheme(text, scheme)).unwrap_or(text);
    let (user, is_jid) = match bare.split_once('@') {
        None => (bare, false),
        Some((user, "s.whatsapp.net" | "c.us" | "whatsapp.net")) => {
            // `user.agent:device`; neither is part of the number.
            (user.split([':', '.']).next().unwrap_or(user), true)
        }
        Some((user, "lid")) => {
            let user = user.split([':', '.']).next().unwrap_or(user);
            return if bare.len() == user.len() + "@lid".len() {
                Cow::Borrowed(bare)
            } else {
                format!("{user}@lid").into()
            };
        }
        Some(_) => return Cow::Borrowed(bare),
    };
    if is_canonical(user) {
        return Cow::Borrowed(user);
    }
    digits_of(user, if is_jid { None } else { national }).map_or(Cow::Borrowed(bare), Cow::Owned)
}

/// Digits with their calling code, as senders mostly come.
fn is_canonical(text: &str) -> bool {
    DIGITS.contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn strip_scheme<'t>(text: &'t str, scheme: &str) -> Option<&'t str> {
    let head = text.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
}

/// The digits of a number written for people; `None` where it is no phone number.
fn digits_of(text: &str, national: Option<&str>) -> Option<String> {
    let mut digits = String::with_capacity(text.len());
    let mut plus = false;
    for (index, c) in text.chars().enumerate() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if index == 0 => plus = true,
            ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '\u{2010}'..='\u{2015}' => {}
            _ => return None,
        }
    }
    if !plus {
        if let Some(rest) = digits.strip_prefix("00") {
            digits = rest.to_owned();
        } else if let (Some(code), Some(rest)) = (national, digits.strip_prefix('0')) {
            digits = format!("{code}{rest}");
        }
    }
    DIGITS.contains(&digits.len()).then_some(digits)
}

/// The canonical lead id of a WhatsApp sender: `wa:` and the canonical form of the id.
pub fn whatsapp_lead_id(sender: &str) -> String {
    format!("wa:{}", canonical(sender, None))
}

#[cfg(test)]
mod tests;
