//! The leads or conversations of a block: packed entries, one after the other.
//!
//! An entry is a length and so many bytes: a number, which is 0 for a whole value of no known place, twice the place and one
//! for a whole value, and twice the place and two for a delta; then workspace, id and packed value, or the delta. Places count
//! from 0 in the order a partition first saw its leads, and its conversations.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

use super::packed::{Source, Unpackable, length_first, put_bytes, put_number};
use super::{conversation, lead};
use crate::{Conversation, Lead, Mark};

/// What rests and travels packed: a lead or a conversation, with its marks.
pub trait Packed: Sized {
    /// What it counts, as packed forms have it.
    type Counts: Copy + std::fmt::Debug;

    /// What it counts.
    fn counts(&self) -> Self::Counts;
    /// Appends the packed form.
    fn pack(&self, marks: &[Mark], out: &mut Vec<u8>);
    /// The value of a packed form.
    fn unpack(bytes: &[u8]) -> Result<(Self, Vec<Mark>), Unpackable>;
    /// Appends the delta that turns one packed form, but with `counts` for what it counts, into another; `false`, with nothing
    /// appended, where they are the same.
    fn diff(old: &[u8], counts: Self::Counts, new: &[u8], out: &mut Vec<u8>) -> Result<bool, Unpackable>;
    /// As [`Self::diff`], of packed forms that differ in what they count and in nothing else.
    fn diff_counts(old: Self::Counts, new: Self::Counts, out: &mut Vec<u8>) -> bool;
    /// Appends a packed form with a delta merged into it.
    fn merge(old: &[u8], delta: &[u8], out: &mut Vec<u8>) -> Result<(), Unpackable>;
    /// Appends a packed form with `counts` for what it counts.
    fn recount(old: &[u8], counts: Self::Counts, out: &mut Vec<u8>) -> Result<(), Unpackable>;
}

macro_rules! packed {
    ($($type:ty: $module:ident,)*) => {
        $(impl Packed for $type {
            type Counts = $module::Counts;

            fn counts(&self) -> Self::Counts {
                $module::counts(self)
            }
            fn pack(&self, marks: &[Mark], out: &mut Vec<u8>) {
                $module::pack(self, marks, out);
            }
            fn unpack(bytes: &[u8]) -> Result<(Self, Vec<Mark>), Unpackable> {
                $module::unpack(bytes)
            }
            fn diff(old: &[u8], counts: Self::Counts, new: &[u8], out: &mut Vec<u8>) -> Result<bool, Unpackable> {
                super::packed::diff(old, counts.numbers(), new, $module::KINDS, out)
            }
            fn diff_counts(old: Self::Counts, new: Self::Counts, out: &mut Vec<u8>) -> bool {
                super::packed::diff_numbers(old.numbers(), new.numbers(), out)
            }
            fn merge(old: &[u8], delta: &[u8], out: &mut Vec<u8>) -> Result<(), Unpackable> {
                super::packed::merge(old, delta, $module::KINDS, out)
            }
            fn recount(old: &[u8], counts: Self::Counts, out: &mut Vec<u8>) -> Result<(), Unpackable> {
                super::packed::renumber(old, counts.numbers(), out)
            }
        })*
    };
}

packed! {
    Lead: lead,
    Conversation: conversation,
}

/// A lead or conversation of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'b> {
    /// All of it.
    Whole {
        /// Its place; none in blocks of versions that had none.
        place: Option<u32>,
        /// Its workspace.
        workspace: &'b str,
        /// Its id.
        id: &'b str,
        /// Its packed form.
        value: &'b [u8],
    },
    /// What changed of it.
    Delta {
        /// Its place.
        place: u32,
        /// The delta.
        delta: &'b [u8],
    },
}

impl Entry<'_> {
    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        const FRAME: usize = 12;
        match self {
            Entry::Whole { workspace, id, value, .. } => FRAME + workspace.len() + id.len() + value.len(),
            Entry::Delta { delta, .. } => FRAME + delta.len(),
        }
    }
}

/// Entries one after the other.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Entries<'a>(Cow<'a, [u8]>);

impl<'a> Entries<'a> {
    /// Their bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = Result<Entry<'_>, Unpackable>> {
        let mut source = Source(&self.0);
        std::iter::from_fn(move || {
            (!source.is_empty()).then(|| {
                let entry = source.bytes().and_then(entry);
                if entry.is_err() {
                    source = Source(&[]);
                }
                entry
            })
        })
    }

    /// Appends an entry.
    pub fn push(&mut self, entry: &Entry<'_>) {
        length_first(self.0.to_mut(), |out| match entry {
            Entry::Whole { place, workspace, id, value } => {
                put_number(out, place.map_or(0, |place| 2 * u64::from(place) + 1));
                put_bytes(out, workspace.as_bytes());
                put_bytes(out, id.as_bytes());
                out.extend_from_slice(value);
            }
            Entry::Delta { place, delta } => {
                put_number(out, 2 * u64::from(*place) + 2);
                out.extend_from_slice(delta);
            }
        });
    }
}

impl<'a> From<&'a [u8]> for Entries<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Entries(Cow::Borrowed(bytes))
    }
}

fn entry(bytes: &[u8]) -> Result<Entry<'_>, Unpackable> {
    let mut source = Source(bytes);
    let number = source.number()?;
    let place = |number: u64| u32::try_from(number / 2).ok().filter(|place| *place < u32::MAX).ok_or(Unpackable);
    Ok(match number {
        0 => Entry::Whole { place: None, workspace: source.text()?, id: source.text()?, value: source.0 },
        odd if odd % 2 == 1 => {
            Entry::Whole { place: Some(place(odd)?), workspace: source.text()?, id: source.text()?, value: source.0 }
        }
        even => Entry::Delta { place: place(even - 2)?, delta: source.0 },
    })
}

impl fmt::Debug for Entries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
            return serializer.serialize_str(&hex);
        }
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Raw;

        impl<'de> Visitor<'de> for Raw {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("packed entries")
            }

            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Entries<'de>, E> {
                Ok(Entries(Cow::Borrowed(bytes)))
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Entries<'de>, E> {
                Ok(Entries(Cow::Owned(bytes.to_vec())))
            }
        }

        deserializer.deserialize_bytes(Raw)
    }
}
