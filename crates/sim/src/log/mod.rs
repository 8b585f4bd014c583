//! A log in memory that behaves as Kafka does where it matters: groups, generations, transactional ids with epochs,
//! transactions that stay open or end late, readers held back by the last stable offset.
//!
//! Input: calls of the port, from fibers or from threads. Output: what the port promises (LOG-1 … LOG-8), with the faults
//! the seed draws. In a fiber every call takes a little simulated time and lets others go on; outside of one, whoever waits
//! moves the clock.
//!
//! - A dead process (its handle is [`SimLog::kill`]ed) does nothing any more, its drops included.

mod follower;
mod group;
mod member;
mod partition;
mod world;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kilat_domain::Timestamp;
use kilat_log::{
    Clock as _, Follower, LogError, Member, MemberSpec, PartitionedLog, Record, Start, TopicSpec, Writer, partition_of,
};

use self::follower::TopicFollower;
use self::group::Group;
use self::member::{GroupMember, TransactionalWriter};
use self::partition::{New, PLAIN};
pub use self::world::Settings;
use self::world::World;
use crate::clock::SimClock;
use crate::fault::{Fault, Faults};
use crate::fiber::{self, Wait};
use crate::random::Random;
use crate::sabotage::Sabotage;

/// The longest a call takes on its way, in microseconds.
const CALL_MICROS_MAX: u64 = 400;

/// A process's connection to the simulated cluster.
#[derive(Clone, Debug)]
pub struct SimLog {
    world: Arc<Mutex<World>>,
    clock: Arc<SimClock>,
    process: Arc<Process>,
}

/// The longest until a process that stood still hears that its group went on, in microseconds: its client learns it from the
/// answer to a heartbeat, and hands over what it has fetched meanwhile.
const NEWS_MICROS_MAX: u64 = 500_000;

/// What the cluster knows of a process.
#[derive(Debug, Default)]
struct Process {
    dead: AtomicBool,
    frozen: AtomicBool,
    /// Until then it does not hear that it is out of a group, in microseconds.
    deaf_until: AtomicU64,
    /// Its members, by group.
    members: Mutex<Vec<(String, u64)>>,
}

impl SimLog {
    /// An empty cluster, and a first process.
    pub fn new(clock: Arc<SimClock>, settings: Settings, seed: u64, faults: Faults) -> SimLog {
        let world = World::new(clock.clone(), settings, Random::new(seed, 2), faults);
        SimLog { world: Arc::new(Mutex::new(world)), clock, process: Arc::default() }
    }

    /// Another process of the same cluster.
    pub fn process(&self) -> SimLog {
        SimLog { process: Arc::default(), ..self.clone() }
    }

    /// The process is gone: nothing it does reaches the cluster any more.
    pub(crate) fn kill(&self) {
        self.process.dead.store(true, Ordering::Relaxed);
        self.silence();
    }

    /// The process stands still: its members are not heard of.
    pub(crate) fn freeze(&self) {
        self.process.frozen.store(true, Ordering::Relaxed);
        self.silence();
    }

    /// The process goes on.
    pub(crate) fn thaw(&self) {
        self.process.frozen.store(false, Ordering::Relaxed);
        let mut world = self.world();
        let deaf_until = world.now().as_micros() as u64 + world.random.below(NEWS_MICROS_MAX);
        self.process.deaf_until.store(deaf_until, Ordering::Relaxed);
        for (group, member) in self.members().iter() {
            if let Some(group) = world.groups.get_mut(group) {
                group.unmute(*member);
            }
        }
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.process.frozen.load(Ordering::Relaxed)
    }

    /// Whether it does not hear yet that it is out of a group.
    fn is_deaf(&self) -> bool {
        (self.clock.monotonic().as_micros() as u64) < self.process.deaf_until.load(Ordering::Relaxed)
    }

    fn silence(&self) {
        let mut world = self.world();
        for (group, member) in self.members().iter() {
            if let Some(group) = world.groups.get_mut(group) {
                group.mute(*member);
            }
            world.silent(group, *member);
        }
    }

    /// Makes every group share out its partitions anew, as when a member comes and goes.
    pub(crate) fn shake(&self) {
        let mut world = self.world();
        for group in world.groups.values_mut() {
            group.begin_round();
        }
        world.changed();
        world.rebalance();
    }

    /// Appends a record outside of transactions, or in one that is aborted; its place. `None` where the last one of these is
    /// not settled yet.
    pub(crate) fn produce(
        &self,
        topic: &str,
        key: &[u8],
        value: &[u8],
        timestamp: Timestamp,
        aborted: bool,
    ) -> Option<(u32, i64)> {
        let mut world = self.world();
        let topic = world.topic(topic).expect("the run creates its topics");
        let partition = partition_of(key, world.topics[topic].partitions.len() as u32);
        let mut holder = None;
        if aborted {
            let mut taken = world.take_over("a producer that gives up")?;
            world.begin(&mut taken);
            holder = taken.txn;
        }
        let txn = holder.unwrap_or(PLAIN);
        let new = New { txn, timestamp, key: Some(key), value: Some(value), headers: std::iter::empty() };
        let offset = world.append(topic, partition, new);
        if let Some(txn) = holder {
            world.decide(txn, false);
        }
        world.changed();
        Some((partition, offset))
    }

    /// Calls `each` for every record a read-committed reader sees in the partition, in order.
    pub(crate) fn each(&self, topic: &str, partition: u32, each: &mut dyn FnMut(Record<'_>)) {
        let world = self.world();
        let topic = world.topic(topic).expect("the run creates its topics");
        for offset in 0..world.partition(topic, partition).stable_end() {
            if let Some(at) = world.committed(topic, partition, offset) {
                each(at.record(0, partition));
            }
        }
    }

    /// Whether the group has come to the end of these topics and nothing is under way.
    pub(crate) fn is_done(&self, group: &str, inputs: &[&str]) -> bool {
        let world = self.world();
        let Some(group) = world.groups.get(group) else { return false };
        group.is_settled()
            && inputs.iter().all(|input| {
                let Ok(topic) = world.topic(input) else { return false };
                (0..world.topics[topic].partitions.len() as u32).all(|partition| {
                    let end = world.partition(topic, partition).end();
                    let position = group.position(topic, partition).unwrap_or(0);
                    (position..end).all(|offset| world.committed(topic, partition, offset).is_none())
                })
            })
    }

    /// Key and value of the record at this offset, if a read-committed reader sees one there.
    pub(crate) fn record(&self, topic: &str, partition: u32, offset: i64) -> Option<(Vec<u8>, Vec<u8>)> {
        let world = self.world();
        let topic = world.topic(topic).expect("the run creates its topics");
        let is_stable = offset < world.partition(topic, partition).stable_end();
        let at = is_stable.then(|| world.committed(topic, partition, offset)).flatten()?;
        let record = at.record(0, partition);
        Some((record.key.unwrap_or_default().to_vec(), record.value.unwrap_or_default().to_vec()))
    }

    /// Whether a member of this process has its place in the group.
    pub(crate) fn has_place(&self, group: &str) -> bool {
        let world = self.world();
        let Some(of) = world.groups.get(group) else { return false };
        self.members().iter().any(|(name, member)| name == group && of.has(*member))
    }

    pub(crate) fn is_sabotaged(&self, by: Sabotage) -> bool {
        self.world().is_sabotaged(by)
    }

    /// One past the newest offset of a partition.
    pub(crate) fn end(&self, topic: &str, partition: u32) -> i64 {
        let world = self.world();
        let topic = world.topic(topic).expect("the run creates its topics");
        world.partition(topic, partition).end()
    }

    /// The committed offset of the group.
    pub(crate) fn position(&self, group: &str, topic: &str, partition: u32) -> i64 {
        let world = self.world();
        let topic = world.topic(topic).expect("the run creates its topics");
        world.groups.get(group).and_then(|group| group.position(topic, partition)).unwrap_or(0)
    }

    /// The faults of the run.
    pub(crate) fn faults<T>(&self, look: impl FnOnce(&mut Faults) -> T) -> T {
        look(&mut self.world().faults)
    }

    /// When the next thing happens by itself.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.world().next_due()
    }

    /// Moves the clock, lets happen what is due, and gives the world's version.
    pub(crate) fn advance(&self, to: Duration) -> u64 {
        self.clock.advance(to);
        let mut world = self.world();
        world.catch_up();
        world.version
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn members(&self) -> MutexGuard<'_, Vec<(String, u64)>> {
        self.process.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_dead(&self) -> bool {
        self.process.dead.load(Ordering::Relaxed)
    }

    /// A call on its way: takes time, and may be where the process crashes or freezes.
    pub(crate) fn step(&self, crash: Option<Fault>) {
        let wait = {
            let mut world = self.world();
            let now = world.now();
            let took = Duration::from_micros(world.random.between(1, CALL_MICROS_MAX));
            let session = world.settings.session;
            if !fiber::is_inside() {
                self.clock.advance(now + took);
                world.catch_up();
                return;
            }
            if crash.is_some_and(|crash| world.strikes(crash)) {
                Wait::Crash
            } else if world.strikes(Fault::Zombie) {
                Wait::Frozen(session + Duration::from_millis(world.random.between(1, 20_000)))
            } else if world.strikes(Fault::Stall) {
                Wait::Frozen(session.mul_f64(world.random.unit() * 0.9))
            } else if world.strikes(Fault::CleanStop) {
                Wait::Stop
            } else {
                Wait::Until(now + took)
            }
        };
        fiber::suspend(wait);
    }

    /// Waits for a change of the world that is newer than `version`, until `until` at most.
    fn wait(&self, version: u64, until: Duration) {
        if fiber::is_inside() {
            return fiber::suspend(Wait::Change(version, until));
        }
        let mut world = self.world();
        if world.version == version {
            let next = world.next_due().map_or(until, |due| due.min(until));
            self.clock.advance(next);
            world.catch_up();
        }
    }

    fn unreachable(&self) -> Result<(), LogError> {
        let strikes = fiber::is_inside() && self.world().strikes(Fault::Unreachable);
        if strikes {
            let at = "the simulated log".to_owned();
            return Err(LogError::Unreachable { at, reason: "the seed says so".to_owned() });
        }
        Ok(())
    }

    /// Takes over a transactional id; waits until its last transaction is settled.
    fn take_over(&self, id: &str) -> world::Holder {
        loop {
            let (version, until) = {
                let mut world = self.world();
                if let Some(holder) = world.take_over(id) {
                    return holder;
                }
                (world.version, world.now() + Duration::from_secs(1))
            };
            self.wait(version, until);
        }
    }
}

impl PartitionedLog for SimLog {
    fn join(&self, spec: &MemberSpec) -> Result<Box<dyn Member>, LogError> {
        self.step(Some(Fault::CrashAtJoin));
        self.unreachable()?;
        let (inputs, outputs) = {
            let world = self.world();
            let of = |names: &[String]| names.iter().map(|name| world.topic(name)).collect::<Result<Vec<_>, _>>();
            (of(&spec.inputs)?, of(&spec.outputs)?)
        };
        let holder = self.take_over(&format!("{}-{}", spec.group, spec.instance));
        self.step(Some(Fault::CrashAtJoin));
        let member = {
            let mut world = self.world();
            let counts: Vec<usize> = inputs.iter().map(|input| world.topics[*input].partitions.len()).collect();
            if counts.iter().any(|count| *count != counts[0]) {
                return Err(LogError::UnequalPartitions { counts: format!("{counts:?}") });
            }
            let group = world.groups.entry(spec.group.clone()).or_insert_with(|| Group::new(counts[0] as u32));
            let member = group.join(&spec.instance);
            world.changed();
            world.rebalance();
            member
        };
        self.members().push((spec.group.clone(), member));
        let writer = TransactionalWriter::new(self.clone(), holder, outputs);
        Ok(Box::new(GroupMember::new(writer, spec, inputs, member)))
    }

    fn writer(&self, id: &str, outputs: &[String]) -> Result<Box<dyn Writer>, LogError> {
        self.step(None);
        self.unreachable()?;
        let outputs = {
            let world = self.world();
            outputs.iter().map(|name| world.topic(name)).collect::<Result<Vec<_>, _>>()?
        };
        let holder = self.take_over(id);
        Ok(Box::new(TransactionalWriter::new(self.clone(), holder, outputs)))
    }

    fn follow(&self, topic: &str, partitions: Option<&[u32]>, start: Start) -> Result<Box<dyn Follower>, LogError> {
        self.step(None);
        self.unreachable()?;
        Ok(Box::new(TopicFollower::open(self.clone(), topic, partitions, |_| start)?))
    }

    fn follow_from(&self, topic: &str, from: &[(u32, i64)]) -> Result<Box<dyn Follower>, LogError> {
        self.step(None);
        self.unreachable()?;
        let partitions: Vec<u32> = from.iter().map(|(partition, _)| *partition).collect();
        let start = |at: usize| Start::Offset(from[at].1);
        Ok(Box::new(TopicFollower::open(self.clone(), topic, Some(&partitions), start)?))
    }

    fn partitions(&self, topic: &str) -> Result<u32, LogError> {
        let world = self.world();
        Ok(world.topics[world.topic(topic)?].partitions.len() as u32)
    }

    fn identity(&self) -> Result<String, LogError> {
        Ok("the simulated log".to_owned())
    }

    fn committed(&self, group: &str, topic: &str, partitions: &[u32]) -> Result<Vec<Option<i64>>, LogError> {
        self.step(Some(Fault::CrashAtRestore));
        self.unreachable()?;
        loop {
            let (version, until) = {
                let world = self.world();
                let topic = world.topic(topic)?;
                let Some(group) = world.groups.get(group) else { return Ok(vec![None; partitions.len()]) };
                if partitions.iter().all(|partition| group.position(topic, *partition).is_some()) {
                    return Ok(partitions.iter().map(|partition| group.committed(topic, *partition)).collect());
                }
                (world.version, world.now() + Duration::from_secs(1))
            };
            self.wait(version, until);
        }
    }

    fn extent(&self, topic: &str, partition: u32) -> Result<Range<i64>, LogError> {
        self.step(None);
        self.unreachable()?;
        let world = self.world();
        let of = world.partition(world.topic(topic)?, partition);
        Ok(of.start()..of.end())
    }

    fn trim(&self, topic: &str, partition: u32, before: i64) -> Result<(), LogError> {
        self.step(None);
        self.unreachable()?;
        let mut world = self.world();
        let topic = world.topic(topic)?;
        world.topics[topic].partitions[partition as usize].trim(before);
        Ok(())
    }

    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        let mut world = self.world();
        topics.iter().for_each(|topic| world.create(topic));
        Ok(())
    }
}
