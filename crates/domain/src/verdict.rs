//! The verdict on one attempt: what a partner's answer, or the lack of one, means for the delivery.

use std::time::Duration;

/// What one HTTP request came to, by what has to happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The partner accepted it.
    Delivered,
    /// Not now: nothing was done, and it may be tried again later.
    Throttled {
        /// Who has to wait.
        scope: Scope,
        /// How long.
        wait: Wait,
    },
    /// It failed on the way or at the partner; worth another try.
    Transient,
    /// The partner refuses it for good.
    Rejected,
    /// The endpoint wants nothing more at all (HTTP 410).
    Gone,
    /// Our credentials are refused: nothing to this destination can succeed until someone acts.
    AuthStopped,
    /// Sent, and no answer came: it may have happened.
    Unknown,
}

impl Verdict {
    /// A stable word, for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Delivered => "delivered",
            Verdict::Throttled { .. } => "throttled",
            Verdict::Transient => "transient",
            Verdict::Rejected => "rejected",
            Verdict::Gone => "gone",
            Verdict::AuthStopped => "auth_stopped",
            Verdict::Unknown => "unknown",
        }
    }
}

/// Who has to wait after [`Verdict::Throttled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Only this key, such as one customer at one number.
    Key,
    /// Everything to this destination.
    Destination,
}

/// How long to wait after [`Verdict::Throttled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// As long as the retry schedule says.
    Schedule,
    /// At least this long, by the partner's own word.
    AtLeast(Duration),
    /// 4ⁿ seconds at the n-th try in a row, from n = 0 (WhatsApp's pair rate limit).
    PowersOfFour,
}
