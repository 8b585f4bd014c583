//! Send Webhook, after the Standard Webhooks specification.
//!
//! Body `{type, timestamp, data}`; headers `webhook-id` (the action's id, the same on every try), `webhook-timestamp` (new
//! on every try) and `webhook-signature` (`v1`, HMAC-SHA256, with both secrets during rotation; absent where the endpoint
//! has no secret). 2xx is success; redirects are failures; 410 disables; `webhook-delivery: abort-message` ends retries.
//! Source: standard-webhooks/standard-webhooks b2fa7b8 and docs.svix.com (abort-message) by PARTNERS.md part 9; schedule by
//! D-81: 8 tries over about 24 hours.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac};
use kilat_domain::{Action, Command, DestinationKind, Scope, Timestamp, Verdict, Wait};
use serde_json::json as json_value;
use sha2::Sha256;

use crate::{Answer, HttpRequest, HttpResponse, JSON, Partner, Refusal, Secrets, json};

/// The most a body may take; the specification advises about 20 kB and links for more.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// Any HTTPS endpoint that takes Standard Webhooks.
pub struct StandardWebhooks;

impl Partner for StandardWebhooks {
    fn name(&self) -> &'static str {
        "standard_webhooks"
    }

    fn kind(&self) -> DestinationKind {
        DestinationKind::Webhook
    }

    fn takes(&self, command: &Command<'_>) -> bool {
        matches!(command, Command::SendWebhook { .. })
    }

    fn retry_steps(&self) -> &'static [Duration] {
        const STEPS: [Duration; 7] = [
            Duration::from_secs(5),
            Duration::from_secs(5 * 60),
            Duration::from_secs(30 * 60),
            Duration::from_secs(2 * 3600),
            Duration::from_secs(5 * 3600),
            Duration::from_secs(8 * 3600),
            Duration::from_secs(8 * 3600),
        ];
        &STEPS
    }

    fn render(&self, action: &Action<'_>, secrets: &Secrets<'_>, now: Timestamp) -> Result<HttpRequest, Refusal> {
        let (Command::SendWebhook { event, payload }, Some(destination)) = (&action.command, &action.destination)
        else {
            return Err(Refusal::failed("no_connector", "not a webhook"));
        };
        let body = json_value!({
            "type": event.as_str(),
            "timestamp": action.created_at.to_string(),
            "data": json::object(payload),
        });
        let body = body.to_string().into_bytes();
        if body.len() > BODY_BYTES_MAX {
            let detail = format!("{} bytes; at most {BODY_BYTES_MAX}: send ids and links instead", body.len());
            return Err(Refusal::failed("body_too_large", detail));
        }
        let seconds = now.0.div_euclid(1000).to_string();
        let mut signatures = Vec::new();
        for secret in [secrets.current, secrets.previous].into_iter().flatten() {
            signatures.push(signature(secret, &action.id, &seconds, &body)?);
        }
        let mut headers = vec![
            (JSON.0, JSON.1.to_owned()),
            ("webhook-id", action.id.as_str().to_owned()),
            ("webhook-timestamp", seconds),
        ];
        if !signatures.is_empty() {
            headers.push(("webhook-signature", signatures.join(" ")));
        }
        Ok(HttpRequest { url: destination.url.as_str().to_owned(), headers, body })
    }

    fn classify(&self, response: &HttpResponse<'_>) -> Answer {
        let status = response.status;
        let words = || Some(format!("HTTP {status} {}", String::from_utf8_lossy(response.body)));
        let aborts = response.header("webhook-delivery").is_some_and(|value| value.trim() == "abort-message");
        let slow_down = |wait| Verdict::Throttled { scope: Scope::Destination, wait };
        match (status, response.retry_after()) {
            (200..=299, _) => Answer::delivered(None),
            (410, _) => Answer::new(Verdict::Gone, "gone", words()),
            _ if aborts => Answer::new(Verdict::Rejected, "aborted_by_receiver", words()),
            (300..=399, _) => Answer::new(Verdict::Rejected, "redirected", words()),
            (429 | 502..=504, Some(pause)) => Answer::new(slow_down(Wait::AtLeast(pause)), "throttled", words()),
            (429, None) => Answer::new(slow_down(Wait::Schedule), "throttled", words()),
            (408 | 500..=599, _) => Answer::new(Verdict::Transient, "endpoint_error", words()),
            _ => Answer::new(Verdict::Rejected, "rejected", words()),
        }
    }
}

/// `v1,` and the base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>`.
///
/// *Errors:* `secret_invalid` where the secret is not base64, with or without the prefix `whsec_`.
fn signature(secret: &str, id: &str, seconds: &str, body: &[u8]) -> Result<String, Refusal> {
    let invalid = || {
        let detail = "the signing secret is not `whsec_` and base64: `whsec_$(openssl rand -base64 32)` makes one";
        Refusal::failed("secret_invalid", detail)
    };
    let secret = secret.trim();
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).map_err(|_| invalid())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| invalid())?;
    for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
        mac.update(part);
    }
    Ok(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests;
