//! The schema files: compatible with every released version, documented, and never changed once released.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

use apache_avro::Schema as AvroSchema;
use apache_avro::schema_compatibility::SchemaCompatibility;
use kilat_codec::{Schema, Topic};
use kilat_domain::*;
use serde_json::Value as Json;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas")
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_newest_schema_reads_every_released_version() {
    for schema in Schema::ALL {
        let newest = AvroSchema::parse_str(schema.text()).unwrap();
        for (at, text) in schema.versions().iter().enumerate() {
            let older = AvroSchema::parse_str(text).unwrap();
            if let Err(error) = SchemaCompatibility::can_read(&older, &newest) {
                panic!("schemas/{schema}.avsc cannot read version {}: {error}", at + 1);
            }
        }
    }
}

#[test]
fn a_changed_schema_has_a_new_version() {
    fn without_docs(value: Json) -> Json {
        match value {
            Json::Object(entries) => {
                entries.into_iter().filter(|(key, _)| key != "doc").map(|(k, v)| (k, without_docs(v))).collect()
            }
            Json::Array(items) => items.into_iter().map(without_docs).collect(),
            scalar => scalar,
        }
    }
    for schema in Schema::ALL {
        let newest = schema.versions().last().unwrap();
        assert_eq!(
            without_docs(json(schema.text())),
            without_docs(json(newest)),
            "schemas/{schema}.avsc differs from its newest version: commit it as a new one (schemas/README.md)"
        );
    }
}

#[test]
fn every_version_file_is_listed_and_has_an_id_of_its_own() {
    let ids = json(&fs::read_to_string(folder().join("ids.json")).unwrap());
    let mut seen = HashSet::new();
    let folders: HashSet<String> = fs::read_dir(folder().join("versions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, Schema::ALL.map(|schema| schema.name().to_owned()).into());
    for schema in Schema::ALL {
        let files = fs::read_dir(folder().join("versions").join(schema.name())).unwrap().count();
        assert_eq!(files, schema.versions().len(), "list every version of {schema} in src/schemas.rs");
        assert_eq!(ids[schema.name()].as_object().unwrap().len(), files, "give every version of {schema} an id");
        for (version, id) in ids[schema.name()].as_object().unwrap() {
            assert!(version.parse::<usize>().is_ok_and(|version| (1..=files).contains(&version)), "{schema} {version}");
            assert!(seen.insert(id.as_u64().unwrap()), "id {id} is given twice");
        }
        assert_eq!(Json::from(schema.id()), ids[schema.name()][files.to_string()]);
        assert_eq!(Schema::of_name(schema.name()), Some(schema));
    }
}

/// Every record of a schema text: its JSON.
fn records(text: &str) -> Vec<Json> {
    fn collect(value: &Json, into: &mut Vec<Json>) {
        match value {
            Json::Object(object) => {
                if object.get("type") == Some(&Json::from("record")) {
                    into.push(value.clone());
                }
                object.values().for_each(|value| collect(value, into));
            }
            Json::Array(items) => items.iter().for_each(|item| collect(item, into)),
            _ => {}
        }
    }
    let mut into = Vec::new();
    collect(&json(text), &mut into);
    into
}

#[test]
fn every_record_and_field_is_documented_and_every_optional_field_defaults_to_null() {
    for schema in Schema::ALL {
        assert_eq!(json(schema.text())["namespace"], "kilat.v1");
        for record in records(schema.text()) {
            let name = &record["name"];
            assert!(record["doc"].as_str().is_some_and(|doc| doc.ends_with('.')), "{schema} {name}");
            for field in record["fields"].as_array().unwrap() {
                assert!(
                    field["doc"].as_str().is_some_and(|doc| doc.ends_with('.')),
                    "{schema} {name}.{}",
                    field["name"]
                );
                let nullable = field["type"].as_array().is_some_and(|union| union.contains(&"null".into()));
                if nullable {
                    assert_eq!(field["type"][0], "null", "{schema} {name}.{}", field["name"]);
                    assert_eq!(field.get("default"), Some(&Json::Null), "{schema} {name}.{}", field["name"]);
                }
            }
        }
    }
}

#[test]
fn a_record_is_the_same_in_every_schema_that_has_it() {
    let mut known: HashMap<String, AvroSchema> = HashMap::new();
    for name in ["Money", "Json"] {
        for schema in Schema::ALL {
            for record in records(schema.text()).into_iter().filter(|record| record["name"] == name) {
                let parsed = AvroSchema::parse(&record).unwrap();
                assert_eq!(
                    known.entry(name.to_owned()).or_insert_with(|| parsed.clone()),
                    &parsed,
                    "{name} in {schema}"
                );
            }
        }
    }
    let facts = |schema: Schema| {
        let facts = records(schema.text()).into_iter().find(|record| record["name"] == "LeadFacts").unwrap();
        facts["fields"].as_array().unwrap().iter().map(|field| field["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(facts(Schema::Event), facts(Schema::Lead));
}

#[test]
fn the_documentation_names_every_word_of_a_closed_set() {
    let sets: [(Schema, &str, &str, &[&str]); 14] = [
        (Schema::Event, "Event", "type", EventKind::WORDS),
        (Schema::Event, "ConversationFacts", "status", ConversationStatus::WORDS),
        (Schema::Event, "ConversationFacts", "priority", ConversationPriority::WORDS),
        (Schema::Event, "ConversationFacts", "started_by", SenderKind::WORDS),
        (Schema::Event, "LeadFacts", "priority", LeadPriority::WORDS),
        (Schema::Event, "LeadFacts", "consent", Consent::WORDS),
        (Schema::Event, "Chat", "kind", ChatKind::WORDS),
        (Schema::Event, "Sender", "kind", SenderKind::WORDS),
        (Schema::Event, "Message", "type", MessageType::WORDS),
        (Schema::Decision, "ActionEffect", "result", &["applied", "unchanged", "queued", "failed", "suppressed"]),
        (Schema::Action, "Action", "on_unknown", &["resend", "hold"]),
        (Schema::Action, "Media", "kind", MediaKind::WORDS),
        (Schema::Action, "Destination", "kind", &["webhook", "whatsapp_cloud", "meta_capi", "slack"]),
        (Schema::ActionResult, "ActionResult", "outcome", &["sending", "delivered", "failed", "unknown", "suppressed"]),
    ];
    for (schema, record, field, words) in sets {
        let found = records(schema.text()).into_iter().find(|found| found["name"] == record).unwrap();
        let field = found["fields"].as_array().unwrap().iter().find(|found| found["name"] == field).unwrap().clone();
        for word in words {
            assert!(
                field["doc"].as_str().unwrap().contains(word),
                "schemas/{schema}.avsc {record}.{}: `{word}`",
                field["name"]
            );
        }
    }
}

#[test]
fn the_readme_names_every_topic() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for topic in Topic::ALL {
        assert!(readme.contains(&format!("`{}`", topic.name())), "{}", topic.name());
    }
}
