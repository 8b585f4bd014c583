//! The world outside of executors: endpoints that answer as the seed says, and remember what reached them.
//!
//! Input: requests of executors, sent from fibers. Output: answers, later, as the executor's HTTP client tells them; and for the
//! invariants the record of every request: its key, its body, and whether it had an effect.
//!
//! - A request has its effect when it is sent, or never; what is late is its answer.
//! - An endpoint of webhooks may fail after the effect. Meta's APIs answer with an error where they did nothing: that is what
//!   PARTNERS.md says of 5xx, and what the executor takes them for.
//!
//! Absent: what the HTTP client itself does (names, connections, TLS, its deadline): the wire is where the simulation begins.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kilat_domain::Lane;
use kilat_executor::{Answered, ExchangeError, Response, Wire, Wires};
use kilat_log::Clock as _;
use kilat_partners::HttpRequest;

use crate::clock::SimClock;
use crate::fault::Fault;
use crate::fiber::{self, Wait};
use crate::log::SimLog;
use crate::random::Random;
use crate::sabotage::Sabotage;

/// The client's deadline for a whole exchange.
pub(crate) const DEADLINE: Duration = Duration::from_millis(2_000);
/// The longest that most answers take, in microseconds.
const ANSWER_MICROS_MAX: u64 = 30_000;
/// How often an answer takes nearly until the deadline.
const LATE_SHARE: f64 = 0.005;
/// Requests a run of one event makes, about.
const REQUESTS_PER_EVENT: f64 = 0.3;

/// What may become of a request, in the order in which it is drawn.
const FATES: [Fault; 10] = [
    Fault::HttpRefused,
    Fault::HttpHalfOpen,
    Fault::HttpStall,
    Fault::Http429,
    Fault::Http429RetryAfter,
    Fault::Http5xx,
    Fault::Http200ErrorBody,
    Fault::Http4xx,
    Fault::Http401,
    Fault::Http410,
];

/// A request that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) at: Duration,
    /// The wire it went on.
    pub(crate) wire: usize,
    /// The idempotency key it carried.
    pub(crate) key: String,
    pub(crate) url: String,
    pub(crate) body: Vec<u8>,
    /// What it asks for was done.
    pub(crate) effect: bool,
    /// Its sender has lost its place in the group, and does not know.
    pub(crate) stale: bool,
}

/// What happened on the wires, in order; the numbers are those of exchanges.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    Sent(usize),
    Ended(usize),
}

/// Everything that was sent.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) moments: Vec<Moment>,
    wires: usize,
    /// Effects, by key.
    done: BTreeMap<String, u64>,
}

/// The endpoints of a run.
#[derive(Clone, Debug)]
pub(crate) struct Internet {
    inner: Arc<Mutex<(Random, Traffic)>>,
    occasions: f64,
}

impl Internet {
    pub(crate) fn new(seed: u64, events: u64) -> Internet {
        let inner = Arc::new(Mutex::new((Random::new(seed, 6), Traffic::default())));
        Internet { inner, occasions: events as f64 * REQUESTS_PER_EVENT }
    }

    /// The wires of a process.
    pub(crate) fn wires(&self, log: SimLog, clock: Arc<SimClock>, groups: &str) -> Arc<dyn Wires> {
        Arc::new(SimWires { internet: self.clone(), log, clock, groups: groups.to_owned() })
    }

    /// Looks at what was sent.
    pub(crate) fn traffic<T>(&self, look: impl FnOnce(&Traffic) -> T) -> T {
        look(&self.lock().1)
    }

    fn lock(&self) -> MutexGuard<'_, (Random, Traffic)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a lane, in the name of its group.
pub(crate) fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Partner => "partner",
        Lane::Meta => "meta",
        Lane::Webhook => "webhook",
    }
}

struct SimWires {
    internet: Internet,
    log: SimLog,
    clock: Arc<SimClock>,
    groups: String,
}

/// A wire of a session.
struct SimWire {
    internet: Internet,
    log: SimLog,
    clock: Arc<SimClock>,
    group: String,
    wire: usize,
    pending: Vec<Pending>,
}

/// A request under way.
struct Pending {
    due: Duration,
    number: u64,
    exchange: usize,
    sent: Duration,
    outcome: Result<Response, ExchangeError>,
}

impl Wires for SimWires {
    fn open(&self, lane: Lane, _requests_max: usize) -> Box<dyn Wire> {
        let mut inner = self.internet.lock();
        inner.1.wires += 1;
        let wire = inner.1.wires;
        let (internet, log, clock) = (self.internet.clone(), self.log.clone(), self.clock.clone());
        let group = format!("{}-{}", self.groups, lane_name(lane));
        Box::new(SimWire { internet, log, clock, group, wire, pending: Vec::new() })
    }
}

impl Wire for SimWire {
    fn send(&mut self, number: u64, request: HttpRequest, _traceparent: Option<String>) {
        let now = self.clock.monotonic();
        let stale = !self.log.has_place(&self.group);
        let occasions = self.internet.occasions;
        let fate = self.log.faults(|faults| FATES.into_iter().find(|fate| faults.strikes(*fate, occasions)));
        let (key_changed, told_early) =
            (self.log.is_sabotaged(Sabotage::KeyChanged), self.log.is_sabotaged(Sabotage::ResultBeforeAnswer));
        {
            let mut inner = self.internet.lock();
            let (random, traffic) = &mut *inner;
            let (mut key, is_meta) = key_of(&request);
            if key_changed && traffic.exchanges.iter().any(|exchange| exchange.key == key) {
                key.push_str("-again");
            }
            let was_done = traffic.done.contains_key(&key);
            let (outcome, effect) = answer(fate, is_meta, was_done, random);
            if effect {
                *traffic.done.entry(key.clone()).or_default() += 1;
            }
            let late = random.chance(LATE_SHARE);
            let most = if late { DEADLINE.as_micros() as u64 * 9 / 10 } else { ANSWER_MICROS_MAX };
            let is_stalled = matches!(outcome, Err(ExchangeError::Deadline(_)));
            let takes = if is_stalled { DEADLINE } else { Duration::from_micros(random.between(200, most)) };
            let exchange = traffic.exchanges.len();
            let HttpRequest { url, body, .. } = request;
            traffic.exchanges.push(Exchange { at: now, wire: self.wire, key, url, body, effect, stale });
            traffic.moments.push(Moment::Sent(exchange));
            let told_early = told_early && random.chance(0.3);
            let (outcome, takes) = if told_early { (done(is_meta), Duration::ZERO) } else { (outcome, takes) };
            self.pending.push(Pending { due: now + takes, number, exchange, sent: now, outcome });
        }
        // The process may end with the request out.
        self.log.step(Some(Fault::CrashAtSend));
    }

    fn receive(&mut self, timeout: Duration) -> Option<Answered> {
        let deadline = self.clock.monotonic() + timeout;
        loop {
            let now = self.clock.monotonic();
            let first = self.pending.iter().enumerate().min_by(|(_, a), (_, b)| first(a, b));
            let next = first.map(|(place, pending)| (place, pending.due));
            if let Some((place, _)) = next.filter(|(_, due)| *due <= now) {
                let Pending { number, exchange, sent, outcome, .. } = self.pending.swap_remove(place);
                self.internet.lock().1.moments.push(Moment::Ended(exchange));
                // The process may end with the answer in, and its result not written.
                self.log.step(Some(Fault::CrashAtAnswer));
                return Some(Answered { number, outcome, took: now - sent });
            }
            if now >= deadline {
                return None;
            }
            fiber::suspend(Wait::Until(next.map_or(deadline, |(_, due)| due.min(deadline))));
        }
    }

    fn give_up(&mut self, number: u64) {
        if let Some(place) = self.pending.iter().position(|pending| pending.number == number) {
            let Pending { exchange, .. } = self.pending.swap_remove(place);
            self.internet.lock().1.moments.push(Moment::Ended(exchange));
        }
    }
}

impl Drop for SimWire {
    fn drop(&mut self) {
        let mut inner = self.internet.lock();
        inner.1.moments.extend(self.pending.iter().map(|pending| Moment::Ended(pending.exchange)));
    }
}

fn first(a: &Pending, b: &Pending) -> Ordering {
    (a.due, a.number).cmp(&(b.due, b.number))
}

/// The idempotency key a request carries, and whether it goes to one of Meta's APIs.
fn key_of(request: &HttpRequest) -> (String, bool) {
    if let Some((_, id)) = request.headers.iter().find(|(name, _)| *name == "webhook-id") {
        return (id.clone(), false);
    }
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let key = body["biz_opaque_callback_data"].as_str().or_else(|| body["data"][0]["event_id"].as_str());
    (key.unwrap_or_default().to_owned(), true)
}

/// What an endpoint answers, and whether it does what it was asked for.
fn answer(
    fate: Option<Fault>,
    is_meta: bool,
    was_done: bool,
    random: &mut Random,
) -> (Result<Response, ExchangeError>, bool) {
    let status = |status: u16, headers: &[(&str, &str)], body: &str| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Ok(Response { status, headers, body: body.as_bytes().to_vec() })
    };
    let maybe = random.chance(0.5);
    let word = |word: &str| -> Box<dyn std::error::Error + Send + Sync> { word.into() };
    match fate {
        Some(Fault::HttpRefused) => (Err(ExchangeError::NotSent(word("connection refused"))), false),
        Some(Fault::HttpHalfOpen) => (Err(ExchangeError::Broken(word("connection reset"))), maybe),
        Some(Fault::HttpStall) => (Err(ExchangeError::Deadline(DEADLINE)), maybe),
        // Meta's throttling comes as 400, too.
        Some(Fault::Http429) if is_meta && maybe => (status(400, &[], r#"{"error":{"code":4}}"#), false),
        Some(Fault::Http429) => (status(429, &[], "slow down"), false),
        Some(Fault::Http429RetryAfter) => {
            let seconds = random.between(1, 5).to_string();
            (status(429, &[("retry-after", &seconds)], ""), false)
        }
        Some(Fault::Http5xx) => {
            let code = *random.pick(&[500, 502, 503, 504]);
            let body = if is_meta && maybe { r#"{"error":{"code":2,"is_transient":true}}"# } else { "oops" };
            (status(code, &[], body), !is_meta && maybe)
        }
        Some(Fault::Http200ErrorBody) if is_meta && maybe => (status(200, &[], r#"{"error":{"code":100}}"#), false),
        // Whether it was done cannot be told.
        Some(Fault::Http200ErrorBody) if is_meta => (status(200, &[], "<html>"), random.chance(0.5)),
        // The standard goes by the status alone.
        Some(Fault::Http200ErrorBody) => (status(200, &[], r#"{"error":"no"}"#), true),
        // Who checks keys does not refuse what it has done.
        Some(Fault::Http4xx) if !was_done => (status(400, &[], ""), false),
        Some(Fault::Http401) if !was_done => (status(401, &[], ""), false),
        Some(Fault::Http410) if !was_done => (status(410, &[], ""), false),
        _ => (done(is_meta), true),
    }
}

fn done(is_meta: bool) -> Result<Response, ExchangeError> {
    // Each of Meta's APIs looks at its own field.
    let body = if is_meta { r#"{"messages":[{"id":"wamid.1"}],"events_received":1}"# } else { "" };
    Ok(Response { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() })
}
