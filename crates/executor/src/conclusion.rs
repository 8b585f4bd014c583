//! How an action ends: from what came of a request to the words of its result.
//!
//! Absent: whether it is tried again (`kilat-delivery`), writing the result down (`outbox.rs`).

use kilat_delivery::Ending;
use kilat_domain::{Action, ActionResult, Outcome, Timestamp, Verdict};
use kilat_partners::{Answer, HttpResponse, Partner, Refusal};

use crate::client::{ExchangeError, Response};
use crate::delivery::Delivery;

/// How an action ends, in the words of its result.
pub(crate) struct Conclusion {
    pub(crate) outcome: Outcome,
    /// Empty where there is none.
    pub(crate) reason: &'static str,
    pub(crate) detail: Option<String>,
    pub(crate) partner_ref: Option<String>,
}

impl Conclusion {
    /// One that no partner had a word in.
    pub(crate) fn ours(outcome: Outcome, reason: &'static str, detail: Option<String>) -> Conclusion {
        Conclusion { outcome, reason, detail, partner_ref: None }
    }
}

impl From<Refusal> for Conclusion {
    fn from(refusal: Refusal) -> Self {
        let Refusal { outcome, reason, detail } = refusal;
        Conclusion { outcome, reason, detail: Some(detail), partner_ref: None }
    }
}

/// What an exchange came to.
pub(crate) fn classify(partner: &dyn Partner, outcome: &Result<Response, ExchangeError>) -> Answer {
    let no_answer = |verdict, reason, error: &ExchangeError| Answer {
        verdict,
        reason: Some(reason),
        detail: Some(error.to_string().chars().take(kilat_partners::DETAIL_CHARS_MAX).collect()),
        partner_ref: None,
    };
    match outcome {
        Ok(Response { status, headers, body }) => partner.classify(&HttpResponse { status: *status, headers, body }),
        Err(error @ ExchangeError::Refused(_)) => no_answer(Verdict::Rejected, "address_refused", error),
        Err(error @ ExchangeError::NotSent(_)) => no_answer(Verdict::Transient, "unreachable", error),
        Err(error @ (ExchangeError::Deadline(_) | ExchangeError::Broken(_))) => {
            no_answer(Verdict::Unknown, "no_answer", error)
        }
    }
}

pub(crate) fn conclusion_of(ending: Ending, answer: Answer) -> Conclusion {
    let Answer { verdict, reason, detail, partner_ref } = answer;
    let reason = reason.unwrap_or_default();
    let (outcome, reason) = match ending {
        Ending::Delivered => (Outcome::Delivered, ""),
        Ending::Refused => (Outcome::Failed, reason),
        Ending::Unknown => (Outcome::Unknown, reason),
        Ending::Exhausted if verdict == Verdict::AuthStopped => (Outcome::Failed, "auth_stopped"),
        Ending::Exhausted => (Outcome::Failed, "retries_exhausted"),
    };
    Conclusion { outcome, reason, detail, partner_ref }
}

pub(crate) fn result_of<'a>(
    action: &'a Action<'_>,
    delivery: &Delivery,
    conclusion: &'a Conclusion,
    at: Timestamp,
) -> ActionResult<'a> {
    ActionResult {
        action_id: action.id.as_str().into(),
        workspace: action.workspace.as_str().into(),
        conversation: action.conversation.as_str().into(),
        action: action.command.type_name().into(),
        outcome: conclusion.outcome,
        reason: Some(conclusion.reason).filter(|reason| !reason.is_empty()).map(Into::into),
        detail: conclusion.detail.as_deref().map(Into::into),
        attempts: delivery.attempts,
        http_status: delivery.http_status,
        partner_ref: conclusion.partner_ref.as_deref().map(Into::into),
        endpoint_ms: i64::try_from(delivery.endpoint_time.as_millis()).unwrap_or(i64::MAX),
        at,
    }
}
