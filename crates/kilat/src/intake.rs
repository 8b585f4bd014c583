//! Events onto the input topics.
//!
//! Input: events. Output: records on `kilat.messages.v1` (`message.*`) and `kilat.lead-changes.v1` (the rest), keyed by
//! workspace, with CloudEvents headers, in transactions of bounded size.
//!
//! A transaction whose outcome is unknown is written again: events are idempotent by their id (D-33), so that a second
//! copy has no effect. Absent: where the events come from.

use std::sync::Arc;
use std::time::Duration;

use kilat_codec::{EncodeError, Encoder, Topic, cloudevents};
use kilat_domain::{Class, Event};
use kilat_log::{LogError, PartitionedLog, Transaction, Writer};

/// Topics written, as the transactions index them.
const OUTPUTS: [Topic; 2] = [Topic::Messages, Topic::LeadChanges];
/// Records a transaction holds at most.
const RECORDS_MAX: usize = 10_000;
/// Bytes a transaction holds at most.
const BYTES_MAX: usize = 8 << 20;
/// The first wait before a failed transaction is written again; doubled each time.
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
/// The longest wait.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Writes events.
pub(crate) struct Intake {
    log: Arc<dyn PartitionedLog>,
    id: String,
    writer: Option<Box<dyn Writer>>,
    transaction: Transaction,
    encoder: Encoder,
    headers: cloudevents::Headers,
    records: usize,
}

impl Intake {
    /// An intake under the transactional id `id`; a later one of the same id fences it.
    pub(crate) fn open(log: Arc<dyn PartitionedLog>, id: String) -> Intake {
        Intake {
            log,
            id,
            writer: None,
            transaction: Transaction::default(),
            encoder: Encoder::new(),
            headers: cloudevents::Headers::new(),
            records: 0,
        }
    }

    /// Appends an event to the open transaction.
    pub(crate) fn event(&mut self, event: &Event<'_>) -> Result<(), EncodeError> {
        let attributes = cloudevents::Attributes {
            kind: cloudevents::Kind::Event(event.kind),
            id: &event.id,
            workspace: &event.workspace,
            at: event.occurred_at,
            traceparent: None,
        };
        let headers = self.headers.of(&attributes);
        let output = usize::from(!event.kind.as_str().starts_with("message."));
        let encoder = &mut self.encoder;
        self.transaction
            .append(output, None, event.workspace.as_bytes(), &headers, |bytes| encoder.event(event, bytes))?;
        self.records += 1;
        Ok(())
    }

    /// Appends bytes to the message topic as they are.
    pub(crate) fn bytes(&mut self, workspace: &str, value: &[u8]) {
        let appended: Result<(), std::convert::Infallible> =
            self.transaction.append(0, None, workspace.as_bytes(), &[], |bytes| {
                bytes.extend_from_slice(value);
                Ok(())
            });
        match appended {
            Ok(()) => self.records += 1,
            Err(never) => match never {},
        }
    }

    /// Records in the open transaction.
    pub(crate) fn pending(&self) -> usize {
        self.records
    }

    /// Whether the open transaction should be committed before more is appended.
    pub(crate) fn is_full(&self) -> bool {
        self.records >= RECORDS_MAX || self.transaction.bytes() >= BYTES_MAX
    }

    /// Commits the open transaction; how many records it held. Failures that may pass are told to `tell` and tried again
    /// until `stop` says so.
    pub(crate) fn commit(
        &mut self,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&LogError),
    ) -> Result<usize, LogError> {
        let mut backoff = BACKOFF_FIRST;
        while self.records > 0 {
            match self.try_commit() {
                Ok(()) => return Ok(std::mem::take(&mut self.records)),
                Err(error) => {
                    self.writer = None;
                    if error.class() != Class::Transient || stop() {
                        return Err(error);
                    }
                    tell(&error);
                    std::thread::park_timeout(backoff);
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
            }
        }
        Ok(0)
    }

    fn try_commit(&mut self) -> Result<(), LogError> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let outputs = OUTPUTS.map(|topic| topic.name().to_owned());
                self.writer.insert(self.log.writer(&self.id, &outputs)?)
            }
        };
        writer.commit(&self.transaction)?;
        self.transaction.clear();
        Ok(())
    }
}
