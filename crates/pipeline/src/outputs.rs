//! What the engine decides, encoded into the open transaction.

use std::fmt::Write as _;

use kilat_codec::cloudevents::{Attributes, Headers, Kind};
use kilat_codec::{EncodeError, Encoder, Topic, traceparent};
use kilat_domain::{Action, Decision, Explanation, LeadRecord, StateBlock, Timestamp};
use kilat_engine::Outputs;
use kilat_log::{Record, Transaction};

use crate::config::Topics;
use crate::totals::TotalsSnapshot;

/// Encodes the answers to one input record.
pub(crate) struct RecordOutputs<'a> {
    pub(crate) transaction: &'a mut Transaction,
    pub(crate) encoder: &'a mut Encoder,
    pub(crate) headers: &'a mut Headers,
    pub(crate) counts: &'a mut TotalsSnapshot,
    /// The input record, whose trace the outputs carry on.
    pub(crate) record: &'a Record<'a>,
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
        let mut key = String::with_capacity(action.workspace.len() + 1 + action.conversation.len());
        let _ = write!(key, "{}/{}", action.workspace, action.conversation);
        let topic = Topic::of_lane(action.command.lane());
        let appended = self.append(topic, key.as_bytes(), about, |encoder, bytes| encoder.action(action, bytes));
        self.counts.actions += u64::from(appended);
    }
}

/// Appends a lead as data teams see it.
pub(crate) fn append_lead(
    transaction: &mut Transaction,
    encoder: &mut Encoder,
    lead: &LeadRecord<'_>,
) -> Result<(), EncodeError> {
    let key = format!("{}/{}", lead.workspace, lead.lead);
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
