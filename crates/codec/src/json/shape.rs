//! The schemas as the walkers between JSON and structures need them: by record name, without namespace.

use std::collections::HashMap;
use std::sync::LazyLock;

use apache_avro::Schema as Avro;
use apache_avro::schema::RecordSchema;

use crate::{Schema, schemas};

/// A schema and the records in it by name.
pub(super) struct Shape {
    pub(super) root: &'static Avro,
    records: HashMap<&'static str, &'static RecordSchema>,
}

/// The name of the record that stands for free-form JSON.
pub(super) const JSON: &str = "Json";

impl Shape {
    /// What a reference stands for; `None` for what is no reference.
    pub(super) fn record(&self, schema: &'static Avro) -> Option<&'static RecordSchema> {
        match schema {
            Avro::Record(record) => Some(record),
            Avro::Ref { name } => self.records.get(name.name.as_str()).copied(),
            _ => None,
        }
    }
}

/// The shape of the newest version of a schema.
pub(super) fn of(schema: Schema) -> &'static Shape {
    &SHAPES[schema as usize]
}

/// The branches of a union but for null.
pub(super) fn something(variants: &'static [Avro]) -> impl Iterator<Item = &'static Avro> {
    variants.iter().filter(|variant| !matches!(variant, Avro::Null))
}

static ROOTS: LazyLock<[Avro; Schema::ALL.len()]> = LazyLock::new(|| {
    Schema::ALL
        .map(|schema| Avro::parse_str(&schemas::without_namespace(schema.text())).expect("schemas are Avro schemas"))
});

static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    let roots: &'static [Avro] = &*ROOTS;
    roots
        .iter()
        .map(|root| {
            let mut shape = Shape { root, records: HashMap::new() };
            collect(root, &mut shape.records);
            shape
        })
        .collect()
});

fn collect(schema: &'static Avro, into: &mut HashMap<&'static str, &'static RecordSchema>) {
    match schema {
        Avro::Record(record) => {
            into.insert(&record.name.name, record);
            record.fields.iter().for_each(|field| collect(&field.schema, into));
        }
        Avro::Array(array) => collect(&array.items, into),
        Avro::Map(map) => collect(&map.types, into),
        Avro::Union(union) => union.variants().iter().for_each(|variant| collect(variant, into)),
        _ => {}
    }
}
