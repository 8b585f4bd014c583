//! What a field may hold beyond its Avro type.

/// Only whole numbers up to this one, from 0.
#[derive(Clone, Copy)]
pub(super) struct UpTo(pub(super) i64);

/// The limit of a field; `None` where its type says it all.
pub(super) fn of(record: &str, field: &str) -> Option<UpTo> {
    (record == "Event" && field == "depth").then_some(UpTo(u16::MAX.into()))
}
