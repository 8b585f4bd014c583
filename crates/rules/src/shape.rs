//! The keys of every object of the language and what may stand under them, as tables.
//!
//! In: nothing. Out: [`Key`] tables. Readers take an object through its table, so that a key which is not in it is
//! unknown; `schema` prints the same tables as JSON Schema. Neither can know a key the other does not.

/// One key of an object.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// One sentence for the schema.
    pub(crate) doc: &'static str,
}

impl Key {
    pub(crate) const fn new(name: &'static str, shape: Shape, doc: &'static str) -> Key {
        Key { name, shape, doc }
    }
}

/// What may stand under a key.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Anything.
    Any,
    /// Text, or a number that is taken as it is spelled.
    Text,
    /// `true` or `false`.
    Flag,
    /// A part of a whole, 0 to 1.
    Share,
    /// A whole number within bounds.
    Integer(i64, i64),
    /// `30s`, `30m`, `24h`, `7d` or whole seconds.
    Duration,
    /// An instant, RFC 3339.
    Instant,
    /// A reference to a secret.
    Secret,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of this, or a list of them.
    OneOrMany(&'static Shape),
    /// A list.
    List(&'static Shape),
    /// An object with these keys; the second are those it cannot do without.
    Object(&'static [Key], &'static [&'static str]),
    /// An object with any keys.
    Map(&'static Shape),
    /// This or that.
    Either(&'static [Shape]),
    /// A part of the schema that has a name.
    Named(&'static str),
}
