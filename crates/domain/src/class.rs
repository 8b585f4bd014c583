//! Who must act on an error.

/// The class of an error, by who has to act on it and what happens to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The record can never succeed: dead-letter it and go on.
    Poison,
    /// The partner refuses: the action has failed, go on.
    Rejected,
    /// Not now; the partner or our own limit says when.
    Throttled,
    /// Retry within the budget.
    Transient,
    /// Stop the partition and commit nothing.
    Fatal,
}
