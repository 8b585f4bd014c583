//! The guarded HTTP client.
//!
//! Input: a request whose URL a customer may have chosen. Output: the answer, or why there is none. Guards:
//! - G-1: only HTTPS, to a host name, at an allowed port; loopback over plain HTTP only where the settings say so.
//! - G-2: every address a name resolves to is filtered at connect time ([`crate::address`]), so rebinding a name helps
//!   nobody; literal addresses are refused in every spelling, because the URL parser makes them addresses first.
//! - G-3: no redirect is followed, no proxy used. G-4: one deadline over the whole exchange. G-5: the body is capped while
//!   it is read.
//!
//! Absent: retries, meaning of answers, secrets' whereabouts.
//! Source: PARTNERS.md part 9; WHATWG URL for the spellings of addresses.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kilat_partners::HttpRequest;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use url::{Host, Url};

use crate::{Config, address};

/// The most of an answer's body that is read; what follows is not.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;
/// Idle connections kept per host.
const IDLE_PER_HOST_MAX: usize = 8;
/// How long an idle connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests to endpoints that customers choose.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    allow_loopback: bool,
    ports: Arc<[u16]>,
    deadline: Duration,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// At most 64 KiB; what follows is not read.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The request may not be sent, now or later.
    #[error("refused: {0}")]
    Refused(String),
    /// It was not sent: no connection.
    #[error("not sent: {0}")]
    NotSent(#[source] Box<dyn StdError + Send + Sync>),
    /// It may have been sent, and the deadline passed.
    #[error("no whole answer within {0:?}")]
    Deadline(Duration),
    /// It may have been sent, and the connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[source] Box<dyn StdError + Send + Sync>),
}

/// An address that a name resolved to is refused.
#[derive(Debug, thiserror::Error)]
#[error("every address of `{name}` is refused ({reason})")]
struct AddressRefused {
    name: String,
    reason: &'static str,
}

impl Client {
    pub(crate) fn new(config: &Config) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .https_only(!config.allow_loopback)
            .dns_resolver(Arc::new(GuardedResolver { allow_loopback: config.allow_loopback }))
            .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .referer(false)
            .user_agent(concat!("Kilat/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Client {
            http,
            allow_loopback: config.allow_loopback,
            ports: config.ports.clone().into(),
            deadline: Duration::from_millis(config.deadline_ms),
        })
    }

    /// Posts a request and reads the whole answer, within the deadline.
    pub(crate) async fn post(
        &self,
        request: HttpRequest,
        traceparent: Option<String>,
    ) -> Result<Response, ExchangeError> {
        let url = self.admit(&request.url)?;
        let headers = header_map(&request, traceparent)?;
        let exchange = self.exchange(url, headers, request.body);
        match tokio::time::timeout(self.deadline, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ExchangeError::Deadline(self.deadline)),
        }
    }

    async fn exchange(&self, url: Url, headers: HeaderMap, body: Vec<u8>) -> Result<Response, ExchangeError> {
        let mut answer = self.http.post(url).headers(headers).body(body).send().await.map_err(not_sent_or_broken)?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let mut body = Vec::new();
        while body.len() < BODY_BYTES_MAX {
            let Some(chunk) = answer.chunk().await.map_err(|error| ExchangeError::Broken(Box::new(error)))? else {
                break;
            };
            let room = BODY_BYTES_MAX - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        Ok(Response { status, headers, body })
    }

    /// The URL, if it may be called at all.
    fn admit(&self, text: &str) -> Result<Url, ExchangeError> {
        let refused = |why: &str| Err(ExchangeError::Refused(why.to_owned()));
        let Ok(url) = Url::parse(text) else { return refused("the URL cannot be parsed") };
        let Some(host) = url.host() else { return refused("the URL has no host") };
        let literal: Option<IpAddr> = match host {
            Host::Ipv4(v4) => Some(v4.into()),
            Host::Ipv6(v6) => Some(v6.into()),
            Host::Domain(_) => None,
        };
        let is_loopback = self.allow_loopback
            && match (literal, host) {
                (Some(address), _) => {
                    address::refusal(address, false).is_some() && address::refusal(address, true).is_none()
                }
                (None, Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
                (None, _) => false,
            };
        if literal.is_some() && !is_loopback {
            return refused("the URL names an address instead of a host");
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            _ => return refused("the URL is not https"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("the URL holds credentials: use a secret");
        }
        let port = url.port_or_known_default();
        if !is_loopback && !port.is_some_and(|port| self.ports.contains(&port)) {
            return refused("the URL's port is not allowed (`ports`)");
        }
        Ok(url)
    }
}

fn header_map(request: &HttpRequest, traceparent: Option<String>) -> Result<HeaderMap, ExchangeError> {
    let mut headers = HeaderMap::new();
    let ours = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in ours.chain(traceparent.as_deref().map(|value| ("traceparent", value))) {
        // The value may be a secret: it is not shown.
        let refused = || ExchangeError::Refused(format!("header `{name}` has characters HTTP does not allow"));
        let mut value = HeaderValue::from_str(value).map_err(|_| refused())?;
        value.set_sensitive(true);
        headers.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?, value);
    }
    Ok(headers)
}

/// Sorts a failed request by whether it may have reached the endpoint. URLs are taken out: they may hold secrets.
fn not_sent_or_broken(error: reqwest::Error) -> ExchangeError {
    let error = error.without_url();
    if let Some(refused) = source_of_type::<AddressRefused>(&error) {
        return ExchangeError::Refused(refused.to_string());
    }
    let is_unsent = error.is_connect() || error.is_builder();
    if is_unsent { ExchangeError::NotSent(Box::new(error)) } else { ExchangeError::Broken(Box::new(error)) }
}

fn source_of_type<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Resolves names and leaves out every address that is refused.
struct GuardedResolver {
    allow_loopback: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_loopback = self.allow_loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut reason = "it has none";
            let mut allowed = Vec::new();
            for socket in found {
                match address::refusal(socket.ip(), allow_loopback) {
                    None => allowed.push(socket),
                    Some(why) => reason = why,
                }
            }
            if allowed.is_empty() {
                return Err(AddressRefused { name: name.as_str().to_owned(), reason }.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

/// A URL for logs and reports: scheme, host and port; paths and queries may hold secrets.
pub(crate) fn redacted(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}/…", url.scheme(), url.host_str().unwrap_or_default())
        }
        Err(_) => "(no URL)".to_owned(),
    }
}

#[cfg(test)]
mod tests;
