//! AskVault's automation rules: what its API takes (F-199, D-46).
//!
//! The language takes these rules as they are, so that nothing is converted here; what is said is where they mean something
//! else. Source: the vendor's page on automation rules and its API example, as features.md 1C and semantics.md quote them.

use super::Converting;
use crate::syntax::{Content, Node};

/// What differs for every rule.
pub(super) const GENERAL: &[(&str, &str)] = &[
    (
        "the actions of a rule are done in order, not in parallel",
        "put first what must be first; `parallel: true` lets an outbound action overtake others",
    ),
    (
        "a rule that loops is stopped for its conversation after 5 cycles, and switched off for all only where 3 \
         conversations loop",
        "set `settings.strict_loops: true` to switch it off at once",
    ),
    (
        "an edited rule is for all conversations at once, not for new ones only",
        "add `apply_to: new_conversations` to a rule whose edits are for new ones",
    ),
];

/// The rule as it is, after a look at what means something else.
pub(super) fn convert(node: &Node, converting: &mut Converting<'_, '_>) -> Option<Node> {
    for condition in list(node, "conditions") {
        let field = text(condition, "field").unwrap_or_default();
        if let Some(value) = condition.get("value")
            && let Content::Text(written) = &value.content
            && written.contains(',')
            && matches!(field, "message" | "message.content" | "message.text")
        {
            converting.differs(
                value.at,
                format!("`{written}` is looked for as one text, its commas included"),
                "write a list where each part is meant by itself",
            );
        }
        if field.ends_with("business_hours") {
            converting.differs(
                condition.at,
                "the hours are not in the export: 09:00 to 17:00 from Monday to Friday stands in their place",
                "write the workspace's own hours and time zone under settings",
            );
        }
        if matches!(field, "country" | "geo.country") {
            converting.differs(
                condition.at,
                "the country is what events say in `geo.country`; Kilat locates nobody by itself",
                "let the producer of events fill it in",
            );
        }
    }
    for action in list(node, "actions") {
        match text(action, "type").unwrap_or_default() {
            "change_status" | "set_conversation_status" if text(action, "value") == Some("snooze") => {
                let help = "add `for: 4h`, or let a person reopen it";
                converting.differs(action.at, "the conversation stays snoozed until somebody reopens it", help);
            }
            "send_canned_response" => converting.differs(
                action.at,
                "the value is sent as it stands; canned responses of the other system are not known here",
                "write the text of the response",
            ),
            _ => {}
        }
    }
    Some(node.clone())
}

fn list<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    match node.get(key).map(|list| &list.content) {
        Some(Content::List(items)) => items,
        _ => &[],
    }
}

fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    match node.get(key).map(|value| &value.content) {
        Some(Content::Text(text)) => Some(text),
        _ => None,
    }
}
