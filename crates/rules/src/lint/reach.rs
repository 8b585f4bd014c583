//! Rules behind a Stop Processing that always comes first (D-35).

use super::logic::{Formula, possible};
use super::{PAIRS_MAX, Subject, writes};
use crate::codes;
use crate::diagnostic::Report;
use crate::rule::{ApplyTo, Class, Rule, Stop, is_message};

pub(super) fn lint(subject: &Subject<'_>, report: &mut Report) {
    let mut pairs = 0;
    let stops = subject.ordered.iter().enumerate().filter(|(_, rule)| always_stops(rule));
    for (place, first) in stops {
        let mut hidden = Vec::new();
        for (after, later) in subject.ordered.iter().enumerate().skip(place + 1) {
            pairs += 1;
            if pairs > PAIRS_MAX {
                return;
            }
            let between = &subject.ordered[place + 1..after];
            if sees_all_of(first, later) && !disturbed(first, between) && hides(subject, first, later) {
                hidden.push(*later);
            }
        }
        for later in hidden {
            let message = format!(
                "`{}` is never reached: `{}` comes before it, stops the pass, and holds wherever it does",
                later.id, first.id
            );
            let help = format!("give it a higher priority than `{}`, or narrow `{}`", first.id, first.id);
            report.add(codes::UNREACHABLE_RULE, later.at, message, help);
        }
    }
}

/// Whether the rule ends the pass wherever it matches.
fn always_stops(rule: &Rule) -> bool {
    rule.stop() != Stop::No
        && rule.once_per().is_none()
        && rule.dedupe_group().is_none()
        && rule.apply_to() == ApplyTo::All
}

/// Whether the first rule is looked at wherever the later one is, conditions aside.
fn sees_all_of(first: &Rule, later: &Rule) -> bool {
    let triggers = later.triggers.iter().all(|trigger| {
        first.triggers.iter().any(|own| own.kind == trigger.kind && (!own.message_added || trigger.message_added))
    });
    let class = first.class() == later.class() || first.stop() == Stop::All;
    let messages = later.triggers.iter().any(|trigger| is_message(trigger.kind));
    let senders = !messages || later.senders() & !first.senders() == 0;
    const CHATS: &[&str] = &["chat.is_group", "chat.kind"];
    let chats = first.has_condition_on(CHATS) || !later.has_condition_on(CHATS);
    // A fallback rule may be refused because something answered; the other one is then, too.
    let within = |wide: &[Box<str>], narrow: &[Box<str>]| {
        wide.is_empty() || !narrow.is_empty() && narrow.iter().all(|name| wide.contains(name))
    };
    triggers
        && class
        && (first.class() == Class::Normal || later.class() == Class::Fallback)
        && senders
        && chats
        && within(&first.channels, &later.channels)
        && within(&first.sources, &later.sources)
}

/// Whether a rule in between may change what the first one looks at, so that the later one holds where the first did not.
fn disturbed(first: &Rule, between: &[&Rule]) -> bool {
    let mut fields = Vec::new();
    first.each_leaf(&mut |leaf| fields.push(leaf.field.name()));
    between.iter().flat_map(|rule| writes::of(rule)).any(|write| fields.iter().any(|field| write.is_seen_by(field)))
}

fn hides(subject: &Subject<'_>, first: &Rule, later: &Rule) -> bool {
    let later = Formula::all(&later.conditions);
    // A rule whose own conditions exclude each other is reported as that.
    possible(std::slice::from_ref(&later), subject.settings)
        && !possible(&[later, Formula::not_all(&first.conditions)], subject.settings)
}
