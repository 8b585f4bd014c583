//! The operators of the language (contract section 4).
//!
//! In: a word. Out: the [`Op`], what it is without its negation, and what it says of a missing field (D-15).
//! Absent: which operators a type takes; that is the kind's.

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Equals,
    NotEquals,
    Contains,
    NotContains,
    ContainsWord,
    NotContainsWord,
    In,
    NotIn,
    Gt,
    Gte,
    Lt,
    Lte,
    StartsWith,
    EndsWith,
    Matches,
    NotMatches,
    ExactPhrase,
    IsMissing,
    IsPresent,
    Between,
}

/// Operators with their names and compatibility names.
pub(crate) const ALL: &[(Op, &str, &[&str])] = &[
    (Op::Equals, "equals", &["==", "eq", "equal", "is"]),
    (Op::NotEquals, "not_equals", &["!=", "ne", "not_equal", "is_not"]),
    (Op::Contains, "contains", &[]),
    (Op::NotContains, "not_contains", &["does_not_contain"]),
    (Op::ContainsWord, "contains_word", &[]),
    (Op::NotContainsWord, "not_contains_word", &[]),
    (Op::In, "in", &["in_list"]),
    (Op::NotIn, "not_in", &["not_in_list"]),
    (Op::Gt, "gt", &[">", "greater_than"]),
    (Op::Gte, "gte", &[">=", "greater_or_equal"]),
    (Op::Lt, "lt", &["<", "less_than"]),
    (Op::Lte, "lte", &["<=", "less_or_equal"]),
    (Op::StartsWith, "starts_with", &[]),
    (Op::EndsWith, "ends_with", &[]),
    (Op::Matches, "matches", &["regex"]),
    (Op::NotMatches, "not_matches", &["not_regex"]),
    (Op::ExactPhrase, "exact_phrase", &[]),
    (Op::IsMissing, "is_missing", &[]),
    (Op::IsPresent, "is_present", &[]),
    (Op::Between, "between", &[]),
];

impl Op {
    /// The operator of this name or compatibility name, in any case.
    pub(crate) fn parse(word: &str) -> Option<Op> {
        if let Some((op, ..)) = ALL.iter().find(|(_, name, _)| *name == word) {
            return Some(*op);
        }
        let word = word.trim().to_ascii_lowercase().replace(' ', "_");
        ALL.iter().find(|(_, name, compat)| *name == word || compat.contains(&&*word)).map(|(op, ..)| *op)
    }

    /// The canonical name.
    pub(crate) fn name(self) -> &'static str {
        ALL.iter().find(|(op, ..)| *op == self).map_or("", |(_, name, _)| name)
    }

    /// The operator that this one negates, and whether it does.
    pub(crate) fn positive(self) -> (Op, bool) {
        match self {
            Op::NotEquals => (Op::Equals, true),
            Op::NotContains => (Op::Contains, true),
            Op::NotContainsWord => (Op::ContainsWord, true),
            Op::NotIn => (Op::In, true),
            Op::NotMatches => (Op::Matches, true),
            other => (other, false),
        }
    }

    /// What a condition with this operator says of a missing field: the negative ones hold, the others do not (D-15).
    pub(crate) fn holds_when_missing(self) -> bool {
        self.positive().1
    }

    /// Whether the operator takes no value.
    pub(crate) fn is_presence(self) -> bool {
        matches!(self, Op::IsMissing | Op::IsPresent)
    }
}

/// Every name, and then every compatibility name.
pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
    ALL.iter().flat_map(|(_, name, compat)| std::iter::once(name).chain(*compat)).copied()
}
