//! The gate before customer messages.
//!
//! Input: an action and the time. Output: the first reason not to send it. The order is fixed (D-83): blocked → opt-out →
//! consent → reply window → message budget → quiet hours → staleness → pacing. It is asked right before each attempt,
//! because a window may close while a delivery waits.
//! Absent until the action carries what they need: opt-out, consent, message budget, quiet hours, pacing; each has its
//! place in [`GATE`].

use kilat_domain::{Action, Command, DestinationKind, Timestamp};
use kilat_partners::Refusal;

type Guard = fn(&Action<'_>, Timestamp) -> Option<Refusal>;

/// In this order; the first refusal is the reason.
const GATE: &[Guard] = &[
    blocked,
    // opt-out: the customer said stop
    // consent: for the marketing category
    reply_window,
    // message budget: per lead and day
    // quiet hours: by the customer's time zone
    stale,
    // pacing: per number and per pair (D-82)
];

/// The first reason not to send an action now.
pub(crate) fn refusal(action: &Action<'_>, now: Timestamp) -> Option<Refusal> {
    GATE.iter().find_map(|guard| guard(action, now))
}

fn blocked(action: &Action<'_>, _now: Timestamp) -> Option<Refusal> {
    let refuses = action.gate.blocked && action.command.reaches_customer();
    refuses.then(|| Refusal::suppressed("blocked", "the lead is blocked"))
}

/// Outside 24 hours after the customer's last message WhatsApp takes approved templates only (D-58).
fn reply_window(action: &Action<'_>, now: Timestamp) -> Option<Refusal> {
    let is_free_form = matches!(action.command, Command::SendMessage { .. });
    let has_window = action.destination.as_ref().is_some_and(|to| to.kind == DestinationKind::WhatsappCloud);
    let is_closed = action.gate.window_closes_at.is_none_or(|closes| now >= closes);
    let detail = match action.gate.window_closes_at {
        Some(at) => format!("the reply window closed at {at}"),
        None => "the customer has not written: there is no reply window".to_owned(),
    };
    (is_free_form && has_window && is_closed).then(|| Refusal::suppressed("window", detail))
}

fn stale(action: &Action<'_>, now: Timestamp) -> Option<Refusal> {
    let expired = action.expires_at.filter(|expires| now >= *expires)?;
    Some(Refusal::suppressed("expired", format!("not worth doing after {expired}")))
}

#[cfg(test)]
mod tests;
