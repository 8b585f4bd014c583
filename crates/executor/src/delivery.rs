//! An action on its way through a lane: its record, how far it is, what it waits in line with.
//!
//! Absent: whose turn it is (`kilat-delivery`), how it ends (`conclusion.rs`).

use std::sync::Arc;
use std::time::Duration;

use kilat_codec::traceparent::{self, Traceparent};
use kilat_codec::{Topic, decode_action};
use kilat_domain::{Action, Timestamp};
use kilat_log::{DeadLetter, Record};

/// A record as it was taken.
pub(crate) struct Taken {
    pub(crate) partition: u32,
    pub(crate) offset: i64,
    pub(crate) timestamp: Timestamp,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) traceparent: Option<Traceparent>,
    /// All headers of a record that is no action; empty for all others.
    pub(crate) poison_headers: Vec<(String, Vec<u8>)>,
}

impl From<Record<'_>> for Taken {
    fn from(record: Record<'_>) -> Self {
        let value = record.value.unwrap_or_default();
        let mut poison_headers = Vec::new();
        if decode_action(value).is_err() {
            record.headers.for_each(&mut |name, value| poison_headers.push((name.to_owned(), value.to_vec())));
        }
        Taken {
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.unwrap_or_default().to_vec(),
            value: value.to_vec(),
            traceparent: record.header(traceparent::NAME).and_then(|value| traceparent::parse(&value).ok()),
            poison_headers,
        }
    }
}

/// An action on its way. It is kept as the bytes of its record and decoded again when its turn comes.
pub(crate) struct Delivery {
    pub(crate) record: Arc<Taken>,
    /// Its `sending` result is written and not withdrawn.
    pub(crate) announced: bool,
    pub(crate) attempts: i32,
    pub(crate) endpoint_time: Duration,
    pub(crate) http_status: Option<i32>,
}

impl Delivery {
    pub(crate) fn new(record: Taken) -> Delivery {
        let record = Arc::new(record);
        Delivery { record, announced: false, attempts: 0, endpoint_time: Duration::ZERO, http_status: None }
    }

    /// The header that ties what follows to the action's trace.
    pub(crate) fn traceparent(&self) -> Option<Vec<u8>> {
        self.record.traceparent.map(|traceparent| traceparent.to_string().into_bytes())
    }
}

impl Taken {
    /// This record among the dead letters of its topic.
    pub(crate) fn dead_letter<'a>(&'a self, topic: Topic, code: &'a str, cause: &'a str) -> DeadLetter<'a> {
        DeadLetter {
            by: "kilat-executor",
            topic: topic.name(),
            partition: self.partition,
            offset: self.offset,
            key: &self.key,
            value: &self.value,
            headers: &self.poison_headers,
            code,
            cause,
        }
    }
}

/// What is done strictly in order: the actions of one conversation to one endpoint, but for those that need no order (D-36).
pub(crate) fn order_of(action: &Action<'_>) -> String {
    let destination = destination_key(action);
    let alone = if action.parallel == Some(true) { action.id.as_str() } else { "" };
    format!("{}/{}\n{destination}\n{alone}", action.workspace, action.conversation)
}

/// What shares a breaker, a pause and a bound: one endpoint of one workspace, as it is configured now.
pub(crate) fn destination_key(action: &Action<'_>) -> String {
    let workspace = action.workspace.as_str();
    match &action.destination {
        Some(to) => {
            let account = to.account.as_deref().unwrap_or_default();
            format!("{workspace}\n{}\n{}\n{account}", to.name.as_str(), to.url.as_str())
        }
        None => workspace.to_owned(),
    }
}
