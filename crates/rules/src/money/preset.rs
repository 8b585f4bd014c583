//! The five presets of the source's dropdown, each a locator, a normaliser and a policy (D-1, F-76 to F-80).
//!
//! In: the numbers of a text. Out: those that the preset means, in order.
//! A locator works in D-1's order: what stands behind `Total:`, where that is asked for; of these the numbers with a
//! currency, where there are such; of these the ones in the spelling that the preset is for, each whole or not at all
//! (D-4). The normaliser is D-2 for all of them. A new preset is a row of [`ALL`] and a corpus under `presets/`.
//! PR-1: a preset whose corpus does not hold is refused wherever a rule names it.

use std::sync::OnceLock;

use super::tokens::{Marker, Token};
use super::{Found, Locale, NotFound, Notation, Policy, extract, normalise_token};
use crate::corpus::Corpus;

/// A way to find an amount in chat text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    pub(crate) locator: Locator,
    pub(super) normaliser: fn(&Token<'_>, Notation<'_>) -> Result<Found, NotFound>,
    /// Which amount is meant where a rule does not say.
    pub(crate) policy: Policy,
    /// Texts with what it finds in them, as `presets/<name>.yaml`.
    corpus: &'static str,
}

/// Which numbers of a text a preset takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Locator {
    /// Only those behind `Total:`.
    pub(crate) after_total: bool,
    /// Only those with `Rp` or `IDR` in front.
    pub(crate) needs_rupiah: bool,
    pub(crate) grouping: Grouping,
}

/// How the digits of an amount may be grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    Any,
    /// In threes, with points.
    Points,
    /// Not at all.
    Plain,
}

const ANY: Locator = Locator { after_total: false, needs_rupiah: false, grouping: Grouping::Any };

macro_rules! preset {
    ($name:literal, $locator:expr) => {
        Preset {
            name: $name,
            locator: $locator,
            normaliser: normalise_token,
            policy: Policy::Only,
            corpus: include_str!(concat!("presets/", $name, ".yaml")),
        }
    };
}

/// Every preset.
pub(crate) static ALL: [Preset; 5] = [
    preset!("flexible_rupiah", ANY),
    preset!("rp_with_dots", Locator { needs_rupiah: true, grouping: Grouping::Points, ..ANY }),
    preset!("rp_without_dots", Locator { needs_rupiah: true, grouping: Grouping::Plain, ..ANY }),
    preset!("total", Locator { after_total: true, ..ANY }),
    preset!("numbers_only", Locator { grouping: Grouping::Plain, ..ANY }),
];

/// Their names, in the same order.
pub(crate) const NAMES: &[&str] = &["flexible_rupiah", "rp_with_dots", "rp_without_dots", "total", "numbers_only"];

impl Locator {
    /// Leaves the numbers that are meant.
    pub(super) fn keep(self, tokens: &mut Vec<Token<'_>>) {
        if self.after_total {
            tokens.retain(|token| token.after_total);
        }
        // D-1 names Rp and IDR; any other currency in front says as well that a number is an amount.
        let rupiah = |token: &Token<'_>| token.marker == Some(Marker::Rupiah);
        if self.needs_rupiah || tokens.iter().any(rupiah) {
            tokens.retain(rupiah);
        } else if tokens.iter().any(|token| token.marker.is_some()) {
            tokens.retain(|token| token.marker.is_some());
        } else {
            tokens.retain(|token| !token.is_phone_like());
        }
        tokens.retain(|token| match self.grouping {
            Grouping::Any => true,
            Grouping::Points => token.has_only_groups_of('.'),
            Grouping::Plain => !token.is_grouped(),
        });
    }
}

impl Preset {
    /// The preset's own corpus.
    pub(crate) fn corpus(&self) -> Corpus {
        Corpus::built_in(self.name, self.corpus)
    }

    /// Whether the preset finds in its corpus what the corpus says; else the line that breaks.
    pub(crate) fn proof(&self) -> Result<(), String> {
        let locale = Locale::default();
        let notation = Notation { locale: &locale, currency: "IDR" };
        self.corpus()
            .prove_amounts(notation, |text| extract(text, self, self.policy, notation).map(|found| found.money))
    }
}

/// [`Preset::proof`] of the preset at this place of [`ALL`], worked out once: it depends on nothing but the binary.
pub(crate) fn proof(at: usize) -> Result<(), &'static str> {
    static PROOFS: [OnceLock<Result<(), String>>; ALL.len()] = [const { OnceLock::new() }; ALL.len()];
    match PROOFS[at].get_or_init(|| ALL[at].proof()) {
        Ok(()) => Ok(()),
        Err(why) => Err(why),
    }
}

#[cfg(test)]
mod tests;
