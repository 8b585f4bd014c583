//! Records whose append time lies ahead of the worker's clock, as a producer with a wrong clock writes them.

use std::sync::Arc;
use std::time::Duration;

use kilat_codec::Topic;
use kilat_domain::Timestamp;
use kilat_log::{Clock, SystemClock};
use kilat_pipeline::{Config, Service};

use crate::house::{House, tagging, wait};

/// A wall clock that is behind.
struct Behind(SystemClock, i64);

impl Clock for Behind {
    fn wall(&self) -> Timestamp {
        Timestamp(self.0.wall().0 - self.1)
    }
    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
    fn rest(&self, most: Duration) {
        self.0.rest(most);
    }
}

const DAY_MS: i64 = 86_400_000;

/// To a worker whose clock is thirty days behind that of the log, every record comes from thirty days ahead. What it
/// remembers is dated by its own clock, and its blocks say so; a record that is ahead empties nothing.
#[test]
fn append_times_ahead_of_the_workers_clock_do_not_move_the_window_of_idempotency_keys() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    house.publish("acme", &tagging("seen"));
    let clock = Arc::new(Behind(SystemClock::new(), 30 * DAY_MS));
    let began = clock.wall();
    let config = Config { threads: 1, transaction_interval_ms: 2, ..Config::default() };
    let (service, tasks) = Service::assemble(house.log.clone(), &config, clock.clone(), None);
    let threads: Vec<_> = tasks.into_iter().map(|task| std::thread::spawn(task.body)).collect();
    wait(|| service.health().ready, "ready");
    house.messages(0..10, "halo");
    wait(|| service.totals().events == 10, "taken");
    house.messages(0..20, "halo");
    wait(|| service.totals().events == 30, "taken again");
    assert_eq!((service.totals().evaluated, service.totals().duplicates), (20, 10));
    service.stop();
    threads.into_iter().for_each(|thread| thread.join().unwrap());

    let (first, last) = (began.0.div_euclid(DAY_MS), clock.wall().0.div_euclid(DAY_MS));
    let mut blocks = 0;
    house.read(Topic::State.name(), &mut |record| {
        let block = kilat_codec::decode_state_block(record.value.unwrap()).unwrap();
        let taken_at = block.clock.expect("a block says when its batch was taken");
        assert!((began..=clock.wall()).contains(&taken_at), "{taken_at}");
        assert!(record.timestamp.0 - taken_at.0 >= 29 * DAY_MS, "the log's clock is ahead");
        assert!(block.seen.iter().all(|seen| (first..=last).contains(&i64::from(seen.day))), "{:?}", block.seen);
        blocks += usize::from(!block.seen.is_empty());
    });
    assert!(blocks >= 2);
}
