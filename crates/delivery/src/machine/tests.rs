//! The policy under virtual time: order, bounds, positions, endings; and a random run against a small model.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use kilat_domain::{OnUnknown, Scope, Verdict, Wait};
use proptest::prelude::*;

use super::{Admission, Ending, Limits, Machine, Settled, Token};
use crate::{BreakerPolicy, RetryPolicy};

const LIMITS: Limits = Limits {
    in_flight_max: 8,
    per_workspace_max: 8,
    per_destination_max: 4,
    held_max: 100,
    span_max: 1000,
    breaker: BreakerPolicy { failures_max: 5, pause: Duration::from_secs(10), pause_max: Duration::from_secs(60) },
    disabled_for: Duration::from_secs(3600),
};

const THROTTLED: Verdict =
    Verdict::Throttled { scope: Scope::Destination, wait: Wait::AtLeast(Duration::from_secs(30)) };

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A machine that owns partition 0, whose items are the names of deliveries, and whose clock the test moves.
struct Lane {
    machine: Machine<&'static str>,
    offset: i64,
    now: Duration,
}

impl Lane {
    fn new(limits: Limits) -> Self {
        let mut machine = Machine::new(limits);
        machine.assign(0, at(0));
        Lane { machine, offset: 0, now: at(0) }
    }

    fn admission(&mut self, name: &'static str, key: &str, destination: &str) -> Admission<&'static str> {
        let offset = self.offset;
        self.offset += 1;
        Admission {
            partition: 0,
            offset,
            key: key.into(),
            workspace: destination.split('/').next().unwrap().into(),
            destination: destination.into(),
            on_unknown: OnUnknown::Resend,
            retry: RetryPolicy { steps: [at(10), at(10)].into(), wait_max: at(3600) },
            give_up_at: at(86_400),
            item: name,
        }
    }

    fn admit(&mut self, name: &'static str, key: &str, destination: &str) {
        let admission = self.admission(name, key, destination);
        self.machine.admit(admission, self.now).unwrap();
    }

    /// Everything whose turn it is now, in that order.
    fn turns(&mut self) -> Vec<(Token, &'static str)> {
        let mut found = Vec::new();
        while let Some(turn) = self.machine.turn(self.now) {
            assert!(!turn.disabled);
            found.push((turn.token, *self.machine.item(turn.token).unwrap()));
        }
        found
    }

    fn names(&mut self) -> Vec<&'static str> {
        self.turns().into_iter().map(|(_, name)| name).collect()
    }

    fn settle(&mut self, token: Token, verdict: Verdict) -> Settled<&'static str> {
        self.machine.settle(token, verdict, self.now, 0.5).unwrap()
    }
}

#[test]
fn a_key_goes_one_by_one_and_keys_go_side_by_side() {
    let mut lane = Lane::new(LIMITS);
    lane.admit("a1", "a", "w/x");
    lane.admit("a2", "a", "w/x");
    lane.admit("b1", "b", "w/x");
    let turns = lane.turns();
    assert_eq!(turns.iter().map(|turn| turn.1).collect::<Vec<_>>(), ["a1", "b1"]);
    lane.settle(turns[0].0, Verdict::Delivered);
    assert_eq!(lane.names(), ["a2"]);
}

#[test]
fn a_parked_delivery_parks_its_key_until_it_is_due() {
    let mut lane = Lane::new(LIMITS);
    lane.admit("a1", "a", "w/x");
    lane.admit("a2", "a", "w/x");
    let (token, _) = lane.turns()[0];
    assert_eq!(lane.settle(token, Verdict::Transient), Settled::Parked(at(5)));
    assert_eq!(lane.machine.parked(), 1);
    assert_eq!(lane.machine.next_due(), Some(at(5)));
    lane.now = at(4);
    assert_eq!(lane.names(), [""; 0]);
    lane.now = at(5);
    assert_eq!(lane.names(), ["a1"]);
}

#[test]
fn only_the_finished_prefix_may_be_committed() {
    let mut lane = Lane::new(LIMITS);
    lane.admit("a1", "a", "w/x");
    lane.admit("b1", "b", "w/x");
    let turns = lane.turns();
    lane.settle(turns[1].0, Verdict::Delivered);
    assert_eq!(lane.machine.position(0), Some(0));
    lane.settle(turns[0].0, Verdict::Delivered);
    assert_eq!(lane.machine.position(0), Some(2));
    assert!(lane.machine.skip(0, 2));
    assert_eq!(lane.machine.position(0), Some(3));
}

#[test]
fn tries_end_and_so_does_time() {
    let mut lane = Lane::new(LIMITS);
    lane.admit("a1", "a", "w/x");
    for _ in 0..2 {
        let (token, _) = lane.turns()[0];
        assert!(matches!(lane.settle(token, Verdict::Transient), Settled::Parked(_)));
        lane.now += at(10);
    }
    let (token, _) = lane.turns()[0];
    assert_eq!(lane.settle(token, Verdict::Transient), Settled::Finished(Ending::Exhausted, "a1"));

    let mut admission = lane.admission("b1", "b", "w/x");
    admission.give_up_at = lane.now + at(5);
    lane.machine.admit(admission, lane.now).unwrap();
    let (token, _) = lane.turns()[0];
    assert_eq!(lane.settle(token, Verdict::Transient), Settled::Finished(Ending::Exhausted, "b1"));
}

#[test]
fn an_unanswered_attempt_is_repeated_only_where_that_is_allowed() {
    let mut lane = Lane::new(LIMITS);
    lane.admit("resend", "a", "w/x");
    let mut hold = lane.admission("hold", "b", "w/x");
    hold.on_unknown = OnUnknown::Hold;
    lane.machine.admit(hold, lane.now).unwrap();
    let turns = lane.turns();
    assert!(matches!(lane.settle(turns[0].0, Verdict::Unknown), Settled::Parked(_)));
    assert_eq!(lane.settle(turns[1].0, Verdict::Unknown), Settled::Finished(Ending::Unknown, "hold"));
}

#[test]
fn a_stalled_destination_leaves_slots_to_others() {
    let mut lane = Lane::new(LIMITS);
    for n in 0..20 {
        lane.admit("stalled", &format!("s{n}"), "w/stalled");
    }
    lane.admit("other", "o", "w/other");
    assert_eq!(lane.names(), ["stalled", "other", "stalled", "stalled", "stalled"]);
}

#[test]
fn a_workspace_with_many_destinations_leaves_slots_to_others() {
    let mut lane = Lane::new(Limits { per_workspace_max: 3, ..LIMITS });
    for n in 0..10 {
        lane.admit("big", &format!("b{n}"), &format!("big/{n}"));
    }
    lane.admit("small", "s", "small/x");
    let turns = lane.turns();
    assert_eq!(turns.iter().map(|turn| turn.1).collect::<Vec<_>>(), ["big", "big", "big", "small"]);
    lane.settle(turns[0].0, Verdict::Delivered);
    assert_eq!(lane.names(), ["big"]);
}

#[test]
fn a_throttled_destination_rests_as_a_whole_and_a_throttled_key_alone() {
    let mut lane = Lane::new(LIMITS);
    lane.admit("a1", "a", "w/x");
    let (token, _) = lane.turns()[0];
    assert_eq!(lane.settle(token, THROTTLED), Settled::Parked(at(30)));
    lane.admit("b1", "b", "w/x");
    lane.now = at(29);
    assert_eq!(lane.names(), [""; 0]);
    lane.now = at(30);
    assert_eq!(lane.names().len(), 2);

    let mut lane = Lane::new(LIMITS);
    lane.admit("a1", "a", "w/x");
    let (token, _) = lane.turns()[0];
    let pair_limit = Verdict::Throttled { scope: Scope::Key, wait: Wait::PowersOfFour };
    assert_eq!(lane.settle(token, pair_limit), Settled::Parked(at(1)));
    lane.admit("b1", "b", "w/x");
    assert_eq!(lane.names(), ["b1"]);
}

#[test]
fn a_failing_destination_is_left_alone_then_probed_once() {
    let mut lane = Lane::new(Limits { per_destination_max: 8, ..LIMITS });
    for n in 0..7 {
        lane.admit("x", &format!("k{n}"), "w/x");
    }
    let turns = lane.turns();
    for (token, _) in &turns[..5] {
        lane.settle(*token, Verdict::Transient);
    }
    lane.settle(turns[5].0, Verdict::Transient);
    lane.settle(turns[6].0, Verdict::Transient);
    lane.admit("late", "l", "w/x");
    lane.now = at(7);
    assert_eq!(lane.names(), [""; 0], "open for 5 s + half of 5 s");
    lane.now = at(8);
    let probe = lane.turns();
    assert_eq!(probe.len(), 1);
    lane.settle(probe[0].0, Verdict::Delivered);
    assert_eq!(lane.names().len(), 7);
}

#[test]
fn credentials_refused_once_stop_the_destination_and_keep_its_queue() {
    let mut lane = Lane::new(LIMITS);
    lane.admit("a1", "a", "w/x");
    let (token, _) = lane.turns()[0];
    assert!(matches!(lane.settle(token, Verdict::AuthStopped), Settled::Parked(_)));
    lane.admit("b1", "b", "w/x");
    assert_eq!(lane.names(), [""; 0]);
    assert_eq!(lane.machine.held(), 2);
}

#[test]
fn an_endpoint_that_is_gone_twice_gets_nothing_more() {
    let mut lane = Lane::new(LIMITS);
    for name in ["a", "b", "c"] {
        lane.admit(name, "k", "w/x");
    }
    for name in ["a", "b"] {
        let (token, _) = lane.turns()[0];
        assert_eq!(lane.settle(token, Verdict::Gone), Settled::Finished(Ending::Refused, name));
    }
    let turn = lane.machine.turn(lane.now).unwrap();
    assert!(turn.disabled);
    assert_eq!(lane.machine.finish(turn.token, lane.now), Some("c"));
    lane.now += LIMITS.disabled_for;
    lane.admit("d", "k", "w/x");
    assert_eq!(lane.names(), ["d"]);
}

#[test]
fn what_is_revoked_is_forgotten_and_late_answers_change_nothing() {
    let mut lane = Lane::new(LIMITS);
    lane.machine.assign(1, at(0));
    lane.admit("a1", "a", "w/x");
    lane.admit("a2", "a", "w/x");
    let mut other = lane.admission("b1", "b", "w/x");
    (other.partition, other.offset) = (1, 0);
    lane.machine.admit(other, lane.now).unwrap();
    let turns = lane.turns();
    assert_eq!(lane.machine.revoke(0, lane.now), 2);
    assert_eq!(lane.machine.settle(turns[0].0, Verdict::Delivered, lane.now, 0.5), None);
    assert_eq!(lane.machine.position(0), None);
    assert_eq!(lane.settle(turns[1].0, Verdict::Delivered), Settled::Finished(Ending::Delivered, "b1"));
    assert_eq!(lane.machine.in_flight(), 0);
    assert_eq!(lane.machine.room(), LIMITS.held_max);
}

#[test]
fn intake_is_bounded_by_what_is_held_and_by_the_span_behind_the_oldest() {
    let mut lane = Lane::new(Limits { held_max: 3, span_max: 10, ..LIMITS });
    assert_eq!(lane.machine.room(), 3);
    lane.admit("a1", "a", "w/x");
    assert_eq!(lane.machine.room(), 2);
    for offset in 1..9 {
        lane.machine.skip(0, offset);
    }
    assert_eq!(lane.machine.room(), 1);
    lane.machine.skip(0, 9);
    assert_eq!(lane.machine.room(), 0);
    let (token, _) = lane.turns()[0];
    lane.settle(token, Verdict::Delivered);
    assert_eq!(lane.machine.room(), 3);
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        4 => Just(Verdict::Delivered),
        2 => Just(Verdict::Transient),
        1 => Just(Verdict::Rejected),
        1 => Just(Verdict::Unknown),
        1 => Just(Verdict::AuthStopped),
        1 => Just(THROTTLED),
        1 => Just(Verdict::Throttled { scope: Scope::Key, wait: Wait::PowersOfFour }),
    ]
}

/// A machine beside a model of what it must keep: offsets still open, attempts under way, the last start per key.
struct World {
    machine: Machine<Id>,
    now: Duration,
    open: BTreeSet<Id>,
    flying: Vec<(Token, Id)>,
    places: HashMap<Id, Place>,
    last_started: HashMap<Arc<str>, i64>,
}

/// Partition and offset.
type Id = (u32, i64);

#[derive(Clone)]
struct Place {
    key: Arc<str>,
    destination: Arc<str>,
}

impl World {
    fn admit(&mut self, id: Id, key: usize, destination: usize) {
        let workspace = if destination == 1 { "w" } else { "v" };
        // A key belongs to one partition and one destination, as the executor makes them.
        let key: Arc<str> = format!("{}/{key}/{destination}", id.0).into();
        let destination: Arc<str> = format!("{workspace}/{destination}").into();
        self.places.insert(id, Place { key: key.clone(), destination: destination.clone() });
        self.open.insert(id);
        let admission = Admission {
            partition: id.0,
            offset: id.1,
            key,
            workspace: workspace.into(),
            destination,
            on_unknown: if id.1 % 2 == 0 { OnUnknown::Hold } else { OnUnknown::Resend },
            retry: RetryPolicy { steps: [at(5), at(20)].into(), wait_max: at(60) },
            give_up_at: self.now + at(500),
            item: id,
        };
        self.machine.admit(admission, self.now).unwrap();
    }

    /// Starts all it may, settles the newest attempt, and checks M-1, M-2 and M-4.
    fn step(&mut self, verdict: Verdict, jitter: f64) {
        while let Some(turn) = self.machine.turn(self.now) {
            let id = *self.machine.item(turn.token).unwrap();
            let key = self.places[&id].key.clone();
            assert!(self.flying.iter().all(|(_, other)| self.places[other].key != key), "two of {key} at once");
            let last = self.last_started.insert(key, id.1);
            assert!(last.is_none_or(|last| last <= id.1), "{id:?} after {last:?}");
            self.flying.push((turn.token, id));
        }
        assert!(self.flying.len() <= 3);
        for destination in ["v/0", "w/1", "v/2"] {
            let to = |(_, id): &&(Token, Id)| &*self.places[id].destination == destination;
            assert!(self.flying.iter().filter(to).count() <= 2);
        }
        assert!(self.flying.iter().filter(|(_, id)| self.places[id].destination.starts_with("v/")).count() <= 2);
        if let Some((token, id)) = self.flying.pop()
            && let Settled::Finished(_, item) = self.machine.settle(token, verdict, self.now, jitter).unwrap()
        {
            assert_eq!(item, id);
            self.open.remove(&id);
        }
        for partition in 0..3 {
            if let Some((_, first)) = self.open.range((partition, 0)..(partition + 1, 0)).next() {
                assert_eq!(self.machine.position(partition), Some(*first));
            }
        }
    }

    fn revoke(&mut self, partition: u32) {
        self.machine.revoke(partition, self.now);
        self.open.retain(|id| id.0 != partition);
        self.flying.retain(|(token, id)| {
            let late = id.0 == partition;
            assert!(!late || self.machine.settle(*token, Verdict::Delivered, self.now, 0.0).is_none());
            !late
        });
        self.machine.assign(partition, self.now);
    }
}

proptest! {
    /// Deliveries over 3 partitions, 6 keys and 3 destinations of 2 workspaces, under every verdict and some revocations.
    #[test]
    fn order_bounds_and_positions_hold_in_random_runs_and_everything_ends(
        script in prop::collection::vec((0u32..3, 0usize..6, 0usize..3, verdicts(), 0u64..20, 0.0f64..1.0), 1..120),
        revoke_every in 10usize..50,
    ) {
        let limits = Limits { in_flight_max: 3, per_workspace_max: 2, per_destination_max: 2, held_max: 30, ..LIMITS };
        let mut world = World {
            machine: Machine::new(limits),
            now: at(0),
            open: BTreeSet::new(),
            flying: Vec::new(),
            places: HashMap::new(),
            last_started: HashMap::new(),
        };
        for partition in 0..3 {
            world.machine.assign(partition, at(0));
        }
        let mut next = [0i64; 3];
        for (n, (partition, key, destination, verdict, seconds, jitter)) in script.into_iter().enumerate() {
            if world.machine.room() > 0 {
                let offset = &mut next[partition as usize];
                world.admit((partition, *offset), key, destination);
                *offset += 1;
            }
            prop_assert!(world.machine.held() <= 30);
            world.step(verdict, jitter);
            if n % revoke_every == revoke_every - 1 {
                world.revoke(partition);
            }
            world.now += at(seconds);
        }
        // M-5: with the partners answering again, all that is left ends.
        for _ in 0..2_000 {
            world.step(Verdict::Delivered, 0.5);
            if world.machine.held() == 0 {
                break;
            }
            if world.machine.in_flight() == 0 {
                world.now = world.now.max(world.machine.next_due().unwrap_or(world.now));
            }
        }
        prop_assert_eq!(world.machine.held(), 0);
        prop_assert_eq!(world.machine.in_flight(), 0);
        prop_assert_eq!(world.machine.parked(), 0);
    }
}
