//! What Meta's Graph APIs have in common: the shape of errors and the header that says when a quota is back.
//!
//! Source: PARTNERS.md 1.9 (error shape; `X-Business-Use-Case-Usage` in minutes), read 20 Nov 2026.

use std::time::Duration;

use kilat_domain::Wait;
use serde::Deserialize;

use crate::HttpResponse;

/// The `error` object of an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct GraphError {
    #[serde(default)]
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) error_subcode: Option<i64>,
    #[serde(default)]
    pub(crate) is_transient: bool,
    #[serde(default)]
    message: String,
    #[serde(default)]
    error_user_msg: Option<String>,
    #[serde(default)]
    error_data: Option<ErrorData>,
}

#[derive(Debug, Deserialize)]
struct ErrorData {
    #[serde(default)]
    details: Option<String>,
}

impl GraphError {
    /// The error in an answer's body, whatever the status.
    pub(crate) fn read(response: &HttpResponse<'_>) -> Option<GraphError> {
        #[derive(Deserialize)]
        struct Body {
            error: GraphError,
        }
        serde_json::from_slice::<Body>(response.body).ok().map(|body| body.error)
    }

    /// Code and the most telling words.
    pub(crate) fn describe(&self) -> String {
        let details = self.error_data.as_ref().and_then(|data| data.details.as_deref());
        let words = details.or(self.error_user_msg.as_deref()).unwrap_or(&self.message);
        match self.error_subcode {
            Some(subcode) => format!("{}/{subcode}: {words}", self.code),
            None => format!("{}: {words}", self.code),
        }
    }
}

/// When the quota is back, by the longest `estimated_time_to_regain_access` of any use case; else by schedule.
pub(crate) fn quota_wait(response: &HttpResponse<'_>) -> Wait {
    let minutes = response.header("x-business-use-case-usage").and_then(longest_wait_in_minutes);
    match minutes {
        Some(minutes) if minutes > 0 => Wait::AtLeast(Duration::from_secs(minutes.saturating_mul(60))),
        _ => Wait::Schedule,
    }
}

fn longest_wait_in_minutes(header: &str) -> Option<u64> {
    let usage: serde_json::Value = serde_json::from_str(header).ok()?;
    let cases = usage.as_object()?.values().filter_map(|cases| cases.as_array()).flatten();
    cases.filter_map(|case| case.get("estimated_time_to_regain_access")?.as_u64()).max()
}
