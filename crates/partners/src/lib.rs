//! Partners: how an action becomes an HTTP request, and what the partner's answer means.
//!
//! Input: an [`Action`], the secrets it refers to and the time; later a status, headers and a body. Output: an
//! [`HttpRequest`] or the [`Refusal`] to make one; later an [`Answer`] with its verdict. One file per partner and one line
//! in [`ALL`]; `tests/it` walks `ALL` and demands golden cases under `golden/<partner>/`.
//!
//! P-1: the action's id goes out as the idempotency key, or the nearest thing the partner has, the same on every try.
//! P-2: `classify` gives a verdict on every answer; success is never the absence of an error. P-3: no secret is in the
//! `Debug` form of anything here.
//!
//! Absent: sending, clocks, retries (a partner only names its schedule), secrets' whereabouts.

mod graph;
mod json;
pub mod meta_capi;
pub mod standard_webhooks;
pub mod whatsapp_cloud;

use std::fmt;
use std::time::Duration;

use kilat_domain::{Action, Command, DestinationKind, Outcome, Timestamp, Verdict};

/// Every partner; the next one goes here.
pub const ALL: &[&dyn Partner] =
    &[&standard_webhooks::StandardWebhooks, &whatsapp_cloud::WhatsappCloud, &meta_capi::MetaCapi];

/// One partner's API.
pub trait Partner: Sync {
    /// Its name: a file here, a folder under `golden/`, a metric label.
    fn name(&self) -> &'static str;

    /// The kind of destination it serves.
    fn kind(&self) -> DestinationKind;

    /// Whether it can carry out this command.
    fn takes(&self, command: &Command<'_>) -> bool;

    /// The most to wait before the second try, the third …; one try more than there are steps.
    fn retry_steps(&self) -> &'static [Duration];

    /// The request that carries the action out.
    ///
    /// *Errors:* [`Refusal`] where no request could succeed.
    fn render(&self, action: &Action<'_>, secrets: &Secrets<'_>, now: Timestamp) -> Result<HttpRequest, Refusal>;

    /// What an answer means.
    fn classify(&self, response: &HttpResponse<'_>) -> Answer;
}

/// The partner that carries an action out.
///
/// *Errors:* `no_destination` where the rule set names no endpoint, `no_connector` where no partner here takes the
/// command to that kind of endpoint.
pub fn partner_for(action: &Action<'_>) -> Result<&'static dyn Partner, Refusal> {
    let command = action.command.type_name();
    let Some(destination) = &action.destination else {
        return Err(Refusal::failed("no_destination", format!("no endpoint for `{command}` in the rule set")));
    };
    let fits = |partner: &&&dyn Partner| partner.kind() == destination.kind && partner.takes(&action.command);
    ALL.iter().find(fits).copied().ok_or_else(|| {
        let kind = destination.kind;
        Refusal::failed("no_connector", format!("no connector takes `{command}` to an endpoint of kind {kind:?}"))
    })
}

/// What an action's references to secrets stand for.
#[derive(Clone, Copy, Default)]
pub struct Secrets<'a> {
    /// The signing secret or access token.
    pub current: Option<&'a str>,
    /// The previous signing secret, during rotation.
    pub previous: Option<&'a str>,
}

impl fmt::Debug for Secrets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = |secret: Option<&str>| if secret.is_some() { "set" } else { "none" };
        write!(f, "Secrets {{ current: {}, previous: {} }}", state(self.current), state(self.previous))
    }
}

/// An HTTP request; always a POST so far.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Absolute URL.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        write!(f, "HttpRequest {{ headers: {names:?}, body: {} bytes }}", self.body.len())
    }
}

/// An HTTP answer.
#[derive(Clone, Copy, Debug)]
pub struct HttpResponse<'a> {
    /// Status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: &'a [(String, String)],
    /// The body, cut at the client's cap.
    pub body: &'a [u8],
}

impl<'a> HttpResponse<'a> {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The partner's wish for a pause, where it is given in seconds; dates are not used by any partner here.
    fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What has to happen next.
    pub verdict: Verdict,
    /// Why, for everything but `Delivered`: a stable word.
    pub reason: Option<&'static str>,
    /// The partner's words, at most [`DETAIL_CHARS_MAX`] characters.
    pub detail: Option<String>,
    /// The partner's id for what was done.
    pub partner_ref: Option<String>,
}

/// How much of a partner's words is kept.
pub const DETAIL_CHARS_MAX: usize = 300;

impl Answer {
    fn delivered(partner_ref: Option<String>) -> Self {
        Answer { verdict: Verdict::Delivered, reason: None, detail: None, partner_ref }
    }

    fn new(verdict: Verdict, reason: &'static str, detail: impl Into<Option<String>>) -> Self {
        let detail = detail.into().map(|text: String| shortened(&text));
        Answer { verdict, reason: Some(reason), detail, partner_ref: None }
    }
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(DETAIL_CHARS_MAX).collect()
}

/// Why an action is not sent at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// [`Outcome::Failed`], or [`Outcome::Suppressed`] where not sending is right.
    pub outcome: Outcome,
    /// A stable word.
    pub reason: &'static str,
    /// What is wrong and what to do.
    pub detail: String,
}

impl Refusal {
    /// It can never succeed.
    pub fn failed(reason: &'static str, detail: impl Into<String>) -> Self {
        Refusal { outcome: Outcome::Failed, reason, detail: detail.into() }
    }

    /// It is not sent on purpose.
    pub fn suppressed(reason: &'static str, detail: impl Into<String>) -> Self {
        Refusal { outcome: Outcome::Suppressed, reason, detail: detail.into() }
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");
