//! What the audit keeps of each record: ids, offsets and counts, not contents.

use kilat_domain::{ChainPosition, Effect, EventKind, InputRange, Lane, Outcome, StateBlock, Timestamp};
use kilat_log::Record;

use crate::passed_on::PassedOn;
use crate::recorded::Entry;

/// A state block's header.
pub(super) struct Block {
    pub(super) offset: i64,
    pub(super) at: Timestamp,
    pub(super) sequence: i64,
    pub(super) partition: i32,
    pub(super) inputs: Vec<InputRange>,
    pub(super) fates: Vec<i64>,
    pub(super) decisions: i64,
    pub(super) actions: i64,
    /// Why it does not follow on the block before, or cannot be read.
    pub(super) broken: Option<String>,
}

/// How far the chain of a partition's blocks was followed.
#[derive(Default)]
pub(super) struct Chain {
    /// `None` before the first block, which may have any place: those before it are covered by a checkpoint.
    position: Option<ChainPosition>,
}

impl Chain {
    /// Why `block` does not follow on the last one.
    fn follow(&mut self, block: &StateBlock<'_>) -> Option<String> {
        let at = ChainPosition { sequence: block.sequence, chain: block.chain };
        let before = match self.position.replace(at) {
            Some(before) => before,
            None if block.sequence <= 1 => ChainPosition::default(),
            None => return None,
        };
        kilat_engine::follow(before, block).err().map(|broken| broken.to_string())
    }
}

impl Entry for Block {
    type Reading = Chain;

    fn of(record: &Record<'_>, chain: &mut Chain) -> Option<Block> {
        let (offset, at) = (record.offset, record.timestamp);
        Some(match kilat_codec::decode_state_block(record.value?) {
            Ok(block) => {
                let broken = chain.follow(&block);
                let StateBlock { sequence, partition, inputs, fates, decisions, actions, .. } = block;
                Block { offset, at, sequence, partition, inputs, fates, decisions, actions, broken }
            }
            Err(error) => Block {
                offset,
                at,
                sequence: 0,
                partition: i32::try_from(record.partition).unwrap_or(i32::MAX),
                inputs: Vec::new(),
                fates: Vec::new(),
                decisions: 0,
                actions: 0,
                broken: Some(format!("a block that cannot be read: {error}")),
            },
        })
    }

    fn offset(&self) -> i64 {
        self.offset
    }
}

/// A record of an input topic.
pub(super) struct Input {
    pub(super) offset: i64,
    pub(super) at: Timestamp,
    /// The record's key: its dead letter goes by it.
    pub(super) key: Box<[u8]>,
    /// `None` where it is no event.
    pub(super) event: Option<Id>,
    /// Where it came from, of one that was passed on.
    pub(super) from: Option<PassedOn>,
    /// Account and id of the message that it brings, where it is a new one.
    pub(super) message: Option<(Box<str>, Box<str>)>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) workspace: Box<str>,
    pub(super) event: Box<str>,
}

impl Input {
    /// Whose it is, also where it cannot be read.
    pub(super) fn workspace(&self) -> String {
        match &self.event {
            Some(id) => id.workspace.to_string(),
            None => String::from_utf8_lossy(&self.key).into_owned(),
        }
    }
}

impl Entry for Input {
    type Reading = ();

    fn of(record: &Record<'_>, (): &mut ()) -> Option<Input> {
        let event = kilat_codec::decode_event(record.value.unwrap_or_default()).ok();
        let message = event.as_ref().filter(|event| event.kind == EventKind::MessageCreated).and_then(|event| {
            let id = event.message.as_ref()?.id.as_deref()?;
            let account = event.channel.as_ref().and_then(|channel| channel.account.as_deref());
            Some((account.unwrap_or_default().into(), id.into()))
        });
        Some(Input {
            offset: record.offset,
            at: record.timestamp,
            key: record.key.unwrap_or_default().into(),
            from: PassedOn::of(record),
            event: event
                .map(|event| Id { workspace: event.workspace.as_str().into(), event: event.id.as_str().into() }),
            message,
        })
    }

    fn offset(&self) -> i64 {
        self.offset
    }
}

/// A decision.
pub(super) struct Decided {
    pub(super) offset: i64,
    pub(super) at: Timestamp,
    pub(super) id: Id,
    pub(super) conversation: Box<str>,
    /// The actions it queued, in order.
    pub(super) queued: Vec<(Lane, Box<str>)>,
}

impl Decided {
    /// Whether it answers this input event: is about it, about what it introduced, or about what that caused.
    pub(super) fn answers(&self, id: &Id) -> bool {
        let Some(rest) = self.id.event.strip_prefix(&*id.event) else { return false };
        let rest = ["/lead", "/conversation"].iter().find_map(|suffix| rest.strip_prefix(suffix)).unwrap_or(rest);
        let is_number = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
        let is_of_event = rest.is_empty() || rest.strip_prefix('#').is_some_and(is_number);
        is_of_event && self.id.workspace == id.workspace
    }
}

impl Entry for Decided {
    type Reading = ();

    fn of(record: &Record<'_>, (): &mut ()) -> Option<Decided> {
        let decision = kilat_codec::decode_decision(record.value?).ok()?;
        let effects = decision.fired.iter().flat_map(|fired| &fired.actions);
        let queued = effects.filter(|effect| effect.result == Effect::Queued);
        Some(Decided {
            offset: record.offset,
            at: record.timestamp,
            id: Id { workspace: decision.workspace.as_str().into(), event: decision.event_id.as_str().into() },
            conversation: decision.conversation.as_deref().unwrap_or_default().into(),
            queued: queued.filter_map(|e| Some((Lane::of_type(&e.action), e.id.as_deref()?.into()))).collect(),
        })
    }

    fn offset(&self) -> i64 {
        self.offset
    }
}

/// An action.
pub(super) struct Queued {
    pub(super) offset: i64,
    pub(super) at: Timestamp,
    pub(super) id: Box<str>,
    pub(super) event: Id,
}

impl Entry for Queued {
    type Reading = ();

    fn of(record: &Record<'_>, (): &mut ()) -> Option<Queued> {
        let action = kilat_codec::decode_action(record.value?).ok()?;
        Some(Queued {
            offset: record.offset,
            at: record.timestamp,
            id: action.id.as_str().into(),
            event: Id { workspace: action.workspace.as_str().into(), event: action.event_id.as_str().into() },
        })
    }

    fn offset(&self) -> i64 {
        self.offset
    }
}

/// What became of an action.
pub(super) struct Settled {
    pub(super) offset: i64,
    pub(super) at: Timestamp,
    pub(super) id: Box<str>,
    pub(super) outcome: Outcome,
}

impl Entry for Settled {
    type Reading = ();

    fn of(record: &Record<'_>, (): &mut ()) -> Option<Settled> {
        // A tombstone withdraws that an action is being sent; it waits again.
        let result = kilat_codec::decode_action_result(record.value?).ok()?;
        Some(Settled {
            offset: record.offset,
            at: record.timestamp,
            id: result.action_id.as_str().into(),
            outcome: result.outcome,
        })
    }

    fn offset(&self) -> i64 {
        self.offset
    }
}

/// A dead letter of an input topic: where the record stood.
pub(super) struct Letter {
    pub(super) offset: i64,
    pub(super) at: Timestamp,
    pub(super) source_partition: u32,
    pub(super) source_offset: i64,
}

impl Entry for Letter {
    type Reading = ();

    fn of(record: &Record<'_>, (): &mut ()) -> Option<Letter> {
        let text = |name: &str| String::from_utf8(record.header(name)?).ok();
        Some(Letter {
            offset: record.offset,
            at: record.timestamp,
            source_partition: text("__connect.errors.partition")?.parse().ok()?,
            source_offset: text("__connect.errors.offset")?.parse().ok()?,
        })
    }

    fn offset(&self) -> i64 {
        self.offset
    }
}
