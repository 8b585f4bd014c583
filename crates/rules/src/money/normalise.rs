//! From a number's spelling to its value (D-2).
//!
//! In: digits with marks between them, a multiplier, and which mark is decimal. Out: an exact decimal, or `ambiguous`.
//! Marks: a grouping mark may stand once or often; the decimal mark groups only where it stands at least twice; where
//! both kinds stand, the last one is decimal and has one or two digits; a lone grouping mark with one or two digits is
//! decimal only before a multiplier.

use super::{Locale, NotFound};

/// `mantissa / 10^scale`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) mantissa: i128,
    pub(crate) scale: u32,
}

/// Most digits of a number; longer ones are account numbers.
const DIGITS_MAX: usize = 18;

/// Reads a spelling such as `1.500.000,00`; `multiplier` is a power of ten.
pub(super) fn read(spelling: &str, multiplier: Option<u32>, locale: &Locale) -> Result<Decimal, NotFound> {
    let marks: Vec<char> = spelling.chars().filter(|c| digit(*c).is_none()).collect();
    let pieces: Vec<&str> = spelling.split(|c: char| digit(c).is_none()).collect();
    let last_digits = pieces.last().map_or(0, |piece| piece.chars().count());
    let (first, last) = (marks.first().copied(), marks.last().copied());
    let one_kind = marks.iter().all(|mark| Some(*mark) == first);
    let decimals = match (first, last) {
        (None, _) | (_, None) => 0,
        (Some(mark), _) if one_kind && mark == locale.decimal => match (marks.len(), last_digits) {
            (1, 1 | 2) => last_digits,
            (2.., _) if is_grouped(&pieces, locale.lakh) => 0,
            _ => return Err(NotFound::Ambiguous),
        },
        (Some(_), _) if one_kind => match (marks.len(), last_digits) {
            _ if is_grouped(&pieces, locale.lakh) => 0,
            (1, 1 | 2) if multiplier.is_some() => last_digits,
            _ => return Err(NotFound::Ambiguous),
        },
        (Some(mark), Some(decimal)) => {
            let (_, rest) = marks.split_last().unwrap_or((&' ', &[]));
            let groups = &pieces[..pieces.len() - 1];
            let fits = rest.iter().all(|other| *other == mark) && mark != decimal;
            if !fits || !(1..=2).contains(&last_digits) || !is_grouped(groups, locale.lakh) {
                return Err(NotFound::Ambiguous);
            }
            last_digits
        }
    };
    let digits: Vec<u32> = spelling.chars().filter_map(digit).collect();
    if digits.len() > DIGITS_MAX {
        return Err(NotFound::Ambiguous);
    }
    let mantissa = digits.iter().fold(0_i128, |value, digit| value * 10 + i128::from(*digit));
    let mantissa = mantissa * 10_i128.pow(multiplier.unwrap_or(0).min(15));
    Ok(Decimal { mantissa, scale: decimals as u32 })
}

/// Whether pieces between marks are groups: three digits each, the first one to three and no leading zero.
fn is_grouped(pieces: &[&str], lakh: bool) -> bool {
    let lengths: Vec<usize> = pieces.iter().map(|piece| piece.chars().count()).collect();
    let [first, middle @ .., last] = &*lengths else { return false };
    let leading_zero = pieces[0].chars().next().and_then(digit) == Some(0);
    let thousands = (1..=3).contains(first) && middle.iter().all(|length| *length == 3);
    let lakhs = lakh && (1..=2).contains(first) && middle.iter().all(|length| *length == 2);
    *last == 3 && !leading_zero && (thousands || lakhs)
}

/// The value of a decimal digit, also full-width and of the scripts our customers write.
pub(super) fn digit(c: char) -> Option<u32> {
    const ZEROS: [char; 9] = ['٠', '۰', '०', '০', '௦', '๐', '༠', '၀', '０'];
    if c.is_ascii() {
        return c.to_digit(10);
    }
    ZEROS.iter().map(|zero| u32::from(c).wrapping_sub(u32::from(*zero))).find(|value| *value < 10)
}
