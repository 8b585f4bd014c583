//! Conditions and values as a finding names them.

use serde_json::Value;

use crate::conditions::{Leaf, Tree};
use crate::operators::Op;

/// Longest value that is written out.
const VALUE_CHARS_MAX: usize = 40;

/// A condition as its author would say it: `lead.status equals hot`.
pub(super) fn of_leaf(leaf: &Leaf) -> String {
    let mut words = format!("{} {}", leaf.field.name(), leaf.op.name());
    let value = match leaf.expected() {
        Value::Null => return words,
        Value::Array(items) if leaf.op == Op::Between => items.iter().map(of_value).collect::<Vec<_>>().join(" and "),
        Value::Array(items) => items.iter().map(of_value).collect::<Vec<_>>().join(" or "),
        value => of_value(&value),
    };
    words.push(' ');
    words.extend(value.chars().take(VALUE_CHARS_MAX));
    if value.chars().count() > VALUE_CHARS_MAX {
        words.push('…');
    }
    words
}

/// A condition, or a group by its kind.
pub(super) fn of_tree(tree: &Tree) -> String {
    match tree {
        Tree::Leaf(leaf) => of_leaf(leaf),
        Tree::Group(group, members) => format!("{} of {} conditions", group.name(), members.len()),
    }
}

fn of_value(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
