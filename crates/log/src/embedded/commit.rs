//! Group commit: transactions that arrive while the disk is busy share the next write.
//!
//! Input: one [`Request`] per transaction, from many threads. Output: each returns once its transaction is on disk and
//! visible. The first to come leads: it takes everything that waits, writes it with one flush, publishes it and wakes the
//! others; who arrived meanwhile leads next. There is no thread to start or stop.
//!
//! CM-1: what is published is on disk. CM-2: a request is written whole or not at all, with all others of its write. CM-3:
//! after a failed write nothing more is written: the outcome on disk is unknown until the log is opened again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kilat_domain::Timestamp;

use super::batch::Draft;
use super::clean::{self, Cleaner, SequencedTopic};
use super::error::EmbeddedError;
use super::log::{Log, lock, wait};
use super::store::{CommittedOffset, TopicId};
use super::view::Published;

/// What one write takes at most, beyond its first request.
const WRITE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A transaction ready to be written.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub drafts: Vec<(TopicId, u32, Draft)>,
    pub offsets: Vec<CommittedOffset>,
    /// Of all drafts.
    pub bytes: usize,
}

/// Requests waiting to be written. Its length is bounded by the members and writers there are: each waits for its own.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Request>,
    /// Requests ever queued, and of those the ones written: a request's ticket is its number.
    queued: u64,
    written: u64,
    led: bool,
    failure: Option<EmbeddedError>,
}

/// The writing side of the log; whoever writes has it alone.
#[derive(Debug)]
pub(super) struct Sequencer {
    /// By id.
    pub topics: Vec<SequencedTopic>,
    cleaner: Cleaner,
    /// Times never go back within the log.
    newest: Timestamp,
}

impl Sequencer {
    pub(super) fn new(topics: Vec<SequencedTopic>) -> Sequencer {
        Sequencer { topics, cleaner: Cleaner::default(), newest: Timestamp(0) }
    }

    fn now(&mut self) -> Timestamp {
        self.newest = self.newest.max(clock());
        self.newest
    }
}

#[allow(clippy::disallowed_methods, reason = "records carry the time they were appended")]
fn clock() -> Timestamp {
    // A clock before 1970 counts as 1970.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Log {
    /// Returns once `request` is on disk and visible.
    pub(super) fn commit(&self, request: Request) -> Result<(), EmbeddedError> {
        let mut queue = lock(&self.queue);
        let ticket = queue.queued;
        queue.queued += 1;
        queue.waiting.push_back(request);
        loop {
            if queue.written > ticket {
                return Ok(());
            }
            if let Some(failure) = &queue.failure {
                return Err(failure.clone());
            }
            if queue.led {
                queue = wait(&self.settled, queue);
                continue;
            }
            queue.led = true;
            let requests = take(&mut queue.waiting);
            drop(queue);
            let mut lead = Lead { log: self, count: requests.len() as u64, outcome: None };
            lead.outcome = Some(self.write(requests));
            drop(lead);
            queue = lock(&self.queue);
        }
    }

    /// Writes these requests with one flush and publishes them.
    fn write(&self, requests: Vec<Request>) -> Result<(), EmbeddedError> {
        let mut sequencer = lock(&self.sequencer);
        let sequencer = &mut *sequencer;
        let now = sequencer.now();
        let mut published = Published::default();
        let mut appended: BTreeMap<(TopicId, u32), usize> = BTreeMap::new();
        for request in requests {
            for (topic, partition, draft) in request.drafts {
                let extent = &mut sequencer.topics[topic as usize].partitions[partition as usize];
                let batch = draft.place(extent.end, now);
                extent.end = batch.end;
                *appended.entry((topic, partition)).or_default() += batch.bytes().len();
                published.batches.push((topic, partition, Arc::new(batch)));
            }
            published.offsets.extend(request.offsets);
        }
        let touched = self.store.write(|tables| {
            for (topic, partition, batch) in &published.batches {
                tables.put_batch(*topic, *partition, batch)?;
            }
            for offset in &published.offsets {
                tables.put_offset(offset)?;
            }
            sequencer.cleaner.work(tables, &mut sequencer.topics, &appended, now)
        })?;
        for (topic, partition) in touched {
            let first = sequencer.topics[topic as usize].partitions[partition as usize].first;
            published.firsts.push((topic, partition, first));
        }
        lock(&self.view).publish(published);
        self.changed.notify_all();
        Ok(())
    }
}

impl Log {
    /// Removes a bounded number of batches that end at or before `before` from the front of a partition; true once none is
    /// left.
    pub(super) fn trim(&self, topic: TopicId, partition: u32, before: i64) -> Result<bool, EmbeddedError> {
        let mut sequencer = lock(&self.sequencer);
        let named = &mut sequencer.topics[topic as usize];
        let name = (named.id, &*named.name);
        let extent = &mut named.partitions[partition as usize];
        let (first, done) = self.store.write(|tables| clean::trim(tables, name, partition, extent, before))?;
        extent.start_at(first);
        lock(&self.view).publish(Published { firsts: vec![(topic, partition, first)], ..Published::default() });
        Ok(done)
    }
}

/// The oldest requests, up to [`WRITE_BYTES_MAX`].
fn take(waiting: &mut VecDeque<Request>) -> Vec<Request> {
    let mut bytes = 0;
    let mut count = 0;
    for request in waiting.iter() {
        bytes += request.bytes;
        if count > 0 && bytes > WRITE_BYTES_MAX {
            break;
        }
        count += 1;
    }
    waiting.drain(..count).collect()
}

/// Ends a turn of leading, also one that panicked.
struct Lead<'a> {
    log: &'a Log,
    count: u64,
    outcome: Option<Result<(), EmbeddedError>>,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut queue = lock(&self.log.queue);
        queue.led = false;
        match self.outcome.take() {
            Some(Ok(())) => queue.written += self.count,
            Some(Err(error)) => queue.failure = Some(error),
            None => {
                let dir = self.log.store.dir().to_owned();
                queue.failure = Some(EmbeddedError::Store { dir, source: Arc::new(Panicked) });
            }
        }
        self.log.settled.notify_all();
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the thread that wrote a group of transactions panicked")]
struct Panicked;
