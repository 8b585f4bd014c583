//! What the engine decides, encoded into the open transaction.

use kilat_codec::cloudevents::{Attributes, Headers, Kind};
use kilat_codec::{EncodeError, Encoder, Topic, traceparent};
use kilat_domain::{Action, Decision, Explanation, LeadRecord, SpreadStep, StateBlock, Timestamp};
use kilat_engine::Outputs;
use kilat_log::{Record, Transaction, partition_of};

use crate::config::Topics;
use crate::passed_on::PassedOn;
use crate::totals::TotalsSnapshot;

/// Encodes the answers to one input record.
pub(crate) struct RecordOutputs<'a> {
    pub(crate) transaction: &'a mut Transaction,
    pub(crate) encoder: &'a mut Encoder,
    pub(crate) headers: &'a mut Headers,
    pub(crate) counts: &'a mut TotalsSnapshot,
    /// The input record, whose trace the outputs carry on.
    pub(crate) record: &'a Record<'a>,
    /// How many partitions the inputs have.
    pub(crate) partitions: u32,
    /// The first thing that could not be encoded.
    pub(crate) failed: Option<EncodeError>,
}

impl RecordOutputs<'_> {
    fn append(
        &mut self,
        topic: Topic,
        key: &[u8],
        (id, workspace, at): (&str, &str, Timestamp),
        value: impl FnOnce(&mut Encoder, &mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> bool {
        let trace = self.record.header(traceparent::NAME);
        let kind = Kind::Record(topic.schema());
        let headers = self.headers.of(&Attributes { kind, id, workspace, at, traceparent: trace.as_deref() });
        let encoder = &mut *self.encoder;
        let output = Topics::output(topic);
        let appended = self.transaction.append(output, None, key, &headers, |bytes| value(encoder, bytes));
        if let Err(error) = appended {
            self.failed.get_or_insert(error);
            return false;
        }
        true
    }
}

impl Outputs for RecordOutputs<'_> {
    fn explanation(&mut self, explanation: &Explanation<'_>) {
        let about = (&*explanation.event_id, &*explanation.workspace, explanation.at);
        self.append(Topic::Explain, explanation.workspace.as_bytes(), about, |encoder, bytes| {
            encoder.explanation(explanation, bytes)
        });
    }

    fn decision(&mut self, decision: &Decision<'_>) {
        let about = (&*decision.event_id, &*decision.workspace, decision.at);
        let appended = self.append(Topic::Decisions, decision.workspace.as_bytes(), about, |encoder, bytes| {
            encoder.decision(decision, bytes)
        });
        self.counts.decisions += u64::from(appended);
        self.counts.fired += decision.fired.len() as u64;
        self.counts.refused += decision.refused.len() as u64;
    }

    fn action(&mut self, action: &Action<'_>) {
        let about = (&*action.id, &*action.workspace, action.created_at);
        let key = [&*action.workspace, "/", &*action.conversation].concat();
        let topic = Topic::of_lane(action.command.lane());
        let appended = self.append(topic, key.as_bytes(), about, |encoder, bytes| encoder.action(action, bytes));
        self.counts.actions += u64::from(appended);
    }

    fn shares_max(&self, workspace: &str) -> u32 {
        // Only where the workspace's key belongs: a producer that puts its events elsewhere spreads them by itself.
        if partition_of(workspace.as_bytes(), self.partitions) == self.record.partition { self.partitions } else { 1 }
    }

    fn pass_on(&mut self, share: u32, anchor: u32) {
        let Record { input, partition, offset, .. } = *self.record;
        let header = PassedOn { input, partition, offset, anchor }.to_string();
        let theirs = self.record.headers();
        let theirs = theirs.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let headers: Vec<(&str, &[u8])> = theirs.chain([(PassedOn::HEADER, header.as_bytes())]).collect();
        let to = (partition + share) % self.partitions.max(1);
        let (key, value) = (self.record.key.unwrap_or_default(), self.record.value.unwrap_or_default());
        let appended = self.transaction.append(Topics::output(Topic::Spread), Some(to), key, &headers, |bytes| {
            bytes.extend_from_slice(value);
            Ok::<(), EncodeError>(())
        });
        self.failed = self.failed.take().or(appended.err());
    }

    fn step(&mut self, share: u32, step: &SpreadStep<'_>) {
        let appended = append_step(self.transaction, self.encoder, (share, self.partitions), step);
        self.failed = self.failed.take().or(appended.err());
    }
}

/// Appends a step of a move for a share of its workspace; the partitions are so many.
pub(crate) fn append_step(
    transaction: &mut Transaction,
    encoder: &mut Encoder,
    (share, partitions): (u32, u32),
    step: &SpreadStep<'_>,
) -> Result<(), EncodeError> {
    let to = (step.router.unsigned_abs() + share) % partitions.max(1);
    let (output, key) = (Topics::output(Topic::Spread), step.workspace.as_bytes());
    transaction.append(output, Some(to), key, &[], |bytes| encoder.spread_step(step, bytes))
}

/// Appends a lead as data teams see it.
pub(crate) fn append_lead(
    transaction: &mut Transaction,
    encoder: &mut Encoder,
    lead: &LeadRecord<'_>,
) -> Result<(), EncodeError> {
    let key = [&*lead.workspace, "/", &*lead.lead].concat();
    transaction.append(Topics::output(Topic::Leads), None, key.as_bytes(), &[], |bytes| encoder.lead(lead, bytes))
}

/// Appends a state block to the state partition of the same number.
pub(crate) fn append_block(
    transaction: &mut Transaction,
    encoder: &mut Encoder,
    block: &StateBlock<'_>,
) -> Result<(), EncodeError> {
    let partition = u32::try_from(block.partition).unwrap_or_default();
    let (output, key) = (Topics::output(Topic::State), partition.to_string());
    transaction.append(output, Some(partition), key.as_bytes(), &[], |bytes| encoder.state_block(block, bytes))
}
