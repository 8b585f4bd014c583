//! The staleness guard: what an engine catches up with after a pause is decided, and what came too late is not sent.

use std::sync::Arc;
use std::time::Duration;

use kilat_codec::Topic;
use kilat_domain::Timestamp;
use kilat_log::{Clock, SystemClock};
use kilat_pipeline::{Config, Service};

use crate::house::{House, wait};
use crate::replay::{partition_of, replayed};

const RULES: &str = "workspace: acme
endpoints:
  crm: {url: https://crm.example/hook, secret: env:SECRET}
rules:
  - {id: greet, name: Greet, trigger: message.created, actions: [{type: send_webhook, to: crm, ttl: 10m}, {type: add_tag, value: greeted}]}
";

/// A wall clock that stands still.
struct Standing(SystemClock, Timestamp);

impl Clock for Standing {
    fn wall(&self) -> Timestamp {
        self.1
    }
    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
    fn rest(&self, most: Duration) {
        self.0.rest(most);
    }
}

/// The messages are of three o'clock; the pause lasts until four.
#[test]
fn after_an_hour_s_pause_a_ttl_of_ten_minutes_expires_and_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    house.publish("acme", RULES);
    let config = Config { threads: 1, transaction_interval_ms: 2, ..Config::default() };
    let mut results = Vec::new();
    for (run, time) in ["2026-11-20T03:00:01Z", "2026-11-20T04:00:00Z"].into_iter().enumerate() {
        let clock = Arc::new(Standing(SystemClock::new(), time.parse().unwrap()));
        let (service, tasks) = Service::assemble(house.log.clone(), &config, clock, None);
        let threads: Vec<_> = tasks.into_iter().map(|task| std::thread::spawn(task.body)).collect();
        wait(|| service.health().ready, "ready");
        house.messages(run * 1_000..(run + 1) * 1_000, "halo");
        wait(|| service.totals().events == 1_000, "decided");
        results.push((service.totals().evaluated, service.totals().actions));
        service.stop();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
    assert_eq!(results, [(1_000, 1_000), (1_000, 0)]);

    let mut sent = 0;
    house.read(Topic::ActionsWebhook.name(), &mut |_| sent += 1);
    assert_eq!(sent, 1_000, "those in time");
    let decisions = house.decisions();
    let first_action = |decision: &serde_json::Value| decision["fired"][0]["actions"][0].clone();
    let expired = decisions.iter().map(first_action).filter(|action| action["reason"] == "expired");
    assert_eq!(expired.filter(|action| action["result"] == "suppressed").count(), 1_000);

    // A replay, whenever it is run, decides by the clock of then.
    let (blocks, _) = replayed(&house.log, partition_of(&house), 1);
    assert!(blocks.iter().all(|block| block.divergence.is_none()), "{blocks:?}");
    assert_eq!(blocks.iter().map(|block| block.actions).sum::<u64>(), 1_000);
}
