//! The end of a client of librdkafka, which nobody waits for longer than [`CLOSE_TIMEOUT`].
//!
//! Dropping a client ends its connections and waits for its threads. That has no end of its own: rdkafka polls a consumer until its
//! group has let it go, and `rd_kafka_destroy` joins librdkafka's threads, which by its source (2.12.1) end only with what names them.
//! A worker that lost its session drops its clients on the way to the next one, and would never begin it.
//!
//! Input: a client. Output: the same client; when it is dropped, a thread ends it.
//!
//! - CL-1: dropping comes back within [`CLOSE_TIMEOUT`]. A client that has not ended by then keeps its thread and its memory until it
//!   does; that is told, with how many there have been.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long the end of a client is waited for: requests to leave and to commit are under way until then.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

static LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);

/// A client that is ended by a thread.
pub(super) struct Closing<C: Send + 'static> {
    /// `None` while it is dropped.
    client: Option<C>,
}

impl<C: Send + 'static> Closing<C> {
    pub(super) fn new(client: C) -> Closing<C> {
        Closing { client: Some(client) }
    }
}

impl<C: Send + 'static> Deref for Closing<C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.client.as_ref().expect("a client is there until it is dropped")
    }
}

impl<C: Send + 'static> Drop for Closing<C> {
    fn drop(&mut self) {
        if !self.client.take().is_none_or(|client| end_within(CLOSE_TIMEOUT, client)) {
            let left_behind = LEFT_BEHIND.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::error!(
                left_behind,
                "a client of librdkafka did not end within {CLOSE_TIMEOUT:?}: it is left behind"
            );
        }
    }
}

/// Drops a client in a thread; whether that is done within `timeout`.
fn end_within<C: Send + 'static>(timeout: Duration, client: C) -> bool {
    let (done, ended) = mpsc::sync_channel::<()>(1);
    let end = move || {
        drop(client);
        drop(done);
    };
    match thread::Builder::new().name("kilat-close".to_owned()).spawn(end) {
        // The other side is never used, only dropped.
        Ok(_) => ended.recv_timeout(timeout) == Err(mpsc::RecvTimeoutError::Disconnected),
        // Without a thread it was dropped here, with the closure that had it.
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
    use std::time::Duration;

    use super::end_within;

    /// Says when its end begins, and ends when it may.
    struct Client(SyncSender<()>, Receiver<()>);

    impl Drop for Client {
        fn drop(&mut self) {
            let _ = self.0.send(());
            let _ = self.1.recv();
        }
    }

    #[test]
    fn a_client_that_does_not_end_holds_nobody_up() {
        let (begins, begun) = sync_channel(1);
        let (may_end, end) = sync_channel(1);
        assert!(!end_within(Duration::from_millis(1), Client(begins, end)));
        begun.recv().expect("its end has begun");
        may_end.send(()).expect("and still waits");
    }

    #[test]
    fn a_client_that_ends_is_waited_for() {
        let (begins, begun) = sync_channel(1);
        let (may_end, end) = sync_channel(1);
        may_end.send(()).expect("it may end");
        assert!(end_within(Duration::MAX, Client(begins, end)));
        assert!(begun.try_recv().is_ok(), "its end has begun");
    }
}
