//! One HTTP request to a partner, for whoever watches: the demo's view, a tap.
//!
//! Reports are dropped where nobody keeps up. They hold no bodies, no secrets and no paths.

use kilat_domain::{Lane, Timestamp};

/// One HTTP request to a partner and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallReport {
    /// When it was answered or given up.
    pub at: Timestamp,
    /// The lane.
    pub lane: Lane,
    /// The partner's name.
    pub partner: &'static str,
    /// Whose action it was.
    pub workspace: Box<str>,
    /// The endpoint's name in the rule set.
    pub endpoint: Box<str>,
    /// Scheme and host.
    pub url: Box<str>,
    /// The action.
    pub action_id: Box<str>,
    /// Which try it was, from 1.
    pub attempt: i32,
    /// The verdict's name.
    pub verdict: &'static str,
    /// Status, where an answer came.
    pub http_status: Option<u16>,
    /// How long it took, in milliseconds.
    pub millis: u64,
}
