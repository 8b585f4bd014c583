//! The structures straight to Avro binary of their newest schema version, guided by their types.
//!
//! The mirror of `reader`, with the same agreement between types and schemas: fields in order, `Option` and skipped fields
//! a union of null and something, enums without content strings, enums with content unions of records.
//!
//! In: a structure. Out: its bytes, appended to a buffer.
//!
//! - **WR-1:** what is written, `reader` and apache-avro read back as it was; tests say so.
//!
//! Source: Avro 1.12 specification, "Binary Encoding".

use std::fmt;

use serde::ser::{
    Error, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    Serializer,
};

/// Why a structure cannot be written: it holds something no schema has. A fault of the program.
#[derive(Debug)]
pub struct WriteError(Box<str>);

impl WriteError {
    #[cold]
    fn unsupported(what: &'static str) -> WriteError {
        WriteError(what.into())
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WriteError {}

impl Error for WriteError {
    #[cold]
    fn custom<T: fmt::Display>(what: T) -> WriteError {
        WriteError(what.to_string().into())
    }
}

/// Appends the Avro binary of `value` to `out`.
pub(crate) fn write<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), WriteError> {
    value.serialize(Field { out })
}

/// A place for one value.
struct Writer<'o, const IN_JSON: bool> {
    out: &'o mut Vec<u8>,
}

/// A place whose type the schema fixes.
type Field<'o> = Writer<'o, false>;

/// A place in the record `Json`: a union of null, boolean, long, double, string, array and map.
type InJson<'o> = Writer<'o, true>;

impl<const IN_JSON: bool> Writer<'_, IN_JSON> {
    /// Names the branch, where there is a union.
    #[inline]
    fn branch(&mut self, of_json: u8) {
        if IN_JSON {
            long(self.out, i64::from(of_json));
        }
    }
}

#[inline]
fn long(out: &mut Vec<u8>, value: i64) {
    let bits = ((value << 1) ^ (value >> 63)).cast_unsigned();
    if bits < 0x80 {
        out.push(bits as u8);
    } else {
        more_bits(out, bits);
    }
}

/// Groups of seven bits, lowest first: all that there may be at once, as idempotency keys have them all.
#[inline(never)]
fn more_bits(out: &mut Vec<u8>, bits: u64) {
    let mut bytes: [u8; 10] = std::array::from_fn(|at| (bits >> (7 * at)) as u8 | 0x80);
    let count = (u64::BITS - bits.leading_zeros()).div_ceil(7) as usize;
    bytes[count - 1] &= 0x7f;
    out.extend_from_slice(&bytes[..count]);
}

#[inline]
fn length(out: &mut Vec<u8>, length: usize) -> Result<(), WriteError> {
    long(out, i64::try_from(length).map_err(|_| WriteError::unsupported("a length does not fit in 63 bits"))?);
    Ok(())
}

#[inline]
fn string(out: &mut Vec<u8>, text: &str) -> Result<(), WriteError> {
    length(out, text.len())?;
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

macro_rules! numbers {
    ($($method:ident: $type:ty,)*) => {
        $(#[inline]
        fn $method(mut self, value: $type) -> Result<(), WriteError> {
            self.branch(2);
            long(self.out, i64::from(value));
            Ok(())
        })*
    };
}

macro_rules! not_in_our_schemas {
    ($($method:ident: $type:ty,)*) => {
        $(#[cold]
        fn $method(self, _: $type) -> Result<(), WriteError> {
            Err(WriteError::unsupported(concat!(stringify!($method), ": no schema has such a field")))
        })*
    };
}

impl<'o, const IN_JSON: bool> Serializer for Writer<'o, IN_JSON> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = Items<'o>;
    type SerializeTuple = Items<'o>;
    type SerializeTupleStruct = Impossible<(), WriteError>;
    type SerializeTupleVariant = Impossible<(), WriteError>;
    type SerializeMap = Items<'o>;
    type SerializeStruct = Fields<'o>;
    type SerializeStructVariant = Fields<'o>;

    numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_u8: u8,
        serialize_u16: u16, serialize_u32: u32,
    }

    not_in_our_schemas! {
        serialize_f32: f32, serialize_char: char, serialize_unit_struct: &'static str,
    }

    fn serialize_u64(self, value: u64) -> Result<(), WriteError> {
        let value = i64::try_from(value).map_err(|_| WriteError::unsupported("a number does not fit in 63 bits"))?;
        self.serialize_i64(value)
    }
    #[inline]
    fn serialize_bool(mut self, value: bool) -> Result<(), WriteError> {
        self.branch(1);
        self.out.push(u8::from(value));
        Ok(())
    }
    fn serialize_f64(mut self, value: f64) -> Result<(), WriteError> {
        self.branch(3);
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }
    #[inline]
    fn serialize_str(mut self, text: &str) -> Result<(), WriteError> {
        self.branch(4);
        string(self.out, text)
    }
    #[inline]
    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), WriteError> {
        length(self.out, bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }
    fn is_human_readable(&self) -> bool {
        false
    }
    #[inline]
    fn serialize_none(self) -> Result<(), WriteError> {
        long(self.out, 0);
        Ok(())
    }
    fn serialize_unit(mut self) -> Result<(), WriteError> {
        if !IN_JSON {
            return Err(WriteError::unsupported("null outside of a union"));
        }
        self.branch(0);
        Ok(())
    }
    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        long(self.out, 1);
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, word: &'static str) -> Result<(), WriteError> {
        string(self.out, word)
    }
    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), WriteError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        branch: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        long(self.out, i64::from(branch));
        value.serialize(self)
    }
    fn serialize_seq(mut self, len: Option<usize>) -> Result<Items<'o>, WriteError> {
        self.branch(5);
        Items::of(self.out, len)
    }
    fn serialize_tuple(self, len: usize) -> Result<Items<'o>, WriteError> {
        Items::of(self.out, Some(len))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, WriteError> {
        Err(WriteError::unsupported("no schema has a tuple"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, WriteError> {
        Err(WriteError::unsupported("no schema has a tuple"))
    }
    fn serialize_map(mut self, len: Option<usize>) -> Result<Items<'o>, WriteError> {
        self.branch(6);
        Items::of(self.out, len)
    }
    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields<'o>, WriteError> {
        Ok(Fields { out: self.out, is_json: name == "Json" })
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        branch: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Fields<'o>, WriteError> {
        long(self.out, i64::from(branch));
        Ok(Fields { out: self.out, is_json: false })
    }
}

/// The fields of a record.
struct Fields<'o> {
    out: &'o mut Vec<u8>,
    is_json: bool,
}

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = WriteError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), WriteError> {
        if self.is_json { value.serialize(InJson { out: self.out }) } else { value.serialize(Field { out: self.out }) }
    }
    #[inline]
    fn skip_field(&mut self, _: &'static str) -> Result<(), WriteError> {
        long(self.out, 0);
        Ok(())
    }
    #[inline]
    fn end(self) -> Result<(), WriteError> {
        Ok(())
    }
}

impl SerializeStructVariant for Fields<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), WriteError> {
        SerializeStruct::serialize_field(self, name, value)
    }
    fn skip_field(&mut self, name: &'static str) -> Result<(), WriteError> {
        SerializeStruct::skip_field(self, name)
    }
    fn end(self) -> Result<(), WriteError> {
        Ok(())
    }
}

/// The items of an array or map: one block of a known count, or a block for each where it is not known.
struct Items<'o> {
    out: &'o mut Vec<u8>,
    left: usize,
    is_counted: bool,
}

impl<'o> Items<'o> {
    fn of(out: &'o mut Vec<u8>, count: Option<usize>) -> Result<Items<'o>, WriteError> {
        let left = count.unwrap_or(0);
        if left > 0 {
            length(out, left)?;
        }
        Ok(Items { out, left, is_counted: count.is_some() })
    }

    fn open(&mut self) -> Result<(), WriteError> {
        if !self.is_counted {
            long(self.out, 1);
            return Ok(());
        }
        self.left =
            self.left.checked_sub(1).ok_or_else(|| WriteError::unsupported("more items than were announced"))?;
        Ok(())
    }

    fn close(self) -> Result<(), WriteError> {
        if self.left > 0 {
            return Err(WriteError::unsupported("fewer items than were announced"));
        }
        long(self.out, 0);
        Ok(())
    }
}

impl SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.open()?;
        value.serialize(Field { out: self.out })
    }
    fn end(self) -> Result<(), WriteError> {
        self.close()
    }
}

impl SerializeTuple for Items<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<(), WriteError> {
        self.close()
    }
}

impl SerializeMap for Items<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WriteError> {
        self.open()?;
        key.serialize(Field { out: self.out })
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        value.serialize(Field { out: self.out })
    }
    fn end(self) -> Result<(), WriteError> {
        self.close()
    }
}
