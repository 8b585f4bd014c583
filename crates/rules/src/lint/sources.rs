//! Message rules that no connected channel feeds (F-85, D-30); only where the settings say which channels are connected.

use super::Subject;
use crate::codes;
use crate::diagnostic::Report;
use crate::phone;
use crate::rule::is_message;

pub(super) fn lint(subject: &Subject<'_>, report: &mut Report) {
    let Some(connected) = subject.settings.channels() else { return };
    let connected: Vec<_> = connected.iter().map(|channel| phone::canonical(channel, None)).collect();
    for rule in subject.rules.iter().filter(|rule| rule.enabled) {
        if !rule.triggers.iter().all(|trigger| is_message(trigger.kind)) {
            continue;
        }
        let reaches = |channel: &str| connected.contains(&phone::canonical(channel, None));
        let message = if connected.is_empty() {
            format!("`{}` waits for messages, and no channel is connected", rule.id)
        } else if !rule.channels.is_empty() && !rule.channels.iter().any(|channel| reaches(channel)) {
            format!("`{}` waits for messages of {}, which is not connected", rule.id, rule.channels.join(" or "))
        } else {
            continue;
        };
        let help = "connect the channel and name it under settings.channels, or correct the scope";
        report.add(codes::NO_EVENT_SOURCE, rule.at, message, help);
    }
}
