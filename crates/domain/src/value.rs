//! Numbers, money and the free-form values of custom attributes.

use std::cmp::Ordering;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::Str;

/// A number as it was written: whole numbers stay exact, others are IEEE doubles.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// Any other number; never NaN.
    Float(f64),
}

impl Number {
    /// Compares by value, exactly, also across the two forms (2^53 + 1 is not 2^53).
    pub fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a.cmp(&b),
            (Number::Float(a), Number::Float(b)) => a.total_cmp(&b),
            (Number::Int(a), Number::Float(b)) => int_against_float(a, b),
            (Number::Float(a), Number::Int(b)) => int_against_float(b, a).reverse(),
        }
    }
}

// Kept out of line: inlined, its `trunc` (a library call on baseline x86-64) was hoisted into every comparison of integers.
#[cold]
#[inline(never)]
fn int_against_float(int: i64, float: f64) -> Ordering {
    // 2^63 as a double; every i64 lies in [-2^63, 2^63).
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if float >= BOUND {
        return Ordering::Less;
    }
    if float < -BOUND {
        return Ordering::Greater;
    }
    let whole = float.trunc();
    int.cmp(&(whole as i64)).then_with(|| 0.0_f64.total_cmp(&(float - whole + 0.0)))
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other) == Ordering::Equal
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(n) => write!(f, "{n}"),
            Number::Float(n) => write!(f, "{n}"),
        }
    }
}

impl Serialize for Number {
    // Numbers in typed fields are Avro doubles; whole ones are exact up to 2^53.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Number::Int(n) => serializer.serialize_f64(n as f64),
            Number::Float(n) => serializer.serialize_f64(n),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_i64<E: Error>(self, n: i64) -> Result<Number, E> {
                Ok(Number::Int(n))
            }
            fn visit_u64<E: Error>(self, n: u64) -> Result<Number, E> {
                Ok(i64::try_from(n).map_or(Number::Float(n as f64), Number::Int))
            }
            fn visit_f64<E: Error>(self, n: f64) -> Result<Number, E> {
                from_float(n).ok_or_else(|| E::custom("NaN is not a number here"))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Whole doubles within the exact range become [`Number::Int`], so that 3.0 and 3 are one value; NaN is refused.
fn from_float(n: f64) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if n.is_nan() {
        None
    } else if n.fract() == 0.0 && n.abs() <= EXACT {
        Some(Number::Int(n as i64))
    } else {
        Some(Number::Float(n))
    }
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Money {
    /// Minor units: 1,500,000 rupiah are 150,000,000 (IDR has exponent 2, D-2).
    pub minor: i64,
    /// ISO 4217, upper case.
    pub currency: Box<str>,
}

/// A free-form value: custom attributes, inbound webhook bodies, ticket and order facts.
///
/// In Avro it is the recursive record `Json`; in JSON lines it is plain JSON (the codec maps one to the other).
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// JSON `null`; counts as missing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(Str<'a>),
    /// A list.
    List(Vec<Value<'a>>),
    /// An object; keys in the order they were written.
    Object(Vec<(Str<'a>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// How deep lists and objects may nest when decoded; deeper ones are refused.
    pub const DEPTH_MAX: usize = 16;

    /// The same value without a borrow of its source.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(b) => Value::Bool(b),
            Value::Number(n) => Value::Number(n),
            Value::Text(text) => Value::Text(text.into_owned()),
            Value::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
            Value::Object(entries) => {
                Value::Object(entries.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect())
            }
        }
    }

    /// The value under a dotted path of object keys, `None` where any step is absent or not an object.
    pub fn at(&self, path: &str) -> Option<&Value<'a>> {
        path.split('.').try_fold(self, |value, key| match value {
            Value::Object(entries) => entries.iter().find(|(name, _)| *name == key).map(|(_, value)| value),
            _ => None,
        })
    }
}

impl fmt::Display for Value<'_> {
    /// Scalars as they are, lists and objects as JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Nested<'v, 'a>(&'v Value<'a>);
        impl fmt::Display for Nested<'_, '_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    Value::Text(text) => write!(f, "{:?}", text.as_str()),
                    other => write!(f, "{other}"),
                }
            }
        }
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Number(n) => write!(f, "{n}"),
            Value::Text(text) => write!(f, "{text}"),
            Value::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{}", if i == 0 { "" } else { "," }, Nested(item))?;
                }
                f.write_str("]")
            }
            Value::Object(entries) => {
                f.write_str("{")?;
                for (i, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{:?}:{}", if i == 0 { "" } else { "," }, key.as_str(), Nested(value))?;
                }
                f.write_str("}")
            }
        }
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Inner<'v, 'a>(&'v Value<'a>);
        impl Serialize for Inner<'_, '_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.0 {
                    Value::Null => serializer.serialize_unit(),
                    Value::Bool(b) => serializer.serialize_bool(*b),
                    Value::Number(Number::Int(n)) => serializer.serialize_i64(*n),
                    Value::Number(Number::Float(n)) => serializer.serialize_f64(*n),
                    Value::Text(text) => serializer.serialize_str(text),
                    Value::List(items) => serializer.collect_seq(items),
                    Value::Object(entries) => {
                        let mut map = serializer.serialize_map(Some(entries.len()))?;
                        for (key, value) in entries {
                            map.serialize_entry(key, value)?;
                        }
                        map.end()
                    }
                }
            }
        }
        let mut record = serializer.serialize_struct("Json", 1)?;
        record.serialize_field("value", &Inner(self))?;
        record.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Inner<'a>(Value<'a>);

        impl<'de: 'a, 'a> Deserialize<'de> for Inner<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Any).map(Inner)
            }
        }

        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E: Error>(self) -> Result<Value<'de>, E> {
                Ok(Value::Null)
            }
            fn visit_none<E: Error>(self) -> Result<Value<'de>, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E: Error>(self, b: bool) -> Result<Value<'de>, E> {
                Ok(Value::Bool(b))
            }
            fn visit_i64<E: Error>(self, n: i64) -> Result<Value<'de>, E> {
                Ok(Value::Number(Number::Int(n)))
            }
            fn visit_u64<E: Error>(self, n: u64) -> Result<Value<'de>, E> {
                Ok(Value::Number(i64::try_from(n).map_or(Number::Float(n as f64), Number::Int)))
            }
            fn visit_f64<E: Error>(self, n: f64) -> Result<Value<'de>, E> {
                from_float(n).map(Value::Number).ok_or_else(|| E::custom("NaN is not a number here"))
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value<'de>, E> {
                Ok(Value::Text(text.into()))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Value<'de>, E> {
                Ok(Value::Text(text.to_owned().into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Value::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Value::Object(entries))
            }
        }

        struct Record;
        impl<'de> Visitor<'de> for Record {
            type Value = Value<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record with the field `value`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
                let mut found = Value::Null;
                while let Some(key) = map.next_key::<Str<'de>>()? {
                    if key == "value" {
                        found = map.next_value::<Inner<'de>>()?.0;
                    } else {
                        map.next_value::<serde::de::IgnoredAny>()?;
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_struct("Json", &["value"], Record)
    }
}
