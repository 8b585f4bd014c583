//! The policy of one executor lane: whose turn it is, what becomes of it, and what may be committed.
//!
//! One delivery's way: [`Machine::admit`] → waits behind its key → [`Machine::turn`] → the caller attempts it →
//! [`Machine::settle`] with the verdict → parked until its next try, or finished. [`Machine::position`] then says how far
//! its partition may be committed.
//!
//! Invariants:
//! - M-1 within a key one delivery at a time, in the order of admission; a parked delivery parks its key.
//! - M-2 at most `in_flight_max` attempts, `per_workspace_max` of a workspace, `per_destination_max` of a destination;
//!   destinations take turns, so a busy or stalled one does not hold up the others.
//! - M-3 at most `held_max` deliveries; [`Machine::room`] says how many more records may be taken in.
//! - M-4 a position never passes an unfinished delivery; what is revoked is forgotten, answers to it change nothing.
//! - M-5 every delivery ends: after its tries, or at its age limit.
//!
//! Absent: I/O, clocks, randomness, what is delivered (`T`).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kilat_domain::{OnUnknown, Scope, Verdict, Wait};

use crate::{Breaker, BreakerPolicy, KeyQueues, OffsetTracker, Permit, Removed, RetryPolicy};

/// How long a destination rests after a throttling answer that names no time.
const THROTTLE_PAUSE: Duration = Duration::from_secs(1);
/// Answers in a row that want nothing more (410) before a destination is taken as disabled.
const GONE_CONFIRMATIONS: u32 = 2;
/// Destinations remembered; beyond this, those without work are forgotten with their history.
const DESTINATIONS_MAX: usize = 65_536;

/// The bounds of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attempts under way at once.
    pub in_flight_max: usize,
    /// Attempts of one workspace under way at once.
    pub per_workspace_max: usize,
    /// Attempts to one destination under way at once.
    pub per_destination_max: usize,
    /// Deliveries held: waiting, under way or parked.
    pub held_max: usize,
    /// Offsets between the oldest unfinished record of a partition and its newest: what a restart reads again.
    pub span_max: usize,
    /// When to leave a failing destination alone.
    pub breaker: BreakerPolicy,
    /// How long a destination that wants nothing more (410) gets nothing more.
    pub disabled_for: Duration,
}

/// A delivery to be taken in.
#[derive(Clone, Debug)]
pub struct Admission<T> {
    /// Its record's partition.
    pub partition: u32,
    /// Its record's offset.
    pub offset: i64,
    /// What it stays in order within.
    pub key: Arc<str>,
    /// Whose it is.
    pub workspace: Arc<str>,
    /// Where it goes: unique over workspaces.
    pub destination: Arc<str>,
    /// Whether an unanswered attempt is repeated.
    pub on_unknown: OnUnknown,
    /// How it is retried.
    pub retry: RetryPolicy,
    /// When it is given up, however many tries are left.
    pub give_up_at: Duration,
    /// What is delivered.
    pub item: T,
}

/// Names a delivery within its machine; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(u64);

/// A delivery whose turn it is. It holds a slot until it is settled or finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The delivery.
    pub token: Token,
    /// Its destination wants nothing more: finish it without an attempt.
    pub disabled: bool,
}

/// What became of a delivery after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled<T> {
    /// It is tried again after this long; its key waits with it.
    Parked(Duration),
    /// Nothing more happens to it.
    Finished(Ending, T),
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Accepted.
    Delivered,
    /// Refused for good.
    Refused,
    /// Sent, unanswered, and not to be repeated.
    Unknown,
    /// Out of tries or of time.
    Exhausted,
}

/// The policy of one executor lane.
#[derive(Debug)]
pub struct Machine<T> {
    limits: Limits,
    next_token: u64,
    deliveries: HashMap<Token, Delivery<T>>,
    keys: KeyQueues<Arc<str>, Token>,
    partitions: BTreeMap<u32, OffsetTracker>,
    destinations: HashMap<Arc<str>, Destination>,
    workspaces: HashMap<Arc<str>, Workspace>,
    /// Destinations that may start an attempt, in turn; each at most once.
    ring: VecDeque<Arc<str>>,
    timers: BinaryHeap<Reverse<(Duration, Timer)>>,
    in_flight: usize,
    parked: usize,
}

#[derive(Debug)]
struct Delivery<T> {
    partition: u32,
    offset: i64,
    key: Arc<str>,
    destination: Arc<str>,
    on_unknown: OnUnknown,
    retry: RetryPolicy,
    give_up_at: Duration,
    tries: u32,
    state: State,
    item: T,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Behind another of its key.
    Waiting,
    /// Head of its key, waiting for a slot.
    Ready,
    InFlight,
    Parked,
}

#[derive(Debug)]
struct Destination {
    workspace: Arc<str>,
    /// Heads of keys, in the order they became ready; entries of deliveries revoked since are skipped.
    ready: VecDeque<Token>,
    /// Deliveries that go to it, in whatever state.
    held: usize,
    in_flight: usize,
    breaker: Breaker,
    /// Rests until then by a partner's word.
    rests_until: Duration,
    /// Answers in a row that want nothing more.
    gone: u32,
    disabled_until: Duration,
    /// Stands in the ring or in its workspace's queue.
    listed: bool,
    /// A timer will look at it then.
    wakes_at: Option<Duration>,
}

#[derive(Debug, Default)]
struct Workspace {
    in_flight: usize,
    /// Destinations that could start but for the workspace's bound.
    waiting: VecDeque<Arc<str>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Retry(Token),
    Destination(Arc<str>),
}

impl Destination {
    fn new(workspace: Arc<str>) -> Self {
        Destination {
            workspace,
            ready: VecDeque::new(),
            held: 0,
            in_flight: 0,
            breaker: Breaker::default(),
            rests_until: Duration::ZERO,
            gone: 0,
            disabled_until: Duration::ZERO,
            listed: false,
            wakes_at: None,
        }
    }

    fn is_disabled(&self, now: Duration) -> bool {
        now < self.disabled_until
    }

    /// Whether its own state lets another attempt start now.
    fn permit(&self, now: Duration, per_destination_max: usize) -> Permit {
        if self.is_disabled(now) {
            return Permit::Any;
        }
        let permit = match self.breaker.permit(now) {
            Permit::NotBefore(until) => Permit::NotBefore(until.max(self.rests_until)),
            _ if now < self.rests_until => Permit::NotBefore(self.rests_until),
            open => open,
        };
        match permit {
            // Busy: the end of an attempt, not a time, lets it go on.
            Permit::Any if self.in_flight >= per_destination_max => Permit::NotBefore(Duration::MAX),
            Permit::Probe if self.in_flight > 0 => Permit::NotBefore(Duration::MAX),
            other => other,
        }
    }

    /// Whether forgetting it changes nothing.
    fn is_forgettable(&self, now: Duration) -> bool {
        let remembers = !self.breaker.is_idle() || self.gone > 0 || self.is_disabled(now) || now < self.rests_until;
        self.held == 0 && !self.listed && !remembers
    }
}

impl<T> Machine<T> {
    /// An empty machine.
    pub fn new(limits: Limits) -> Self {
        Machine {
            limits,
            next_token: 0,
            deliveries: HashMap::new(),
            keys: KeyQueues::default(),
            partitions: BTreeMap::new(),
            destinations: HashMap::new(),
            workspaces: HashMap::new(),
            ring: VecDeque::new(),
            timers: BinaryHeap::new(),
            in_flight: 0,
            parked: 0,
        }
    }

    /// Takes over a partition, with nothing known of it.
    pub fn assign(&mut self, partition: u32, now: Duration) {
        self.revoke(partition, now);
        self.partitions.insert(partition, OffsetTracker::default());
    }

    /// Gives a partition up and forgets its deliveries; returns how many were unfinished.
    pub fn revoke(&mut self, partition: u32, now: Duration) -> usize {
        self.partitions.remove(&partition);
        let mut tokens: Vec<Token> =
            self.deliveries.iter().filter(|(_, d)| d.partition == partition).map(|(token, _)| *token).collect();
        // Last first, so that no delivery becomes a head only to be forgotten next.
        tokens.sort_unstable_by_key(|token| Reverse(*token));
        for token in &tokens {
            self.remove(*token, now);
        }
        tokens.len()
    }

    /// How many more records may be taken in now.
    pub fn room(&self) -> usize {
        let held = self.limits.held_max.saturating_sub(self.deliveries.len());
        let span = self.partitions.values().map(OffsetTracker::span).max().unwrap_or(0);
        held.min(self.limits.span_max.saturating_sub(span))
    }

    /// Takes note of a record that needs no delivery; `false` where its partition is not ours or it was seen before.
    pub fn skip(&mut self, partition: u32, offset: i64) -> bool {
        let Some(tracker) = self.partitions.get_mut(&partition) else { return false };
        tracker.started(offset) && tracker.finished(offset)
    }

    /// Takes a delivery in; `None` where its partition is not ours or its record was seen before.
    pub fn admit(&mut self, admission: Admission<T>, now: Duration) -> Option<Token> {
        let tracker = self.partitions.get_mut(&admission.partition)?;
        if !tracker.started(admission.offset) {
            return None;
        }
        let token = Token(self.next_token);
        self.next_token += 1;
        let Admission { partition, offset, key, workspace, destination, on_unknown, retry, give_up_at, item } =
            admission;
        if !self.destinations.contains_key(&destination) {
            if self.destinations.len() >= DESTINATIONS_MAX {
                self.destinations.retain(|_, destination| destination.held > 0);
            }
            self.destinations.insert(destination.clone(), Destination::new(workspace));
        }
        if let Some(state) = self.destinations.get_mut(&destination) {
            state.held += 1;
        }
        let is_head = self.keys.push(&key, token);
        let state = State::Waiting;
        let delivery =
            Delivery { partition, offset, key, destination, on_unknown, retry, give_up_at, tries: 0, state, item };
        self.deliveries.insert(token, delivery);
        if is_head {
            self.ready(token, now);
        }
        Some(token)
    }

    /// The next delivery whose turn it is; ask until there is none.
    pub fn turn(&mut self, now: Duration) -> Option<Turn> {
        self.wake(now);
        if self.in_flight >= self.limits.in_flight_max {
            return None;
        }
        while let Some(name) = self.ring.pop_front() {
            let Some(destination) = self.destinations.get_mut(&name) else { continue };
            destination.listed = false;
            while destination.ready.front().is_some_and(|token| !self.deliveries.contains_key(token)) {
                destination.ready.pop_front();
            }
            let workspace = self.workspaces.entry(destination.workspace.clone()).or_default();
            let starts = match destination.permit(now, self.limits.per_destination_max) {
                Permit::NotBefore(_) => false,
                Permit::Any | Permit::Probe => !destination.ready.is_empty(),
            };
            if starts && workspace.in_flight >= self.limits.per_workspace_max {
                destination.listed = true;
                workspace.waiting.push_back(name);
                continue;
            }
            let Some(token) = starts.then(|| destination.ready.pop_front()).flatten() else {
                // Its place in the workspace goes to the next one.
                let workspace = destination.workspace.clone();
                self.relist_one(&workspace);
                self.list(&name, now);
                self.forget_if_idle(&name, now);
                continue;
            };
            destination.in_flight += 1;
            workspace.in_flight += 1;
            self.in_flight += 1;
            let disabled = destination.is_disabled(now);
            if let Some(delivery) = self.deliveries.get_mut(&token) {
                delivery.state = State::InFlight;
                delivery.tries = delivery.tries.saturating_add(1);
            }
            self.list(&name, now);
            return Some(Turn { token, disabled });
        }
        None
    }

    /// What is delivered; `None` where the delivery is finished or was revoked.
    pub fn item(&mut self, token: Token) -> Option<&mut T> {
        self.deliveries.get_mut(&token).map(|delivery| &mut delivery.item)
    }

    /// Takes the verdict on an attempt. `None` where the delivery is not under way any more: the answer is late.
    pub fn settle(&mut self, token: Token, verdict: Verdict, now: Duration, jitter: f64) -> Option<Settled<T>> {
        let delivery = self.deliveries.get(&token).filter(|delivery| delivery.state == State::InFlight)?;
        let wait = delivery.retry.wait(delivery.tries, verdict, jitter);
        let wait = wait.filter(|wait| now + *wait < delivery.give_up_at);
        let ending = match verdict {
            Verdict::Delivered => Some(Ending::Delivered),
            Verdict::Rejected | Verdict::Gone => Some(Ending::Refused),
            Verdict::Unknown if delivery.on_unknown == OnUnknown::Hold => Some(Ending::Unknown),
            Verdict::Throttled { .. } | Verdict::Transient | Verdict::AuthStopped | Verdict::Unknown => None,
        };
        let (name, wait_max) = (delivery.destination.clone(), delivery.retry.wait_max);
        self.judge_destination(&name, verdict, wait_max, now, jitter);

        match (ending, wait) {
            (None, Some(wait)) => {
                self.park(token, now + wait, now);
                Some(Settled::Parked(wait))
            }
            (ending, _) => {
                let item = self.remove(token, now)?;
                Some(Settled::Finished(ending.unwrap_or(Ending::Exhausted), item))
            }
        }
    }

    /// Ends a delivery without a verdict, such as one the gate refused.
    pub fn finish(&mut self, token: Token, now: Duration) -> Option<T> {
        self.remove(token, now)
    }

    /// The next offset to commit of a partition; `None` where it is not ours or nothing of it was taken in.
    pub fn position(&self, partition: u32) -> Option<i64> {
        self.partitions.get(&partition)?.next()
    }

    /// Our partitions.
    pub fn partitions(&self) -> impl Iterator<Item = u32> + '_ {
        self.partitions.keys().copied()
    }

    /// When [`Machine::turn`] may have something new without another verdict or admission.
    pub fn next_due(&self) -> Option<Duration> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// Attempts under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Keys waiting for a retry.
    pub fn parked(&self) -> usize {
        self.parked
    }

    /// Deliveries held.
    pub fn held(&self) -> usize {
        self.deliveries.len()
    }

    /// What a verdict says about its destination.
    fn judge_destination(&mut self, name: &Arc<str>, verdict: Verdict, wait_max: Duration, now: Duration, jitter: f64) {
        let Some(destination) = self.destinations.get_mut(name) else { return };
        match verdict {
            Verdict::Delivered => {
                destination.breaker.answered();
                destination.gone = 0;
            }
            Verdict::Rejected | Verdict::Throttled { scope: Scope::Key, .. } => destination.breaker.answered(),
            Verdict::Throttled { scope: Scope::Destination, wait } => {
                let rest = match wait {
                    Wait::AtLeast(least) => least.min(wait_max),
                    Wait::Schedule | Wait::PowersOfFour => THROTTLE_PAUSE,
                };
                destination.rests_until = destination.rests_until.max(now + rest);
            }
            Verdict::Gone => {
                destination.breaker.answered();
                destination.gone = destination.gone.saturating_add(1);
                if destination.gone >= GONE_CONFIRMATIONS {
                    destination.gone = 0;
                    destination.disabled_until = now + self.limits.disabled_for;
                }
            }
            Verdict::Transient | Verdict::Unknown => destination.breaker.failed(now, &self.limits.breaker, jitter),
            Verdict::AuthStopped => destination.breaker.trip(now, &self.limits.breaker, jitter),
        }
    }

    fn park(&mut self, token: Token, until: Duration, now: Duration) {
        let Some(delivery) = self.deliveries.get_mut(&token) else { return };
        delivery.state = State::Parked;
        let destination = delivery.destination.clone();
        self.parked += 1;
        self.timers.push(Reverse((until, Timer::Retry(token))));
        self.release(&destination, now);
    }

    /// Forgets a delivery, whatever its state, and lets the next of its key go on.
    fn remove(&mut self, token: Token, now: Duration) -> Option<T> {
        let delivery = self.deliveries.remove(&token)?;
        match delivery.state {
            State::InFlight => self.release(&delivery.destination, now),
            State::Parked => self.parked -= 1,
            State::Waiting | State::Ready => {}
        }
        if let Some(tracker) = self.partitions.get_mut(&delivery.partition) {
            tracker.finished(delivery.offset);
        }
        if let Removed::Head(Some(next)) = self.keys.remove(&delivery.key, token) {
            self.ready(next, now);
        }
        if let Some(destination) = self.destinations.get_mut(&delivery.destination) {
            destination.held -= 1;
        }
        self.forget_if_idle(&delivery.destination, now);
        Some(delivery.item)
    }

    /// Frees the slot of an attempt.
    fn release(&mut self, name: &Arc<str>, now: Duration) {
        self.in_flight -= 1;
        let Some(destination) = self.destinations.get_mut(name) else { return };
        destination.in_flight -= 1;
        let workspace = destination.workspace.clone();
        if let Some(state) = self.workspaces.get_mut(&workspace) {
            state.in_flight -= 1;
        }
        self.relist_one(&workspace);
        self.list(name, now);
    }

    fn forget_if_idle(&mut self, name: &Arc<str>, now: Duration) {
        if self.destinations.get(name).is_some_and(|destination| destination.is_forgettable(now)) {
            self.destinations.remove(name);
        }
    }

    /// A place of the workspace is free: the next of its destinations may take it.
    fn relist_one(&mut self, workspace: &Arc<str>) {
        let Some(state) = self.workspaces.get_mut(workspace) else { return };
        if let Some(next) = state.waiting.pop_front() {
            self.ring.push_back(next);
        } else if state.in_flight == 0 {
            self.workspaces.remove(workspace);
        }
    }

    fn ready(&mut self, token: Token, now: Duration) {
        let Some(delivery) = self.deliveries.get_mut(&token) else { return };
        delivery.state = State::Ready;
        let name = delivery.destination.clone();
        let Some(destination) = self.destinations.get_mut(&name) else { return };
        destination.ready.push_back(token);
        self.list(&name, now);
    }

    /// Puts a destination in the ring if it may start something, or sets a timer for when it may.
    fn list(&mut self, name: &Arc<str>, now: Duration) {
        let Some(destination) = self.destinations.get_mut(name) else { return };
        if destination.listed || destination.ready.is_empty() {
            return;
        }
        match destination.permit(now, self.limits.per_destination_max) {
            Permit::Any | Permit::Probe => {
                destination.listed = true;
                self.ring.push_back(name.clone());
            }
            Permit::NotBefore(Duration::MAX) => {}
            Permit::NotBefore(at) => {
                if destination.wakes_at.is_none_or(|wakes| at < wakes) {
                    destination.wakes_at = Some(at);
                    self.timers.push(Reverse((at, Timer::Destination(name.clone()))));
                }
            }
        }
    }

    fn wake(&mut self, now: Duration) {
        while self.timers.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Some(Reverse((at, timer))) = self.timers.pop() else { return };
            match timer {
                Timer::Retry(token) => {
                    if self.deliveries.get(&token).is_some_and(|delivery| delivery.state == State::Parked) {
                        self.parked -= 1;
                        self.ready(token, now);
                    }
                }
                Timer::Destination(name) => {
                    if let Some(destination) = self.destinations.get_mut(&name) {
                        destination.wakes_at = destination.wakes_at.filter(|wakes| *wakes != at);
                    }
                    self.list(&name, now);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
