//! Conditions on what none of the rule's triggers brings, such as a tag's name on a message (F-216).

use kilat_domain::EventKind;

use super::{Subject, words};
use crate::codes;
use crate::conditions::Tree;
use crate::diagnostic::Report;

/// Fields by their beginning, and the beginnings of the event types that bring them.
const BROUGHT: &[(&str, &[&str])] = &[
    ("message.", &["message.", "conversation.created", "lead.created"]),
    ("tag.", &["tag."]),
    ("skill.", &["skill."]),
    ("list.", &["list."]),
    ("webhook.", &["webhook."]),
    ("ticket.", &["ticket."]),
    ("order.", &["shop."]),
    ("call.", &["call."]),
];

pub(super) fn lint(subject: &Subject<'_>, report: &mut Report) {
    for rule in subject.rules {
        for leaf in rule.conditions.iter().filter_map(|tree| match tree {
            Tree::Leaf(leaf) if !leaf.when_missing() && leaf.op.name() != "is_missing" => Some(leaf),
            _ => None,
        }) {
            let field = leaf.field.name();
            let Some((_, bring)) = BROUGHT.iter().find(|(start, _)| field.starts_with(start)) else { continue };
            let brings = |kind: EventKind| bring.iter().any(|start| kind.as_str().starts_with(start));
            if rule.triggers.iter().any(|trigger| brings(trigger.kind)) {
                continue;
            }
            let named = rule.triggers.first().map_or("", |trigger| trigger.kind.as_str());
            let message = format!("`{}` never holds, because {named} events bring no {field}", words::of_leaf(leaf));
            let known = EventKind::KNOWN.iter().find(|word| bring.iter().any(|start| word.starts_with(start)));
            let help = format!("use a trigger such as {}, or another field", known.unwrap_or(&"message.created"));
            report.add(codes::NOT_BROUGHT, leaf.at, message, help);
        }
    }
}
