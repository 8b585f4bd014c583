//! A worker: one thread, one member of the consumer group, one transactional producer, the state of its partitions.
//!
//! Nothing is shared between workers but the rule-set registry. A record's way, top to bottom: polled by [`Worker::session`],
//! decoded and applied by [`Batch::take`], committed with the rest of its batch in [`Worker::commit`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kilat_checkpoint::InputOffset;
use kilat_codec::cloudevents::Headers;
use kilat_codec::{DecodeError, EncodeError, Encoder, Topic};
use kilat_domain::{Event, EventKind, Fate, InputRange, SpreadStep, Timestamp};
use kilat_engine::{Applied, BatchHeader, Foreseen, Partition};
use kilat_log::{Clock, DeadLetter, Member, MemberSpec, PartitionedLog, Polled, Record, Transaction};
use kilat_rules::RuleSet;
use kilat_telemetry::metrics::{self, Gauge, Histogram};
use tracing::{info, warn};

use crate::catch_up::CatchUp;
use crate::checkpoints::capture::{self, Capture, Sitter};
use crate::checkpoints::{Checkpoints, Desk};
use crate::config::{Config, Topics};
use crate::memory::{Ceiling, of_batch, output_of_batch};
use crate::outputs::{self, RecordOutputs};
use crate::passed_on::PassedOn;
use crate::registry::{Registry, Snapshot};
use crate::restore::{self, Restored};
use crate::service::{PipelineError, Progress};
use crate::standby::Slots;
use crate::totals::{Counters, Totals, TotalsSnapshot};

/// How long a poll waits while nothing is open; also how soon a worker notices that it should stop.
const IDLE_POLL: Duration = Duration::from_millis(100);

/// Records taken between two looks at the clock: a few milliseconds of work.
const POLL_RECORDS_MAX: usize = 1024;

/// Records decoded before the first of them is applied: enough that memory has answered by then, few enough that they stay
/// in the processor's nearest cache.
const WINDOW: usize = 8;

/// The code of a dead letter that stands among passed-on events and is none.
const NOT_PASSED_ON: &str = "K2010";
/// The code of an event that is too large to be passed on.
const TOO_LARGE_TO_PASS_ON: &str = "K2011";
/// Longest value of an event of a workspace that is spread: under Kafka's default limit of 1 MiB a record, with room for
/// headers.
const PASSED_ON_BYTES_MAX: usize = 1_000_000;

/// One worker of the engine role.
pub(crate) struct Worker {
    pub(crate) number: usize,
    pub(crate) log: Arc<dyn PartitionedLog>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) totals: Arc<Totals>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) checkpoints: Option<(Arc<Checkpoints>, Arc<Desk>)>,
    pub(crate) standby: Arc<Slots>,
    pub(crate) memory: Arc<Ceiling>,
}

impl Worker {
    /// Joins the group and works until `stop`: then the open batch is committed and the group left.
    ///
    /// *Errors:* the member is lost; its state is gone with it, and a new session starts from what is committed.
    pub(crate) fn session(&mut self, stop: &AtomicBool) -> Result<(), PipelineError> {
        let partitions = restore::check_partition_counts(&*self.log)?;
        let mut member = self.log.join(&MemberSpec {
            group: self.config.group.clone(),
            instance: format!("{}-{}", self.config.instance, self.number),
            inputs: Topics::inputs(),
            outputs: Topics::outputs(),
        })?;
        let mut measures = Measures::new(&self.config, self.number, self.clock.clone());
        let mut batch = Batch::new(self.registry.clone(), &self.config, self.clock.clone(), partitions);
        let mut owned: Vec<Option<Owned>> = Vec::new();
        let mut capture = self.checkpoints.as_ref().map(|(checkpoints, desk)| {
            Capture::new(Arc::clone(checkpoints), Arc::clone(desk), Arc::clone(&self.clock))
        });
        while !stop.load(Ordering::Relaxed) {
            let room = batch.room();
            let polled =
                member.poll(batch.patience(capture.as_ref()), room, &mut |records| batch.take(records, &mut owned))?;
            if let Some(partition) = batch.stray {
                return Err(PipelineError::NotOwned { partition });
            }
            match polled {
                Polled::Records(taken) => batch.kept_up = taken < room,
                Polled::Assigned(partitions) => {
                    self.assigned(&partitions, &mut owned, capture.as_mut())?;
                    self.share_memory(&mut batch, &mut owned);
                    pause(&mut *member, &mut owned)?;
                }
                Polled::Revoked { partitions, lost } => {
                    if lost {
                        member.abandon();
                        batch.drop_open();
                    } else {
                        self.commit(&mut *member, &mut batch, &mut owned, &mut measures)?;
                    }
                    self.revoked(&partitions, lost, &mut owned, capture.as_mut());
                }
            }
            if batch.is_due() {
                self.commit(&mut *member, &mut batch, &mut owned, &mut measures)?;
            } else if batch.counts.decisions > 0 && !batch.begun {
                // Decisions only: no other worker writes to their partitions, as they go where their input came from, but where a
                // workspace is spread. In partitions that others write to, too, their readers would wait for this transaction.
                member.begin(&mut batch.transaction, Topics::output(Topic::Decisions))?;
                batch.begun = true;
            }
            if let Some(capture) = capture.as_mut().filter(|_| batch.records == 0) {
                capture.turn(sitters(&owned));
            }
            if measures.is_time() {
                measures.observe_owned(owned.iter().flatten().count());
                self.progress.lag(self.number, measures.observe_lag(&*member));
                self.share_memory(&mut batch, &mut owned);
            }
        }
        self.commit(&mut *member, &mut batch, &mut owned, &mut measures)
    }

    /// Makes batch and state as large as the memory of the process leaves room for.
    fn share_memory(&self, batch: &mut Batch, owned: &mut [Option<Owned>]) {
        let mut states: Vec<&mut Partition> = owned.iter_mut().flatten().map(|owned| &mut owned.state).collect();
        let state = states.iter().map(|state| state.bytes()).sum();
        let shares = self.memory.share(self.number, state, self.standby.bytes());
        batch.memory_max = shares.batch;
        let each = shares.unpacked / states.len().max(1);
        states.iter_mut().for_each(|state| state.limit_unpacked(each));
    }

    /// Restores the partitions before any of their records is polled (PIPE-3).
    fn assigned(
        &self,
        partitions: &[u32],
        owned: &mut Vec<Option<Owned>>,
        mut capture: Option<&mut Capture>,
    ) -> Result<(), PipelineError> {
        info!(worker = self.number, ?partitions, "partitions assigned");
        let sources = restore::Sources {
            log: &*self.log,
            checkpoints: self.checkpoints.as_ref().map(|(checkpoints, _)| &**checkpoints),
            group: &self.config.group,
            progress: &self.progress.restore,
            standby: &self.standby,
            worker: self.number,
        };
        let restored = restore::partitions(&sources, partitions, self.config.restore_threads_each())?;
        for (partition, Restored { state, read, rule_epoch, covered }) in restored {
            let at = partition as usize;
            if owned.len() <= at {
                owned.resize_with(at + 1, || None);
            }
            owned[at] = Some(Owned::new(state, read, rule_epoch));
            if let Some(capture) = &mut capture {
                capture.restored(partition, covered);
            }
        }
        self.progress.working(self.number, true);
        Ok(())
    }

    /// Gives partitions up. What is committed whole is kept within reach: they may come back (SB-1).
    fn revoked(&self, partitions: &[u32], lost: bool, owned: &mut [Option<Owned>], mut capture: Option<&mut Capture>) {
        info!(worker = self.number, ?partitions, lost, "partitions revoked");
        for &partition in partitions {
            let given_up = owned.get_mut(partition as usize).and_then(Option::take);
            let covered = capture.as_mut().map_or(0, |capture| capture.revoked(partition));
            match given_up {
                Some(Owned { state, inputs, read, rule_epoch, .. }) if !lost && inputs.is_empty() => {
                    self.standby.hand_back(self.number, partition, Restored { state, read, rule_epoch, covered });
                }
                _ => self.standby.release(self.number, partition),
            }
        }
    }

    /// Commits the open batch: outputs, changed leads, state blocks and input offsets in one transaction (PIPE-2).
    fn commit(
        &self,
        member: &mut dyn Member,
        batch: &mut Batch,
        owned: &mut [Option<Owned>],
        measures: &mut Measures,
    ) -> Result<(), PipelineError> {
        if batch.records == 0 {
            return Ok(());
        }
        batch.pace();
        batch.close(owned)?;
        // Before anything more is polled.
        pause(member, owned)?;
        let begun = self.clock.monotonic();
        member.commit(&batch.transaction)?;
        measures.observe_commit(self.clock.monotonic() - begun, batch);
        self.totals.add(&TotalsSnapshot { transactions: 1, ..batch.counts });
        owned.iter_mut().flatten().for_each(Owned::settle);
        batch.begin();
        Ok(())
    }
}

/// Takes no more events of partitions whose workspaces wait for leads to move, and goes on with those that do no more. What
/// others passed on to them is taken meanwhile: without it, no lead would move.
fn pause(member: &mut dyn Member, owned: &mut [Option<Owned>]) -> Result<(), PipelineError> {
    for (partition, owned) in (0..).zip(owned).filter_map(|(partition, owned)| Some((partition, owned.as_mut()?))) {
        let is_moving = owned.state.is_moving();
        if std::mem::replace(&mut owned.paused, is_moving) != is_moving {
            for input in 0..Topics::EVENTS {
                member.pause(input, partition, is_moving)?;
            }
        }
    }
    Ok(())
}

/// A partition this worker owns.
pub(crate) struct Owned {
    state: Partition,
    /// Its events are not taken.
    paused: bool,
    /// What the open batch has read of it, in the order it was interleaved.
    inputs: Vec<InputRange>,
    /// What became of each of these records.
    fates: Vec<Fate>,
    decisions: u64,
    actions: u64,
    /// One past the last offset of each input that is committed or about to be.
    read: Vec<InputOffset>,
    /// The epoch of the last block.
    rule_epoch: i64,
}

impl Owned {
    pub(crate) fn new(state: Partition, read: Vec<InputOffset>, rule_epoch: i64) -> Owned {
        Owned {
            state,
            paused: false,
            inputs: Vec::new(),
            fates: Vec::new(),
            decisions: 0,
            actions: 0,
            read,
            rule_epoch,
        }
    }

    /// Notes a record, in the order of offsets that a batch reads. It is taken for dead until it is applied.
    fn note(&mut self, record: &Record<'_>) {
        let input = i32::try_from(record.input).unwrap_or(i32::MAX);
        match self.inputs.last_mut() {
            Some(last) if last.input == input => last.next = record.offset + 1,
            _ => self.inputs.push(InputRange { input, from: record.offset, next: record.offset + 1 }),
        }
        self.fates.push(Fate::DeadLettered);
    }

    /// Whether the record is in a block already: the group's offsets were moved back.
    fn has_read(&self, record: &Record<'_>) -> bool {
        self.read.iter().any(|read| usize::try_from(read.input) == Ok(record.input) && record.offset < read.next)
    }

    /// What the open batch's block says of it.
    fn header(&mut self, partition: u32, rule_epoch: i64, clock: Option<Timestamp>) -> BatchHeader {
        let fates = Fate::runs(&self.fates);
        self.fates.clear();
        let inputs = std::mem::take(&mut self.inputs);
        restore::note_read(&mut self.read, &inputs);
        self.rule_epoch = rule_epoch;
        BatchHeader {
            partition,
            inputs,
            fates,
            decisions: i64::try_from(std::mem::take(&mut self.decisions)).unwrap_or(i64::MAX),
            actions: i64::try_from(std::mem::take(&mut self.actions)).unwrap_or(i64::MAX),
            rule_epoch,
            clock,
        }
    }

    /// What the batch changed is committed.
    pub(crate) fn settle(&mut self) {
        self.state.settle();
    }
}

/// The partitions as a checkpoint sees them.
fn sitters(owned: &[Option<Owned>]) -> impl Iterator<Item = Sitter<'_>> + Clone {
    (0..).zip(owned).filter_map(|(partition, owned)| {
        let Owned { state, read, rule_epoch, .. } = owned.as_ref()?;
        Some(Sitter { partition, state, read, rule_epoch: *rule_epoch })
    })
}

/// An event that waits for its turn.
struct Ahead<'r> {
    event: Event<'r>,
    /// `None` where it is no event.
    seen: Option<Seen>,
    /// In place of an event.
    step: Option<(usize, SpreadStep<'r>)>,
}

/// What is known of an event before its turn.
struct Seen {
    /// Place of its workspace's rule set in the snapshot.
    rules: usize,
    /// Whether the event before it has other rules: these may be far.
    rules_are_far: bool,
    /// Place of its record in the batch's records of its partition.
    place: usize,
    foreseen: Foreseen,
    /// Of one that another partition passed on.
    passed_on: Option<PassedOn>,
}

impl Ahead<'_> {
    /// A place for an event.
    fn new() -> Self {
        Ahead { event: Event::new("", "", EventKind::MessageCreated, Timestamp(0)), seen: None, step: None }
    }
}

fn state_of<'o>(owned: &'o mut [Option<Owned>], record: &Record<'_>) -> Option<&'o mut Owned> {
    owned.get_mut(record.partition as usize)?.as_mut()
}

/// The open batch: everything between two commits.
pub(crate) struct Batch {
    pub(crate) snapshot: Snapshot,
    encoder: Encoder,
    headers: Headers,
    pub(crate) transaction: Transaction,
    pub(crate) counts: TotalsSnapshot,
    received: [u64; 3],
    records: usize,
    clock: Arc<dyn Clock>,
    /// When its first record came, by the wall clock: append times count as no later, so that a producer whose clock is
    /// ahead does not move the window of idempotency keys past everything in it. The block says it, for who runs it again.
    taken_at: Option<Timestamp>,
    /// When its first record came, by the monotonic clock.
    opened: Option<Duration>,
    /// Append times of sampled records.
    sampled: Vec<Timestamp>,
    /// Whether the log was told that a transaction begins.
    begun: bool,
    /// Whether the last poll left nothing behind.
    kept_up: bool,
    /// When the next commit may begin while the worker keeps up.
    paced: Option<Duration>,
    interval: Duration,
    age_max: Duration,
    records_max: usize,
    bytes_max: usize,
    /// Memory it may take, with what commits it.
    memory_max: usize,
    latency_sample: u32,
    /// How many partitions the inputs have.
    partitions: u32,
    /// A step of a move that could not be written.
    failed: Option<EncodeError>,
    /// A partition that sent a record and is not owned.
    stray: Option<u32>,
    /// Where the compiled rules of the latest event are.
    latest_rules: Option<usize>,
}

impl Batch {
    pub(crate) fn new(registry: Arc<Registry>, config: &Config, clock: Arc<dyn Clock>, partitions: u32) -> Batch {
        Batch {
            snapshot: Snapshot::new(registry),
            encoder: Encoder::new(),
            headers: Headers::new(),
            transaction: Transaction::default(),
            counts: TotalsSnapshot::default(),
            received: [0; 3],
            records: 0,
            clock,
            taken_at: None,
            opened: None,
            sampled: Vec::new(),
            begun: false,
            kept_up: true,
            paced: None,
            interval: config.interval(),
            age_max: config.batch_max(),
            records_max: config.batch_records_max.max(1),
            bytes_max: config.batch_bytes_max,
            memory_max: usize::MAX,
            latency_sample: config.latency_sample.max(1),
            partitions,
            failed: None,
            stray: None,
            latest_rules: None,
        }
    }

    /// Takes records through the engine, some at a time: while the later ones are decoded, what the earlier ones need of
    /// memory is on its way.
    pub(crate) fn take(&mut self, records: &[Record<'_>], owned: &mut [Option<Owned>]) {
        let mut window: [Ahead<'_>; WINDOW] = std::array::from_fn(|_| Ahead::new());
        for records in records.chunks(WINDOW) {
            for (record, ahead) in records.iter().zip(&mut window) {
                ahead.seen = self.decode(record, ahead, owned);
            }
            for (record, ahead) in records.iter().zip(&mut window) {
                if let (Some(partition), Some(seen)) = (state_of(owned, record), &mut ahead.seen) {
                    let far_rules = self.far_rules(seen);
                    partition.state.approach(&mut seen.foreseen, far_rules);
                }
            }
            for (record, ahead) in records.iter().zip(&window) {
                if let (Some(partition), Some(seen)) = (state_of(owned, record), &ahead.seen) {
                    partition.state.reach(&seen.foreseen, self.far_rules(seen));
                }
            }
            for (record, ahead) in records.iter().zip(&window) {
                match (state_of(owned, record), &ahead.seen, &ahead.step) {
                    (Some(partition), Some(seen), _) => self.apply(record, &ahead.event, seen, partition),
                    (Some(partition), None, Some((place, step))) => self.take_step(record, step, *place, partition),
                    _ => {}
                }
            }
        }
    }

    /// Decodes one record and has its partition look ahead; `None` for one that ends here.
    fn decode<'r>(&mut self, record: &Record<'r>, ahead: &mut Ahead<'r>, owned: &mut [Option<Owned>]) -> Option<Seen> {
        ahead.step = None;
        let Some(partition) = state_of(owned, record) else {
            // LOG-4 rules this out. If it happened, evaluating without the state would be worse than a new session.
            self.stray.get_or_insert(record.partition);
            return None;
        };
        self.open(record);
        partition.note(record);
        self.transaction.advance(record.input, record.partition, record.offset + 1);

        let (place, value) = (partition.fates.len() - 1, record.value.unwrap_or_default());
        let is_from_engine = record.input >= Topics::EVENTS;
        if is_from_engine && partition.has_read(record) {
            // Its first reader has no key of it that could tell.
            partition.fates[place] = Fate::Duplicate;
            return None;
        }
        let decoded = if is_from_engine && kilat_codec::is_spread_step(value) {
            kilat_codec::decode_spread_step(value).and_then(|step| {
                let problem = "hold what cannot be read";
                step.check()
                    .map_err(|_| DecodeError::Invalid { field: "lead_entries, conversation_entries", problem })?;
                ahead.step = Some((place, step));
                Ok(())
            })
        } else {
            kilat_codec::decode_event_into(value, &mut ahead.event)
        };
        if let Err(error) = decoded {
            self.dead_letter(record, error.code(), &error.to_string());
            return None;
        }
        if ahead.step.is_some() {
            return None;
        }
        let passed_on = is_from_engine.then(|| PassedOn::of(record)).flatten();
        if is_from_engine && passed_on.is_none() {
            self.dead_letter(record, NOT_PASSED_ON, "an event that no engine passed on: its header is missing");
            return None;
        }
        let event = &ahead.event;
        let rules = self.snapshot.find(&event.workspace);
        let compiled = self.snapshot.rules(rules).map(|rules| Arc::as_ptr(rules.compiled()).addr());
        let rules_are_far = std::mem::replace(&mut self.latest_rules, compiled) != compiled;
        let foreseen = partition.state.foresee(event, self.snapshot.rules(rules));
        if value.len() > PASSED_ON_BYTES_MAX && partition.state.is_spread(&foreseen, self.snapshot.rules(rules)) {
            let cause = format!("{} bytes, of at most {PASSED_ON_BYTES_MAX} where a workspace is spread", value.len());
            self.dead_letter(record, TOO_LARGE_TO_PASS_ON, &cause);
            return None;
        }
        Some(Seen { rules, rules_are_far, place, foreseen, passed_on })
    }

    /// The rules of an event, where it is worth fetching them.
    fn far_rules(&self, seen: &Seen) -> Option<&RuleSet> {
        self.snapshot.rules(seen.rules).filter(|_| seen.rules_are_far)
    }

    /// Folds an event into its partition's state, runs its rules and encodes what they decided.
    fn apply(&mut self, record: &Record<'_>, event: &Event<'_>, seen: &Seen, partition: &mut Owned) {
        let rules = self.snapshot.rules(seen.rules);
        let before = (self.counts.decisions, self.counts.actions);
        let mut outputs = RecordOutputs {
            transaction: &mut self.transaction,
            encoder: &mut self.encoder,
            headers: &mut self.headers,
            counts: &mut self.counts,
            record,
            partitions: self.partitions,
            failed: None,
        };
        let appended = self.taken_at.map_or(record.timestamp, |taken_at| record.timestamp.min(taken_at));
        partition.state.tell_time(self.taken_at);
        let state = &mut partition.state;
        let applied = match &seen.passed_on {
            None => state.apply_foreseen(event, &seen.foreseen, rules, appended, &mut outputs),
            Some(from) => state.apply_passed_on(event, &seen.foreseen, rules, from.anchor, &mut outputs),
        };
        if let Some(error) = outputs.failed.take() {
            warn!(event_id = %event.id, error = %error, "an output is too large to be written and is left out");
        }
        let decisions = self.counts.decisions - before.0;
        partition.decisions += decisions;
        partition.actions += self.counts.actions - before.1;
        partition.fates[seen.place] = match applied {
            Applied::Duplicate => {
                self.counts.duplicates += 1;
                Fate::Duplicate
            }
            Applied::PassedOn => {
                self.counts.passed_on += 1;
                Fate::PassedOn
            }
            Applied::Evaluated { caused } => {
                self.counts.evaluated += 1;
                self.counts.caused += u64::from(caused);
                if decisions > 0 { Fate::Decided } else { Fate::Quiet }
            }
        };
    }

    /// Carries out a step in moving leads.
    fn take_step(&mut self, record: &Record<'_>, step: &SpreadStep<'_>, place: usize, partition: &mut Owned) {
        let mut outputs = RecordOutputs {
            transaction: &mut self.transaction,
            encoder: &mut self.encoder,
            headers: &mut self.headers,
            counts: &mut self.counts,
            record,
            partitions: self.partitions,
            failed: None,
        };
        partition.state.take_step(step, &mut outputs);
        // A step is cut to what a record holds; one that could not be written must not be committed without.
        self.failed = self.failed.take().or(outputs.failed.take());
        partition.fates[place] = Fate::Step;
    }

    fn dead_letter(&mut self, record: &Record<'_>, code: &'static str, cause: &str) {
        let topic = Topics::INPUTS[record.input].name();
        warn!(topic, partition = record.partition, offset = record.offset, code, error = cause, "record dead-lettered");
        metrics::RECORDS_DEAD_LETTERED.with([topic, code]).increment(1);
        let output = Topics::dead_letters_of(record.input);
        let letter = DeadLetter {
            by: "kilat-engine",
            topic,
            partition: record.partition,
            offset: record.offset,
            key: record.key.unwrap_or_default(),
            value: record.value.unwrap_or_default(),
            headers: &record.headers(),
            code,
            cause,
        };
        letter.append(&mut self.transaction, output);
        self.counts.dead_lettered += 1;
    }

    fn open(&mut self, record: &Record<'_>) {
        if self.records == 0 {
            // Now, and not when the last batch ended: that may be long ago, and rules have changed since.
            self.snapshot.refresh();
        }
        self.opened.get_or_insert_with(|| self.clock.monotonic());
        self.taken_at.get_or_insert_with(|| self.clock.wall());
        if (self.records as u32).is_multiple_of(self.latency_sample) {
            self.sampled.push(record.timestamp);
        }
        self.records += 1;
        self.received[record.input] += 1;
        self.counts.events += u64::from(record.input < Topics::EVENTS);
    }

    /// Appends changed leads and state blocks; the batch is then ready to be committed.
    pub(crate) fn close(&mut self, owned: &mut [Option<Owned>]) -> Result<(), PipelineError> {
        self.failed.take().map_or(Ok(()), Err)?;
        for (number, partition) in owned.iter_mut().enumerate() {
            let Some(owned) = partition else { continue };
            for (share, step) in owned.state.moves() {
                let step = SpreadStep { router: i32::try_from(number).unwrap_or(i32::MAX), ..step };
                outputs::append_step(&mut self.transaction, &mut self.encoder, (share, self.partitions), &step)?;
            }
            for lead in owned.state.published() {
                outputs::append_lead(&mut self.transaction, &mut self.encoder, &lead)?;
            }
            let header = owned.header(u32::try_from(number).unwrap_or(u32::MAX), self.snapshot.epoch(), self.taken_at);
            for block in &owned.state.blocks(header) {
                outputs::append_block(&mut self.transaction, &mut self.encoder, block)?;
            }
        }
        Ok(())
    }

    /// Starts the next batch.
    pub(crate) fn begin(&mut self) {
        self.transaction.clear();
        // What is written when a batch closes comes on top of what closed it.
        self.transaction.shrink_to(output_of_batch(self.memory_max).saturating_mul(2));
        self.counts = TotalsSnapshot::default();
        self.received = [0; 3];
        self.records = 0;
        self.begun = false;
        self.opened = None;
        self.taken_at = None;
        self.sampled.clear();
    }

    /// Forgets the open batch: its partitions are lost, and another member starts from what is committed.
    fn drop_open(&mut self) {
        self.begin();
    }

    /// How long ago its first record came.
    fn age(&self) -> Option<Duration> {
        self.opened.map(|opened| self.clock.monotonic().saturating_sub(opened))
    }

    /// How long the next poll may wait.
    fn patience(&self, capture: Option<&Capture>) -> Duration {
        let idle = if capture.is_some_and(Capture::is_scanning) { capture::HURRY } else { IDLE_POLL };
        match self.age() {
            None => idle,
            Some(_) if !self.kept_up => Duration::ZERO,
            Some(age) => self.pause().min(self.age_max.saturating_sub(age)),
        }
    }

    /// A commit begins: the next one follows after the interval.
    fn pace(&mut self) {
        self.paced = Some(self.clock.monotonic() + self.interval);
    }

    /// How long until the next commit while the worker keeps up.
    fn pause(&self) -> Duration {
        self.paced.map_or(Duration::ZERO, |paced| paced.saturating_sub(self.clock.monotonic()))
    }

    /// How many records the next poll takes.
    fn room(&self) -> usize {
        POLL_RECORDS_MAX.min(self.records_max - self.records.min(self.records_max - 1))
    }

    /// Small while the worker keeps up, so that little waits; large while it is behind, as a transaction costs much the
    /// same whatever its size.
    fn is_due(&self) -> bool {
        self.age().is_some_and(|age| {
            let full = age >= self.age_max
                || self.records >= self.records_max
                || self.transaction.bytes() >= self.bytes_max
                || of_batch(self.records, self.transaction.bytes()) >= self.memory_max;
            full || (self.kept_up && self.pause().is_zero())
        })
    }
}

/// Metric handles of one worker, resolved once.
struct Measures {
    counters: Counters,
    commit_seconds: Histogram,
    batch_seconds: Histogram,
    batch_records: Histogram,
    latency_seconds: Histogram,
    partitions: Gauge,
    drain_rate: Gauge,
    catch_up_seconds: Gauge,
    catch_up: CatchUp,
    lags: Vec<((usize, u32), Gauge)>,
    group: String,
    clock: Arc<dyn Clock>,
    observed: Option<Duration>,
}

impl Measures {
    fn new(config: &Config, worker: usize, clock: Arc<dyn Clock>) -> Measures {
        Measures {
            counters: Counters::new(),
            commit_seconds: metrics::TRANSACTION_SECONDS.with([]),
            batch_seconds: metrics::BATCH_SECONDS.with([]),
            batch_records: metrics::TRANSACTION_RECORDS.with([]),
            latency_seconds: metrics::EVENT_TO_COMMIT_SECONDS.with([]),
            partitions: metrics::PARTITIONS_OWNED.with([&config.group, &worker.to_string()]),
            drain_rate: metrics::DRAIN_RATE.with([&config.group, &worker.to_string()]),
            catch_up_seconds: metrics::CATCH_UP_SECONDS.with([&config.group, &worker.to_string()]),
            catch_up: CatchUp::default(),
            lags: Vec::new(),
            group: config.group.clone(),
            clock,
            observed: None,
        }
    }

    fn observe_commit(&mut self, commit: Duration, batch: &Batch) {
        self.counters.add(batch.received, &batch.counts);
        self.commit_seconds.record(commit.as_secs_f64());
        self.batch_records.record(batch.records as f64);
        if let Some(age) = batch.age() {
            self.batch_seconds.record(age.saturating_sub(commit).as_secs_f64());
        }
        let now = self.clock.wall();
        for appended in &batch.sampled {
            self.latency_seconds.record(now.since(*appended).as_secs_f64());
        }
    }

    fn observe_owned(&self, partitions: usize) {
        self.partitions.set(partitions as f64);
    }

    /// Whether it is time to look at what is not worth a look at every turn.
    fn is_time(&mut self) -> bool {
        const EVERY: Duration = Duration::from_millis(500);
        let now = self.clock.monotonic();
        let is_time = self.observed.is_none_or(|observed| now >= observed + EVERY);
        if is_time {
            self.observed = Some(now);
        }
        is_time
    }

    /// Reads the lag; records behind, over all partitions.
    fn observe_lag(&mut self, member: &dyn Member) -> u64 {
        let lags = member.lag();
        let lag = lags.iter().map(|lag| lag.records).sum();
        let outlook = self.catch_up.observe(self.clock.monotonic(), lag);
        self.drain_rate.set(outlook.records_per_second);
        self.catch_up_seconds.set(outlook.seconds);
        for lag in lags {
            let key = (lag.input, lag.partition);
            let known = self.lags.iter().position(|(known, _)| *known == key);
            let at = known.unwrap_or_else(|| {
                let topic = Topics::INPUTS[lag.input].name();
                let gauge = metrics::LAG_RECORDS.with([&self.group, topic, &lag.partition.to_string()]);
                self.lags.push((key, gauge));
                self.lags.len() - 1
            });
            self.lags[at].1.set(lag.records as f64);
        }
        lag
    }
}
