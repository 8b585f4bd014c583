//! apache-avro as the independent implementation: plain JSON to Avro and back, by the schema's own names and order.

use std::collections::HashMap;

use apache_avro::schema::RecordField;
use apache_avro::types::Value as Avro;
use apache_avro::{Schema as AvroSchema, from_avro_datum, to_avro_datum};
use kilat_codec::Schema;
use kilat_domain::Timestamp;
use serde_json::{Value, json};

/// The newest version of a schema, as apache-avro reads it.
pub(crate) fn parsed(schema: Schema) -> AvroSchema {
    AvroSchema::parse_str(schema.text()).unwrap()
}

/// Frames and encodes plain JSON in the newest version.
pub(crate) fn encode(schema: Schema, plain: &Value) -> Vec<u8> {
    let avro = parsed(schema);
    let mut bytes = vec![0];
    bytes.extend_from_slice(&schema.id().to_be_bytes());
    bytes.extend(to_avro_datum(&avro, from_plain(&avro, &names(&avro), plain)).unwrap());
    bytes
}

/// Decodes a framed value of the newest version to plain JSON, without nulls in records.
pub(crate) fn decode(schema: Schema, bytes: &[u8]) -> Value {
    let avro = parsed(schema);
    assert_eq!(bytes[..5], [&[0][..], &schema.id().to_be_bytes()[..]].concat());
    let mut rest = &bytes[5..];
    let value = from_avro_datum(&avro, &mut rest, None).unwrap();
    assert!(rest.is_empty(), "{} bytes too many", rest.len());
    to_plain(&avro, &names(&avro), value)
}

/// Plain JSON without the nulls that records may leave out.
pub(crate) fn without_nulls(plain: Value) -> Value {
    match plain {
        Value::Object(entries) => {
            entries.into_iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k, without_nulls(v))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        scalar => scalar,
    }
}

type Names<'s> = HashMap<&'s str, &'s AvroSchema>;

/// Every record of a schema by its name.
fn names(schema: &AvroSchema) -> Names<'_> {
    fn collect<'s>(schema: &'s AvroSchema, into: &mut Names<'s>) {
        match schema {
            AvroSchema::Record(record) => {
                into.insert(&record.name.name, schema);
                record.fields.iter().for_each(|field| collect(&field.schema, into));
            }
            AvroSchema::Array(array) => collect(&array.items, into),
            AvroSchema::Map(map) => collect(&map.types, into),
            AvroSchema::Union(union) => union.variants().iter().for_each(|variant| collect(variant, into)),
            _ => {}
        }
    }
    let mut into = Names::new();
    collect(schema, &mut into);
    into
}

fn name(schema: &AvroSchema) -> Option<&str> {
    match schema {
        AvroSchema::Record(record) => Some(&record.name.name),
        AvroSchema::Ref { name } => Some(&name.name),
        _ => None,
    }
}

fn from_plain(schema: &AvroSchema, names: &Names<'_>, plain: &Value) -> Avro {
    match (schema, plain) {
        (AvroSchema::Ref { name }, _) => from_plain(names[name.name.as_str()], names, plain),
        (AvroSchema::Record(record), _) if record.name.name == "Json" => {
            let AvroSchema::Union(union) = &record.fields[0].schema else { panic!("Json holds a union") };
            let (branch, of) = match plain {
                Value::Null => (0, &union.variants()[0]),
                Value::Bool(_) => (1, &union.variants()[1]),
                Value::Number(n) if n.is_i64() => (2, &union.variants()[2]),
                Value::Number(_) => (3, &union.variants()[3]),
                Value::String(_) => (4, &union.variants()[4]),
                Value::Array(_) => (5, &union.variants()[5]),
                Value::Object(_) => (6, &union.variants()[6]),
            };
            let inside = Avro::Union(branch, Box::new(from_plain(of, names, plain)));
            Avro::Record(vec![("value".to_owned(), inside)])
        }
        (AvroSchema::Record(record), Value::Object(object)) => {
            let unknown = object.keys().find(|key| !record.lookup.contains_key(*key));
            assert_eq!(unknown, None, "{} has no such field", record.name.name);
            let field = |field: &RecordField| {
                let plain = object.get(&field.name).unwrap_or(&Value::Null);
                (field.name.clone(), from_plain(&field.schema, names, plain))
            };
            Avro::Record(record.fields.iter().map(field).collect())
        }
        (AvroSchema::Union(union), plain) => {
            let variants = union.variants();
            let tag = plain.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next());
            let tagged = tag.and_then(|(tag, inside)| {
                let at = variants.iter().position(|variant| variants.len() > 2 && name(variant) == Some(tag))?;
                Some((at, inside))
            });
            let (at, inside) = tagged.unwrap_or_else(|| {
                let is_null = |variant: &AvroSchema| matches!(variant, AvroSchema::Null);
                (variants.iter().position(|variant| is_null(variant) == plain.is_null()).unwrap(), plain)
            });
            Avro::Union(at as u32, Box::new(from_plain(&variants[at], names, inside)))
        }
        (AvroSchema::Array(array), Value::Array(items)) => {
            Avro::Array(items.iter().map(|item| from_plain(&array.items, names, item)).collect())
        }
        (AvroSchema::Map(map), Value::Object(entries)) => {
            Avro::Map(entries.iter().map(|(k, value)| (k.clone(), from_plain(&map.types, names, value))).collect())
        }
        (AvroSchema::Null, Value::Null) => Avro::Null,
        (AvroSchema::Boolean, Value::Bool(b)) => Avro::Boolean(*b),
        (AvroSchema::Int, Value::Number(n)) => Avro::Int(n.as_i64().unwrap().try_into().unwrap()),
        (AvroSchema::Long, Value::Number(n)) => Avro::Long(n.as_i64().unwrap()),
        (AvroSchema::Double, Value::Number(n)) => Avro::Double(n.as_f64().unwrap()),
        (AvroSchema::String, Value::String(text)) => Avro::String(text.clone()),
        // Lines write bytes as hexadecimal digits.
        (AvroSchema::Bytes, Value::String(hex)) => {
            let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
            Avro::Bytes(pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect())
        }
        (AvroSchema::TimestampMillis, Value::String(text)) => {
            Avro::TimestampMillis(text.parse::<Timestamp>().unwrap().0)
        }
        (schema, plain) => panic!("{plain} is no {schema:?}"),
    }
}

fn to_plain(schema: &AvroSchema, names: &Names<'_>, value: Avro) -> Value {
    match (schema, value) {
        (AvroSchema::Ref { name }, value) => to_plain(names[name.name.as_str()], names, value),
        (AvroSchema::Record(record), Avro::Record(mut fields)) if record.name.name == "Json" => {
            let (_, inside) = fields.remove(0);
            to_plain(&record.fields[0].schema, names, inside)
        }
        (AvroSchema::Record(record), Avro::Record(fields)) => {
            let field = |(field, (name, value)): (&RecordField, (String, Avro))| {
                assert_eq!(field.name, name);
                (name, to_plain(&field.schema, names, value))
            };
            let fields = record.fields.iter().zip(fields).map(field);
            Value::Object(fields.filter(|(_, plain)| !plain.is_null()).collect())
        }
        (AvroSchema::Union(union), Avro::Union(at, inside)) => {
            let of = &union.variants()[at as usize];
            let plain = to_plain(of, names, *inside);
            match name(of).filter(|_| union.variants().len() > 2) {
                Some(tag) => json!({ tag: plain }),
                None => plain,
            }
        }
        (AvroSchema::Array(array), Avro::Array(items)) => {
            items.into_iter().map(|item| to_plain(&array.items, names, item)).collect()
        }
        (AvroSchema::Map(map), Avro::Map(entries)) => {
            entries.into_iter().map(|(key, value)| (key, to_plain(&map.types, names, value))).collect()
        }
        (_, Avro::Null) => Value::Null,
        (_, Avro::Boolean(b)) => json!(b),
        (_, Avro::Int(n)) => json!(n),
        (_, Avro::Long(n)) => json!(n),
        // As lines write them: whole numbers without a fraction.
        (AvroSchema::Double, Avro::Double(n)) if n.fract() == 0.0 && n.abs() <= 9_007_199_254_740_992.0 => {
            json!(n as i64)
        }
        (_, Avro::Double(n)) => json!(n),
        (_, Avro::String(text)) => json!(text),
        (_, Avro::Bytes(bytes)) => json!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        (_, Avro::TimestampMillis(at)) => json!(Timestamp(at).to_string()),
        (schema, value) => panic!("{value:?} is no {schema:?}"),
    }
}
