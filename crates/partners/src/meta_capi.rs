//! Meta's Conversions API: one conversion event per request.
//!
//! `POST <base>/<dataset id>/events`. Events of WhatsApp conversations go as `business_messaging` with the click id of the
//! ad and the WhatsApp business account; all others go as `website` (or `chat` where they came through another chat
//! channel) with hashed e-mail and phone ([`normalise`]). `event_id` is the action's id; Meta removes duplicates of website
//! events by it, but not of business messaging events: those rest on the executors' ledger.
//! Absent: batching, `fbc`/`fbp`/IP/user agent (the action does not carry them).
//! Source: PARTNERS.md 2.1–2.4, read 20 Nov 2026.

pub mod normalise;

use std::time::Duration;

use kilat_domain::{Action, CapiEvent, Command, DestinationKind, Money, Scope, Timestamp, Verdict};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::graph::{GraphError, quota_wait};
use crate::{Answer, HttpRequest, HttpResponse, JSON, Partner, Refusal, Secrets};

/// Meta refuses older events, and with them the whole request.
pub const EVENT_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// The names Meta takes for business messaging events; all others are refused with subcode 2804066.
pub const MESSAGING_NAMES: [&str; 14] = [
    "ViewContent",
    "LeadSubmitted",
    "QualifiedLead",
    "AddToCart",
    "InitiateCheckout",
    "OrderCreated",
    "OrderShipped",
    "OrderDelivered",
    "Purchase",
    "OrderCanceled",
    "OrderReturned",
    "CartAbandoned",
    "RatingProvided",
    "ReviewProvided",
];

/// A Meta Conversions API dataset.
pub struct MetaCapi;

impl Partner for MetaCapi {
    fn name(&self) -> &'static str {
        "meta_capi"
    }

    fn kind(&self) -> DestinationKind {
        DestinationKind::MetaCapi
    }

    fn takes(&self, command: &Command<'_>) -> bool {
        matches!(command, Command::SendCapiEvent(_))
    }

    fn retry_steps(&self) -> &'static [Duration] {
        const STEPS: [Duration; 7] = [
            Duration::from_secs(2),
            Duration::from_secs(15),
            Duration::from_secs(2 * 60),
            Duration::from_secs(10 * 60),
            Duration::from_secs(3600),
            Duration::from_secs(4 * 3600),
            Duration::from_secs(12 * 3600),
        ];
        &STEPS
    }

    fn render(&self, action: &Action<'_>, secrets: &Secrets<'_>, now: Timestamp) -> Result<HttpRequest, Refusal> {
        let (Command::SendCapiEvent(event), Some(destination)) = (&action.command, &action.destination) else {
            return Err(Refusal::failed("no_connector", "not a conversion event"));
        };
        let Some(dataset) = &destination.account else {
            return Err(Refusal::failed("no_account", "the endpoint names no dataset id (`account`)"));
        };
        let Some(token) = secrets.current else {
            return Err(Refusal::failed("no_secret", "the endpoint names no access token (`secret`)"));
        };
        let age = now.since(event.at);
        if age > EVENT_AGE_MAX {
            let detail = format!("the event is {} h old; Meta takes 7 days", age.as_secs() / 3600);
            return Err(Refusal::suppressed("event_too_old", detail));
        }
        let mut fields = match event.channel.as_deref() {
            Some("whatsapp") => business_messaging(event, destination.waba.as_deref())?,
            Some("web" | "website") | None => customer(event, "website")?,
            Some(_) => customer(event, "chat")?,
        };
        fields.insert("event_time".to_owned(), json!(event.at.0.div_euclid(1000)));
        fields.insert("event_id".to_owned(), json!(action.id.as_str()));
        if let Some(value) = &event.value {
            fields.insert("custom_data".to_owned(), json!({"currency": &*value.currency, "value": major_units(value)}));
        }
        let body = json!({"data": [fields], "access_token": token.trim()});
        Ok(HttpRequest {
            url: format!("{}/{}/events", destination.url.trim_end_matches('/'), dataset.as_str()),
            headers: vec![(JSON.0, JSON.1.to_owned())],
            body: body.to_string().into_bytes(),
        })
    }

    fn classify(&self, response: &HttpResponse<'_>) -> Answer {
        if let Some(error) = GraphError::read(response) {
            let (verdict, reason) = by_code(&error, response);
            return Answer::new(verdict, reason, error.describe());
        }
        #[derive(Deserialize)]
        struct Received {
            events_received: u64,
            #[serde(default)]
            fbtrace_id: Option<String>,
        }
        let status = response.status;
        let words = || Some(format!("HTTP {status} without an error object"));
        match status {
            200..=299 => match serde_json::from_slice::<Received>(response.body) {
                // Requests carry one event.
                Ok(received) if received.events_received >= 1 => Answer::delivered(received.fbtrace_id),
                Ok(_) => Answer::new(Verdict::Rejected, "not_received", "events_received is 0".to_owned()),
                Err(_) => Answer::new(Verdict::Unknown, "answer_unreadable", words()),
            },
            429 => Answer::new(throttled(response), "throttled", words()),
            408 | 500..=599 => Answer::new(Verdict::Transient, "partner_error", words()),
            401 | 403 => Answer::new(Verdict::AuthStopped, "credentials", words()),
            300..=399 => Answer::new(Verdict::Rejected, "redirected", words()),
            _ => Answer::new(Verdict::Rejected, "rejected", words()),
        }
    }
}

fn by_code(error: &GraphError, response: &HttpResponse<'_>) -> (Verdict, &'static str) {
    match (error.code, error.error_subcode) {
        (4 | 17 | 32 | 613 | 80004, _) => (throttled(response), "throttled"),
        (0 | 3 | 10 | 102 | 190 | 200..=299, _) => (Verdict::AuthStopped, "credentials"),
        (_, Some(2804003)) => (Verdict::Rejected, "event_too_old"),
        (_, Some(2804066)) => (Verdict::Rejected, "event_name"),
        (_, Some(2804081)) => (Verdict::Rejected, "no_currency"),
        (_, Some(2804131)) => (Verdict::Rejected, "no_waba"),
        (1 | 2, _) => (Verdict::Transient, "partner_error"),
        _ if error.is_transient => (Verdict::Transient, "partner_error"),
        _ => match response.status {
            429 => (throttled(response), "throttled"),
            401 | 403 => (Verdict::AuthStopped, "credentials"),
            408 | 500..=599 => (Verdict::Transient, "partner_error"),
            _ => (Verdict::Rejected, "rejected"),
        },
    }
}

fn throttled(response: &HttpResponse<'_>) -> Verdict {
    Verdict::Throttled { scope: Scope::Destination, wait: quota_wait(response) }
}

/// An event of a WhatsApp conversation: attributed by the click, never by a hashed phone number.
fn business_messaging(event: &CapiEvent<'_>, waba: Option<&str>) -> Result<Map<String, Json>, Refusal> {
    let name = event.name.as_str();
    if !MESSAGING_NAMES.contains(&name) {
        let remedy = if name == "Lead" { ": `LeadSubmitted` is its name there" } else { "" };
        let detail = format!("Meta takes no `{name}` for WhatsApp{remedy}; allowed: {}", MESSAGING_NAMES.join(", "));
        return Err(Refusal::failed("event_name", detail));
    }
    let Some(clid) = event.ctwa_clid.as_deref().filter(|clid| !clid.is_empty()) else {
        let detail = "the lead did not come from a Click-to-WhatsApp ad: nothing to attribute";
        return Err(Refusal::failed("no_ctwa_clid", detail));
    };
    let Some(waba) = waba else {
        return Err(Refusal::failed("no_waba", "the endpoint names no WhatsApp business account (`waba`)"));
    };
    if event.value.is_none() && matches!(name, "Purchase" | "OrderCreated") {
        return Err(Refusal::failed("no_currency", format!("`{name}` needs a value with a currency")));
    }
    Ok(Map::from_iter([
        ("event_name".to_owned(), json!(name)),
        ("action_source".to_owned(), json!("business_messaging")),
        ("messaging_channel".to_owned(), json!("whatsapp")),
        ("user_data".to_owned(), json!({"whatsapp_business_account_id": waba, "ctwa_clid": clid})),
    ]))
}

/// An event attributed by who the customer is.
fn customer(event: &CapiEvent<'_>, source: &str) -> Result<Map<String, Json>, Refusal> {
    // What WhatsApp calls LeadSubmitted is the pixel's Lead.
    let name = if event.name == "LeadSubmitted" { "Lead" } else { event.name.as_str() };
    if name.is_empty() {
        return Err(Refusal::failed("event_name", "the event has no name"));
    }
    if event.value.is_none() && name == "Purchase" {
        return Err(Refusal::failed("no_currency", "`Purchase` needs a value with a currency"));
    }
    let mut user = Map::new();
    if let Some(email) = event.email.as_deref().and_then(normalise::email) {
        user.insert("em".to_owned(), json!([email.hashed()]));
    }
    if let Some(phone) = event.phone.as_deref().and_then(normalise::phone) {
        user.insert("ph".to_owned(), json!([phone.hashed()]));
    }
    if user.is_empty() {
        let detail = "neither an e-mail address nor a phone number with country code is known";
        return Err(Refusal::failed("no_user_data", detail));
    }
    Ok(Map::from_iter([
        ("event_name".to_owned(), json!(name)),
        ("action_source".to_owned(), json!(source)),
        ("user_data".to_owned(), Json::Object(user)),
    ]))
}

/// An amount in major units: a whole number where it is one.
fn major_units(money: &Money) -> Json {
    let unit = 10i64.pow(minor_digits(&money.currency));
    if money.minor % unit == 0 { json!(money.minor / unit) } else { json!(money.minor as f64 / unit as f64) }
}

/// Digits after the decimal point, where they are not two. Source: ISO 4217, list one (2026).
fn minor_digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
