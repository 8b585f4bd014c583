//! The schemas: every released version of every one, parsed once, found by id.
//!
//! *Source:* `schemas/versions/<schema>/<n>.avsc` and `schemas/ids.json`, read at build time, so that known ids decode
//! while no registry is reachable. The newest version is the one written; a test holds it to `schemas/<schema>.avsc`.

use std::fmt;
use std::sync::LazyLock;

use serde_avro_fast::Schema as Avro;

/// The kinds of records, each with a schema of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Schema {
    /// [`kilat_domain::Event`]
    Event,
    /// [`kilat_domain::RuleSetRecord`]
    RuleSet,
    /// [`kilat_domain::RuleSetStatus`]
    RuleStatus,
    /// [`kilat_domain::Decision`]
    Decision,
    /// [`kilat_domain::Action`]
    Action,
    /// [`kilat_domain::ActionResult`]
    ActionResult,
    /// [`kilat_domain::LeadRecord`]
    Lead,
    /// [`kilat_domain::StateBlock`]
    StateBlock,
    /// [`kilat_domain::Explanation`]
    Explanation,
    /// [`kilat_domain::SpreadStep`]
    SpreadStep,
}

macro_rules! versions {
    ($name:literal: $($version:literal)+) => {
        &[$(include_str!(concat!("../../../schemas/versions/", $name, "/", $version, ".avsc")),)+]
    };
}

impl Schema {
    /// Every schema.
    pub const ALL: [Schema; 10] = [
        Schema::Event,
        Schema::RuleSet,
        Schema::RuleStatus,
        Schema::Decision,
        Schema::Action,
        Schema::ActionResult,
        Schema::Lead,
        Schema::StateBlock,
        Schema::Explanation,
        Schema::SpreadStep,
    ];

    /// Its name, which is that of its file.
    pub fn name(self) -> &'static str {
        match self {
            Schema::Event => "event",
            Schema::RuleSet => "rule-set",
            Schema::RuleStatus => "rule-status",
            Schema::Decision => "decision",
            Schema::Action => "action",
            Schema::ActionResult => "action-result",
            Schema::Lead => "lead",
            Schema::StateBlock => "state-block",
            Schema::Explanation => "explanation",
            Schema::SpreadStep => "spread-step",
        }
    }

    /// The schema of this name.
    pub fn of_name(name: &str) -> Option<Schema> {
        Schema::ALL.into_iter().find(|schema| schema.name() == name)
    }

    /// The text of every released version, oldest first; version 1 is at index 0.
    pub fn versions(self) -> &'static [&'static str] {
        match self {
            Schema::Event => versions!("event": 1 2),
            Schema::RuleSet => versions!("rule-set": 1),
            Schema::RuleStatus => versions!("rule-status": 1),
            Schema::Decision => versions!("decision": 1 2 3),
            Schema::Action => versions!("action": 1 2),
            Schema::ActionResult => versions!("action-result": 1),
            Schema::Lead => versions!("lead": 1),
            Schema::StateBlock => versions!("state-block": 1 2 3 4 5 6),
            Schema::Explanation => versions!("explanation": 1 2),
            Schema::SpreadStep => versions!("spread-step": 1),
        }
    }

    /// The newest version, with the newest documentation.
    pub fn text(self) -> &'static str {
        match self {
            Schema::Event => include_str!("../../../schemas/event.avsc"),
            Schema::RuleSet => include_str!("../../../schemas/rule-set.avsc"),
            Schema::RuleStatus => include_str!("../../../schemas/rule-status.avsc"),
            Schema::Decision => include_str!("../../../schemas/decision.avsc"),
            Schema::Action => include_str!("../../../schemas/action.avsc"),
            Schema::ActionResult => include_str!("../../../schemas/action-result.avsc"),
            Schema::Lead => include_str!("../../../schemas/lead.avsc"),
            Schema::StateBlock => include_str!("../../../schemas/state-block.avsc"),
            Schema::Explanation => include_str!("../../../schemas/explanation.avsc"),
            Schema::SpreadStep => include_str!("../../../schemas/spread-step.avsc"),
        }
    }

    /// The id of its newest version.
    pub fn id(self) -> u32 {
        newest(self).id
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A released version of a schema.
pub(crate) struct Version {
    /// What it is a version of.
    pub(crate) schema: Schema,
    /// Which of its versions, counted from 1.
    pub(crate) number: usize,
    /// Its id in framed values.
    pub(crate) id: u32,
    /// Whether the structures of the domain have exactly its fields, in its order.
    pub(crate) is_newest: bool,
    /// The parsed schema, without namespace.
    pub(crate) avro: Avro,
}

/// The version with this id.
pub(crate) fn by_id(id: u32) -> Option<&'static Version> {
    RELEASED.by_id.binary_search_by_key(&id, |version| version.id).ok().map(|at| &RELEASED.by_id[at])
}

/// The version that is written.
pub(crate) fn newest(schema: Schema) -> &'static Version {
    &RELEASED.by_id[RELEASED.newest[schema as usize]]
}

struct Released {
    by_id: Vec<Version>,
    newest: [usize; Schema::ALL.len()],
}

/// Both sources are part of the program, and a test walks all of them: whatever is wrong with them is found there.
static RELEASED: LazyLock<Released> = LazyLock::new(|| {
    let ids: serde_json::Value =
        serde_json::from_str(include_str!("../../../schemas/ids.json")).expect("ids.json is JSON");
    let mut by_id = Vec::new();
    for schema in Schema::ALL {
        let texts = schema.versions();
        for (at, text) in texts.iter().enumerate() {
            let id = ids[schema.name()][(at + 1).to_string()].as_u64().and_then(|id| u32::try_from(id).ok());
            let id = id.expect("ids.json names every version");
            by_id.push(Version { schema, number: at + 1, id, is_newest: at + 1 == texts.len(), avro: parse(text) });
        }
    }
    by_id.sort_unstable_by_key(|version| version.id);
    let newest = Schema::ALL.map(|schema| {
        let place = by_id.iter().position(|version| version.schema == schema && version.is_newest);
        place.expect("every schema has a version")
    });
    Released { by_id, newest }
});

/// Parses a schema for serde: without its namespace, because serde knows the variants of a union by their short names.
/// Names are no part of the binary form.
pub(crate) fn parse(text: &str) -> Avro {
    without_namespace(text).parse().expect("schemas are Avro schemas")
}

/// The text of a schema without its namespace, so that its names are those of the structures.
pub(crate) fn without_namespace(text: &str) -> String {
    let mut schema: serde_json::Value = serde_json::from_str(text).expect("schemas are JSON");
    if let Some(root) = schema.as_object_mut() {
        root.remove("namespace");
    }
    schema.to_string()
}
