//! Structures to framed Avro, in the newest version of their schema.

use kilat_domain::{
    Action, ActionResult, Decision, Event, Explanation, LeadRecord, RuleSetRecord, RuleSetStatus, SpreadStep,
    StateBlock,
};
use serde::Serialize;

use crate::{EncodeError, Schema, framing, schemas, writer};

/// Writes structures as framed values. Cheap to make and to copy.
///
/// Every method appends to `out`, and leaves it as it was where it fails.
#[derive(Clone, Copy, Debug)]
pub struct Encoder {
    headers: [[u8; framing::HEADER_BYTES]; Schema::ALL.len()],
}

impl Encoder {
    /// An encoder for every schema.
    pub fn new() -> Encoder {
        Encoder { headers: Schema::ALL.map(|schema| framing::header(schemas::newest(schema).id)) }
    }

    /// Appends an event.
    pub fn event(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::Event, event, out)
    }

    /// Appends a rule set.
    pub fn rule_set(&self, rule_set: &RuleSetRecord<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::RuleSet, rule_set, out)
    }

    /// Appends what became of a rule set.
    pub fn rule_status(&self, status: &RuleSetStatus<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::RuleStatus, status, out)
    }

    /// Appends a decision.
    pub fn decision(&self, decision: &Decision<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::Decision, decision, out)
    }

    /// Appends an explanation.
    pub fn explanation(&self, explanation: &Explanation<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::Explanation, explanation, out)
    }

    /// Appends an action.
    pub fn action(&self, action: &Action<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::Action, action, out)
    }

    /// Appends what became of an action.
    pub fn action_result(&self, result: &ActionResult<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::ActionResult, result, out)
    }

    /// Appends a lead.
    pub fn lead(&self, lead: &LeadRecord<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::Lead, lead, out)
    }

    /// Appends a state block.
    pub fn state_block(&self, block: &StateBlock<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::StateBlock, block, out)
    }

    /// Appends a step of a move.
    pub fn spread_step(&self, step: &SpreadStep<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::SpreadStep, step, out)
    }

    fn write<T: Serialize>(&self, schema: Schema, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.extend_from_slice(&self.headers[schema as usize]);
        let written = writer::write(value, out);
        let (bytes, max) = (out.len() - start, schema.bytes_max());
        let failed = match written {
            Ok(()) if bytes <= max => return Ok(()),
            Ok(()) => EncodeError::TooLarge { schema, bytes, max },
            Err(source) => EncodeError::Unsupported { schema, source },
        };
        out.truncate(start);
        Err(failed)
    }
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder::new()
    }
}
