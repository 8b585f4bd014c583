//! A follower: committed records of a topic without a group, up to the last stable offset.

use std::time::Duration;

use kilat_codec::Topic;
use kilat_log::{Clock as _, Followed, Follower, LogError, Record, Start};

use super::SimLog;
use crate::fault::Fault;
use crate::sabotage::Sabotage;

/// Records of one poll.
const RECORDS_MAX: usize = 10_000;

/// A follower of a topic.
pub(super) struct TopicFollower {
    log: SimLog,
    topic: usize,
    places: Vec<Place>,
    /// The block of a restore that a sabotaged log passes over: the one of this number.
    passed_over: Option<usize>,
    is_state: bool,
    /// Somebody's state is read back: that of a partition, or an executor's ledger.
    is_restore: bool,
    /// A sabotaged log gives none of the results.
    is_empty: bool,
}

/// Where it is in a partition.
struct Place {
    partition: u32,
    position: i64,
    /// The high watermark at the opening: what has to be reached (LOG-7).
    end: i64,
}

impl TopicFollower {
    /// `start` says where, for each place in `partitions`.
    pub(super) fn open(
        log: SimLog,
        topic: &str,
        partitions: Option<&[u32]>,
        start: impl Fn(usize) -> Start,
    ) -> Result<TopicFollower, LogError> {
        let mut world = log.world();
        let is_state = topic == Topic::State.name();
        let is_restore = is_state || topic == Topic::ActionResults.name();
        let is_empty = topic == Topic::ActionResults.name() && world.is_sabotaged(Sabotage::LedgerNotRead);
        let topic = world.topic(topic)?;
        let all: Vec<u32> = (0..world.topics[topic].partitions.len() as u32).collect();
        let count = world.topics[topic].partitions.len() as u32;
        let another = is_state && world.is_sabotaged(Sabotage::StateOfAnother) && world.random.chance(0.1);
        let too_early = world.is_sabotaged(Sabotage::EndTooEarly);
        let places = partitions
            .unwrap_or(&all)
            .iter()
            .map(|&partition| if another { (partition + 1) % count } else { partition })
            .enumerate()
            .map(|(at, partition)| {
                let of = world.partition(topic, partition);
                let end = if too_early { of.stable_end() } else { of.end() };
                let position = match start(at) {
                    Start::Earliest => of.start(),
                    Start::Latest => of.end(),
                    Start::Offset(offset) => offset.clamp(of.start(), of.end()),
                };
                Place { partition, position, end }
            })
            .collect::<Vec<Place>>();
        let skip = is_state && world.is_sabotaged(Sabotage::BlockSkipped);
        let passed_over = skip.then(|| world.random.below(20) as usize);
        drop(world);
        Ok(TopicFollower { log, topic, places, passed_over, is_state, is_restore, is_empty })
    }

    fn take(&mut self, each: &mut dyn FnMut(Record<'_>)) -> (usize, u64) {
        let world = self.log.world();
        let mut records = 0;
        let window_lost = self.is_state && world.is_sabotaged(Sabotage::WindowLost);
        for place in &mut self.places {
            let of = world.partition(self.topic, place.partition);
            let stable = of.stable_end();
            place.position = place.position.max(of.start());
            while place.position < stable && records < RECORDS_MAX {
                let at = world.committed(self.topic, place.partition, place.position);
                place.position += 1;
                let Some(at) = at.filter(|_| !self.is_empty) else { continue };
                records += 1;
                if let Some(left) = &mut self.passed_over {
                    if *left == 0 {
                        self.passed_over = None;
                        continue;
                    }
                    *left -= 1;
                }
                let record = at.record(0, place.partition);
                match record.value.filter(|_| window_lost) {
                    None => each(record),
                    Some(value) => {
                        let value = without_window(value);
                        each(Record { value: Some(&value), ..record });
                    }
                }
            }
        }
        (records, world.version)
    }
}

/// A state block without its idempotency keys.
fn without_window(value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(mut block) = kilat_codec::decode_state_block(value) {
        block.seen.clear();
        kilat_codec::Encoder::new().state_block(&block, &mut bytes).expect("it was encoded before");
    }
    bytes
}

impl Follower for TopicFollower {
    fn poll(&mut self, timeout: Duration, each: &mut dyn FnMut(Record<'_>)) -> Result<Followed, LogError> {
        self.log.step(self.is_restore.then_some(Fault::CrashAtRestore));
        self.log.unreachable()?;
        let deadline = self.log.clock.monotonic() + timeout;
        let was_behind = self.places.iter().any(|place| place.position < place.end);
        loop {
            let (records, version) = self.take(each);
            let caught_up = self.places.iter().all(|place| place.position >= place.end);
            if records > 0 || self.log.clock.monotonic() >= deadline || (was_behind && caught_up) {
                return Ok(Followed { records, caught_up });
            }
            self.log.wait(version, deadline);
        }
    }
}
