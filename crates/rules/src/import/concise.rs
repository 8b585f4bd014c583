//! A rule as a person would write it: without what goes without saying.
//!
//! In: a rule. Out: its tree, from which every key is left out that changes nothing. There is no list of defaults here: a
//! key is left out where the rule reads the same without it.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::from_json;
use crate::diagnostic::Report;
use crate::endpoint::Endpoint;
use crate::known::Known;
use crate::rule::Rule;
use crate::settings::Settings;
use crate::syntax::Node;

/// Keys that stand even where they could be left out.
const ALWAYS: &[&str] = &["id", "name", "trigger", "conditions", "actions", "type", "value", "field", "op"];

/// The tree of a rule.
pub(super) fn rule(rule: &Rule, settings: &Settings, endpoints: &[Arc<Endpoint>]) -> Node {
    let whole = rule.canonical();
    let same = |tried: &Map<String, Value>| {
        let node = from_json(&Value::Object(tried.clone()));
        let (mut endpoints, mut taken) = (endpoints.to_vec(), HashSet::new());
        let read = Rule::read(&node, settings, &mut endpoints, &mut taken, &mut Known::default(), &mut Report::new(""));
        read.is_some_and(|read| read.canonical() == whole)
    };
    let mut short = whole.clone();
    for key in keys(&short) {
        let mut tried = short.clone();
        tried.shift_remove(&key);
        if same(&tried) {
            short = tried;
        }
    }
    let actions = short["actions"].as_array().map_or(0, Vec::len);
    for at in 0..actions {
        for key in short["actions"][at].as_object().map(keys).unwrap_or_default() {
            let mut tried = short.clone();
            if let Some(action) = tried["actions"][at].as_object_mut() {
                action.shift_remove(&key);
            }
            if same(&tried) {
                short = tried;
            }
        }
    }
    if let Some([only]) = short["trigger"].as_array().map(Vec::as_slice) {
        short["trigger"] = only.clone();
    }
    from_json(&Value::Object(short))
}

fn keys(object: &Map<String, Value>) -> Vec<String> {
    object.keys().filter(|key| !ALWAYS.contains(&key.as_str())).cloned().collect()
}
