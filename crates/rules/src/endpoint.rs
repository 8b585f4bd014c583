//! Where actions go: the endpoints of a document, by name.
//!
//! In: the `endpoints` object. Out: [`Endpoint`]s with every default spelled out.
//! EP-1: a secret is a reference, `env:NAME` or `file:PATH`; a literal one is refused and never repeated in a message.
//! Absent: reaching them; resolving secrets; whether an address may be called, which the executor's client decides.

use std::sync::Arc;

use kilat_domain::{Destination, DestinationKind};
use serde_json::{Map, Value};

use crate::codes;
use crate::diagnostic::Report;
use crate::object::Object;
use crate::shape::{Key, Shape};
use crate::syntax::{Content, Node};

const META_BASE: &str = "https://graph.facebook.com/v23.0";
const SLACK_BASE: &str = "https://slack.com/api";
/// Most endpoints of one document.
const ENDPOINTS_MAX: usize = 1_000;
const URL_BYTES_MAX: usize = 2_048;

const KINDS: &[&str] = &["webhook", "whatsapp_cloud", "meta_capi", "slack"];

pub(crate) const ENDPOINT_KEYS: &[Key] = &[
    Key::new("kind", Shape::Word(KINDS), "What it is; a webhook by default."),
    Key::new("url", Shape::Text, "Its address; for Meta and Slack the base, which has a default."),
    Key::new("secret", Shape::Secret, "Webhook: the signing secret."),
    Key::new("previous_secret", Shape::Secret, "Webhook: the signing secret before, while it is rotated."),
    Key::new("token", Shape::Secret, "Meta and Slack: the access token."),
    Key::new("phone_number_id", Shape::Text, "WhatsApp: the id of the sending number."),
    Key::new("channel", Shape::Text, "WhatsApp: the account number it serves."),
    Key::new("dataset", Shape::Text, "Conversions API: the dataset (pixel) id."),
    Key::new("waba", Shape::Text, "Conversions API: the WhatsApp business account id."),
];

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in the document.
    pub name: Box<str>,
    /// What it is.
    pub kind: DestinationKind,
    /// The URL; for Meta and Slack the base, without a trailing slash.
    pub url: Box<str>,
    /// Reference to the signing secret or access token.
    pub secret: Option<Box<str>>,
    /// Reference to the previous signing secret.
    pub previous_secret: Option<Box<str>>,
    /// WhatsApp: phone number id. Conversions API: dataset id.
    pub account: Option<Box<str>>,
    /// Conversions API: WhatsApp business account id.
    pub waba: Option<Box<str>>,
    /// The channel account it serves.
    pub channel: Option<Box<str>>,
}

impl Endpoint {
    /// An unsigned webhook, for an address that stands in an action.
    pub(crate) fn webhook_at(name: &str, url: &str) -> Endpoint {
        Endpoint {
            name: name.into(),
            kind: DestinationKind::Webhook,
            url: url.into(),
            secret: None,
            previous_secret: None,
            account: None,
            waba: None,
            channel: None,
        }
    }

    /// The endpoint as actions carry it.
    pub(crate) fn destination(&self) -> Destination<'static> {
        let owned = |text: &Option<Box<str>>| text.as_deref().map(|text| text.to_owned().into());
        Destination {
            name: self.name.to_string().into(),
            kind: self.kind,
            url: self.url.to_string().into(),
            secret: owned(&self.secret),
            previous_secret: owned(&self.previous_secret),
            account: owned(&self.account),
            waba: owned(&self.waba),
        }
    }

    pub(crate) fn canonical(&self) -> Value {
        let mut object = Map::new();
        let mut put = |key: &str, value: &Option<Box<str>>| {
            if let Some(value) = value {
                object.insert(key.to_owned(), Value::from(&**value));
            }
        };
        put("kind", &Some(kind_name(self.kind).into()));
        put("url", &Some(self.url.clone()));
        match self.kind {
            DestinationKind::Webhook => put("secret", &self.secret),
            _ => put("token", &self.secret),
        }
        put("previous_secret", &self.previous_secret);
        match self.kind {
            DestinationKind::WhatsappCloud => put("phone_number_id", &self.account),
            _ => put("dataset", &self.account),
        }
        put("channel", &self.channel);
        put("waba", &self.waba);
        Value::Object(object)
    }
}

/// The word of an endpoint's kind.
pub(crate) fn kind_name(kind: DestinationKind) -> &'static str {
    match kind {
        DestinationKind::Webhook => "webhook",
        DestinationKind::WhatsappCloud => "whatsapp_cloud",
        DestinationKind::MetaCapi => "meta_capi",
        DestinationKind::Slack => "slack",
    }
}

/// Reads the `endpoints` object.
pub(crate) fn read_all(node: &Node, report: &mut Report) -> Vec<Arc<Endpoint>> {
    let Content::Map(entries) = &node.content else {
        crate::object::wrong_type(node, "`endpoints`", "an object of endpoints by name", report);
        return Vec::new();
    };
    if entries.len() > ENDPOINTS_MAX {
        let message = format!("the document has {} endpoints, the limit is {ENDPOINTS_MAX}", entries.len());
        report.add(codes::TOO_LONG, node.at, message, "remove those that no rule uses");
        return Vec::new();
    }
    entries.iter().filter_map(|entry| read(&entry.key, &entry.value, report)).map(Arc::new).collect()
}

fn read(name: &str, node: &Node, report: &mut Report) -> Option<Endpoint> {
    let before = report.errors();
    let object = Object::of(node, "an endpoint", ENDPOINT_KEYS, report)?;
    let kind = match object.get("kind") {
        None => DestinationKind::Webhook,
        Some(node) => match crate::object::word(node, "kind of endpoint", KINDS, report)? {
            0 => DestinationKind::Webhook,
            1 => DestinationKind::WhatsappCloud,
            2 => DestinationKind::MetaCapi,
            _ => DestinationKind::Slack,
        },
    };
    let secret = read_secret(object, "secret", report);
    let token = read_secret(object, "token", report);
    let previous_secret = read_secret(object, "previous_secret", report);
    let text = |key: &'static str, report: &mut Report| object.text(key, report).map(String::into_boxed_str);
    let mut endpoint = Endpoint {
        name: name.into(),
        kind,
        url: "".into(),
        secret: if kind == DestinationKind::Webhook { secret } else { token.or(secret) },
        previous_secret,
        account: None,
        waba: text("waba", report),
        channel: text("channel", report),
    };
    let url = read_url(object, report);
    let default_url = match kind {
        DestinationKind::Webhook => None,
        DestinationKind::WhatsappCloud | DestinationKind::MetaCapi => Some(META_BASE),
        DestinationKind::Slack => Some(SLACK_BASE),
    };
    let mut lacking = Vec::new();
    match (url, default_url) {
        (Some(url), Some(_)) => endpoint.url = url.trim_end_matches('/').into(),
        (Some(url), None) => endpoint.url = url.into(),
        (None, Some(default)) => endpoint.url = default.into(),
        (None, None) if object.get("url").is_none() => lacking.push("url"),
        (None, None) => {}
    }
    match kind {
        DestinationKind::WhatsappCloud => {
            endpoint.account = text("phone_number_id", report);
            if endpoint.account.is_none() {
                lacking.push("phone_number_id");
            }
        }
        DestinationKind::MetaCapi => {
            endpoint.account = text("dataset", report);
            if endpoint.account.is_none() {
                lacking.push("dataset");
            }
        }
        DestinationKind::Webhook | DestinationKind::Slack => {}
    }
    if kind != DestinationKind::Webhook && object.get("token").or(object.get("secret")).is_none() {
        lacking.push("token");
    }
    for key in lacking {
        let message = format!("the endpoint `{name}` needs `{key}`");
        report.add(codes::BAD_ENDPOINT, object.at, message, format!("{} endpoints need it", kind_name(kind)));
    }
    if kind == DestinationKind::Webhook && object.get("secret").is_none() && report.errors() == before {
        let message = format!("the webhook `{name}` has no secret, so its receiver cannot tell who sent it");
        report.add(codes::UNSIGNED_WEBHOOK, object.at, message, "add `secret: env:NAME`");
    }
    (report.errors() == before).then_some(endpoint)
}

fn read_secret(object: Object<'_>, key: &'static str, report: &mut Report) -> Option<Box<str>> {
    let node = object.get(key)?;
    let reference = crate::object::text(node, key, report)?;
    let named = ["env:", "file:"].iter().filter_map(|scheme| reference.strip_prefix(scheme)).next();
    match named {
        Some(name) if !name.trim().is_empty() => Some(reference.into()),
        _ => {
            // The text may be the secret itself: it is not shown.
            let message = format!("`{key}` must be a reference to a secret, not the secret");
            let help = "write env:NAME or file:PATH, and put the secret there";
            report.add(codes::LITERAL_SECRET, node.at, message, help);
            None
        }
    }
}

fn read_url(object: Object<'_>, report: &mut Report) -> Option<String> {
    let node = object.get("url")?;
    let url = crate::object::text(node, "`url`", report)?;
    if let Err(problem) = check_url(&url) {
        report.add(codes::BAD_ENDPOINT, node.at, problem, "write it like https://crm.example/hook");
        return None;
    }
    Some(url)
}

/// What is wrong with an address, if anything. It is not repeated: addresses may hold secrets.
pub(crate) fn check_url(url: &str) -> Result<(), &'static str> {
    let rest =
        url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or("the address is not http(s)")?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if authority.contains('@') {
        return Err("the address holds a user name or password");
    }
    if authority.is_empty() || url.len() > URL_BYTES_MAX || url.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Err("the address is not one");
    }
    Ok(())
}
