//! Rules for group chats that change leads: not allowed to (D-26), or in a workspace that is spread.

use serde_json::Value;

use super::Subject;
use crate::actions::RuleAction;
use crate::codes;
use crate::conditions::Tree;
use crate::diagnostic::Report;

pub(super) fn lint(subject: &Subject<'_>, report: &mut Report) {
    for rule in subject.rules {
        let for_groups = rule.conditions.iter().any(|tree| match tree {
            Tree::Leaf(leaf) => {
                leaf.field.field.name == "chat.is_group" && leaf.expected() == Value::Bool(!leaf.op.positive().1)
            }
            Tree::Group(..) => false,
        });
        if for_groups && !rule.allow_group() && rule.actions().iter().any(RuleAction::changes_lead) {
            let message = format!("`{}` is for group chats and changes the lead, which it is not allowed to", rule.id);
            report.add(codes::GROUP_NOT_ALLOWED, rule.at, message, "add `allow_group: true`");
        }
        if subject.settings.spread() > 1 && rule.allow_group() && rule.actions().iter().any(RuleAction::changes_lead) {
            let message = format!(
                "`{}` may change leads from group chats, and with `spread` a group may lie on another partition than a \
                 lead who wrote to the team before: what it changes there, the lead's own chats do not see",
                rule.id
            );
            report.add(codes::SPREAD_GROUP, rule.at, message, "leave out `allow_group`, or `spread`");
        }
    }
}
