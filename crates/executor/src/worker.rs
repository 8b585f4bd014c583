//! One lane: the way of an action from its record to its result, top to bottom.
//!
//! record → decode (poison: dead letter) → ledger → turn → gate → secrets → render → guarded client → classify → verdict →
//! result → transaction with the finished offsets.
//!
//! A lane is one thread. It owns the member, the machine and the ledger; HTTP runs on the runtime, one task per request,
//! and answers come back through a bounded channel. A [`Session`] is one membership: any error of the log ends it, and the
//! next one starts from what the log says.
//!
//! - W-1: an action that must not be repeated (`hold`) is announced (`sending`, committed) before its request goes out.
//!   Announced without a result, it is found by the next session, not sent again, and settled as `unknown`. Where the
//!   partner has clearly not done it, the announcement is withdrawn, and the action may be tried again.
//! - W-2: answers to deliveries that were revoked since change nothing.
//! - W-3: a final result whose commit failed is remembered by this process and written by its next session.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use kilat_codec::traceparent::{self, Traceparent};
use kilat_codec::{Topic, decode_action, decode_action_result};
use kilat_delivery::{Admission, Ending, Machine, RetryPolicy, Settled, Token, Turn};
use kilat_domain::{Action, ActionResult, Lane, OnUnknown, Outcome, Timestamp, Verdict};
use kilat_log::{DeadLetter, LogError, Member, MemberSpec, PartitionedLog, Polled, Record, Start, each};
use kilat_partners::{Answer, HttpRequest, HttpResponse, Partner, Refusal, partner_for};
use tokio::task::AbortHandle;

use crate::client::{Client, ExchangeError, Response, redacted};
use crate::clock::Monotonic;
use crate::ledger::{Known, Ledger};
use crate::measures::{Measures, Tally, lane_name};
use crate::outbox::{Carried, Outbox};
use crate::secrets::Secrets;
use crate::service::Shared;
use crate::{CallReport, Config, WallClock, gate};

/// The longest wait for records where nothing is under way; bounds how late a stop is noticed.
const IDLE_POLL: Duration = Duration::from_millis(100);
/// The longest wait for answers before looking for records again.
const BUSY_WAIT: Duration = Duration::from_millis(5);
/// Waits between sessions after errors of the log: the first, and the longest.
const REJOIN_PAUSE: Duration = Duration::from_millis(200);
const REJOIN_PAUSE_MAX: Duration = Duration::from_secs(10);
/// The longest wait for records of the ledger at a time.
const LEDGER_POLL: Duration = Duration::from_millis(200);
/// How often gauges are set.
const MEASURE_INTERVAL: Duration = Duration::from_millis(500);

/// One lane and all it needs.
pub(crate) struct Worker {
    pub(crate) lane: Lane,
    pub(crate) log: Arc<dyn PartitionedLog>,
    pub(crate) config: Arc<Config>,
    pub(crate) client: Client,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) clock: WallClock,
    pub(crate) calls: Option<SyncSender<CallReport>>,
    pub(crate) shared: Arc<Shared>,
}

impl Worker {
    /// Runs until it is stopped; after an error of the log it joins anew.
    pub(crate) fn run(&self) {
        let lane = lane_name(self.lane);
        let mut carried = HashMap::new();
        let mut pause = REJOIN_PAUSE;
        while !self.stopping() {
            let mut session = match Session::join(self, std::mem::take(&mut carried)) {
                Ok(session) => session,
                Err(error) => {
                    tracing::error!(lane, error = %error, "executor lane cannot join its group");
                    self.rest(pause);
                    pause = (pause * 2).min(REJOIN_PAUSE_MAX);
                    continue;
                }
            };
            self.shared.joined.fetch_add(1, Ordering::Relaxed);
            let ended = session.run();
            self.shared.joined.fetch_sub(1, Ordering::Relaxed);
            match ended {
                Ok(Ended::Stopped) => return,
                Ok(Ended::Lost) => tracing::warn!(lane, "executor lane lost partitions and joins anew"),
                Err(error) => tracing::warn!(lane, error = %error, class = ?error.class(), "executor lane joins anew"),
            }
            pause = if session.has_committed { REJOIN_PAUSE } else { (pause * 2).min(REJOIN_PAUSE_MAX) };
            carried = session.abandon();
            self.rest(pause);
        }
    }

    fn stopping(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Waits, in steps short enough to notice a stop.
    fn rest(&self, pause: Duration) {
        let clock = Monotonic::start();
        while clock.now() < pause && !self.stopping() {
            std::thread::park_timeout(IDLE_POLL.min(pause));
        }
    }
}

/// How a session ends without an error of the log.
enum Ended {
    /// The process stops.
    Stopped,
    /// Partitions were lost with records of theirs in the open transaction, which may not be committed now.
    Lost,
}

/// One membership in the lane's group.
struct Session<'w> {
    worker: &'w Worker,
    topic: Topic,
    monotonic: Monotonic,
    member: Box<dyn Member>,
    machine: Machine<Delivery>,
    ledger: Ledger,
    secrets: Secrets,
    outbox: Outbox,
    /// Final results of the last session that could not be committed, by action id (W-3).
    carried: HashMap<Box<str>, Carried>,
    /// Requests that go out once their announcement is committed.
    announced: Vec<Outgoing>,
    under_way: HashMap<Token, UnderWay>,
    answers: Receiver<Answered>,
    answer_to: SyncSender<Answered>,
    retry: HashMap<&'static str, RetryPolicy>,
    random: Random,
    measures: Measures,
    measured_at: Duration,
    has_committed: bool,
}

/// A record as it was taken.
struct Taken {
    partition: u32,
    offset: i64,
    timestamp: Timestamp,
    key: Vec<u8>,
    value: Vec<u8>,
    traceparent: Option<Traceparent>,
    /// All headers of a record that is no action; empty for all others.
    poison_headers: Vec<(String, Vec<u8>)>,
}

impl From<Record<'_>> for Taken {
    fn from(record: Record<'_>) -> Self {
        let value = record.value.unwrap_or_default();
        let mut poison_headers = Vec::new();
        if decode_action(value).is_err() {
            record.headers.for_each(&mut |name, value| poison_headers.push((name.to_owned(), value.to_vec())));
        }
        Taken {
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.unwrap_or_default().to_vec(),
            value: value.to_vec(),
            traceparent: record.header(traceparent::NAME).and_then(|value| traceparent::parse(&value).ok()),
            poison_headers,
        }
    }
}

/// An action on its way. It is kept as the bytes of its record and decoded again when its turn comes.
struct Delivery {
    record: Arc<Taken>,
    /// Its `sending` result is written and not withdrawn.
    announced: bool,
    attempts: i32,
    endpoint_time: Duration,
    http_status: Option<i32>,
}

/// A request ready to be sent.
struct Outgoing {
    token: Token,
    partition: u32,
    partner: &'static dyn Partner,
    request: HttpRequest,
}

/// A request that was sent.
struct UnderWay {
    partition: u32,
    task: AbortHandle,
}

/// What came of a request.
struct Answered {
    token: Token,
    partner: &'static dyn Partner,
    host: String,
    outcome: Result<Response, ExchangeError>,
    took: Duration,
}

/// How an action ends, in the words of its result.
struct Conclusion {
    outcome: Outcome,
    /// Empty where there is none.
    reason: &'static str,
    detail: Option<String>,
    partner_ref: Option<String>,
}

impl From<Refusal> for Conclusion {
    fn from(refusal: Refusal) -> Self {
        let Refusal { outcome, reason, detail } = refusal;
        Conclusion { outcome, reason, detail: Some(detail), partner_ref: None }
    }
}

impl<'w> Session<'w> {
    fn join(worker: &'w Worker, carried: HashMap<Box<str>, Carried>) -> Result<Self, LogError> {
        let config = &worker.config;
        let topic = Topic::of_lane(worker.lane);
        let group = format!("{}-{}", config.group, lane_name(worker.lane));
        let member = worker.log.join(&MemberSpec {
            group: group.clone(),
            instance: config.instance.clone(),
            inputs: vec![topic.name().to_owned()],
            outputs: vec![Topic::ActionResults.name().to_owned(), topic.dlq_name().to_owned()],
        })?;
        // Each request under way answers once; as many more may stem from deliveries that were revoked just now.
        let (answer_to, answers) = sync_channel(2 * config.concurrency);
        Ok(Session {
            worker,
            topic,
            monotonic: Monotonic::start(),
            member,
            machine: Machine::new(config.limits()),
            ledger: Ledger::new(Duration::from_secs(config.ledger_window_s), config.ledger_entries_max),
            secrets: Secrets::new(&config.secrets),
            outbox: Outbox::new(config.transaction_interval(), config.transaction_bytes_max),
            carried,
            announced: Vec::new(),
            under_way: HashMap::new(),
            answers,
            answer_to,
            retry: HashMap::new(),
            random: Random::new(),
            measures: Measures::new(worker.lane, topic.name(), &group, &config.instance),
            measured_at: Duration::ZERO,
            has_committed: false,
        })
    }

    /// The loop.
    fn run(&mut self) -> Result<Ended, LogError> {
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
        let room = self.machine.room().min(self.worker.config.poll_records_max);
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
        let now = self.monotonic.now();
        let (partition, offset) = (record.partition, record.offset);
        let action = match decode_action(&record.value) {
            Ok(action) => action,
            Err(error) => {
                tracing::warn!(topic = self.topic.name(), partition, offset, error = %error, "action dead-lettered");
                if self.machine.skip(partition, offset) {
                    self.measures.dead_letter(error.code());
                    let cause = error.to_string();
                    self.outbox.dead_letter(&dead_letter(self.topic, &record, error.code(), &cause), now);
                }
                return;
            }
        };
        if self.ledger.get(partition, &action.id) == Some(Known::Final) {
            return self.skip_repeated(partition, offset, now);
        }
        if let Some(carried) = self.carried.remove(&*action.id) {
            self.ledger.record(partition, &action.id, Some((carried.outcome, (self.worker.clock)())));
            self.outbox.carried(partition, &action.id, &carried, now);
            self.machine.skip(partition, offset);
            return;
        }
        let destination = destination_key(&action);
        let age = (self.worker.clock)().since(record.timestamp);
        let admission = Admission {
            partition,
            offset,
            key: order_key(&action, &destination).into(),
            workspace: action.workspace.as_str().into(),
            destination: destination.into(),
            on_unknown: action.on_unknown,
            retry: self.retry_policy(&action),
            give_up_at: now + self.worker.config.age_max().saturating_sub(age),
            item: Delivery {
                announced: false,
                attempts: 0,
                endpoint_time: Duration::ZERO,
                http_status: None,
                record: Arc::new(record),
            },
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
        while let Some(turn) = self.machine.turn(self.monotonic.now()) {
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
                let conclusion = Conclusion {
                    outcome: Outcome::Unknown,
                    reason: "interrupted",
                    detail: Some(detail.to_owned()),
                    partner_ref: None,
                };
                return self.conclude_turn(token, &action, conclusion);
            }
            Some(Known::Sending) | None => {}
        }
        match self.prepare(&action, turn.disabled) {
            Err(refusal) => self.conclude_turn(token, &action, refusal.into()),
            Ok((partner, request)) => {
                let outgoing = Outgoing { token, partition: record.partition, partner, request };
                match action.on_unknown {
                    OnUnknown::Resend => self.send(outgoing),
                    OnUnknown::Hold => self.announce(&action, outgoing),
                }
            }
        }
    }

    /// The request that carries an action out now, or why there is none.
    fn prepare(
        &mut self,
        action: &Action<'_>,
        endpoint_is_disabled: bool,
    ) -> Result<(&'static dyn Partner, HttpRequest), Refusal> {
        let now = (self.worker.clock)();
        if let Some(refusal) = gate::refusal(action, now) {
            return Err(refusal);
        }
        if endpoint_is_disabled {
            return Err(Refusal::failed("endpoint_disabled", "the endpoint answered 410 twice: it wants nothing more"));
        }
        let partner = partner_for(action)?;
        let destination = action.destination.as_ref();
        let mut resolve = |reference: Option<&str>| {
            let resolved = reference.map(|reference| self.secrets.resolve(reference, self.monotonic.now())).transpose();
            resolved.map_err(|error| Refusal::failed("secret_unavailable", error.to_string()))
        };
        let current = resolve(destination.and_then(|to| to.secret.as_deref()))?;
        let previous = resolve(destination.and_then(|to| to.previous_secret.as_deref()))?;
        let secrets = kilat_partners::Secrets { current: current.as_deref(), previous: previous.as_deref() };
        Ok((partner, partner.render(action, &secrets, now)?))
    }

    /// Writes `sending` first; the request goes out when that is committed (W-1).
    fn announce(&mut self, action: &Action<'_>, outgoing: Outgoing) {
        let at = (self.worker.clock)();
        let Some(delivery) = self.machine.item(outgoing.token) else { return };
        delivery.announced = true;
        let conclusion = Conclusion { outcome: Outcome::Sending, reason: "", detail: None, partner_ref: None };
        let result = result_of(action, delivery, &conclusion, at);
        match self.outbox.result(
            outgoing.partition,
            &result,
            "",
            traceparent_of(delivery).as_deref(),
            self.monotonic.now(),
        ) {
            Ok(()) => {
                self.ledger.record(outgoing.partition, &action.id, Some((Outcome::Sending, at)));
                self.announced.push(outgoing);
            }
            Err(error) => {
                // Its final result cannot be encoded either: that makes it a dead letter.
                let conclusion = Conclusion {
                    outcome: Outcome::Failed,
                    reason: "result_too_large",
                    detail: Some(error.to_string()),
                    partner_ref: None,
                };
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
        let (client, answer_to) = (self.worker.client.clone(), self.answer_to.clone());
        let started = self.monotonic;
        let sent_at = started.now();
        let task = self.worker.runtime.spawn(async move {
            let host = redacted(&request.url);
            let outcome = client.post(request, traceparent).await;
            let took = started.now().saturating_sub(sent_at);
            // Full only by more answers than there can be; gone where the session has ended.
            let _ = answer_to.try_send(Answered { token, partner, host, outcome, took });
        });
        self.under_way.insert(token, UnderWay { partition, task: task.abort_handle() });
        Tally::add(&self.worker.shared.tally.attempts, 1);
    }

    /// Settles every answer there is, waiting up to `timeout` for the first.
    fn take_answers(&mut self, timeout: Duration) {
        let mut next = self.answers.recv_timeout(timeout).ok();
        while let Some(answered) = next {
            self.settle(answered);
            next = self.answers.try_recv().ok();
        }
    }

    fn settle(&mut self, answered: Answered) {
        let Answered { token, partner, host, outcome, took } = answered;
        if self.under_way.remove(&token).is_none() {
            return; // W-2
        }
        let answer = classify(partner, &outcome);
        let status = outcome.as_ref().ok().map(|response| response.status);
        self.measures.attempt(partner.name(), answer.verdict, took);
        let now = self.monotonic.now();
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
            at: (self.worker.clock)(),
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
        if let Some(delivery) = self.machine.finish(token, self.monotonic.now()) {
            // It was tried before: not "not sent on purpose".
            if conclusion.outcome == Outcome::Suppressed && delivery.attempts > 0 {
                conclusion.outcome = Outcome::Failed;
            }
            self.conclude(action, &delivery, conclusion);
        }
    }

    /// Ends a delivery without a result: it has one already.
    fn drop_delivery(&mut self, token: Token) {
        let now = self.monotonic.now();
        self.machine.finish(token, now);
        self.outbox.open(now);
    }

    /// Writes the result of an action.
    fn conclude(&mut self, action: &Action<'_>, delivery: &Delivery, conclusion: Conclusion) {
        let (at, now) = ((self.worker.clock)(), self.monotonic.now());
        let record = &delivery.record;
        let result = result_of(action, delivery, &conclusion, at);
        let traceparent = traceparent_of(delivery);
        match self.outbox.result(record.partition, &result, conclusion.reason, traceparent.as_deref(), now) {
            Ok(()) => self.ledger.record(record.partition, &action.id, Some((conclusion.outcome, at))),
            Err(error) => {
                tracing::error!(error = %error, "result cannot be encoded");
                self.measures.dead_letter(error.code());
                let cause = error.to_string();
                self.outbox.dead_letter(&dead_letter(self.topic, record, error.code(), &cause), now);
            }
        }
    }

    fn commit_when_due(&mut self) -> Result<(), LogError> {
        match self.outbox.due_at() {
            Some(due) if due <= self.monotonic.now() => self.commit(),
            _ => Ok(()),
        }
    }

    /// Commits results and offsets, then sends what was announced.
    fn commit(&mut self) -> Result<(), LogError> {
        let machine = &self.machine;
        let positions = machine.partitions().filter_map(|p| Some((p, machine.position(p)?)));
        let committed = self.outbox.commit(&mut *self.member, positions)?;
        self.has_committed = true;
        let tally = &self.worker.shared.tally;
        Tally::add(&tally.dead_lettered, committed.dead_letters);
        for settled in committed.finals {
            tally.settled(settled.outcome);
            self.measures.outcome(settled.outcome, settled.reason);
        }
        for outgoing in std::mem::take(&mut self.announced) {
            self.send(outgoing);
        }
        self.ledger.expire((self.worker.clock)());
        Ok(())
    }

    /// Sets the gauges, now and then.
    fn measure(&mut self) {
        let now = self.monotonic.now();
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
        let now = self.monotonic.now();
        let events = [self.outbox.due_at(), self.machine.next_due()];
        events.into_iter().flatten().map(|at| at.saturating_sub(now)).min().map_or(most, |wait| wait.min(most))
    }

    // ---- partitions come and go ----

    /// Reads back what became of the actions of these partitions, before any of them is taken.
    fn assigned(&mut self, partitions: &[u32]) -> Result<(), LogError> {
        for partition in partitions {
            self.machine.assign(*partition, self.monotonic.now());
            self.ledger.open(*partition);
        }
        let results = Topic::ActionResults.name();
        let mut follower = self.worker.log.follow(results, Some(partitions), Start::Earliest)?;
        let (ledger, now) = (&mut self.ledger, (self.worker.clock)());
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
        let now = self.monotonic.now();
        // What was announced and not sent stays unsent: the next owner may send it.
        for outgoing in self.announced.extract_if(.., |outgoing| partitions.contains(&outgoing.partition)) {
            let Some(delivery) = self.machine.item(outgoing.token) else { continue };
            if let Ok(action) = decode_action(&delivery.record.value) {
                self.outbox.withdraw(outgoing.partition, &action.id, now);
            }
        }
        let until = now + grace;
        while self.under_way.values().any(|under_way| partitions.contains(&under_way.partition)) {
            let left = until.saturating_sub(self.monotonic.now());
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
        let now = self.monotonic.now();
        for partition in partitions {
            self.machine.revoke(*partition, now);
            self.ledger.close(*partition);
            self.outbox.close(*partition);
        }
        self.announced.retain(|outgoing| !partitions.contains(&outgoing.partition));
        self.under_way.retain(|_, under_way| {
            let keep = !partitions.contains(&under_way.partition);
            if !keep {
                under_way.task.abort();
            }
            keep
        });
    }

    /// Ends after an error of the log; returns the final results that may not be in it.
    fn abandon(self) -> HashMap<Box<str>, Carried> {
        for under_way in self.under_way.values() {
            under_way.task.abort();
        }
        self.outbox.into_carried()
    }
}

fn dead_letter<'a>(topic: Topic, record: &'a Taken, code: &'a str, cause: &'a str) -> DeadLetter<'a> {
    DeadLetter {
        by: "kilat-executor",
        topic: topic.name(),
        partition: record.partition,
        offset: record.offset,
        key: &record.key,
        value: &record.value,
        headers: &record.poison_headers,
        code,
        cause,
    }
}

/// What an exchange came to.
fn classify(partner: &dyn Partner, outcome: &Result<Response, ExchangeError>) -> Answer {
    let no_answer = |verdict, reason, error: &ExchangeError| Answer {
        verdict,
        reason: Some(reason),
        detail: Some(error.to_string().chars().take(kilat_partners::DETAIL_CHARS_MAX).collect()),
        partner_ref: None,
    };
    match outcome {
        Ok(Response { status, headers, body }) => partner.classify(&HttpResponse { status: *status, headers, body }),
        Err(error @ ExchangeError::Refused(_)) => no_answer(Verdict::Rejected, "address_refused", error),
        Err(error @ ExchangeError::NotSent(_)) => no_answer(Verdict::Transient, "unreachable", error),
        Err(error @ (ExchangeError::Deadline(_) | ExchangeError::Broken(_))) => {
            no_answer(Verdict::Unknown, "no_answer", error)
        }
    }
}

fn conclusion_of(ending: Ending, answer: Answer) -> Conclusion {
    let Answer { verdict, reason, detail, partner_ref } = answer;
    let reason = reason.unwrap_or_default();
    let (outcome, reason) = match ending {
        Ending::Delivered => (Outcome::Delivered, ""),
        Ending::Refused => (Outcome::Failed, reason),
        Ending::Unknown => (Outcome::Unknown, reason),
        Ending::Exhausted if verdict == Verdict::AuthStopped => (Outcome::Failed, "auth_stopped"),
        Ending::Exhausted => (Outcome::Failed, "retries_exhausted"),
    };
    Conclusion { outcome, reason, detail, partner_ref }
}

fn result_of<'a>(
    action: &'a Action<'_>,
    delivery: &Delivery,
    conclusion: &'a Conclusion,
    at: Timestamp,
) -> ActionResult<'a> {
    ActionResult {
        action_id: action.id.as_str().into(),
        workspace: action.workspace.as_str().into(),
        conversation: action.conversation.as_str().into(),
        action: action.command.type_name().into(),
        outcome: conclusion.outcome,
        reason: Some(conclusion.reason).filter(|reason| !reason.is_empty()).map(Into::into),
        detail: conclusion.detail.as_deref().map(Into::into),
        attempts: delivery.attempts,
        http_status: delivery.http_status,
        partner_ref: conclusion.partner_ref.as_deref().map(Into::into),
        endpoint_ms: i64::try_from(delivery.endpoint_time.as_millis()).unwrap_or(i64::MAX),
        at,
    }
}

fn traceparent_of(delivery: &Delivery) -> Option<Vec<u8>> {
    delivery.record.traceparent.map(|traceparent| traceparent.to_string().into_bytes())
}

/// What is done strictly in order: the actions of one conversation to one endpoint, but for those that need no order (D-36).
fn order_key(action: &Action<'_>, destination: &str) -> String {
    let alone = if action.parallel == Some(true) { action.id.as_str() } else { "" };
    format!("{}/{}\n{destination}\n{alone}", action.workspace, action.conversation)
}

/// What shares a breaker, a pause and a bound: one endpoint of one workspace, as it is configured now.
fn destination_key(action: &Action<'_>) -> String {
    let workspace = action.workspace.as_str();
    match &action.destination {
        Some(to) => {
            let account = to.account.as_deref().unwrap_or_default();
            format!("{workspace}\n{}\n{}\n{account}", to.name.as_str(), to.url.as_str())
        }
        None => workspace.to_owned(),
    }
}

/// Numbers nobody needs to predict or repeat: jitter and span ids. SplitMix64.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Random(RandomState::new().hash_one(0u8))
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In `[0, 1)`.
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}
