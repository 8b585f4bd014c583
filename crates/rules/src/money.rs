//! Reads amounts of money out of chat text: locate, normalise, decide (D-1 to D-5).
//!
//! In: a text, a [`Preset`] or what a pattern captured, a [`Policy`], and how people write amounts there ([`Locale`]).
//! Out: one amount in minor units with its currency and the text it was read from, or why there is none.
//! MO-1: an amount is never guessed: where a spelling or a choice has two readings, the answer is `ambiguous`.
//! MO-2: nothing is cut off: a number is taken with all its groups or not at all (D-4).
//! Absent: patterns, which are the caller's; exchange rates.

mod locale;
mod normalise;
pub(crate) mod preset;
mod tokens;

use std::ops::Range;

use kilat_domain::Money;

pub use locale::Locale;
use normalise::Decimal;
pub(crate) use preset::Preset;
use tokens::Token;

use crate::iso;

/// Which of several amounts is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// All must agree.
    Only,
    First,
    Last,
    Max,
    Sum,
}

impl Policy {
    pub(crate) const ALL: [Policy; 5] = [Policy::Only, Policy::First, Policy::Last, Policy::Max, Policy::Sum];
    pub(crate) const NAMES: &'static [&'static str] = &["only", "first", "last", "max", "sum"];

    pub(crate) fn name(self) -> &'static str {
        Policy::NAMES[self as usize]
    }
}

/// An amount, and where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) money: Money,
    pub(crate) raw: Range<usize>,
}

/// Why there is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    NoMatch,
    Ambiguous,
}

impl NotFound {
    /// The word of the decision.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            NotFound::NoMatch => "no_match",
            NotFound::Ambiguous => "ambiguous",
        }
    }
}

/// How amounts are written, and what they are in where they do not say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notation<'s> {
    pub(crate) locale: &'s Locale,
    pub(crate) currency: &'s str,
}

/// The amount that `preset` finds in `text`.
pub(crate) fn extract(text: &str, preset: &Preset, policy: Policy, notation: Notation<'_>) -> Result<Found, NotFound> {
    decide(taken(text, preset, notation).iter().map(|token| (preset.normaliser)(token, notation)), policy)
}

/// Where the amounts stand between which `preset` has to decide.
pub(crate) fn candidates(text: &str, preset: &Preset, notation: Notation<'_>) -> Vec<Range<usize>> {
    taken(text, preset, notation).into_iter().map(|token| token.raw).collect()
}

fn taken<'t>(text: &'t str, preset: &Preset, notation: Notation<'_>) -> Vec<Token<'t>> {
    let mut tokens: Vec<Token<'_>> = tokens::find(text, notation.locale);
    preset.locator.keep(&mut tokens);
    tokens
}

/// The amount of a text that is nothing but an amount, such as what a pattern captured (D-3).
pub(crate) fn read_capture(text: &str, notation: Notation<'_>) -> Result<Found, NotFound> {
    let tokens = tokens::find(text, notation.locale);
    if tokens.is_empty() && text.contains(|c: char| c.is_ascii_digit()) {
        return Err(NotFound::Ambiguous);
    }
    decide(tokens.iter().map(|token| normalise_token(token, notation)), Policy::Only)
}

/// Chooses among amounts; a policy that looks at one forgives the others their ambiguity.
pub(crate) fn decide(
    mut amounts: impl DoubleEndedIterator<Item = Result<Found, NotFound>>,
    policy: Policy,
) -> Result<Found, NotFound> {
    match policy {
        Policy::First => amounts.next().unwrap_or(Err(NotFound::NoMatch)),
        Policy::Last => amounts.next_back().unwrap_or(Err(NotFound::NoMatch)),
        Policy::Only | Policy::Max | Policy::Sum => {
            let mut chosen = amounts.next().unwrap_or(Err(NotFound::NoMatch))?;
            for next in amounts {
                let next = next?;
                if next.money.currency != chosen.money.currency {
                    return Err(NotFound::Ambiguous);
                }
                match policy {
                    Policy::Max if next.money.minor > chosen.money.minor => chosen = next,
                    Policy::Sum => {
                        chosen.money.minor =
                            chosen.money.minor.checked_add(next.money.minor).ok_or(NotFound::Ambiguous)?;
                        chosen.raw.end = next.raw.end;
                    }
                    Policy::Only if next.money.minor != chosen.money.minor => return Err(NotFound::Ambiguous),
                    _ => {}
                }
            }
            Ok(chosen)
        }
    }
}

/// The amount of one number (D-2).
fn normalise_token(token: &Token<'_>, notation: Notation<'_>) -> Result<Found, NotFound> {
    if token.glued {
        return Err(NotFound::Ambiguous);
    }
    let currency = match token.marker.or(token.suffix) {
        None => notation.currency,
        Some(marker) => marker.currency(notation.currency),
    };
    let decimal = normalise::read(token.spelling, token.multiplier, notation.locale)?;
    let minor = to_minor(decimal, currency).ok_or(NotFound::Ambiguous)?;
    let minor = if token.negative { -minor } else { minor };
    Ok(Found { money: Money { minor, currency: currency.into() }, raw: token.raw.clone() })
}

/// The minor units of a decimal; `None` where they would not be whole or do not fit.
pub(crate) fn to_minor(decimal: Decimal, currency: &str) -> Option<i64> {
    let digits = iso::minor_digits(currency);
    let scaled = decimal.mantissa.checked_mul(10_i128.checked_pow(digits)?)?;
    let divisor = 10_i128.checked_pow(decimal.scale)?;
    (scaled % divisor == 0).then(|| i64::try_from(scaled / divisor).ok()).flatten()
}

/// An amount as people read it: major units without needless decimals, and the currency.
pub(crate) fn print(money: &Money) -> String {
    format!("{} {}", print_major(money), money.currency)
}

/// The major units of an amount, without needless decimals.
pub(crate) fn print_major(money: &Money) -> String {
    let unit = 10_i64.pow(iso::minor_digits(&money.currency));
    let (sign, minor) = (if money.minor < 0 { "-" } else { "" }, money.minor.unsigned_abs());
    let (major, rest) = (minor / unit.unsigned_abs(), minor % unit.unsigned_abs());
    match rest {
        0 => format!("{sign}{major}"),
        rest => format!("{sign}{major}.{rest:0width$}", width = iso::minor_digits(&money.currency) as usize),
    }
}

/// An amount of major units, such as a rule author writes; `None` where it has no whole minor units.
pub(crate) fn from_major(number: kilat_domain::Number, currency: &str) -> Option<Money> {
    let spelling = number.to_string();
    let (whole, fraction) = spelling.split_once('.').unwrap_or((&spelling, ""));
    let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = u32::try_from(fraction.len()).ok()?;
    Some(Money { minor: to_minor(Decimal { mantissa, scale }, currency)?, currency: currency.into() })
}

#[cfg(test)]
mod tests;
