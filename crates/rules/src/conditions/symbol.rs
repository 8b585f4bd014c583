//! Conditions on fields with a closed set of words: message types, sender kinds, priorities …
//!
//! A word in place of several stands for them: `all` is every message type, and customer and team for senders (D-24).
//! Order operators work where the set declares an order (D-16): `medium` < `high`.

use std::sync::Arc;

use kilat_domain::{LeadPriority, MessageType, SenderKind};
use serde_json::{Map, Value};

use super::{Compared, Condition, Cost, Kind, Reading};
use crate::codes;
use crate::diagnostic::did_you_mean;
use crate::facts::Env;
use crate::fields::{FieldRef, Read};
use crate::object;
use crate::operators::Op;
use crate::shape::Shape;
use crate::syntax::Node;

pub(crate) const KIND: Kind = Kind {
    name: "symbol",
    operators: &[Op::Equals, Op::In, Op::Gt, Op::Gte, Op::Lt, Op::Lte, Op::Between],
    value: Shape::OneOrMany(&Shape::Text),
    read,
};

/// The members that fulfil the operator, one bit each.
#[derive(Debug)]
pub(crate) struct Symbols {
    pub(crate) members: u32,
    value: Value,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    let Read::Symbol { words, ordered, .. } = reading.field.field.read else { return None };
    let op = reading.op;
    if !ordered && !matches!(op, Op::Equals | Op::In) {
        let at = reading.object.get("op").map_or(reading.value.at, |node| node.at);
        let message = format!("`{}` has no order, so `{}` does not work on it", reading.field.name(), op.name());
        reading.report.add(codes::OPERATOR_NOT_FOR_TYPE, at, message, "use equals, in, or their negations");
        return None;
    }
    let chosen: Vec<u32> = reading.each(|value, reading| word(value, words, reading))?;
    // What is not known has no place in an order.
    let ranked = words.iter().filter(|word| **word != LeadPriority::Unknown.as_str()).count();
    let all = (1_u32 << ranked) - 1;
    if op != Op::Equals && op != Op::In && chosen.iter().any(|bits| bits & !all != 0) {
        let message = format!("`{}` does not compare with what is not known", op.name());
        reading.wrong_value(reading.value.at, message, "use equals or not_equals");
        return None;
    }
    let below = |bit: u32| bit - 1;
    let single = chosen.first().copied().filter(|bits| bits.count_ones() == 1 && chosen.len() == 1);
    let members = match (op, single) {
        (Op::Equals | Op::In, _) => chosen.iter().fold(0, |members, bits| members | bits),
        (Op::Lt, Some(bit)) => below(bit),
        (Op::Lte, Some(bit)) => below(bit) | bit,
        (Op::Gte, Some(bit)) => all & !below(bit),
        (Op::Gt, Some(bit)) => all & !below(bit) & !bit,
        (Op::Between, _) if chosen.len() == 2 => all & !below(chosen[0]) & (below(chosen[1]) | chosen[1]),
        _ => {
            let help = if op == Op::Between { "write [lowest, highest]" } else { "write one word" };
            reading.wrong_value(reading.value.at, format!("`{}` does not take these words", op.name()), help);
            return None;
        }
    };
    Some(Arc::new(Symbols { members, value: canonical(reading.value) }))
}

/// The canonical spelling of what was written: the words in lower case.
fn canonical(node: &Node) -> Value {
    fn lower(value: Value) -> Value {
        match value {
            Value::String(text) => text.trim().to_ascii_lowercase().into(),
            Value::Array(items) => items.into_iter().map(lower).collect(),
            other => other,
        }
    }
    lower(node.to_json())
}

/// The bits of one word.
fn word(node: &Node, words: &'static [&'static str], reading: &mut Reading<'_>) -> Option<u32> {
    let word = object::text(node, "`value`", reading.report)?;
    let word = word.trim().to_ascii_lowercase();
    if let Some(index) = words.iter().position(|known| *known == word) {
        return Some(1 << index);
    }
    let field = reading.field.field.name;
    let is_sender = words == SenderKind::WORDS;
    match (&*word, field) {
        ("all", "message.type") => return Some((1 << MessageType::WORDS.len()) - 1),
        ("all", _) if is_sender => return Some(1 << SenderKind::Customer as u32 | 1 << SenderKind::Team as u32),
        _ => {}
    }
    let known = words.iter().copied();
    let message = format!("`{word}` is no value of `{field}`");
    reading.report.add(codes::UNKNOWN_WORD, node.at, message, did_you_mean(&word, known));
    None
}

impl Condition for Symbols {
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let Read::Symbol { read, .. } = field.field.read else { return None };
        Some(self.members >> read(env.facts)? & 1 != 0)
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        condition.insert("value".into(), self.value.clone());
    }

    fn compared(&self) -> Option<Compared<'_>> {
        Some(Compared::Symbols(self.members))
    }

    fn cost(&self) -> Cost {
        Cost::Compare
    }

    fn symbols(&self) -> Option<u32> {
        Some(self.members)
    }
}
