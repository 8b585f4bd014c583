//! Kilat's rule language: from the text of a rule file to the rules that hold for an event.
//!
//! [`load`] reads YAML or JSON into [`Document`]s and reports everything that is wrong with it at once; [`compile`] makes
//! a [`RuleSet`] of a document; [`RuleSet::pass`] takes an event through it, rule by rule, and [`Pass::plan`] says what an
//! action comes to. The same code serves `kilat check`, `test` and `eval` and the engine.
//!
//! A condition kind is one file of `conditions/`, an action kind one file of `actions/`; the fields stand in `fields.rs`,
//! the operators in `operators.rs`, the codes of findings in `codes.rs`.
//!
//! Absent by design: clocks, randomness, I/O, and what firing a rule does to state.

#![forbid(unsafe_code)]

mod actions;
mod calendar;
pub mod codes;
mod conditions;
mod corpus;
mod cost;
mod diagnostic;
mod document;
mod endpoint;
mod facts;
mod fields;
mod fingerprint;
mod free_form;
pub mod import;
mod iso;
mod known;
mod lint;
mod memory;
mod money;
mod object;
mod operators;
mod params;
mod pattern;
pub mod phone;
mod places;
mod rule;
mod rule_set;
mod sample;
mod schema;
mod settings;
mod shape;
mod split;
mod syntax;
mod template;
pub mod templates;
#[cfg(test)]
mod tests;

pub use actions::{Planned, RuleAction};
pub use cost::{BUDGET_EXCEEDED, STEPS_MAX, compare_steps, copy_steps};
pub use diagnostic::{Diagnostic, Severity};
pub use document::{Case, Document, Loaded, hash_of, load, load_unless};
pub use endpoint::Endpoint;
pub use facts::{Facts, Scratch};
pub use fingerprint::Fingerprint;
pub use lint::{check, lint};
pub use memory::{Keep, Memory, WEEK_HOURS};
pub use money::Locale;
pub use params::{Language, Param};
pub use rule::{ApplyTo, Class, OncePer, Rule, Stop};
pub use rule_set::{Compiled, Pass, RuleSet, compile, compile_unindexed, compile_unless};
pub use schema::schema;
pub use settings::{Settings, Status};
