//! Structures to framed Avro, in the newest version of their schema.

use kilat_domain::{
    Action, ActionResult, Decision, Event, LeadRecord, RuleSetRecord, RuleSetStatus, StateBlock,
};
use serde::Serialize;
use serde_avro_fast::ser::{SerializerConfig, SerializerState};

use crate::in_order::InOrder;
use crate::{EncodeError, Schema, framing, schemas};

/// Writes structures as framed values, with buffers that are used again. One per thread.
///
/// Every method appends to `out`, and leaves it as it was where it fails.
pub struct Encoder {
    writers: [Writer; Schema::ALL.len()],
}

struct Writer {
    schema: Schema,
    header: [u8; framing::HEADER_BYTES],
    config: SerializerConfig<'static>,
}

impl Encoder {
    /// An encoder for every schema.
    pub fn new() -> Encoder {
        Encoder { writers: Schema::ALL.map(Writer::new) }
    }

    /// Appends an event.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::Event, event, out)
    }

    /// Appends a rule set.
    pub fn rule_set(&mut self, rule_set: &RuleSetRecord<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::RuleSet, rule_set, out)
    }

    /// Appends what became of a rule set.
    pub fn rule_status(&mut self, status: &RuleSetStatus<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::RuleStatus, status, out)
    }

    /// Appends a decision.
    pub fn decision(&mut self, decision: &Decision<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::Decision, decision, out)
    }

    /// Appends an action.
    pub fn action(&mut self, action: &Action<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::Action, action, out)
    }

    /// Appends what became of an action.
    pub fn action_result(&mut self, result: &ActionResult<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::ActionResult, result, out)
    }

    /// Appends a lead.
    pub fn lead(&mut self, lead: &LeadRecord<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::Lead, lead, out)
    }

    /// Appends a state block.
    pub fn state_block(&mut self, block: &StateBlock<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Schema::StateBlock, block, out)
    }

    fn write<T: Serialize>(&mut self, schema: Schema, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let written = self.writers[schema as usize].write(value, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder::new()
    }
}

impl Writer {
    fn new(schema: Schema) -> Writer {
        let version = schemas::newest(schema);
        Writer { schema, header: framing::header(version.id), config: SerializerConfig::new(&version.avro) }
    }

    fn write<T: Serialize>(&mut self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.extend_from_slice(&self.header);
        let mut state = SerializerState::from_writer(&mut *out, &mut self.config);
        InOrder(value)
            .serialize(state.serializer())
            .map_err(|source| EncodeError::Schema { schema: self.schema, source })?;
        let (bytes, max) = (out.len() - start, self.schema.bytes_max());
        if bytes > max {
            return Err(EncodeError::TooLarge { schema: self.schema, bytes, max });
        }
        Ok(())
    }
}
