//! The wire: requests on their way, and what comes of them. The port between a lane and HTTP, and HTTP behind it.
//!
//! Input: requests under numbers of the caller's. Output: for each, once, an answer or why there is none, with the time it
//! took; nothing of those that were given up. HTTP runs on a runtime, a task a request, and answers come back through a
//! bounded channel.
//! Absent: which request goes out when, and what an answer means.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use kilat_domain::Lane;
use kilat_log::Clock;
use kilat_partners::HttpRequest;
use tokio::task::AbortHandle;

use crate::client::{Client, ExchangeError, Response};

/// Opens wires.
pub trait Wires: Send + Sync {
    /// A wire for a session of this lane, with at most so many requests at once. Dropping it gives all of them up.
    fn open(&self, lane: Lane, requests_max: usize) -> Box<dyn Wire>;
}

/// The requests of one session.
pub trait Wire {
    /// Sends a request; the number is not used again.
    fn send(&mut self, number: u64, request: HttpRequest, traceparent: Option<String>);

    /// What came of one of the requests, waiting at most so long for it.
    fn receive(&mut self, timeout: Duration) -> Option<Answered>;

    /// Lets go of a request: it may have arrived, and nothing of it is told any more.
    fn give_up(&mut self, number: u64);
}

/// What came of a request.
#[derive(Debug)]
pub struct Answered {
    /// The request.
    pub number: u64,
    /// The answer, or why there is none.
    pub outcome: Result<Response, ExchangeError>,
    /// From sending to the end of the answer.
    pub took: Duration,
}

/// Wires over HTTP.
pub(crate) struct HttpWires {
    pub(crate) client: Client,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) clock: Arc<dyn Clock>,
}

struct HttpWire {
    client: Client,
    runtime: tokio::runtime::Handle,
    clock: Arc<dyn Clock>,
    tasks: HashMap<u64, AbortHandle>,
    answers: Receiver<Answered>,
    answer_to: SyncSender<Answered>,
}

impl Wires for HttpWires {
    fn open(&self, _lane: Lane, requests_max: usize) -> Box<dyn Wire> {
        // Each request under way answers once; as many more may stem from those given up just now.
        let (answer_to, answers) = sync_channel(2 * requests_max);
        let (client, runtime, clock) = (self.client.clone(), self.runtime.clone(), self.clock.clone());
        Box::new(HttpWire { client, runtime, clock, tasks: HashMap::new(), answers, answer_to })
    }
}

impl Wire for HttpWire {
    fn send(&mut self, number: u64, request: HttpRequest, traceparent: Option<String>) {
        let (client, clock, answer_to) = (self.client.clone(), self.clock.clone(), self.answer_to.clone());
        let sent_at = clock.monotonic();
        let task = self.runtime.spawn(async move {
            let outcome = client.post(request, traceparent).await;
            let took = clock.monotonic().saturating_sub(sent_at);
            // Full only by more answers than there can be; gone where the session has ended.
            let _ = answer_to.try_send(Answered { number, outcome, took });
        });
        self.tasks.insert(number, task.abort_handle());
    }

    fn receive(&mut self, timeout: Duration) -> Option<Answered> {
        let answered = self.answers.recv_timeout(timeout).ok()?;
        self.tasks.remove(&answered.number);
        Some(answered)
    }

    fn give_up(&mut self, number: u64) {
        if let Some(task) = self.tasks.remove(&number) {
            task.abort();
        }
    }
}

impl Drop for HttpWire {
    fn drop(&mut self) {
        self.tasks.values().for_each(AbortHandle::abort);
    }
}
