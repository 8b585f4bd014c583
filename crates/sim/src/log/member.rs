//! A member of a group with its transactional producer, and the way of a transaction, step by step as Kafka's clients go it:
//! begin, records, offsets, commit. Between any two steps the process may crash, freeze, or lose its place.

use std::time::Duration;

use kilat_codec::Topic;
use kilat_log::{
    Clock as _, Lag, LogError, Member, MemberSpec, Outgoing, Polled, Record, Transaction, Writer, partition_of,
};

use super::SimLog;
use super::group::View;
use super::partition::{At, New, PLAIN};
use super::world::{Holder, Phase, World};
use crate::fault::Fault;
use crate::fiber;
use crate::sabotage::Sabotage;

/// The most records of one delivery: small, so that inputs interleave.
const DELIVERY_MAX: u64 = 400;

/// A transactional producer.
pub(super) struct TransactionalWriter {
    log: SimLog,
    holder: Holder,
    outputs: Vec<usize>,
    /// Of the last action, for a log that is sabotaged so.
    last_id: Option<String>,
    /// The next commit ends a transaction that is begun already.
    begun: bool,
}

/// The group's side of a transaction.
struct Seat<'a> {
    group: &'a str,
    member: u64,
    generation: u64,
    inputs: &'a [usize],
}

impl TransactionalWriter {
    pub(super) fn new(log: SimLog, holder: Holder, outputs: Vec<usize>) -> TransactionalWriter {
        TransactionalWriter { log, holder, outputs, last_id: None, begun: false }
    }

    fn commit_with(&mut self, transaction: &Transaction, seat: Option<&Seat<'_>>) -> Result<(), LogError> {
        self.open()?;
        self.begun = false;
        let ready = self.produce(transaction).and_then(|()| self.send_offsets(transaction, seat));
        if let Err(error) = ready {
            self.abort();
            return Err(error);
        }
        self.end()
    }

    /// Begins, unless that is done.
    fn open(&mut self) -> Result<(), LogError> {
        if self.begun {
            return Ok(());
        }
        self.log.step(Some(Fault::CrashAtBegin));
        self.log.unreachable()?;
        self.begin()
    }

    /// Begins with the records for one output.
    fn begin_with(&mut self, transaction: &mut Transaction, output: usize) -> Result<(), LogError> {
        self.open()?;
        self.begun = true;
        if let Err(error) = self.append(transaction.unsent().filter(|record| record.output == output)) {
            self.abort();
            return Err(error);
        }
        transaction.mark_sent(output);
        self.log.step(Some(Fault::CrashAtProduce));
        Ok(())
    }

    /// Waits for the end of the last transaction, and begins.
    fn begin(&mut self) -> Result<(), LogError> {
        loop {
            let (version, until) = {
                let mut world = self.log.world();
                world.check_epoch(&self.holder)?;
                if world.is_settled(&self.holder) {
                    world.begin(&mut self.holder);
                    return Ok(());
                }
                (world.version, world.now() + Duration::from_secs(1))
            };
            self.log.wait(version, until);
        }
    }

    /// Appends the records, in two parts with time between them.
    fn produce(&mut self, transaction: &Transaction) -> Result<(), LogError> {
        let records = transaction.unsent().count();
        let part = self.log.world().random.below(records as u64 + 1) as usize;
        self.append(transaction.unsent().take(part))?;
        self.log.step(Some(Fault::CrashAtProduce));
        self.append(transaction.unsent().skip(part))?;
        self.log.step(Some(Fault::CrashAtProduce));
        Ok(())
    }

    fn append<'t>(&mut self, records: impl Iterator<Item = Outgoing<'t>>) -> Result<(), LogError> {
        let log = self.log.clone();
        let mut world = log.world();
        world.check_epoch(&self.holder)?;
        let timestamp = log.clock.wall();
        let apart = world.is_sabotaged(Sabotage::OutputsApart);
        let results_apart = world.is_sabotaged(Sabotage::ResultsApart);
        let reused = world.is_sabotaged(Sabotage::ActionIdReused);
        let unannounced = world.is_sabotaged(Sabotage::AnnouncementLost);
        let txn = self.holder.txn.unwrap_or(PLAIN);
        for outgoing in records {
            let topic = self.outputs[outgoing.output];
            let count = world.topics[topic].partitions.len() as u32;
            let partition = outgoing.partition.unwrap_or_else(|| partition_of(outgoing.key, count));
            let (key, value) = (Some(outgoing.key), outgoing.value);
            let is_result = world.topics[topic].name == Topic::ActionResults.name();
            let is_apart = apart && world.topics[topic].name == Topic::Decisions.name() || results_apart && is_result;
            if unannounced && is_result && is_announcement(value.unwrap_or_default()) {
                continue;
            }
            let reused = (reused && world.topics[topic].name == Topic::ActionsWebhook.name())
                .then(|| self.with_last_id(value.unwrap_or_default(), &mut world))
                .flatten();
            let value = reused.as_deref().or(value);
            let txn = if is_apart { PLAIN } else { txn };
            world.append(topic, partition, New { txn, timestamp, key, value, headers: outgoing.headers() });
        }
        world.changed();
        Ok(())
    }

    /// The action under the id of the one before, now and then.
    fn with_last_id(&mut self, value: &[u8], world: &mut World) -> Option<Vec<u8>> {
        let mut action = kilat_codec::decode_action(value).ok()?;
        let last = self.last_id.replace(action.id.to_string())?;
        if !world.random.chance(0.1) {
            return None;
        }
        action.id = last.into();
        let mut bytes = Vec::new();
        kilat_codec::Encoder::new().action(&action, &mut bytes).ok()?;
        Some(bytes)
    }

    fn send_offsets(&mut self, transaction: &Transaction, seat: Option<&Seat<'_>>) -> Result<(), LogError> {
        let Some(seat) = seat else { return Ok(()) };
        {
            let mut world = self.log.world();
            world.check_epoch(&self.holder)?;
            let fencing = !world.is_sabotaged(Sabotage::NoFencing);
            let apart = world.is_sabotaged(Sabotage::OffsetsApart);
            let txn = self.holder.txn.unwrap_or(PLAIN);
            let name = world.id_of(&self.holder);
            let Some(group) = world.groups.get_mut(seat.group) else { return Ok(()) };
            if fencing && !group.is_seated(seat.member, seat.generation) {
                return Err(LogError::Fenced { name, reason: "the group went on without it".to_owned() });
            }
            let mut offsets = Vec::new();
            for offset in transaction.offsets() {
                let topic = seat.inputs[offset.input];
                group.hold(txn, (topic, offset.partition));
                if apart {
                    group.settle(txn, (topic, offset.partition), Some(offset.next));
                } else {
                    offsets.push((seat.group.to_owned(), topic, offset.partition, offset.next));
                }
            }
            if let Some(open) = world.txns.get_mut(txn as usize) {
                open.offsets = offsets;
            }
        }
        self.log.step(Some(Fault::CrashAtOffsets));
        Ok(())
    }

    /// Sends the commit and waits for its answer.
    fn end(&mut self) -> Result<(), LogError> {
        let txn = self.holder.txn.unwrap_or(PLAIN);
        let name = self.log.world().id_of(&self.holder);
        let indefinite = |reason: &str| LogError::Indefinite { name: name.clone(), reason: reason.to_owned() };
        {
            let mut world = self.log.world();
            world.check_epoch(&self.holder)?;
            if !fiber::is_inside() {
                world.decide(txn, true);
                return Ok(());
            }
            if world.strikes(Fault::AbortedCommit) {
                world.decide(txn, false);
                if world.is_sabotaged(Sabotage::StateAheadOfLog) {
                    return Ok(());
                }
                return Err(LogError::Aborted { name: name.clone(), reason: "the seed says so".to_owned() });
            }
            if world.strikes(Fault::IndefiniteLost) {
                return Err(indefinite("the request was lost"));
            }
            if world.strikes(Fault::IndefiniteLate) {
                world.decide_later(&self.holder);
                return Err(indefinite("the request is still on its way"));
            }
            if world.strikes(Fault::IndefiniteDone) {
                world.decide(txn, true);
                return Err(indefinite("the answer was lost"));
            }
            // A process that crashes with the request on its way: it arrives, or not.
            if world.random.chance(0.5) {
                world.decide_later(&self.holder);
            }
        }
        self.log.step(Some(Fault::CrashAtCommit));
        {
            let mut world = self.log.world();
            // The process may have stood still meanwhile, and its transaction be aborted.
            if world.txns[txn as usize].phase == Phase::Open {
                world.check_epoch(&self.holder)?;
                world.decide(txn, true);
            } else if world.txns[txn as usize].phase == Phase::Aborted {
                return Err(LogError::Fenced { name, reason: "its transaction was aborted".to_owned() });
            }
        }
        self.log.step(Some(Fault::CrashAfterCommit));
        Ok(())
    }

    /// Aborts, where that is still possible.
    fn abort(&mut self) {
        self.begun = false;
        let mut world = self.log.world();
        if let Some(txn) = self.holder.txn
            && world.check_epoch(&self.holder).is_ok()
        {
            world.decide(txn, false);
        }
    }
}

impl Writer for TransactionalWriter {
    fn commit(&mut self, transaction: &Transaction) -> Result<(), LogError> {
        if transaction.is_empty() {
            return Ok(());
        }
        self.commit_with(transaction, None)
    }
}

/// Whether this result says that something is about to be done.
fn is_announcement(value: &[u8]) -> bool {
    kilat_codec::decode_action_result(value).is_ok_and(|result| !result.outcome.is_final())
}

/// A change of the group, reported and not yet carried out.
#[derive(Debug)]
enum Change {
    Assign(u64, Vec<u32>),
    Revoke { lost: bool },
}

/// A member of a group.
pub(super) struct GroupMember {
    writer: TransactionalWriter,
    spec: MemberSpec,
    inputs: Vec<usize>,
    member: u64,
    change: Option<Change>,
    held: Vec<u32>,
    /// Inputs of partitions of which nothing is wanted.
    paused: Vec<(usize, u32)>,
    /// The generation under which `held` was assigned.
    generation: Option<u64>,
    /// Next offset of every input of every partition held; `None` until the group's offset is settled.
    positions: Vec<(usize, u32, Option<i64>)>,
}

impl GroupMember {
    pub(super) fn new(writer: TransactionalWriter, spec: &MemberSpec, inputs: Vec<usize>, member: u64) -> GroupMember {
        GroupMember {
            writer,
            spec: spec.clone(),
            inputs,
            member,
            change: None,
            held: Vec::new(),
            paused: Vec::new(),
            generation: None,
            positions: Vec::new(),
        }
    }

    fn log(&self) -> &SimLog {
        &self.writer.log
    }

    /// Carries out the change that was reported.
    fn complete(&mut self) {
        let Some(change) = self.change.take() else { return };
        self.held.clear();
        self.positions.clear();
        self.generation = None;
        match change {
            Change::Assign(generation, partitions) => {
                let inputs = 0..self.inputs.len();
                self.positions = inputs
                    .flat_map(|input| partitions.iter().map(move |partition| (input, *partition, None)))
                    .collect();
                self.held = partitions;
                self.generation = Some(generation);
            }
            Change::Revoke { .. } => {
                self.paused.clear();
                self.join_round();
            }
        }
    }

    /// Joins the round under way; as a new member where the group went on without this one.
    fn join_round(&mut self) {
        let log = self.log().clone();
        let mut world = log.world();
        let Some(group) = world.groups.get_mut(&self.spec.group) else { return };
        if group.view(self.member) == View::Out {
            self.member = group.join(&self.spec.instance);
            log.members().push((self.spec.group.clone(), self.member));
        } else {
            group.join_round(self.member);
        }
        world.changed();
        world.rebalance();
    }

    /// Looks at the group; a change is reported, and carried out at once where there is nothing to tell.
    fn serve(&mut self) -> Result<Option<Polled>, LogError> {
        let view = {
            let world = self.log().world();
            world.check_epoch(&self.writer.holder)?;
            world.groups.get(&self.spec.group).map(|group| group.view(self.member))
        };
        let (change, polled) = match view {
            None => return Ok(None),
            Some(View::Out) if self.log().is_deaf() => return Ok(None),
            Some(View::Out) => {
                let partitions = self.held.clone();
                (Change::Revoke { lost: true }, Polled::Revoked { partitions, lost: true })
            }
            Some(View::Join) => {
                let partitions = self.held.clone();
                (Change::Revoke { lost: false }, Polled::Revoked { partitions, lost: false })
            }
            Some(View::Share(generation, partitions)) if self.generation != Some(generation) => {
                (Change::Assign(generation, partitions.clone()), Polled::Assigned(partitions))
            }
            Some(View::Wait | View::Share(..)) => return Ok(None),
        };
        self.change = Some(change);
        match &polled {
            Polled::Assigned(partitions) | Polled::Revoked { partitions, .. } if partitions.is_empty() => {
                self.complete();
                Ok(None)
            }
            _ => Ok(Some(polled)),
        }
    }

    /// Delivers records of one of the partitions, or of several.
    fn deliver(&mut self, records_max: usize, take: &mut dyn FnMut(&[Record<'_>])) -> (usize, u64) {
        let mut world = self.writer.log.world();
        let limit = if fiber::is_inside() { world.random.between(1, DELIVERY_MAX) as usize } else { usize::MAX };
        let mut left = records_max.min(limit);
        let mut delivered = 0;
        let count = self.positions.len();
        let first = world.random.below(count as u64) as usize;
        let missed = world.is_sabotaged(Sabotage::RecordMissed) && world.random.chance(0.01);
        for place in (0..count).map(|place| (first + place) % count) {
            let (input, partition, position) = &mut self.positions[place];
            if self.paused.contains(&(*input, *partition)) {
                continue;
            }
            let topic = self.inputs[*input];
            if position.is_none() {
                *position = world.groups.get(&self.spec.group).and_then(|group| group.position(topic, *partition));
            }
            let Some(next) = position else { continue };
            let stable = world.partition(topic, *partition).stable_end();
            let mut found: Vec<At<'_>> = Vec::new();
            while *next < stable && found.len() < left {
                found.extend(world.committed(topic, *partition, *next));
                *next += 1;
            }
            if found.is_empty() {
                continue;
            }
            let mut records: Vec<Record<'_>> = found.iter().map(|at| at.record(*input, *partition)).collect();
            if missed && records.len() > 1 {
                records.swap_remove(records.len() - 2);
            }
            take(&records);
            delivered += records.len();
            left -= records.len().min(left);
            if left == 0 {
                break;
            }
        }
        (delivered, world.version)
    }
}

impl Writer for GroupMember {
    fn begin(&mut self, transaction: &mut Transaction, output: usize) -> Result<(), LogError> {
        self.writer.begin_with(transaction, output)
    }

    fn abandon(&mut self) {
        if self.writer.begun {
            self.writer.abort();
        }
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<(), LogError> {
        if transaction.is_empty() {
            return Ok(());
        }
        if transaction.offsets().is_empty() {
            return self.writer.commit_with(transaction, None);
        }
        let lost = matches!(self.change, Some(Change::Revoke { lost: true }));
        let held = transaction.offsets().iter().all(|offset| self.held.contains(&offset.partition));
        let fencing = !self.log().world().is_sabotaged(Sabotage::NoFencing);
        match self.generation {
            Some(generation) if !fencing || (held && !lost) => {
                let seat = Seat { group: &self.spec.group, member: self.member, generation, inputs: &self.inputs };
                self.writer.commit_with(transaction, Some(&seat))
            }
            _ => {
                let name = self.log().world().id_of(&self.writer.holder);
                Err(LogError::Fenced { name, reason: "its partitions were taken away".to_owned() })
            }
        }
    }
}

impl Member for GroupMember {
    fn poll(
        &mut self,
        timeout: Duration,
        records_max: usize,
        take: &mut dyn FnMut(&[Record<'_>]),
    ) -> Result<Polled, LogError> {
        self.log().step(Some(Fault::CrashAtPoll));
        self.log().unreachable()?;
        self.complete();
        let deadline = self.log().clock.monotonic() + timeout;
        loop {
            if let Some(polled) = self.serve()? {
                return Ok(polled);
            }
            let (delivered, version) = if records_max > 0 && !self.positions.is_empty() {
                self.deliver(records_max, take)
            } else {
                (0, self.log().world().version)
            };
            if delivered > 0 || self.log().clock.monotonic() >= deadline {
                return Ok(Polled::Records(delivered));
            }
            self.log().wait(version, deadline);
        }
    }

    fn pause(&mut self, input: usize, partition: u32, paused: bool) -> Result<(), LogError> {
        self.paused.retain(|known| *known != (input, partition));
        if paused && !self.log().world().is_sabotaged(Sabotage::PauseIgnored) {
            self.paused.push((input, partition));
        }
        Ok(())
    }

    fn lag(&self) -> Vec<Lag> {
        let world = self.log().world();
        let lag = |(input, partition, position): &(usize, u32, Option<i64>)| {
            let end = world.partition(self.inputs[*input], *partition).end();
            let records = u64::try_from(end - (*position)?).unwrap_or_default();
            Some(Lag { input: *input, partition: *partition, records })
        };
        self.positions.iter().filter_map(lag).collect()
    }
}

impl Drop for GroupMember {
    fn drop(&mut self) {
        let log = self.log().clone();
        if log.is_dead() {
            return;
        }
        let mut world = log.world();
        if let Some(group) = world.groups.get_mut(&self.spec.group) {
            group.leave(self.member);
        }
        world.changed();
        world.rebalance();
        drop(world);
        log.members().retain(|(group, member)| *group != self.spec.group || *member != self.member);
    }
}
