//! Avro binary of the newest schema version straight into the structures, guided by their types.
//!
//! The structures of the domain have the fields of their schema in its order, so what serde asks for next is what stands
//! next in the bytes, and nothing needs to be looked up: neither schema nor field names. `serde_avro_fast`, which walks
//! the schema, takes half again as long to read and five to nine times as long to write (`benches/codec.rs`, 2026-11-20).
//! What serde's types leave open is settled here: `Option` is a union of null and something; an enum is a string, but for
//! those in [`UNIONS`]; `any` is a double, but inside `Json`.
//!
//! In: bytes in the newest version. Out: a structure that borrows from them. The only unsafe code of the crate is here: a text
//! that was seen to be ASCII is taken for one.
//!
//! - **RD-1:** types and newest schemas agree. Nothing checks it here; tests hold both against apache-avro, field by field.
//! - **RD-2:** no length or count is believed beyond the bytes that are left: every item takes at least one.
//! - **RD-3:** free-form values nest at most [`DEPTH_MAX`] deep; nothing else recurses.
//!
//! Absent by design: other versions of a schema (see `by_name`). Source: Avro 1.12 specification, "Binary Encoding".

use std::{fmt, slice};

use serde::de::value::{BorrowedStrDeserializer, U32Deserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// Enums that are unions of records, in the order of their variants; all others are strings.
const UNIONS: [&str; 1] = ["Command"];

/// How deep free-form values may nest. More than [`kilat_domain::Value::DEPTH_MAX`], because actions wrap what came in.
const DEPTH_MAX: u8 = 32;

/// Why bytes are not what was asked for.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// They end too early.
    Ended,
    /// They cannot be what they should be.
    Malformed(Box<str>),
}

impl ReadError {
    #[cold]
    fn malformed(what: &'static str) -> ReadError {
        ReadError::Malformed(what.into())
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Ended => f.write_str("the bytes end before the record does"),
            ReadError::Malformed(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for ReadError {}

impl Error for ReadError {
    #[cold]
    fn custom<T: fmt::Display>(what: T) -> ReadError {
        ReadError::Malformed(what.to_string().into())
    }
}

/// Reads a structure from the start of `bytes`; also gives the bytes that follow it.
pub(crate) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<(T, &'de [u8]), ReadError> {
    let mut reader = Reader::new(bytes);
    let value = T::deserialize(&mut reader)?;
    Ok((value, reader.rest()))
}

/// A place in the bytes.
pub(crate) struct Reader<'de> {
    /// What is not read yet: an iterator, as moving on in one writes a single word.
    rest: slice::Iter<'de, u8>,
    /// How many lists and objects of a free-form value are open.
    depth: u8,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(bytes: &'de [u8]) -> Reader<'de> {
        Reader { rest: bytes.iter(), depth: 0 }
    }

    /// What is not read yet.
    pub(crate) fn rest(&self) -> &'de [u8] {
        self.rest.as_slice()
    }

    #[inline]
    fn long(&mut self) -> Result<i64, ReadError> {
        self.bits().map(unzigzag)
    }

    /// A number as it was written: zigzag.
    #[inline]
    fn bits(&mut self) -> Result<u64, ReadError> {
        match self.rest() {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest.iter();
                Ok(u64::from(*byte))
            }
            // The length of most texts that are longer than 63 bytes.
            [low, high, rest @ ..] if *high < 0x80 => {
                self.rest = rest.iter();
                Ok(u64::from(*low & 0x7f) | u64::from(*high) << 7)
            }
            _ => self.more_bits(),
        }
    }

    #[inline(never)]
    fn more_bits(&mut self) -> Result<u64, ReadError> {
        let (mut bits, known) = (0_u64, self.rest());
        for (at, byte) in known.iter().take(10).enumerate() {
            bits |= u64::from(byte & 0x7f) << (7 * at);
            if *byte < 0x80 {
                if at == 9 && *byte > 1 {
                    return Err(ReadError::malformed("a number has more than 64 bits"));
                }
                self.rest = known[at + 1..].iter();
                return Ok(bits);
            }
        }
        if known.len() < 10 { Err(ReadError::Ended) } else { Err(ReadError::malformed("a number has no end")) }
    }

    #[inline]
    fn take(&mut self, bytes: usize) -> Result<&'de [u8], ReadError> {
        let (taken, rest) = self.rest().split_at_checked(bytes).ok_or(ReadError::Ended)?;
        self.rest = rest.iter();
        Ok(taken)
    }

    #[inline]
    fn bool(&mut self) -> Result<bool, ReadError> {
        match self.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(ReadError::malformed("a boolean is neither 0 nor 1")),
        }
    }

    #[inline]
    fn double(&mut self) -> Result<f64, ReadError> {
        let bytes = self.take(8)?;
        Ok(f64::from_le_bytes(bytes.try_into().map_err(|_| ReadError::Ended)?))
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'de [u8], ReadError> {
        let length = self.length()?;
        self.take(length)
    }

    #[inline]
    fn length(&mut self) -> Result<usize, ReadError> {
        let bits = self.bits()?;
        if bits & 1 == 1 {
            return Err(ReadError::malformed("a length is negative"));
        }
        usize::try_from(bits >> 1).map_err(|_| ReadError::Ended)
    }

    #[inline]
    pub(crate) fn str(&mut self) -> Result<&'de str, ReadError> {
        text(self.bytes()?).ok_or_else(|| ReadError::malformed("a string is not UTF-8"))
    }

    /// The branch of a union, as an index.
    #[inline]
    fn branch(&mut self) -> Result<u32, ReadError> {
        u32::try_from(self.long()?).map_err(|_| ReadError::malformed("a union has no such branch"))
    }

    /// Whether a union of null and something is something.
    #[inline]
    pub(crate) fn is_something(&mut self) -> Result<bool, ReadError> {
        match self.rest() {
            [0, rest @ ..] => {
                self.rest = rest.iter();
                Ok(false)
            }
            [2, rest @ ..] => {
                self.rest = rest.iter();
                Ok(true)
            }
            _ => self.is_something_at_length(),
        }
    }

    /// Passes over `N` unions of null and something, where all of them are null and take no more bytes than they must.
    #[inline]
    pub(crate) fn pass_nulls<const N: usize>(&mut self) -> bool {
        match self.rest().split_first_chunk::<N>() {
            Some((nulls, rest)) if *nulls == [0; N] => {
                self.rest = rest.iter();
                true
            }
            _ => false,
        }
    }

    /// As [`Self::is_something`], where the branch takes more bytes than it must, or none, or is no branch.
    #[cold]
    fn is_something_at_length(&mut self) -> Result<bool, ReadError> {
        match self.long()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(ReadError::malformed("a union has no such branch")),
        }
    }

    /// Goes one level down in a free-form value.
    fn enter(&mut self) -> Result<(), ReadError> {
        if self.depth == DEPTH_MAX {
            return Err(ReadError::malformed("a free-form value nests too deep"));
        }
        self.depth += 1;
        Ok(())
    }
}

/// The bytes as text, where they are UTF-8. Most texts are short and ASCII, which is seen in a few words of memory.
#[inline]
fn text(bytes: &[u8]) -> Option<&str> {
    if is_ascii(bytes) {
        // SAFETY: a byte below 0x80 is a character of its own, wherever it stands.
        return Some(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    std::str::from_utf8(bytes).ok()
}

#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    let seen = match (bytes.last_chunk::<8>(), bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(last), ..) => {
            let words = bytes.as_chunks::<8>().0.iter();
            words.fold(u64::from_ne_bytes(*last), |seen, word| seen | u64::from_ne_bytes(*word))
        }
        (None, Some(first), Some(last)) => u64::from(u32::from_ne_bytes(*first) | u32::from_ne_bytes(*last)),
        _ => bytes.iter().fold(0, |seen, byte| seen | u64::from(*byte)),
    };
    seen & u64::from_ne_bytes([0x80; 8]) == 0
}

#[inline]
fn unzigzag(bits: u64) -> i64 {
    (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()
}

macro_rules! numbers {
    ($($method:ident)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            visitor.visit_i64(self.long()?)
        })*
    };
}

macro_rules! not_in_our_schemas {
    ($($method:ident($($argument:ty),*))*) => {
        $(#[cold]
        fn $method<V: Visitor<'de>>(self, $(_: $argument,)* _: V) -> Result<V::Value, ReadError> {
            Err(ReadError::malformed(concat!(stringify!($method), ": no schema has such a field")))
        })*
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = ReadError;

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    not_in_our_schemas! {
        deserialize_i128() deserialize_u128() deserialize_f32() deserialize_char()
        deserialize_byte_buf() deserialize_unit() deserialize_identifier() deserialize_ignored_any()
        deserialize_unit_struct(&'static str) deserialize_tuple_struct(&'static str, usize)
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_bool(self.bool()?)
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_f64(self.double()?)
    }

    /// What a number asks for.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_f64(visitor)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_borrowed_str(self.str()?)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_borrowed_bytes(self.bytes()?)
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.is_something()? { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name == "Json" {
            visitor.visit_map(JsonRecord { reader: self, is_read: false })
        } else {
            visitor.visit_seq(Fields(self))
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_seq(Items::of(self)?)
    }

    /// Reads the end of the array too, which serde's visitors of fixed-size arrays leave unread.
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        let mut items = Items::of(self)?;
        let value = visitor.visit_seq(&mut items)?;
        if items.left > 0 {
            return Err(ReadError::malformed("an array of fixed length has more items than that"));
        }
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_map(Items::of(self)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if UNIONS.contains(&name) {
            visitor.visit_enum(Branch(self))
        } else {
            visitor.visit_enum(BorrowedStrDeserializer::new(self.str()?))
        }
    }
}

/// The fields of a record.
struct Fields<'r, 'de>(&'r mut Reader<'de>);

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = ReadError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        seed.deserialize(&mut *self.0).map(Some)
    }
}

/// The items of an array or map, which come in blocks.
struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    /// How many are left of this block; 0 is the end of the last one.
    left: usize,
}

impl<'r, 'de> Items<'r, 'de> {
    fn of(reader: &'r mut Reader<'de>) -> Result<Self, ReadError> {
        let mut items = Items { reader, left: 0 };
        items.open_block()?;
        Ok(items)
    }

    fn open_block(&mut self) -> Result<(), ReadError> {
        let mut count = self.reader.long()?;
        if count < 0 {
            // The block's size in bytes follows, for readers who skip it.
            self.reader.long()?;
            count = count.checked_neg().ok_or_else(|| ReadError::malformed("a count is out of range"))?;
        }
        self.left = usize::try_from(count).map_err(|_| ReadError::malformed("a count is out of range"))?;
        if self.left > self.reader.rest().len() { Err(ReadError::Ended) } else { Ok(()) }
    }

    /// To be called after every item; after the last one, the end of the array has been read.
    fn done(&mut self) -> Result<(), ReadError> {
        self.left -= 1;
        if self.left == 0 { self.open_block() } else { Ok(()) }
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        if self.left == 0 {
            return Ok(None);
        }
        let item = seed.deserialize(&mut *self.reader)?;
        self.done()?;
        Ok(Some(item))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = ReadError;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        if self.left == 0 {
            return Ok(None);
        }
        seed.deserialize(BorrowedStrDeserializer::new(self.reader.str()?)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, ReadError> {
        let value = seed.deserialize(&mut *self.reader)?;
        self.done()?;
        Ok(value)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// A union of records.
struct Branch<'r, 'de>(&'r mut Reader<'de>);

impl<'de> EnumAccess<'de> for Branch<'_, 'de> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), ReadError> {
        let branch: U32Deserializer<ReadError> = serde::de::IntoDeserializer::into_deserializer(self.0.branch()?);
        Ok((seed.deserialize(branch)?, self))
    }
}

impl<'de> VariantAccess<'de> for Branch<'_, 'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        Ok(())
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        seed.deserialize(self.0)
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_seq(Fields(self.0))
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_seq(Fields(self.0))
    }
}

/// The record `Json`: one field, a union of everything a JSON document can hold.
struct JsonRecord<'r, 'de> {
    reader: &'r mut Reader<'de>,
    is_read: bool,
}

impl<'de> MapAccess<'de> for JsonRecord<'_, 'de> {
    type Error = ReadError;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        if std::mem::replace(&mut self.is_read, true) {
            return Ok(None);
        }
        seed.deserialize(BorrowedStrDeserializer::new("value")).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, ReadError> {
        seed.deserialize(JsonUnion(self.reader))
    }
}

struct JsonUnion<'r, 'de>(&'r mut Reader<'de>);

impl<'de> Deserializer<'de> for JsonUnion<'_, 'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let reader = self.0;
        match reader.branch()? {
            0 => visitor.visit_unit(),
            1 => visitor.visit_bool(reader.bool()?),
            2 => visitor.visit_i64(reader.long()?),
            3 => visitor.visit_f64(reader.double()?),
            4 => visitor.visit_borrowed_str(reader.str()?),
            branch @ (5 | 6) => {
                reader.enter()?;
                let items = Items::of(reader)?;
                let value = if branch == 5 { visitor.visit_seq(items) } else { visitor.visit_map(items) }?;
                reader.depth -= 1;
                Ok(value)
            }
            _ => Err(ReadError::malformed("a union has no such branch")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
