//! Rules that answer their own team (F-72), or themselves.

use kilat_domain::SenderKind;

use super::Subject;
use crate::actions::RuleAction;
use crate::codes;
use crate::diagnostic::Report;
use crate::rule::is_message;

pub(super) fn lint(subject: &Subject<'_>, report: &mut Report) {
    let bit = |kind: SenderKind| 1_u32 << kind as u32;
    let both = bit(SenderKind::Customer) | bit(SenderKind::Team);
    let ours = bit(SenderKind::Bot) | bit(SenderKind::Automation);
    for rule in subject.rules {
        let answers = rule.actions().iter().any(RuleAction::reaches_customer);
        if !answers || !rule.triggers.iter().any(|trigger| is_message(trigger.kind)) {
            continue;
        }
        let help = "add a condition on sender.kind, such as customer";
        if rule.senders() & both == both {
            let message = format!("`{}` answers messages of the customer and of the team alike", rule.id);
            report.add(codes::BIDIRECTIONAL_SEND, rule.at, message, help);
        } else if rule.senders() & ours != 0 && rule.once_per().is_none() {
            let message =
                format!("`{}` answers messages of bots or automations, and what it sends is one of them", rule.id);
            report.add(codes::ANSWERS_ITSELF, rule.at, message, help);
        }
    }
}
