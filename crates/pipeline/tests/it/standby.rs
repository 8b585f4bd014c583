//! Two engines on one log: one takes over from the other with state it had in memory, where no restore is possible any more.

use std::path::Path;

use kilat_codec::Topic;
use kilat_pipeline::{Config, Service, StandbyCopies};

use crate::house::{House, PARTITIONS, stop, wait};

/// The fortieth message of a conversation; there are seven conversations.
const RULES: &str = "workspace: acme
rules:
  - {id: fortieth, name: Fortieth, trigger: message.created, conditions: [{field: chat_count, op: equals, value: 40}], actions: [{type: set_status, value: responded}]}
";

fn config(instance: &str, standby: StandbyCopies) -> Config {
    Config { instance: instance.to_owned(), standby, threads: 1, transaction_interval_ms: 2, ..Config::default() }
}

fn start(house: &House, config: &Config) -> Service {
    let service = house.start_with(config);
    wait(|| service.registry().live("acme").is_some(), "live");
    service
}

/// Messages up to `to`, ten in a transaction, each evaluated by one of these.
fn messages(house: &mut House, services: &[&Service], from: usize, to: usize) {
    let evaluated = || services.iter().map(|service| service.totals().evaluated).sum::<u64>();
    for next in (from..to).step_by(10) {
        let before = evaluated();
        house.messages(next..next + 10, "halo");
        wait(|| evaluated() == before + 10, "evaluated");
    }
}

/// The partition that has blocks, and the number of the last.
fn last_block(house: &House) -> (u32, i64) {
    let mut last = (0, 0);
    house.read(Topic::State.name(), &mut |record| {
        let block = kilat_codec::decode_state_block(record.value.expect("a value")).expect("decodes");
        last = (record.partition, block.sequence);
    });
    last
}

/// Removes every block there is: a restore is not possible any more.
fn remove_blocks(house: &House, partition: u32) {
    let end = house.log.extent(Topic::State.name(), partition).expect("known").end;
    house.log.trim(Topic::State.name(), partition, end).expect("trims");
}

/// What the rule says of 300 messages.
fn compare(house: &House) {
    let mut events: Vec<String> =
        house.decisions().iter().map(|decision| decision["event_id"].as_str().expect("an id").to_owned()).collect();
    events.sort_unstable();
    assert_eq!(events, ["e273", "e274", "e275", "e276", "e277", "e278", "e279"]);
}

fn house(dir: &Path) -> House {
    let mut house = House::open(dir);
    house.publish("acme", RULES);
    house
}

/// Holds to SB-2.
#[test]
fn a_standby_takes_over_what_could_not_be_restored() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = house(dir.path());
    let [first, second] = ["a", "b"].map(|instance| start(&house, &config(instance, StandbyCopies::All)));
    messages(&mut house, &[&first, &second], 0, 100);
    let (owner, other) = if first.totals().evaluated > 0 { (first, second) } else { (second, first) };
    let last = last_block(&house);
    wait(|| other.standby().contains(&last), "followed");
    remove_blocks(&house, last.0);
    stop(owner);
    messages(&mut house, &[&other], 100, 300);
    stop(other);
    compare(&house);
}

/// Holds to SB-1.
#[test]
fn a_partition_that_comes_back_is_not_restored() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = house(dir.path());
    let one = start(&house, &config("m", StandbyCopies::None));
    messages(&mut house, &[&one], 0, 100);
    let (partition, sequence) = last_block(&house);
    // Shares are given out in the order of names.
    let name = if partition < PARTITIONS / 2 { "a" } else { "z" };
    let another = start(&house, &config(name, StandbyCopies::None));
    wait(|| one.standby().contains(&(partition, sequence)), "handed back");
    remove_blocks(&house, partition);
    messages(&mut house, &[&another], 100, 200);
    stop(another);
    messages(&mut house, &[&one], 200, 300);
    stop(one);
    compare(&house);
}
