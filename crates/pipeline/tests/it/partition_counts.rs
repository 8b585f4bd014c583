//! Topics that go together and have different partition counts: nothing is read before somebody has made them equal.

use kilat_codec::Topic;
use kilat_pipeline::{Config, Service};

use crate::house::{House, PARTITIONS, stop, wait};

#[test]
fn topics_of_different_partition_counts_are_named_with_the_remedy_and_nothing_is_read() {
    for other in [Topic::LeadChanges, Topic::State, Topic::Spread] {
        let dir = tempfile::tempdir().unwrap();
        let few = |topic| if topic == other { PARTITIONS - 1 } else { PARTITIONS };
        let mut house = House::open_with(dir.path(), few);
        house.messages(0..10, "halo");
        let config = Config::default();
        let service = Service::start(house.log.clone(), &config);
        wait(|| service.health().error.is_some(), "told");
        let health = service.health();
        stop(service);

        let error = health.error.unwrap();
        let expected = format!("topic `{}` has 3 partitions and kilat.messages.v1 has 4", other.name());
        assert!(error.contains(&expected) && error.contains("help: make the one that is wrong anew"), "{error}");
        assert!(!health.ready);
        let partitions: Vec<u32> = (0..PARTITIONS).collect();
        let committed = house.log.committed(&config.group, Topic::Messages.name(), &partitions).unwrap();
        assert_eq!(committed, [None; PARTITIONS as usize]);
    }
}
