//! The producing side: a transaction becomes a request, its sender is checked, the request is committed.
//!
//! Input: transactions. Output: batches per (topic, partition), cut at [`BATCH_BYTES`]. Invariant LOG-5: a sender that has
//! been replaced is refused, and who replaces it waits until its commit under way has ended.

use std::sync::Arc;

use super::batch::{BATCH_BYTES, Draft, HEADER_NAME_BYTES_MAX, HEADERS_MAX, RECORD_BYTES_MAX};
use super::commit::Request;
use super::error::EmbeddedError;
use super::group::Epoch;
use super::log::{Log, lock};
use super::store::TopicId;
use super::view::View;
use crate::murmur2::partition_of;
use crate::{LogError, Outgoing, Transaction, Writer};

/// What a transaction may have in keys, values and headers.
const TRANSACTION_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The topics a writer was opened with.
pub(super) struct Outputs {
    name: Arc<str>,
    topics: Vec<Output>,
}

struct Output {
    id: TopicId,
    name: Arc<str>,
    partitions: u32,
    /// Number of its first partition among the partitions of all outputs.
    first: usize,
}

impl Outputs {
    /// `name` is the writer's, for messages. *Errors:* a topic does not exist.
    pub(super) fn new(log: &Log, view: &View, name: Arc<str>, topics: &[String]) -> Result<Outputs, LogError> {
        let mut outputs = Vec::new();
        let mut first = 0;
        for topic in topics {
            let (id, topic) = log.find(view, topic)?;
            let partitions = topic.partitions.len();
            outputs.push(Output { id, name: Arc::clone(&topic.name), partitions: partitions as u32, first });
            first += partitions;
        }
        Ok(Outputs { name, topics: outputs })
    }

    /// Encodes the records of a transaction.
    pub(super) fn request(&self, transaction: &Transaction) -> Result<Request, LogError> {
        let bytes = transaction.bytes();
        if bytes > TRANSACTION_BYTES_MAX {
            return Err(EmbeddedError::TransactionTooLarge { bytes, bytes_max: TRANSACTION_BYTES_MAX }.into());
        }
        let slots = self.topics.last().map_or(0, |last| last.first + last.partitions as usize);
        let mut open: Vec<Option<usize>> = vec![None; slots];
        let mut request = Request { bytes, ..Request::default() };
        for record in transaction.records() {
            let output = self.topics.get(record.output).ok_or_else(|| EmbeddedError::NoSuchTopic {
                name: self.name.to_string(),
                what: "outputs",
                index: record.output,
                count: self.topics.len(),
            })?;
            check_size(output, &record)?;
            let partition = record.partition.unwrap_or_else(|| partition_of(record.key, output.partitions));
            if partition >= output.partitions {
                let (topic, partitions) = (output.name.to_string(), output.partitions);
                return Err(EmbeddedError::NoSuchPartition { topic, partition, partitions }.into());
            }
            let slot = &mut open[output.first + partition as usize];
            let index = match *slot {
                Some(index) if request.drafts[index].2.len() < BATCH_BYTES => index,
                _ => {
                    request.drafts.push((output.id, partition, Draft::default()));
                    *slot.insert(request.drafts.len() - 1)
                }
            };
            request.drafts[index].2.push(&record);
        }
        Ok(request)
    }
}

fn check_size(output: &Output, record: &Outgoing<'_>) -> Result<(), LogError> {
    let headers = record.headers();
    let mut bytes = record.key.len() + record.value.map_or(0, <[u8]>::len);
    let mut reason = (headers.len() > HEADERS_MAX).then(|| format!("over {HEADERS_MAX} headers"));
    for (name, value) in headers {
        bytes += name.len() + value.len();
        if name.len() > HEADER_NAME_BYTES_MAX {
            reason = Some(format!("a header name of {} bytes, over {HEADER_NAME_BYTES_MAX}", name.len()));
        }
    }
    if bytes > RECORD_BYTES_MAX {
        reason = Some(format!("{bytes} bytes, over {RECORD_BYTES_MAX}"));
    }
    match reason {
        Some(reason) => Err(LogError::TooLarge { topic: output.name.to_string(), reason }),
        None => Ok(()),
    }
}

/// The right to commit: while it lasts, nobody takes the place of its holder.
pub(super) struct Admitted<'a> {
    log: &'a Log,
    epoch: Epoch,
}

impl<'a> Admitted<'a> {
    /// Where `check` finds nothing against it.
    pub(super) fn new(
        log: &'a Log,
        epoch: Epoch,
        check: impl FnOnce(&View) -> Result<(), LogError>,
    ) -> Result<Admitted<'a>, LogError> {
        let mut view = lock(&log.view);
        check(&view)?;
        view.committing.insert(epoch);
        Ok(Admitted { log, epoch })
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        lock(&self.log.view).committing.remove(&self.epoch);
        self.log.idle.notify_all();
    }
}

/// A producer that consumes nothing.
pub(super) struct EmbeddedWriter {
    log: Arc<Log>,
    id: Arc<str>,
    epoch: Epoch,
    outputs: Outputs,
}

impl EmbeddedWriter {
    /// Takes the name `id`, from whoever had it.
    pub(super) fn open(log: &Arc<Log>, id: &str, outputs: &[String]) -> Result<EmbeddedWriter, LogError> {
        let view = lock(&log.view);
        let outputs = Outputs::new(log, &view, id.into(), outputs)?;
        let mut view = log.wait_idle(view, |view| view.writers.get(id).copied());
        let epoch = view.next_epoch();
        view.writers.insert(id.to_owned(), epoch);
        Ok(EmbeddedWriter { log: Arc::clone(log), id: id.into(), epoch, outputs })
    }
}

impl Writer for EmbeddedWriter {
    fn commit(&mut self, transaction: &Transaction) -> Result<(), LogError> {
        if let Some(offset) = transaction.offsets().first() {
            let name = self.id.to_string();
            return Err(EmbeddedError::NoSuchTopic { name, what: "inputs", index: offset.input, count: 0 }.into());
        }
        let request = self.outputs.request(transaction)?;
        let _admitted = Admitted::new(&self.log, self.epoch, |view| {
            if view.writers.get(&*self.id) == Some(&self.epoch) {
                return Ok(());
            }
            Err(LogError::Fenced {
                name: format!("writer `{}`", self.id),
                reason: "a later writer of this id was opened".to_owned(),
            })
        })?;
        if transaction.is_empty() {
            return Ok(());
        }
        Ok(self.log.commit(request)?)
    }
}

impl Drop for EmbeddedWriter {
    fn drop(&mut self) {
        let mut view = lock(&self.log.view);
        if view.writers.get(&*self.id) == Some(&self.epoch) {
            view.writers.remove(&*self.id);
        }
    }
}
