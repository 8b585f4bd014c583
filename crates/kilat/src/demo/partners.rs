//! Stand-in partners: an HTTP server on loopback that takes what the executors send, as strictly as the real ones.
//!
//! Input: requests. Output: answers, and the [`Tally`] of what came. Checked on every request: for webhooks the signature,
//! its age and the body's shape; for WhatsApp the token and the message's shape; for the Conversions API the token and what
//! Meta demands of a WhatsApp event. None of it shares code with the sender.
//!
//! Partners misbehave, by a seed and therefore repeatably: some first requests are answered 429 with `Retry-After`, some
//! 500, of some the answer never comes although the request was taken, and a few recipients are not on WhatsApp at all.
//! `book` decides which.
//!
//! Source: Standard Webhooks specification 1.0 (signature, headers, tolerance); Meta, WhatsApp Cloud API messages reference
//! and error codes; Meta, Conversions API for business messaging.

mod book;
mod secrets;

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use kilat_executor::WallClock;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

pub(super) use self::book::Tally;
use self::book::{Book, Mood};
pub(super) use self::secrets::Secrets;
use super::random::Random;

/// The largest body a partner takes.
const BODY_BYTES_MAX: usize = 1 << 20;
/// How far a webhook's timestamp may be off, in seconds.
const TOLERANCE_S: i64 = 300;
/// WhatsApp recipients that do not exist, per mille.
const UNREACHABLE_PER_MILLE: usize = 10;

/// The event names Meta accepts for WhatsApp.
const CAPI_EVENTS: [&str; 14] = [
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

/// A kind of partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Partner {
    Webhook,
    Whatsapp,
    Meta,
}

impl Partner {
    pub(super) const ALL: [Partner; 3] = [Partner::Webhook, Partner::Whatsapp, Partner::Meta];

    pub(super) fn name(self) -> &'static str {
        match self {
            Partner::Webhook => "webhook",
            Partner::Whatsapp => "whatsapp",
            Partner::Meta => "meta",
        }
    }
}

/// The running server.
pub(super) struct Partners {
    address: SocketAddr,
    floor: Arc<Floor>,
}

struct Floor {
    seed: u64,
    secrets: Secrets,
    clock: WallClock,
    book: Mutex<Book>,
}

impl Partners {
    /// Starts the server on a loopback port, any where it is 0; it ends with the runtime.
    /// `clock` is the time of day by which they judge how old a signature is.
    pub(super) async fn start(seed: u64, port: u16, secrets: Secrets, clock: WallClock) -> std::io::Result<Partners> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let floor = Arc::new(Floor { seed, secrets, clock, book: Mutex::new(Book::new(seed)) });
        let routes = Router::new()
            .route("/webhooks/{endpoint}", post(webhook))
            .route("/meta/{account}/messages", post(whatsapp))
            .route("/meta/{account}/events", post(capi))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(Arc::clone(&floor));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Partners { address, floor })
    }

    /// Where endpoints of this kind are; a webhook's name, and for Meta's APIs the account, is appended.
    pub(super) fn url(&self, partner: Partner) -> String {
        let path = match partner {
            Partner::Webhook => "webhooks",
            Partner::Whatsapp | Partner::Meta => "meta",
        };
        format!("http://{}/{path}", self.address)
    }

    /// The port it listens on.
    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What has come so far.
    pub(super) fn tally(&self, partner: Partner) -> Tally {
        *self.floor.book().tally(partner)
    }
}

impl Floor {
    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        // Nothing panics while the lock is held.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, partner: Partner, key: &str) -> Mood {
        self.book().take(partner, key)
    }

    fn refuse(&self, partner: Partner, count: impl FnOnce(&mut Tally)) {
        let mut book = self.book();
        let tally = book.tally(partner);
        tally.requests += 1;
        count(tally);
    }

    fn wrong(&self, partner: Partner, status: StatusCode, why: &str) -> Response {
        self.refuse(partner, |tally| tally.wrong += 1);
        tracing::warn!(partner = partner.name(), why, "stand-in partner refused a request");
        match partner {
            Partner::Webhook => (status, why.to_owned()).into_response(),
            Partner::Whatsapp | Partner::Meta => {
                let code = if status == StatusCode::UNAUTHORIZED { 190 } else { 100 };
                meta_error(status, code, why)
            }
        }
    }
}

async fn webhook(State(floor): State<Arc<Floor>>, headers: HeaderMap, body: Bytes) -> Response {
    let id = match signed_id(&floor.secrets.signing, &headers, &body, (floor.clock)().0 / 1000) {
        Ok(id) => id,
        Err(why) => return floor.wrong(Partner::Webhook, StatusCode::UNAUTHORIZED, why),
    };
    let shape = serde_json::from_slice::<Value>(&body).ok().filter(|body| {
        body["type"].is_string() && body["timestamp"].is_string() && body.get("data").is_some_and(Value::is_object)
    });
    if shape.is_none() {
        return floor.wrong(Partner::Webhook, StatusCode::BAD_REQUEST, "the body is not {type, timestamp, data}");
    }
    match floor.take(Partner::Webhook, id) {
        Mood::Takes => StatusCode::NO_CONTENT.into_response(),
        Mood::Throttles => throttled(),
        Mood::Breaks => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::FallsSilent => pending().await,
    }
}

async fn whatsapp(
    State(floor): State<Arc<Floor>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    const PARTNER: Partner = Partner::Whatsapp;
    if bearer(&headers) != Some(floor.secrets.token.as_str()) {
        return floor.wrong(PARTNER, StatusCode::UNAUTHORIZED, "the access token is not valid");
    }
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let to = message["to"].as_str().unwrap_or_default();
    let text = message["text"]["body"].as_str().unwrap_or_default();
    let text_in_order = (1..=4096).contains(&text.chars().count());
    let in_order = is_json(&headers)
        && message["messaging_product"] == "whatsapp"
        && message["type"] == "text"
        && !to.is_empty()
        && to.bytes().all(|byte| byte.is_ascii_digit())
        && text_in_order
        && account.bytes().all(|byte| byte.is_ascii_digit());
    if !in_order {
        return floor.wrong(PARTNER, StatusCode::BAD_REQUEST, "the message is not a WhatsApp text");
    }
    if Random::named(floor.seed, &format!("reachable:{to}")).chance(UNREACHABLE_PER_MILLE) {
        floor.refuse(PARTNER, |tally| tally.rejected += 1);
        return meta_error(StatusCode::BAD_REQUEST, 131_026, "Message undeliverable");
    }
    // WhatsApp knows no idempotency key; the opaque callback value is ours and tells attempts of one action apart from
    // two equal messages.
    let key = message["biz_opaque_callback_data"].as_str().map_or_else(|| format!("{to}:{text}"), str::to_owned);
    match floor.take(PARTNER, &key) {
        Mood::Takes => answer(&json!({
            "messaging_product": "whatsapp",
            "contacts": [{"input": to, "wa_id": to}],
            "messages": [{"id": format!("wamid.demo{:016X}", Random::named(floor.seed, &key).next())}],
        })),
        // Documented as 429, seen as 400 and without Retry-After.
        Mood::Throttles => meta_error(StatusCode::BAD_REQUEST, 130_429, "Rate limit hit"),
        Mood::Breaks => meta_error(StatusCode::INTERNAL_SERVER_ERROR, 131_000, "Something went wrong"),
        Mood::FallsSilent => pending().await,
    }
}

async fn capi(State(floor): State<Arc<Floor>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    const PARTNER: Partner = Partner::Meta;
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let in_query = uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("access_token=")));
    let token = request["access_token"].as_str().or(in_query).or(bearer(&headers));
    if token != Some(floor.secrets.token.as_str()) {
        return floor.wrong(PARTNER, StatusCode::UNAUTHORIZED, "the access token is not valid");
    }
    let events = request["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Err(why) = capi_in_order(events) {
        return floor.wrong(PARTNER, StatusCode::BAD_REQUEST, why);
    }
    let key = events.iter().filter_map(|event| event["event_id"].as_str()).collect::<Vec<_>>().join(",");
    match floor.take(PARTNER, &key) {
        Mood::Takes => answer(&json!({"events_received": events.len(), "messages": [], "fbtrace_id": "AdemoTrace"})),
        Mood::Throttles => meta_error(StatusCode::BAD_REQUEST, 4, "Application request limit reached"),
        Mood::Breaks => meta_error(StatusCode::INTERNAL_SERVER_ERROR, 2, "Service temporarily unavailable"),
        Mood::FallsSilent => pending().await,
    }
}

/// What Meta demands of WhatsApp events.
fn capi_in_order(events: &[Value]) -> Result<(), &'static str> {
    if events.is_empty() {
        return Err("`data` holds no event");
    }
    for event in events {
        let name = event["event_name"].as_str().unwrap_or_default();
        let user = &event["user_data"];
        if !event["event_time"].is_u64() || !event["event_id"].is_string() {
            return Err("an event needs event_time in whole seconds and event_id");
        }
        if event["action_source"] == "business_messaging" {
            if event["messaging_channel"] != "whatsapp" {
                return Err("business_messaging needs messaging_channel");
            }
            if !user["ctwa_clid"].is_string() || !user["whatsapp_business_account_id"].is_string() {
                return Err("user_data needs ctwa_clid and whatsapp_business_account_id");
            }
            if !CAPI_EVENTS.contains(&name) {
                return Err("this event name is not allowed for messaging events");
            }
        }
        if matches!(name, "Purchase" | "OrderCreated") && !event["custom_data"]["currency"].is_string() {
            return Err("a purchase needs a currency");
        }
    }
    Ok(())
}

/// The id of a webhook whose signature, age and headers are in order.
fn signed_id<'a>(secret: &str, headers: &'a HeaderMap, body: &[u8], now_s: i64) -> Result<&'a str, &'static str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
    let id = header("webhook-id").ok_or("no webhook-id")?;
    let timestamp = header("webhook-timestamp").ok_or("no webhook-timestamp")?;
    let signatures = header("webhook-signature").ok_or("no webhook-signature")?;
    let sent_s: i64 = timestamp.parse().map_err(|_| "webhook-timestamp is not a number of seconds")?;
    if (now_s - sent_s).abs() > TOLERANCE_S {
        return Err("webhook-timestamp is too far off");
    }
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).map_err(|_| "the secret is not base64")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| "the secret cannot be a key")?;
    mac.update(id.as_bytes());
    mac.update(b".");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let good = signatures
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .any(|signature| mac.clone().verify_slice(&signature).is_ok());
    if good { Ok(id) } else { Err("the signature does not match") }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"))
}

fn throttled() -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, HeaderValue::from_static("1"))]).into_response()
}

fn answer(body: &Value) -> Response {
    (StatusCode::OK, [json_type()], body.to_string()).into_response()
}

fn meta_error(status: StatusCode, code: u32, message: &str) -> Response {
    let body = json!({"error": {"message": format!("(#{code}) {message}"), "type": "OAuthException", "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": message}, "fbtrace_id": "AdemoTrace"}});
    (status, [json_type()], body.to_string()).into_response()
}

fn json_type() -> (HeaderName, HeaderValue) {
    (CONTENT_TYPE, HeaderValue::from_static("application/json"))
}

#[cfg(test)]
mod tests;
