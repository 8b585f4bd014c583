//! Reads the fields of a record by their place instead of by their name.
//!
//! A derived `Deserialize` compares every field's name with those it knows: some sixty comparisons for an event, most of
//! whose fields are null. Where the writer's schema is the newest one, its fields stand in the order of the structures (a
//! test says so), and the structures are filled as sequences. Older versions go the slower way, by name.
//!
//! Both ways make fixed-size arrays read the end of their Avro array, which serde's own visitor for arrays leaves unread.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

/// Reads records by place or by name; everything else as the deserializer inside does.
pub(crate) struct Fields<const BY_PLACE: bool, D>(pub(crate) D);

/// The one record that has no fixed fields to speak of: its visitor wants the name.
const JSON: &str = "Json";

macro_rules! as_inside {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(visitor)
        })*
    };
}

macro_rules! hooked {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(Hook::<P, V>(visitor))
        })*
    };
}

impl<'de, const P: bool, D: Deserializer<'de>> Deserializer<'de> for Fields<P, D> {
    type Error = D::Error;

    as_inside! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit
        deserialize_identifier deserialize_ignored_any
    }

    // `any` is what the free-form values ask for, and there is no record with fixed fields inside those.
    as_inside! { deserialize_any }

    hooked! { deserialize_option deserialize_seq deserialize_map }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_newtype_struct(name, Hook::<P, V>(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.deserialize_tuple(len, ToTheEnd::<P, V>(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_tuple_struct(name, len, ToTheEnd::<P, V>(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if name == JSON {
            self.0.deserialize_struct(name, fields, visitor)
        } else {
            self.0.deserialize_struct(name, fields, Record::<P, V>(visitor))
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_enum(name, variants, Hook::<P, V>(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// Hands on what it is shown with [`Fields`] around whatever deserializes further.
struct Hook<const P: bool, V>(V);

impl<'de, const P: bool, V: Visitor<'de>> Visitor<'de> for Hook<P, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }
    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }
    fn visit_some<D: Deserializer<'de>>(self, inside: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Fields::<P, D>(inside))
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inside: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Fields::<P, D>(inside))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Access::<P, A>(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Access::<P, A>(entries))
    }
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(Access::<P, A>(access))
    }
}

/// Fills a structure from a record: by place as a sequence, or by name.
struct Record<const P: bool, V>(V);

impl<'de, const P: bool, V: Visitor<'de>> Visitor<'de> for Record<P, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        if P { self.0.visit_seq(Places::<P, A>(fields)) } else { self.0.visit_map(Access::<P, A>(fields)) }
    }
}

/// Reads a fixed number of items, and then the end of their array.
struct ToTheEnd<const P: bool, V>(V);

impl<'de, const P: bool, V: Visitor<'de>> Visitor<'de> for ToTheEnd<P, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<V::Value, A::Error> {
        let value = self.0.visit_seq(Access::<P, &mut A>(&mut items))?;
        match items.next_element::<IgnoredAny>()? {
            None => Ok(value),
            Some(_) => Err(A::Error::custom("an array of fixed length has more items than that")),
        }
    }
}

/// The values of a record's fields, in order.
struct Places<const P: bool, A>(A);

impl<'de, const P: bool, A: MapAccess<'de>> SeqAccess<'de> for Places<P, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        match self.0.next_key_seed(Unread)? {
            None => Ok(None),
            Some(()) => self.0.next_value_seed(Seed::<P, T>(seed)).map(Some),
        }
    }
}

/// A field's name, not looked at.
struct Unread;

impl<'de> DeserializeSeed<'de> for Unread {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        Ok(())
    }
}

/// Items, entries and variants whose values are read through [`Fields`].
struct Access<const P: bool, A>(A);

impl<'de, const P: bool, A: SeqAccess<'de>> SeqAccess<'de> for Access<P, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        self.0.next_element_seed(Seed::<P, T>(seed))
    }
}

impl<'de, const P: bool, A: MapAccess<'de>> MapAccess<'de> for Access<P, A> {
    type Error = A::Error;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.0.next_value_seed(Seed::<P, T>(seed))
    }
}

impl<'de, const P: bool, A: EnumAccess<'de>> EnumAccess<'de> for Access<P, A> {
    type Error = A::Error;
    type Variant = Access<P, A::Variant>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self::Variant), A::Error> {
        let (name, variant) = self.0.variant_seed(seed)?;
        Ok((name, Access(variant)))
    }
}

impl<'de, const P: bool, A: VariantAccess<'de>> VariantAccess<'de> for Access<P, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.0.newtype_variant_seed(Seed::<P, T>(seed))
    }
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(len, ToTheEnd::<P, V>(visitor))
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, Record::<P, V>(visitor))
    }
}

struct Seed<const P: bool, T>(T);

impl<'de, const P: bool, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Seed<P, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, inside: D) -> Result<T::Value, D::Error> {
        self.0.deserialize(Fields::<P, D>(inside))
    }
}

/// Deserializes through [`Fields`].
pub(crate) fn deserialize<'de, const BY_PLACE: bool, T, D>(inside: D) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(Fields::<BY_PLACE, D>(inside))
}
