//! One membership of a lane in its group: the way of an action from its record to its result, top to bottom.
//!
//! record → decode (poison: dead letter) → ledger → turn → gate → secrets → render → wire → classify → verdict →
//! result → transaction with the finished offsets.
//!
//! A session owns the member, the machine and the ledger, on one thread; requests travel on the lane's wire (`wire.rs`). Any
//! error of the log ends it, and the next one starts from what the log says.
//!
//! - W-1: an action that must not be repeated (`hold`) is announced (`sending`, committed) before its request goes out.
//!   Announced without a result, it is found by the next session, not sent again, and settled as `unknown`. Where the
//!   partner has clearly not done it, the announcement is withdrawn, and the action may be tried again.
//! - W-2: answers to deliveries that were revoked since change nothing.
//! - W-4: what comes after an action that was not delivered, in its conversation and to its endpoint, goes out when that is
//!   committed: else a process that ends in between would have the later one done, and then the earlier one after all.
//! - W-5: a dead letter is written with the offset that passes its record: it is in no ledger, and what is read again would be
//!   there twice.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use kilat_codec::{Topic, decode_action, decode_action_result, traceparent};
use kilat_delivery::{Admission, Machine, RetryPolicy, Settled, Token, Turn};
use kilat_domain::{Action, OnUnknown, Outcome, Verdict};
use kilat_log::{LogError, Member, MemberSpec, Polled, Start, each};
use kilat_partners::{HttpRequest, Partner, Refusal, partner_for};

use crate::client::redacted;
use crate::conclusion::{Conclusion, classify, conclusion_of, result_of};
use crate::delivery::{Delivery, Taken, destination_key, order_of};
use crate::ledger::{Known, Ledger};
use crate::measures::{Measures, Tally, lane_name};
use crate::outbox::{Carried, Outbox};
use crate::random::Random;
use crate::secrets::Secrets;
use crate::wire::{Answered, Wire};
use crate::worker::Worker;
use crate::{CallReport, gate};

/// The longest wait for records where nothing is under way; bounds how late a stop is noticed.
const IDLE_POLL: Duration = Duration::from_millis(100);
/// The longest wait for answers before looking for records again.
const BUSY_WAIT: Duration = Duration::from_millis(5);
/// The longest wait for records of the ledger at a time.
const LEDGER_POLL: Duration = Duration::from_millis(200);
/// How often gauges are set.
const MEASURE_INTERVAL: Duration = Duration::from_millis(500);
/// Dead letters that wait for what is before them; at so many intake pauses.
const LETTERS_MAX: usize = 1_000;
/// Results of failed commits that are remembered; beyond this they are forgotten, and their actions end as the ledger says.
const CARRIED_MAX: usize = 100_000;

/// How a session ends without an error of the log.
pub(crate) enum Ended {
    /// The process stops.
    Stopped,
    /// Partitions were lost with records of theirs in the open transaction, which may not be committed now.
    Lost,
}

/// One membership in the lane's group.
pub(crate) struct Session<'w> {
    worker: &'w Worker,
    topic: Topic,
    member: Box<dyn Member>,
    machine: Machine<Delivery>,
    ledger: Ledger,
    secrets: Secrets,
    outbox: Outbox,
    /// Final results of earlier sessions that could not be committed, by action id (W-3).
    carried: HashMap<Box<str>, Carried>,
    /// Requests that go out once the open transaction is committed (W-1, W-4).
    announced: Vec<Outgoing>,
    /// What must be in order with an undelivered action whose result is in the open transaction (W-4).
    undelivered: HashSet<String>,
    wire: Box<dyn Wire>,
    /// Requests on the wire, by their numbers there.
    under_way: HashMap<u64, UnderWay>,
    numbered: u64,
    retry: HashMap<&'static str, RetryPolicy>,
    random: Random,
    /// Records that end as dead letters, by partition and offset, until all before them is finished (W-5).
    letters: BTreeMap<(u32, i64), Letter>,
    measures: Measures,
    measured_at: Duration,
    pub(crate) has_committed: bool,
}

/// A request ready to be sent.
struct Outgoing {
    token: Token,
    partition: u32,
    partner: &'static dyn Partner,
    request: HttpRequest,
}

/// A record that ends as a dead letter.
struct Letter {
    record: Arc<Taken>,
    code: &'static str,
    cause: String,
}

/// A request that was sent.
struct UnderWay {
    token: Token,
    partition: u32,
    partner: &'static dyn Partner,
    host: String,
}

impl<'w> Session<'w> {
    /// Joins the group; jitter and span ids are drawn from `seed`.
    pub(crate) fn join(worker: &'w Worker, seed: u64) -> Result<Self, LogError> {
        let config = &worker.config;
        let topic = Topic::of_lane(worker.lane);
        let group = format!("{}-{}", config.group, lane_name(worker.lane));
        let member = worker.log.join(&MemberSpec {
            group: group.clone(),
            instance: config.instance.clone(),
            inputs: vec![topic.name().to_owned()],
            outputs: vec![Topic::ActionResults.name().to_owned(), topic.dlq_name().to_owned()],
        })?;
        Ok(Session {
            worker,
            topic,
            member,
            machine: Machine::new(config.limits()),
            ledger: Ledger::new(Duration::from_secs(config.ledger_window_s), config.ledger_entries_max),
            secrets: Secrets::new(&config.secrets),
            outbox: Outbox::new(config.transaction_interval(), config.transaction_bytes_max),
            carried: HashMap::new(),
            announced: Vec::new(),
            undelivered: HashSet::new(),
            wire: worker.wires.open(worker.lane, config.concurrency),
            under_way: HashMap::new(),
            numbered: 0,
            retry: HashMap::new(),
            random: Random::new(seed),
            measures: Measures::new(worker.lane, topic.name(), &group, &config.instance),
            letters: BTreeMap::new(),
            measured_at: Duration::ZERO,
            has_committed: false,
        })
    }

    /// Takes over final results that earlier sessions could not commit.
    pub(crate) fn carry(&mut self, carried: HashMap<Box<str>, Carried>) {
        self.carried = carried;
    }

    fn now(&self) -> Duration {
        self.worker.clock.monotonic()
    }

    /// The loop.
    pub(crate) fn run(&mut self) -> Result<Ended, LogError> {
        while !self.worker.stopping() {
            if let Some(ended) = self.take_in()? {
                return Ok(ended);
            }
            self.take_answers(Duration::ZERO);
            self.start_turns();
            self.commit_when_due()?;
            self.measure();
            if self.machine.in_flight() > 0 {
                self.take_answers(self.wait_at_most(BUSY_WAIT));
            }
        }
        let partitions: Vec<u32> = self.machine.partitions().collect();
        self.finish(&partitions, Duration::from_millis(self.worker.config.stop_grace_ms))?;
        Ok(Ended::Stopped)
    }

    // ---- record → decode → ledger ----

    /// Takes in as many records as there is room for.
    fn take_in(&mut self) -> Result<Option<Ended>, LogError> {
        let room = if self.letters.len() < LETTERS_MAX { self.machine.room() } else { 0 };
        let room = room.min(self.worker.config.poll_records_max);
        let is_busy = self.machine.in_flight() > 0;
        let timeout = if is_busy { Duration::ZERO } else { self.wait_at_most(IDLE_POLL) };
        let mut taken = Vec::new();
        let polled = self.member.poll(timeout, room, &mut each(|record| taken.push(Taken::from(record))))?;
        for record in taken {
            self.admit(record);
        }
        match polled {
            Polled::Records(_) => {}
            Polled::Assigned(partitions) => self.assigned(&partitions)?,
            Polled::Revoked { lost: true, .. } if self.outbox.due_at().is_some() => return Ok(Some(Ended::Lost)),
            Polled::Revoked { lost: true, partitions } => self.forget(&partitions),
            Polled::Revoked { lost: false, partitions } => {
                self.finish(&partitions, Duration::from_millis(self.worker.config.revoke_grace_ms))?;
            }
        }
        Ok(None)
    }

    fn admit(&mut self, record: Taken) {
        self.measures.received.increment(1);
        Tally::add(&self.worker.shared.tally.received, 1);
        let now = self.now();
        let (partition, offset) = (record.partition, record.offset);
        let action = match decode_action(&record.value) {
            Ok(action) => action,
            Err(error) => {
                tracing::warn!(topic = self.topic.name(), partition, offset, error = %error, "action dead-lettered");
                if self.machine.skip(partition, offset) {
                    let letter = Letter { code: error.code(), cause: error.to_string(), record: Arc::new(record) };
                    self.letters.insert((partition, offset), letter);
                    self.outbox.open(now);
                }
                return;
            }
        };
        let known = self.ledger.get(partition, &action.id);
        if known == Some(Known::Final) {
            return self.skip_repeated(partition, offset, now);
        }
        // What another process announced meanwhile is newer than what this one knows.
        let carried = self.carried.remove(&*action.id);
        if let Some(carried) = carried.filter(|carried| known.is_none() || carried.announced) {
            self.ledger.record(partition, &action.id, Some((carried.outcome, self.worker.clock.wall())));
            self.outbox.carried(partition, &action.id, &carried, now);
            if carried.outcome != Outcome::Delivered {
                self.undelivered.insert(order_of(&action));
            }
            self.machine.skip(partition, offset);
            return;
        }
        let destination = destination_key(&action);
        let age = self.worker.clock.wall().since(record.timestamp);
        let admission = Admission {
            partition,
            offset,
            key: order_of(&action).into(),
            workspace: action.workspace.as_str().into(),
            destination: destination.into(),
            on_unknown: action.on_unknown,
            retry: self.retry_policy(&action),
            give_up_at: now + self.worker.config.age_max().saturating_sub(age),
            item: Delivery::new(record),
        };
        self.machine.admit(admission, now);
    }

    fn retry_policy(&mut self, action: &Action<'_>) -> RetryPolicy {
        let config = &self.worker.config;
        // What no partner takes is refused at its turn; it is not retried.
        let (name, steps) = partner_for(action).map_or(("none", &[][..]), |p| (p.name(), p.retry_steps()));
        let policy = self.retry.entry(name).or_insert_with(|| RetryPolicy {
            steps: match &config.retry_steps_ms {
                Some(steps) => steps.iter().copied().map(Duration::from_millis).collect(),
                None => steps.into(),
            },
            wait_max: Duration::from_secs(config.retry_after_max_s),
        });
        policy.clone()
    }

    fn skip_repeated(&mut self, partition: u32, offset: i64, now: Duration) {
        if self.machine.skip(partition, offset) {
            self.measures.repeated.increment(1);
            Tally::add(&self.worker.shared.tally.repeated, 1);
            self.outbox.open(now);
        }
    }

    // ---- turn → gate → secrets → render ----

    /// Starts every delivery whose turn it is.
    fn start_turns(&mut self) {
        while let Some(turn) = self.machine.turn(self.now()) {
            self.start(turn);
        }
    }

    fn start(&mut self, turn: Turn) {
        let token = turn.token;
        let Some(delivery) = self.machine.item(token) else { return };
        let (record, announced) = (delivery.record.clone(), delivery.announced);
        // It was decoded when it was taken in.
        let Ok(action) = decode_action(&record.value) else { return self.drop_delivery(token) };
        match self.ledger.get(record.partition, &action.id) {
            Some(Known::Final) => {
                self.measures.repeated.increment(1);
                Tally::add(&self.worker.shared.tally.repeated, 1);
                return self.drop_delivery(token);
            }
            Some(Known::Sending) if !announced => {
                let detail = "a request was announced and its process ended before an answer was written";
                let conclusion = Conclusion::ours(Outcome::Unknown, "interrupted", Some(detail.to_owned()));
                return self.conclude_turn(token, &action, conclusion);
            }
            Some(Known::Sending) | None => {}
        }
        match self.prepare(&action, turn.disabled) {
            Err(refusal) => self.conclude_turn(token, &action, refusal.into()),
            Ok((partner, request)) => {
                let outgoing = Outgoing { token, partition: record.partition, partner, request };
                match action.on_unknown {
                    OnUnknown::Resend if self.follows_undelivered(&action) => self.announced.push(outgoing),
                    OnUnknown::Resend => self.send(outgoing),
                    OnUnknown::Hold => self.announce(&action, outgoing),
                }
            }
        }
    }

    /// Whether an action before it in its order was not delivered, and that is not committed (W-4).
    fn follows_undelivered(&self, action: &Action<'_>) -> bool {
        !self.undelivered.is_empty() && self.undelivered.contains(&order_of(action))
    }

    /// The request that carries an action out now, or why there is none.
    fn prepare(
        &mut self,
        action: &Action<'_>,
        endpoint_is_disabled: bool,
    ) -> Result<(&'static dyn Partner, HttpRequest), Refusal> {
        let now = self.worker.clock.wall();
        if let Some(refusal) = gate::refusal(action, now) {
            return Err(refusal);
        }
        if endpoint_is_disabled {
            return Err(Refusal::failed("endpoint_disabled", "the endpoint answered 410 twice: it wants nothing more"));
        }
        let partner = partner_for(action)?;
        let destination = action.destination.as_ref();
        let monotonic = self.now();
        let mut resolve = |reference: Option<&str>| {
            let resolved = reference.map(|reference| self.secrets.resolve(reference, monotonic)).transpose();
            resolved.map_err(|error| Refusal::failed("secret_unavailable", error.to_string()))
        };
        let current = resolve(destination.and_then(|to| to.secret.as_deref()))?;
        let previous = resolve(destination.and_then(|to| to.previous_secret.as_deref()))?;
        let secrets = kilat_partners::Secrets { current: current.as_deref(), previous: previous.as_deref() };
        Ok((partner, partner.render(action, &secrets, now)?))
    }

    /// Writes `sending` first; the request goes out when that is committed (W-1).
    fn announce(&mut self, action: &Action<'_>, outgoing: Outgoing) {
        let at = self.worker.clock.wall();
        let Some(delivery) = self.machine.item(outgoing.token) else { return };
        delivery.announced = true;
        let conclusion = Conclusion::ours(Outcome::Sending, "", None);
        let result = result_of(action, delivery, &conclusion, at);
        let traceparent = delivery.traceparent();
        match self.outbox.result(
            outgoing.partition,
            &result,
            ("", false),
            traceparent.as_deref(),
            self.worker.clock.monotonic(),
        ) {
            Ok(()) => {
                self.ledger.record(outgoing.partition, &action.id, Some((Outcome::Sending, at)));
                self.announced.push(outgoing);
            }
            Err(error) => {
                // Its final result cannot be encoded either: that makes it a dead letter.
                let conclusion = Conclusion::ours(Outcome::Failed, "result_too_large", Some(error.to_string()));
                self.conclude_turn(outgoing.token, action, conclusion);
            }
        }
    }

    // ---- guarded client → classify → verdict ----

    fn send(&mut self, outgoing: Outgoing) {
        let Outgoing { token, partition, partner, request } = outgoing;
        let Some(delivery) = self.machine.item(token) else { return };
        delivery.attempts = delivery.attempts.saturating_add(1);
        let span = self.random.bits();
        let traceparent = delivery.record.traceparent.map(|parent| traceparent::child(parent, span).to_string());
        let number = self.numbered;
        self.numbered += 1;
        let host = redacted(&request.url);
        self.wire.send(number, request, traceparent);
        self.under_way.insert(number, UnderWay { token, partition, partner, host });
        Tally::add(&self.worker.shared.tally.attempts, 1);
    }

    /// Settles every answer there is, waiting up to `timeout` for the first.
    fn take_answers(&mut self, timeout: Duration) {
        let mut next = self.wire.receive(timeout);
        while let Some(answered) = next {
            self.settle(answered);
            next = self.wire.receive(Duration::ZERO);
        }
    }

    fn settle(&mut self, answered: Answered) {
        let Answered { number, outcome, took } = answered;
        let Some(UnderWay { token, partner, host, .. }) = self.under_way.remove(&number) else { return }; // W-2
        let answer = classify(partner, &outcome);
        let status = outcome.as_ref().ok().map(|response| response.status);
        self.measures.attempt(partner.name(), answer.verdict, took);
        let now = self.now();
        let Some(delivery) = self.machine.item(token) else { return };
        delivery.endpoint_time += took;
        delivery.http_status = status.map(i32::from);
        let (record, announced, attempt) = (delivery.record.clone(), delivery.announced, delivery.attempts);
        let Ok(action) = decode_action(&record.value) else { return self.drop_delivery(token) };
        self.report(&action, partner, host, attempt, answer.verdict, status, took);

        match self.machine.settle(token, answer.verdict, now, self.random.unit()) {
            None => {}
            Some(Settled::Parked(wait)) => {
                tracing::debug!(
                    action_id = action.id.as_str(),
                    partner = partner.name(),
                    verdict = answer.verdict.name(),
                    wait_ms = wait.as_millis() as u64,
                    "action is tried again later"
                );
                if announced {
                    // The answer is clear: nothing was done, nothing is under way (W-1).
                    self.outbox.withdraw(record.partition, &action.id, now);
                    self.ledger.record(record.partition, &action.id, None);
                    if let Some(delivery) = self.machine.item(token) {
                        delivery.announced = false;
                    }
                }
            }
            Some(Settled::Finished(ending, delivery)) => {
                self.conclude(&action, &delivery, conclusion_of(ending, answer));
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one report")]
    fn report(
        &self,
        action: &Action<'_>,
        partner: &'static dyn Partner,
        host: String,
        attempt: i32,
        verdict: Verdict,
        http_status: Option<u16>,
        took: Duration,
    ) {
        let Some(calls) = &self.worker.calls else { return };
        let endpoint = action.destination.as_ref().map(|to| to.name.as_str()).unwrap_or_default();
        // Whoever watches may miss reports; nobody waits for them.
        let _ = calls.try_send(CallReport {
            at: self.worker.clock.wall(),
            lane: self.worker.lane,
            partner: partner.name(),
            workspace: action.workspace.as_str().into(),
            endpoint: endpoint.into(),
            url: host.into(),
            action_id: action.id.as_str().into(),
            attempt,
            verdict: verdict.name(),
            http_status,
            millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
    }

    // ---- result → transaction ----

    /// Ends a delivery that holds its turn and was not sent.
    fn conclude_turn(&mut self, token: Token, action: &Action<'_>, mut conclusion: Conclusion) {
        if let Some(delivery) = self.machine.finish(token, self.now()) {
            // It was tried before: not "not sent on purpose".
            if conclusion.outcome == Outcome::Suppressed && delivery.attempts > 0 {
                conclusion.outcome = Outcome::Failed;
            }
            self.conclude(action, &delivery, conclusion);
        }
    }

    /// Ends a delivery without a result: it has one already.
    fn drop_delivery(&mut self, token: Token) {
        let now = self.now();
        self.machine.finish(token, now);
        self.outbox.open(now);
    }

    /// Writes the result of an action.
    fn conclude(&mut self, action: &Action<'_>, delivery: &Delivery, conclusion: Conclusion) {
        let (at, now) = (self.worker.clock.wall(), self.now());
        let record = &delivery.record;
        if conclusion.outcome != Outcome::Delivered {
            self.undelivered.insert(order_of(action));
        }
        let result = result_of(action, delivery, &conclusion, at);
        let traceparent = delivery.traceparent();
        let because = (conclusion.reason, delivery.announced);
        match self.outbox.result(record.partition, &result, because, traceparent.as_deref(), now) {
            Ok(()) => self.ledger.record(record.partition, &action.id, Some((conclusion.outcome, at))),
            Err(error) => {
                tracing::error!(error = %error, "result cannot be encoded");
                let letter = Letter { record: record.clone(), code: error.code(), cause: error.to_string() };
                self.letters.insert((record.partition, record.offset), letter);
                self.outbox.open(now);
            }
        }
    }

    fn commit_when_due(&mut self) -> Result<(), LogError> {
        match self.outbox.due_at() {
            Some(due) if due <= self.now() => self.commit(),
            _ => Ok(()),
        }
    }

    /// Commits results and offsets, then sends what was announced.
    fn commit(&mut self) -> Result<(), LogError> {
        let (machine, now) = (&self.machine, self.now());
        let is_passed = |(partition, offset): &(u32, i64), _: &mut Letter| {
            machine.position(*partition).is_some_and(|position| *offset < position)
        };
        for (_, Letter { record, code, cause }) in self.letters.extract_if(.., is_passed) {
            self.measures.dead_letter(code);
            self.outbox.dead_letter(&record.dead_letter(self.topic, code, &cause), now);
        }
        let positions = machine.partitions().filter_map(|p| Some((p, machine.position(p)?)));
        let committed = self.outbox.commit(&mut *self.member, positions)?;
        self.has_committed = true;
        self.undelivered.clear();
        let tally = &self.worker.shared.tally;
        Tally::add(&tally.dead_lettered, committed.dead_letters);
        for settled in committed.finals {
            tally.settled(settled.outcome);
            self.measures.outcome(settled.outcome, settled.reason);
        }
        for outgoing in std::mem::take(&mut self.announced) {
            self.send(outgoing);
        }
        self.ledger.expire(self.worker.clock.wall());
        Ok(())
    }

    /// Sets the gauges, now and then.
    fn measure(&mut self) {
        let now = self.now();
        if now < self.measured_at + MEASURE_INTERVAL {
            return;
        }
        self.measured_at = now;
        self.measures.in_flight.set(self.machine.in_flight() as f64);
        self.measures.parked.set(self.machine.parked() as f64);
        self.measures.unfinished.set(self.machine.held() as f64);
        self.measures.ledger_entries.set(self.ledger.len() as f64);
        self.measures.partitions_owned.set(self.machine.partitions().count() as f64);
        self.measures.lag(&self.member.lag());
    }

    /// How long to wait for something to happen, at most `most`.
    fn wait_at_most(&self, most: Duration) -> Duration {
        let now = self.now();
        let events = [self.outbox.due_at(), self.machine.next_due()];
        events.into_iter().flatten().map(|at| at.saturating_sub(now)).min().map_or(most, |wait| wait.min(most))
    }

    // ---- partitions come and go ----

    /// Reads back what became of the actions of these partitions, before any of them is taken.
    fn assigned(&mut self, partitions: &[u32]) -> Result<(), LogError> {
        for partition in partitions {
            self.machine.assign(*partition, self.now());
            self.ledger.open(*partition);
        }
        let results = Topic::ActionResults.name();
        let mut follower = self.worker.log.follow(results, Some(partitions), Start::Earliest)?;
        let (ledger, now) = (&mut self.ledger, self.worker.clock.wall());
        loop {
            let followed = follower.poll(LEDGER_POLL, &mut |record| {
                let Some(action_id) = record.key.and_then(|key| std::str::from_utf8(key).ok()) else { return };
                let result = record.value.map(decode_action_result);
                match result {
                    None => ledger.record(record.partition, action_id, None),
                    Some(Ok(result)) => ledger.record(record.partition, action_id, Some((result.outcome, result.at))),
                    // An unreadable result still says that something was done.
                    Some(Err(error)) => {
                        tracing::warn!(offset = record.offset, error = %error, "unreadable action result");
                        ledger.record(record.partition, action_id, Some((Outcome::Unknown, record.timestamp)));
                    }
                }
            })?;
            if followed.caught_up || self.worker.stopping() {
                break;
            }
        }
        ledger.expire(now);
        tracing::info!(lane = lane_name(self.worker.lane), ?partitions, entries = ledger.len(), "partitions assigned");
        Ok(())
    }

    /// Gives requests of these partitions a while to finish, commits, and forgets the rest.
    fn finish(&mut self, partitions: &[u32], grace: Duration) -> Result<(), LogError> {
        let now = self.now();
        // What was announced and not sent stays unsent: the next owner may send it.
        for outgoing in self.announced.extract_if(.., |outgoing| partitions.contains(&outgoing.partition)) {
            let Some(delivery) = self.machine.item(outgoing.token).filter(|delivery| delivery.announced) else {
                continue;
            };
            if let Ok(action) = decode_action(&delivery.record.value) {
                self.outbox.withdraw(outgoing.partition, &action.id, now);
            }
        }
        let until = now + grace;
        while self.under_way.values().any(|under_way| partitions.contains(&under_way.partition)) {
            let left = until.saturating_sub(self.now());
            if left.is_zero() {
                break;
            }
            self.take_answers(left.min(IDLE_POLL));
        }
        self.commit()?;
        self.forget(partitions);
        Ok(())
    }

    fn forget(&mut self, partitions: &[u32]) {
        let now = self.now();
        for partition in partitions {
            self.machine.revoke(*partition, now);
            self.ledger.close(*partition);
            self.outbox.close(*partition);
        }
        self.announced.retain(|outgoing| !partitions.contains(&outgoing.partition));
        self.letters.retain(|(partition, _), _| !partitions.contains(partition));
        self.under_way.retain(|number, under_way| {
            let keep = !partitions.contains(&under_way.partition);
            if !keep {
                self.wire.give_up(*number);
            }
            keep
        });
    }

    /// Ends after an error of the log; returns the final results that may not be in it (W-3). Requests under way are given up.
    pub(crate) fn abandon(self) -> HashMap<Box<str>, Carried> {
        let mut carried = self.outbox.into_carried();
        // Of earlier sessions there may be some whose records have not come again yet.
        if self.carried.len() + carried.len() <= CARRIED_MAX {
            for (action_id, earlier) in self.carried {
                carried.entry(action_id).or_insert(earlier);
            }
        }
        carried
    }
}
