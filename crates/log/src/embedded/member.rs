//! A member of a consumer group.
//!
//! Input: polls. Output: what the group changes, else records of the partitions held, else nothing after the timeout. Waiting
//! ends at once when records are published or the group changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::EmbeddedError;
use super::group::{Epoch, Group, Turn};
use super::log::{Log, lock, wait_for};
use super::reader::{Cursor, Reader};
use super::store::{CommittedOffset, TopicId};
use super::view::View;
use super::writer::{Admitted, Outputs};
use crate::{Lag, LogError, Member, MemberSpec, Polled, Record, Transaction, Writer};

/// See the module.
pub(super) struct EmbeddedMember {
    log: Arc<Log>,
    group: Arc<str>,
    instance: String,
    epoch: Epoch,
    inputs: Vec<(TopicId, Arc<str>)>,
    outputs: Outputs,
    reader: Reader,
    held: Vec<u32>,
}

impl EmbeddedMember {
    /// Takes the seat of `spec.instance`, from whoever had it.
    pub(super) fn join(log: &Arc<Log>, spec: &MemberSpec) -> Result<EmbeddedMember, LogError> {
        let view = lock(&log.view);
        let mut inputs = Vec::new();
        let mut counts = Vec::new();
        for input in &spec.inputs {
            let (id, topic) = log.find(&view, input)?;
            inputs.push((id, Arc::clone(&topic.name)));
            counts.push(topic.partitions.len());
        }
        if counts.windows(2).any(|pair| pair[0] != pair[1]) {
            let shown = spec.inputs.iter().zip(&counts).map(|(input, count)| format!("`{input}` with {count}"));
            return Err(LogError::UnequalPartitions { counts: shown.collect::<Vec<_>>().join(", ") });
        }
        let name = format!("member `{}` of group `{}`", spec.instance, spec.group);
        let outputs = Outputs::new(log, &view, name.into(), &spec.outputs)?;

        let group: Arc<str> = spec.group.as_str().into();
        let mut view = log.wait_idle(view, |view| view.groups.get(&group)?.epoch(&spec.instance));
        let epoch = view.next_epoch();
        let ids: Vec<TopicId> = inputs.iter().map(|(id, _)| *id).collect();
        let partitions = counts.first().map_or(0, |&count| count as u32);
        let members = view.groups.entry(Arc::clone(&group)).or_insert_with(|| Group::new(ids.clone(), partitions));
        if members.inputs() != ids {
            let joined = members.inputs().to_vec();
            let joined: Vec<&str> = joined.iter().map(|&id| &*view.topic(id).name).collect();
            return Err(EmbeddedError::GroupInputs {
                group: spec.group.clone(),
                instance: spec.instance.clone(),
                joined: joined.join(", "),
                wanted: spec.inputs.join(", "),
            }
            .into());
        }
        members.join(&spec.instance, epoch);
        log.changed.notify_all();
        let (reader, held) = (Reader::default(), Vec::new());
        let instance = spec.instance.clone();
        Ok(EmbeddedMember { log: Arc::clone(log), group, instance, epoch, inputs, outputs, reader, held })
    }

    fn fenced(&self) -> LogError {
        LogError::Fenced {
            name: format!("member `{}` of group `{}`", self.instance, self.group),
            reason: "a later member of this name has joined".to_owned(),
        }
    }

    /// What the group has for this poll, if anything.
    fn turn(&mut self, view: &mut View) -> Result<Option<Polled>, LogError> {
        let group = view.groups.get_mut(&self.group);
        let (turn, released) = group.map_or((Turn::Gone, false), |group| group.turn(&self.instance, self.epoch));
        if released {
            self.log.changed.notify_all();
        }
        match turn {
            Turn::Stay => Ok(None),
            Turn::Assigned(partitions) => {
                for (input, (topic, name)) in self.inputs.iter().enumerate() {
                    for &partition in &partitions {
                        let position = view.resume(&self.group, *topic, partition);
                        self.reader.add(Cursor::new(input, *topic, Arc::clone(name), partition, position));
                    }
                }
                self.held.extend(&partitions);
                Ok(Some(Polled::Assigned(partitions)))
            }
            Turn::Revoked(partitions) => {
                self.reader.remove(&partitions);
                self.held.retain(|partition| !partitions.contains(partition));
                Ok(Some(Polled::Revoked { partitions, lost: false }))
            }
            Turn::Gone if self.held.is_empty() => Err(self.fenced()),
            Turn::Gone => {
                let partitions = std::mem::take(&mut self.held);
                self.reader.remove(&partitions);
                Ok(Some(Polled::Revoked { partitions, lost: true }))
            }
        }
    }

    /// Whether this member may commit these offsets.
    fn check(&self, view: &View, transaction: &Transaction) -> Result<(), LogError> {
        let group = view.groups.get(&self.group).filter(|group| group.epoch(&self.instance) == Some(self.epoch));
        let Some(group) = group else { return Err(self.fenced()) };
        for offset in transaction.offsets() {
            if !group.holds(&self.instance, self.epoch, offset.partition) {
                return Err(LogError::Fenced {
                    name: format!("member `{}` of group `{}`", self.instance, self.group),
                    reason: format!("it does not hold partition {}", offset.partition),
                });
            }
        }
        Ok(())
    }
}

impl Writer for EmbeddedMember {
    fn commit(&mut self, transaction: &Transaction) -> Result<(), LogError> {
        let mut request = self.outputs.request(transaction)?;
        for offset in transaction.offsets() {
            let Some(&(topic, _)) = self.inputs.get(offset.input) else {
                let name = format!("member `{}` of group `{}`", self.instance, self.group);
                let (index, count) = (offset.input, self.inputs.len());
                return Err(EmbeddedError::NoSuchTopic { name, what: "inputs", index, count }.into());
            };
            let group = Arc::clone(&self.group);
            request.offsets.push(CommittedOffset { group, topic, partition: offset.partition, next: offset.next });
        }
        let _admitted = Admitted::new(&self.log, self.epoch, |view| self.check(view, transaction))?;
        if transaction.is_empty() {
            return Ok(());
        }
        Ok(self.log.commit(request)?)
    }
}

impl Member for EmbeddedMember {
    #[allow(clippy::disallowed_methods, reason = "the timeout of a poll is real time")]
    fn poll(
        &mut self,
        timeout: Duration,
        records_max: usize,
        take: &mut dyn FnMut(&[Record<'_>]),
    ) -> Result<Polled, LogError> {
        let deadline = Instant::now().checked_add(timeout);
        let log = Arc::clone(&self.log);
        loop {
            let mut view = lock(&log.view);
            loop {
                if let Some(polled) = self.turn(&mut view)? {
                    return Ok(polled);
                }
                if records_max > 0 && self.reader.look(&view) {
                    break;
                }
                let left =
                    deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
                if left.is_zero() {
                    return Ok(Polled::Records(0));
                }
                view = wait_for(&log.changed, view, left);
            }
            drop(view);
            let delivered = self.reader.deliver(&log.store, records_max, take)?;
            // Nothing came of what was ready where compaction has emptied it: look again.
            if delivered > 0 {
                return Ok(Polled::Records(delivered));
            }
        }
    }

    fn pause(&mut self, input: usize, partition: u32, paused: bool) -> Result<(), LogError> {
        self.reader.pause(input, partition, paused);
        Ok(())
    }

    fn lag(&self) -> Vec<Lag> {
        self.reader.lag(&lock(&self.log.view))
    }
}

impl Drop for EmbeddedMember {
    fn drop(&mut self) {
        let mut view = lock(&self.log.view);
        if let Some(group) = view.groups.get_mut(&self.group) {
            group.leave(&self.instance, self.epoch);
            if group.is_empty() {
                view.groups.remove(&self.group);
            }
        }
        self.log.changed.notify_all();
    }
}
