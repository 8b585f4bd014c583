//! WhatsApp Cloud API: messages to the customer of a conversation, with media, reply buttons or a list.
//!
//! `POST <base>/<phone number id>/messages`; the action's id travels as `biz_opaque_callback_data`, because the API has no
//! idempotency key: two successful posts are two messages, and only the status webhook settles an unanswered one.
//! Answers are classified by `error.code`, never by the status alone: throttling comes as 400, too.
//! Absent: templates; the reply window (the gate looks at it); pacing.
//! Source: PARTNERS.md 1.7–1.9, read 20 Nov 2026; Meta's pages on media and interactive messages, read Nov 2026.

use std::time::Duration;

use kilat_domain::{
    Action, Button, Command, DestinationKind, Media, Menu, MenuRow, OutboundMessage, Scope, Timestamp, Verdict, Wait,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::graph::{GraphError, quota_wait};
use crate::{Answer, HttpRequest, HttpResponse, JSON, Partner, Refusal, Secrets};

/// A WhatsApp Cloud API phone number.
pub struct WhatsappCloud;

impl Partner for WhatsappCloud {
    fn name(&self) -> &'static str {
        "whatsapp_cloud"
    }

    fn kind(&self) -> DestinationKind {
        DestinationKind::WhatsappCloud
    }

    fn takes(&self, command: &Command<'_>) -> bool {
        matches!(command, Command::SendMessage(_))
    }

    fn retry_steps(&self) -> &'static [Duration] {
        const STEPS: [Duration; 5] = [
            Duration::from_secs(2),
            Duration::from_secs(10),
            Duration::from_secs(60),
            Duration::from_secs(5 * 60),
            Duration::from_secs(30 * 60),
        ];
        &STEPS
    }

    fn render(&self, action: &Action<'_>, secrets: &Secrets<'_>, _now: Timestamp) -> Result<HttpRequest, Refusal> {
        let (Command::SendMessage(message), Some(destination)) = (&action.command, &action.destination) else {
            return Err(Refusal::failed("no_connector", "not a message"));
        };
        let Some(number) = &destination.account else {
            return Err(Refusal::failed("no_account", "the endpoint names no phone number id (`account`)"));
        };
        let Some(token) = secrets.current else {
            return Err(Refusal::failed("no_secret", "the endpoint names no access token (`secret`)"));
        };
        message.check().map_err(|unsendable| Refusal::failed(unsendable.word, unsendable.problem))?;
        let (field, id) = recipient(&message.to.id)?;
        let (kind, content) = content(message);
        let body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            field: id,
            "type": kind,
            kind: content,
            "biz_opaque_callback_data": action.id.as_str(),
        });
        Ok(HttpRequest {
            url: format!("{}/{}/messages", destination.url.trim_end_matches('/'), number.as_str()),
            headers: vec![(JSON.0, JSON.1.to_owned()), ("authorization", format!("Bearer {}", token.trim()))],
            body: body.to_string().into_bytes(),
        })
    }

    fn classify(&self, response: &HttpResponse<'_>) -> Answer {
        if let Some(error) = GraphError::read(response) {
            let (verdict, reason) = by_code(&error, response);
            return Answer::new(verdict, reason, error.describe());
        }
        let status = response.status;
        let words = || Some(format!("HTTP {status} without an error object"));
        match status {
            200..=299 => match message_id(response.body) {
                Some(id) => Answer::delivered(Some(id)),
                None => Answer::new(Verdict::Unknown, "answer_unreadable", words()),
            },
            429 => Answer::new(throttled(Scope::Destination, quota_wait(response)), "throttled", words()),
            408 | 500..=599 => Answer::new(Verdict::Transient, "partner_error", words()),
            401 | 403 => Answer::new(Verdict::AuthStopped, "credentials", words()),
            300..=399 => Answer::new(Verdict::Rejected, "redirected", words()),
            _ => Answer::new(Verdict::Rejected, "rejected", words()),
        }
    }
}

/// The type of a message, and what stands under it.
fn content(message: &OutboundMessage<'_>) -> (&'static str, Value) {
    let text = message.text.as_str();
    let action = match (&message.buttons, &message.list, &message.media) {
        (Some(buttons), ..) => {
            json!({"type": "button", "action": {"buttons": buttons.iter().map(reply).collect::<Vec<_>>()}})
        }
        (None, Some(list), _) => json!({"type": "list", "action": menu(list)}),
        (None, None, Some(media)) => {
            let mut file = file(media);
            if !text.is_empty() {
                file["caption"] = text.into();
            }
            return (media.kind.as_str(), file);
        }
        (None, None, None) => return ("text", json!({"body": text})),
    };
    let mut interactive = action;
    interactive["body"] = json!({"text": text});
    if let Some(media) = &message.media {
        let kind = media.kind.as_str();
        interactive["header"] = json!({"type": kind, kind: file(media)});
    } else if let Some(header) = &message.header {
        interactive["header"] = json!({"type": "text", "text": header.as_str()});
    }
    if let Some(footer) = &message.footer {
        interactive["footer"] = json!({"text": footer.as_str()});
    }
    ("interactive", interactive)
}

fn file(media: &Media<'_>) -> Value {
    let mut file = json!({"link": media.url.as_str()});
    if let Some(filename) = &media.filename {
        file["filename"] = filename.as_str().into();
    }
    file
}

fn reply(button: &Button<'_>) -> Value {
    json!({"type": "reply", "reply": {"id": button.id.as_str(), "title": button.title.as_str()}})
}

fn menu(list: &Menu<'_>) -> Value {
    let row = |row: &MenuRow<'_>| {
        let mut shown = json!({"id": row.id.as_str(), "title": row.title.as_str()});
        if let Some(description) = &row.description {
            shown["description"] = description.as_str().into();
        }
        shown
    };
    let sections = list.sections.iter().map(|section| {
        let mut shown = json!({"rows": section.rows.iter().map(row).collect::<Vec<_>>()});
        if let Some(title) = &section.title {
            shown["title"] = title.as_str().into();
        }
        shown
    });
    json!({"button": list.button.as_str(), "sections": sections.collect::<Vec<_>>()})
}

/// The table of PARTNERS.md 1.9.
fn by_code(error: &GraphError, response: &HttpResponse<'_>) -> (Verdict, &'static str) {
    let second = Wait::AtLeast(Duration::from_secs(1));
    match error.code {
        4 | 80007 => (throttled(Scope::Destination, quota_wait(response)), "throttled"),
        130429 => (throttled(Scope::Destination, second), "throttled"),
        133016 => (throttled(Scope::Destination, Wait::Schedule), "throttled"),
        131056 => (throttled(Scope::Key, Wait::PowersOfFour), "throttled"),
        131064 => (Verdict::Rejected, "template_limit"),
        1 | 2 | 131000 | 131016 | 133004 | 131057 => (Verdict::Transient, "partner_error"),
        131048 | 131049 | 130472 | 368 | 131031 => (Verdict::Rejected, "policy"),
        131050 => (Verdict::Rejected, "opted_out"),
        131026 | 131030 | 131021 | 131062 => (Verdict::Rejected, "recipient"),
        131047 => (Verdict::Rejected, "outside_window"),
        132015 | 132016 | 131063 => (Verdict::Rejected, "template_unavailable"),
        100 | 131008 | 131009 | 131051 | 131052 | 131053 | 132000..=132999 | 135000 => (Verdict::Rejected, "request"),
        0 | 3 | 10 | 190 | 200..=299 | 131005 | 131045 | 131037 => (Verdict::AuthStopped, "credentials"),
        131042 | 131044 => (Verdict::AuthStopped, "billing"),
        _ if error.is_transient => (Verdict::Transient, "partner_error"),
        _ => match response.status {
            429 => (throttled(Scope::Destination, quota_wait(response)), "throttled"),
            401 | 403 => (Verdict::AuthStopped, "credentials"),
            408 | 500..=599 => (Verdict::Transient, "partner_error"),
            _ => (Verdict::Rejected, "rejected"),
        },
    }
}

fn throttled(scope: Scope, wait: Wait) -> Verdict {
    Verdict::Throttled { scope, wait }
}

/// The field a recipient goes into and its value there: `to` for a number, `recipient` for a business-scoped user id.
fn recipient(id: &str) -> Result<(&'static str, &str), Refusal> {
    let id = id.split('@').next().unwrap_or_default();
    let digits = id.strip_prefix('+').unwrap_or(id);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if is_number {
        return Ok(("to", digits));
    }
    let is_scoped = id.contains('.') && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    if is_scoped {
        return Ok(("recipient", id));
    }
    Err(Refusal::failed("recipient", "neither a number in digits nor a business-scoped user id"))
}

fn message_id(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Sent {
        messages: Vec<Message>,
    }
    #[derive(Deserialize)]
    struct Message {
        id: String,
    }
    serde_json::from_slice::<Sent>(body).ok()?.messages.into_iter().next().map(|message| message.id)
}
