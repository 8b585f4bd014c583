//! Checkpoints under a running pipeline: taken, used, damaged, unreachable; and a state topic that lost blocks.

use std::fs;
use std::path::{Path, PathBuf};

use kilat_codec::Topic;
use kilat_log::{MemberSpec, PartitionedLog, Polled, Transaction};
use kilat_pipeline::{CheckpointConfig, Config, Service, Topics};

use crate::house::{House, stop, wait};

/// The fortieth message of a conversation; there are seven conversations.
const RULES: &str = "workspace: acme
rules:
  - {id: fortieth, name: Fortieth, trigger: message.created, conditions: [{field: chat_count, op: equals, value: 40}], actions: [{type: set_status, value: responded}]}
";

/// A checkpoint after every block, and three of them kept.
fn config(place: &Path) -> Config {
    let place = place.to_str().expect("UTF-8").to_owned();
    let checkpoints = CheckpointConfig { place, interval_blocks: 1, ..CheckpointConfig::default() };
    Config { threads: 1, transaction_interval_ms: 2, checkpoints, ..Config::default() }
}

/// Messages from `from` on, `step` at a time, until `done`; how many there were then.
fn messages_until(
    house: &mut House,
    service: &Service,
    (from, step): (usize, usize),
    done: impl Fn(&House, usize) -> bool,
) -> usize {
    let mut next = from;
    while !done(house, next) {
        let evaluated = service.totals().evaluated;
        house.messages(next..next + step, "halo");
        wait(|| service.totals().evaluated == evaluated + step as u64, "evaluated");
        next += step;
    }
    next
}

/// Checkpoints of the one partition that has any, oldest first.
fn checkpoints(place: &Path) -> Vec<PathBuf> {
    let mut found = vec![place.to_owned()];
    for _ in 0..4 {
        let inside = |folder: &PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        found = found.iter().flat_map(inside).collect();
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "checkpoint"));
    found.sort_unstable();
    found
}

/// The first offset of the partition of the state topic that has any blocks.
fn first_block(log: &dyn PartitionedLog) -> i64 {
    let extent = |partition| log.extent(Topic::State.name(), partition).expect("known");
    (0..crate::house::PARTITIONS).map(extent).find(|extent| extent.end > 0).map_or(0, |extent| extent.start)
}

/// Runs until the state topic has been trimmed behind checkpoints; how many messages that took.
fn run_until_trimmed(house: &mut House, config: &Config) -> usize {
    house.publish("acme", RULES);
    let service = house.start_with(config);
    wait(|| service.registry().live("acme").is_some(), "live");
    let log = house.log.clone();
    let count = messages_until(house, &service, (0, 1), |_, _| first_block(&*log) > 0);
    stop(service);
    count
}

/// Goes on until every conversation has had its fortieth message, and compares with what the rule says.
fn go_on_and_compare(house: &mut House, config: &Config, from: usize) {
    let service = house.start_with(config);
    wait(|| service.registry().live("acme").is_some(), "live");
    messages_until(house, &service, (from, 10), |_, sent| sent >= 300);
    stop(service);
    let mut events: Vec<String> =
        house.decisions().iter().map(|decision| decision["event_id"].as_str().expect("an id").to_owned()).collect();
    events.sort_unstable();
    assert_eq!(events, ["e273", "e274", "e275", "e276", "e277", "e278", "e279"]);
}

/// Starts, and gives what it fails with.
fn failure(house: &House, config: &Config) -> String {
    let service = Service::start(house.log.clone(), config);
    wait(|| service.health().failed, "failed");
    let error = service.health().error.expect("an error");
    stop(service);
    error
}

#[test]
fn a_start_goes_on_from_a_checkpoint_when_the_blocks_before_it_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(&dir.path().join("log"));
    let config = config(&dir.path().join("checkpoints"));
    let sent = run_until_trimmed(&mut house, &config);
    assert!(sent < 273, "trimmed before the first decision, at {sent}");
    go_on_and_compare(&mut house, &config, sent);
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_an_older_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(&dir.path().join("log"));
    let place = dir.path().join("checkpoints");
    let config = config(&place);
    let sent = run_until_trimmed(&mut house, &config);
    let newest = checkpoints(&place).pop().expect("there are some");
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&newest, &bytes).unwrap();
    go_on_and_compare(&mut house, &config, sent);
}

#[test]
fn where_no_checkpoint_is_whole_and_blocks_are_gone_the_engine_stops_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(&dir.path().join("log"));
    let place = dir.path().join("checkpoints");
    let config = config(&place);
    run_until_trimmed(&mut house, &config);
    for checkpoint in checkpoints(&place) {
        fs::write(checkpoint, "KILATCKP").unwrap();
    }
    let error = failure(&house, &config);
    assert!(error.contains("kilat.state.v1 begins with block "), "{error}");
    assert!(error.contains("is damaged: it ends after 8 bytes") && error.contains("help: "), "{error}");

    fs::remove_dir_all(&place).unwrap();
    let error = failure(&house, &config);
    assert!(error.contains(&format!("there is no checkpoint of it in {}", place.display())), "{error}");

    let nowhere = Config { checkpoints: CheckpointConfig::default(), ..config };
    let error = failure(&house, &nowhere);
    assert!(
        error.contains("no place for checkpoints is set") && error.contains("`engine.checkpoints.place`"),
        "{error}"
    );
}

#[test]
fn a_store_that_fails_costs_checkpoints_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(&dir.path().join("log"));
    let occupied = dir.path().join("occupied");
    fs::write(&occupied, "a file where the directory should be").unwrap();
    house.publish("acme", RULES);
    let config = config(&occupied);
    go_on_and_compare(&mut house, &config, 0);
    assert_eq!(first_block(&*house.log), 0, "nothing was trimmed");
}

#[test]
fn a_place_that_is_none_ends_the_engine_with_the_setting_and_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(&dir.path().join("log"));
    let error = failure(&house, &config(Path::new("ftp://host/checkpoints")));
    assert!(
        error.contains("engine.checkpoints.place: `ftp://host/checkpoints`") && error.contains("help: "),
        "{error}"
    );
}

#[test]
fn a_state_topic_that_is_older_than_the_checkpoints_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (log, place) = (dir.path().join("log"), dir.path().join("checkpoints"));
    let config = config(&place);
    {
        let mut house = House::open(&log);
        house.publish("acme", RULES);
        let service = house.start_with(&config);
        messages_until(&mut house, &service, (0, 1), |_, _| checkpoints(&place).len() == 1);
        stop(service);
    }
    let backup = dir.path().join("backup");
    fs::create_dir(&backup).unwrap();
    for entry in fs::read_dir(&log).unwrap().flatten() {
        fs::copy(entry.path(), backup.join(entry.file_name())).unwrap();
    }
    {
        let mut house = House::open(&log);
        let service = house.start_with(&config);
        let before = checkpoints(&place).last().cloned();
        // Two, as the first may cover what was there at the start, which the older log has as well.
        let newer = || checkpoints(&place).into_iter().filter(|taken| Some(taken) > before.as_ref()).count();
        messages_until(&mut house, &service, (1_000, 1), |_, _| newer() >= 2);
        stop(service);
    }
    let error = failure(&House::open(&backup), &config);
    assert!(error.contains("was taken when kilat.state.v1 had come to block "), "{error}");
    assert!(error.contains("help: restore the topic from a backup"), "{error}");
}

#[test]
fn blocks_that_are_missing_at_the_end_are_noticed_by_the_offsets_of_the_group() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(&dir.path().join("log"));
    house.messages(0..10, "halo");
    // As if the state topic had been deleted and made anew: the group has read its input, and no block tells of it.
    let config = Config { threads: 1, ..Config::default() };
    let inputs: Vec<String> = Topics::INPUTS.iter().map(|topic| topic.name().to_owned()).collect();
    let spec = MemberSpec { group: config.group.clone(), instance: "once".to_owned(), inputs, outputs: Vec::new() };
    let mut member = house.log.join(&spec).unwrap();
    let (mut read, mut transaction) = (0, Transaction::default());
    while read < 10 {
        let polled = member.poll(std::time::Duration::from_millis(50), 10, &mut |records| {
            for record in records {
                transaction.advance(record.input, record.partition, record.offset + 1);
            }
        });
        if let Polled::Records(records) = polled.unwrap() {
            read += records;
        }
    }
    member.commit(&transaction).unwrap();
    drop(member);
    let error = failure(&house, &config);
    assert!(error.contains("the group has read kilat.messages.v1 up to offset 10"), "{error}");
    assert!(error.contains("number 0, up to 0") && error.contains("help: restore the topic"), "{error}");
}
